"""Events: the change feed as an office asks for it: everything that happened to its documents, once each, in order.

The position of an event is the index of its leaf in the audit log (docs/adr/0004). An office keeps the `next_after` of the
last page and asks from there; asking again from an older position tells the same again. It waits here for what is not
there yet (long poll), which costs no look at the database until a commit brings something for somebody who waits.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.errors import SenderError
from gateway.core.events import TreeHead
from gateway.core.fields import beyond
from gateway.core.ids import OrganId
from gateway.core.limits import (
    EVENT_WAITERS_MAX,
    EVENT_WAITERS_PER_KEY_MAX,
    EVENTS_CROWDED_SECONDS,
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
        """See `EventDesk.close`."""
        self._closed = True
        self._signal.wake_all()

    async def events(self, principal: Principal, *, after: int, limit: int, wait: float) -> FeedPage:
        """See `EventDesk.events`. Only who has to wait needs a place."""
        require(principal, Scope.READ)
        deadline = self._desk.clock.monotonic() + min(wait, EVENTS_POLL_SECONDS_MAX)
        page = await self._look(principal.organs, after, limit)
        if self._tells(page, deadline):
            return page
        with self._place(principal):
            while not self._tells(page, deadline):
                after = page.next_after
                await self._news(principal.organs, after, deadline - self._desk.clock.monotonic())
                page = await self._look(principal.organs, after, limit)
        return page

    def _tells(self, page: FeedPage, deadline: float) -> bool:
        """Whether this page is the answer, or there is time to wait for a better one."""
        return bool(page.events) or page.more or self._closed or deadline <= self._desk.clock.monotonic()

    async def _look(self, organs: frozenset[OrganId], after: int, limit: int) -> FeedPage:
        """A page after a position.

        Raises:
            SenderError: `request.field` when the log has not reached that position (`beyond`).
        """
        rows = max(1, min(limit, PAGE_ROWS_MAX))
        look = await self._desk.store.read(lambda uow: uow.log.feed(organs, max(after, -1), rows))
        if look.looked < after:
            raise beyond(look.looked)
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
    def _place(self, principal: Principal) -> Iterator[None]:
        """A place to wait in.

        Raises:
            SenderError: `rate.limit` when all are taken, or those of this key. An empty page would be a lie that is cheap
                to repeat: who asks in a loop would ask at once again.
        """
        if self._seats[principal.key_id] >= EVENT_WAITERS_PER_KEY_MAX or self._seats.total() >= EVENT_WAITERS_MAX:
            raise SenderError("rate.limit", seconds=EVENTS_CROWDED_SECONDS)
        self._seats[principal.key_id] += 1
        try:
            yield
        finally:
            self._seats[principal.key_id] -= 1
            if not self._seats[principal.key_id]:
                del self._seats[principal.key_id]
