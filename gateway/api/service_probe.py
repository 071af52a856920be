"""What a running gateway says of itself on its admin listener, for `doctor`."""

import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from gateway.core.errors import CATALOGUE
from gateway.core.health import FINDINGS, Check, Finding, Health, found
from gateway.core.ids import GatewayId
from gateway.core.limits import MIB

ANSWER_BYTES_MAX: Final = MIB
ANSWER_SECONDS: Final = 8.0
"""A little more than the probes of the service may take."""


class ServiceProbe:
    """Asks `/readyz` of the service of this configuration, if it runs."""

    check: Final = Check.SERVICE

    def __init__(self, url: str, *, own: GatewayId) -> None:
        self._url = url
        self._own = own

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`: what is not well, or that all is; `probe.service.stopped` when nobody answers."""
        try:
            members = await self._ask()
        except (aiohttp.ClientConnectorError, TimeoutError):
            return (found("probe.service.stopped"),)
        except (aiohttp.ClientError, OSError, ValueError, TypeError, RecursionError):
            return (found("probe.service.foreign", url=self._url),)
        if members.get("gateway") != self._own or not isinstance(members.get("probes"), list):
            return (found("probe.service.foreign", url=self._url),)
        worries = [finding for entry in members["probes"] if (finding := _worry(entry)) is not None]
        worries.sort(key=lambda finding: finding.health is not Health.FAIL)
        return tuple(worries) or (found("probe.service.ready"),)

    async def _ask(self) -> Mapping[str, Any]:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session, session.get(self._url) as answer:
            members = json.loads(await answer.content.read(ANSWER_BYTES_MAX))
        if not isinstance(members, dict):
            raise TypeError("not an object")
        return members


def _worry(entry: object) -> Finding | None:
    """A finding of the service that is not good, in our words; one whose code a newer service made stands for itself."""
    if not isinstance(entry, dict) or entry.get("state") == Health.OK:
        return None
    code, params = str(entry.get("code")), entry.get("params")
    if code not in FINDINGS and code not in CATALOGUE:
        return None
    health = FINDINGS.get(code, Health.FAIL)
    return Finding(check=Check.SERVICE, health=health, code=code, params=params if isinstance(params, dict) else {})
