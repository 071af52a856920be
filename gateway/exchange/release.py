"""Release: what was held goes on, once whoever's turn it was has mended the reason (a revocation list, a key, a registry).

A held document starts again at its first step: nothing of it has left the house. Its envelope is made anew, unless the
office itself handed it in: then it is what was signed, and it is only carried. A held transfer may have reached its
destination, nobody knows any more: it becomes indeterminate, so the peer is asked before anything is sent. The dead letter
of what was given up goes away with its release. A timestamp that was given up is owed again.

What was held for want of *our* evidence nobody has to remember: when the operator has put new evidence in force, it is
tried again by itself. One that was being judged by the old evidence meanwhile sees that when it is held, and goes on too.
"""

from dataclasses import replace
from functools import partial
from typing import Final

from gateway.core.errors import Conflict
from gateway.core.events import EventKind
from gateway.core.ids import DocumentKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Delivery, Document, Transfer
from gateway.core.principal import Principal, Scope
from gateway.core.states import DeliveryState, DocumentState, TransferState, advance
from gateway.exchange.desk import Desk
from gateway.exchange.due import attempt_of, step_of
from gateway.exchange.duties import OWN_EVIDENCE
from gateway.exchange.permission import own_document, require
from gateway.exchange.scanning import forget_scan, waits
from gateway.exchange.stamping import NO_TIMESTAMP, owe_again
from gateway.exchange.subjects import of_delivery, of_document

BY_ITSELF: Final = "gateway"
"""Who lets go on what nobody was asked about; no API key and no certificate has this id."""
HELD_ROWS: Final = 100
"""Held documents that are read at a time."""
_OURS: Final = frozenset({"envelope.undecided", "key.missing", "key.certificate", "key.pin", *NO_TIMESTAMP})
_PERHAPS_OURS: Final = "seal.undecided"
"""Its technical reason says whether evidence of ours is wanting."""


class Release:
    """The release desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def release(self, principal: Principal, key: DocumentKey) -> Document:
        """See `ReleaseDesk.release`."""
        require(principal, Scope.SEND)

        def unit(uow: UnitOfWork) -> Document:
            document = own_document(uow, principal, key)
            if document.state is DocumentState.HELD:
                return self.let_go(uow, document, by=principal.key_id)
            held = [transfer for transfer in uow.transfers.of_document(key) if transfer.state is TransferState.HELD]
            for transfer in held:
                self.let_transfer_go(uow, transfer, by=principal.key_id)
            if not (owe_again(uow, document, self._desk, by=principal.key_id) or held):
                raise Conflict("conflict.state", state=document.state.value)
            return document

        return await self._desk.store.transact(unit)

    async def resume(self) -> int:
        """Let go on whatever is held for want of our own evidence; how many documents. Each is a unit of its own."""
        store, count = self._desk.store, 0
        after: DocumentKey | None = None
        while page := await store.read(partial(_page, after)):
            for document in filter(wants_ours, page):
                count += await self.resume_one(document.key)
            after = page[-1].key
        return count

    async def resume_one(self, key: DocumentKey) -> bool:
        """Let go on this one, known to want our own evidence; whether it was still held."""
        return await self._desk.store.transact(partial(self._resume, key))

    def _resume(self, key: DocumentKey, uow: UnitOfWork) -> bool:
        document = uow.documents.find(key)
        if document is None or document.state is not DocumentState.HELD:
            return False
        self.let_go(uow, document, by=BY_ITSELF)
        return True

    def let_go(self, uow: UnitOfWork, document: Document, *, by: str) -> Document:
        """Write that a held document starts again at its first step; in the caller's unit, which found it held. `by`: who."""
        now = self._desk.clock.now()
        envelope = document.envelope if document.ready_made else None
        keeps = {"envelope": envelope.digest} if envelope else {}  # it is not made again
        private = {"code": document.reason, "principal": by, **keeps}
        leaf = self._desk.journal.record(uow, of_document(EventKind.RELEASED, document, at=now, private=private))
        released = replace(
            document,
            state=advance(document.state, DocumentState.ACCEPTED),
            reason="",
            reason_params=(),
            envelope=envelope,
            changed_at=now,
            last_leaf=leaf,
        )
        uow.documents.advance(released, was=document.state)
        if waits(document):
            forget_scan(uow, document, now)
        uow.work.redrive(step_of(document, now))
        return released

    def let_transfer_go(self, uow: UnitOfWork, transfer: Transfer, *, by: str) -> None:
        """In a unit: the same for a held transfer."""
        now = self._desk.clock.now()
        moved = replace(transfer, state=advance(transfer.state, TransferState.INDETERMINATE), reason="", changed_at=now)
        uow.transfers.advance(moved, was=transfer.state)
        deliveries = uow.documents.deliveries(transfer.document, transfer.slip.transfer)
        uow.documents.advance_deliveries(
            [self._delivery(uow, delivery, moved, by) for delivery in deliveries],
            was={delivery.key: delivery.state for delivery in deliveries},
        )
        document = uow.documents.find(transfer.document)
        assert document is not None, "a transfer has a document"
        uow.work.redrive(attempt_of(moved, document))

    def _delivery(self, uow: UnitOfWork, delivery: Delivery, of: Transfer, by: str) -> Delivery:
        private = {"code": delivery.reason, "principal": by}
        event = of_delivery(EventKind.RELEASED, delivery, of.slip.sender, at=of.changed_at, private=private)
        leaf = self._desk.journal.record(uow, event)
        state = advance(delivery.state, DeliveryState.INDETERMINATE)
        return replace(delivery, state=state, reason="", changed_at=of.changed_at, last_leaf=leaf)


def _page(after: DocumentKey | None, uow: UnitOfWork) -> tuple[Document, ...]:
    return uow.documents.held(after, HELD_ROWS)


def wants_ours(document: Document) -> bool:
    """Whether a held document is held for want of our own evidence."""
    if document.reason == _PERHAPS_OURS:
        return dict(document.reason_params).get("reason") in {str(one) for one in OWN_EVIDENCE}
    return document.reason in _OURS
