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

from gateway.api import ApiProblem
from gateway.core.errors import GatewayError
from tests.kit.lab.books import SIDES
from tests.kit.lab.check import check
from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.ledger import read_ledger
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Traffic, make_letter, offices, until_read

PAGES_EACH = 4
"""Of the documents one in so many is a bit that is flipped in a database: each costs a check of everything."""
SETTLE_SECONDS = 20.0
TOLD = ("blob.damaged", "peer.unreachable")
"""By the gateway before it answers, or by the office's program, which has seen that the digest is another one."""
UNPROVEN = frozenset({("work", "*"), ("feed", "*"), ("streams", "*"), ("fences", "*"), ("named_blobs", "*")})
"""Tables that no leaf speaks of: what to do next, and what is derived from rows that have their leaves."""


async def bit_rot(order: Order) -> Done:
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
    hurt(notes["waiting: stopped"] > 0, f"only {dict(notes)}")
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
            for entry in (await client.inbox(limit=200))["entries"]:
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
    if all((table, "*") in UNPROVEN or (table, column) in UNPROVEN for table, column in changed):
        return "of no consequence", ""
    return "unnoticed", ", ".join(f"{table}.{column}" for table, column in sorted(changed))


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
    """The other gateway is away; every other envelope that waits for it rots; then it comes back."""
    await made.gateways.stop("government")
    known = set(blobs(made, "party"))
    first = order.documents + 1
    letters = [make_letter(made, order.seed, number) for number in range(first, first + 3 * order.documents)]
    letters = [letter for letter in letters if letter.sender == made.offices[0]][: order.documents // 2]
    await traffic.run(letters)
    await asyncio.sleep(2)  # sealed and put on the way, which is closed
    chance = random.Random(order.seed)
    rotten = {path.name: flip_any(path, chance) for path in blobs(made, "party") if path not in known}
    await made.gateways.start("government")
    await made.gateways.ready("government")
    notes["waiting: rotten blobs"] = len(rotten)
    end = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while await made.on_the_way() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.5)
    return _arrived(made, letters[0].number, notes)


def _arrived(made: Site, first: int, notes: Counter[str]) -> list[str]:
    """Whatever is in an inbox is what was acknowledged."""
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
    for line in late:
        if line["document_id"] not in inboxes:
            notes["waiting: stopped"] += 1
        elif any(digest not in inboxes[line["document_id"]] for digest in line["digests"]):
            wrong.append(f"{line['idempotency_key']} arrived with other bytes")
        else:
            notes["waiting: arrived whole"] += 1
    return wrong
