"""ALL0 (reliability.md B4), from outside and after the fact: `python -m tests.kit.lab.check FOLDER`, a process of its own.

It has the two ledgers of the lab, the databases and blobs of both gateways, and no word of theirs but what is written
there. Against the ledgers it holds the tables; the rest (every receipt, every envelope, every row against its leaves, both
logs, each receipt's leaf in the other gateway's log) is the check of a stranger that the product's own evidence room does.
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.demo.verify import verify_demo
from tests.kit.lab.books import OPEN, SIDES, STAGED, UNROUTED, Books, read_books
from tests.kit.lab.ledger import read_ledger

PER_SECOND = 100_000
"""After a restore numbers and cursors begin at the seconds since 1970 times this (docs/PROTOCOL.md section 6b)."""
FINAL = frozenset({"delivered", "refused", "expired", "rerouted", "void"})

Row = tuple[Any, ...]


@dataclass
class Verdict:
    """What is wrong, by kind; empty lists are good."""

    documents: int = 0
    """That were acknowledged."""
    entries: int = 0
    receipts: int = 0
    leaves: int = 0
    late: int = 0
    """Entries whose turn had gone by when they came, as the log says."""
    lost: list[str] = field(default_factory=list)
    dup: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.dup or self.order or self.problems)


@dataclass(frozen=True)
class Tables:
    """What both gateways have, read once."""

    documents: dict[str, Row]
    """key -> (sender, document_id, state, idempotency_key), documents only."""
    deliveries: dict[tuple[str, str], Row]
    """(document, recipient) -> (sequence, state, evidence, business_status, sender)."""
    inbox: dict[tuple[str, str, str], list[Row]]
    """(recipient, sender, document_id) -> (cursor, sequence, attachments, key)."""
    given: dict[str, bytes | None]
    """Receipts as they were given, by transfer."""
    held: dict[str, bytes | None]
    """Receipts as they are held."""
    again: dict[str, bytes | None] = field(default_factory=dict)
    """Receipts that were given a second time, by a gateway that was restored."""
    restored: dict[str, list[int]] = field(default_factory=dict)
    """Side -> beyond which number it began again after each restore."""
    late: frozenset[str] = frozenset()
    """Entries that came when nobody waited for them any more: the log says so of them."""


def read_tables(books: Books) -> Tables:
    documents: dict[str, Row] = {}
    deliveries: dict[tuple[str, str], Row] = {}
    given: dict[str, bytes | None] = {}
    again: dict[str, bytes | None] = {}
    restored: dict[str, list[int]] = {}
    held: dict[str, bytes | None] = {}
    inbox: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    late: set[str] = set()
    for side in SIDES:
        for key, *said in books.rows(
            side, "SELECT key, sender, document_id, state, idempotency_key FROM documents WHERE kind = 'edoc'"
        ):
            documents[key] = tuple(said)
        for document, recipient, *said in books.rows(
            side,
            "SELECT d.document, d.recipient, d.sequence, d.state, d.evidence, d.business_status, o.sender"
            " FROM deliveries d JOIN documents o ON o.key = d.document",
        ):
            deliveries[document, recipient] = tuple(said)
        for recipient, sender, document_id, *said in books.rows(
            side, "SELECT recipient, sender, document_id, cursor, sequence, attachments, key FROM inbox"
        ):
            inbox[recipient, sender, document_id].append(tuple(said))
        late.update(key for (key,) in books.rows(side, "SELECT subject FROM openings WHERE event = 'inbox.late'"))
        given.update(books.rows(side, "SELECT key, answer FROM incoming_transfers"))
        held.update(books.rows(side, "SELECT key, answer FROM transfers"))
        again.update(books.rows(side, "SELECT transfer, answer FROM resends"))
        restored[side] = [number * PER_SECOND for (number,) in books.rows(side, "SELECT number FROM reopenings")]
    return Tables(
        documents=documents,
        deliveries=deliveries,
        inbox=dict(inbox),
        given=given,
        held=held,
        again=again,
        restored=restored,
        late=frozenset(late),
    )


def lost(ledger: list[dict[str, Any]], tables: Tables) -> Iterator[str]:
    """What was acknowledged and is not where it belongs, in the one state in which it must end."""
    for line in ledger:
        name, document = line["idempotency_key"], tables.documents.get(line["document"])
        if document is None:
            yield f"{name}: acknowledged as {line['document']}, and there is no such document"
            continue
        if line["expect"] == "stopped":
            if document[2] not in {"refused", "held"}:
                yield f"{name}: the document should have been stopped, and is {document[2]}"
            continue
        for recipient in line["recipients"]:
            yield from (f"{name}: {fault}" for fault in _not_there(line, recipient, tables))


def _not_there(line: dict[str, Any], recipient: str, tables: Tables) -> Iterator[str]:
    delivery = tables.deliveries.get((line["document"], recipient))
    if delivery is None or delivery[1:3] != ("delivered", "receipt"):
        yield f"the delivery to {recipient} is {delivery and delivery[1:3]}"
    entries = tables.inbox.get((recipient, line["sender"], line["document_id"]), [])
    if not entries:
        yield f"it is not in the inbox of {recipient}"
    for entry in entries:
        if missing := [digest for digest in line["digests"] if digest not in entry[2]]:
            yield f"{recipient} has other bytes than {missing}"


def doubled(ledger: list[dict[str, Any]], seen: list[dict[str, Any]], tables: Tables) -> Iterator[str]:
    """Effects that happened twice, or that nobody asked for."""
    known = {(line["sender"], line["document_id"]) for line in ledger}
    for name, count in Counter(document[3] for document in tables.documents.values()).items():
        if count > 1:
            yield f"{name} is {count} documents"
    for (recipient, sender, document_id), entries in tables.inbox.items():
        if len(entries) > 1:
            yield f"{recipient} has {document_id} {len(entries)} times"
        if (sender, document_id) not in known:
            yield f"{recipient} has {document_id}, which nobody was told of"
    # What a restored gateway received again its bodies read again: once, at a cursor beyond the restore.
    told = Counter(
        (line["organ"], line["sender"], line["document_id"], line.get("cursor", 0) // PER_SECOND) for line in seen
    )
    yield from (f"{where} was read {count} times by its cursor" for where, count in told.items() if count > 1)


def unread(seen: list[dict[str, Any]], tables: Tables) -> Iterator[str]:
    """Entries over which a reader's cursor has stepped: they are there, and their body will never see them."""
    told = {(line["organ"], line["sender"], line["document_id"]) for line in seen}
    readers = {line["organ"] for line in seen}
    yield from (f"{where} was never read" for where in tables.inbox if where[0] in readers and where not in told)


