"""Lists of the query desk, read to their end."""

from gateway.core.ids import DeliveryKey, DocumentKey, EntryKey
from gateway.core.log import HistoryPage
from gateway.core.model import Delivery, HistoryEvent
from gateway.core.principal import Principal
from gateway.exchange import QueryDesk

ROWS = 200


async def deliveries_of(queries: QueryDesk, principal: Principal, key: DocumentKey) -> tuple[Delivery, ...]:
    """All deliveries of a document."""
    found: list[Delivery] = []
    after: DeliveryKey | None = None
    while True:
        page = await queries.deliveries(principal, key, after=after, limit=ROWS)
        found += page.deliveries
        if not page.more:
            return tuple(found)
        after = page.deliveries[-1].key


async def history_of(queries: QueryDesk, principal: Principal, key: DocumentKey) -> tuple[HistoryEvent, ...]:
    """The whole story of a document."""
    found: list[HistoryEvent] = []
    page = HistoryPage(events=(), next_after=0, more=True)
    while page.more:
        page = await queries.history(principal, key, after=page.next_after, limit=ROWS)
        found += page.events
    return tuple(found)


async def entry_history_of(queries: QueryDesk, principal: Principal, key: EntryKey) -> tuple[HistoryEvent, ...]:
    """The whole story of a document that arrived."""
    found: list[HistoryEvent] = []
    page = HistoryPage(events=(), next_after=0, more=True)
    while page.more:
        page = await queries.entry_history(principal, key, after=page.next_after, limit=ROWS)
        found += page.events
    return tuple(found)
