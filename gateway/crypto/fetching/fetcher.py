"""The fetcher: asks every source when it is due, keeps what is genuine, and says that there is something new.

Judges never fetch: what they judge by was there before the file came. A source that fails is asked again soon, and the
others are asked all the same; nothing that fails here stops the gateway, for evidence that is there stays good until it is
too old.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from gateway.core import metrics
from gateway.core.errors import GatewayError
from gateway.core.health import Check, Finding, found
from gateway.core.metrics import Reading
from gateway.core.ports import Clock, Judge, Meter
from gateway.crypto.fetching.check import Genuine, check_evidence
from gateway.crypto.fetching.client import AllowedHosts, bytes_of
from gateway.crypto.fetching.store import EvidenceStore, Kept, SourceState
from gateway.crypto.paths.trust import Trust
from gateway.observe import UNMEASURED, logger

LOOK_SECONDS: Final = 15.0
"""How often it is looked which sources are due."""
AGAIN_SECONDS: Final = 300
"""A source that failed is asked again after this long at the latest."""
LATE_FACTOR: Final = 3
"""A source that brought nothing for so many of its periods is told."""

_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSource:
    """Where evidence is published."""

    url: str
    """As the certificates name it: the name of the source."""
    mirror: str = ""
    """Where it is got from instead: another URL, or a file. Empty: from the URL itself."""
    every_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPlan:
    """What to fetch, and who may be asked."""

    sources: tuple[EvidenceSource, ...] = ()
    allowed: AllowedHosts = field(default_factory=AllowedHosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How one try went."""

    url: str
    kept: Kept | None
    """None: it failed."""
    reason: str = ""
    issuer: str = ""
    issued_at: datetime | None = None


class EvidenceFetcher:
    """Fetches for one store; `plan` and `trust` are asked each time, so a reload is followed."""

    def __init__(  # noqa: PLR0913 - what the composition root hands over, each once
        self,
        *,
        store: EvidenceStore,
        plan: Callable[[], FetchPlan],
        trust: Callable[[], Trust],
        judge: Judge,
        clock: Clock,
        on_new: Callable[[], None] = lambda: None,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._store, self._plan, self._trust = store, plan, trust
        self._judge, self._clock, self._meter = judge, clock, meter
        self._on_new = on_new

    async def run(self) -> None:
        """Ask what is due, until cancelled."""
        while True:
            try:
                await self.fetch_due()
            except GatewayError as error:  # the store's folder: told by the probe as well
                _log.error("revocation.store_failed", code=error.code, why=str(error))
            await self._clock.sleep(LOOK_SECONDS)

    async def fetch_due(self) -> tuple[Fetched, ...]:
        """Ask every source that is due.

        Raises:
            SiteError: `config.invalid`: the store cannot be read or written.
        """
        states, now = await asyncio.to_thread(self._store.states), self._clock.now()
        return await self._fetch([one for one in self._plan().sources if _due(one, states.get(one.url), now)])

    async def fetch_all(self) -> tuple[Fetched, ...]:
        """Ask every source, due or not.

        Raises:
            SiteError: as `fetch_due`.
        """
        return await self._fetch(self._plan().sources)

    async def _fetch(self, sources: Sequence[EvidenceSource]) -> tuple[Fetched, ...]:
        done = tuple([await self._one(source) for source in sources])
        if any(one.kept is Kept.NEW for one in done):
            self._on_new()
        return done

    async def _one(self, source: EvidenceSource) -> Fetched:
        try:
            data = await bytes_of(source.url, source.mirror, self._plan().allowed)
            checked = await self._judge.run(check_evidence, data, trust=self._trust(), moment=self._clock.now())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, GatewayError) as error:
            return await self._failed(source, f"{type(error).__name__}: {error}")
        if not isinstance(checked, Genuine):
            return await self._failed(source, checked.reason)
        kept = await asyncio.to_thread(self._store.keep, source.url, checked, moment=self._clock.now())
        self._meter.add(metrics.EVIDENCE_FETCHES, kept.value)
        log = _log.warning if kept is Kept.OLDER else _log.info
        log("revocation.fetched", url=source.url, result=kept.value, issuer=checked.issuer, issued=checked.issued_at)
        return Fetched(url=source.url, kept=kept, issuer=checked.issuer, issued_at=checked.issued_at)

    async def _failed(self, source: EvidenceSource, reason: str) -> Fetched:
        await asyncio.to_thread(self._store.fail, source.url, reason, moment=self._clock.now())
        self._meter.add(metrics.EVIDENCE_FETCHES, "failed")
        _log.warning("revocation.fetch_failed", url=source.url, why=reason)
        return Fetched(url=source.url, kept=None, reason=reason)

    def probe(self) -> "FetchProbe":
        """How it stands with the sources."""
        return FetchProbe(self._store, self._plan, clock=self._clock)

    async def readings(self) -> list[Reading]:
        """How long ago the source that is furthest behind brought something."""
        states, now = await asyncio.to_thread(self._store.states), self._clock.now()
        times = [state.fetched_at for one in self._plan().sources if (state := states.get(one.url)) is not None]
        ages = [(now - at).total_seconds() for at in times if at is not None]
        return [Reading(metrics.EVIDENCE_AGE_SECONDS, max(ages))] if ages else []


class FetchProbe:
    """Whether every source brings what it should."""

    check: Final = Check.TRUST

    def __init__(self, store: EvidenceStore, plan: Callable[[], FetchPlan], *, clock: Clock) -> None:
        self._store, self._plan, self._clock = store, plan, clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        sources = self._plan().sources
        if not sources:
            return ()
        states, now = await asyncio.to_thread(self._store.states), self._clock.now()
        late = [one for one in sources if _late(one, states.get(one.url), now)]
        if late:
            return tuple(_told(one, states.get(one.url), now) for one in late[:20])
        oldest = max((now - state.fetched_at for state in states.values() if state.fetched_at), default=timedelta())
        return (found("probe.trust.fetched", sources=len(sources), minutes=round(oldest.total_seconds() / 60)),)


def _told(source: EvidenceSource, state: SourceState | None, now: datetime) -> Finding:
    reason = state.failed if state is not None else ""
    if state is None or state.fetched_at is None:
        return found("probe.trust.never_fetched", url=source.url, reason=reason or "-")
    hours = round((now - state.fetched_at).total_seconds() / 3600)
    return found("probe.trust.fetch_late", url=source.url, hours=hours, reason=reason or "-")


def _due(source: EvidenceSource, state: SourceState | None, now: datetime) -> bool:
    if state is None or state.tried_at > now:  # the clock was set back
        return True
    wait = min(source.every_seconds, AGAIN_SECONDS) if state.failed else source.every_seconds
    return now - state.tried_at >= timedelta(seconds=wait)


def _late(source: EvidenceSource, state: SourceState | None, now: datetime) -> bool:
    if state is None or state.fetched_at is None:
        return True
    return now - state.fetched_at > timedelta(seconds=LATE_FACTOR * source.every_seconds)
