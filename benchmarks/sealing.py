"""Seals put on before a document is handed in: a body's own program does that, so no gateway's time goes into it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.crypto import prepare_seal
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes

Seal = Callable[[bytes], bytes]
"""A PDF with a seal, of one without."""


def seal_of(folder: Path, organ: str) -> Seal:
    """The seal whose key and certificates lie in this folder, as an installation keeps them: PAdES B-B."""
    key = cast("rsa.RSAPrivateKey", load_pem_private_key((folder / f"{organ}.pem").read_bytes(), None))
    certificates = x509.load_pem_x509_certificates((folder / f"{organ}.crt").read_bytes())
    chain = tuple(one.public_bytes(Encoding.DER) for one in certificates)

    def seal(pdf: bytes) -> bytes:
        prepared = prepare_seal(pdf, room=room_for(chain), moment=datetime.now(UTC))
        attributes = seal_attributes(prepared.digest, chain[0])
        signature = key.sign(attributes.to_sign, padding.PKCS1v15(), SHA256())
        return prepared.filled(assemble(attributes, signature, chain))

    return seal
