"""Changes of an attached file, above all of a ZIP: its fields, its entries, another ZIP around it."""

import re
import struct
from random import Random
from typing import Final

from tests.kit.edxml_vectors.archives import DEFLATED, Entry, archive, deflated, deflated_zeros, overlapping

_RECORD: Final = re.compile(rb"PK[\x01\x03\x05][\x02\x04\x06]")
_HEADS: Final = (
    b"%PDF-1.7\n",
    b"%PDF-1.3\n%\xef\xbf\xbd\xef\xbf\xbd",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"",
)
_NUMBERS: Final = (0, 1, 2, 8, 9, 99, 0x7FFF, 0xFFFF, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF)
_NAMES: Final = (
    "a.txt",
    "a.pdf",
    "../a.txt",
    "/a",
    "C:\\a",
    "a/",
    "",
    "[Content_Types].xml",
    "word/document.xml",
    "a\0b",
    "ạ.pdf",
)


def mutant(data: bytes, other: bytes, random: Random) -> bytes:
    """The file changed in one way."""
    way = random.randrange(7)
    if way == 0:
        return _wrapped(data, random)
    if way == 1:
        return _fields(data, random)
    if way == 2:
        return random.choice(_HEADS) + data[random.randrange(12) :]
    if way == 3:
        return archive(*(_entry(random, data, other) for _ in range(random.randrange(5))))
    if way == 4:
        at = random.randrange(len(data) + 1)
        return data[:at] + other[random.randrange(len(other) + 1) :]
    if way == 5:
        return data + other
    return overlapping(random.randrange(1, 40), data[:300]) if random.random() < 0.3 else _bytes(data, random)


def _wrapped(data: bytes, random: Random) -> bytes:
    if len(data) >= 1 << 16:
        return archive(Entry(name=random.choice(_NAMES), data=data))
    return archive(Entry(name=random.choice(_NAMES), data=data, method=DEFLATED, packed=deflated(data)))


def _entry(random: Random, data: bytes, other: bytes) -> Entry:
    name, body = random.choice(_NAMES), random.choice((data[:5000], other[:5000], b""))
    if random.random() < 0.2:
        size = random.choice((1, 300, 70_000, 1 << 20))
        return Entry(name=name, data=bytes(size), method=DEFLATED, packed=deflated_zeros(size))
    declared = random.choice(_NUMBERS) if random.random() < 0.2 else None
    flags = random.choice((0x0800, 0x0800, 0, 1, 8, 0xFFFF))
    method = random.choice((0, 0, DEFLATED, 9, 12, 14))
    return Entry(
        name=name, data=body, declared=declared, flags=flags, method=method, packed=body if method > 8 else None
    )


def _fields(data: bytes, random: Random) -> bytes:
    """One number of one record, exchanged."""
    records = [found.start() for found in _RECORD.finditer(data)]
    if not records:
        return _bytes(data, random)
    at = random.choice(records) + 4 + random.randrange(40)
    form = random.choice(("<H", "<I"))
    number = random.choice(_NUMBERS) & (0xFFFF if form == "<H" else 0xFFFFFFFF)
    return data[:at] + struct.pack(form, number) + data[at + struct.calcsize(form) :]


def _bytes(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randrange(1, 4) if data else 0):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)
