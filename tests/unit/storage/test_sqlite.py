"""The store on a file: durability, the lock, readers beside the writer, damage, a disk that fails."""

import asyncio
import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event, Thread, Timer

import pytest

from gateway.audit import sequence
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ids import DocumentKey, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import GROUP_COMMIT_UNITS_MAX, STORE_QUEUE_MAX
from gateway.storage import FileBlobs, lock_holder, open_reader, open_sqlite
from gateway.storage.engine import driver, reading_engine, writing_engine
from gateway.storage.lock import DatabaseLock
from gateway.storage.wal import WalBound
from tests.kit import rows
from tests.kit.schemas import upgrade
from tests.unit.storage.databases import adding, opened

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


def start(module: str, *arguments: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"tests.unit.storage.{module}", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


# --- group commit ------------------------------------------------------------------------------------------------------


async def test_units_that_wait_share_one_commit(path: Path) -> None:
    """While the writer is held up by one unit, others queue; they then need as many sequencer runs as there are groups."""
    heads: list[int] = []

    class Listener:
        def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
            heads.append(head.size if head else 0)

    store, gate = opened(path), Event()
    store.set_listener(Listener())
    held = asyncio.create_task(store.transact(lambda uow: (gate.wait(10), adding(rows.document())(uow))[0]))
    await asyncio.sleep(0.05)
    units = [asyncio.create_task(store.transact(adding(rows.document()))) for _ in range(3 * GROUP_COMMIT_UNITS_MAX)]
    await asyncio.sleep(0)
    assert not any(unit.done() for unit in units)
    gate.set()
    assert await held
    await asyncio.gather(*units)
    await store.close()
    assert heads == [1, 65, 129, 193]


async def test_a_full_queue_refuses_and_keeps_what_it_has(path: Path) -> None:
    store, gate = opened(path), Event()
    held = asyncio.create_task(store.transact(lambda _uow: gate.wait(10)))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(store.transact(lambda _uow: None)) for _ in range(STORE_QUEUE_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(SiteError, match=r"store\.busy"):
        store.check_room()
    with pytest.raises(SiteError, match=r"store\.busy"):
        await store.transact(lambda _uow: None)
    gate.set()
    await asyncio.gather(held, *waiting)
    await store.close()


async def test_the_event_loop_runs_while_a_unit_does(path: Path) -> None:
    store, gate = opened(path), Event()
    writing = asyncio.create_task(store.transact(lambda _uow: gate.wait(10)))
    await asyncio.sleep(0.01)
    assert await store.read(lambda uow: uow.log.head().size) == 0  # readers do not wait for the writer
    gate.set()
    assert await writing
    await store.close()


def test_a_caller_whose_loop_is_gone_does_not_stop_the_writer(path: Path) -> None:
    store, gate = opened(path), Event()
    document = rows.document()

    async def leave() -> None:
        task = asyncio.ensure_future(store.transact(lambda uow: (gate.wait(10), adding(document)(uow))))
        await asyncio.sleep(0.05)
        task.cancel()

    async def come_back() -> object:
        gate.set()
        found = await store.transact(lambda uow: uow.documents.find(document.key))
        await store.close()
        return found

    asyncio.run(leave())
    assert asyncio.run(come_back()) == document


def test_every_commit_is_synced_and_nobody_else_may_read_the_file(path: Path) -> None:
    upgrade(path)
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1}
    engine = writing_engine(path)
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in expected}
        assert connection.exec_driver_sql("PRAGMA mmap_size").scalar() in {0, None}
        assert found == expected
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    engine.dispose()


async def test_a_large_unit_needs_no_room_for_temporary_files(path: Path) -> None:
    """Of every page that a savepoint changes SQLite keeps a copy: more than 64 KiB of them went into a file."""
    store = opened(path)
    document = rows.document()
    made = [rows.delivery(document, OrganId(f"H29.{n}")) for n in range(336)]

    def advance(uow: UnitOfWork) -> list[str]:
        was = {delivery.key: delivery.state for delivery in made}
        uow.documents.advance_deliveries([rows.delivered(delivery) for delivery in made], was=was)
        return [opened_file for opened_file in files_of_this_process() if "etilqs_" in opened_file]

    await store.transact(lambda uow: (uow.documents.add(document), uow.documents.add_deliveries(made)))
    assert await store.transact(advance) == []
    await store.close()


