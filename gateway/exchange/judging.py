"""What a judge process is asked to do: pure functions over one file, importable by name.

They run where no key lives (`gateway.core.ports.Judge`) and return frozen data. Nothing here decides what follows from
a verdict: that is the conductors' business, in the service process.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from gateway.core.errors import SenderError
from gateway.core.filename import plain_name
from gateway.core.large_limits import KEPT_BYTES_MAX, PDF_BYTES_MAX
from gateway.core.limits import ENVELOPE_BYTES_MAX, ENVELOPE_PIECE_BYTES
from gateway.core.message import Organ
from gateway.core.model import PDF
from gateway.core.secrecy import find_mark
from gateway.core.sizes import USUAL, Sizes
from gateway.core.validation import Indication
from gateway.core.verdict import (
    EnvelopeReading,
    FileVerdict,
    ForeignFile,
    ForeignReading,
    JudgedFile,
    SignatureVerdict,
)
from gateway.crypto import Trust, judge_pdf, judged_type, verify_envelope
from gateway.edxml import SLIP_NAME, ReadAttachment, Reading, claim_of_type, read_message, read_tolerantly, texts_in
from gateway.exchange.kept import Keeper, caps_for, payload_pieces
from gateway.exchange.slips import judge_slip
from gateway.safe_xml import EXCHANGE, Caps, read_foreign, read_skeleton


def judge_pdf_file(path: Path, *, trust: Trust, moment: datetime) -> FileVerdict:
    """The verdict on one stored file; of another kind than PDF it carries no verdict on signatures."""
    return judge_pdf(path.read_bytes(), trust=trust, moment=moment)


def read_envelope_file(
    path: Path, *, trust: Trust, moment: datetime, judge_all: bool = False, sizes: Sizes = USUAL
) -> EnvelopeReading:
    """Parse an edXML file once, verify its signature over the parts the reader uses, judge every PDF in it.

    `judge_all`: the files of an envelope that is not believed, too; for whoever chose the file himself. Memory does not grow
    with the files: what is not kept of them is decoded once more, by whoever needs it.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`, `envelope.attachments`.
    """
    caps = caps_for(sizes)
    skeleton = read_skeleton(_pieces(path, sizes.envelope_bytes), store=Keeper(KEPT_BYTES_MAX).open, caps=caps)
    reading = read_message(skeleton, document_bytes=sizes.document_bytes)
    verdict = verify_envelope(skeleton.root, trust=trust, moment=moment)
    # Only files that a body has signed for are worth ten seconds of a judge: anybody can send any others.
    believed = verdict.signature is not None and verdict.signature.indication is Indication.TOTAL_PASSED
    judged, judge = believed or judge_all, partial(judge_pdf, trust=trust, moment=moment)
    files = tuple(
        JudgedFile(
            position=file.position,
            name=file.name,
            content_type=file.content_type,
            digest=file.payload.digest,
            size=file.payload.size,
            place=(file.payload.start, file.payload.end),
            data=data if len(data) == file.payload.size else None,
            verdict=judge(_to_judge(path, file, data, caps)) if judged else _unjudged(data),
        )
        for file in reading.attachments
        for data in (file.payload.read(),)
    )
    return EnvelopeReading(
        kind=reading.kind,
        message=reading.message,
        files=_with_slip(files, reading, trust=trust, moment=moment) if judge_all else files,
        signature=verdict.signature,
        certificate=verdict.certificate,
        bound=reading.all_bound,
        # So are its texts: a file with a broken signature is refused whatever it says.
        secrecy=(find_mark(*texts_in(skeleton.root)) or "") if _intact(verdict.signature) else "",
    )


def _with_slip(
    files: tuple[JudgedFile, ...], reading: Reading, *, trust: Trust, moment: datetime
) -> tuple[JudgedFile, ...]:
    """The files, and of a seal slip among them what it is worth."""
    found = []
    for file in files:
        named = file.name == SLIP_NAME
        small = named and file.data is not None
        slip = judge_slip(file.data or b"", reading, trust=trust, moment=moment) if small else None
        found.append(file if slip is None else replace(file, verdict=slip))
    return tuple(found)


def read_foreign_file(path: Path, *, trust: Trust, moment: datetime) -> ForeignReading:
    """What an edXML file says that the service does not take, for whoever has it in hand: its files, and what is to be noted.

    A signature is judged over the bytes that were signed and over no others. What had to be repaired first is other bytes, so
    nothing is said here of the envelope's signature; the files' own speak of the files.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`: not even that can be read.
    """
    reading = read_tolerantly(read_foreign(_pieces(path, ENVELOPE_BYTES_MAX)), caps=EXCHANGE)
    files = tuple(
        ForeignFile(name=file.name, verdict=judge_pdf(file.file.read(), trust=trust, moment=moment))
        for file in reading.attachments
    )
    return ForeignReading(files=files, findings=reading.findings)


def judge_envelope_signature(path: Path, *, trust: Trust, moment: datetime) -> SignatureVerdict | None:
    """What the signature of an edXML file says of its header, even where its files are not those that it names.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`.
    """
    skeleton = read_skeleton(_pieces(path, ENVELOPE_BYTES_MAX))
    return verify_envelope(skeleton.root, trust=trust, moment=moment).signature


def sender_of_file(path: Path) -> Organ:
    """In whose name an edXML file speaks, signed or not.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`, `envelope.attachments`.
    """
    return read_message(read_skeleton(_pieces(path, ENVELOPE_BYTES_MAX))).message.sender


def _pieces(path: Path, limit: int) -> Iterator[bytes]:
    """An envelope in pieces.

    Raises:
        SenderError: `size.limit`.
    """
    if path.stat().st_size > limit:
        raise SenderError("size.limit", limit=limit, what="envelope")
    with path.open("rb", buffering=0) as file:
        while piece := file.read(ENVELOPE_PIECE_BYTES):
            yield piece


def _to_judge(path: Path, file: ReadAttachment, head: bytes, caps: Caps) -> bytes:
    """What a verdict on a file needs: of a PDF all of it, also where not all was kept; of any other its beginning.

    Raises:
        SenderError: `size.limit`: a PDF that no judge looks at.
    """
    if len(head) == file.payload.size or judged_type(head) != PDF:
        return head
    if file.payload.size > PDF_BYTES_MAX:
        raise SenderError("size.limit", limit=PDF_BYTES_MAX, what=file.name)
    return b"".join(payload_pieces(path, (file.payload.start, file.payload.end), caps=caps))


def _intact(signature: SignatureVerdict | None) -> bool:
    return signature is not None and signature.indication is not Indication.TOTAL_FAILED


def _unjudged(data: bytes) -> FileVerdict:
    """Of a file in an envelope that is not believed nothing is said."""
    return FileVerdict(
        media_type=judged_type(data),
        indication=Indication.INDETERMINATE,
        sub_indication=None,
        signatures=(),
        reason="the envelope's signature did not pass: its files were not judged",
    )


def claims_pdf(name: str, content_type: str) -> bool:
    """Whether a file says of itself that it is a PDF, with whatever disguise around its name or type."""
    return claim_of_type(content_type) == PDF or plain_name(name).endswith(".pdf")
