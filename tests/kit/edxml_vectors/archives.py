"""ZIP archives byte by byte: good ones that are the same with every zlib, and those that no library would write."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

STORED: Final = 0
DEFLATED: Final = 8
_DOS_DATE: Final = 0x5D74
"""2026-11-20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: what its headers say and what stands behind them."""

    name: str
    data: bytes = b""
    """Inflated."""
    method: int = STORED
    packed: bytes | None = None
    """The bytes in the archive, where they are not simply `data`."""
    flags: int = 0x0800
    """Bit 0: encrypted; bit 11: the name is UTF-8."""
    declared: int | None = None
    """Size that the headers give, where it is a lie."""
    at: int | None = None
    """Where the central directory says that it begins, where it is a lie."""
    external: int = 0
    """External attributes: the Unix mode in the upper half."""

    def body(self) -> bytes:
        """What stands behind the local header."""
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == DEFLATED else self.data

    def header(self) -> bytes:
        """The fields that local and central headers share."""
        size = len(self.data) if self.declared is None else self.declared
        crc, name = zlib.crc32(self.data), self.name.encode()
        packed = len(self.body())
        return struct.pack("<HHHHHIIIHH", 20, self.flags, self.method, 0, _DOS_DATE, crc, packed, size, len(name), 0)


def archive(*entries: Entry) -> bytes:
    """The archive of these entries."""
    data, central = b"", b""
    for entry in entries:
        start = len(data) if entry.at is None else entry.at
        name = entry.name.encode()
        data += b"PK\x03\x04" + entry.header() + name + entry.body()
        central += b"PK\x01\x02" + struct.pack("<H", 0x0314) + entry.header()
        central += struct.pack("<HHHII", 0, 0, 0, entry.external, start) + name
    count = len(entries)
    return data + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(data), 0)


def deflated(data: bytes) -> bytes:
    """Deflate without compression (RFC 1951, 3.2.4): the same bytes with every zlib."""
    assert len(data) < 1 << 16, "one block"
    return b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def deflated_zeros(count: int) -> bytes:
    """`count` zero bytes with fixed Huffman codes (RFC 1951, 3.2.6): 258 of them in 13 bits, 158 times as small."""
    runs, rest = divmod(count - 1, 258)
    # Codes are written from their highest bit: literal 0 is 00110000, length 258 is 11000101, distance 1 is 00000.
    bits = "1" + "10" + "00110000" + "1100010100000" * runs + "00110000" * rest + "0000000"
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[start : start + 8][::-1], 2) for start in range(0, len(bits), 8))


def overlapping(count: int, data: bytes) -> bytes:
    """Many entries in the directory, one body in the archive: each of them inflates the same bytes."""
    first = Entry(name="1.txt", data=data)
    one = b"PK\x03\x04" + first.header() + b"1.txt" + data
    names = [f"{number}.txt" for number in range(1, count + 1)]
    central = b"".join(_central(Entry(name=name, data=data)) for name in names)
    return one + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(one), 0)


def _central(entry: Entry) -> bytes:
    head = b"PK\x01\x02" + struct.pack("<H", 0x0314) + entry.header()
    return head + struct.pack("<HHHII", 0, 0, 0, 0, 0) + entry.name.encode()


def document_parts(kind: str) -> bytes:
    """The least of an OOXML file: what tells a `docx` from any other archive."""
    types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><!--{kind}--></Types>'
    parts: Sequence[tuple[str, bytes]] = (
        ("[Content_Types].xml", types.encode()),
        ("_rels/.rels", b"<Relationships/>"),
        ("word/document.xml" if kind == "docx" else "xl/workbook.xml", b"<document/>"),
    )
    return archive(*(Entry(name=name, data=data, method=DEFLATED) for name, data in parts))
