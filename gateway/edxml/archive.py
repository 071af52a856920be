"""ZIP archives (APPNOTE 6.3) as their central directory describes them, checked before anything is inflated.

A library that is made to open whatever it can is the wrong tool for strangers' archives: the one of Python 3.11.7 takes entries
that lie on top of each other, and so a few kilobytes that inflate to gigabytes. Here the directory must be where the end record
says, describe so many entries, and each of them must be in the file, behind a header of its own and apart from all others.
The names of entries are compared with those of office files and are never a path.
"""

import struct
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import BinaryIO, Final

from gateway.core import limits
from gateway.core.filename import is_media_type

STORED: Final = 0
DEFLATED: Final = 8
ENCRYPTED_BITS: Final = 0x2041
"""General purpose bits 0 (encrypted), 6 (strong encryption) and 13 (masked headers)."""

_END: Final = struct.Struct("<4sHHHHIIH")
_END_SIGNATURE: Final = b"PK\x05\x06"
_COMMENT_BYTES_MAX: Final = 0xFFFF
_LOCATOR_64: Final = struct.Struct("<4sIQI")
_END_64: Final = struct.Struct("<4sQHHIIQQQQ")
_END_64_HEAD: Final = 12
"""Its signature and its own size, which that size leaves out."""
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
LOCAL: Final = struct.Struct("<4s5H3I2H")
LOCAL_SIGNATURE: Final = b"PK\x03\x04"
_WIDE: Final = 0xFFFFFFFF
"""In a field of four bytes: the value stands in the ZIP64 extra field."""
_EXTRA_64: Final = 1
_DESCRIPTOR_BYTES_MAX: Final = 24
"""A data descriptor behind an entry: signature, checksum and two sizes of eight bytes."""

JAR: Final = "application/java-archive"
OPC: Final = "application/x-opc"
"""An Open Packaging file that is none of the three office kinds (ISO/IEC 29500-2; it has no media type of its own)."""
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_OPC_TOPS: Final = {b"word": DOCX, b"xl": XLSX, b"ppt": PPTX}
_MIMETYPE_BYTES_MAX: Final = 128
_MIMETYPES: Final = ("application/vnd.oasis.opendocument.", "application/epub+zip")


class ArchiveFault(StrEnum):
    """Why an archive is not opened: the `reason` of `attachment.archive`; its words are `label.archive.<value>`."""

    DAMAGED = "zip_damaged"
    """Cut short, or its headers contradict one another."""
    ENTRIES = "zip_entries"
    OVERLAP = "zip_overlap"
    ENCRYPTED = "zip_encrypted"
    METHOD = "zip_method"
    """Compressed in another way than deflate."""
    SIZE = "zip_size"
    RATIO = "zip_ratio"
    NAME = "zip_name"
    """The entry's name leads out of a folder: it would be written elsewhere by software that believes it."""
    LINK = "zip_link"
    CHECKSUM = "zip_checksum"
    NESTING = "zip_nesting"


class ArchiveRefused(Exception):  # noqa: N818 - what happened, not whose error it is
    """An archive that is not opened; never leaves this room."""

    def __init__(self, fault: ArchiveFault, *, limit: int | None = None) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.limit = limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, by the words of the directory."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes inflated."""
    start: int
    """Where its local header begins."""
    mode: int
    """Upper half of the external attributes: the mode of Unix."""
    begin: int = 0
    """Where its bytes begin."""

    @property
    def end(self) -> int:
        """Where its bytes end."""
        return self.begin + self.packed

    @property
    def is_folder(self) -> bool:
        """Nothing but a name."""
        return self.name.endswith(b"/") and not self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The central directory of one archive."""

    entries: tuple[Entry, ...]
    """In the order of the file; no more than `ARCHIVE_ENTRIES_MAX`."""
    start: int
    """Where the directory begins."""
    whole: bool
    """There are no further entries."""

    def only_file(self) -> Entry | None:
        """The entry that is a file, if there is exactly one.

        Raises:
            ArchiveRefused: `DAMAGED` when something else lies between the entries, where a reader that goes through
                the file from its beginning would find another one.
        """
        files = [entry for entry in self.entries if not entry.is_folder]
        if len(files) != 1 or not self.whole:
            return None
        ends = [0, *(entry.end for entry in self.entries)]
        starts = [*(entry.start for entry in self.entries), self.start]
        gaps = [start - end for end, start in zip(ends, starts, strict=True)]
        if gaps[0] or max(gaps) > _DESCRIPTOR_BYTES_MAX:
            raise ArchiveRefused(ArchiveFault.DAMAGED)
        return files[0]


def read_directory(file: BinaryIO, size: int) -> Directory:
    """The directory of an archive of that size.

    Raises:
        ArchiveRefused: `DAMAGED`, `OVERLAP`.
    """
    count, start, length = _read_end(file, size)
    file.seek(start)
    data = file.read(min(length, limits.ARCHIVE_DIRECTORY_BYTES_MAX))
    whole = count <= limits.ARCHIVE_ENTRIES_MAX and len(data) == length
    found: list[Entry] = []
    at = 0
    while len(found) < min(count, limits.ARCHIVE_ENTRIES_MAX):
        try:
            entry, at = _read_entry(data, at)
        except ArchiveRefused:
            if whole:
                raise
            break
        found.append(_located(file, entry, start))
    if whole and at != length:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    entries = tuple(sorted(found, key=lambda entry: entry.start))
    if any(after.start < before.end for before, after in pairwise(entries)):
        raise ArchiveRefused(ArchiveFault.OVERLAP)
    return Directory(entries=entries, start=start, whole=whole)


def container_type(file: BinaryIO, directory: Directory) -> str | None:
    """The media type of an office file (or a program) that is a ZIP by its format; None for a plain ZIP."""
    names = {entry.name for entry in directory.entries}
    if b"[Content_Types].xml" in names:
        tops = {name.partition(b"/")[0] for name in names}
        return next((kind for top, kind in _OPC_TOPS.items() if top in tops), OPC)
    first = directory.entries[0] if directory.entries else None
    if first and first.name == b"mimetype" and first.method == STORED and first.packed <= _MIMETYPE_BYTES_MAX:
        file.seek(first.begin)
        text = file.read(first.packed).decode("ascii", "replace").strip()
        if text.startswith(_MIMETYPES) and is_media_type(text):
            return text
    return JAR if b"META-INF/MANIFEST.MF" in names else None


def _read_end(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Number of entries, beginning and length of the directory, which MUST end where the end record begins."""
    at = _find_end(file, size)
    _, disk, first_disk, here, count, length, start, _ = _END.unpack(_bytes(file, at, _END.size))
    end = at
    if 0xFFFF in {here, count} or _WIDE in {length, start}:
        wide = _read_end_64(file, at)
        if wide is not None:
            end, disk, first_disk, here, count, length, start = wide
    if disk or first_disk or here != count or start + length != end or count * _CENTRAL.size > length:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    return count, start, length


