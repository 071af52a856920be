"""F-15: bits that flip on the disk, in blobs and in the pages of databases. Found, and never handed to anybody.

Three parts. *Waiting*: blobs rot while their recipients' gateway is away; what rotted does not leave. *There*: blobs rot in
inboxes; whoever asks for them hears that they are damaged. *Pages*: the gateways are stopped, one bit of a database is
flipped, and either SQLite says so, or the check of a stranger does, or no row is another one. Then the bit is flipped back.
"""

import asyncio
import hashlib
import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from gateway.api import ApiProblem, OfficeClient
from gateway.core.errors import GatewayError
from tests.kit.lab.books import SIDES
from tests.kit.lab.check import check
from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.ledger import read_ledger
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Traffic, make_letter, offices, until_read

PAGES_EACH = 4
"""Of the documents one in so many is a bit that is flipped in a database: each costs a check of everything."""
SETTLE_SECONDS = 300.0
TOLD = ("blob.damaged", "peer.unreachable")
"""By the gateway before it answers, or by the office's program, which has seen that the digest is another one."""
UNPROVEN = frozenset(
    {
        # What to do next, and how far it has come: no leaf tells of an attempt.
        *((table, "*") for table in ("work", "fences", "destinations", "dead_letters")),
        *(("transfers", column) for column in ("attempts", "reason", "deadline", "changed_at")),
        ("deliveries", "changed_at"),
        # What is counted again from rows that have their leaves, and finds them.
        *((table, "*") for table in ("feed", "streams", "incoming_streams", "incoming_numbers", "named_blobs")),
        ("tree_head", "base"),
        ("turnstiles", "last"),
        ("turnstiles", "name"),
        # The order in which rows came; what has an order of its own has it in its leaves or its slip.
        *((table, "row") for table in ("activations", "deliveries", "transfers", "openings")),
        ("incoming_recipients", "position"),
        ("inbox", "cursor"),
        # Under which random name the log speaks of a stream from now on; what it has said so far has its leaves.
        ("stream_handles", "*"),
        # The office's own name for its order, whether its key may seal, and the request's trace: said to nobody else.
        *(("documents", column) for column in ("idempotency_key", "may_seal", "trace_id")),
        # Of what happened to no row that is kept (a refused line, an alarm): its key stands nowhere else.
        ("openings", "subject"),
        # What fills the text of a refusal: the leaf has its code.
        ("documents", "reason_params"),
        # When the other gateway says it sent: neither the receipt nor the leaf repeats it. It is proven where it was sent.
        ("incoming_transfers", "sent_at"),
        # By which rule of the registry a recipient's gateway was found: the leaf names the edition and the recipient.
        ("deliveries", "route_reason"),
    }
)
"""Columns that nothing signed or hashed contains: tables as a whole (`*`), and single ones."""


async def bit_rot(order: Order) -> Done:
    """F-15: all three parts. No check at the end: what rotted is still there."""
    chance, wrong = random.Random(order.seed), list[str]()
    notes: Counter[str] = Counter()
    async with site(order.folder, seed=order.seed) as made:
        async with made.gateways, offices(made, order.seed) as traffic:
            await traffic.run([make_letter(made, order.seed, number) for number in range(1, order.documents + 1)])
            await made.rest()
            await until_read(made, traffic)
            wrong += await _there(made, chance, order, notes)
        wrong += await _pages(made, chance, order.documents // PAGES_EACH, notes)
        async with made.gateways, offices(made, order.seed) as traffic:
            wrong += await _waiting(made, traffic, order, notes)
    hurt(notes["blobs asked for"] > 0 and notes["pages: found"] > 0, f"only {dict(notes)}")
    hurt(notes["waiting: stopped"] > 0 and notes["waiting: arrived whole"] > 0, f"only {dict(notes)}")
    return Done(checked=False, notes=dict(notes), wrong=wrong)


def flip(path: Path, at: int, bit: int) -> None:
    """One bit is another one, whoever may write the file."""
    with path.open("r+b", buffering=0) as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << bit)]))


def flip_any(path: Path, chance: random.Random) -> tuple[int, int]:
    """Somewhere; where."""
    where = chance.randrange(path.stat().st_size), chance.randrange(8)
    flip(path, *where)
    return where


def blobs(made: Site, side: str) -> list[Path]:
    return sorted(path for path in (made.state(side) / "blobs").glob("??/*") if path.is_file())


# --- in inboxes ------------------------------------------------------------------------------------------------------


async def _there(made: Site, chance: random.Random, order: Order, notes: Counter[str]) -> list[str]:
    """Every other blob of the recipients' gateway; then each office asks for all that it has."""
    wrong = []
    rotten = blobs(made, "government")[::2]
    places = [(path, flip_any(path, chance)) for path in rotten]
    sent = {digest for line in read_ledger(made.books.acknowledged) for digest in line["digests"]}
    for organ in made.offices[1:]:
        async with made.client(organ) as client:
            for entry in await _entries(client):
                path = order.folder / "asked-for"
                notes["blobs asked for"] += 1
                try:
                    await client.attachment(entry["key"], 1, path)
                except (ApiProblem, GatewayError) as error:
                    notes[f"blobs: told {error.code}"] += 1
                    if error.code not in TOLD:
                        wrong.append(f"{organ} was told {error.code} of {entry['key']}")
                    continue
                notes["blobs: handed out"] += 1
                name = (await client.entry(entry["key"]))["attachments"][0]["name"]
                if hashlib.sha256(path.read_bytes()).hexdigest() not in sent and not name.endswith(".pdf"):
                    wrong.append(f"{organ} was handed other bytes than were sent: {entry['key']} {name}")
    for path, where in places:
        flip(path, *where)
    if not any(notes[f"blobs: told {code}"] for code in TOLD) or not notes["blobs: handed out"]:
        wrong.append(f"{len(rotten)} blobs rotted: {dict(notes)}")
    return wrong


