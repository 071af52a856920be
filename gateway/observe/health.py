"""Asking the probes: side by side, each bounded in time, the answers in the order of the probes."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.core.errors import GatewayError, SiteError
from gateway.core.health import Finding, failed, timed_out
from gateway.core.ports import Probe

PROBE_SECONDS_MAX: Final = 5.0
"""A probe that has not come back by then has found something, whatever it is."""


async def ask(probes: Sequence[Probe], *, seconds: float = PROBE_SECONDS_MAX) -> tuple[Finding, ...]:
    """Every finding of every probe."""
    answers = await asyncio.gather(*(_look(probe, seconds) for probe in probes))
    return tuple(finding for answer in answers for finding in answer)


async def _look(probe: Probe, seconds: float) -> tuple[Finding, ...]:
    try:
        async with asyncio.timeout(seconds):
            return await probe.look()
    except TimeoutError:
        return (timed_out(probe.check, seconds),)
    except GatewayError as error:
        return (failed(probe.check, error),)
    except OSError as error:
        return (failed(probe.check, SiteError("internal", reason=error.strerror or type(error).__name__)),)
