"""What PostgreSQL's SQLSTATEs mean to the store (PostgreSQL manual, appendix A)."""

from enum import Enum, auto
from typing import Final

UNIQUE_VIOLATION: Final = "23505"


class Meaning(Enum):
    """What follows from an error of the server."""

    AGAIN = auto()
    """The server undid the transaction so that another could go on: run the unit again."""
    LOST = auto()
    """The connection is gone, or will be; whether a COMMIT that was under way came to pass is not known."""
    BUSY = auto()
    """Not now: a time limit, or no room for one more."""
    FULL = auto()
    """The server's disk is full."""
    DAMAGED = auto()
    """The server cannot read what it wrote: nothing it holds may be built upon."""
    MISTAKE = auto()
    """The statement itself: a broken constraint, a write in a reading unit. Ours, never the user's."""


_EXACT: Final = {
    "40001": Meaning.AGAIN,  # serialization_failure
    "40P01": Meaning.AGAIN,  # deadlock_detected
    "25P03": Meaning.LOST,  # idle_in_transaction_session_timeout: the server hung up
    "57P01": Meaning.LOST,  # admin_shutdown
    "57P02": Meaning.LOST,  # crash_shutdown
    "57P03": Meaning.LOST,  # cannot_connect_now
    "57P05": Meaning.LOST,  # idle_session_timeout
    "55P03": Meaning.BUSY,  # lock_not_available: lock_timeout
    "57014": Meaning.BUSY,  # query_canceled: statement_timeout
    "53100": Meaning.FULL,  # disk_full
    "58030": Meaning.DAMAGED,  # io_error
    "XX001": Meaning.DAMAGED,  # data_corrupted
    "XX002": Meaning.DAMAGED,  # index_corrupted
}
_CLASSES: Final = {
    "08": Meaning.LOST,  # connection exception
    "53": Meaning.BUSY,  # insufficient resources: memory, connections
}


def meaning(sqlstate: str) -> Meaning:
    """What an error of the server means."""
    return _EXACT.get(sqlstate) or _CLASSES.get(sqlstate[:2], Meaning.MISTAKE)
