"""A private key out of a file: PKCS#8 in PEM, plain or encrypted, or PKCS#12. Only its holder, and `doctor`, ever call this."""

import hashlib
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import pem as asn1_pem
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates, load_pkcs12
from cryptography.x509 import Certificate

from gateway.core.errors import SiteError
from gateway.core.reasons import because
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.keys.guarded import UnusableError, read_guarded, read_secret
from gateway.crypto.keys.sources import FileSource, PemFile, Pkcs12File


def read_private_key(source: FileSource | Path, key_id: str, *, skip_check: bool = False) -> PrivateKeyTypes:
    """A private key of any kind from a file that only its owner can read; a bare path is a PEM file without a password.

    Raises:
        SiteError: `key.missing` with the reason; never with anything out of the files.
    """
    file = PemFile(path=source) if isinstance(source, Path) else source
    try:
        return _from_pkcs12(file) if isinstance(file, Pkcs12File) else _from_pem(file, skip_check=skip_check)
    except UnusableError as error:
        raise SiteError("key.missing", key=key_id, reason=error.reason) from error


def _from_pem(source: PemFile, *, skip_check: bool) -> PrivateKeyTypes:
    pem = read_guarded(source.path)
    password = None if source.password_file is None else read_secret(source.password_file).encode()
    try:
        return load_pem_private_key(pem, password=password, unsafe_skip_rsa_key_validation=skip_check)
    except TypeError as error:  # a key that is encrypted and no password, or the other way round
        reason = because("password_needed") if password is None else because("password_not_needed")
        raise UnusableError(reason) from error
    except (UnsupportedAlgorithm, InternalError) as error:
        raise UnusableError(because("file_algorithm")) from error
    except ValueError as error:
        wrong = password is not None and _is_encrypted(pem)
        raise UnusableError(because("password_wrong") if wrong else because("not_pem_key")) from error


def _from_pkcs12(source: Pkcs12File) -> PrivateKeyTypes:
    data, password = read_guarded(source.path), read_secret(source.password_file)
    try:
        found = load_pkcs12(data, password.encode())
    except (UnsupportedAlgorithm, InternalError) as error:
        raise UnusableError(because("file_algorithm")) from error
    except ValueError as error:
        raise UnusableError(because("password_wrong") if _is_pkcs12(data) else because("not_pfx")) from error
    if found.key is None:
        raise UnusableError(because("no_key_inside"))
    own = next((one for one in _certificates(found) if _digest(one) == source.certificate), None)
    if own is None or own.public_key() != found.key.public_key():
        raise UnusableError(because("other_certificate_inside"))
    return found.key


def _certificates(found: PKCS12KeyAndCertificates) -> list[Certificate]:
    """Not every program marks which certificate is the key's (localKeyId): all of them are looked at."""
    return [one.certificate for one in (found.cert, *found.additional_certs) if one is not None]


def _digest(certificate: Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _is_encrypted(pem: bytes) -> bool:
    """Whether it is an encrypted key at all: then it was the password that was wrong."""
    if b"Proc-Type: 4,ENCRYPTED" in pem:
        return True
    found = attempt(lambda: asn1_keys.EncryptedPrivateKeyInfo.load(asn1_pem.unarmor(pem)[2], strict=True).native)
    return not isinstance(found, Trouble)


def _is_pkcs12(data: bytes) -> bool:
    found = attempt(lambda: asn1_pkcs12.Pfx.load(data, strict=True)["version"].native)
    return not isinstance(found, Trouble)
