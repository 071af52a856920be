"""Hexadecimal strings of a PDF (ISO 32000-2 clause 7.3.4.3), read in pieces where pyHanko reads them digit by digit.

The place of a signature is such a string of ten thousand digits and more, and reading it was a sixth of judging a sealed
file. Only the plain case is read here: an even number of digits, nothing between them, `>` at the end. Whatever else
stands there (white space, an odd digit, a foreign sign, the end of the file) is given back unread to pyHanko's own function,
so there is no second opinion on what a PDF may hold.
"""

import io
from binascii import unhexlify
from typing import Any, Final

from pyhanko.pdf_utils import generic

_DIGITS: Final = b"0123456789abcdefABCDEF"
_PIECE_BYTES: Final = 4_096
_ORIGINAL: Final = generic.read_hex_string_from_stream


def read_hex_string(stream: Any) -> Any:
    """What `pyhanko.pdf_utils.generic.read_hex_string_from_stream` returns for a stream that stands at the `<`."""
    start = stream.tell()
    stream.seek(1, io.SEEK_CUR)
    digits = bytearray()
    while piece := stream.read(_PIECE_BYTES):
        found, end, _ = piece.partition(b">")
        if found.translate(None, _DIGITS):
            break
        digits += found
        if end:
            if len(digits) % 2:
                break
            stream.seek(start + 1 + len(digits) + 1)
            return generic.pdf_string(unhexlify(digits))
    stream.seek(start)
    return _ORIGINAL(stream)


def read_hex_in_pieces() -> None:
    """Have pyHanko use it, in this process, from now on."""
    generic.read_hex_string_from_stream = read_hex_string
