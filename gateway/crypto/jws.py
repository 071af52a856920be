"""Receipts as compact JWS (RFC 7515) with ES256 (RFC 7518 section 3.4), and nothing that a JWS could be besides.

The protected header has one possible form per key (docs/PROTOCOL.md section 6.1), so it is compared, not parsed: there
is no algorithm to confuse (`none`, HS256 with the public key), and no jku, x5u, jwk or crit to act upon.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.core import limits
from gateway.core.base64url import decode_base64url, encode_base64url
from gateway.core.errors import PeerError
from gateway.core.ports import Signer

RECEIPT_TYPE: Final = "edoc-receipt+jws"
_COORDINATE_BYTES: Final = 32
_COMPACT: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)")


async def sign_jws(payload: bytes, *, kid: str, signer: Signer) -> bytes:
    """The token over `payload`; `signer` holds a P-256 key, `kid` is the lower-case hex SHA-256 of its public key."""
    signing_input = b".".join((_header(kid), _b64(payload)))
    r, s = utils.decode_dss_signature(await signer.sign(signing_input))
    token = b".".join((signing_input, _b64(r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES))))
    assert len(token) <= limits.RECEIPT_BYTES_MAX, "a receipt for RECIPIENTS_MAX recipients fits"
    return token


def verify_jws(token: bytes, keys: Sequence[bytes]) -> bytes:
    """The payload of a token signed by one of `keys` (SubjectPublicKeyInfo, DER, P-256).

    Raises:
        PeerError: `peer.receipt` with the step that failed.
    """
    if len(token) > limits.RECEIPT_BYTES_MAX:
        raise PeerError("peer.receipt", step="size")
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise PeerError("peer.receipt", step="form")
    header, payload, signature = match.groups()
    key = next((key for key in keys if _header(hashlib.sha256(key).hexdigest()) == header), None)
    if key is None:
        raise PeerError("peer.receipt", step="header: unknown key, or not the one form")
    _verify(key, header + b"." + payload, _unb64(signature))
    return _unb64(payload)


def _verify(key: bytes, signing_input: bytes, signature: bytes) -> None:
    public_key = load_der_public_key(key)
    if not isinstance(public_key, EllipticCurvePublicKey) or not isinstance(public_key.curve, SECP256R1):
        raise PeerError("peer.receipt", step="the registry's key is not P-256")
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise PeerError("peer.receipt", step="signature")
    r, s = (int.from_bytes(half) for half in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]))
    try:
        public_key.verify(utils.encode_dss_signature(r, s), signing_input, ECDSA(SHA256()))
    except InvalidSignature:
        raise PeerError("peer.receipt", step="signature") from None


def _header(kid: str) -> bytes:
    """The one protected header of a key, base64url of canonical JSON (RFC 8785)."""
    members = {"alg": "ES256", "kid": kid, "typ": RECEIPT_TYPE}
    return _b64(json.dumps(members, sort_keys=True, separators=(",", ":")).encode("ascii"))


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
