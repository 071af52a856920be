"""Turns what a caller presents into a principal, by the access ledger."""

import asyncio
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from gateway.access.keys import KEY_CHARS_MAX, key_id_of, secret_digest
from gateway.core.addresses import AddressRange, is_within, parse_range
from gateway.core.errors import SiteError
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import Digest
from gateway.core.ledgers import UnitOfWork
from gateway.core.ports import Clock, Store
from gateway.core.principal import ClientCertificate, Credential, Presented, Principal

CACHE_SECONDS: Final = 20.0
"""How long the ledger's word is believed; with the time of a read it stays far under the 60 s of security.md 6."""

ReadCertificate = Callable[[bytes], ClientCertificate | None]
"""What counts of a certificate (DER) that TLS has verified; None when it is not fit to identify a system."""

G = TypeVar("G", ApiKey, PinnedCertificate)

_NOBODY: Final = ApiKey(
    key_id="",
    name="",
    secret_digest=Digest("0" * 64),
    organs=frozenset(),
    scopes=frozenset(),
    expires_at=None,
    revoked_at=None,
)
"""Compared against when no key has that id, so that the path is the same. No text is known that hashes to zeros."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[G]):
    """What the ledger grants, its address list read once."""

    granted: G
    ranges: tuple[AddressRange, ...]

    def is_good(self, now: datetime, address: str) -> bool:
        """Whether it opens at this moment, from this address."""
        one = self.granted
        if one.revoked_at is not None and one.revoked_at <= now:
            return False
        return (one.expires_at is None or now < one.expires_at) and is_within(self.ranges, address)

    def principal(self, credential: Credential) -> Principal:
        """Who has shown it."""
        one = self.granted
        return Principal(key_id=one.key_id, name=one.name, organs=one.organs, scopes=one.scopes, credential=credential)


@dataclass(frozen=True, slots=True)
class _Table:
    """Everything that the ledger grants, by what is presented."""

    keys: Mapping[str, _Entry[ApiKey]]
    certificates: Mapping[Digest, _Entry[PinnedCertificate]]


_STRANGER: Final = _Entry(_NOBODY, ())


class StoredAuthenticator:
    """The `Authenticator` port over the access ledger.

    Everything is read at once and kept for a while: an unknown id costs no more than a known one, and a flood of
    made-up ids does not reach the database.
    """

    def __init__(self, *, store: Store, clock: Clock, read_certificate: ReadCertificate) -> None:
        self._store = store
        self._clock = clock
        self._read_certificate = read_certificate
        self._table = _Table({}, {})
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def authenticate(self, presented: Presented) -> Principal | None:
        """The principal behind the key, or else behind the certificate; None for everybody else, and nobody learns why.

        Raises:
            SiteError: the ledger could not be read.
        """
        table = await self._current()
        if presented.key is not None:
            return self._by_key(table, presented.key, presented.address)
        if presented.certificate is not None:
            return self._by_certificate(table, presented.certificate, presented.address)
        return None

    def _by_key(self, table: _Table, shown: str, address: str) -> Principal | None:
        entry = table.keys.get(key_id_of(shown) or "", _STRANGER)
        # The digests are compared, not the secrets: where they differ first says nothing about the secret.
        right = hmac.compare_digest(secret_digest(shown[: KEY_CHARS_MAX + 1]), entry.granted.secret_digest)
        # Only who holds the secret gets further, so that no time that is spent here tells of a key to others.
        if not right or entry is _STRANGER or not entry.is_good(self._clock.now(), address):
            return None
        return entry.principal(Credential.API_KEY)

    def _by_certificate(self, table: _Table, certificate: bytes, address: str) -> Principal | None:
        """By the pin of its key; TLS has checked the chain, once, so the dates are looked at again on every call."""
        shown, now = self._read_certificate(certificate), self._clock.now()
        entry = table.certificates.get(shown.pin) if shown is not None else None
        if shown is None or entry is None or not shown.not_before <= now <= shown.not_after:
            return None
        return entry.principal(Credential.CERTIFICATE) if entry.is_good(now, address) else None

    async def _current(self) -> _Table:
        if self._stale():
            async with self._reading:
                if self._stale():
                    asked_at = self._clock.monotonic()
                    self._table = _table(*await self._store.read(_everything))
                    self._read_at = asked_at
        return self._table

    def _stale(self) -> bool:
        return self._read_at is None or self._clock.monotonic() - self._read_at >= CACHE_SECONDS


def _everything(uow: UnitOfWork) -> tuple[tuple[ApiKey, ...], tuple[PinnedCertificate, ...]]:
    return uow.access.keys(), uow.access.certificates()


def _table(keys: Iterable[ApiKey], certificates: Iterable[PinnedCertificate]) -> _Table:
    return _Table(
        {key.key_id: _Entry(key, _ranges(key.addresses)) for key in keys},
        {one.pin: _Entry(one, _ranges(one.addresses)) for one in certificates},
    )


def _ranges(texts: Iterable[str]) -> tuple[AddressRange, ...]:
    try:
        return tuple(map(parse_range, texts))
    except ValueError as error:
        raise SiteError("store.damaged", reason="a stored address range does not read back") from error
