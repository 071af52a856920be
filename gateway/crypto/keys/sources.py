"""Where a private key lies, as data: a PEM file, a PKCS#12 file, or a token that is spoken to by PKCS#11.

Nothing secret stands in here. A password or a PIN is named by its file, and read by the key-holder alone, when it is needed
(`guarded`). What ties a key to the certificate that will be shown with it is the certificate's SHA-256: a label is for people.
"""

from dataclasses import dataclass
from pathlib import Path

from gateway.core.ids import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PemFile:
    """PKCS#8 (RFC 5958) in PEM, encrypted if there is a password for it."""

    path: Path
    password_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs12File:
    """PKCS#12 (RFC 7292) with the key and its certificate."""

    path: Path
    password_file: Path
    certificate: Digest
    """SHA-256 of the certificate that the file must hold, and the key with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A PKCS#11 token: a hardware security module, a smart card, SoftHSM. One process speaks to it."""

    module: Path
    """The vendor's shared library."""
    pin_file: Path
    label: str = ""
    serial: str = ""
    """Label and serial number, as far as they are given, must both be the token's; one of them is."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables by which vendors' libraries find their own settings; for the process of this token alone."""

    @property
    def name(self) -> str:
        """For people."""
        return self.label or self.serial


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Key:
    """A key in a token: the private key whose CKA_ID is that of the certificate with this digest."""

    token: Token
    certificate: Digest
    object_id: str = ""
    """CKA_ID in hex, for a token that holds no certificates."""


FileSource = PemFile | Pkcs12File
KeySource = FileSource | Pkcs11Key


def files_of(source: KeySource) -> tuple[Path, ...]:
    """The files of a source that must be their owner's alone."""
    match source:
        case PemFile(path=path, password_file=None):
            return (path,)
        case PemFile(path=path, password_file=Path() as password) | Pkcs12File(path=path, password_file=password):
            return path, password
        case Pkcs11Key(token=token):
            return (token.pin_file,)
    raise AssertionError("there are no other sources")


def needs_secret(source: KeySource) -> bool:
    """Whether a password or a PIN belongs to it, which may change while the source stays the same."""
    return not isinstance(source, PemFile) or source.password_file is not None
