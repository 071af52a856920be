"""After a restore: which peers have not yet been asked for everything, and what has not come again."""

from collections.abc import Sequence
from typing import Final

from gateway.core.clock import rfc3339
from gateway.core.health import Check, Finding, found
from gateway.core.metrics import RESYNC_MISSING, RESYNC_PEERS, Reading
from gateway.core.ports import Store


class ResyncProbe:
    """For `/readyz` and for `doctor`, and its gauges."""

    check: Final = Check.QUEUE

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`. A gateway that was never restored has nothing to tell."""
        standing = await self._store.read(lambda uow: uow.resyncs.standing())
        if standing.since is None:
            return ()
        at = rfc3339(standing.since)
        if standing.peers:
            return (found("probe.queue.resync", at=at, count=standing.peers, missing=standing.missing),)
        return (found("probe.queue.resynced", at=at),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges."""
        standing = await self._store.read(lambda uow: uow.resyncs.standing())
        return [Reading(RESYNC_PEERS, standing.peers), Reading(RESYNC_MISSING, standing.missing)]
