"""The seal slip of a document that came by a road whose hub rewrites envelopes: what it is worth beside its envelope.

`gateway.edxml.slip` knows what a slip is, `gateway.crypto` judges its signature. Here it meets its document; a judge's
task. How it gets into its document is `gateway.cli.edxml.slip`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.errors import SenderError
from gateway.core.message import DocumentMessage
from gateway.core.model import Attachment, BlobRef
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict
from gateway.crypto import Trust, verify_slip
from gateway.edxml import SLIP_NAME, SLIP_TYPE, ReadAttachment, Reading, parse_slip, read_slip, slip_differences


def judge_slip(data: bytes, reading: Reading, *, trust: Trust, moment: datetime) -> FileVerdict | None:
    """What the attachment of that name says: by whom it is signed, and whether the envelope says the same; None: no slip.

    Whoever looks at the verdict still owes: that the signer is the body in From, by the registry, and that the slip was not
    taken before.
    """
    try:
        root = parse_slip(data)
        slip = read_slip(root)
    except SenderError:
        return None  # a file of that name, and nothing more
    signature = verify_slip(root, trust=trust, moment=moment).signature
    if signature is None or not isinstance(reading.message, DocumentMessage):
        return None
    others = [file for file in reading.attachments if file.name != SLIP_NAME]
    if differences := slip_differences(slip, reading.message, carried(others)):
        signature = replace(
            signature,
            indication=Indication.TOTAL_FAILED,
            sub_indication=SubIndication.HASH_FAILURE,
            reason=f"the seal slip says something else than the envelope: {', '.join(_few(differences))}",
        )
    return FileVerdict(
        media_type=SLIP_TYPE,
        indication=signature.indication,
        sub_indication=signature.sub_indication,
        signatures=(signature,),
        reason=signature.reason,
    )


def _few(names: Sequence[str]) -> Iterator[str]:
    """A reason is a sentence, and there may be thousands."""
    yield from names[:5]
    if len(names) > 5:
        yield "..."


def carried(files: Sequence[ReadAttachment]) -> tuple[Attachment, ...]:
    """The files as a slip lists them: as they are carried."""
    return tuple(
        Attachment(
            position=file.position,
            name=file.name,
            content_type=file.content_type,
            blob=BlobRef(digest=file.payload.digest, size=file.payload.size),
        )
        for file in files
    )