async def _entries(client: OfficeClient) -> list[dict[str, Any]]:
    """All of an inbox, page by page."""
    found: list[dict[str, Any]] = []
    while page := (await client.inbox(after=found[-1]["cursor"] if found else 0))["entries"]:
        found += page
    return found


# --- in databases ----------------------------------------------------------------------------------------------------


async def _pages(made: Site, chance: random.Random, bits: int, notes: Counter[str]) -> list[str]:
    wrong = []
    before = {side: rows_of(made.books.databases[side]) for side in SIDES}
    assert (verdict := await check(made.books.folder)).good, f"it was not well before: {verdict}"
    for _ in range(bits):
        side = chance.choice(SIDES)
        path = Path(made.books.databases[side])
        where = flip_any(path, chance)
        try:
            how, what = await _look(made, side, before[side])
        finally:
            flip(path, *where)
        notes[f"pages: {how}"] += 1
        if how == "unnoticed":
            wrong.append(f"{side}: bit {where[1]} of byte {where[0]} is another one, and nobody notices: {what}")
    return wrong


async def _look(made: Site, side: str, before: dict[str, list[Any]]) -> tuple[str, str]:
    """How it is found, or that there is nothing to find."""
    try:
        if made.books.rows(side, "PRAGMA integrity_check") != [("ok",)]:
            return "found", ""
        verdict = await check(made.books.folder)
        now = rows_of(made.books.databases[side])
    except GatewayError as error:
        if error.code == "internal":
            raise
        return "found", ""
    except (sqlite3.Error, ValueError, AssertionError):
        return "found", ""  # whoever reads it stumbles over it
    if not verdict.good:
        return "found", ""
    changed = different(before, now)
    if not changed:
        return "no row changed", ""
    if all(unproven(table, column) for table, column in changed):
        return "of no consequence", ""
    return "unnoticed", ", ".join(f"{table}.{column}" for table, column in sorted(changed))


def unproven(table: str, column: str) -> bool:
    """Whether nothing that is kept can tell that it is another value."""
    return (table, "*") in UNPROVEN or (table, column) in UNPROVEN


def rows_of(database: str) -> dict[str, list[Any]]:
    """Every row of every table, by name."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')] for table in tables}
    finally:
        connection.close()


def different(before: dict[str, list[Any]], now: dict[str, list[Any]]) -> set[tuple[str, str]]:
    """Columns that say something else now; `*` where it is not one value."""
    found: set[tuple[str, str]] = set()
    for table in before.keys() | now.keys():
        old, new = before.get(table, []), now.get(table, [])
        if len(old) != len(new):
            found.add((table, "*"))
            continue
        for one, other in zip(old, new, strict=True):
            found |= {(table, name) for name in one if one[name] != other.get(name)}
    return found


# --- on the way ------------------------------------------------------------------------------------------------------


async def _waiting(made: Site, traffic: Traffic, order: Order, notes: Counter[str]) -> list[str]:
    """The other gateway is away; every other file of what waits for it rots; then it comes back."""
    await made.gateways.stop("government")
    known = set(blobs(made, "party"))
    first = order.documents + 1
    letters = [make_letter(made, order.seed, number) for number in range(first, first + 3 * order.documents)]
    letters = [letter for letter in letters if letter.sender == made.offices[0]][: order.documents // 2]
    # None of them ends before the other gateway is back.
    await traffic.run(letters, ahead=sum(1 + len(letter.recipients) for letter in letters))
    await asyncio.sleep(2)  # sealed and put on the way, which is closed
    chance = random.Random(order.seed)
    rotten = [path for path in blobs(made, "party") if path not in known][::2]
    for path in rotten:
        flip_any(path, chance)
    await made.gateways.start("government")
    await made.gateways.ready("government")
    notes["waiting: rotten blobs"] = len(rotten)
    await made.rest(SETTLE_SECONDS)
    return _arrived(made, letters[0].number, {path.name for path in rotten}, notes)


def _arrived(made: Site, first: int, rotten: set[str], notes: Counter[str]) -> list[str]:
    """Whatever is in an inbox is what was acknowledged; what is not had a file that rotted."""
    wrong = []
    late = [
        line
        for line in read_ledger(made.books.acknowledged)
        if int(line["idempotency_key"].rpartition("-")[2]) >= first
    ]
    inboxes = {}
    for side in SIDES:
        for document, digests in made.books.rows(side, "SELECT document_id, attachments FROM inbox"):
            inboxes[document] = digests
    files = dict(made.books.rows("party", "SELECT key, coalesce(envelope_digest, '') || attachments FROM documents"))
    for line in late:
        if line["document_id"] not in inboxes:
            notes["waiting: stopped"] += 1
            if not any(name in files[line["document"]] for name in rotten):
                wrong.append(f"{line['idempotency_key']} did not arrive, and none of its files rotted")
        elif any(digest not in inboxes[line["document_id"]] for digest in line["digests"]):
            wrong.append(f"{line['idempotency_key']} arrived with other bytes")
        else:
            notes["waiting: arrived whole"] += 1
    return wrong
