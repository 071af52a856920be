"""The port `Signer` in this process, for keys whose signatures cost nothing: receipts (P-256) and the audit log (Ed25519).

RSA does not belong here: it would hold the interpreter lock for 0.7 ms each time (measured.md). See `holders`.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.errors import SiteError
from gateway.core.reasons import because
from gateway.crypto.keys.key_reader import read_private_key


class FileSigner:
    """Signs with the Ed25519 or P-256 key of a PEM file (mode 0400 or 0600).

    Raises:
        SiteError: `key.missing`, when it is made: no such file, another mode, another kind of key.
    """

    def __init__(self, path: Path, *, key_id: str) -> None:
        key = read_private_key(path, key_id)
        if not isinstance(key, Ed25519PrivateKey) and not (
            isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
        ):
            raise SiteError("key.missing", key=key_id, reason=because("not_signer_key"))
        self._key: Ed25519PrivateKey | EllipticCurvePrivateKey = key

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    async def sign(self, data: bytes) -> bytes:
        """Ed25519 (RFC 8032, 64 bytes), or ECDSA with SHA-256 in DER."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        return self._key.sign(data, ECDSA(SHA256()))
