"""Who asks: what a caller shows, and the principal it turns out to be."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.core.ids import Digest, OrganId


class Scope(StrEnum):
    """What an API key may be allowed to do; the list is closed."""

    READ = "read"
    """See what was sent and what arrived."""
    SEND = "send"
    """Hand documents in."""
    SEAL = "seal"
    """Have the seal that a body has entrusted to the gateway put on its documents."""
    ACT = "act"
    """Accept and refuse what arrived."""


class Credential(StrEnum):
    """By what a caller was identified."""

    API_KEY = "api_key"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a caller shows, and from where: all that may decide who it is."""

    key: str | None = field(default=None, repr=False)
    """The API key as presented; empty for an Authorization header that holds none, None when there was no such header."""
    certificate: bytes | None = field(default=None, repr=False)
    """The client certificate (DER) whose chain TLS has verified on this connection."""
    address: str = ""
    """IP address of the other end of the connection, never of a header; empty when it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """What counts of a client certificate that is fit to identify a system."""

    pin: Digest
    """SHA-256 of its SubjectPublicKeyInfo."""
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking: a body's system behind an API key or a client certificate."""

    key_id: str
    """Id of the API key, or `cert-` and the beginning of the certificate's pin."""
    name: str
    organs: frozenset[OrganId]
    """The bodies it may act for."""
    scopes: frozenset[Scope]
    credential: Credential = Credential.API_KEY

    def may(self, scope: Scope) -> bool:
        """Whether the scope was granted."""
        return scope in self.scopes