def files_of_this_process() -> list[str]:
    """SQLite removes the names of its temporary files at once; here they are still."""
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            names.append(str(entry.readlink()))
    return names


# --- kill -9 -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_everything_acknowledged_survives_kill_9(path: Path, tmp_path: Path) -> None:
    seed = time.time_ns()
    print("seed", seed)  # noqa: T201 - shown when the test fails
    moments = Random(seed)
    blobs = tmp_path / "blobs"
    acknowledged: list[str] = []
    for _ in range(4):
        process = start("crash_writer", path, blobs)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(moments.uniform(0.05, 0.4))
        process.kill()
        rest, _ = process.communicate()
        lines = (first + rest).decode().split("\n")
        acknowledged += lines[:-1]  # what stands behind the last line feed was cut off while it was written
    assert len(acknowledged) > 50
    reader = open_reader(path)  # a reader finds what the last writer left in its log, before any writer was here again
    assert await reader.read(lambda uow: uow.documents.find(DocumentKey(acknowledged[-1]))) is not None
    await reader.close()
    store = opened(path)
    documents = [await store.read(lambda uow, k=key: uow.documents.find(DocumentKey(k))) for key in acknowledged]
    assert None not in documents
    for document in documents:
        assert document is not None
        assert document.envelope is not None
        assert await FileBlobs(blobs).read(document.envelope) == document.key.encode()
    await check_whole(store)
    await store.close()


async def check_whole(store: object) -> None:
    """Rows, leaves and work of every unit are there together, and the tree has all leaves."""

    def look(uow: UnitOfWork) -> tuple[int, int, int, int]:
        openings = uow.log.openings(0, 1_000_000)
        return (
            len(uow.documents.page(None, 1_000_000)),
            len(openings),
            len(uow.log.indexes([opening[1] for opening in openings])),
            uow.log.head().size,
        )

    documents, openings, indexes, size = await store.read(look)  # type: ignore[attr-defined]
    assert documents == openings == indexes == size
    due = await store.transact(  # type: ignore[attr-defined]
        lambda uow: uow.work.claim(rows.later(1), lease=1, windows={}, limit=1_000_000)
    )
    assert len(due) == documents


# --- one process ---------------------------------------------------------------------------------------------------------


def test_a_second_process_is_refused_and_the_lock_dies_with_its_holder_and_not_with_its_children(path: Path) -> None:
    upgrade(path)
    holder = start("lock_holder", path)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        for attempt in (lambda: opened(path), lambda: upgrade(path)):
            with pytest.raises(SiteError) as refused:
                attempt()
            assert refused.value.code == "store.locked"
            assert refused.value.params["holder"] == str(holder.pid)
        open_reader(path)
        holder.kill()
        holder.wait()
        os.kill(child, 0)  # still alive
        upgrade(path)
    finally:
        os.kill(child, signal.SIGKILL)
        holder.stdout.close()
        holder.wait()


async def test_a_second_store_of_this_process_is_refused_until_the_first_is_closed(path: Path) -> None:
    store = opened(path)
    with pytest.raises(SiteError, match=r"store\.locked"):
        opened(path)
    await store.close()
    await opened(path).close()


def test_whoever_asks_who_holds_the_database_is_in_nobody_s_way(path: Path) -> None:
    """`doctor` looks with a shared lock, for a moment; a service that starts in that moment starts."""
    DatabaseLock(path).release()
    asking = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    moment = Timer(0.05, lambda: fcntl.flock(asking, fcntl.LOCK_UN))
    moment.start()
    try:
        lock = DatabaseLock(path)
        assert lock_holder(path) == str(os.getpid())
        lock.release()
    finally:
        moment.join()
        os.close(asking)


def test_a_shared_lock_that_does_not_go_away_is_no_reason_to_wait_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.storage.lock.LOOKERS_MAX", 2)
    DatabaseLock(path).release()
    asking = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    try:
        with pytest.raises(SiteError, match=r"store\.locked"):
            DatabaseLock(path)
    finally:
        os.close(asking)


