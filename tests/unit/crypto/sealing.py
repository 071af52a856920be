"""Sealing without processes or ports, for tests that want a sealed file quickly."""

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from gateway.crypto.pades.prepare import prepare_seal
from tests.kit.pki import MOMENT, Leaf


def raw_signature(leaf: Leaf, data: bytes) -> bytes:
    if isinstance(leaf.key, rsa.RSAPrivateKey):
        return leaf.key.sign(data, padding.PKCS1v15(), SHA256())
    return leaf.key.sign(data, ec.ECDSA(SHA256()))


def sealed(pdf: bytes, leaf: Leaf, *, chain: tuple[bytes, ...] | None = None, field: str = "") -> bytes:
    """The PDF sealed by a leaf, good or bad: nothing is checked."""
    chain = leaf.chain if chain is None else chain
    prepared = prepare_seal(pdf, room=room_for(chain), moment=MOMENT, field=field)
    attributes = seal_attributes(prepared.digest, leaf.der)
    return prepared.filled(assemble(attributes, raw_signature(leaf, attributes.to_sign), chain))
