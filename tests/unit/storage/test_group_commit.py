"""Savepoints, lost transactions, and what a full disk does to the neighbours."""

import sqlite3
from pathlib import Path
from typing import NoReturn

import pytest

from gateway.audit import sequence
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import SEQUENCE_LEAVES_MAX
from gateway.storage.engine import BUSY_MILLISECONDS
from gateway.storage.group_commit import GroupCommit
from tests.kit import rows
from tests.unit.storage.databases import adding, group, leave_pages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


def kept(path: Path) -> set[str]:
    driver = sqlite3.connect(path)
    try:
        return {key for (key,) in driver.execute("SELECT key FROM documents")}
    finally:
        driver.close()


def leaf_count(commit: GroupCommit) -> int:
    return int(commit.commit([lambda uow: uow.log.head().size]).settled[0].value)


def test_a_unit_that_raises_is_undone_alone(path: Path) -> None:
    def failing(uow: UnitOfWork) -> NoReturn:
        adding(rows.document())(uow)
        raise LookupError

    good = [rows.document() for _ in range(3)]
    with group(path) as commit:
        report = commit.commit([adding(good[0]), failing, adding(good[1]), failing, adding(good[2])])
    assert [type(unit.error) for unit in report.settled] == [
        type(None),
        LookupError,
        type(None),
        LookupError,
        type(None),
    ]
    assert [unit.value for unit in report.settled if unit.error is None] == [document.key for document in good]
    assert kept(path) == {document.key for document in good}
    assert report.head is not None
    assert report.head.size == 3
    assert report.work_added


def test_units_of_a_group_see_each_other_in_their_order(path: Path) -> None:
    document = rows.document()
    with group(path) as commit:
        report = commit.commit(
            [
                lambda uow: uow.documents.find(document.key),
                adding(document),
                lambda uow: uow.documents.find(document.key),
            ]
        )
    assert [unit.value for unit in report.settled] == [None, document.key, document]


def test_a_full_disk_fails_the_unit_that_met_it_and_the_lost_neighbours_are_run_again(path: Path) -> None:
    runs: list[str] = []
    small = [rows.document() for _ in range(4)]
    huge = rows.document(metadata=rows.metadata(content="x" * 2_000_000))
    with group(path) as commit:
        leave_pages(commit, 60)
        works = [adding(document, runs) for document in (*small[:2], huge, *small[2:])]
        report = commit.commit(works)
        full = report.settled[2].error
        assert isinstance(full, SiteError)
        assert full.code == "store.full"
        assert [unit.error for unit in report.settled if unit is not report.settled[2]] == [None] * 4
        assert report.head is not None
        assert report.head.size == 4
        # SQLite rolled the whole transaction back, or this test would not see what it is about.
        assert runs.count(small[0].key) == 2
        leave_pages(commit, 5_000)
        assert commit.commit([adding(huge)]).settled[0].error is None
    assert kept(path) == {document.key for document in (*small, huge)}


def test_a_full_disk_in_the_sequencer_leaves_the_leaves_pending_and_the_units_stand(path: Path) -> None:
    room = [False]

    def sequencer(uow: UnitOfWork) -> TreeHead | None:
        if not room[0]:
            uow.documents.add(rows.document(metadata=rows.metadata(content="x" * 2_000_000)))
        return sequence(uow)

    document = rows.document()
    with group(path, sequencer=sequencer) as commit:
        leave_pages(commit, 40)
        report = commit.commit([adding(document)])
        assert report.settled[0].value == document.key
        assert (report.head, report.sequencer_error) == (None, None)
        assert leaf_count(commit) == 0
        room[0] = True
        commit.commit([])
        assert leaf_count(commit) == 1
    assert kept(path) == {document.key}


def test_a_sequencer_without_room_for_temporary_files_waits_for_room_like_any_other(path: Path) -> None:
    """Then SQLite refuses the statement and leaves the transaction: that is no more a reason to die than a full disk."""
    room = [False]

    def sequencer(uow: UnitOfWork) -> TreeHead | None:
        if not room[0]:
            raise SiteError("store.full")
        return sequence(uow)

    document = rows.document()
    with group(path, sequencer=sequencer) as commit:
        report = commit.commit([adding(document)])
        assert report.settled[0].value == document.key
        assert (report.head, report.sequencer_error) == (None, None)
        assert leaf_count(commit) == 0
        room[0] = True
        assert commit.commit([]).head is not None
        assert leaf_count(commit) == 1
    assert kept(path) == {document.key}


def test_a_sequencer_that_refuses_is_reported_and_undone_alone(path: Path) -> None:
    def inconsistent(uow: UnitOfWork) -> NoReturn:
        uow.log.pending(9)
        raise SiteError("audit.inconsistent")

    document = rows.document()
    with group(path, sequencer=inconsistent) as commit:
        report = commit.commit([adding(document)])
    assert isinstance(report.sequencer_error, SiteError)
    assert report.settled[0].value == document.key
    assert kept(path) == {document.key}
    with group(path) as commit:  # after a restart with a sound sequencer nothing is lost
        commit.commit([])
        assert leaf_count(commit) == 1


def test_more_leaves_than_one_run_takes_are_sequenced_in_the_same_commit(path: Path) -> None:
    def many(uow: UnitOfWork) -> None:
        for _ in range(SEQUENCE_LEAVES_MAX + 1):
            uow.log.append(rows.leaf())

    with group(path) as commit:
        report = commit.commit([many])
        assert report.head is not None
        assert report.head.size == SEQUENCE_LEAVES_MAX + 1


def test_a_sequencer_that_takes_nothing_does_not_loop(path: Path) -> None:
    with group(path, sequencer=lambda _uow: None) as commit:
        assert commit.commit([adding(rows.document())]).head is None


def test_somebody_else_holding_the_database_is_busy_and_nothing_ran(path: Path) -> None:
    runs: list[str] = []
    document = rows.document()
    with group(path) as commit:
        commit._connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS // 100}")
        commit._connection.rollback()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SiteError, match=r"store\.busy"):
            commit.commit([adding(document, runs)])
        other.execute("ROLLBACK")
        other.close()
        assert runs == []
        assert commit.commit([adding(document, runs)]).settled[0].value == document.key
