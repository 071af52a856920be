"""The feed's signal: whoever waits for events is woken by the commit that brings one, and nobody polls the database.

After a commit that moved the head of the log, one look finds out whom the new leaves concern, however many wait (a bulk
letter commits hundreds of leaves, all of them one sender's), and wakes those. A wake-up is a hint, never a message: who is
woken looks for himself, in a snapshot of his own.

No wake-up is lost. `_told` is the position up to which everybody who waits has been told. Who looked less far than that
does not wait at all; who registers while a look is on its way, and looked less far than it does, is woken without asking.
"""

import asyncio
from dataclasses import dataclass

from gateway.core.errors import GatewayError
from gateway.core.events import TreeHead
from gateway.core.ids import OrganId
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.ports import Store
from gateway.observe import logger

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Somebody waits for events of these bodies, having looked up to a position."""

    organs: frozenset[OrganId]
    looked: int


class FeedSignal:
    """For one event loop; everything here runs on its thread."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._newest = -1
        self._told = -1
        self._moved = asyncio.Event()
        self._waiting: dict[asyncio.Future[None], _Wish] = {}
        self._herald: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def notify(self, head: TreeHead) -> None:
        """Say that the log has grown."""
        self._newest = max(self._newest, head.size - 1)
        self._moved.set()

    async def news(self, organs: frozenset[OrganId], looked: int) -> None:
        """Return when there may be events of these bodies after the position that the caller has looked up to."""
        if looked < self._told:
            return
        if not self._waiting:
            self._told = looked
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = _Wish(organs, looked)
        if self._herald is None:
            self._herald = asyncio.create_task(self._run())
        try:
            await waiter
        finally:
            self._waiting.pop(waiter, None)
            if not self._waiting:
                self._moved.set()  # the herald sees that nobody waits any more, and ends

    async def _run(self) -> None:
        """The herald: lives as long as somebody waits. However it ends, whoever still waits looks for himself."""
        try:
            while self._waiting:
                if self._told < self._newest:
                    await self._tell()
                else:
                    self._moved.clear()
                    await self._moved.wait()
        except GatewayError as error:
            _log.warning("events.unannounced", code=error.code)
        finally:
            self._herald = None
            _wake(list(self._waiting))

    async def _tell(self) -> None:
        asked = dict(self._waiting)
        organs = frozenset[OrganId]().union(*(wish.organs for wish in asked.values()))
        after, newest = self._told, self._newest
        look = await self._store.read(lambda uow: uow.log.feed(organs, after, PAGE_ROWS_MAX))
        self._told = max(self._told, look.looked if look.more else newest, look.looked)
        concerned = {event.organ_id for event in look.events}
        _wake(
            [
                waiter
                for waiter, wish in self._waiting.items()
                if not concerned.isdisjoint(wish.organs) or (waiter not in asked and wish.looked < self._told)
            ]
        )


def _wake(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
