"""Inflation: one entry of an archive written out in pieces, never more than was promised, whatever the bytes do."""

import hashlib
import re
import stat
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.core import limits
from gateway.core.ids import Digest
from gateway.edxml.archive import (
    DEFLATED,
    ENCRYPTED_BITS,
    LOCAL,
    STORED,
    ArchiveFault,
    ArchiveRefused,
    Entry,
)
from gateway.safe_xml import Payload

_DESCRIPTOR_BIT: Final = 0x0008
"""General purpose bit 3: checksum and sizes stand behind the data, in the local header there is nothing."""
_WIDE: Final = 0xFFFFFFFF
_OUTSIDE: Final = re.compile(rb"^/|\\|\0|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)|/$")
"""Absolute names, drives, ways up, separators of another system; a file that calls itself a folder."""


def inflate(payload: Payload, entry: Entry, into: BinaryIO, *, bytes_max: int) -> Payload:
    """The file of that entry, at most so many bytes, written to `into`.

    Raises:
        ArchiveRefused: whatever is not as the headers say, or over a limit.
    """
    _check(entry, bytes_max)
    _check_local(payload.file, entry)
    checksum, digest, size = 0, hashlib.sha256(), 0
    for piece in _inflated(payload.file, entry):
        size += len(piece)
        if size > entry.size:
            raise ArchiveRefused(ArchiveFault.DAMAGED)
        checksum = zlib.crc32(piece, checksum)
        digest.update(piece)
        into.write(piece)
    if size != entry.size:
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    if checksum != entry.checksum:
        raise ArchiveRefused(ArchiveFault.CHECKSUM)
    return Payload(file=into, size=size, digest=Digest(digest.hexdigest()), sound=True)


def _check(entry: Entry, bytes_max: int) -> None:
    """Everything that its entry in the directory can tell."""
    if entry.flags & ENCRYPTED_BITS:
        raise ArchiveRefused(ArchiveFault.ENCRYPTED)
    if entry.method not in {STORED, DEFLATED}:
        raise ArchiveRefused(ArchiveFault.METHOD)
    if _OUTSIDE.search(entry.name):
        raise ArchiveRefused(ArchiveFault.NAME)
    if stat.S_ISLNK(entry.mode):
        raise ArchiveRefused(ArchiveFault.LINK)
    ratio = limits.ARCHIVE_RATIO_MAX
    if entry.size > max(limits.ARCHIVE_RATIO_FREE_BYTES, ratio * entry.packed):
        raise ArchiveRefused(ArchiveFault.RATIO, limit=ratio)
    if entry.size > bytes_max:
        raise ArchiveRefused(ArchiveFault.SIZE, limit=bytes_max)


def _check_local(file: BinaryIO, entry: Entry) -> None:
    """The header before the bytes says what the directory says, for there are readers that only look there."""
    file.seek(entry.start)
    header = file.read(entry.begin - entry.start)
    _, _, flags, method, _, _, *sums, name_size, _ = LOCAL.unpack_from(header)
    name = header[LOCAL.size : LOCAL.size + name_size]
    if (flags ^ entry.flags) & (ENCRYPTED_BITS | _DESCRIPTOR_BIT) or (method, name) != (entry.method, entry.name):
        raise ArchiveRefused(ArchiveFault.DAMAGED)
    for said, true in zip(sums, (entry.checksum, entry.packed, entry.size), strict=True):
        if said not in {true, _WIDE} and not (flags & _DESCRIPTOR_BIT and said == 0):
            raise ArchiveRefused(ArchiveFault.DAMAGED)


def _inflated(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The bytes of the file, in pieces of bounded size."""
    pieces = _packed(file, entry)
    if entry.method == STORED:
        yield from pieces
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for packed in pieces:
        rest, more = packed, True
        if inflater.eof:
            raise ArchiveRefused(ArchiveFault.DAMAGED)
        while more and not inflater.eof:
            try:
                piece = inflater.decompress(rest, limits.CHUNK_BYTES)
            except zlib.error:
                raise ArchiveRefused(ArchiveFault.DAMAGED) from None
            rest = inflater.unconsumed_tail
            more = bool(piece or rest)
            yield piece
        if inflater.unused_data:
            raise ArchiveRefused(ArchiveFault.DAMAGED)
    if not inflater.eof:
        raise ArchiveRefused(ArchiveFault.DAMAGED)


def _packed(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    file.seek(entry.begin)
    left = entry.packed
    while left and (piece := file.read(min(left, limits.CHUNK_BYTES))):
        left -= len(piece)
        yield piece
