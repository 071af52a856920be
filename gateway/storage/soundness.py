"""Is the file sound? Asked at every opening, and for so long as whoever opens has the patience.

`PRAGMA quick_check` reads the whole file: a fraction of a second in the first months, a quarter of a minute for a million
documents from a cold disk, and a service is to be there again within two seconds. So a service stops asking after one. What it
then has not looked at is looked at by `gateway doctor`, which waits for the end, and by a statement that meets a damaged page.

The tables that say what has to be done come first: they are small, and a mistake in them is felt at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import SQLITE_INTERRUPT
from sqlite3 import Connection as DriverConnection
from sqlite3 import Error as DriverError
from threading import Event, Thread
from typing import Final

from gateway.observe import logger

FIRST: Final = ("work", "fences", "destinations", "tree_head", "pending_leaves")
_AGAIN_SECONDS: Final = 0.002
"""Between two interruptions: one may fall between two statements, where it interrupts nothing."""

_log: Final = logger(__name__)


def flaw_of(connection: DriverConnection, patience: float | None) -> str:
    """What is wrong with the file, or an empty text; `patience`: seconds after which it is believed, None: looked at whole.

    Raises:
        sqlite3.Error: it cannot even be looked at.
    """
    known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    for table in FIRST:
        if table in known and (found := _asked(connection, f"PRAGMA quick_check({table})")):
            return found
    with _interrupted(connection, patience):
        try:
            return _asked(connection, "PRAGMA quick_check(1)")
        except DriverError as error:
            if patience is None or error.sqlite_errorcode != SQLITE_INTERRUPT:
                raise
    _log.info("store.looked_at_in_part", seconds=patience)
    return ""


def _asked(connection: DriverConnection, question: str) -> str:
    (found,) = connection.execute(question).fetchone()
    return "" if found == "ok" else str(found)


@contextmanager
def _interrupted(connection: DriverConnection, patience: float | None) -> Iterator[None]:
    """Interrupt what the block asks after so many seconds."""
    if patience is None:
        yield
        return
    done = Event()

    def interrupt() -> None:
        wait = patience
        while not done.wait(wait):
            connection.interrupt()
            wait = _AGAIN_SECONDS

    watch = Thread(target=interrupt, name="store-patience", daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()
