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
_WHITE_REFERENCE: Final = re.compile(rb"&#(?:0{0,4}(?:9|10|13|32)|x0{0,4}(?:9|[aA]|[dD]|20));")
_BEGUN_REFERENCE: Final = re.compile(rb"&(?:#(?:x?[0-9aAdD]{0,6})?)?\Z")
"""What may become one when more has come."""

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
        self._begun = b""
        """A reference of which more has to come."""
        self._padded = False
        self._sound = True

    def feed(self, piece: bytes, *, literal: bool = False) -> None:
        """Some more of the text; `literal`: of a CDATA section, in which nothing is a reference.

        Raises:
            SenderError: `size.limit`.
        """
        if self._begun or b"&" in piece:
            piece = b"" if literal else self._without_references(self._begun + piece)
            self._sound = self._sound and not literal
        if not self._sound:
            return
        text = (self._rest + piece if self._rest else piece).translate(None, _WHITE)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if whole:
            self._decode(text[:whole] if whole < len(text) else text)

    def close(self) -> Payload:
        """The text is over."""
        self._sound = self._sound and not self._rest and not self._begun
        return Payload(file=self._file, size=self._size, digest=Digest(self._hash.hexdigest()), sound=self._sound)

    def _without_references(self, text: bytes) -> bytes:
        """The text without white space that is written as a reference; any other reference is no base64."""
        begun = _BEGUN_REFERENCE.search(text)
        self._begun = begun[0] if begun else b""
        text = _WHITE_REFERENCE.sub(b"", text[: len(text) - len(self._begun)])
        self._sound = self._sound and b"&" not in text
        return text

    def _decode(self, text: bytes) -> None:
        if self._padded:
            self._sound = False
            return
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            self._sound = False
            return
        self._padded = text.endswith(b"=")
        self._size += len(data)
        if self._size > self._limit:
            raise SenderError("size.limit", limit=self._limit, what="file", position=self._position)
        self._hash.update(data)
        self._file.write(data)
