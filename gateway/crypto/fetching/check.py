"""What was fetched: whether it is revocation evidence signed by an authority of ours. Pure and total: the task of a judge.

Only what an anchor or an intermediate of ours has signed, or a responder that it made for that, gets into the store: so
whoever sits on the way can withhold evidence, and nothing else. Whether it is good enough for a verdict, the judges see anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from asn1crypto import crl, ocsp, x509
from cryptography.exceptions import InvalidSignature

from gateway.core import limits
from gateway.core.ids import Digest
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.algorithms import Verifier
from gateway.crypto.paths.trust import Trust
from gateway.crypto.paths.trust_folder import read_evidence

FUTURE_TOLERANCE: Final = timedelta(minutes=5)
_OCSP_SIGNING: Final = "ocsp_signing"

EvidenceKind = Literal["crl", "ocsp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Genuine:
    """Evidence of an authority of ours."""

    kind: EvidenceKind
    der: bytes
    issuer: str
    """The authority, for people."""
    issuer_key: Digest
    """SHA-256 of its public key: two authorities of one name are two."""
    subject: str
    """What it is about: `crl`, `delta`, or the serial number (hex) that an OCSP response answers about."""
    issued_at: datetime
    next_update: datetime | None
    number: int | None
    """cRLNumber (RFC 5280 section 5.2.3)."""

    @property
    def digest(self) -> Digest:
        """SHA-256 of its DER."""
        return Digest(sha256(self.der).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why it is none; English, for the log."""

    reason: str


def check_evidence(data: bytes, *, trust: Trust, moment: datetime) -> Genuine | Unfit:
    """A CRL or an OCSP response, PEM or DER, as it was fetched."""
    for kind, check in (("crl", _crl), ("ocsp", _ocsp)):
        der = attempt(read_evidence, data, kind)
        if isinstance(der, bytes):
            found = attempt(check, der, trust, moment)
            return Unfit(reason=found.reason) if isinstance(found, Trouble) else found
    return Unfit(reason="neither a CRL nor an OCSP response")


def _crl(der: bytes, trust: Trust, moment: datetime) -> Genuine | Unfit:
    parsed = crl.CertificateList.load(der, strict=True)
    listed = parsed["tbs_cert_list"]
    issued_at: datetime = listed["this_update"].native
    if issued_at > moment + FUTURE_TOLERANCE:
        return Unfit(reason=f"issued in the future: {issued_at}")
    for authority in _authorities(trust):
        usage = authority.key_usage_value
        if authority.subject != parsed.issuer or (usage is not None and "crl_sign" not in usage.native):
            continue
        signature = parsed["signature"].native
        if _signed(authority, signature, listed.dump(), parsed["signature_algorithm"], trust, moment):
            return Genuine(
                kind="crl",
                der=der,
                issuer=_short(authority.subject.human_friendly),
                issuer_key=_key(authority),
                subject="crl" if parsed.delta_crl_indicator_value is None else "delta",
                issued_at=issued_at,
                next_update=listed["next_update"].native,
                number=parsed.crl_number_value.native if parsed.crl_number_value is not None else None,
            )
    return Unfit(reason=f"not signed by an authority of ours: {_short(parsed.issuer.human_friendly)}")


def _ocsp(der: bytes, trust: Trust, moment: datetime) -> Genuine | Unfit:
    response = ocsp.OCSPResponse.load(der, strict=True)
    if response["response_status"].native != "successful":
        return Unfit(reason=f"the responder says {response['response_status'].native}")
    basic = response["response_bytes"]["response"].parsed
    answers = basic["tbs_response_data"]["responses"]
    if len(answers) != 1:
        return Unfit(reason=f"{len(answers)} answers in one response")
    answer = answers[0]
    issued_at: datetime = answer["this_update"].native
    if issued_at > moment + FUTURE_TOLERANCE:
        return Unfit(reason=f"issued in the future: {issued_at}")
    for authority in _authorities(trust):
        if not _names(answer["cert_id"], authority):
            continue
        for signer in (authority, *_responders(basic, authority, trust, issued_at)):
            signed = basic["tbs_response_data"].dump()
            if _signed(signer, basic["signature"].native, signed, basic["signature_algorithm"], trust, moment):
                return Genuine(
                    kind="ocsp",
                    der=der,
                    issuer=_short(authority.subject.human_friendly),
                    issuer_key=_key(authority),
                    subject=f"{answer['cert_id']['serial_number'].native:x}"[:64],
                    issued_at=issued_at,
                    next_update=answer["next_update"].native,
                    number=None,
                )
    return Unfit(reason="not signed by an authority of ours, or a responder of its")


def _authorities(trust: Trust) -> Iterator[x509.Certificate]:
    for der in dict.fromkeys((*trust.anchors, *trust.people, *trust.authorities, *trust.intermediates)):
        yield x509.Certificate.load(der)


def _names(certificate_id: ocsp.CertId, authority: x509.Certificate) -> bool:
    """Whether the answer is about a certificate that this authority issued (RFC 6960 section 4.1.1)."""
    algorithm = certificate_id["hash_algorithm"]["algorithm"].native
    return algorithm in {"sha1", "sha256"} and bool(
        certificate_id["issuer_key_hash"].native == getattr(authority.public_key, algorithm)
        and certificate_id["issuer_name_hash"].native == getattr(authority.subject, algorithm)
    )


def _responders(
    basic: ocsp.BasicOCSPResponse, authority: x509.Certificate, trust: Trust, issued_at: datetime
) -> Iterable[x509.Certificate]:
    """Those that came along and that the authority made for this (RFC 6960 section 4.2.2.2)."""
    for one in list(basic["certs"] or ())[: limits.EMBEDDED_CERTIFICATES_MAX]:
        purposes = one.extended_key_usage_value
        if purposes is None or _OCSP_SIGNING not in purposes.native or one.issuer != authority.subject:
            continue
        signature, signed = one["signature_value"].native, one["tbs_certificate"].dump()
        in_time = one.not_valid_before <= issued_at <= one.not_valid_after
        if in_time and _signed(authority, signature, signed, one["signature_algorithm"], trust, issued_at):
            yield one


def _signed(  # noqa: PLR0913, PLR0917 - a signature has these parts
    signer: x509.Certificate, signature: bytes, signed: bytes, algorithm: object, trust: Trust, moment: datetime
) -> bool:
    try:
        Verifier(trust.policy.algorithms, moment).validate_signature(signature, signed, signer.public_key, algorithm)
    except (InvalidSignature, AssertionError):  # certvalidator asserts that the key is of the algorithm's kind
        return False
    return True


def _key(authority: x509.Certificate) -> Digest:
    return Digest(sha256(authority.public_key.dump()).hexdigest())


def _short(text: str) -> str:
    return text[: limits.CONTENT_CHARS_MAX]