def test_a_refused_start_gives_the_lock_back(path: Path) -> None:
    path.write_bytes(b"no database at all" * 300)
    for _ in range(2):
        with pytest.raises(SiteError, match=r"store\.damaged"):
            opened(path)


# --- readers -------------------------------------------------------------------------------------------------------------


async def test_a_reader_from_outside_sees_commits_and_changes_nothing(path: Path) -> None:
    store, document = opened(path), rows.document()
    reader = open_reader(path)
    assert await reader.read(lambda uow: uow.documents.find(document.key)) is None
    await store.transact(adding(document))
    assert await reader.read(lambda uow: uow.documents.find(document.key)) == document
    with pytest.raises(AssertionError):
        await reader.transact(lambda _uow: None)
    with pytest.raises(AssertionError):
        await reader.read(lambda uow: uow.work.add(rows.item("x")))
    files = [path, path.with_name("gateway.db-wal")]
    before = [file.read_bytes() for file in files]
    await reader.close()
    await reader.close()
    assert [file.read_bytes() for file in files] == before
    await store.transact(adding(rows.document()))
    await store.close()
    before = [path.read_bytes()]
    reader = open_reader(path)
    assert await reader.read(lambda uow: uow.log.head().size) == 2
    await reader.close()
    assert [path.read_bytes()] == before


async def test_a_reading_unit_sees_one_snapshot(path: Path) -> None:
    store, begun, gate = opened(path), Event(), Event()

    def look(uow: UnitOfWork) -> tuple[int, int]:
        first = len(uow.documents.page(None, 10))
        begun.set()
        gate.wait(10)
        return first, len(uow.documents.page(None, 10))

    reading = asyncio.create_task(store.read(look))
    await asyncio.to_thread(begun.wait, 10)
    await store.transact(adding(rows.document()))
    gate.set()
    assert await reading == (0, 0)
    assert await store.read(lambda uow: len(uow.documents.page(None, 10))) == 1
    await store.close()


