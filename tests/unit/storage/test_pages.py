"""What a page costs: so many rows as it has, however many there are, on both engines, as their own planners say it.

SQLite's plan names every sort; PostgreSQL's names the rows that each node of it really gave.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, event, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from gateway.core.clock import to_millis
from gateway.core.ids import OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.states import DeliveryState
from gateway.storage import PostgresStore, SqliteStore, tables
from gateway.storage.bulk import execute_many
from gateway.storage.picked import Picked
from gateway.storage.roads import OLDEST_FIRST, URGENT_FIRST
from gateway.storage.rows import among
from gateway.storage.statements import Statements
from tests.kit import rows
from tests.kit.postgres import change, open_test_store
from tests.unit.storage.databases import opened

ALL = [OrganId(f"Z79.02.{n:03}") for n in range(30)]
BODIES = ALL[:3]
MANY = 6_000
LIMIT = 20

FileStore = SqliteStore | PostgresStore
Asked = tuple[str, Any]


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FileStore]:
    made: FileStore = opened(tmp_path / "gateway.db") if request.param == "sqlite" else open_test_store()
    yield made
    await made.close()


def readers(store: FileStore) -> Engine:
    return store._entrance._readers._engine


@contextmanager
def asked(store: FileStore) -> Iterator[list[Asked]]:
    """The SELECTs of the reading units in the block."""
    found: list[Asked] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            found.append((statement, parameters))

    def note_ask(statements: Statements, text: str, parameters: list[Any]) -> Any:
        note(None, None, text, tuple(parameters))
        return ask(statements, text, parameters)

    ask = Statements._ask
    event.listen(readers(store), "before_cursor_execute", note)
    try:
        with patch.object(Statements, "_ask", note_ask):  # SQLite's do not pass through SQLAlchemy
            yield found
    finally:
        event.remove(readers(store), "before_cursor_execute", note)


async def costs(store: FileStore, look: Callable[[UnitOfWork], Any], *, rows_most: int) -> list[str]:
    """What in the plans of this look is more than a page should cost; empty when it is cheap."""
    if isinstance(store, PostgresStore):
        change(readers(store).url.render_as_string(hide_password=False), "ANALYZE")
    with asked(store) as statements:
        await store.read(look)
    assert statements
    dear: list[str] = []
    with readers(store).connect() as connection:
        for statement, parameters in statements:
            if isinstance(store, PostgresStore):
                how = "EXPLAIN (ANALYZE, FORMAT JSON) "
                plan = connection.exec_driver_sql(how + statement, parameters).scalar_one()
                plan = json.loads(plan) if isinstance(plan, str) else plan
                dear += [f"{kind} {n} rows: {statement}" for kind, n in nodes(plan[0]["Plan"]) if n > rows_most]
            else:
                steps = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
                words = [str(step[-1]) for step in steps]
                dear += [f"{word}: {statement}" for word in words if word.startswith(("USE TEMP B-TREE", "SCAN"))]
    return dear


def nodes(plan: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Kind of each node, and how many rows it looked at."""
    gone = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    yield plan["Node Type"], int((plan["Actual Rows"] + gone) * plan["Actual Loops"])
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def test_a_page_of_many_bodies_inbox_sorts_nothing_however_much_follows(store: FileStore) -> None:
    message = rows.message()
    entries = [rows.entry(ALL[n % 30], document_id=f"d{n}", message=message) for n in range(MANY)]
    await store.transact(lambda uow: uow.inbox.add(entries))
    for organs in (frozenset(BODIES), frozenset(BODIES[:2]), frozenset(BODIES[:1])):
        for after in (0, MANY // 2, MANY - 10):
            dear = await costs(store, lambda uow, o=organs, a=after: uow.inbox.page(o, a, LIMIT), rows_most=LIMIT + 1)
            assert dear == []


async def test_a_page_of_a_story_is_a_range_of_an_index(store: FileStore) -> None:
    leaves = [rows.leaf(document=f"d{n % 150}") for n in range(MANY)]
    await store.transact(lambda uow: [uow.log.append(leaf) for leaf in leaves] and None)
    for after in (0, MANY // 2, MANY):
        look = lambda uow, a=after: uow.log.history_after("d3", a, LIMIT)  # noqa: E731 - bound to this round
        assert await costs(store, look, rows_most=LIMIT + 1) == []


async def test_a_look_at_the_deliveries_of_one_document_reads_no_others(store: FileStore) -> None:
    made = [rows.document() for _ in range(60)]
    wards = [OrganId(f"Z79.{n}") for n in range(60)]
    await store.transact(lambda uow: [uow.documents.add(document) for document in made] and None)
    for document in made:
        sent = [rows.delivery(document, ward) for ward in wards]
        await store.transact(lambda uow, d=sent: uow.documents.add_deliveries(d))
    some = [one.key for one in made[4:7]]
    found = await store.read(lambda uow: uow.documents.delivery_counts(some))
    assert found == {key: {DeliveryState.QUEUED: 60} for key in some}
    dear = await costs(store, lambda uow: uow.documents.delivery_counts(some), rows_most=3 * 60)
    assert [
        word for word in dear if not word.startswith("USE TEMP B-TREE FOR GROUP BY")
    ] == []  # of so many rows at most
    for after in (None, rows.delivery(made[5], wards[30]).key):
        look = lambda uow, a=after: uow.documents.deliveries_after(made[5].key, a, LIMIT)  # noqa: E731 - bound to this round
        assert await costs(store, look, rows_most=60) == []


BACKLOG = 8_000


async def test_a_claim_walks_through_no_queue_of_a_closed_road(store: FileStore) -> None:
    """What has piled up in front costs nothing: neither its urgent items nor the others are looked at one by one."""

    def pile_up(uow: UnitOfWork) -> None:
        values = [
            {
                "kind": "transfer",
                "subject": f"{name} {n}",
                "destination": name,
                "due_at": n,
                "attempts": 0,
                "fence": 0,
                "lease_until": None,
                "again_at": None,
                "urgency": n % 2,
            }
            for name, count in (("away", BACKLOG), *((f"road {n}", 50) for n in range(10)))
            for n in range(count)
        ]
        execute_many(uow.work._connection, insert(tables.work), values)  # type: ignore[attr-defined]  # of the ledger

    await store.transact(pile_up)
    now = to_millis(rows.NOW)
    for order in (OLDEST_FIRST, URGENT_FIRST):
        picked = Picked(room={"away": 0, **{f"road {n}": 2 for n in range(10)}}, limit=32)
        dear = await costs(store, lambda uow, o=order, p=picked: uow.work._pick(o, now, p), rows_most=500)
        few = ("SCAN road", "USE TEMP B-TREE FOR ORDER BY")  # as many as there are roads, and the heads of those
        assert [word for word in dear if not word.startswith(few)] == []
        assert len(picked.rows) == 20
    look = lambda uow: uow.work.next_due()  # noqa: E731 - as above
    assert [word for word in await costs(store, look, rows_most=500) if not word.startswith("SCAN road")] == []


async def test_a_page_of_many_bodies_documents_sorts_nothing(store: FileStore) -> None:
    made = [rows.document(sender=ALL[n % 30]) for n in range(MANY // 2)]
    await store.transact(lambda uow: [uow.documents.add(document) for document in made] and None)
    organs = frozenset(BODIES)
    for before in (None, made[len(made) // 2].key):
        look = lambda uow, b=before: uow.documents.newest(organs, b, LIMIT, None)  # noqa: E731 - bound to this round
        assert await costs(store, look, rows_most=LIMIT + 1) == []


def test_a_list_of_values_is_looked_up_and_never_compared_with_a_number() -> None:
    """SQLite's booleans are numbers: `column IN (…) = 1` is served by no index, and every look would read the table."""
    condition = among(tables.leaves.c.hash, "hashes")
    for where in (
        select(tables.leaves).where(condition),
        select(tables.leaves).where(tables.leaves.c.position > 0, condition),
    ):
        assert str(where.compile(dialect=sqlite.dialect())).endswith("leaves.hash IN (__[POSTCOMPILE_hashes])")
        assert str(where.compile(dialect=psycopg.dialect())).endswith("leaves.hash = ANY (%(hashes)b::BYTEA[])")
