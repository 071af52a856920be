"""File descriptors: does the process get as many as its limits on connections need (RLIMIT_NOFILE)?"""

import resource
from collections.abc import Callable
from typing import Final

from gateway.core.health import Check, Finding, found
from gateway.observe.logs import logger

_log: Final = logger(__name__)


def provide_descriptors(needed: int) -> None:
    """Raise the soft limit to what is needed, as far as the hard one lets us; a line in the log when that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _count(soft) >= needed:
        return
    given = min(needed, int(_count(hard)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (given, hard))
    if given < needed:
        _log.warning("descriptors.low", limit=given, needed=needed)


def current_limit() -> float:
    """Descriptors this process may have open."""
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def attainable_limit() -> float:
    """Descriptors that a service which is started from here could have open."""
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


class DescriptorsProbe:
    """Compares the limit with what is needed."""

    check: Final = Check.DESCRIPTORS

    def __init__(self, needed: int, *, limit: Callable[[], float]) -> None:
        self._needed = needed
        self._limit = limit

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        limit = self._limit()
        if limit < self._needed:
            return (found("probe.descriptors.low", limit=int(limit), needed=self._needed),)
        return (found("probe.descriptors.good", needed=self._needed),)


def _count(limit: int) -> float:
    return float("inf") if limit == resource.RLIM_INFINITY else limit
