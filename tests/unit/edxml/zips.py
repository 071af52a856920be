"""ZIP archives by hand: good ones, and those that no library would write."""

import struct
import zlib
from dataclasses import dataclass

TEXT = "Danh sách kèm theo\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry; what is None is told truly."""

    name: str = "x.txt"
    data: bytes = TEXT
    method: int = 8
    packed: bytes | None = None
    flags: int = 0
    size: int | None = None
    packed_size: int | None = None
    checksum: int | None = None
    start: int | None = None
    attributes: int = 0
    local_name: str | None = None
    extra: bytes = b""
    gap: bytes = b""
    """Before its local header."""


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def make_zip(*members: Member, comment: bytes = b"", count: int | None = None, shift: int = 0) -> bytes:
    """`shift`: how far from the truth the end record places the directory."""
    out, central = bytearray(), bytearray()
    for member in members:
        out += member.gap
        packed = member.packed
        if packed is None:
            packed = deflated(member.data) if member.method == 8 else member.data
        size = len(member.data) if member.size is None else member.size
        said = len(packed) if member.packed_size is None else member.packed_size
        checksum = zlib.crc32(member.data) if member.checksum is None else member.checksum
        numbers = struct.pack("<HHHHHIII", 20, member.flags, member.method, 0, 0x5D74, checksum, said, size)
        start = len(out) if member.start is None else member.start
        name, local = member.name.encode(), (member.local_name or member.name).encode()
        out += b"PK\x03\x04" + numbers + struct.pack("<HH", len(local), 0) + local + packed
        central += b"PK\x01\x02" + struct.pack("<H", 0x0314) + numbers
        central += struct.pack("<HHHHHII", len(name), len(member.extra), 0, 0, 0, member.attributes, start)
        central += name + member.extra
    many = len(members) if count is None else count
    end = struct.pack("<HHHHIIH", 0, 0, many, many, len(central), len(out) + shift, len(comment))
    return bytes(out + central) + b"PK\x05\x06" + end + comment


def zip64(member: Member, **lies: int) -> bytes:
    """An archive whose numbers are all in eight bytes."""
    packed = deflated(member.data)
    name, wide = member.name.encode(), 0xFFFFFFFF
    numbers = struct.pack("<HHHHHIII", 45, 0, 8, 0, 0x5D74, zlib.crc32(member.data), wide, wide)
    sizes = struct.pack("<QQ", lies.get("size", len(member.data)), lies.get("packed", len(packed)))
    local_extra = struct.pack("<HH", 1, 16) + sizes
    out = b"PK\x03\x04" + numbers + struct.pack("<HH", len(name), len(local_extra)) + name + local_extra + packed
    extra = struct.pack("<HH", 1, 24) + sizes + struct.pack("<Q", lies.get("start", 0))
    central = b"PK\x01\x02" + struct.pack("<H", 0x0314) + numbers
    central += struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, 0, wide) + name + extra
    count = lies.get("count", 1)
    end_64 = b"PK\x06\x06" + struct.pack(
        "<QHHIIQQQQ", lies.get("own", 44), 45, 45, 0, 0, count, count, len(central), lies.get("directory", len(out))
    )
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, lies.get("record", len(out) + len(central)), 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, wide, wide, 0)
    return out + central + end_64 + locator + end


def overlapping(count: int, data: bytes) -> bytes:
    """Many entries of the directory over one stored body."""
    first = make_zip(Member(name="0.txt", data=data, method=0))
    body = first[: 30 + 5 + len(data)]
    central = b""
    for _ in range(count):
        name = b"0.txt"
        central += b"PK\x01\x02" + struct.pack(
            "<HHHHHHIII", 0x0314, 20, 0, 0, 0, 0x5D74, zlib.crc32(data), len(data), len(data)
        )
        central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    return body + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(body), 0)


def office(*parts: str, deflate: bool = True) -> bytes:
    """The least of an office file with these parts."""
    names = ("[Content_Types].xml", "_rels/.rels", *parts)
    return make_zip(*(Member(name=name, data=b"<x/>", method=8 if deflate else 0) for name in names))


DOCX_FILE = office("word/document.xml")
XLSX_FILE = office("xl/workbook.xml")
ODT_FILE = make_zip(
    Member(name="mimetype", data=b"application/vnd.oasis.opendocument.text", method=0),
    Member(name="content.xml", data=b"<x/>"),
)
