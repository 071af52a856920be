"""The key that somebody signs with at a command line: a PEM or PKCS#12 file, or a token by its PKCS#11 URI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway.cli.errors import Failure
from gateway.cli.files import require_file
from gateway.cli.orders import KeyInHand
from gateway.core.errors import SiteError
from gateway.crypto import (
    PKCS11_SCHEME,
    KeyHolderPool,
    KeyRef,
    KeySource,
    PemFile,
    Pkcs12File,
    certificate_digest,
    read_certificates,
    read_pkcs11_uri,
)

KEY: Final = "--key"
"""What errors call the key."""
_PKCS12: Final = frozenset({".p12", ".pfx"})


def shown_with(order: KeyInHand) -> KeyRef:
    """The certificates that go with the key, its own first.

    Raises:
        Failure: one of them cannot be read, or a file is not there.
    """
    for path in order.certificates:
        require_file(path)
    try:
        chain = dict.fromkeys(der for path in order.certificates for der in read_certificates(path))
    except SiteError as error:
        raise Failure("cli.certificate", path=error.params.get("path"), reason=error.params.get("reason")) from error
    return KeyRef(key_id=KEY, chain=tuple(chain))


@asynccontextmanager
async def holding(order: KeyInHand, key: KeyRef) -> AsyncIterator[KeyHolderPool]:
    """A key-holder with that key, which sees no file.

    Raises:
        Failure: the file is not there, or a password belongs to it.
        SiteError: `key.missing`: not a PKCS#11 URI.
    """
    holder = KeyHolderPool(keys={KEY: _source(order, key)})
    await holder.start()
    try:
        yield holder
    finally:
        await holder.close()


def _source(order: KeyInHand, key: KeyRef) -> KeySource:
    certificate = certificate_digest(key.chain[0])
    if order.key.startswith(PKCS11_SCHEME):
        return read_pkcs11_uri(order.key, certificate=certificate)
    path = Path(order.key)
    require_file(path)
    if order.password_file is not None:
        require_file(order.password_file)
    if path.suffix.lower() not in _PKCS12:
        return PemFile(path=path, password_file=order.password_file)
    if order.password_file is None:
        raise Failure("cli.key.password", path=order.key)
    return Pkcs12File(path=path, password_file=order.password_file, certificate=certificate)
