"""What is held, and so stands in no queue: whoever runs the gateway sees it all the same."""

from collections.abc import Sequence
from typing import Final

from gateway.core.health import Check, Finding, found
from gateway.core.metrics import HELD_DELIVERIES, HELD_DOCUMENTS, Reading
from gateway.core.ports import Store


class HeldProbe:
    """What is held and so stands in no queue: for `/readyz` and for `doctor`, and its gauges."""

    check: Final = Check.QUEUE

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        documents, deliveries = await self._counts()
        if documents or deliveries:
            return (found("probe.queue.held", documents=documents, deliveries=deliveries),)
        return (found("probe.queue.none_held"),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges of what is held."""
        documents, deliveries = await self._counts()
        return [Reading(HELD_DOCUMENTS, documents), Reading(HELD_DELIVERIES, deliveries)]

    async def _counts(self) -> tuple[int, int]:
        return await self._store.read(lambda uow: uow.documents.count_held())
