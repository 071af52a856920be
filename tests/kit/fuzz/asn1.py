"""Changes of a file of ASN.1: of bytes, and of its values, with the lengths around them put right again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

SIZE_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 24
_TAGS: Final = (0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x18, 0x24, 0x30, 0x31, 0x80, 0x81, 0xA0, 0xA1, 0x1F)
_CONTENTS: Final = (
    b"",
    b"\0",
    b"\xff",
    b"\x00\x7f",
    b"\x80" * 9,
    bytes(64),
    b"\xff" * 64,
    b"991231235959Z",
    b"\x2a\x80\x80",
)


@dataclass(slots=True)
class _Value:
    """One value: its tag byte, and either what it holds or its bytes."""

    tag: int
    inside: "list[_Value] | bytes"

    def write(self) -> bytes:
        inside = self.inside if isinstance(self.inside, bytes) else b"".join(one.write() for one in self.inside)
        return bytes((self.tag,)) + _length(len(inside)) + inside

    def all(self) -> "list[_Value]":
        below = [] if isinstance(self.inside, bytes) else [one for child in self.inside for one in child.all()]
        return [self, *below]


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    text = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((0x80 | len(text),)) + text


def _read(data: bytes, depth: int = DEPTH_MAX) -> list[_Value] | None:
    """The values that the bytes are, if they are some one after the other."""
    found: list[_Value] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            return None
        tag, size, at = data[at], data[at + 1], at + 2
        if size >= 0x80:
            count = size - 0x80
            size, at = int.from_bytes(data[at : at + count]), at + count
        contents, at = data[at : at + size], at + size
        if at > len(data):
            return None
        # An octet string may hold values itself: a TSTInfo, an extension of a certificate.
        holds = tag & 0x20 or (tag == 0x04 and contents[:1] == b"\x30")
        below = _read(contents, depth - 1) if holds and depth else None
        found.append(_Value(tag, contents if below is None else below))
    return found


class Asn1Mutator:
    """Makes files out of files."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ways: Sequence[Callable[[_Value, list[_Value]], None]] = (
            *(self._retag, self._refill, self._flip, self._drop, self._double, self._swap, self._borrow, self._wrap),
        )

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A file with one to five changes; `other` lends parts."""
        for _ in range(self._random.choice((1, 1, 1, 2, 3, 5))):
            data = self._one(data, other)
        return data[:SIZE_MAX]

    def _one(self, data: bytes, other: bytes) -> bytes:
        values, lent = _read(data), _read(other)
        if not values or self._random.random() < 0.2:
            return self._bytes(data)
        whole = _Value(0x30, values)
        everything = [one for value in lent or () for one in value.all()]
        self._random.choice(self._ways)(self._random.choice(whole.all()), everything)
        return b"".join(one.write() for one in _inside(whole))

    def _bytes(self, data: bytes) -> bytes:
        if not data:
            return b"\x30\x80"
        at = self._random.randrange(len(data))
        how = self._random.randrange(4)
        if how == 0:
            return data[:at] + bytes((data[at] ^ (1 << self._random.randrange(8)),)) + data[at + 1 :]
        if how == 1:
            return data[:at] + data[at + self._random.randrange(1, 9) :]
        if how == 2:
            return data[:at] + self._random.choice(_CONTENTS) + data[at:]
        return data[:at]

    def _retag(self, value: _Value, _: list[_Value]) -> None:
        value.tag = self._random.choice((*_TAGS, value.tag ^ 0x20))

    def _refill(self, value: _Value, _: list[_Value]) -> None:
        value.inside = self._random.choice(_CONTENTS)

    def _flip(self, value: _Value, _: list[_Value]) -> None:
        if isinstance(value.inside, bytes):
            value.inside = self._bytes(value.inside)

    def _drop(self, value: _Value, _: list[_Value]) -> None:
        if isinstance(value.inside, list) and value.inside:
            value.inside.pop(self._random.randrange(len(value.inside)))

    def _double(self, value: _Value, _: list[_Value]) -> None:
        if isinstance(value.inside, list) and value.inside:
            one = self._random.choice(value.inside)
            value.inside.extend([one] * self._random.choice((1, 1, 2, 20)))

    def _swap(self, value: _Value, _: list[_Value]) -> None:
        if isinstance(value.inside, list):
            self._random.shuffle(value.inside)

    def _borrow(self, value: _Value, lent: list[_Value]) -> None:
        if lent:
            one = self._random.choice(lent)
            value.tag, value.inside = one.tag, one.inside

    def _wrap(self, value: _Value, _: list[_Value]) -> None:
        value.inside = [_Value(value.tag, value.inside)]


def _inside(whole: _Value) -> list[_Value]:
    return whole.inside if isinstance(whole.inside, list) else [whole]
