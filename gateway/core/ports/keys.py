"""Keys that were entrusted to this gateway, and what is done with them."""

from pathlib import Path
from typing import Protocol

from gateway.core.ids import OrganId
from gateway.core.sealed import SealedFile
from gateway.core.validation import Level


class Signer(Protocol):
    """Signs bytes with one key it guards. Which algorithm it is, the key's owner knows."""

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        ...

    async def sign(self, data: bytes) -> bytes:
        """The signature over `data`, in the form of the algorithm (RSA PKCS#1 v1.5, Ed25519: RFC 8032, ECDSA: DER)."""
        ...


class TimestampAuthority(Protocol):
    """Puts a time upon something, and everybody believes it (RFC 3161)."""

    async def stamp(self, digest: bytes) -> bytes:
        """A timestamp token (DER of its ContentInfo) over a SHA-256 digest. MUST have been judged good, and be for this digest.

        Raises:
            SiteError: `timestamp.unavailable`: no authority gave one. It may be asked for again later.
        """
        ...


class Sealer(Protocol):
    """Holds the keys of bodies: seals that were entrusted to this gateway, and transport keys for envelopes."""

    def entrusted(self, organ: OrganId) -> bool:
        """Whether that body has entrusted its seal to this gateway."""
        ...

    async def seal(self, pdf: Path, organ: OrganId) -> SealedFile:
        """The PDF with the body's PAdES seal added as an incremental update, at the level that this installation asks for.

        MUST check its own certificate first. The private key MUST live in a process that never parses the document.

        Raises:
            SiteError: `key.missing`, `key.certificate`, `key.pin`, `key.token`; where the installation would rather wait
                than seal at a lower level also `timestamp.unavailable`, `seal.evidence`.
            SenderError: `file.unreadable`, `worker.killed`.
        """
        ...

    async def settle(self, pdf: Path, organ: OrganId, level: Level) -> SealedFile:
        """A sealed PDF raised to the level that is owed to it, by document timestamps; no key is needed. MAY take minutes.

        What cannot be paid yet is owed again. The bytes that were there MUST stay as they were.

        Raises:
            SiteError: `timestamp.unavailable`: no authority answered; `worker.busy` ...
            SenderError: `file.unreadable`, `worker.killed`.
        """
        ...

    async def sign_detached(self, path: Path, organ: OrganId) -> bytes:
        """A detached CAdES B-B signature (.p7s) by the body's seal over a file of any kind and size.

        MUST check its own certificate first, MUST hash the file in pieces and MUST NOT hand it to a key-holder. The file
        is left as it is.

        Raises:
            SiteError: `key.missing`; SenderError: `file.unreadable`, `size.limit`.
        """
        ...

    async def sign_envelope(self, skeleton: bytes, organ: OrganId) -> bytes:
        """The envelope skeleton (attachments cut out) with the body's XAdES signature as house.md lays down.

        Raises:
            SiteError: `key.missing`, `key.certificate`, `key.pin`, `key.token`.
        """
        ...
