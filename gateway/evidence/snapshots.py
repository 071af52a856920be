"""Snapshots: what the check of an installation reads together, in one unit each, so that a running service cannot come between.

A page of rows, or a row with its company and its story: bounded, and the same on SQLite and PostgreSQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.audit import VerifierKey, closed_at
from gateway.core.ids import DocumentKey, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.model import Delivery, Document, InboxPage, IncomingTransfer, Transfer
from gateway.evidence.amended import entries_amended
from gateway.evidence.story import Story, read_story


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A transfer with its deliveries, read in one snapshot."""

    transfer: Transfer
    deliveries: tuple[Delivery, ...]
    has_document: bool


def transfers_after(after: TransferKey | None) -> Callable[[UnitOfWork], tuple[Transfer, ...]]:
    """A page of transfers."""
    return lambda uow: uow.transfers.page(after, PAGE_ROWS_MAX)


def carried_in(transfer: Transfer) -> Callable[[UnitOfWork], Carried]:
    """The transfer as it is in the snapshot in which its deliveries are read; its row is never removed."""

    def unit(uow: UnitOfWork) -> Carried:
        return Carried(
            transfer=uow.transfers.find(transfer.slip.transfer) or transfer,
            deliveries=uow.documents.deliveries(transfer.document, transfer.slip.transfer),
            has_document=uow.documents.find(transfer.document) is not None,
        )

    return unit


def documents_after(after: DocumentKey | None) -> Callable[[UnitOfWork], tuple[Document, ...]]:
    """A page of documents."""
    return lambda uow: uow.documents.page(after, PAGE_ROWS_MAX)


def incoming_after(after: TransferKey | None) -> Callable[[UnitOfWork], tuple[IncomingTransfer, ...]]:
    """A page of transfers that came."""
    return lambda uow: uow.transfers.incoming_page(after, PAGE_ROWS_MAX)


def arrived_by(incoming: IncomingTransfer) -> Callable[[UnitOfWork], tuple[Story, frozenset[OrganId]]]:
    """The story of an incoming transfer, and whose inbox has the document, whichever transfer brought it first."""

    def unit(uow: UnitOfWork) -> tuple[Story, frozenset[OrganId]]:
        seen = uow.inbox.seen(incoming.slip.sender, incoming.slip.document_id)
        return read_story(uow.log, incoming.slip.transfer), seen[1] if seen else frozenset()

    return unit


Origins = Mapping[TransferKey, tuple[IncomingTransfer | None, Story]]


def inbox_after(organs: frozenset[OrganId], after: int) -> Callable[[UnitOfWork], tuple[InboxPage, Origins]]:
    """A page of these bodies' inboxes, with what brought each entry and its story."""

    def unit(uow: UnitOfWork) -> tuple[InboxPage, Origins]:
        page = uow.inbox.page(organs, after, PAGE_ROWS_MAX)
        page = replace(page, entries=entries_amended(uow, page.entries))
        transfers = {entry.transfer for entry in page.entries}
        return page, {key: (uow.transfers.incoming(key), read_story(uow.log, key)) for key in transfers}

    return unit


def closed_logs(uow: UnitOfWork, keys: Sequence[VerifierKey]) -> dict[str, int]:
    """Logs of this gateway that restores closed: how much of each is here."""
    return {origin: kept for key in keys for origin, kept in closed_at(uow, key.name).items()}
