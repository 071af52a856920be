"""Magic: what a file is by its first bytes, whatever its name and its declared type say. One table for all rooms.

Senders and hubs mislabel files (facts 1.9), and readers open them by what they are. Nothing is unpacked here: an office file of
today is a ZIP to this table, and who can read an archive looks further.
"""

from typing import Final

from gateway.core.model import PDF

ZIP: Final = "application/zip"
OLE: Final = "application/x-ole-storage"
"""Compound file: doc, xls, ppt, msg."""
XML: Final = "application/xml"
TEXT: Final = "text/plain"
OTHER: Final = "application/octet-stream"

MAGIC_BYTES: Final = 1024
"""So much of a file's beginning decides its media type: readers look for the header of a PDF in the first 1024 bytes."""
PDF_HEADER: Final = b"%PDF-"
_ZIP_MEMBER: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_BEGINNINGS: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b\x08", "application/gzip"),
)
_CONTROLS: Final = bytes({*range(32), 127} - {*b"\t\n\f\r"})


def is_zip(head: bytes) -> bool:
    """Whether a file begins with a member of a ZIP archive."""
    return head.startswith(_ZIP_MEMBER)


def is_pdf(head: bytes) -> bool:
    """Whether readers would open a file as a PDF: its header is in the first `MAGIC_BYTES` (ISO 32000-2, 7.5.2)."""
    return PDF_HEADER in head[:MAGIC_BYTES]


def media_type(head: bytes) -> str:
    """What a file is by its first `MAGIC_BYTES` (or all of it, if it has less); `OTHER` for what we do not know."""
    head = head[:MAGIC_BYTES]
    if is_zip(head) or head.startswith(_EMPTY_ZIP):
        return ZIP
    if is_pdf(head):
        return PDF
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if not _is_text(head):
        return OTHER
    return XML if head.removeprefix(_BOM).lstrip(_SPACE).startswith(b"<?xml") else TEXT


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters, as far as it can be seen; nothing at all is no text."""
    if not head or head.translate(None, _CONTROLS) != head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:  # the last letter may be cut in two
        return error.reason == "unexpected end of data" and len(head) == MAGIC_BYTES
    return True
