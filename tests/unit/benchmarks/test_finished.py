"""What the long bench pours into a database is what real documents leave there, and a gateway goes on from it."""

import sqlite3
from pathlib import Path
from typing import Any

from benchmarks.finished import Mould, fill, mould
from benchmarks.stopped import SqliteFile
from gateway.audit.tree import HASH_BYTES, empty_head, extend
from gateway.core.states import DeliveryState
from gateway.storage import SqliteStore
from tests.kit.exchange_world import World, exchange_world, letter, make_materials
from tests.unit.storage.databases import opened

COPIES = 25
REAL = 2
GROWS = {
    "party": ("documents", "deliveries", "transfers", "openings", "leaves", "feed"),
    "government": (
        "incoming_transfers",
        "incoming_recipients",
        "inbox",
        "inbox_messages",
        "openings",
        "leaves",
        "feed",
    ),
}


class Files:
    """A file for each gateway of a world, and the same ones for the next world."""

    def __init__(self, folder: Path) -> None:
        self.paths = {side: folder / f"{side}.db" for side in GROWS}
        self._turn = 0

    def __call__(self) -> SqliteStore:
        self._turn += 1
        return opened([*self.paths.values()][(self._turn - 1) % 2])


async def send(world: World, *numbers: int) -> None:
    """Letters to one body of the other gateway, one after the other."""
    ward = next(one for one in world.wards if ".UB." in one)
    for number in numbers:
        file = await world.party.file("so-lieu.bin", f"{number}".encode(), "application/octet-stream")
        await world.party.submit(letter(world.sender, (ward,), file, number=str(number)))
        await world.settle()


def asked(path: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def pour(path: Path, transfers: list[str]) -> tuple[range, list[Mould]]:
    database = SqliteFile(path)
    moulds = [mould(database, transfer) for transfer in transfers]
    return fill(database, moulds, COPIES), moulds


def check_tree(path: Path) -> None:
    """The stored tree is the one of the stored leaves, and every leaf is told to whom it concerns."""
    hashes = [row[0] for row in asked(path, "SELECT hash FROM leaves ORDER BY position")]
    head, nodes = extend(empty_head(), hashes)
    ((size, root, frontier),) = asked(path, "SELECT size, root, frontier FROM tree_head")
    assert (size, root, frontier) == (head.size, head.root, b"".join(head.frontier))
    stored = {(level, n): node for level, n, node in asked(path, "SELECT level, position, hash FROM tree_nodes")}
    assert stored == {place: node for place, node in nodes.items() if place[0]}
    ((strangers,),) = asked(
        path,
        "SELECT count(*) FROM feed f JOIN leaves l ON l.position = f.position"
        ' JOIN openings o ON o."row" = f.opening WHERE o.hash <> l.hash OR o.organ <> f.organ',
    )
    assert strangers == 0
    assert all(len(one) == HASH_BYTES for one in hashes)


async def test_a_gateway_goes_on_from_what_was_poured_in(tmp_path: Path) -> None:
    materials, files = make_materials(tmp_path), Files(tmp_path)
    async with exchange_world(materials, tmp_path / "world", open_store=files) as world:
        await send(world, *range(1, REAL + 1))
    # In whatever order they are named: copies begin beyond the last number of all of them.
    transfers = [row[0] for row in asked(files.paths["party"], 'SELECT key FROM transfers ORDER BY "row" DESC')]
    before = {
        side: {table: asked(path, f"SELECT count(*) FROM {table}")[0][0] for table in GROWS[side]}
        for side, path in files.paths.items()
    }
    for path in files.paths.values():
        leaves, moulds = pour(path, transfers)
        assert len(leaves) == sum(len(moulds[n % REAL].tables["leaves"]) for n in range(1, COPIES + 1))
        check_tree(path)
        assert asked(path, "PRAGMA foreign_key_check") == []
        assert asked(path, "PRAGMA journal_mode") == [("wal",)]

    async with exchange_world(materials, tmp_path / "world", open_store=files) as world:
        await send(world, REAL + 1)
        newest = 'SELECT state, sequence FROM deliveries ORDER BY "row" DESC LIMIT 1'
        (delivery,) = asked(files.paths["party"], newest)
        assert delivery == (DeliveryState.DELIVERED, REAL + COPIES + 1)
        ward = next(one for one in world.wards if ".UB." in one)
        page = await world.government.queries.inbox(world.government.principal(ward), REAL + COPIES, 10)
        assert [entry.sequence for entry in page.entries] == [REAL + COPIES + 1]
    for side, path in files.paths.items():
        check_tree(path)
        for table in GROWS[side]:
            each = before[side][table] / REAL
            grown = asked(path, f"SELECT count(*) FROM {table}")[0][0]
            assert grown == before[side][table] + round(each * (COPIES + 1)), table


async def test_each_copy_has_names_and_numbers_of_its_own(tmp_path: Path) -> None:
    materials, files = make_materials(tmp_path), Files(tmp_path)
    async with exchange_world(materials, tmp_path / "world", open_store=files) as world:
        await send(world, 4711)
    # In whatever order they are named: copies begin beyond the last number of all of them.
    transfers = [row[0] for row in asked(files.paths["party"], 'SELECT key FROM transfers ORDER BY "row" DESC')]
    for path in files.paths.values():
        pour(path, transfers)
    party, government = files.paths.values()
    for table, columns in (
        ("documents", ("key", "document_id", "idempotency_key", "request_digest", "envelope_digest", "metadata")),
        ("deliveries", ("key", "document", "transfer", "sequence", "last_leaf")),
        ("transfers", ("key", "document", "document_id", "slip_recipients")),
        ("leaves", ("data", "hash")),
    ):
        for column in columns:
            ((all_of_them, different),) = asked(party, f"SELECT count(*), count(DISTINCT {column}) FROM {table}")
            assert all_of_them == different, (table, column)
    assert asked(party, "SELECT document FROM deliveries EXCEPT SELECT key FROM documents") == []
    assert asked(government, "SELECT transfer FROM inbox EXCEPT SELECT key FROM incoming_transfers") == []
    assert asked(government, "SELECT sequence FROM inbox ORDER BY cursor") == [(n,) for n in range(1, COPIES + 2)]
