"""Bytes from a source: over HTTP(S) from hosts that were allowed by name, or from a file of a mirror. Nothing else is asked.

Against being led elsewhere (SSRF): the host of the URL must be on the list, letter by letter; each address that it resolves to
must be a public one, unless that host was allowed to be inside, and it is this very address that is connected to; no
redirect is followed, no proxy of the environment is used, no cookie kept, nothing decompressed; size and time are bounded.
"""

import asyncio
import errno
import ipaddress
import os
import socket
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.core import limits

FETCHED_BYTES_MAX: Final = limits.REVOCATION_LIST_BYTES_MAX
"""An OCSP response is far smaller."""
FETCH_SECONDS_MAX: Final = 60.0
_PORTS: Final = {"http": 80, "https": 443}
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
"""NAT64 (RFC 6052, 8215): what is behind it is an IPv4 address that we do not see."""


class NotAllowedError(OSError):
    """A source that is not to be asked."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Who may be asked: `host` (at the scheme's own port) or `host:port`; `private`: of them those that may be inside."""

    hosts: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()

    def check(self, url: str) -> None:
        """Refuse a URL whose host is not on the list.

        Raises:
            NotAllowedError: says what is wrong with it.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise NotAllowedError(f"no URL: {error}") from error
        if parts.scheme not in _PORTS or parts.username is not None or parts.password is not None or parts.fragment:
            raise NotAllowedError("only plain http and https URLs are fetched")
        named = host if port in {None, _PORTS[parts.scheme]} else f"{host}:{port}"
        if named not in self.hosts:
            raise NotAllowedError(f"{named} is not on the list of hosts")
        if is_address(host):  # no resolver is asked for it
            self.check_address(host, host)

    def check_address(self, host: str, address: str) -> None:
        """Refuse an address inside, unless this host may be there.

        Raises:
            NotAllowedError: it is none of the public ones.
        """
        if host.lower() not in self.private and not is_public(address):
            # aiohttp tells of an OSError its second argument alone
            raise NotAllowedError(errno.EACCES, f"{host} is at {address}, which is no public address")


def is_address(host: str) -> bool:
    """Whether it is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet: not loopback, link-local, private, multicast or a way around that."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found.is_site_local:  # inside like fc00::/7, which took its place (RFC 3879), and Python calls it global
            return False
        if found.sixtofour is not None or found.teredo is not None or any(found in net for net in _TRANSLATED):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


class GuardedResolver(AbstractResolver):
    """Names to addresses, each of which was checked; aiohttp connects to these and asks nobody again."""

    def __init__(self, allowed: AllowedHosts, inner: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See `AbstractResolver`. One address inside spoils them all: who mixes them is up to something."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            self._allowed.check_address(host, one["host"])
        return found

    async def close(self) -> None:
        """See `AbstractResolver`."""
        await self._inner.close()


async def get(url: str, allowed: AllowedHosts, *, resolver: AbstractResolver | None = None) -> bytes:
    """What the URL gives.

    Raises:
        NotAllowedError: it may not be asked; OSError, aiohttp.ClientError, TimeoutError: nothing came, or too much.
    """
    allowed.check(url)
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(allowed, resolver), use_dns_cache=False)
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS_MAX, connect=limits.CONNECT_SECONDS_MAX),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )
    # A redirect is an answer like any other, and not 200: where to go is decided by the list alone.
    async with session, session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise aiohttp.ClientPayloadError(f"HTTP {answer.status}")
        return await _bounded(answer.content)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    kept = bytearray()
    async for piece in content.iter_any():
        kept += piece
        if len(kept) > FETCHED_BYTES_MAX:
            raise aiohttp.ClientPayloadError(f"more than {FETCHED_BYTES_MAX} bytes")
    return bytes(kept)


async def read_mirror(place: str) -> bytes:
    """What a file of a mirror holds: an absolute path, or a `file://` URL of this machine.

    Raises:
        NotAllowedError: no such place; OSError: it cannot be read, or is too large.
    """
    path = Path(place)
    if place.startswith("file:"):
        parts = urlsplit(place)
        if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
            raise NotAllowedError("a file of another machine")
        path = Path(unquote(parts.path))
    if not path.is_absolute() or "\0" in str(path):
        raise NotAllowedError("not an absolute path")
    return await asyncio.to_thread(_read, path)


def _read(path: Path) -> bytes:
    # Not blocking: a pipe of that name would hang the fetcher for ever.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotAllowedError("not a file")
        data = file.read(FETCHED_BYTES_MAX + 1)
    if len(data) > FETCHED_BYTES_MAX:
        raise NotAllowedError(f"more than {FETCHED_BYTES_MAX} bytes")
    return data


async def bytes_of(url: str, mirror: str, allowed: AllowedHosts) -> bytes:
    """From the mirror where there is one, and then from nowhere else.

    Raises:
        As `get` and `read_mirror`.
    """
    place = mirror or url
    return await read_mirror(place) if place.startswith(("file:", "/")) else await get(place, allowed)


def allowed_hosts(hosts: Collection[str], private: Collection[str]) -> AllowedHosts:
    """As the configuration names them."""
    return AllowedHosts(frozenset(map(str.lower, hosts)), frozenset(map(str.lower, private)))
