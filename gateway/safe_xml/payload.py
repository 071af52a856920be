"""One attachment on its way past the tree: base64 decoded, hashed and written in pieces."""

import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Final

from pybase64 import b64decode

from gateway.core.errors import SenderError
from gateway.core.ids import Digest

_WHITE: Final = b" \t\r\n"
# Some serialisers write the CR of a MIME line end as a reference (XML 1.0, 2.11): to a parser it is white space all the same.
_WHITE_REFERENCE: Final = re.compile(rb"&#(?:0{0,4}(?:9|10|13|32)|x0{0,4}(?:9|[aA]|[dD]|20));")
_REFERENCE_BYTES_MAX: Final = 16
_PADDING: Final = ord("=")
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""What strict decoding takes (RFC 4648 section 4)."""

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
    start: int = 0
    """Where its text stands in the file that was cut ..."""
    end: int = 0

    def read(self) -> bytes:
        """All the bytes, from the beginning."""
        self.file.seek(0)
        return self.file.read()


def in_memory(_: int) -> BinaryIO:
    """A store for small files."""
    return BytesIO()


class Decoder:
    """Takes the text of one element in pieces: into which makes no difference, nor to where it is found at fault."""

    def __init__(self, file: BinaryIO, *, limit: int, position: int) -> None:
        self._file = file
        self._limit = limit
        self._position = position
        self._hash = hashlib.sha256()
        self._size = 0
        self._rest = b""
        """Less than four characters, and what may be the beginning of a reference."""
        self._padded = False
        self._sound = True

    def feed(self, piece: bytes | memoryview) -> None:
        """Some more of the text.

        Raises:
            SenderError: `size.limit`.
        """
        # The group that was begun is filled up by itself, so that the many others are decoded where they stand: a copy of them
        # costs more than decoding does, and so does taking out white space that is not there.
        if begun := len(self._rest):
            missing = 4 - begun % 4
            self._feed(piece[:missing])
            self._feed(piece[missing:])
        else:
            self._feed(piece)

    def feed_literal(self, piece: bytes) -> None:
        """Some more of the text, from a CDATA section: a reference is none there, and none goes on there.

        Raises:
            SenderError: `size.limit`.
        """
        text, ampersand, _ = (self._rest + piece).partition(b"&")
        self._rest = b""
        self.feed(text)
        if ampersand:
            self._sound = False

    def close(self, start: int, end: int) -> Payload:
        """The text is over, and that is where it stood."""
        self._sound = self._sound and not self._rest.translate(None, _WHITE)
        return Payload(
            file=self._file,
            size=self._size,
            digest=Digest(self._hash.hexdigest()),
            sound=self._sound,
            start=start,
            end=end,
        )

    def _feed(self, piece: bytes | memoryview) -> None:
        if not self._sound:
            return
        text = self._rest + piece if self._rest else piece
        if self._decode(text):
            return
        bare, held = _bare(bytes(text))
        if b"&" in bare or not self._decode(bare):  # then nothing is read beyond it
            good = _BASE64.match(bare)
            assert good is not None, "the pattern matches an empty text"
            self._decode(good[0])
            self._sound = False
        self._rest += held

    def _decode(self, text: bytes | memoryview) -> bool:
        """All groups of four that are there; False, and nothing is done, if they are not base64."""
        whole = len(text) - len(text) % 4
        if whole:
            groups = memoryview(text)[:whole]
            data = b"" if self._padded else _decoded(groups)
            if not data:
                return False
            self._padded = groups[-1] == _PADDING
            self._take(data)
        self._rest = bytes(text[whole:])
        return True

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise SenderError("size.limit", limit=self._limit, what="file", position=self._position)
        self._hash.update(data)
        self._file.write(data)


def _decoded(text: memoryview) -> bytes:
    """Nothing, where it is not base64."""
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _bare(text: bytes) -> tuple[bytes, bytes]:
    """The text without its white space, and what may be the beginning of a reference to some."""
    held = b""
    if b"&" in text:
        begun = text.rfind(b"&")
        if len(text) - begun < _REFERENCE_BYTES_MAX and b";" not in text[begun:]:
            text, held = text[:begun], text[begun:]
        text = _WHITE_REFERENCE.sub(b"", text)
    return text.translate(None, _WHITE), held
