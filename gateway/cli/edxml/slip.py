"""`gateway edxml sign --slip`: a document's seal slip, and its place in the file.

`gateway.edxml.slip` knows what a slip is, `gateway.crypto` signs it. What a receiver finds is `gateway.exchange.slips`.
"""

import hashlib
from pathlib import Path
from typing import Final

from gateway.core.errors import SenderError
from gateway.core.findings import Finding
from gateway.core.ids import Digest
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.message import DocumentMessage
from gateway.core.model import Attachment, BlobRef
from gateway.edxml import (
    SLIP_NAME,
    SLIP_TYPE,
    Reading,
    assemble,
    read_message,
    slip_of,
    write_skeleton,
    write_slip,
)
from gateway.exchange import carried
from gateway.safe_xml import read_skeleton

_LOST: Final = frozenset({"unknown"})
"""Findings of what would be left out when the file is written anew."""


def slip_of_file(path: Path) -> bytes:
    """The slip of a document that is not signed yet, to be signed.

    Raises:
        SenderError: `envelope.malformed`: no document, signed already, or with something in it that could not be written
            again; `envelope.attachments`, `request.field`, `size.limit`.
    """
    reading = _read(path)
    return write_slip(slip_of(_document(reading), carried(reading.attachments)))


def skeleton_with_slip(path: Path, slip: bytes) -> bytes:
    """That document with its signed slip as one more attachment, without the files themselves: what is signed next.

    Raises:
        SenderError: as for `slip_of_file`.
    """
    reading = _read(path)
    return write_skeleton(_document(reading), (*carried(reading.attachments), _slip_attachment(reading, slip)))


def file_with_slip(path: Path, slip: bytes, signed: bytes) -> bytes:
    """The signed skeleton, with the files and the slip.

    Raises:
        SenderError: as for `slip_of_file`.
    """
    reading = _read(path)
    files = reading.attachments
    own = [(one, [file.payload.read()]) for one, file in zip(carried(files), files, strict=True)]
    return b"".join(assemble(signed, [*own, (_slip_attachment(reading, slip), [slip])]))


def _read(path: Path) -> Reading:
    if path.stat().st_size > ENVELOPE_BYTES_MAX:
        raise SenderError("size.limit", limit=ENVELOPE_BYTES_MAX, what="file")
    skeleton = read_skeleton([path.read_bytes()])
    if next(skeleton.root.iter("{*}Signature"), None) is not None:
        raise SenderError("envelope.malformed", reason="signed already")
    reading = read_message(skeleton)
    if lost := next((one for one in reading.findings if one.code in _LOST), None):
        raise SenderError("envelope.malformed", reason=_would_be_lost(lost))
    if any(file.name == SLIP_NAME for file in reading.attachments):
        raise SenderError("envelope.malformed", reason="a seal slip is attached already")
    return reading


def _would_be_lost(finding: Finding) -> str:
    return f"{finding.path} is no part of a document that gets a slip"


def _document(reading: Reading) -> DocumentMessage:
    if not isinstance(reading.message, DocumentMessage):
        raise SenderError("envelope.malformed", reason="a status message has no seal slip")
    return reading.message


def _slip_attachment(reading: Reading, slip: bytes) -> Attachment:
    blob = BlobRef(digest=Digest(hashlib.sha256(slip).hexdigest()), size=len(slip))
    return Attachment(position=len(reading.attachments) + 1, name=SLIP_NAME, content_type=SLIP_TYPE, blob=blob)
