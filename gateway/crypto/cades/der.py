"""DER, the one encoding that a signature is made over (X.690 clauses 10 and 11): is this it, byte for byte?

Signed attributes are signed in DER, in whatever encoding they travel (RFC 5652 section 5.4). Where they travel in another
one, readers differ over which bytes were signed: some take those that came, some encode them again. asn1crypto reads both
without a word, so this looks at the bytes themselves.
"""

from itertools import pairwise
from typing import Final

DEPTH_MAX: Final = 32
"""A name in a certificate's extension nests to about a dozen."""
_CONSTRUCTED: Final = 0x20
_CLASS_BITS: Final = 0xC0
_BOOLEAN, _INTEGER, _SEQUENCE, _SET = 1, 2, 16, 17
_LONG_TAG: Final = 0x1F
_LONG_LENGTH: Final = 0x80
_LENGTH_BYTES_MAX: Final = 4


def is_der(data: bytes) -> bool:
    """Whether the bytes are one value in DER, as far as that can be told without its schema."""
    try:
        return _end_of(data, 0, len(data), DEPTH_MAX) == len(data)
    except (ValueError, IndexError):
        return False


def _end_of(data: bytes, at: int, limit: int, depth: int) -> int:
    """Where the value that begins at `at` ends.

    Raises:
        ValueError, IndexError: it is not DER.
    """
    first = data[at]
    if depth == 0 or first & _LONG_TAG == _LONG_TAG:
        raise ValueError("nested too deep, or a tag that no signed attribute has")
    start, length = _length(data, at + 1)
    end = start + length
    if end > limit:
        raise ValueError("longer than what it is in")
    universal, tag = not first & _CLASS_BITS, first & _LONG_TAG
    if first & _CONSTRUCTED:
        if universal and tag not in {_SEQUENCE, _SET}:
            raise ValueError("a string in pieces")  # X.690 clause 10.2
        _check_members(data, start, end, depth, ordered=universal and tag == _SET)
    elif universal:
        _check_primitive(tag, data[start:end])
    return end


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Where the contents begin, and how long they are: definite, in as few bytes as can be (X.690 clause 10.1)."""
    first = data[at]
    if first < _LONG_LENGTH:
        return at + 1, first
    count = first - _LONG_LENGTH
    length = int.from_bytes(data[at + 1 : at + 1 + count])
    if not 1 <= count <= _LENGTH_BYTES_MAX or length < _LONG_LENGTH or length < 1 << 8 * (count - 1):
        raise ValueError("a length in another form")
    return at + 1 + count, length


def _check_members(data: bytes, start: int, end: int, depth: int, *, ordered: bool) -> None:
    members: list[bytes] = []
    while start < end:
        after = _end_of(data, start, end, depth - 1)
        members.append(data[start:after])
        start = after
    if ordered and any(left > right for left, right in pairwise(members)):  # X.690 clause 11.6
        raise ValueError("a SET OF in another order")


def _check_primitive(tag: int, contents: bytes) -> None:
    if tag in {_SEQUENCE, _SET}:
        raise ValueError("primitive, and holds others")
    if tag == _BOOLEAN and contents not in {b"\x00", b"\xff"}:  # X.690 clause 11.1
        raise ValueError("a BOOLEAN in another form")
    if tag == _INTEGER and (not contents or (len(contents) > 1 and contents[:2] in _PADDED)):
        raise ValueError("an INTEGER in another form")


_PADDED: Final = frozenset(
    {bytes((0x00, second)) for second in range(0x80)} | {bytes((0xFF, second)) for second in range(0x80, 0x100)}
)
"""Beginnings of an INTEGER with a byte more than it needs (X.690 clause 8.3.2)."""
