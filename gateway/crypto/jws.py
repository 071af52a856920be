"""Receipts as compact JWS (RFC 7515) with ES256 (RFC 7518 section 3.4), and nothing that a JWS could be besides.

The protected header has one possible form per key and claimed signing time (docs/PROTOCOL.md section 6), so it is written again
and compared, never acted upon: there is no algorithm to confuse (`none`, HS256 with the public key), and no jku, x5u, jwk or
crit to obey. Without a signing time it is the header of receipts of version 1, which are stored and never change.

The signing time stands there as in JAdES (ETSI TS 119 182-1): `sigT` (clause 5.2.1) and `iat` (clause 5.1.11, which takes its
place since V1.2.1), two spellings of one second. JAdES names the signer by a certificate's digest (`x5t#S256`, clause 5.1.7);
receipt keys have no certificate, the registry pins them, so `kid` is the digest of the public key, and this is no JAdES
baseline signature and does not say it is.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.core import limits
from gateway.core.base64url import decode_base64url, encode_base64url
from gateway.core.clock import parse_rfc3339
from gateway.core.errors import PeerError
from gateway.core.ports import Signer

RECEIPT_TYPE: Final = "edoc-receipt+jws"
GAPS_TYPE: Final = "edoc-gaps+jws"
"""A gap notice: by the same key, and never to be taken for a receipt."""
NON_DELIVERY_TYPE: Final = "edoc-non-delivery+jws"
"""What a sender is told that did not arrive in time; by the same key, and no receipt either."""
RESYNC_TYPE: Final = "edoc-resync+jws"
RESYNC_PAGE_TYPE: Final = "edoc-resync-page+jws"
"""What a restored gateway asks, and what it is answered."""
KEYS_REMEMBERED_MAX: Final = 256
"""Receipt keys of the registry."""
_COORDINATE_BYTES: Final = 32
_COMPACT: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)")
_HEADER_CHARS_MAX: Final = 512
_SIGNED_AT: Final = re.compile(r'"sigT":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)"', re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """What a token says whose signature holds."""

    payload: bytes
    signed_at: datetime | None
    """When its signer says it signed, in whole seconds; None: it does not say."""


async def sign_jws(
    payload: bytes, *, kid: str, signer: Signer, signed_at: datetime | None = None, kind: str = RECEIPT_TYPE
) -> bytes:
    """The token over `payload`; `signer` holds a P-256 key, `kid` is the lower-case hex SHA-256 of its public key.

    `signed_at` is written in whole seconds; without it the header is that of version 1.
    """
    signing_input = b".".join((_header(kid, signed_at, kind), _b64(payload)))
    r, s = utils.decode_dss_signature(await signer.sign(signing_input))
    token = b".".join((signing_input, _b64(r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES))))
    assert len(token) <= limits.RECEIPT_BYTES_MAX, "a receipt for RECIPIENTS_MAX recipients fits"
    return token


def verify_jws(token: bytes, keys: Sequence[bytes], *, kind: str = RECEIPT_TYPE) -> SignedToken:
    """What a token says that was signed by one of `keys` (SubjectPublicKeyInfo, DER, P-256).

    Raises:
        PeerError: `peer.receipt` with the step that failed.
    """
    if len(token) > limits.RECEIPT_BYTES_MAX:
        raise PeerError("peer.receipt", step="size")
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise PeerError("peer.receipt", step="form")
    header, payload, signature = match.groups()
    signed_at = _signed_at(header)
    key = next((key for key in keys if _header(hashlib.sha256(key).hexdigest(), signed_at, kind) == header), None)
    if key is None:
        raise PeerError("peer.receipt", step="header: unknown key, or not the one form")
    _verify(key, header + b"." + payload, _unb64(signature))
    return SignedToken(payload=_unb64(payload), signed_at=signed_at)


def _verify(key: bytes, signing_input: bytes, signature: bytes) -> None:
    public_key = _loaded(key)
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise PeerError("peer.receipt", step="signature")
    r, s = (int.from_bytes(half) for half in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]))
    try:
        public_key.verify(utils.encode_dss_signature(r, s), signing_input, ECDSA(SHA256()))
    except InvalidSignature:
        raise PeerError("peer.receipt", step="signature") from None


@lru_cache(KEYS_REMEMBERED_MAX)
def _loaded(key: bytes) -> EllipticCurvePublicKey:
    public_key = load_der_public_key(key)
    if not isinstance(public_key, EllipticCurvePublicKey) or not isinstance(public_key.curve, SECP256R1):
        raise PeerError("peer.receipt", step="the registry's key is not P-256")
    return public_key


def _header(kid: str, signed_at: datetime | None, kind: str) -> bytes:
    """The one protected header of a key, a signing time and a kind of token, base64url of canonical JSON (RFC 8785)."""
    members: dict[str, str | int] = {"alg": "ES256", "kid": kid, "typ": kind}
    if signed_at is not None:
        whole = signed_at.astimezone(UTC).replace(microsecond=0)
        members["iat"] = int(whole.timestamp())
        members["sigT"] = whole.isoformat().replace("+00:00", "Z")
    return _b64(json.dumps(members, sort_keys=True, separators=(",", ":")).encode("ascii"))


def _signed_at(header: bytes) -> datetime | None:
    """The time that a header would be of, found without parsing it: what else stands there is seen by comparing."""
    if len(header) > _HEADER_CHARS_MAX:
        return None
    found = _SIGNED_AT.search(_unb64(header).decode("ascii", "replace"))
    try:
        return parse_rfc3339(found[1]) if found else None
    except ValueError:  # a 30th of February
        return None


def _b64(data: bytes) -> bytes:
    return encode_base64url(data).encode("ascii")


def _unb64(text: bytes) -> bytes:
    """Decode base64url in its one form: no other text may stand for the same bytes.

    Raises:
        PeerError: `peer.receipt`.
    """
    try:
        return decode_base64url(text.decode("ascii"))
    except ValueError as error:
        raise PeerError("peer.receipt", step="base64url is not in its one form") from error
