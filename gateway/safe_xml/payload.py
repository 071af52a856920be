"""One attachment on its way past the tree: base64 decoded, hashed and written in pieces."""

import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Final

from gateway.core.errors import SenderError
from gateway.core.ids import Digest

_WHITE: Final = b" \t\r\n"
# Some serialisers write the CR of a MIME line end as a reference (XML 1.0, 2.11): to a parser it is white space all the same.
_WHITE_REFERENCE: Final = re.compile(rb"&#(?:0{0,4}(?:9|10|13|32)|x0{0,4}(?:9|a|d|20));", re.IGNORECASE)
_REFERENCE_BYTES_MAX: Final = 16
_GROUP: Final = rb"[A-Za-z0-9+/]"
_GROUPS: Final = re.compile(rb"(?:%b{4})*+(?:%b{2}==|%b{3}=)?" % (_GROUP, _GROUP, _GROUP))

Store = Callable[[int], BinaryIO]
"""Opens where the payload of that position (from 1) is written. Whoever gives it closes what it opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What stood in one ContentTransferEncoded, decoded."""

    file: BinaryIO = field(compare=False, repr=False)
    """The bytes, at the place that the store chose; up to the fault, if there was one."""
    size: int
    digest: Digest
    """SHA-256 of the bytes."""
    sound: bool
    """It was base64 (RFC 4648 section 4), white space aside."""

    def read(self) -> bytes:
        """All the bytes, from the beginning."""
        self.file.seek(0)
        return self.file.read()


def in_memory(_: int) -> BinaryIO:
    """A store for small files."""
    return BytesIO()


class Decoder:
    """Takes the text of one element in pieces."""

    def __init__(self, file: BinaryIO, *, limit: int, position: int) -> None:
        self._file = file
        self._limit = limit
        self._position = position
        self._hash = hashlib.sha256()
        self._size = 0
        self._rest = b""
        self._padded = False
        self._sound = True

    def feed(self, piece: bytes) -> None:
        """Some more of the text.

        Raises:
            SenderError: `size.limit`.
        """
        if not self._sound:
            return
        text = self._rest + piece if self._rest else piece
        held = b""
        if b"&" in text:
            text, held = self._without_references(text)
        text = text.translate(None, _WHITE)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:] + held
        if whole:
            self._decode(text[:whole] if whole < len(text) else text)

    def close(self) -> Payload:
        """The text is over."""
        self._sound = self._sound and not self._rest
        return Payload(file=self._file, size=self._size, digest=Digest(self._hash.hexdigest()), sound=self._sound)

    def _without_references(self, text: bytes) -> tuple[bytes, bytes]:
        """The text with white space for its references, and what may be the beginning of one."""
        text = _WHITE_REFERENCE.sub(b"", text)
        begun = text.rfind(b"&")
        if begun >= 0 and len(text) - begun < _REFERENCE_BYTES_MAX and b";" not in text[begun:]:
            return text[:begun], text[begun:]
        return text, b""

    def _decode(self, text: bytes) -> None:
        if self._padded:
            self._sound = False
            return
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            self._sound = False
            text = _sound_part(text)
            data = binascii.a2b_base64(text)
        self._padded = text.endswith(b"=")
        self._size += len(data)
        if self._size > self._limit:
            raise SenderError("size.limit", limit=self._limit, what="file", position=self._position)
        self._hash.update(data)
        self._file.write(data)


def _sound_part(text: bytes) -> bytes:
    """The groups before the fault: the same whatever the pieces in which the text came."""
    found = _GROUPS.match(text)
    assert found is not None, "the pattern matches an empty text"
    return found[0]
