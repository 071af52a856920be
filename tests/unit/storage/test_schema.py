"""The migrations give exactly the schema of `tables`, and a database of another version is refused."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Index, TextClause

from gateway.core.clock import from_millis
from gateway.core.errors import SiteError
from gateway.storage import migrating, open_reader, open_sqlite, schema
from gateway.storage.engine import memory_engine, writing_engine
from gateway.storage.tables import metadata
from tests.contract.stores import fail
from tests.kit import rows
from tests.kit.schemas import make_at, upgrade
from tests.unit.storage.databases import opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


@pytest.fixture
def migrated(path: Path) -> Iterator[Connection]:
    upgrade(path)
    engine = writing_engine(path)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def definitions(connection: Connection) -> set[tuple[str, str]]:
    """Every table and index, word for word, whatever the layout and the order of the constraints.

    SQLite puts the name of a table that was renamed into quotes.
    """
    found = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        " AND name <> 'alembic_version'"
    )
    return {
        (name, " ".join(sorted(sql.replace(f'TABLE "{name}"', f"TABLE {name}").replace(",", " ").split())))
        for name, sql in found
    }


def test_the_migrations_and_the_tables_are_the_same_to_the_letter(migrated: Connection) -> None:
    with memory_engine().connect() as fresh, fresh.begin():
        metadata.create_all(fresh)
        assert definitions(migrated) == definitions(fresh)
        assert len(definitions(fresh)) > len(metadata.tables)


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_alembic_sees_no_difference(migrated: Connection) -> None:
    """Indexes that go downwards it does not read as they are; their texts are compared above."""
    downwards = {index.name for table in metadata.tables.values() for index in table.indexes if goes_down(index)}
    options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "index" or name not in downwards}
    found = compare_metadata(MigrationContext.configure(migrated, opts=options), metadata)
    assert [one for one in found if one[0] != "add_index" or one[1].name not in downwards] == []


def goes_down(index: Index) -> bool:
    return any(isinstance(one, TextClause) for one in index.expressions)


def test_every_table_is_strict(migrated: Connection) -> None:
    tables = migrated.exec_driver_sql("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    strict = {name for name, is_strict in tables if is_strict}
    assert strict == set(metadata.tables)
    driver = migrated.connection.dbapi_connection
    assert driver is not None
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT value in INTEGER column"):
        driver.execute("INSERT INTO fences VALUES (1, 'not a number')")


def test_the_database_refuses_contradictions_by_itself(migrated: Connection) -> None:
    driver = migrated.connection.dbapi_connection
    assert driver is not None
    for statement in (
        "INSERT INTO fences VALUES (2, 1)",
        "INSERT INTO streams VALUES ('a', 'b', 1, '', 1)",
        "INSERT INTO non_deliveries VALUES ('nobody''s', 'nobody''s', 1, -1, NULL, '', NULL, NULL)",
        "INSERT INTO incoming_streams VALUES ('a', 'b', 0, 0, NULL, 1)",
        "INSERT INTO incoming_numbers VALUES ('a', 'b', 3, 2, NULL, '', '', NULL, NULL)",
        "INSERT INTO incoming_numbers VALUES ('a', 'b', 3, 3, 'entry', '', '', NULL, NULL)",
        "INSERT INTO incoming_numbers VALUES ('a', 'b', 3, 3, 'entry', '', '', 1, NULL)",
        "INSERT INTO stream_handles VALUES ('a', 'b', 2026, x'00')",
        "INSERT INTO tree_head VALUES (1, 0, x'00', x'', 0)",
        "INSERT INTO incoming_recipients VALUES ('none', 0, 'a', 1, 'received', '', x'', x'')",
        "INSERT INTO destinations VALUES ('a', -1, NULL)",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            driver.execute(statement)


async def test_upgrading_twice_is_harmless_and_keeps_the_rows(path: Path) -> None:
    store = opened(path)
    await store.transact(lambda uow: uow.log.publish(1, "note"))
    await store.close()
    upgrade(path)
    store = open_sqlite(path, sequencer=lambda _uow: None, on_fatal=fail)
    assert await store.read(lambda uow: uow.log.checkpoint()) == (1, "note")
    await store.close()


async def test_keys_of_an_older_database_are_kept_and_may_be_used_from_anywhere(path: Path) -> None:
    at_revision(path, "0001")
    row = "('old', 'QLVB', '{digest}', '[\"Z79.A\"]', '[\"read\"]', NULL, {revoked})"
    with sqlite3.connect(path) as driver:
        names = "key_id, name, secret_digest, organs, scopes, expires_at, revoked_at"
        values = row.format(digest="a" * 64, revoked="1000")
        driver.execute(f"INSERT INTO api_keys ({names}) VALUES {values}")
    driver.close()
    upgrade(path)
    store = open_sqlite(path, sequencer=lambda _uow: None, on_fatal=fail)
    (key,) = await store.read(lambda uow: uow.access.keys())
    assert (key.key_id, key.addresses, key.revoked_at) == ("old", (), from_millis(1000))
    assert await store.read(lambda uow: uow.access.certificates()) == ()
    await store.close()


async def test_blobs_that_an_older_database_names_are_written_down(path: Path) -> None:
    store = opened(path)
    document = rows.document(envelope=rows.blob("its envelope"))
    transfer = rows.transfer(document, slip=rows.slip(envelope=rows.blob("sent")))
    incoming = rows.incoming(slip=rows.slip(envelope=rows.blob("received")))
    file = replace(rows.attachments()[0], blob=rows.blob("of the entry"))
    entry = rows.entry(envelope=rows.blob("entry"), attachments=(file,))
    await store.transact(lambda uow: uow.documents.add(document))
    await store.transact(lambda uow: uow.transfers.add([transfer]))
    await store.transact(lambda uow: uow.transfers.receive(incoming))
    await store.transact(lambda uow: uow.inbox.add([entry]))
    await store.close()
    with sqlite3.connect(path) as driver:
        before = driver.execute("SELECT digest FROM named_blobs ORDER BY digest").fetchall()
        driver.execute("DROP TABLE named_blobs")
        driver.execute("DROP TABLE owed_timestamps")
        driver.execute("DROP TABLE pauses")
        driver.execute("DROP TABLE requests")
        driver.execute("DROP TABLE non_deliveries")
        (made,) = driver.execute("SELECT sql FROM sqlite_schema WHERE name = 'deliveries'").fetchone()
        driver.execute("DROP TABLE deliveries")
        made = made.replace("recipient_sequence", "recipient").replace("recipient, sequence)", "recipient)")
        driver.execute(made.replace('"deliveries"', "deliveries"))
        driver.execute("CREATE INDEX ix_deliveries_transfer ON deliveries (transfer)")
        driver.execute("DROP INDEX ix_work_road")
        driver.execute("DROP INDEX ix_work_urgent_road")
        driver.execute("CREATE INDEX ix_work_destination ON work (destination)")
        driver.execute("DROP TABLE amendments")
        driver.execute("ALTER TABLE inbox DROP COLUMN opened_at")
        driver.execute("DROP INDEX ix_work_urgent")
        driver.execute("ALTER TABLE work DROP COLUMN urgency")
        driver.execute("ALTER TABLE dead_letters DROP COLUMN urgency")
        driver.execute("DROP TABLE incoming_streams")
        driver.execute("DROP TABLE incoming_numbers")
        driver.execute("ALTER TABLE streams DROP COLUMN destination")
        driver.execute("ALTER TABLE streams DROP COLUMN since")
        for table in ("reopenings", "skipped_numbers", "resyncs", "wanted_transfers", "restored_peers", "resends"):
            driver.execute(f"DROP TABLE {table}")
        driver.execute("ALTER TABLE tree_head DROP COLUMN base")
        driver.execute("UPDATE alembic_version SET version_num = '0004'")
    driver.close()
    upgrade(path)
    with sqlite3.connect(path) as driver:
        assert driver.execute("SELECT digest FROM named_blobs ORDER BY digest").fetchall() == before
    driver.close()
    assert {rows.digest(name) for name in ("its envelope", "sent", "received", "entry", "of the entry")} < {
        digest for (digest,) in before
    }


def at_revision(path: Path, revision: str) -> None:
    """A database as an older program left it."""
    engine = writing_engine(path)
    make_at(engine, revision)
    engine.dispose()


def test_the_newest_version_is_that_of_the_last_revision() -> None:
    assert migrating.revisions()[-1] == schema.NEWEST


def test_who_finds_the_newest_version_loads_nothing_that_migrates(path: Path) -> None:
    upgrade(path)
    script = (
        "import os, pathlib, sys\n"
        "from gateway.storage import open_store\n"
        f"open_store(pathlib.Path({str(path)!r}), sequencer=lambda uow: None, on_fatal=print, relaxed=True)\n"
        "print(sorted({'alembic', 'mako'} & set(sys.modules)), flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_newer_schema_is_refused_by_everybody(path: Path) -> None:
    upgrade(path)
    with sqlite3.connect(path) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '9999'")
    driver.close()
    for attempt in (
        lambda: upgrade(path),
        lambda: opened(path),
        lambda: open_sqlite(path, sequencer=lambda _uow: None, on_fatal=fail),
        lambda: open_reader(path),
    ):
        with pytest.raises(SiteError) as refused:
            attempt()
        assert refused.value.code == "store.version"
        assert dict(refused.value.params) == {"found": "9999", "expected": schema.NEWEST}


def test_an_absent_or_empty_database_is_made_only_when_asked(path: Path) -> None:
    for _ in range(2):
        with pytest.raises(SiteError, match=r"store\.version"):
            open_sqlite(path, sequencer=lambda _uow: None, on_fatal=fail)
    assert not path.exists()
    path.touch()
    with pytest.raises(SiteError, match=r"store\.version"):
        open_sqlite(path, sequencer=lambda _uow: None, on_fatal=fail)
    upgrade(path)
