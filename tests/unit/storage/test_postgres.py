"""The store on PostgreSQL: what it refuses, what it survives, and what ends it."""

import asyncio
import threading
import time
from collections.abc import Callable
from threading import Event
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from gateway.audit import sequence
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import STORE_QUEUE_MAX
from gateway.storage import (
    PostgresStore,
    instance,
    open_postgres,
    open_postgres_reader,
    postgres,
    postgres_engine,
    schema,
)
from gateway.storage.group_commit import Sequencer
from gateway.storage.postgres import WRITERS_MAX
from gateway.storage.postgres_engine import check_server, single_engine, warn_of_open_road, writers_engine
from gateway.storage.postgres_url import masked, read_url
from gateway.storage.tables import metadata
from tests.kit import rows
from tests.kit.postgres import PostgresServer, change, fail, look, session_server
from tests.kit.schemas import upgrade
from tests.unit.storage.databases import adding


@pytest.fixture
def server() -> PostgresServer:
    return session_server()


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.database()


def opened(
    url: str, *, sequencer: Sequencer = sequence, on_fatal: Callable[[BaseException], None] = fail
) -> PostgresStore:
    return open_postgres(url, sequencer=sequencer, on_fatal=on_fatal, relaxed=True)


def backend(uow: UnitOfWork) -> int:
    """The server process that runs this unit."""
    driver = uow.documents._connection.connection.connection.dbapi_connection  # type: ignore[attr-defined]
    return int(driver.info.backend_pid)


def end_session(url: str, pid: int) -> None:
    change(url, f"SELECT pg_terminate_backend({pid}, 2000)")


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


# --- what it refuses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "no url at all",
        "sqlite:///gateway.db",
        "postgresql+asyncpg://user:canary@host/gateway",
        "postgresql://user:canary@host",
        "postgresql://user@host/gateway?password=canary",
        "postgresql://user:canary@127.0.0.1:1/gateway",
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(SiteError) as refused:
        open_postgres(text, sequencer=sequence, on_fatal=fail)
    assert refused.value.code == "config.invalid"
    assert "canary" not in str(refused.value)


def test_a_url_is_shown_without_its_password() -> None:
    assert masked(read_url("postgresql://u:canary@h/d")) == "postgresql+psycopg://u:***@h/d"


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("postgresql://u@db.example.vn/d", True),
        ("postgresql://u@db.example.vn/d?sslmode=require", True),
        ("postgresql://u@/d?host=db.example.vn", True),
        ("postgresql://u@db.example.vn/d?sslmode=verify-full", False),
        ("postgresql://u@127.0.0.1/d", False),
        ("postgresql://u@/d?host=/run/postgresql", False),
    ],
)
def test_a_road_on_which_another_could_be_the_database_is_warned_of(
    text: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_open_road(read_url(text))
    assert ("store.unverified" in caplog.text) is warned


def test_an_unsafe_server_is_refused_except_by_a_demo(url: str) -> None:
    with pytest.raises(SiteError, match=r"fsync, full_page_writes = off"):
        open_postgres(url, sequencer=sequence, on_fatal=fail)


def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_engine, "SERVER_VERSION_MIN", 990_000)
    with pytest.raises(SiteError) as refused:
        opened(url)
    assert refused.value.code == "store.version"
    assert refused.value.params["expected"] == "PostgreSQL 99 or later"


def test_a_database_that_confuses_texts_is_refused(server: PostgresServer) -> None:
    change(server.url("postgres"), "CREATE DATABASE odd TEMPLATE template0 ENCODING 'SQL_ASCII'")
    with pytest.raises(SiteError, match="encoding is SQL_ASCII"):
        upgrade(server.url("odd"))


