"""Whom an installation believes and how old its evidence is, as plain values for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509
from pyhanko_certvalidator.revinfo.archival import CRLContainer

from gateway.core import limits
from gateway.core.validation import CertificateSeen
from gateway.crypto.paths.pieces import Piece, own_pieces
from gateway.crypto.paths.subject import certificate_seen
from gateway.crypto.paths.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedCertificate:
    """One certificate that is believed, or found on the way."""

    role: str
    """`bodies`, `people`, `authorities` or `intermediates`, as in a list."""
    certificate: CertificateSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvidence:
    """One piece of revocation evidence that is there."""

    kind: str
    about: str
    """Who issued the CRL, or the serial number (hex) that the OCSP response answers about."""
    issued_at: datetime
    next_update: datetime | None


def certificates_believed(trust: Trust) -> Iterator[BelievedCertificate]:
    """Every certificate of a trust, by role."""
    for role, certificates in (
        ("bodies", trust.anchors),
        ("people", trust.people),
        ("authorities", trust.authorities),
        ("intermediates", trust.intermediates),
    ):
        for der in certificates:
            seen = certificate_seen(x509.Certificate.load(der), anchor=role != "intermediates")
            yield BelievedCertificate(role=role, certificate=seen)


def evidence_of(trust: Trust) -> Iterator[StoredEvidence]:
    """Every piece of revocation evidence, the oldest first."""
    for piece in sorted(own_pieces(trust.crls, trust.ocsps), key=lambda one: one.issued_at):
        yield StoredEvidence(
            kind=piece.kind, about=_about(piece), issued_at=piece.issued_at, next_update=piece.next_update
        )


def _about(piece: Piece) -> str:
    if isinstance(piece.container, CRLContainer):
        return str(piece.container.crl_data.issuer.human_friendly)[: limits.CONTENT_CHARS_MAX]
    answer = piece.container.extract_single_response()
    return f"{answer['cert_id']['serial_number'].native:x}" if answer is not None else ""
