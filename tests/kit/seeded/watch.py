"""What is watched while a world runs, because nothing of it is left to be seen afterwards.

Fences (I9): a claim's fence is greater than every earlier one of its gateway, and whoever gives a claim back successfully
held the newest one of its item. Heads and checkpoints (I8): the log never shrinks, and no checkpoint is ahead of it.
Answers: the receipt of a transfer has the same bytes whenever and to whomever it is given.
"""

from collections.abc import Callable
from typing import Any

from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.work import Claim
from gateway.storage import MemoryStore
from tests.kit.seeded.real_store import RealStore

Trace = Callable[..., None]
WorldStore = MemoryStore | RealStore


class Watch:
    """The watch over one gateway. Lives as long as its disk."""

    def __init__(self, *, own: GatewayId, trace: Trace, found: list[str]) -> None:
        self._own = own
        self._trace = trace
        self._found = found
        self._fences: dict[tuple[str, str], int] = {}
        self._newest = 0
        self._size = 0
        self.commits = 0

    def violation(self, text: str) -> None:
        """Something that must not be."""
        self._trace("VIOLATION", self._own, text)
        self._found.append(f"{self._own}: {text}")

    def watched(self, uow: UnitOfWork) -> UnitOfWork:
        """The same unit, its work ledger and its log watched."""
        uow.work = WatchedWork(uow.work, self._given_back)  # type: ignore[misc]  # read-only to conductors, not to who watches
        return uow

    def committed(self, store: WorldStore, value: object) -> None:
        """A unit is durable."""
        self.commits += 1
        if isinstance(value, tuple) and value and isinstance(value[0], Claim):
            self._claimed(value)
        head, checkpoint = sizes(store)
        if head < self._size:
            self.violation(f"I8 the log shrank from {self._size} to {head} leaves")
        if checkpoint > head:
            self.violation(f"I8 a checkpoint of {checkpoint} leaves, {head} are committed")
        self._size = head

    def _claimed(self, claims: tuple[Claim, ...]) -> None:
        for claim in claims:
            if claim.fence <= self._newest:
                self.violation(f"I9 fence {claim.fence} after {self._newest}")
            self._fences[claim.item.kind, claim.item.subject] = claim.fence
            self._trace("claim", self._own, claim.item.kind.value, claim.item.subject, claim.fence)
        self._newest = max(self._newest, claims[0].fence)

    def _given_back(self, verb: str, claim: Claim) -> None:
        newest = self._fences.get((claim.item.kind, claim.item.subject))
        if claim.fence != newest:
            self.violation(f"I9 {verb} of {claim.item.subject} with fence {claim.fence}, the newest is {newest}")


class WatchedWork:
    """The work ledger of one unit; what is given back is told to the watch, if the ledger allowed it."""

    def __init__(self, work: Any, given_back: Callable[[str, Claim], None]) -> None:
        self._work = work
        self._given_back = given_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def renew(self, claim: Claim, *args: Any) -> None:
        self._told("renew", claim, *args)

    def finish(self, claim: Claim) -> None:
        self._told("finish", claim)

    def postpone(self, claim: Claim, *args: Any, **kwargs: Any) -> None:
        self._told("postpone", claim, *args, **kwargs)

    def bury(self, claim: Claim, *args: Any) -> None:
        self._told("bury", claim, *args)

    def _told(self, verb: str, claim: Claim, *args: Any, **kwargs: Any) -> None:
        getattr(self._work, verb)(claim, *args, **kwargs)
        self._given_back(verb, claim)


def sizes(store: WorldStore) -> tuple[int, int]:
    """Leaves in the tree, and leaves under the newest checkpoint."""
    head = number(store, "SELECT coalesce(max(size), 0) FROM tree_head")
    return head, number(store, "SELECT coalesce(max(size), 0) FROM checkpoints")


def number(store: WorldStore, query: str) -> int:
    """One number; in memory straight from the driver, for it is asked often."""
    if not isinstance(store, MemoryStore):
        return store.number(query)
    driver = store._connection.connection.dbapi_connection
    assert driver is not None
    found: int = driver.execute(query).fetchone()[0]
    return found


class Answers:
    """Every receipt that was seen on the way, by transfer."""

    def __init__(self, *, found: list[str]) -> None:
        self._found = found
        self.seen: dict[str, bytes] = {}
        self.refusals: dict[str, set[str]] = {}
        """Codes with which a transfer was refused as a whole, without a receipt."""

    def given(self, own: GatewayId, transfer: str, answer: bytes) -> None:
        """A gateway gave this answer."""
        if self.seen.setdefault(transfer, answer) != answer:
            self._found.append(f"{own}: the receipt of transfer {transfer} has other bytes when it is given again")
