"""Databases for the tests of this room."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.audit import sequence
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Document
from gateway.storage import SqliteStore
from gateway.storage.engine import driver, writing_engine
from gateway.storage.group_commit import GroupCommit, Sequencer, Work
from tests.kit import rows
from tests.kit.schemas import upgrade
from tests.kit.sqlite import open_test_sqlite


def opened(path: Path, *, sequencer: Sequencer = sequence) -> SqliteStore:
    return open_test_sqlite(path, sequencer)


@contextmanager
def group(path: Path, *, sequencer: Sequencer = sequence) -> Iterator[GroupCommit]:
    """A group commit in this thread."""
    upgrade(path)
    engine = writing_engine(path)
    with engine.connect() as connection:
        yield GroupCommit(connection, sequencer=sequencer)
    engine.dispose()


def leave_pages(commit: GroupCommit, pages: int) -> None:
    """Let the database grow by so many pages and no more: SQLite's own full disk."""
    connection = driver(commit._connection)
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {count + pages}")


def adding(document: Document, runs: list[str] | None = None) -> Work:
    """A unit that stores a document, its leaf and its work item; `runs` collects the key at each run."""

    def work(uow: UnitOfWork) -> str:
        if runs is not None:
            runs.append(document.key)
        uow.documents.add(document)
        uow.log.append(leaf)
        uow.work.add(rows.item(document.key))
        return document.key

    leaf = rows.leaf(document=document.key, subject=document.key)
    return work
