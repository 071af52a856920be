"""Possession: who has a document of ours, or may have it, as far as this database can know.

A database that was put back does not know what was done after its backup. That is told by positions in the log, which goes on
across a restore and says how much of it was kept (`Reopening.kept`); the times are asked, too, for a leaf may have had no
position yet when the backup was made. By the times alone, a clock that stood behind at the restore would make everything newer.
"""

from collections.abc import Callable
from typing import Final

from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Delivery, Document
from gateway.core.states import DeliveryState, DocumentState

_NEVER_TAKEN: Final = frozenset({DeliveryState.REFUSED, DeliveryState.REROUTED})
_KNOWN_THERE: Final = "conflict.document_id"
"""A refusal by who has the document already, in an envelope that this gateway lost with its database (docs/OPERATIONS.md)."""


def may_have(delivery: Delivery) -> bool:
    """Whether its recipient has the document, or may have it, by what is written here."""
    return delivery.state not in _NEVER_TAKEN or delivery.reason == _KNOWN_THERE


def may_have_left(uow: UnitOfWork, document: Document) -> bool:
    """Whether it was here before a restore: what is not written of it may have been done all the same.

    What had been refused as a whole before the backup was final: that one stayed here.
    """
    kept = _kept_at_first(uow, document)
    if kept is None:
        return False
    return document.state is not DocumentState.REFUSED or _position(uow, document.last_leaf) >= kept


def possession(uow: UnitOfWork, document: Document) -> Callable[[Delivery], bool]:
    """Who may have it, also by what is not written: who was refused after a restore may have been sent it before.

    Not told: to whom what had been refused was rerouted after the backup. That is done by hand, and has to be done again.
    """
    kept = _kept_at_first(uow, document)
    if kept is None:
        return may_have

    def told(delivery: Delivery) -> bool:
        if may_have(delivery):
            return True
        return delivery.state is not DeliveryState.REROUTED and _position(uow, delivery.last_leaf) >= kept

    return told


def _kept_at_first(uow: UnitOfWork, document: Document) -> int | None:
    """Leaves that were kept at the first restore after it was handed in; None: there was none since."""
    restores = uow.resyncs.reopenings()
    if not restores:
        return None
    first = uow.log.history_after(document.key, 0, 1).events
    position = _position(uow, first[0].leaf_hash) if first else 0
    return next((one.kept for one in restores if position < one.kept or document.accepted_at <= one.at), None)


def _position(uow: UnitOfWork, leaf_hash: str) -> int:
    """Of a leaf; one that has none yet comes after all that have."""
    leaf = bytes.fromhex(leaf_hash)
    found = uow.log.indexes([leaf]).get(leaf)
    return uow.log.head().size if found is None else found
