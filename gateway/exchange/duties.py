"""The duties of reception, numbered: pure rules over what a judge found and what the registry says.

    1  TLS identity of the origin                                        the peer door
    2  the origin may speak for that sender; we are the destination      `admit`
    3  the envelope is signed by the transport key of its `From` body    `refuse_envelope`
    4  `From`, DocumentId and kind are those of the slip; a new document `refuse_envelope`
    5  every attachment is bound by its digest                           `refuse_envelope`
    6  the sent time lies in its window                                  `admit`
    7  (From, DocumentId) was not seen with another envelope             `Reception`, in its unit of work
    8  every PDF: not broken, sealed by its sender                       `refuse_envelope`
    9  no mark of secrecy                                                `refuse_envelope`
    10 the recipient, or whom it took over from, is in the signed `To`   `refuse_recipient`
    11 the recipient is ours and active                                  `refuse_recipient`
    12 it did not arrive before                                          `Reception`, in its unit of work
    13 no file is infected (after 9, when a scanner is configured)       `scan_files`

Duties 3 to 9 and 13 concern the whole envelope: each recipient's line of the receipt then carries the same refusal. What the
caller still owes after all of them: storing, logging, checkpointing and answering.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.core.directory import Body, BodyStatus, Snapshot
from gateway.core.errors import GatewayError, PeerError, SenderError, SiteError
from gateway.core.ids import GatewayId, OrganId
from gateway.core.limits import SENT_AGE_SECONDS_MAX, SENT_AHEAD_SECONDS_MAX
from gateway.core.message import BusinessKind, DocumentMessage, Message
from gateway.core.model import PDF, TransferSlip
from gateway.core.states import MessageKind
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import EnvelopeReading, FileVerdict, JudgedFile
from gateway.exchange.judging import claims_pdf
from gateway.routing import active_successor

OWN_EVIDENCE: Final = frozenset({SubIndication.TRY_LATER, SubIndication.NO_CERTIFICATE_CHAIN_FOUND})
"""Not decided because of what *we* hold (a revocation list too old, an authority we lack): the peer tries again later."""


def admit(slip: TransferSlip, *, origin: GatewayId, own: GatewayId, snapshot: Snapshot, moment: datetime) -> None:
    """Duties 2 and 6, before a byte of the envelope is read.

    Raises:
        PeerError: `peer.foreign_sender`, `transfer.not_ours`, `transfer.sent_at`.
    """
    if slip.destination != own:
        raise PeerError("transfer.not_ours", destination=slip.destination)
    if slip.origin == origin and not snapshot.hosts(origin, slip.sender):
        _not_behind(slip, snapshot)
    if slip.origin != origin or not snapshot.hosts(origin, slip.sender):
        raise PeerError("peer.foreign_sender", origin=origin, organ=slip.sender)
    ahead = slip.sent_at - moment
    if ahead > timedelta(seconds=SENT_AHEAD_SECONDS_MAX) or -ahead > timedelta(seconds=SENT_AGE_SECONDS_MAX):
        raise PeerError("transfer.sent_at", sent_at=slip.sent_at.isoformat())


def refuse_envelope(reading: EnvelopeReading, slip: TransferSlip, snapshot: Snapshot) -> str:
    """Duties 3, 4, 5, 8, 9: the code of the first one that is not fulfilled, or an empty text.

    Raises:
        SiteError: `envelope.undecided`, `registry.behind`: our own evidence is too old to say; the peer tries later.
    """
    try:
        _check_envelope(reading, slip, snapshot)
    except SenderError as error:
        return error.code
    return ""


def check_business(message: Message) -> None:
    """A document must be a new one, for nobody here can revoke, update or replace an earlier one.

    Who stored such a document as one more new one would do something else than its sender asked for.

    Raises:
        SenderError: `envelope.malformed`.
    """
    if isinstance(message, DocumentMessage) and message.business.kind is not BusinessKind.NEW:
        raise SenderError("envelope.malformed", reason="business_kind")


def _check_envelope(reading: EnvelopeReading, slip: TransferSlip, snapshot: Snapshot) -> None:
    check_business(reading.message)  # first of all: no signature and no newer evidence makes it another kind
    _check_signature(reading, slip, snapshot)
    _check_identity(reading, slip)
    if not reading.bound:
        raise SenderError("envelope.attachments", reason="unbound")
    if slip.kind is MessageKind.DOCUMENT and not reading.files:
        raise SenderError("envelope.attachments", reason="none")
    for file in reading.files:
        _check_file(file, slip, snapshot)
    if reading.secrecy:
        raise SenderError("secrecy.marked", mark=reading.secrecy)


def _not_behind(slip: TransferSlip, snapshot: Snapshot) -> None:
    """What the registry decides is not decided by an older edition than the sender's (reliability.md B2.2).

    Raises:
        SiteError: `registry.behind`: the peer tries again later.
    """
    if slip.registry_epoch > snapshot.epoch:
        raise SiteError("registry.behind", epoch=slip.registry_epoch)


def refuse_recipient(
    addressed: frozenset[OrganId], recipient: OrganId, slip: TransferSlip, *, own: GatewayId, snapshot: Snapshot
) -> str:
    """Duties 10 and 11: the code of the refusal, or an empty text. `addressed`: see there.

    Raises:
        SiteError: `registry.behind`.
    """
    if recipient not in addressed and not _took_over(recipient, addressed, snapshot):
        _not_behind(slip, snapshot)
        return "envelope.recipients"
    body = snapshot.body(recipient)
    if body is None or body.gateway != own or body.status is not BodyStatus.ACTIVE:
        _not_behind(slip, snapshot)
    if body is None or body.gateway != own:
        return "recipient.unknown"
    return {
        BodyStatus.ACTIVE: "",
        BodyStatus.LOCKED: "recipient.locked",
        BodyStatus.CLOSED: "recipient.closed",
    }[body.status]


def _took_over(recipient: OrganId, addressed: frozenset[OrganId], snapshot: Snapshot) -> bool:
    """Whether a closed body that the signed `To` names has this one for its successor, by our own registry."""
    bodies = (snapshot.body(organ_id) for organ_id in addressed)
    closed = (body for body in bodies if body is not None and body.status is BodyStatus.CLOSED)
    return any(active_successor(body, snapshot) == recipient for body in closed)


def _check_signature(reading: EnvelopeReading, slip: TransferSlip, snapshot: Snapshot) -> None:
    """Duty 3: by the certificate the registry names for the `From` body, and by no other."""
    body = snapshot.body(slip.sender)
    if _is_signed(reading) and not _is_by(reading, body):
        _not_behind(slip, snapshot)
    check_signer(reading, body)


def check_signer(reading: EnvelopeReading, body: Body | None) -> None:
    """The envelope's signature holds, and is by a transport key that the registry names for the body.

    Raises:
        SenderError: `envelope.signature`.
        SiteError: `envelope.undecided`: our own evidence is too old to say.
    """
    verdict = reading.signature
    if verdict is None or not _is_signed(reading):
        raise SenderError("envelope.signature", reason=str(verdict.sub_indication) if verdict else "unsigned")
    if not _is_by(reading, body):
        raise SenderError("envelope.signature", reason="other_certificate")
    if verdict.indication is Indication.INDETERMINATE:
        if verdict.sub_indication in OWN_EVIDENCE:
            raise SiteError("envelope.undecided", reason=str(verdict.sub_indication))
        raise SenderError("envelope.signature", reason=str(verdict.sub_indication))


def _is_signed(reading: EnvelopeReading) -> bool:
    return reading.signature is not None and reading.signature.indication is not Indication.TOTAL_FAILED


def _is_by(reading: EnvelopeReading, body: Body | None) -> bool:
    pinned = {sha256(certificate).digest() for certificate in body.transport_certificates} if body else set()
    return reading.certificate is not None and sha256(reading.certificate).digest() in pinned


def _check_identity(reading: EnvelopeReading, slip: TransferSlip) -> None:
    """Duty 4: the slip is only a label; the signed header decides, and the two must say the same."""
    message = reading.message
    document_id = message.document_id if isinstance(message, DocumentMessage) else message.response_for.document_id
    if (message.sender.organ_id, document_id, reading.kind) != (slip.sender, slip.document_id, slip.kind):
        raise SenderError("envelope.sender")


def _check_file(file: JudgedFile, slip: TransferSlip, snapshot: Snapshot) -> None:
    """Duty 8: a PDF is taken only as a whole: every signature in it good, and one of them its sender's seal.

    Other kinds are bound by digest alone. What is not decided is not taken (house.md holds it on the sender's side).
    """
    verdict = file.verdict
    if verdict.media_type != PDF:
        if claims_pdf(file.name, file.content_type):
            raise SenderError("file.not_pdf", file=file.name)
        return
    refuse_bad_seal(verdict, file.name)
    if verdict.indication is Indication.INDETERMINATE:
        if verdict.sub_indication in OWN_EVIDENCE:
            raise SiteError("envelope.undecided", reason=str(verdict.sub_indication))
        raise SenderError("seal.undecided", file=file.name, reason=str(verdict.sub_indication or ""))
    body = snapshot.body(slip.sender)
    if body is None or not has_seal(verdict, body):
        _not_behind(slip, snapshot)
        raise SenderError("seal.missing", file=file.name, organ=slip.sender)


def has_seal(verdict: FileVerdict, body: Body) -> bool:
    """Whether a good signature in the file is by a seal that the registry names for the body."""
    return any(
        signature.certificate in body.seal_certificates and signature.indication is Indication.TOTAL_PASSED
        for signature in verdict.signatures
    )


def refuse_bad_seal(verdict: FileVerdict, name: str) -> None:
    """A broken signature, or a file that cannot be judged, is a refusal wherever it is met, on the way out and on arrival.

    What a strict reader cannot read (damaged, encrypted, beyond the limits), no evidence of ours will ever mend.

    Raises:
        SenderError: `seal.broken`, `file.not_pdf`, `file.unreadable`.
    """
    if verdict.media_type != PDF:
        raise SenderError("file.not_pdf", file=name)
    if verdict.indication is Indication.TOTAL_FAILED:
        raise SenderError("seal.broken", file=name, reason=str(verdict.sub_indication or ""))
    if verdict.indication is Indication.INDETERMINATE and verdict.sub_indication is SubIndication.FORMAT_FAILURE:
        raise SenderError("file.unreadable", file=name, reason=verdict.reason)


def addressed(reading: EnvelopeReading) -> frozenset[OrganId]:
    """Whom the signed header names: once for an envelope, not for each of its recipients."""
    message = reading.message
    if isinstance(message, DocumentMessage):
        return frozenset(organ.organ_id for organ in message.recipients)
    return frozenset({message.response_for.organ_id})


def whole_refusal(error: GatewayError) -> str:
    """The code under which an unreadable envelope is refused for every recipient; re-raises what is not its fault."""
    if not isinstance(error, SenderError):
        raise error
    return error.code


def is_hosted(organ_id: OrganId, gateway: GatewayId, snapshot: Snapshot) -> bool:
    """Whether the registry gives this body to this gateway."""
    body = snapshot.body(organ_id)
    return body is not None and body.gateway == gateway
