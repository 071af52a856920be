"""The port `TimestampAuthority` over HTTP (RFC 3161 section 3.4), from several authorities, one after the other.

An authority that fails is asked last for a while, so that a slow one does not delay every seal; with all of them failing the
caller is told at once who was asked and what each said. Only the configured addresses are ever asked: no redirects, no proxies
of the environment, no cookies. What comes back is not unpacked, is bounded, and is read by a judge.
"""

from collections.abc import Callable, Sequence
from typing import Final

import aiohttp

from gateway.core import limits, metrics
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ports import Clock, Judge, Meter
from gateway.crypto.paths.trust_folder import LoadedTrust
from gateway.crypto.timestamps.reply import NONCE_BYTES, Refused, Stamped, check_reply, request
from gateway.observe import UNMEASURED, logger

RESTING_SECONDS: Final = 60.0
"""How long an authority that failed is asked last."""
_HEADERS: Final = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
    "Accept-Encoding": "identity",
}

_log = logger(__name__)


class TimestampClient:
    """Asks the configured authorities.

    `urls`: in the order in which they are asked; `seconds`: the patience with each. `hurried`: one that failed a moment ago
    is not asked at all, so that with all of them away one caller a minute waits for them, and not each.
    """

    def __init__(  # noqa: PLR0913 - what the composition root hands over, each once
        self,
        *,
        urls: Sequence[str],
        seconds: float,
        judge: Judge,
        trust: LoadedTrust,
        clock: Clock,
        entropy: Callable[[int], bytes],
        meter: Meter = UNMEASURED,
        hurried: bool = False,
    ) -> None:
        self._urls = tuple(urls)
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._judge = judge
        self._trust = trust
        self._clock = clock
        self._entropy = entropy
        self._meter = meter
        self._hurried = hurried
        self._failed: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def stamp(self, digest: bytes) -> bytes:
        """See `TimestampAuthority.stamp`."""
        said: list[str] = []
        for url in self._in_order():
            if self._hurried and self._rests(url):
                said.append(f"{_told(url)}: failed a moment ago")
                continue
            answer = await self._ask(url, digest)
            if isinstance(answer, Stamped):
                self._failed.pop(url, None)
                self._meter.add(metrics.TIMESTAMPS, "done")
                return answer.token
            self._failed[url] = self._clock.monotonic()
            self._meter.add(metrics.TIMESTAMPS, "failed")
            _log.warning("timestamp.failed", url=_told(url), why=answer.reason)
            said.append(f"{_told(url)}: {answer.reason}")
        raise SiteError("timestamp.unavailable", asked=len(self._urls), said="; ".join(said))

    def _in_order(self) -> list[str]:
        """As configured, those that failed a moment ago last."""
        return sorted(self._urls, key=self._rests)

    def _rests(self, url: str) -> bool:
        """Whether it failed a moment ago."""
        failed = self._failed.get(url)
        return failed is not None and self._clock.monotonic() - failed < RESTING_SECONDS

    async def _ask(self, url: str, digest: bytes) -> Stamped | Refused:
        nonce = int.from_bytes(self._entropy(NONCE_BYTES))
        try:
            reply = await self._post(url, request(digest, nonce))
            return await self._judge.run(
                check_reply, reply, digest=digest, nonce=nonce, trust=self._trust.current(), moment=self._clock.now()
            )
        except (aiohttp.ClientError, TimeoutError, OSError, GatewayError) as error:
            said = f"{type(error).__name__}: {error}".replace(url, _told(url))
            return Refused(reason=said[: limits.CONTENT_CHARS_MAX])

    async def _post(self, url: str, body: bytes) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
            )
        async with self._session.post(url, data=body, headers=_HEADERS, allow_redirects=False) as answer:
            if answer.status != 200:
                raise aiohttp.ClientPayloadError(f"HTTP {answer.status}")
            return await _bounded(answer.content)


def _told(url: str) -> str:
    """The address without a user's name and password, which some authorities ask for: they belong in no log."""
    scheme, slashes, rest = url.partition("://")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    """The body, which `check_reply` refuses when there is a byte too many; the rest is not read."""
    kept = bytearray()
    async for piece in content.iter_any():
        kept += piece
        if len(kept) > limits.TIMESTAMP_BYTES_MAX:
            break
    return bytes(kept)
