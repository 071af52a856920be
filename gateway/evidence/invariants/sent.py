"""What must hold of a document that one of our bodies sends, and of all that belongs to it. Pure."""

from collections.abc import Collection, Iterator

from gateway.core.events import EventKind
from gateway.core.ids import DocumentKey
from gateway.core.model import BlobRef, Delivery, Document, Transfer
from gateway.core.states import DeliveryState, DocumentState, MessageKind, TransferState, is_final
from gateway.evidence.company import Sent
from gateway.evidence.invariants.breach import Breach, Invariant, breaches
from gateway.evidence.outgoing import (
    company_problems,
    delivery_problems,
    document_problems,
    notice_problems,
    receipted_problems,
)
from gateway.evidence.owed import owed_problems

_D, _V, _T = DocumentState, DeliveryState, TransferState
_UNDER_WAY = frozenset({_D.ACCEPTED, _D.SEALED, _D.WRAPPED})
_WRAPPED = frozenset({_D.WRAPPED, _D.ROUTED})
_PASSED = frozenset({_D.SEALED, _D.WRAPPED, _D.ROUTED})


def sent_breaches(sent: Sent, *, standing: Collection[str], namesakes: Collection[DocumentKey]) -> Iterator[Breach]:
    """Everything but the files and the receipts' own bytes.

    `standing`: of the document and its transfers, those with a work item or a dead letter. `namesakes`: rows that are not
    refused and have its sender and DocumentId.
    """
    yield from _ends(sent, standing)
    yield from _delivered(sent)
    if sent.document.state is not _D.REFUSED and frozenset(namesakes) - {sent.document.key}:
        why = f"another document of this sender has its DocumentId {sent.document.document_id}"
        yield Breach(invariant=Invariant.I6, what=f"document {sent.document.key}", why=why)
    yield from _told(sent)
    yield from _guarded(sent)


def blobs_of(sent: Sent) -> Iterator[tuple[str, BlobRef]]:
    """Its files, its envelope and its archive copies, each with the row that names it."""
    document = sent.document
    what = f"document {document.key}"
    yield from ((what, attachment.blob) for attachment in document.attachments)
    if document.envelope is not None:
        yield what, document.envelope
    yield from ((f"timestamp {one.key}", one.archive) for one in sent.owed if one.archive is not None)


# --- I2 ----------------------------------------------------------------------------------------------------------------


def _ends(sent: Sent, standing: Collection[str]) -> Iterator[Breach]:
    document = sent.document
    if document.state in _UNDER_WAY and document.key not in standing:
        yield _stranded(f"document {document.key}", document.state)
    for transfer in sent.transfers.values():
        waits = not is_final(transfer.state) and transfer.state is not _T.HELD
        if waits and transfer.slip.transfer not in standing:
            yield _stranded(f"transfer {transfer.slip.transfer}", transfer.state)
    for delivery in sent.deliveries:
        carrier = sent.transfers.get(delivery.transfer) if delivery.transfer else None
        waits = not is_final(delivery.state) and delivery.state is not _V.HELD
        if waits and (carrier is None or is_final(carrier.state)):
            yield _stranded(f"delivery {delivery.key}", delivery.state)


def _stranded(what: str, state: str) -> Breach:
    return Breach(invariant=Invariant.I2, what=what, why=f"{state}, and neither work nor a dead letter will end that")


# --- I3 ----------------------------------------------------------------------------------------------------------------


def _delivered(sent: Sent) -> Iterator[Breach]:
    for transfer in sent.transfers.values():
        yield from breaches(Invariant.I3, receipted_problems(transfer))
    for delivery in sent.deliveries:
        carrier = sent.transfers.get(delivery.transfer) if delivery.transfer else None
        if delivery.state is _V.DELIVERED and (carrier is None or carrier.answer is None):
            yield Breach(invariant=Invariant.I3, what=f"delivery {delivery.key}", why="delivered without a receipt")


# --- I7 ----------------------------------------------------------------------------------------------------------------


def _told(sent: Sent) -> Iterator[Breach]:
    document, story = sent.document, sent.story
    others = frozenset(one.key for one in sent.owed)
    transfers = tuple(sent.transfers.values())
    yield from breaches(Invariant.I7, story.problems)
    yield from breaches(Invariant.I7, document_problems(document, story))
    yield from breaches(Invariant.I7, company_problems(document, sent.deliveries, transfers, story, others=others))
    for one in sent.owed:
        yield from breaches(Invariant.I7, owed_problems(one, document, story))
    for delivery in sent.deliveries:
        carrier = sent.transfers.get(delivery.transfer) if delivery.transfer else None
        yield from breaches(Invariant.I7, delivery_problems(delivery, document, carrier, story))
        undelivered = sent.undelivered.get(delivery.transfer) if delivery.transfer else None
        yield from breaches(Invariant.I7, notice_problems(delivery, undelivered, story))


# --- I10 ---------------------------------------------------------------------------------------------------------------


def _guarded(sent: Sent) -> Iterator[Breach]:
    document = sent.document
    told = {event.kind for event in sent.story.of(document.key)}
    # An envelope that was handed in is judged, too: that is its `sealed`. A status message has nothing to judge.
    judged = document.kind is MessageKind.STATUS or EventKind.SEALED in told
    for bad, why in (
        (document.state in _PASSED and not judged, f"{document.state}, and was never judged"),
        (document.state in _WRAPPED and document.envelope is None, f"{document.state} without an envelope"),
        (document.state is _D.ROUTED and not sent.deliveries, "routed to nobody"),
        (_wants_reason(document), f"{document.state} without a reason"),
    ):
        if bad:
            yield Breach(invariant=Invariant.I10, what=f"document {document.key}", why=why)
    for transfer in sent.transfers.values():
        yield from _guarded_transfer(transfer)
    for delivery in sent.deliveries:
        yield from _guarded_delivery(delivery)


def _wants_reason(row: Document | Transfer | Delivery) -> bool:
    return row.state in {"held", "refused"} and not row.reason


def _guarded_transfer(transfer: Transfer) -> Iterator[Breach]:
    if _wants_reason(transfer):
        why = f"{transfer.state} without a reason"
        yield Breach(invariant=Invariant.I10, what=f"transfer {transfer.slip.transfer}", why=why)


def _guarded_delivery(delivery: Delivery) -> Iterator[Breach]:
    for bad, why in (
        (_wants_reason(delivery), f"{delivery.state} without a reason"),
        (delivery.state is _V.DELIVERED and delivery.evidence is None, "delivered without a level of evidence"),
        (
            delivery.business_status is not None and delivery.business_at is None,
            f"business status {delivery.business_status} without the time at which it was said",
        ),
    ):
        if bad:
            yield Breach(invariant=Invariant.I10, what=f"delivery {delivery.key}", why=why)
