"""A database as it is after years: finished documents by the million, poured into every table in which one leaves a row.

A few documents really walk from one gateway to the other; their rows, on either side, are the *moulds*. Each copy is the
mould's rows with names, numbers, digests and keys of its own wherever the mould's stood, also inside JSON and receipts; its
leaves stand in the tree, which grows by the very function that the sequencer uses, so the log proves itself afterwards as
before. What a copy has not: a receipt that verifies, and files. Nothing asks for them, but `gateway doctor` would.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Protocol

from gateway.audit.tree import HASH_BYTES, extend
from gateway.core.events import TreeHead

BATCH: Final = 2_000
"""Documents that are poured at a time."""
TOLD: Final = 100_000
"""After that many a line says how far it is: a million takes its time."""
FIRST_MILLIS: Final = 1_700_000_000_000
"""The keys of the copies are older than every real one."""

_ROWS: Final[Mapping[str, str]] = {
    "documents": "key",
    "deliveries": "document",
    "transfers": "document",
    "incoming_transfers": "key",
    "incoming_recipients": "transfer",
    "inbox_messages": "digest",
    "inbox": "transfer",
    "incoming_numbers": "transfer",
    "openings": "document",
    "leaves": "hash",
    "feed": "opening",
}
"""By what the rows of one document are found in each table, in an order in which rows may be written."""
NUMBERED: Final = {"deliveries": "row", "transfers": "row", "openings": "row", "inbox": "cursor"}
"""Columns that count on by themselves, by table."""

Row = dict[str, Any]


class Database(Protocol):
    """A gateway's database while the gateway is stopped."""

    def rows(self, table: str, column: str, values: Sequence[Any]) -> list[Row]:
        """Rows whose column has one of these values; none where there is no such table."""
        ...

    def greatest(self, table: str, column: str) -> int:
        """The greatest number in a column; 0 in an empty table."""
        ...

    def pour(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows, as fast as it goes."""
        ...

    def change(self, statement: str, values: Sequence[Any]) -> None:
        """One statement; values where it says `?`."""
        ...

    def settle(self) -> None:
        """Everything is in: leave the database as the service leaves it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mould:
    """The rows that one finished document has left on one side."""

    tables: Mapping[str, Sequence[Row]]
    number: int
    """Of its stream."""

    def names(self) -> list[str]:
        """What a copy has its own of, once each: keys and digests, as texts."""
        found: dict[str, None] = {}
        for row in self.tables.get("documents", ()):
            found |= dict.fromkeys((row["key"], row["request_digest"], row["envelope_digest"], row["idempotency_key"]))
        for table in ("deliveries", "transfers", "incoming_transfers", "inbox"):
            found |= dict.fromkeys(str(row["key"]) for row in self.tables.get(table, ()))
        for row in self.tables.get("inbox", ()):
            found |= dict.fromkeys((row["message_digest"], row["envelope_digest"]))
        for table in ("documents", "inbox"):
            for row in self.tables.get(table, ()):
                found |= dict.fromkeys(_digests(row["attachments"]))
        return [name for name in found if name]

    @property
    def document_id(self) -> str:
        """Its name on the wire."""
        return str((self.tables.get("documents") or self.tables["incoming_transfers"])[0]["document_id"])


def mould(database: Database, transfer: str) -> Mould:
    """The rows of the document that this transfer carried, on the side whose database this is."""
    carried = database.rows("transfers", "key", [transfer])
    story = carried[0]["document"] if carried else transfer
    wanted: dict[str, Sequence[Any]] = {
        "documents": [story] if carried else [],
        "deliveries": [story] if carried else [],
        "transfers": [story] if carried else [],
        "incoming_transfers": [transfer],
        "incoming_recipients": [transfer],
        "inbox": [transfer],
        "incoming_numbers": [transfer],
        "openings": [story],
    }
    tables: dict[str, Sequence[Row]] = {}
    for table, column in _ROWS.items():
        if table == "inbox_messages":
            inbox = database.rows("inbox", "transfer", [transfer])
            wanted[table] = [row["message_digest"] for row in inbox]
        elif table == "leaves":
            wanted[table] = [row["hash"] for row in tables["openings"]]
        elif table == "feed":
            wanted[table] = [row["row"] for row in tables["openings"]]
        tables[table] = database.rows(table, column, wanted[table]) if wanted[table] else []
    tables["leaves"] = sorted(tables["leaves"], key=lambda row: int(row["position"]))
    numbered = tables["deliveries"] or tables["incoming_recipients"]
    return Mould(tables=tables, number=numbered[0]["sequence"])


def _digests(attachments: str) -> Iterator[str]:
    for piece in attachments.split('"digest":"')[1:]:
        yield piece.split('"', 1)[0]


class _Text:
    """A text or byte string of the mould, cut where names stand, so that a copy is one join."""

    __slots__ = ("_empty", "_pieces", "_places")

    def __init__(self, text: str | bytes, names: Mapping[str, int]) -> None:
        binary = isinstance(text, bytes)
        self._empty: Any = b"" if binary else ""
        pieces: list[Any] = [text]
        places: list[tuple[int, int]] = []
        for name, index in names.items():
            key: Any = name.encode() if binary else name
            cut: list[Any] = []
            for piece in pieces:
                parts = [piece] if isinstance(piece, int) else piece.split(key)
                for n, part in enumerate(parts):
                    cut += [index, part] if n else [part]
            pieces = cut
        places = [(n, piece) for n, piece in enumerate(pieces) if isinstance(piece, int)]
        self._pieces, self._places = pieces, places

    @property
    def constant(self) -> bool:
        """Whether a copy has the same."""
        return not self._places

    def copy(self, fresh: Sequence[Any]) -> Any:
        """The text with these names."""
        pieces = self._pieces[:]
        for place, index in self._places:
            pieces[place] = fresh[index]
        return self._empty.join(pieces)


@dataclass(slots=True)
class _Row:
    """One row of a mould, made ready for copying."""

    table: str
    columns: tuple[str, ...]
    values: list[Any]
    texts: list[tuple[int, _Text]] = field(default_factory=list)
    blobs: list[tuple[int, _Text]] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    leaf: int = -1
    """Which of the document's leaves it is of: an opening, a leaf, a line of the feed."""


class Caster:
    """Copies of one mould. The numbers that count on by themselves are the filling's (`_Counters`)."""

    def __init__(self, of: Mould) -> None:
        names = of.names()
        numbers = [f'"sequence":{of.number}', f'"q":{of.number},', of.document_id, _code(of.document_id)]
        leaves = [str(row["data"][6:49], "ascii") for row in of.tables["leaves"]]
        hashes = [row["hash"].hex() for row in of.tables["leaves"]]
        self._names = names
        self._organ, self._notation = of.document_id.split(",")[0], of.document_id.rsplit("/", 2)[1:]
        self._leaf_of = {row["hash"]: n for n, row in enumerate(of.tables["leaves"])}
        places = {name: n for n, name in enumerate([*names, *numbers, *leaves, *hashes])}
        self._leaf_data = [_Text(row["data"], places) for row in of.tables["leaves"]]
        self._opening_of = {row["row"]: self._leaf_of[row["hash"]] for row in of.tables["openings"]}
        self.rows = [
            self._row(table, row, places) for table, rows in of.tables.items() for row in rows if table != "leaves"
        ]
        self.leaves = len(leaves)
        self.recipient = str((of.tables["deliveries"] or of.tables["inbox"])[0]["recipient"])
        self.sender = str((of.tables["documents"] or of.tables["inbox"])[0]["sender"])
        self._digests = [name for name in names if len(name) == 2 * HASH_BYTES]
        self.named = [n for n, name in enumerate(names) if name in set(self._blobs(of))]

    def _blobs(self, of: Mould) -> Iterator[str]:
        for row in (*of.tables["documents"], *of.tables["inbox"]):
            yield row["envelope_digest"]
            yield from _digests(row["attachments"])

    def _row(self, table: str, row: Row, places: Mapping[str, int]) -> _Row:
        made = _Row(table, tuple(row), list(row.values()))
        for n, (column, value) in enumerate(row.items()):
            if isinstance(value, str | bytes):
                text = _Text(value, places)
                if not text.constant:
                    (made.texts if isinstance(value, str) else made.blobs).append((n, text))
            elif column in {"sequence", "first", "last"}:
                made.sequences.append(n)
        if table == "openings":
            made.leaf = self._leaf_of[row["hash"]]
        elif table == "feed":
            made.leaf = self._opening_of[row["opening"]]
        return made

    def fresh(self, nth: int, sequence: int) -> tuple[list[str], list[bytes], list[bytes], list[bytes]]:
        """Names of the nth copy, as texts and as bytes; the data and the hashes of its leaves."""
        texts = [_name(name, nth) for name in self._names]
        document_id = f"{self._organ},2023/11/15,{nth}/{self._notation[-1]}"
        texts += [f'"sequence":{sequence}', f'"q":{sequence},', document_id, f'"number":"{nth}"']
        texts += [secrets.token_urlsafe(HASH_BYTES) for _ in range(self.leaves)]
        data = [text.copy([one.encode() for one in texts]) for text in self._leaf_data]
        hashes = [sha256(b"\x00" + one).digest() for one in data]
        texts += [one.hex() for one in hashes]
        return texts, [one.encode() for one in texts], data, hashes


def _code(document_id: str) -> str:
    return f'"number":"{document_id.rsplit(",", 1)[1].split("/", maxsplit=1)[0]}"'


def _name(old: str, nth: int) -> str:
    """A name as long as the old one, and of its kind: keys grow with time, digests do not."""
    if len(old) == 2 * HASH_BYTES:
        return secrets.token_hex(HASH_BYTES)
    if old.count("-") == 4 and len(old) == 36:
        moment = f"{FIRST_MILLIS + 50 * nth:012x}"
        return (
            f"{moment[:8]}-{moment[8:]}-7{secrets.token_hex(2)[1:]}-a{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}"
        )
    return f"copy-{nth}"


class _Counters:
    """What counts on by itself in one database: rows, leaves, the tree, the streams."""

    def __init__(self, database: Database) -> None:
        self._next = {table: database.greatest(table, column) + 1 for table, column in NUMBERED.items()}
        (head,) = database.rows("tree_head", "one", [1])
        frontier = bytes(head["frontier"])
        steps = range(0, len(frontier), HASH_BYTES)
        self.head = TreeHead(
            size=head["size"],
            root=bytes(head["root"]),
            frontier=tuple(frontier[n : n + HASH_BYTES] for n in steps),
        )
        self.sequences: dict[tuple[str, str], int] = {}

    def take(self, table: str) -> int:
        """The next number."""
        number = self._next[table]
        self._next[table] = number + 1
        return number


def fill(database: Database, moulds: Sequence[Mould], copies: int, *, side: str = "") -> range:
    """Pour that many copies of these moulds, in turn, into the database of one side; the positions of their leaves."""
    casters = [Caster(one) for one in moulds]
    counters = _Counters(database)
    first = counters.head.size
    for caster, one in zip(casters, moulds, strict=True):
        stream = caster.sender, caster.recipient
        counters.sequences[stream] = max(one.number, counters.sequences.get(stream, 0))
    numbers, began = iter(range(1, copies + 1)), time.monotonic()
    while batch := list(islice(numbers, BATCH)):
        _pour(database, casters, counters, batch)
        if batch[-1] % TOLD == 0:
            print(f"{side:<10} {batch[-1]:,} documents poured, {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 - for who waits
    for (sender, recipient), last in counters.sequences.items():
        _move_streams(database, sender, recipient, last)
    # Cursors are counted in a table of their own.
    newest = database.greatest("inbox", "cursor")
    database.change("UPDATE turnstiles SET last = ? WHERE name = 'inbox'", (newest,))
    head = counters.head
    database.change(
        "UPDATE tree_head SET size = ?, root = ?, frontier = ?", (head.size, head.root, b"".join(head.frontier))
    )
    database.settle()
    return range(first, head.size)


def _move_streams(database: Database, sender: str, recipient: str, last: int) -> None:
    for table, column in (("streams", "next_number"), ("incoming_streams", "expected")):
        if database.rows(table, "recipient", [recipient]):
            database.change(
                f"UPDATE {table} SET {column} = ? WHERE sender = ? AND recipient = ?",  # noqa: S608 - our own names
                (last + 1, sender, recipient),
            )


def _pour(database: Database, casters: Sequence[Caster], counters: _Counters, batch: Sequence[int]) -> None:
    """One batch of copies: rows gathered by table, then the tables in an order in which rows may be written."""
    gathered: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = {}
    hashes: list[bytes] = []
    leaves: list[list[Any]] = []
    named: list[list[str]] = []
    for nth in batch:
        caster = casters[nth % len(casters)]
        stream = (caster.sender, caster.recipient)
        counters.sequences[stream] += 1
        texts, octets, data, made = caster.fresh(nth, counters.sequences[stream])
        first, openings = counters.head.size + len(hashes), dict[int, int]()
        leaves += [[first + n, made[n], one] for n, one in enumerate(data)]
        hashes += made
        named += [[texts[n]] for n in caster.named]
        for row in caster.rows:
            values = _values(row, texts, octets, counters, sequence=counters.sequences[stream])
            if row.table == "openings":
                openings[row.leaf] = values[row.columns.index("row")]
                values[row.columns.index("hash")] = made[row.leaf]
            elif row.table == "feed":
                values[row.columns.index("position")] = first + row.leaf
                values[row.columns.index("opening")] = openings[row.leaf]
            gathered.setdefault((row.table, row.columns), []).append(values)
    counters.head, nodes = extend(counters.head, hashes)
    for (table, columns), rows in sorted(gathered.items(), key=lambda one: [*_ROWS].index(one[0][0])):
        database.pour(table, columns, rows)
    database.pour("leaves", ("position", "hash", "data"), leaves)
    inner = [(level, position, node) for (level, position), node in nodes.items() if level]
    database.pour("tree_nodes", ("level", "position", "hash"), sorted(inner))
    database.pour("named_blobs", ("digest",), named)


def _values(
    row: _Row, texts: Sequence[str], octets: Sequence[bytes], counters: _Counters, *, sequence: int
) -> list[Any]:
    values = row.values[:]
    for n, text in row.texts:
        values[n] = text.copy(texts)
    for n, blob in row.blobs:
        values[n] = blob.copy(octets)
    for n in row.sequences:
        values[n] = sequence
    if row.table in NUMBERED:
        values[row.columns.index(NUMBERED[row.table])] = counters.take(row.table)
    return values