def _find_end(file: BinaryIO, size: int) -> int:
    """Where the end record begins: the one place from which its comment reaches to the end of the file, exactly."""
    tail_size = min(size, _END.size + _COMMENT_BYTES_MAX)
    tail = _bytes(file, size - tail_size, tail_size)
    found = []
    at = tail.rfind(_END_SIGNATURE)
    while at >= 0:
        comment = tail[at + _END.size - 2 : at + _END.size]
        if len(comment) == 2 and at + _END.size + int.from_bytes(comment, "little") == tail_size:
            found.append(at)
        at = tail.rfind(_END_SIGNATURE, 0, at)
    if len(found) != 1:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    return size - tail_size + found[0]


def _read_end_64(file: BinaryIO, end: int) -> tuple[int, int, int, int, int, int, int] | None:
    """The same of an archive with wide numbers; None when it has no such record."""
    at = end - _LOCATOR_64.size
    if at < 0:
        return None
    signature, disk, start_64, disks = _LOCATOR_64.unpack(_bytes(file, at, _LOCATOR_64.size))
    if signature != b"PK\x06\x07":
        return None
    if disk or disks != 1 or start_64 + _END_64.size > at:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    signature, own, _, _, disk, first_disk, here, count, length, start = _END_64.unpack(
        _bytes(file, start_64, _END_64.size)
    )
    if signature != b"PK\x06\x06" or start_64 + _END_64_HEAD + own != at:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    return start_64, disk, first_disk, here, count, length, start


def _read_entry(data: bytes, at: int) -> tuple[Entry, int]:
    """The entry of the directory at that place, and where the next one begins."""
    if at + _CENTRAL.size > len(data):
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    signature, *numbers = _CENTRAL.unpack_from(data, at)
    (
        _,
        _,
        flags,
        method,
        _,
        _,
        checksum,
        packed,
        size,
        name_size,
        extra_size,
        comment_size,
        disk,
        _,
        attributes,
        start,
    ) = numbers
    name_at = at + _CENTRAL.size
    extra_at = name_at + name_size
    following = extra_at + extra_size + comment_size
    if signature != b"PK\x01\x02" or following > len(data) or disk not in {0, 0xFFFF}:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    size, packed, start = _widened(data[extra_at : extra_at + extra_size], (size, packed, start))
    entry = Entry(
        name=data[name_at:extra_at],
        flags=flags,
        method=method,
        checksum=checksum,
        packed=packed,
        size=size,
        start=start,
        mode=attributes >> 16,
    )
    return entry, following


def _widened(extra: bytes, numbers: tuple[int, int, int]) -> tuple[int, int, int]:
    """Size, packed size and beginning, those of eight bytes taken from the ZIP64 field."""
    if _WIDE not in numbers:
        return numbers
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _EXTRA_64:
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4) if at + 4 + length <= len(extra) else ())
            size, packed, start = (next(wide, None) if number == _WIDE else number for number in numbers)
            if size is None or packed is None or start is None:
                break
            return size, packed, start
        at += 4 + length
    raise ArchiveRefused(ArchiveFault.DAMAGED)


def _located(file: BinaryIO, entry: Entry, directory_start: int) -> Entry:
    """The entry with the place of its bytes, behind its local header and before the directory."""
    if entry.start + LOCAL.size > directory_start:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    signature, *_, name_size, extra_size = LOCAL.unpack(_bytes(file, entry.start, LOCAL.size))
    begin = entry.start + LOCAL.size + name_size + extra_size
    if signature != LOCAL_SIGNATURE or begin + entry.packed > directory_start:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    return replace(entry, begin=begin)


def _bytes(file: BinaryIO, at: int, size: int) -> bytes:
    """Exactly so many bytes from there."""
    if at < 0:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    file.seek(at)
    data = file.read(size)
    if len(data) != size:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    return data
