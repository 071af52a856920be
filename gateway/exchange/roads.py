"""The breaker of a road: it closes behind a failure, longer each time, and the peer's own call opens it a little.

Stored with the queue, so that a restart remembers. A road that is closed is asked again when its time has come, at most a
quarter of an hour later. Whoever calls *us* meanwhile is there again: its road is half open from then on, and what is claimed
first shows whether it is good. Not where the peer itself had said when to come back: it called because it has work of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import BACKOFF_CAP_SECONDS
from gateway.core.patience import ROAD_HEARD_SECONDS_MIN
from gateway.core.ports import Clock, Store
from gateway.observe import logger

_log = logger(__name__)

HEARD_MAX: Final = 4_096
"""Peers that are remembered; when there are more, some are listened to once more."""


class Roads:
    """How roads close, and how they open before their time. One for all conductors of a gateway."""

    def __init__(self, *, store: Store, clock: Clock, backoff: Callable[[int], float]) -> None:
        """`backoff`: seconds to wait after this many failures in a row."""
        self._store = store
        self._clock = clock
        self._backoff = backoff
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
        """One more failure in a row; what was in flight together with one that failed already counts no second time."""
        now = self._clock.now()
        road = uow.work.destination(destination)
        if road.not_before is not None and road.not_before > now:
            return
        wait = min(after, BACKOFF_CAP_SECONDS) if after is not None else self._backoff(road.failures)
        not_before = now + timedelta(seconds=wait)
        uow.work.set_destination(replace(road, failures=road.failures + 1, not_before=not_before))

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