@pytest.mark.parametrize(
    ("changed", "named"), [({"by_code_point": False}, "collation"), ({"standby": True}, "standby")]
)
def test_what_the_server_says_of_itself_is_believed(changed: dict[str, object], named: str) -> None:
    """The wheel's server knows no language's collation, and a standby would need a second server: the answer is planted."""
    said = {"version": 180_000, "version_text": "18", "encoding": "UTF8", "by_code_point": True, "standby": False}
    row = SimpleNamespace(**(said | {"fsync": "on", "full_page_writes": "on"} | changed))
    asked: Any = SimpleNamespace(execute=lambda _statement: SimpleNamespace(one=lambda: row))
    with pytest.raises(SiteError, match=named):
        check_server(asked, relaxed=True)


def test_a_second_store_is_refused_until_the_first_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "_TRIES", 2)

    async def run() -> None:
        store = opened(url)
        for attempt in (lambda: opened(url), lambda: upgrade(url)):
            with pytest.raises(SiteError) as refused:
                attempt()
            assert refused.value.code == "store.locked"
            assert "gateway instance" in str(refused.value.params["holder"])
        reader = open_postgres_reader(url)  # who only reads needs no lock
        await reader.close()
        await store.close()
        await opened(url).close()

    asyncio.run(run())


# --- the schema --------------------------------------------------------------------------------------------------------


def test_the_migrations_and_the_tables_are_the_same(server: PostgresServer, url: str) -> None:
    """By Alembic's own comparison, and by what the server says of both: columns, defaults, constraints, indexes."""
    fresh = server.empty_database()
    engine = single_engine(read_url(fresh))
    metadata.create_all(engine)
    engine.dispose()
    assert definitions(url) == definitions(fresh)
    assert len(definitions(fresh)) > len(metadata.tables)
    engine = writers_engine(read_url(url), connections=1)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
)
CONSTRAINTS = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'"
)
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
DEFINITIONS = (COLUMNS, CONSTRAINTS, INDEXES)


def definitions(url: str) -> set[tuple[object, ...]]:
    found: set[tuple[object, ...]] = set()
    for query in DEFINITIONS:
        found |= set(look(url, query))
    return found


def test_two_upgrades_at_once_leave_one_schema(server: PostgresServer) -> None:
    url = server.empty_database()
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            upgrade(url)
        except SiteError as error:
            errors.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(error) for error in errors if not str(error).startswith("store.locked")] == []
    assert look(url, "SELECT version_num FROM alembic_version") == [(schema.NEWEST,)]


def test_another_schema_is_refused_by_everybody_and_made_only_when_asked(server: PostgresServer, url: str) -> None:
    empty = server.empty_database()
    change(url, "UPDATE alembic_version SET version_num = '9999'")
    for place, found in ((empty, "none"), (url, "9999")):
        for attempt in (lambda u=place: opened(u), lambda u=place: open_postgres_reader(u)):
            with pytest.raises(SiteError) as refused:
                attempt()
            assert dict(refused.value.params) == {"found": found, "expected": schema.NEWEST}
    with pytest.raises(SiteError, match=r"store\.version"):
        upgrade(url)


# --- sessions ------------------------------------------------------------------------------------------------------------


async def test_every_commit_is_synced_whatever_the_database_s_default_says(url: str) -> None:
    name = read_url(url).database
    for setting in ("synchronous_commit = off", "statement_timeout = 0", "idle_in_transaction_session_timeout = 0"):
        change(url, f"ALTER DATABASE {name} SET {setting}")
    engine = writers_engine(read_url(url), connections=1)
    with engine.connect() as connection:
        shown = {
            setting: connection.exec_driver_sql(f"SHOW {setting}").scalar_one()
            for setting in ("synchronous_commit", "statement_timeout", "lock_timeout", "transaction_isolation")
        }
        shown["idle"] = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
    engine.dispose()
    assert shown == {
        "synchronous_commit": "on",
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "transaction_isolation": "read committed",
        "idle": "1min",
    }


