"""Is the log signed, and does it grow out of what was signed?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.audit.memory import SignerMemory
from gateway.audit.note import VerifierKey
from gateway.audit.publisher import CheckpointPublisher, examine, recall
from gateway.audit.succession import log_in_force
from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, failed, found
from gateway.core.metrics import CHECKPOINT_LAG, LOG_LEAVES, PENDING_LEAVES, Reading
from gateway.core.ports import Clock, Store

BEHIND_SECONDS: Final = 10.0
"""Checkpoints follow within a second or two; a store that is busy may keep them back for a moment."""
LATE_SECONDS: Final = 60.0


class SignerProbe:
    """For `/readyz`: the signer of the running service, and the gauges of the log."""

    check: Final = Check.LOG

    def __init__(self, *, store: Store, publisher: CheckpointPublisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._behind: tuple[int, float] | None = None
        """A size that no checkpoint covered, and when that was first seen."""

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        if (failure := self._publisher.failure) is not None:
            return (failed(self.check, failure),)
        size, _ = await self._sizes()
        seconds = self._seconds_behind(size)
        if seconds > BEHIND_SECONDS:
            code = "probe.log.late" if seconds > LATE_SECONDS else "probe.log.behind"
            return (found(code, seconds=round(seconds)),)
        return (found("probe.log.good", size=size),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges of the log."""
        size, pending = await self._sizes()
        self._seconds_behind(size)
        return [
            Reading(LOG_LEAVES, size),
            Reading(PENDING_LEAVES, pending),
            Reading(CHECKPOINT_LAG, max(0, size - self._publisher.published_size) + pending),
        ]

    async def _sizes(self) -> tuple[int, int]:
        return await self._store.read(lambda uow: (uow.log.head().size, uow.log.unsequenced()))

    def _seconds_behind(self, size: int) -> float:
        """How long a size that was seen has been without a checkpoint; nobody is told of leaves, so looking finds out."""
        published, now = self._publisher.published_size, self._clock.monotonic()
        if self._behind is None or self._behind[0] <= published:
            self._behind = (size, now) if size > published else None
        return now - self._behind[1] if self._behind else 0.0


class LogProbe:
    """For `doctor`: the signer's memory against the log in the database, read-only."""

    check: Final = Check.LOG

    def __init__(self, *, store: Store, memory: Path, key: VerifierKey) -> None:
        """`memory`, `key`: where the signer of the first log remembers, and its key."""
        self._store = store
        self._memory = memory
        self._key = key

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`. A running signer moves on while we look: only a contradiction that stays is one."""
        size = await self._examine()
        return (found("probe.log.good", size=size) if size else found("probe.log.new"),)

    async def _examine(self) -> int:
        log = await self._store.read(lambda uow: log_in_force(uow, self._key.name))
        memory, key = SignerMemory(path=log.memory(self._memory)), replace(self._key, name=log.origin)
        signed = await recall(memory, key)
        while True:
            try:
                return await self._store.read(lambda uow, at=signed: examine(uow.log, at, key, kept=log.kept)[0].size)  # type: ignore[misc]  # mypy does not infer the default
            except SiteError:
                remembered = await recall(memory, key)
                if remembered == signed:
                    raise
                signed = remembered
