"""The registry as everybody sees it: one frozen snapshot of bodies and gateways, with its epoch.

Loading, checking and replacing snapshots is the work of `gateway.registry`; choosing a route from one is
`gateway.routing`'s. Both meet in these nouns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.ids import Digest, GatewayId, OrganId


class BodyStatus(StrEnum):
    """Life of an identification code (facts 3.5): a closed code is never used again, a locked one may return."""

    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One body with an identification code."""

    organ_id: OrganId
    name: str
    in_charge: str
    gateway: GatewayId
    status: BodyStatus
    successor: OrganId | None
    """Who took over, for a closed code."""
    transport_certificates: tuple[bytes, ...]
    """DER, current first: the envelope signature of a message from this body must be by one of them."""
    seal_certificates: tuple[Digest, ...]
    """SHA-256 of DER: seals of this body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEntry:
    """One gateway: where it listens and by which keys it is known."""

    gateway: GatewayId
    name: str
    url: str
    """`https://host:port` of its peer listener."""
    tls_keys: tuple[Digest, ...]
    """SHA-256 of SubjectPublicKeyInfo (DER), current and next."""
    receipt_keys: tuple[bytes, ...]
    """SubjectPublicKeyInfo (DER) of P-256 keys, current first."""
    log_keys: tuple[str, ...]
    """C2SP verifier keys (`origin+hash+base64`) of its audit logs, current first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One numbered edition of the registry. `bodies` and `gateways` are read-only mappings."""

    epoch: int
    """Grows with every edition; a lower one is never activated after a higher one."""
    digest: Digest
    """SHA-256 of the file it was read from."""
    issued_at: datetime
    bodies: Mapping[OrganId, Body]
    gateways: Mapping[GatewayId, GatewayEntry]

    def body(self, organ_id: OrganId) -> Body | None:
        """The body of a code, whatever its status."""
        return self.bodies.get(organ_id)

    def hosts(self, gateway: GatewayId, organ_id: OrganId) -> bool:
        """Whether that gateway may speak for that body."""
        body = self.bodies.get(organ_id)
        return body is not None and body.gateway == gateway
