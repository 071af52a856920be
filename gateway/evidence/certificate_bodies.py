"""Which bodies stand behind certificates, by the registry: the certificate alone says only what its authority knew."""

from collections.abc import Sequence
from hashlib import sha256

from gateway.core.directory import Body, Snapshot
from gateway.core.ids import Digest, OrganId
from gateway.core.verdict import SignatureVerdict


def known_signers(
    snapshot: Snapshot | None, signatures: Sequence[SignatureVerdict]
) -> tuple[tuple[Digest, OrganId], ...]:
    """Certificates of these signatures that the registry names for a body, in their order; none without a registry."""
    if snapshot is None:
        return ()
    known = {certificate: body.organ_id for body in snapshot.bodies.values() for certificate in certificates_of(body)}
    found = {signature.certificate for signature in signatures if signature.certificate in known}
    return tuple((certificate, known[certificate]) for certificate in sorted(filter(None, found)))


def certificates_of(body: Body) -> tuple[Digest, ...]:
    """Everything that the registry lets a body sign with: files, and envelopes."""
    return *body.seal_certificates, *(Digest(sha256(der).hexdigest()) for der in body.transport_certificates)
