"""Looks at where a key lies, for `config check` and `doctor`: nothing is signed, and no token is opened."""

import stat
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.errors import SiteError
from gateway.core.reasons import because, of_os
from gateway.crypto.keys.guarded import UnusableError, name_of, read_secret
from gateway.crypto.keys.key_reader import read_private_key
from gateway.crypto.keys.sources import KeySource, Pkcs11Key, Token
from gateway.crypto.paths.subject import subject_public_key


def check_source(source: KeySource, certificate: bytes, *, key_id: str) -> None:
    """Find a key as it must be: what is in a file is opened, and is the certificate's; of a token only its files are looked at.

    Raises:
        SiteError: `key.missing`, with the reason.
    """
    if isinstance(source, Pkcs11Key):
        check_token_files(source.token, key_id=key_id)
    elif public_key_of(source, key_id) != subject_public_key(certificate):
        raise SiteError("key.missing", key=key_id, reason=because("no_pair"))


def public_key_of(source: KeySource, key_id: str) -> bytes | None:
    """SubjectPublicKeyInfo (DER) of a key in a file; None for one in a token.

    Raises:
        SiteError: `key.missing`.
    """
    if isinstance(source, Pkcs11Key):
        return None
    private = read_private_key(source, key_id, skip_check=True)
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_token_files(token: Token, *, key_id: str) -> None:
    """The vendor's library and the PIN's file are there.

    Raises:
        SiteError: `key.missing`.
    """
    try:
        _check_module(token.module)
        read_secret(token.pin_file)
    except UnusableError as error:
        raise SiteError("key.missing", key=key_id, reason=error.reason) from error


def _check_module(path: Path) -> None:
    try:
        reason = None if stat.S_ISREG(path.stat().st_mode) else because("enxio")
    except OSError as error:
        reason = of_os(error)
    if reason is not None:
        raise UnusableError(because("module_file", path=name_of(path), reason=reason))
