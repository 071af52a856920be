"""An Ed25519 key in memory behind the `Signer` port, from a fixed seed: for tests only."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class LogSigner:
    """Signs with the key of a one-byte seed, and counts."""

    def __init__(self, seed: int = 1) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.signatures = 0

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    async def sign(self, data: bytes) -> bytes:
        self.signatures += 1
        return self._key.sign(data)