def unanswered(seen: list[dict[str, Any]], ledger: list[dict[str, Any]], tables: Tables) -> Iterator[str]:
    """What a recipient accepted, and its sender does not know of."""
    keys = {(line["sender"], line["document_id"]): line["document"] for line in ledger}
    for line in seen:
        if line["accepted"] and (document := keys.get((line["sender"], line["document_id"]))):
            status = tables.deliveries[document, line["organ"]][3]
            if status != "03":
                yield f"{line['organ']} has accepted {line['document_id']}, and its sender reads {status}"


def moving(books: Books) -> Iterator[str]:
    """What is still on its way: everything was said to be at rest, and nothing that is moving can be judged."""
    for side in SIDES:
        for query in (OPEN, UNROUTED, STAGED):
            if count := int(books.rows(side, query)[0][0]):
                yield f"{side}: {count} at `{query}`"


def numbered(tables: Tables) -> Iterator[str]:
    """Numbers of a stream: from 1, no gap, none twice, the same on both sides."""
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (document, recipient), (sequence, *_rest, sender) in tables.deliveries.items():
        if sequence:
            streams[sender, recipient].append(sequence)
        if document in tables.documents:
            where = (recipient, sender, tables.documents[document][1])
            for entry in tables.inbox.get(where, []):
                if entry[1] != sequence:
                    yield f"{where} is number {sequence} where it was sent and {entry[1]} where it arrived"
    begins = {0, *(base for bases in tables.restored.values() for base in bases)}
    for stream, every in streams.items():
        for base in begins:
            numbers = sorted(number - base for number in every if number // PER_SECOND == base // PER_SECOND)
            if numbers != list(range(1, len(numbers) + 1)):
                yield f"the numbers of {stream} are not {base + 1} to {base + len(numbers)}"
        if any(number // PER_SECOND * PER_SECOND not in begins for number in every):
            yield f"the numbers of {stream} begin where nothing was restored"


def early(tables: Tables) -> Iterator[str]:
    """Entries let in before a smaller number of their stream that did not come late, and entries that still wait for one."""
    streams: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for (recipient, sender, _), entries in tables.inbox.items():
        streams[sender, recipient] += [(entry[0], entry[1]) for entry in entries if entry[3] not in tables.late]
    for stream, pairs in streams.items():
        highest = 0
        for cursor, number in sorted(pairs):
            if cursor < 0:
                yield f"{stream}: {number} waits for a smaller number"
                continue
            if number < highest:
                yield f"{stream}: {number} after {highest}"
            highest = max(highest, number)


def given_up(tables: Tables) -> Iterator[str]:
    """Entries that came late where nobody had a reason to stop waiting: no fault lasts as long as a wait, but for a restore."""
    if not any(tables.restored.values()):
        yield from (f"entry {key} came when nobody waited for it any more" for key in sorted(tables.late))


def receipts(tables: Tables) -> Iterator[str]:
    """A receipt has the same bytes where it was given and where it is held."""
    for transfer, answer in tables.held.items():
        if answer is not None and tables.given.get(transfer) not in (answer, tables.again.get(transfer)):
            yield f"transfer {transfer}: the receipt held is not the one that was given"


def sound(books: Books) -> Iterator[str]:
    """What SQLite itself says of its files."""
    for side in filter(books.is_sqlite, SIDES):
        for pragma in ("integrity_check", "foreign_key_check"):
            yield from (f"{side}: {row}" for row in books.rows(side, f"PRAGMA {pragma}") if row != ("ok",))


def check_tables(books: Books) -> Verdict:
    """Everything but the evidence."""
    ledger, seen, tables = list(read_ledger(books.acknowledged)), list(read_ledger(books.seen)), read_tables(books)
    return Verdict(
        documents=len({line["idempotency_key"] for line in ledger}),
        entries=sum(map(len, tables.inbox.values())),
        late=len(tables.late),
        lost=[*lost(ledger, tables), *unread(seen, tables), *unanswered(seen, ledger, tables), *moving(books)],
        dup=list(doubled(ledger, seen, tables)),
        order=[*numbered(tables), *early(tables), *given_up(tables)],
        problems=[*receipts(tables), *sound(books)],
    )


async def check(folder: Path) -> Verdict:
    """All of it."""
    books = read_books(folder)
    verdict = check_tables(books)
    found: dict[str, Any] = await verify_demo(books.network)
    verdict.problems += found["problems"]
    verdict.receipts, verdict.leaves = found["receipts"], found["leaves"]
    return verdict


def main() -> int:
    verdict = asyncio.run(check(Path(sys.argv[1])))
    sys.stdout.write(json.dumps(asdict(verdict), ensure_ascii=False) + "\n")
    return 0 if verdict.good else 4


if __name__ == "__main__":
    sys.exit(main())
