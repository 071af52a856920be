"""Signatures with keys that are loaded once: checking an RSA key takes longer than signing with it a hundred times."""

from functools import cache

from asn1crypto import algos
from asn1crypto import keys as asn1_keys
from certomancer import crypto_utils
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pyhanko_certvalidator.util import process_pss_params

from tests.kit.pki import Key


@cache
def _loaded(der: bytes) -> Key:
    key = load_der_private_key(der, password=None)
    assert isinstance(key, Key), "RSA or EC"
    return key


def signature_of(data: bytes, key: asn1_keys.PrivateKeyInfo, algorithm: algos.SignedDigestAlgorithm) -> bytes:
    """The signature of that algorithm: RSA (PKCS#1 or PSS) or ECDSA."""
    loaded = _loaded(key.dump())
    if algorithm.signature_algo == "rsassa_pss":
        pss, method = process_pss_params(algorithm["parameters"])
        assert isinstance(loaded, rsa.RSAPrivateKey)
        return loaded.sign(data, pss, method)
    digest: hashes.HashAlgorithm = getattr(hashes, algorithm.hash_algo.upper())()
    if isinstance(loaded, rsa.RSAPrivateKey):
        return loaded.sign(data, padding.PKCS1v15(), digest)
    return loaded.sign(data, ec.ECDSA(digest))


class _Remembering(crypto_utils.PycaCryptographyBackend):
    def generic_sign(
        self, private_key: asn1_keys.PrivateKeyInfo, tbs_bytes: bytes, sd_algo: algos.SignedDigestAlgorithm
    ) -> bytes:
        return signature_of(tbs_bytes, private_key, sd_algo)


def remember_keys() -> None:
    """From here on, certomancer loads each key once."""
    crypto_utils.CRYPTO_BACKEND = _Remembering()
