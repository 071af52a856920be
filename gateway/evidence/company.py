"""A document with everything that belongs to it, read in one snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.core.ids import TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Delivery, Document, Transfer
from gateway.core.non_delivery import NonDelivery
from gateway.core.owed import OwedTimestamp
from gateway.core.states import TransferState
from gateway.evidence.amended import with_amendments
from gateway.evidence.story import Story, read_story


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A document with its company."""

    document: Document
    deliveries: tuple[Delivery, ...]
    transfers: Mapping[TransferKey, Transfer]
    owed: tuple[OwedTimestamp, ...]
    undelivered: Mapping[TransferKey, NonDelivery]
    """Of its transfers that expired, with the notices about them."""
    story: Story


def read_sent(document: Document) -> Callable[[UnitOfWork], Sent]:
    """The document as it is in the snapshot in which its company is read; rows of documents are never removed."""

    def unit(uow: UnitOfWork) -> Sent:
        transfers = {transfer.slip.transfer: transfer for transfer in uow.transfers.of_document(document.key)}
        expired = [key for key, transfer in transfers.items() if transfer.state is TransferState.EXPIRED]
        return Sent(
            document=uow.documents.find(document.key) or document,
            deliveries=with_amendments(uow, uow.documents.deliveries(document.key)),
            transfers=transfers,
            owed=uow.timestamps.of_document(document.key),
            undelivered={key: found for key in expired if (found := uow.non_deliveries.find(key)) is not None},
            story=read_story(uow.log, document.key),
        )

    return unit
