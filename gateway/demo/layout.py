"""Where the development PKI lies on disk, and how it is written: keys 0400, folders 0700, nothing overwritten."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """The authorities' folder: no gateway's configuration names it."""

    folder: Path

    @property
    def root_key(self) -> Path:
        """Private key of the root."""
        return self.folder / "root.pem"

    @property
    def issuing_key(self) -> Path:
        """Private key of the issuing authority."""
        return self.folder / "issuing.pem"

    def folders(self) -> tuple[Path, ...]:
        """Every folder, parents first."""
        return (self.folder,)


@dataclass(frozen=True, slots=True)
class GatewayFiles:
    """One gateway's keys, certificates and trust. A certificate lies beside its key and ends in `.crt`."""

    folder: Path

    @property
    def tls_key(self) -> Path:
        """Private key of the peer listener, of calls to peers and of the office API."""
        return self.folder / "keys" / "tls.pem"

    @property
    def tls_certificate(self) -> Path:
        """Its certificate, followed by the issuing authority's."""
        return certificate_of(self.tls_key)

    @property
    def receipt_key(self) -> Path:
        """ECDSA P-256, signs receipts."""
        return self.folder / "keys" / "receipt.pem"

    @property
    def log_key(self) -> Path:
        """Ed25519, signs the audit log's checkpoints."""
        return self.folder / "keys" / "log.pem"

    @property
    def transport_keys(self) -> Path:
        """Folder of `<organ>.pem` and `<organ>.crt` for every body of this gateway."""
        return self.folder / "keys" / "transport"

    @property
    def seal_keys(self) -> Path:
        """Folder of `<organ>.pem` and `<organ>.crt` for the bodies that entrust their seal."""
        return self.folder / "keys" / "seal"

    @property
    def anchors(self) -> Path:
        """Folder with the root's certificate."""
        return self.folder / "trust" / "anchors"

    @property
    def intermediates(self) -> Path:
        """Folder with the issuing authority's certificate."""
        return self.folder / "trust" / "intermediates"

    @property
    def crls(self) -> Path:
        """Folder with both revocation lists."""
        return self.folder / "trust" / "crls"

    def folders(self) -> tuple[Path, ...]:
        """Every folder, parents first."""
        keys, trust = self.folder / "keys", self.folder / "trust"
        own = (self.folder, keys, self.transport_keys, self.seal_keys)
        return (*own, trust, self.anchors, self.intermediates, self.crls)


def certificate_of(key: Path) -> Path:
    """Where the certificate of a key lies. Not `with_suffix` on the code: codes have dots."""
    return key.parent / f"{key.name.removesuffix('.pem')}.crt"


def make_folders(folders: tuple[Path, ...]) -> None:
    """Make them, for the owner alone.

    Raises:
        FileExistsError: one is there already.
    """
    for folder in folders:
        folder.mkdir(mode=0o700)


def write_key(path: Path, key: PrivateKeyTypes) -> None:
    """PKCS#8 in PEM, without a passphrase, readable by the owner alone from its first byte on."""
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o400)


def write_certificates(path: Path, *chain: x509.Certificate) -> None:
    """PEM, the leaf first."""
    _write(path, b"".join(one.public_bytes(Encoding.PEM) for one in chain), mode=0o444)


def write_revocation_list(path: Path, revocation_list: x509.CertificateRevocationList) -> None:
    """PEM."""
    _write(path, revocation_list.public_bytes(Encoding.PEM), mode=0o444)


def _write(path: Path, data: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
