"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and lines of signatures by named keys.

    — <key name> <base64(key id || signature)>

A verifier key is `<name>+<hex key id>+<base64(type || public key)>`; the key id is the first four bytes of
SHA-256(name || LF || type || public key) and is always computed again, never believed. Two types are known here:
Ed25519 over the text (0x01), and the Ed25519 cosignature of a witness over its time and the text (0x04,
C2SP tlog-cosignature v1). Lines of keys that we do not know say nothing; a line that names a key we know and is not its
signature spoils the whole note, for it can only be damage or deceit.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from gateway.audit.errors import NoteError, SignatureError, UnverifiedError
from gateway.core.limits import NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX
from gateway.core.ports import Signer

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 4
SIGNATURE_BYTES: Final = 64
TIME_BYTES: Final = 8
SIGNATURES_REMEMBERED_MAX: Final = 64
"""The newest of some peers' logs."""

_KEY_NAME: Final = re.compile(r"[^\s+]+")
_VERIFIER_KEY: Final = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+=*)")
_SIGNATURE_LINE: Final = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+=*)")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class KeyType(IntEnum):
    """First byte of the key material (C2SP signed-note, tlog-cosignature)."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named Ed25519 key that notes are checked with."""

    name: str
    type: KeyType
    key: bytes
    """The 32 bytes of RFC 8032."""

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each of its signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._material()).digest()[:KEY_ID_BYTES]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of a C2SP verifier key text.

        Raises:
            NoteError: malformed, of an unknown type, or with a key id that is not its own.
        """
        match = _VERIFIER_KEY.fullmatch(text)
        if match is None:
            raise NoteError("not a verifier key")
        material = _base64(match["key"])
        if len(material) != 1 + KEY_BYTES or material[0] not in set(KeyType):
            raise NoteError("a verifier key of an unknown type or length")
        key = cls(match["name"], KeyType(material[0]), material[1:])
        if key.key_id.hex() != match["id"]:
            raise NoteError("a verifier key with a foreign key id")
        return key

    @classmethod
    def of(cls, name: str, public_key: bytes) -> Self:
        """The key of that name for an Ed25519 SubjectPublicKeyInfo (DER).

        Raises:
            NoteError: the name or the key cannot stand in a note.
        """
        loaded = load_der_public_key(public_key)
        if not isinstance(loaded, Ed25519PublicKey):
            raise NoteError("the key of a log must be Ed25519")
        if _KEY_NAME.fullmatch(name) is None or not name.isprintable():
            raise NoteError("a key name with a space or a plus sign")
        return cls(name, KeyType.ED25519, loaded.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def format(self) -> str:
        """The C2SP verifier key text, as it stands in the registry."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._material()).decode()}"

    def check(self, text: str, signature: bytes) -> int | None:
        """Check a signature of this key over a note's text; the time (seconds since 1970) if it is a cosignature.

        Raises:
            SignatureError: it is not.
        """
        time, message = None, text.encode()
        if self.type is KeyType.COSIGNATURE:
            time = int.from_bytes(signature[:TIME_BYTES])
            message, signature = b"cosignature/v1\ntime %d\n" % time + message, signature[TIME_BYTES:]
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError(f"a signature of {self.name} with another length")
        try:
            _verify(self.key, signature, message)
        except InvalidSignature as error:
            raise SignatureError(f"not a signature of {self.name}") from error
        return time

    def _material(self) -> bytes:
        return bytes([self.type]) + self.key


@lru_cache(SIGNATURES_REMEMBERED_MAX)
def _verify(key: bytes, signature: bytes, message: bytes) -> None:
    """One checkpoint stands in all receipts of its moment: what was found good is not computed again."""
    Ed25519PublicKey.from_public_bytes(key).verify(signature, message)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature that was checked."""

    key: VerifierKey
    time: int | None
    """Seconds since 1970 that a witness claims, or None for a plain signature."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note that at least one known key has signed."""

    text: str
    """With its final line feed: exactly what was signed."""
    signatures: tuple[NoteSignature, ...]


def open_note(note: str, keys: Sequence[VerifierKey]) -> Note:
    """The text of a note and those of its signatures that are by `keys`.

    Raises:
        SignatureError: a line names one of the keys and is not its signature.
        UnverifiedError: none of the keys has signed.
        NoteError: the note is malformed or too large.
    """
    text, lines = _split(note)
    known = {(key.name, key.key_id): key for key in keys}
    checked: dict[NoteSignature, None] = {}
    for line in lines:
        name, key_id, signature = _parse_line(line)
        key = known.get((name, key_id))
        if key is not None:
            checked[NoteSignature(key, key.check(text, signature))] = None
    if not checked:
        raise UnverifiedError("no key that we know has signed")
    return Note(text, tuple(checked))


async def sign_note(text: str, *, key: VerifierKey, signer: Signer) -> str:
    """The text as a note signed by `signer`, whose public half is `key` (0x01). `text` ends with a line feed.

    Raises:
        SignatureError: what the signer made does not verify: it never leaves.
    """
    assert text.endswith("\n")
    assert not _CONTROL.search(text)
    assert key.type is KeyType.ED25519
    signature = await signer.sign(text.encode())
    key.check(text, signature)
    return f"{text}\n— {key.name} {base64.b64encode(key.key_id + signature).decode()}\n"


def _split(note: str) -> tuple[str, list[str]]:
    """Text and signature lines; the last empty line is between them, so the text may hold empty lines of its own."""
    # Bounded before it is copied; a character has at least one byte.
    if len(note) > NOTE_BYTES_MAX:
        raise NoteError("a note that is too large")
    try:
        note.encode()
    except UnicodeEncodeError as error:
        raise NoteError("a note that has no UTF-8 form") from error
    if _CONTROL.search(note):
        raise NoteError("a control character")
    text, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise NoteError("no signature lines, or no line feed at the end")
    lines = block[:-1].split("\n")  # not splitlines: it also breaks at U+2028 and its like
    if len(lines) > NOTE_SIGNATURES_MAX:
        raise NoteError(f"more than {NOTE_SIGNATURES_MAX} signatures")
    return text + "\n", lines


def _parse_line(line: str) -> tuple[str, bytes, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise NoteError("a line that is no signature")
    blob = _base64(match["signature"])
    if len(blob) <= KEY_ID_BYTES:
        raise NoteError("a signature line without a signature")
    return match["name"], blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:]


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteError("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise NoteError("base64 with stray bits at its end")
    return data
