"""The sequencer on PostgreSQL: one at a time in a process, right after each commit that left leaves, before its caller hears.

Whoever waited for its turn often finds that the one before it has placed its leaves too, and goes on without a
transaction. Another node's sequencer is kept out by the head itself (compare-and-set). Leaves that nobody placed, because the
process or the server went down between the two commits, or the disk was full, are placed by the next turn; a keeper takes
one every second while there are any (`behind`).
"""

from threading import Lock
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.observe import logger
from gateway.storage.attempts import Attempts
from gateway.storage.faults import FatalStoreError
from gateway.storage.group_commit import Sequencer
from gateway.storage.unit import Unit

OTHER_NODES_MAX: Final = 20
"""How often in a row another node may be faster."""

_log = logger(__name__)


class PlacingTurns:
    """Turns at the sequencer."""

    def __init__(self, sequencer: Sequencer, /) -> None:
        self._sequencer = sequencer
        self._turn = Lock()
        self._count = Lock()
        # One is left at first: a crash may have come between a commit and its sequencer.
        self._left, self._placed = 1, 0
        self._unsure = False
        """Whether the last turn failed, perhaps after its commit: the head may have moved and nobody was told."""

    @property
    def behind(self) -> bool:
        """Whether a commit left leaves for which no turn was finished."""
        return self._left > self._placed

    def left(self) -> int:
        """A commit left leaves; its number, for `place`."""
        with self._count:
            self._left += 1
            return self._left

    def place(self, attempts: Attempts, number: int | None = None) -> TreeHead | None:
        """See that the leaves of a commit (None: of all) are placed; the newest head if this turn moved it.

        Raises:
            FatalStoreError: the log cannot go on, and neither may the store.
        """
        with self._turn:
            if self._placed >= (number or self._left):
                return None
            upto, head, faster = self._left, None, 0
            while True:
                done = attempts.run(self._some)
                if isinstance(done.error, StaleStateError) and faster < OTHER_NODES_MAX:
                    faster += 1
                    continue
                self._unsure = done.error is not None
                if done.error is not None:
                    _judge(done.error)
                    return head
                moved, more = done.value
                head = moved or head
                if moved is None or not more:
                    self._placed = upto
                    return head

    def _some(self, uow: UnitOfWork) -> tuple[TreeHead | None, bool]:
        """One run of the sequencer, and whether leaves are still pending."""
        moved = self._sequencer(uow)
        if moved is None and self._unsure:
            return uow.log.head(), False
        assert isinstance(uow, Unit)
        return moved, moved is not None and uow.log.any_pending()


def _judge(error: BaseException) -> None:
    """What passes by itself is tried again later; anything else is the end of the log."""
    passing = isinstance(error, StaleStateError) or (isinstance(error, SiteError) and error.facts.retryable)
    if not passing:
        raise FatalStoreError(str(error)) from error
    _log.warning("store.leaves_wait", reason=str(error))
