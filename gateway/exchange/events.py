"""Events: the change feed as an office asks for it: everything that happened to its documents, once each, in order.

The position of an event is the index of its leaf in the audit log (docs/adr/0004). An office keeps the `next_after` of the
last page and asks from there; asking again from an older position tells the same again. It waits here for what is not
there yet (long poll), which costs no look at the database until a commit brings something for somebody who waits.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.events import TreeHead
from gateway.core.ids import OrganId
from gateway.core.limits import (
    EVENT_WAITERS_MAX,
    EVENT_WAITERS_PER_KEY_MAX,
    EVENTS_POLL_SECONDS_MAX,
    PAGE_ROWS_MAX,
)
from gateway.core.principal import Principal, Scope
from gateway.exchange.contract import FeedPage
from gateway.exchange.desk import Desk
from gateway.exchange.feed_signal import FeedSignal
from gateway.exchange.permission import require


class Events:
    """The event desk. `notify` is to be told of every new head of the log."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._signal = FeedSignal(store=desk.store)
        self._seats: Counter[str] = Counter()
        self._closed = False

    def notify(self, head: TreeHead) -> None:
        """Say that the log has grown. For the loop's own thread."""
        self._signal.notify(head)

    def close(self) -> None:
        """Nobody waits any longer: whoever does is answered with what there is. For the end of the service."""
        self._closed = True
        self._signal.wake_all()

    async def events(self, principal: Principal, *, after: int, limit: int, wait: float) -> FeedPage:
        """See `EventDesk.events`. Where too many wait already, the answer comes at once, without events."""
        require(principal, Scope.READ)
        with self._seat(principal, wait) as seconds:
            deadline = self._desk.clock.monotonic() + seconds
            while True:
                page = await self._look(principal.organs, after, limit)
                left = deadline - self._desk.clock.monotonic()
                # `next_after` behind `after`: the asker's position is from another log, and he should hear that now.
                if page.events or page.more or page.next_after < after or left <= 0 or self._closed:
                    return page
                await self._news(principal.organs, page.next_after, left)
                after = page.next_after

    async def _look(self, organs: frozenset[OrganId], after: int, limit: int) -> FeedPage:
        rows = max(1, min(limit, PAGE_ROWS_MAX))
        look = await self._desk.store.read(lambda uow: uow.log.feed(organs, max(after, -1), rows))
        return FeedPage(events=look.events, next_after=look.looked, more=look.more)

    async def _news(self, organs: frozenset[OrganId], looked: int, seconds: float) -> None:
        """Until there may be something, or the time is over."""
        news = asyncio.ensure_future(self._signal.news(organs, looked))
        time = asyncio.ensure_future(self._desk.clock.sleep(seconds))
        try:
            await asyncio.wait({news, time}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            time.cancel()

    @contextmanager
    def _seat(self, principal: Principal, wait: float) -> Iterator[float]:
        """How long this caller may wait: not at all when all places are taken, or those of its key."""
        taken = self._seats[principal.key_id] >= EVENT_WAITERS_PER_KEY_MAX or self._seats.total() >= EVENT_WAITERS_MAX
        if taken or wait <= 0:
            yield 0.0
            return
        self._seats[principal.key_id] += 1
        try:
            yield min(wait, EVENTS_POLL_SECONDS_MAX)
        finally:
            self._seats[principal.key_id] -= 1
            if not self._seats[principal.key_id]:
                del self._seats[principal.key_id]
