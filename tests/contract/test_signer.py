"""The promises of the port `Signer`, on key files of both kinds and on the key of the tests."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from gateway.core.ports import Signer
from gateway.crypto import FileSigner
from tests.kit.log_signer import LogSigner
from tests.kit.pki import ec_key, write_key

DATA = (b"", b"x", bytes(range(256)) * 4096)


def _ed25519_file(folder: Path) -> Signer:
    path = folder / "log.pem"
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return FileSigner(path, key_id="log")


def _p256_file(folder: Path) -> Signer:
    return FileSigner(write_key(folder / "receipt.pem", ec_key("receipt")), key_id="receipt")


def _of_the_tests(_folder: Path) -> Signer:
    return LogSigner()


IMPLEMENTATIONS: tuple[Callable[[Path], Signer], ...] = (_ed25519_file, _p256_file, _of_the_tests)


@pytest.fixture(params=IMPLEMENTATIONS)
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Signer:
    made: Signer = request.param(tmp_path)
    return made


def verify(signer: Signer, signature: bytes, data: bytes) -> None:
    """As whoever has nothing but the public key: raises `InvalidSignature`."""
    key = load_der_public_key(signer.public_key)
    if isinstance(key, Ed25519PublicKey):
        assert len(signature) == 64, "RFC 8032"
        key.verify(signature, data)
        return
    assert isinstance(key, EllipticCurvePublicKey)
    assert encode_dss_signature(*decode_dss_signature(signature)) == signature, "DER"
    key.verify(signature, data, ECDSA(SHA256()))


def test_the_public_key_is_a_subject_public_key_info_and_stays_the_same(signer: Signer) -> None:
    key = load_der_public_key(signer.public_key)
    assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == signer.public_key
    assert signer.public_key == signer.public_key


@pytest.mark.parametrize("data", DATA, ids=len)
async def test_its_signature_is_good_under_its_public_key(signer: Signer, data: bytes) -> None:
    verify(signer, await signer.sign(data), data)


async def test_its_signature_is_over_these_bytes_and_no_others(signer: Signer) -> None:
    signature = await signer.sign(b"these bytes")
    for other in (b"", b"these byteS", b"these bytes\n"):
        with pytest.raises(InvalidSignature):
            verify(signer, signature, other)


async def test_many_at_once_get_their_own(signer: Signer) -> None:
    datas = [b"%d" % number for number in range(50)]
    for data, signature in zip(datas, await asyncio.gather(*map(signer.sign, datas)), strict=True):
        verify(signer, signature, data)