async def test_a_reading_unit_sees_one_snapshot_and_waits_for_nobody(url: str) -> None:
    store, document, begun, gate = opened(url), rows.document(), Event(), Event()
    await store.transact(adding(document))

    def hold(uow: UnitOfWork) -> None:
        assert uow.documents.find(document.key)  # locked from here on
        begun.set()
        gate.wait(10)

    holding = asyncio.create_task(store.transact(hold))
    await asyncio.to_thread(begun.wait, 10)
    looked, more = Event(), Event()

    def twice(uow: UnitOfWork) -> tuple[int, int]:
        assert uow.documents.find(document.key)
        first = len(uow.documents.page(None, 10))
        looked.set()
        more.wait(10)
        return first, len(uow.documents.page(None, 10))

    reading = asyncio.create_task(store.read(twice))
    await asyncio.to_thread(looked.wait, 10)
    await store.transact(adding(rows.document()))
    more.set()
    assert await reading == (1, 1)
    gate.set()
    await holding
    await store.close()


async def test_a_full_queue_refuses_and_keeps_what_it_has(url: str) -> None:
    store, gate = opened(url), Event()
    held = [asyncio.create_task(store.transact(lambda _uow: gate.wait(20))) for _ in range(WRITERS_MAX)]
    await asyncio.sleep(0.2)
    waiting = [asyncio.create_task(store.transact(lambda _uow: None)) for _ in range(STORE_QUEUE_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(SiteError, match=r"store\.busy"):
        await store.transact(lambda _uow: None)
    gate.set()
    await asyncio.gather(*held, *waiting)
    await store.close()


# --- what it survives ------------------------------------------------------------------------------------------------------


async def test_units_that_wait_for_each_other_in_a_circle_are_both_done(url: str) -> None:
    store = opened(url)
    one, other = rows.document(), rows.document()
    for document in (one, other):
        await store.transact(adding(document))
    meeting = threading.Barrier(2)
    runs: list[str] = []

    def unit(first: Any, then: Any) -> Callable[[UnitOfWork], None]:
        def work(uow: UnitOfWork) -> None:
            runs.append(first.key)
            uow.documents.find(first.key)
            if len(runs) <= 2:
                meeting.wait(5)
            uow.documents.find(then.key)

        return work

    await asyncio.gather(store.transact(unit(one, other)), store.transact(unit(other, one)))
    assert len(runs) > 2  # the server undid one of them, and it was run again
    await store.close()


async def test_a_session_that_ends_before_commit_costs_a_second_run(url: str) -> None:
    store, document = opened(url), rows.document()
    pids: list[int] = []

    def work(uow: UnitOfWork) -> str:
        uow.documents.add(document)
        pids.append(backend(uow))
        if len(pids) == 1:
            end_session(url, pids[0])
        uow.log.append(rows.leaf())
        return "done"

    assert await store.transact(work) == "done"
    assert len(set(pids)) == 2
    assert len(await store.read(lambda uow: uow.documents.page(None, 9))) == 1
    for _ in range(6):  # and readers find their way back too
        for pid in look(url, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'gateway reader%'"):
            end_session(url, int(str(pid[0])))
        assert (await store.read(lambda uow: uow.log.head())).size == 1
    await store.close()


async def test_a_commit_that_the_server_cancels_costs_the_next_unit_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by attack: no ROLLBACK was sent after it, and the next unit found itself in a transaction that was aborted."""
    monkeypatch.setattr(postgres, "WRITERS_MAX", 1)
    store, commit, cancelled = opened(url), PGDialect_psycopg.do_commit, []

    def cancel_once(dialect: Any, connection: Any) -> None:
        if not cancelled:
            cancelled.append(1)
            # What the COMMIT itself gets where `statement_timeout` or pg_cancel_backend meets it: 57014.
            connection.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)")
        commit(dialect, connection)

    with monkeypatch.context() as patched:
        patched.setattr(PGDialect_psycopg, "do_commit", cancel_once)
        with pytest.raises(SiteError, match=r"^store\.busy"):
            await store.transact(adding(rows.document()))
    innocent = rows.document(document_id="innocent", idempotency_key="innocent")
    await store.transact(adding(innocent))
    found = await store.read(lambda uow: uow.documents.page(None, 9))
    assert [one.key for one in found] == [innocent.key]
    await store.close()


async def test_a_session_that_ends_during_commit_is_told_as_unknown_and_not_tried_again(url: str) -> None:
    """The server dies under the COMMIT itself (a deferred trigger ends the session): nobody can say what became of it."""
    store, document, runs = opened(url), rows.document(), []
    change(
        url,
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END'",
    )
    change(
        url,
        "CREATE CONSTRAINT TRIGGER dying AFTER INSERT ON documents DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION die()",
    )
    with pytest.raises(SiteError) as told:
        await store.transact(lambda uow: (runs.append(1), uow.documents.add(document)))
    assert told.value.code == "store.busy"
    assert told.value.facts.retryable
    assert len(runs) == 1
    change(url, "DROP TRIGGER dying ON documents")
    await store.transact(adding(rows.document()))
    await store.close()


@pytest.mark.parametrize("which", [1, 2])
async def test_leaves_of_a_commit_whose_answer_was_lost_are_placed_and_the_head_is_told(
    url: str, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    """The commit (1) of the unit, or (2) of the sequencer, came to pass, and the session ended before it could say so."""
    heads: list[int] = []

    class Listener:
        def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
            heads.extend([head.size] if head else [])

    store, document, commits = opened(url), rows.document(), []
    store.set_listener(Listener())
    commit = Connection.commit

    def lost(connection: Connection) -> None:
        commit(connection)
        commits.append(1)
        if len(commits) == which:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(Connection, "commit", lost)
    if which == 1:
        with pytest.raises(SiteError, match=r"store\.busy"):
            await store.transact(adding(document))
    else:
        await store.transact(adding(document))
    await until(lambda: heads == [1])
    assert look(url, "SELECT count(*) FROM pending_leaves") == [(0,)]
    assert await store.read(lambda uow: uow.documents.find(document.key)) == document
    await store.close()


async def test_a_unit_that_goes_on_after_a_failed_statement_is_not_told_that_it_is_done(url: str) -> None:
    store = opened(url)

    def careless(uow: UnitOfWork) -> str:
        uow.documents.add(rows.document())
        try:
            uow.documents.add_deliveries([rows.delivery(rows.document())])  # no such document
        except Exception:
            return "all is well"
        return "unreachable"

    with pytest.raises(AssertionError, match="went on"):
        await store.transact(careless)
    assert await store.read(lambda uow: uow.documents.page(None, 9)) == ()
    await store.close()


@pytest.mark.parametrize(
    ("sqlstate", "code"), [("53100", "store.full"), ("57014", "store.busy"), ("55P03", "store.busy")]
)
async def test_what_the_server_refuses_for_now_is_said_as_that_and_nothing_stays(
    url: str, sqlstate: str, code: str
) -> None:
    store = opened(url)
    raising(url, sqlstate)
    with pytest.raises(SiteError) as told:
        await store.transact(adding(rows.document()))
    assert told.value.code == code
    change(url, "DROP TRIGGER raising ON documents")
    await store.transact(adding(rows.document()))
    assert (await store.read(lambda uow: uow.log.head())).size == 1
    await store.close()


def raising(url: str, sqlstate: str) -> None:
    change(
        url,
        "CREATE FUNCTION raising() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = 'planted'; END $$",
    )
    change(url, "CREATE TRIGGER raising BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION raising()")


async def test_an_error_of_the_server_quotes_no_content(url: str) -> None:
    """PostgreSQL quotes the whole row when it refuses one; neither our error nor what caused it says so."""
    store = opened(url)
    delivery = rows.delivery(rows.document(), sequence=-1, reason="canary")
    for unit in (
        lambda uow: uow.documents.add_deliveries([delivery]),
        lambda uow: uow.documents.add(rows.document(trace_id="the\0canary")),
    ):
        with pytest.raises(AssertionError) as refused:
            await store.transact(unit)
        assert "canary" not in f"{refused.value} {refused.value.__cause__}"
    await store.close()


# --- leaves that were left behind ----------------------------------------------------------------------------------------


async def test_leaves_that_a_crash_left_are_placed_at_the_next_start(url: str) -> None:
    store = opened(url, sequencer=lambda _uow: None)
    await store.transact(adding(rows.document()))
    await store.close()
    assert look(url, "SELECT count(*) FROM pending_leaves") == [(1,)]
    store = opened(url)
    assert (await store.read(lambda uow: uow.log.head())).size == 1
    await store.close()


async def test_leaves_that_could_not_be_placed_at_once_are_placed_soon(url: str) -> None:
    fails = [SiteError("store.full"), SiteError("store.busy")]
    heads: list[int] = []

    def unlucky(uow: UnitOfWork) -> TreeHead | None:
        if uow.log.any_pending() and fails:  # type: ignore[attr-defined]
            raise fails.pop()
        return sequence(uow)

    class Listener:
        def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
            heads.extend([head.size] if head else [])

    store = opened(url, sequencer=unlucky)
    store.set_listener(Listener())
    document = rows.document()
    assert await store.transact(adding(document)) == document.key  # the unit itself is done
    assert (await store.read(lambda uow: uow.log.head())).size == 0
    await until(lambda: heads == [1])
    await store.close()


# --- what ends it --------------------------------------------------------------------------------------------------------


async def test_a_sequencer_that_refuses_stops_the_store_after_the_units_are_durable(url: str) -> None:
    died: list[BaseException] = []

    def refusing(uow: UnitOfWork) -> TreeHead | None:
        if uow.log.pending(1):
            raise SiteError("audit.inconsistent")
        return None

    store, document = opened(url, sequencer=refusing, on_fatal=died.append), rows.document()
    assert await store.transact(adding(document)) == document.key
    await until(lambda: bool(died))
    for verb in (store.transact, store.read):
        with pytest.raises(SiteError, match=r"store\.failing"):
            await verb(lambda _uow: None)
    await store.close()
    assert [str(error) for error in died] == ["audit.inconsistent"]
    assert look(url, "SELECT key FROM documents") == [(document.key,)]


@pytest.mark.parametrize("sqlstate", ["XX001", "XX002", "58030"])
async def test_a_damaged_server_ends_the_store(url: str, sqlstate: str) -> None:
    died: list[BaseException] = []
    store = opened(url, on_fatal=died.append)
    raising(url, sqlstate)
    with pytest.raises(SiteError, match=r"store\.failing"):
        await store.transact(adding(rows.document()))
    with pytest.raises(SiteError, match=r"store\.failing"):
        await store.transact(lambda _uow: None)
    await store.close()
    assert len(died) == 1


LOCK_HOLDER = (
    "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)


async def test_a_lock_that_was_lost_is_taken_again(url: str) -> None:
    store = opened(url)
    ((first,),) = look(url, LOCK_HOLDER)
    end_session(url, int(str(first)))
    await until(lambda: [row for row in look(url, LOCK_HOLDER) if row != (first,)] != [])
    await store.transact(adding(rows.document()))
    await store.close()
    assert look(url, LOCK_HOLDER) == []


async def test_a_lock_that_somebody_else_has_meanwhile_ends_the_store(url: str) -> None:
    died: list[BaseException] = []
    store = opened(url, on_fatal=died.append)
    ((first,),) = look(url, LOCK_HOLDER)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        waiting = threading.Thread(target=other.execute, args=("SELECT pg_advisory_lock(1701080931)",))
        waiting.start()
        time.sleep(0.1)
        end_session(url, int(str(first)))
        waiting.join()
        await until(lambda: bool(died))
    assert [getattr(error, "code", "") for error in died] == ["store.locked"]
    await store.close()
