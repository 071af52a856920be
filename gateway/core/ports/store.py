"""The database: units of work, and who is told of commits."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork

T = TypeVar("T")


class Store(Protocol):
    """The database."""

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit of work in one transaction and return its result once that is durable.

        * MUST NOT return before the commit is on disk (fsync); MUST undo everything when `work` raises, and re-raise.
        * `work` MUST have no side effects, MUST NOT wait, MAY be run in another thread, and is short (< 20 ms).
        * Units see each other's effects in one order. One unit's failure MUST NOT undo its neighbour in a group commit.
        * Cancelling the caller does not undo a unit that has begun.

        Raises:
            SiteError: `store.busy` when the queue is full, `store.failing` when the database cannot be trusted any more.
        """
        ...

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit that only reads, on one consistent snapshot, beside the writer. A write in it MUST fail."""
        ...

    def check_room(self) -> None:
        """Look, without waiting, whether a unit handed in now would be taken in.

        Raises:
            SiteError: `store.busy`, `store.failing`, as `transact` would.
        """
        ...

    async def close(self) -> None:
        """Finish the units already taken, refuse new ones, close the files. MAY be called twice."""
        ...


class CommitListener(Protocol):
    """Told after each durable commit what it left behind; called from any thread and MUST return at once."""

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        """`work_added`: some item became due. `head`: the new tree head when leaves were sequenced in this commit."""
        ...
