"""Ready-made: a finished edXML file that an office hands in, already signed with its transport key.

Its bytes are what was signed, so they are only looked at and carried, never written again. What can be said when it is
handed in is said then: who sends, whether it is a document, the signature and what it binds, the regulation's fields. A
signature that cannot be decided for want of *our* evidence (a revocation list too old, an authority we lack) is no fault of
the sender's: the document is stored, and held by its first step until the operator has mended that. Any other doubt cannot
be mended by waiting (an expired certificate): the sender signs again.
"""

from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError, SiteError
from gateway.core.message import BusinessKind, DocumentMessage
from gateway.core.model import BlobRef, Metadata
from gateway.core.verdict import EnvelopeReading
from gateway.exchange.amending import check_amending
from gateway.exchange.contract import UploadedFile
from gateway.exchange.duties import check_signer

UNDECIDED: Final = "envelope.undecided"
"""What we cannot say of a signature for want of our own evidence."""


def document_in(reading: EnvelopeReading) -> DocumentMessage:
    """The message, which must be a document.

    What a body says of a document it received is said through its inbox entry: entry and status message are one
    transaction, and a status message from elsewhere would leave the entry as it was.

    Raises:
        SenderError: `envelope.kind`, `envelope.malformed`.
    """
    if not isinstance(reading.message, DocumentMessage):
        raise SenderError("envelope.kind")
    check_amending(reading.message)
    return reading.message


def check_reading(reading: EnvelopeReading, message: DocumentMessage, snapshot: Snapshot) -> None:
    """The signature by the registry's certificate of the `From` body, and what it binds.

    Raises:
        SenderError: `envelope.unsigned`, `envelope.signature`, `envelope.attachments`.
    """
    sender = message.sender.organ_id
    if reading.signature is None:
        raise SenderError("envelope.unsigned")
    try:
        check_signer(reading, snapshot.body(sender))
    except SiteError as error:
        if error.code != UNDECIDED:
            raise
    if not reading.bound:
        raise SenderError("envelope.attachments", reason="unbound")


def metadata_of(message: DocumentMessage) -> Metadata:
    """What the office would have said, had it handed in the document by its parts."""
    assert message.promulgation_date is not None, "a message is validated before"
    return Metadata(
        sender=message.sender.organ_id,
        recipients=tuple(recipient.organ_id for recipient in message.recipients),
        code=message.code,
        promulgation_place=message.promulgation_place,
        promulgation_date=message.promulgation_date,
        subject=message.subject,
        type_name=message.type_name,
        document_type=message.document_type,
        type_detail=message.type_detail,
        content=message.content,
        signer=message.signer,
        priority=message.priority,
        page_amount=message.page_amount,
        response_for=message.response_for,
        business=None if message.business.kind is BusinessKind.NEW else message.business,
    )


def files_in(reading: EnvelopeReading) -> tuple[UploadedFile, ...]:
    """The attached files as if they had been handed in one by one; their blobs are named, not yet stored."""
    return tuple(
        UploadedFile(
            name=file.name,
            content_type=file.content_type,
            blob=BlobRef(digest=file.digest, size=file.size),
        )
        for file in reading.files
    )
