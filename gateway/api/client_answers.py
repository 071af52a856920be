"""Answers of the office API as a client reads them: bounded, problems as errors."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp import hdrs

from gateway.core import limits
from gateway.http import PROBLEM_TYPE

PROBLEM_BYTES_MAX: Final = 256 * limits.KIB
_STATUSES_THAT_PASS: Final = frozenset({429, 503})
_RETRY_AFTER: Final = re.compile(r"[0-9]{1,6}")


class ApiProblem(Exception):  # noqa: N818 - RFC 9457's word
    """The gateway answered with a problem. `members` is the problem document, empty when it sent something else."""

    def __init__(self, status: int, members: Mapping[str, Any], /, *, retry_after: int | None = None) -> None:
        super().__init__(f"{status} {members.get('code', '')}".rstrip())
        self.status: Final = status
        self.members: Final = members
        self.retry_after: Final = retry_after
        """Seconds after which the same request may be repeated, where the gateway named them; never 0."""

    @property
    def code(self) -> str:
        """The stable code; empty when the answer was no problem document."""
        return str(self.members.get("code", ""))

    @property
    def retryable(self) -> bool:
        """Whether the same request may simply be repeated."""
        return self.members.get("retryable") is True


async def raise_problem(response: aiohttp.ClientResponse) -> None:
    """Raise `ApiProblem` for an answer that is an error."""
    if response.status < 300:
        return
    members: Any = {}
    if response.content_type == PROBLEM_TYPE:
        members = json.loads(await bounded(response, PROBLEM_BYTES_MAX))
    raise ApiProblem(response.status, members if isinstance(members, dict) else {}, retry_after=_retry_after(response))


def _retry_after(response: aiohttp.ClientResponse) -> int | None:
    """Whole seconds, as this gateway says it. A date (RFC 9110 section 10.2.3) would be some proxy's: it is not read."""
    said = response.headers.get(hdrs.RETRY_AFTER, "")
    if response.status not in _STATUSES_THAT_PASS or not _RETRY_AFTER.fullmatch(said):
        return None
    return max(1, int(said))


async def bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole answer.

    Raises:
        aiohttp.ClientPayloadError: it has more than `limit` bytes.
    """
    collected = bytearray()
    async for piece in response.content.iter_any():
        collected += piece
        if len(collected) > limit:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(collected)


def are_attachments(told: object) -> bool:
    """Whether this is a list of attached files that can be fetched and named: what is saved must be what was told."""
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        return False
    positions = [one.get("position") for one in told]
    are_positions = all(type(one) is int and one >= 1 for one in positions)
    return are_positions and len(set(positions)) == len(positions) and all(type(one.get("name")) is str for one in told)
