"""Grants: the API keys and client certificates that may ask, and the ledger that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.ids import Digest, OrganId
from gateway.core.principal import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as stored: never the secret, only its SHA-256."""

    key_id: str
    name: str
    secret_digest: Digest
    organs: frozenset[OrganId]
    scopes: frozenset[Scope]
    expires_at: datetime | None
    revoked_at: datetime | None
    addresses: tuple[str, ...] = ()
    """Ranges (CIDR) it may be used from; none: from anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedCertificate:
    """A system that is known by the key of its client certificate."""

    pin: Digest
    """SHA-256 of the SubjectPublicKeyInfo."""
    name: str
    organs: frozenset[OrganId]
    scopes: frozenset[Scope]
    expires_at: datetime | None
    revoked_at: datetime | None
    addresses: tuple[str, ...] = ()

    @property
    def key_id(self) -> str:
        """Id of the principal. No API key can have it: theirs have no dash."""
        return f"cert-{self.pin[:32]}"


class Access(Protocol):
    """Which systems of which bodies may ask."""

    def declare(self, keys: Sequence[ApiKey], at: datetime) -> None:
        """Make the stored keys equal to these: new ones are added, changed ones replaced, missing ones revoked at `at`."""
        ...

    def keys(self) -> tuple[ApiKey, ...]:
        """All keys by id."""
        ...

    def declare_certificates(self, certificates: Sequence[PinnedCertificate], at: datetime) -> None:
        """Make the stored certificates equal to these, as `declare` does with keys."""
        ...

    def certificates(self) -> tuple[PinnedCertificate, ...]:
        """All pinned certificates by pin."""
        ...
