"""Said again: an office repeats what it said in a status message, because the message ended without having arrived.

Who repeats what arrived, or is still on its way, changes nothing. What ended is sent once more: another row, whose name is made
from that of the first one and the key of the one before it, so each is followed once.
"""

from dataclasses import replace
from typing import Final

from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Document
from gateway.core.states import DeliveryState, DocumentState
from gateway.exchange.desk import Desk
from gateway.exchange.submit import store_new

NOT_ARRIVED: Final = frozenset({DeliveryState.EXPIRED, DeliveryState.REFUSED, DeliveryState.VOID})


def say_again(uow: UnitOfWork, said: Document, desk: Desk) -> bool:
    """Whether it was stored once more. `said`: the row of a status message as it was made the first time.

    The caller holds the row of what it answers, so two who repeat it at the same time send it once.
    """
    name, last = said.document_id, None
    while (known := uow.documents.submitted(said.sender, document_id=name)) is not None:
        name, last = f"{said.document_id} {known.key}", known
    if last is not None and not _ended_unheard(uow, last):
        return False
    store_new(uow, replace(said, document_id=name, idempotency_key=name), desk)
    return True


def _ended_unheard(uow: UnitOfWork, last: Document) -> bool:
    if last.state is DocumentState.REFUSED:
        return True
    return any(one.state in NOT_ARRIVED for one in uow.documents.deliveries(last.key))
