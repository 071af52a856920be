"""The file's form: every field of an edition with its shape. What spans several entries is checked in `consistency`."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from gateway.core import limits
from gateway.core.clock import parse_rfc3339
from gateway.core.directory import BodyStatus
from gateway.core.ids import DIGEST, ORGAN_ID
from gateway.core.plain_text import first_unseen
from gateway.registry.verifier_key import check_verifier_key

KEYS_MAX: Final = 8
"""Keys of one kind that one body or gateway may have at a time: the current one, the next, and some in transition."""
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


def _base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not a base64 text")  # noqa: TRY004 - pydantic collects ValueErrors
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not a base64 text") from None


def _certificate(der: bytes) -> bytes:
    try:
        x509.load_der_x509_certificate(der)
    except ValueError:
        raise ValueError("not an X.509 certificate") from None
    return der


def _receipt_key(der: bytes) -> bytes:
    try:
        key = load_der_public_key(der)
    except ValueError:
        raise ValueError("not a public key") from None
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        # Receipts are ES256 (RFC 7518 section 3.4).
        raise ValueError("not a P-256 key")  # noqa: TRY004 - pydantic collects ValueErrors
    return der


def _log_key(text: str) -> str:
    check_verifier_key(text)
    return text


def _line(text: str) -> str:
    """Names of the registry go into every envelope and onto every screen."""
    if unseen := first_unseen(text):
        raise ValueError(f"holds a character that does not belong into a name ({unseen})")
    return text


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("not a date-time")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_rfc3339(value)


_Code = Annotated[str, StringConstraints(pattern=f"^{ORGAN_ID.pattern}$", max_length=limits.ORGAN_ID_CHARS_MAX)]
_GatewayName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(?:\.{_LABEL})*$", max_length=253)]
_Words = Annotated[str, AfterValidator(_line)]
_Name = Annotated[_Words, StringConstraints(min_length=1, max_length=limits.ORGAN_NAME_CHARS_MAX)]
_Url = Annotated[str, StringConstraints(pattern=r"^https://[a-z0-9.\[\]:-]+:[0-9]{1,5}$", max_length=300)]
_Digest = Annotated[str, StringConstraints(pattern=f"^{DIGEST.pattern}$")]
_Certificate = Annotated[bytes, BeforeValidator(_base64), AfterValidator(_certificate)]
_ReceiptKey = Annotated[bytes, BeforeValidator(_base64), AfterValidator(_receipt_key)]
_LogKey = Annotated[str, AfterValidator(_log_key)]
_Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BodyForm(_Form):
    """One entry of `bodies`."""

    organ_id: _Code
    name: _Name
    in_charge: Annotated[_Words, StringConstraints(max_length=limits.ORGAN_IN_CHARGE_CHARS_MAX)]
    gateway: _GatewayName
    status: BodyStatus
    successor: _Code | None
    transport_certificates: Annotated[tuple[_Certificate, ...], Field(max_length=KEYS_MAX)]
    seal_certificates: Annotated[tuple[_Digest, ...], Field(max_length=KEYS_MAX)]


class GatewayForm(_Form):
    """One entry of `gateways`."""

    gateway: _GatewayName
    name: _Name
    url: _Url
    tls_keys: Annotated[tuple[_Digest, ...], Field(min_length=1, max_length=KEYS_MAX)]
    receipt_keys: Annotated[tuple[_ReceiptKey, ...], Field(min_length=1, max_length=KEYS_MAX)]
    log_keys: Annotated[tuple[_LogKey, ...], Field(min_length=1, max_length=KEYS_MAX)]


class EditionForm(_Form):
    """The whole file."""

    format: Literal[1]
    epoch: Annotated[int, Field(ge=1, lt=2**53)]
    issued_at: _Instant
    gateways: Annotated[tuple[GatewayForm, ...], Field(min_length=1, max_length=limits.BODIES_MAX)]
    bodies: Annotated[tuple[BodyForm, ...], Field(max_length=limits.BODIES_MAX)]
