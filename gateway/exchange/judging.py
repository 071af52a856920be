"""What a judge process is asked to do: pure functions over one file, importable by name.

They run where no key lives (`gateway.core.ports.Judge`) and return frozen data. Nothing here decides what follows from
a verdict: that is the conductors' business, in the service process.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gateway.core.errors import SenderError
from gateway.core.filename import plain_name
from gateway.core.limits import ENVELOPE_BYTES_MAX, ENVELOPE_PIECE_BYTES
from gateway.core.message import Organ
from gateway.core.model import PDF
from gateway.core.secrecy import find_mark
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
from gateway.edxml import SLIP_NAME, Reading, claim_of_type, read_message, read_tolerantly, texts_in
from gateway.exchange.slips import judge_slip
from gateway.safe_xml import EXCHANGE, read_foreign, read_skeleton


def judge_pdf_file(path: Path, *, trust: Trust, moment: datetime) -> FileVerdict:
    """The verdict on one stored file; of another kind than PDF it carries no verdict on signatures."""
    return judge_pdf(path.read_bytes(), trust=trust, moment=moment)


def read_envelope_file(path: Path, *, trust: Trust, moment: datetime, judge_all: bool = False) -> EnvelopeReading:
    """Parse an edXML file once, verify its signature over the parts the reader uses, judge every PDF in it.

    `judge_all`: the files of an envelope that is not believed, too; for whoever chose the file himself.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`, `envelope.attachments`.
    """
    skeleton = read_skeleton(_pieces(path))
    reading = read_message(skeleton)
    verdict = verify_envelope(skeleton.root, trust=trust, moment=moment)
    # Only files that a body has signed for are worth ten seconds of a judge: anybody can send any others.
    believed = verdict.signature is not None and verdict.signature.indication is Indication.TOTAL_PASSED
    files = tuple(
        JudgedFile(
            position=file.position,
            name=file.name,
            content_type=file.content_type,
            data=data,
            verdict=judge_pdf(data, trust=trust, moment=moment) if believed or judge_all else _unjudged(data),
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
        slip = judge_slip(file.data, reading, trust=trust, moment=moment) if named else None
        found.append(file if slip is None else replace(file, verdict=slip))
    return tuple(found)


def read_foreign_file(path: Path, *, trust: Trust, moment: datetime) -> ForeignReading:
    """What an edXML file says that the service does not take, for whoever has it in hand: its files, and what is to be noted.

    A signature is judged over the bytes that were signed and over no others. What had to be repaired first is other bytes, so
    nothing is said here of the envelope's signature; the files' own speak of the files.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`: not even that can be read.
    """
    reading = read_tolerantly(read_foreign(_pieces(path)), caps=EXCHANGE)
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
    return verify_envelope(read_skeleton(_pieces(path)).root, trust=trust, moment=moment).signature


def sender_of_file(path: Path) -> Organ:
    """In whose name an edXML file speaks, signed or not.

    Raises:
        SenderError: `size.limit`, `envelope.malformed`, `envelope.attachments`.
    """
    return read_message(read_skeleton(_pieces(path))).message.sender


def _pieces(path: Path) -> Iterator[bytes]:
    """An envelope in pieces.

    Raises:
        SenderError: `size.limit`.
    """
    if path.stat().st_size > ENVELOPE_BYTES_MAX:
        raise SenderError("size.limit", limit=ENVELOPE_BYTES_MAX, what="envelope")
    with path.open("rb", buffering=0) as file:
        while piece := file.read(ENVELOPE_PIECE_BYTES):
            yield piece


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
