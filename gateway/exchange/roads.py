"""The breaker of a road: it closes behind a failure, longer each time, and the peer's own call opens it a little.

Stored with the queue, so that a restart remembers. A road that is closed is asked again when its time has come, at most a
quarter of an hour later. Whoever calls *us* meanwhile is there again: its road is half open from then on, and what is claimed
first shows whether it is good. Not where the peer itself had said when to come back: it called because it has work of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.core.carrying import Failed, Indeterminate, TryLater, is_of_road
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import BACKOFF_CAP_SECONDS
from gateway.core.patience import ROAD_HEARD_SECONDS_MIN
from gateway.core.ports import Clock, Store
from gateway.core.work import Claim, RoadReport
from gateway.observe import logger

_log = logger(__name__)

Backoff = Callable[[int], float]
"""Seconds to wait after this many failures in a row."""
HEARD_MAX: Final = 4_096
"""Peers that are remembered; when there are more, some are listened to once more."""


def close_road(uow: UnitOfWork, name: str, now: datetime, backoff: Backoff) -> None:
    """One more failure in a row; what was under way together with one that failed already counts no second time."""
    road = uow.work.destination(name)
    if road.not_before is not None and road.not_before > now:
        return
    not_before = now + timedelta(seconds=backoff(road.failures))
    uow.work.set_destination(replace(road, failures=road.failures + 1, not_before=not_before))


def report_of(result: Failed) -> RoadReport:
    """What an attempt that failed says of the road."""
    if is_of_road(result):
        return RoadReport.BAD
    return RoadReport.SILENT if isinstance(result, Indeterminate) else RoadReport.NEUTRAL


class Roads:
    """How roads close, and how they open before their time. One for all conductors of a gateway."""

    def __init__(self, *, store: Store, clock: Clock, backoff: Backoff) -> None:
        self.backoff: Final = backoff
        self._store = store
        self._clock = clock
        self._heard: dict[GatewayId, float] = {}
        self._asked: dict[GatewayId, datetime] = {}
        """Until when a peer itself has asked for patience; forgotten by a restart, which then asks once too early."""

    def note(self, destination: GatewayId, after: float | None) -> None:
        """The peer has said to come back after so many seconds (`Retry-After`), or has said nothing of the kind."""
        if after is None:
            self._asked.pop(destination, None)
        else:
            self._asked[destination] = self._clock.now() + timedelta(seconds=min(after, BACKOFF_CAP_SECONDS))

    def close(self, uow: UnitOfWork, destination: GatewayId, after: float | None) -> None:
        """One more failure in a row; `after`: as the peer said."""
        wait = self.backoff if after is None else lambda _: min(after, BACKOFF_CAP_SECONDS)
        close_road(uow, destination, self._clock.now(), wait)

    async def again_later(self, claim: Claim, peer: GatewayId, result: Failed) -> RoadReport:
        """Give back what is no transfer (a notice, a question, what is handed over once more): it is never given up.

        What is the road's fault puts off everything that goes there, what is not taken or not answered this item alone.
        """
        of_road = is_of_road(result)
        after = result.after if isinstance(result, TryLater) else None
        if of_road:
            self.note(peer, after)

        def unit(uow: UnitOfWork) -> None:
            now = self._clock.now()
            if of_road:
                self.close(uow, peer, after)
                uow.work.postpone(claim, now)
            else:
                wait = after if after is not None else self.backoff(claim.item.attempts)
                uow.work.postpone(claim, now + timedelta(seconds=wait), failed=True)

        await self._store.transact(unit)
        return report_of(result)

    async def heard(self, peer: GatewayId) -> None:
        """The peer has called, and is who it says: its road is half open, unless it has asked for patience.

        At most every `ROAD_HEARD_SECONDS_MIN`: a peer that calls and cannot be called is not knocked at all the time.
        """
        beat = self._clock.monotonic()
        if beat - self._heard.get(peer, -ROAD_HEARD_SECONDS_MIN) < ROAD_HEARD_SECONDS_MIN:
            return
        if len(self._heard) >= HEARD_MAX:
            self._heard.clear()
        self._heard[peer] = beat
        if self._asked.get(peer, self._clock.now()) > self._clock.now():
            return
        if await self._store.read(lambda uow: self._closed(uow, peer)):
            await self._store.transact(lambda uow: self._open(uow, peer))
            _log.info("road.half_open", peer=peer)

    def _closed(self, uow: UnitOfWork, peer: GatewayId) -> bool:
        road = uow.work.destination(peer)
        return road.not_before is not None and road.not_before > self._clock.now()

    def _open(self, uow: UnitOfWork, peer: GatewayId) -> None:
        if self._closed(uow, peer):
            uow.work.set_destination(replace(uow.work.destination(peer), not_before=None))
