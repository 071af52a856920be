"""Turns a presented API key into a principal, by the access ledger."""

import asyncio
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.access.keys import KEY_CHARS_MAX, key_id_of, secret_digest
from gateway.core.ids import Digest
from gateway.core.ledgers import ApiKey, UnitOfWork
from gateway.core.model import Principal
from gateway.core.ports import Clock, Store

CACHE_SECONDS: Final = 20.0
"""How long the ledger's word is believed; with the time of a read it stays far under the 60 s of security.md 6."""

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


class StoredAuthenticator:
    """The `Authenticator` port over the access ledger.

    All keys are read at once and kept for a while: an unknown id costs no more than a known one, and a flood of
    made-up ids does not reach the database.
    """

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: Mapping[str, ApiKey] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def authenticate(self, presented: str) -> Principal | None:
        """The principal behind a key, or None. Unknown, wrong, expired and revoked are not told apart.

        Raises:
            SiteError: the ledger could not be read.
        """
        keys = await self._current()
        key_id = key_id_of(presented)
        known = keys.get(key_id or "", _NOBODY)
        # The digests are compared, not the secrets: where they differ first says nothing about the secret.
        right = hmac.compare_digest(secret_digest(presented[: KEY_CHARS_MAX + 1]), known.secret_digest)
        if not right or known is _NOBODY or not _in_force(known, self._clock.now()):
            return None
        return Principal(key_id=known.key_id, name=known.name, organs=known.organs, scopes=known.scopes)

    async def _current(self) -> Mapping[str, ApiKey]:
        if self._stale():
            async with self._reading:
                if self._stale():
                    asked_at = self._clock.monotonic()
                    self._keys = {key.key_id: key for key in await self._store.read(_all_keys)}
                    self._read_at = asked_at
        return self._keys

    def _stale(self) -> bool:
        return self._read_at is None or self._clock.monotonic() - self._read_at >= CACHE_SECONDS


def _all_keys(uow: UnitOfWork) -> tuple[ApiKey, ...]:
    return uow.access.keys()


def _in_force(key: ApiKey, now: datetime) -> bool:
    if key.revoked_at is not None and key.revoked_at <= now:
        return False
    return key.expires_at is None or now < key.expires_at
