"""Old databases become new ones: from every revision, with rows in them, on both engines, also after a power failure."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, delete, event, insert, select, text, update

from gateway.audit import sequence
from gateway.core.activation import Activation
from gateway.core.errors import SiteError
from gateway.core.ids import DocumentKey, GatewayId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.message import StaffInfo
from gateway.core.order import Stream
from gateway.core.resync import Wanted
from gateway.core.states import MessageKind
from gateway.core.work import Destination
from gateway.storage import codec, open_store, read_url, schema
from gateway.storage.engine import writing_engine
from gateway.storage.postgres_engine import writers_engine
from gateway.storage.tables import metadata
from tests.kit import rows
from tests.kit.postgres import fail, session_server
from tests.kit.schemas import make_at, revisions, upgrade

Contents = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Databases:
    """One that this program filled, and an empty one."""

    full: Path | str
    empty: Path | str


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    if request.param == "sqlite":
        return Databases(tmp_path / "full.db", tmp_path / "old.db")
    return Databases(session_server().empty_database(), session_server().empty_database())


@pytest.fixture(params=revisions()[:-1])
def old(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def engine_of(place: Path | str) -> Engine:
    return writing_engine(place) if isinstance(place, Path) else writers_engine(read_url(place), connections=1)


def live(uow: UnitOfWork) -> None:
    """Something in every table that there was at the first revision."""
    document = rows.document()
    uow.documents.add(document)
    uow.documents.add_deliveries([rows.delivery(document), rows.delivery(document, rows.OTHER_WARD)])
    uow.documents.next_sequence(document.sender, [rows.WARD], 2026, lambda: bytes(16))
    uow.transfers.add([rows.transfer(document)])
    uow.documents.direct_streams(document.sender, rows.THERE, {rows.WARD: 1})
    uow.transfers.receive(rows.incoming())
    arrived = {line.organ_id: line.sequence for line in rows.incoming().recipients}
    uow.order.put(rows.PARTY, [Stream(recipient=who, expected=n + 1) for who, n in arrived.items()])
    entry = rows.entry()
    uow.inbox.add([entry])
    uow.log.append(rows.leaf(document=document.key, organ=document.sender))
    uow.log.append(rows.leaf(subject=entry.key, document=entry.transfer, organ=entry.recipient))
    for n in range(3):
        uow.log.append(rows.leaf(document=f"nobody's {n}"))
    uow.work.add(rows.item("due"))
    uow.work.set_destination(Destination(name="there", failures=2))
    uow.directory.activate(Activation(epoch=1, digest=rows.digest("registry"), at=rows.NOW))
    uow.access.declare([rows.api_key(addresses=())], rows.NOW)
    uow.log.publish(1, "note\n")


async def fill(place: Path | str) -> Contents:
    store = open_store(place, sequencer=sequence, on_fatal=fail, relaxed=True)
    await store.transact(live)
    (claim,) = await store.transact(lambda uow: uow.work.claim(rows.later(9), lease=60, windows={}, limit=1))
    await store.transact(lambda uow: uow.work.bury(claim, "given up", rows.NOW))
    await store.transact(lambda uow: uow.work.add(rows.item("due again")))
    await store.close()
    engine = engine_of(place)
    with engine.connect() as connection, connection.begin():
        # As in a database that began before there was any order.
        streams = metadata.tables["incoming_streams"]
        connection.execute(update(streams).values(kept_from=streams.c.expected))
    engine.dispose()
    return contents(place)


def contents(place: Path | str, known: MetaData = metadata) -> Contents:
    engine = engine_of(place)
    with engine.connect() as connection, connection.begin():
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in known.sorted_tables
        }
    engine.dispose()
    return found


def write_as_of(place: Path | str, revision: str, of: Contents) -> None:
    """The same rows as the program of that revision wrote them: what its tables do not have is left out."""
    engine = engine_of(place)
    make_at(engine, revision)
    with engine.connect() as connection, connection.begin():
        then = MetaData()
        then.reflect(connection)
        for table in metadata.sorted_tables:
            if table.name in then.tables and of[table.name]:
                names = [column.name for column in table.columns]
                kept = set(then.tables[table.name].columns.keys())
                lines = [
                    {name: value for name, value in zip(names, row, strict=True) if name in kept}
                    for row in of[table.name]
                ]
                connection.execute(delete(then.tables[table.name]))  # what the revision itself put there
                connection.execute(insert(then.tables[table.name]), lines)
    engine.dispose()


async def test_rows_of_every_revision_are_there_after_the_upgrade(databases: Databases, old: str) -> None:
    now = await fill(databases.full)
    filled = {name for name, lines in now.items() if lines}
    younger = {
        *("amendments", "client_certificates", "incoming_numbers", "non_deliveries", "owed_timestamps", "pauses"),
        *("pending_leaves", "requests"),
    }
    younger |= {"reopenings", "resends", "restored_peers", "resyncs", "skipped_numbers", "wanted_transfers"}
    assert filled | younger == set(metadata.tables)
    write_as_of(databases.empty, old, now)
    upgrade(databases.empty)
    assert contents(databases.empty) == now
    upgrade(databases.empty)
    assert contents(databases.empty) == now


ANOTHER = GatewayId("another.gw.example")


async def test_what_is_wanted_of_a_peer_stays_wanted_of_that_peer(databases: Databases) -> None:
    """Until revision 0013 the key was the transfer alone. What was asked for and what was not come through."""
    now = await fill(databases.full)
    store = open_store(databases.full, sequencer=sequence, on_fatal=fail, relaxed=True)
    wanted = [Wanted(transfer=TransferKey(f"t{n}"), receipt=rows.digest(f"r{n}")) for n in range(3)]
    await store.transact(lambda uow: uow.resyncs.want(rows.THERE, wanted))
    await store.transact(lambda uow: uow.resyncs.asked(rows.THERE, [wanted[1].transfer], rows.NOW))
    await store.close()
    now = contents(databases.full)
    assert len(now["wanted_transfers"]) == 3
    write_as_of(databases.empty, "0013", now)
    upgrade(databases.empty)
    assert contents(databases.empty) == now
    store = open_store(databases.empty, sequencer=sequence, on_fatal=fail, relaxed=True)
    missing = await store.read(lambda uow: uow.resyncs.missing(rows.THERE, 9))
    await store.transact(lambda uow: uow.resyncs.want(ANOTHER, wanted[:1]))  # another peer's own word
    named = [
        await store.read(lambda uow, p=peer: uow.resyncs.is_wanted(p, wanted[0].transfer))
        for peer in (rows.THERE, ANOTHER)
    ]
    await store.close()
    assert missing == ((wanted[0].transfer, None), (wanted[1].transfer, rows.NOW), (wanted[2].transfer, None))
    assert named == [True, True]


BLOCK = {"department": "", "department_id": "", "staff": "Trần Thị B", "staff_id": "", "email": "", "mobile": ""}
STAFF = [("", None), (" ", None), ("Trần Thị B", BLOCK), (None, None), (BLOCK, BLOCK)]
"""What stood in a status message for whom to ask, and what stands there now."""
STATUSES = 1_234
"""More than one page of the migration."""


def with_staff(engine: Engine, staffed: dict[str, Any]) -> None:
    """The status rows as they were written with that in them."""
    with engine.connect() as connection, connection.begin():
        change = text("UPDATE documents SET status = :status WHERE key = :key")
        old = codec.STATUS_MESSAGE.encode(rows.status(staff=None))
        assert old.count('"staff":null') == 1
        for key, said in staffed.items():
            new = old.replace('"staff":null', f'"staff":{json.dumps(said, ensure_ascii=False, separators=(",", ":"))}')
            connection.execute(change, {"key": key, "status": new})


async def test_whom_to_ask_becomes_a_block(databases: Databases) -> None:
    """Written as a text until revision 0006; nothing else of the row changes, and the program reads it."""
    store = open_store(databases.full, sequencer=sequence, on_fatal=fail, relaxed=True)
    documents = [
        rows.document(status=rows.status(staff=None), metadata=None, kind=MessageKind.STATUS, envelope=None)
        for _ in range(STATUSES)
    ]
    for start in range(0, STATUSES, 100):
        some = documents[start : start + 100]
        await store.transact(lambda uow, some=some: [uow.documents.add(one) for one in some])
    await store.close()
    now = contents(databases.full)
    write_as_of(databases.empty, "0006", now)
    expected = {one.key: STAFF[n % len(STAFF)] for n, one in enumerate(documents)}
    engine = engine_of(databases.empty)
    with_staff(engine, {key: said for key, (said, _) in expected.items()})
    engine.dispose()
    upgrade(databases.empty)
    engine = engine_of(databases.full)
    with_staff(engine, {key: said for key, (_, said) in expected.items()})
    engine.dispose()
    assert contents(databases.empty) == contents(databases.full)

    store = open_store(databases.empty, sequencer=sequence, on_fatal=fail, relaxed=True)
    for key, (_, said) in list(expected.items())[-len(STAFF) :]:
        found = await store.read(lambda uow, key=key: uow.documents.find(DocumentKey(key)))
        assert found is not None
        assert found.status == rows.status(staff=StaffInfo(**said) if said else None)
    await store.close()


class PowerFailureError(Exception):
    """The process ends here."""


def fail_at(engine: Engine, statement: int) -> None:
    """Let the process end before its n-th change."""
    left = statement

    def count(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal left
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "SHOW", "BEGIN", "SET")):
            left -= 1
            if left == 0:
                raise PowerFailureError

    event.listen(engine, "before_cursor_execute", count)


async def test_an_upgrade_that_is_cut_short_leaves_the_old_schema_and_can_be_repeated(databases: Databases) -> None:
    now, oldest = await fill(databases.full), revisions()[0]
    write_as_of(databases.empty, oldest, now)
    engine = engine_of(databases.empty)
    then = MetaData()
    then.reflect(engine)
    engine.dispose()
    before, statement = contents(databases.empty, then), 0
    while True:
        statement += 1
        engine = engine_of(databases.empty)
        fail_at(engine, statement)
        try:
            with engine.connect() as connection:
                schema.upgrade(connection)
            break
        except PowerFailureError:
            assert contents(databases.empty, then) == before, f"cut at change {statement}"
            with engine.connect() as connection, pytest.raises(SiteError, match=r"store\.version"):
                schema.refuse_other(connection)
        finally:
            engine.dispose()
    assert statement > len(revisions())
    assert contents(databases.empty) == now