def test_a_reading_connection_cannot_write(path: Path) -> None:
    upgrade(path)
    engine = reading_engine(path)
    with engine.connect() as connection, connection.begin():
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.execute("PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            driver.execute("DELETE FROM documents")
    engine.dispose()


# --- the write-ahead log -------------------------------------------------------------------------------------------------


def wal_size(path: Path) -> int:
    return path.with_name("gateway.db-wal").stat().st_size


def writing(path: Path, size: int) -> Callable[[], None]:
    """A writer with a bound on its log; each call commits and then looks after it."""
    opened_for_writing = writing_engine(path).connect()
    connection = driver(opened_for_writing)
    connection.execute(f"PRAGMA journal_size_limit = {size}")
    bound = WalBound(connection, path, limit=size)

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO pending_leaves (data) VALUES (zeroblob(20000))")
        connection.execute("COMMIT")
        bound.keep()
        assert not opened_for_writing.closed

    return commit


def test_readers_who_always_overlap_do_not_let_the_log_grow_for_ever(path: Path) -> None:
    upgrade(path)
    over, reading = Event(), [Event(), Event()]

    def read(mine: Event, other: Event) -> None:
        connection = sqlite3.connect(path)
        while not over.is_set():
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM pending_leaves").fetchone()
            mine.set()
            other.wait(0.02)  # until the other reads too: there is always somebody who reads
            other.clear()
            connection.execute("COMMIT")
        connection.close()

    commit = writing(path, 2**20)
    readers = [Thread(target=read, args=pair) for pair in (reading, reading[::-1])]
    for reader in readers:
        reader.start()
    sizes = []
    for _ in range(400):  # 12 MB
        commit()
        sizes.append(wal_size(path))
    over.set()
    for reader in readers:
        reader.join()
    assert max(sizes) < 6 * 2**20, (
        "an attempt may meet a reader whom a busy machine has put to sleep; without any it is 12 MB"
    )


def test_one_who_reads_for_long_is_not_waited_for_again_and_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    upgrade(path)
    commit, long = writing(path, 2**20), sqlite3.connect(path)
    commit()
    long.execute("BEGIN")
    long.execute("SELECT count(*) FROM pending_leaves").fetchone()
    for _ in range(200):  # 6 MB
        commit()
    assert 4 < caplog.text.count("store.log_grows") < 8  # once for each megabyte, not at each commit
    assert wal_size(path) > 5 * 2**20
    long.execute("COMMIT")
    long.close()
    for _ in range(70):
        commit()
    assert wal_size(path) <= 2 * 2**20


# --- damage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opener", [opened, open_reader])
async def test_a_damaged_file_is_refused_at_start(path: Path, opener: object) -> None:
    store = opened(path)
    for _ in range(50):
        await store.transact(adding(rows.document(metadata=rows.metadata(content="x" * 3_000))))
    await store.close()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    for page in range(middle, middle + 20 * 4096, 4096):
        data[page : page + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(SiteError, match=r"store\.damaged"):
        opener(path)  # type: ignore[operator]


async def test_damage_that_is_met_later_is_said_and_never_read_as_something_else(path: Path) -> None:
    store = opened(path)
    documents = [rows.document(metadata=rows.metadata(content="x" * 3_000)) for _ in range(50)]
    for document in documents:
        await store.transact(adding(document))
    await store.close()
    store = opened(path)
    with path.open("r+b") as file:  # the pages that the writer has read already are in its cache; readers read again
        for page in range(4096, path.stat().st_size, 4096):
            file.seek(page)
            file.write(b"\xff" * 512)
    with pytest.raises(SiteError) as told:
        await store.read(lambda uow: uow.documents.page(None, 100))
    assert told.value.code == "store.damaged"
    assert not told.value.facts.retryable
    await store.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents SET metadata = '{}'",
        "UPDATE documents SET state = 'unheard of'",
        "UPDATE documents SET accepted_at = 9223372036854775807",
        "UPDATE documents SET attachments = 'null'",
        "UPDATE documents SET metadata = CAST(x'7bc3287d' AS TEXT)",  # found by the fault lab: a bit that flipped
    ],
)
async def test_a_row_that_does_not_read_back_is_damage_and_the_store_goes_on(path: Path, change: str) -> None:
    store, document = opened(path), rows.document()
    await store.transact(adding(document))
    other = sqlite3.connect(path)
    other.execute(change)
    other.commit()
    other.close()
    for verb in (store.read, store.transact):
        with pytest.raises(SiteError, match=r"store\.damaged"):
            await verb(lambda uow: uow.documents.find(document.key))
    await store.transact(adding(rows.document()))
    await store.close()


async def test_a_sequencer_that_refuses_stops_the_store_after_the_units_are_durable(path: Path) -> None:
    died: list[BaseException] = []

    def refusing(uow: UnitOfWork) -> TreeHead | None:
        uow.log.pending(1)
        raise SiteError("audit.inconsistent")

    store = open_sqlite(path, sequencer=refusing, on_fatal=died.append, migrate=True)
    document = rows.document()
    assert await store.transact(adding(document)) == document.key
    with pytest.raises(SiteError, match=r"store\.failing"):
        await store.transact(lambda _uow: None)
    await store.close()
    assert [str(error) for error in died] == ["audit.inconsistent"]
    assert await open_reader(path).read(lambda uow: uow.documents.find(document.key)) == document


def test_a_commit_that_the_disk_refuses_is_fatal_and_loses_nothing_acknowledged(path: Path) -> None:
    process = start("failing_disk", path)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    seen = json.loads(output)
    assert seen["during"] == ["store.failing", "store.failing"]
    assert seen["after"] == ["store.failing", "store.failing"]
    assert len(seen["died"]) == 1
    assert "disk I/O error" in seen["died"][0]

    async def reopened() -> None:
        store = open_sqlite(path, sequencer=sequence, on_fatal=lambda error: None)
        kept = {document.key for document in await store.read(lambda uow: uow.documents.page(None, 100))}
        assert kept == set(seen["acknowledged"])
        await check_whole(store)
        await store.close()

    asyncio.run(reopened())
