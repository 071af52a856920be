"""A database from before the change feed becomes one that was there from the beginning."""

import sqlite3
from pathlib import Path

from gateway.core.ids import OrganId
from gateway.core.principal import Scope
from gateway.core.states import DocumentState
from gateway.storage.engine import driver, writing_engine
from tests.kit.exchange_world import Node, World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.schemas import make_at, upgrade


async def lived(world: World) -> None:
    """Documents of every fate, and what is said of them, on both sides."""
    party, government = world.party, world.government
    await party.submit(letter(world.sender, world.wards, await party.file("a.pdf", tiny_pdf())))
    await world.settle()
    for ward in (ward for ward in world.wards if ".UB." in ward):
        (entry,) = (await government.queries.inbox(government.principal(ward), 0, 10)).entries
        await government.statuses.accept(government.principal(ward), entry.key, trace_id="1" * 32)
    gone, text = OrganId("Z79.nobody"), await party.file("b.txt", b"b", "text/plain")
    await party.submit_to_gone(letter(world.sender, (world.wards[0], gone), text, number="13"), gone)
    refused = letter(world.sender, world.wards[:1], await party.file("c.pdf", tiny_pdf("c")), number="14")
    document = await party.submit(refused, scopes=frozenset(Scope) - {Scope.SEAL})
    await world.settle()
    view = await party.queries.document(party.principal(world.sender), document.key)
    assert view.document.state is DocumentState.REFUSED


def saved(node: Node, path: Path) -> None:
    with sqlite3.connect(path) as copy:
        driver(node.store._connection).backup(copy)
    copy.close()


def as_of_revision_1(path: Path, old: Path) -> None:
    """The same rows in the schema of revision 0001, as the program of that time wrote them."""
    engine = writing_engine(old)
    make_at(engine, "0001")
    engine.dispose()
    with sqlite3.connect(old) as driver_:
        driver_.execute("ATTACH ? AS new", (str(path),))
        tables = [row[0] for row in driver_.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table.startswith("sqlite_") or table == "alembic_version":
                continue
            names = ", ".join(f'"{row[1]}"' for row in driver_.execute(f"PRAGMA table_info({table})"))
            driver_.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM new.{table}")
    driver_.close()


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(path) as opened:
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in tables:
            if not table.startswith("sqlite_") and table != "alembic_version":
                names = sorted(row[1] for row in opened.execute(f"PRAGMA table_info({table})"))
                columns = ", ".join(f'"{name}"' for name in names)
                found[table] = sorted(opened.execute(f"SELECT {columns} FROM {table}"), key=repr)
    opened.close()
    return found


async def test_old_rows_are_told_in_the_feed_as_if_it_had_always_been_there(world: World, tmp_path: Path) -> None:
    await lived(world)
    for node in (world.party, world.government):
        now, old = tmp_path / f"{node.own}-now.db", tmp_path / f"{node.own}-old.db"
        saved(node, now)
        as_of_revision_1(now, old)
        upgrade(old)
        before, after = contents(now), contents(old)
        for table in ("documents", "openings", "leaves", "feed"):
            assert after[table] == before[table]
        assert len(after["feed"]) > 10
