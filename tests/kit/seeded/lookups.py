"""How the judges of worlds look things up in what was kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

from gateway.core.ids import GatewayId
from gateway.core.model import Delivery, Document, IncomingTransfer
from gateway.core.states import DeliveryState, MessageKind
from tests.kit.seeded import small_log
from tests.kit.seeded.kept import Kept
from tests.kit.seeded.outcome import Outcome

T = TypeVar("T")
_V = DeliveryState
Problems = Iterator[str]

RECEIPTS_KEPT_MAX: Final = 4_096
"""More than a world has; a night of ten thousand worlds is not kept in memory."""


def claims_of(receipt: bytes, destination: str, kept: Kept) -> dict[str, Any] | None:
    entry = kept.snapshot.gateways[GatewayId(destination)]
    try:
        return _checked(receipt, entry.receipt_keys, entry.log_keys)
    except small_log.BadError:
        return None


@lru_cache(RECEIPTS_KEPT_MAX)
def _checked(receipt: bytes, keys: tuple[bytes, ...], log_keys: tuple[str, ...]) -> dict[str, Any]:
    return small_log.check_receipt(receipt, keys, log_keys)


def document_deliveries(world: Outcome) -> Iterator[tuple[tuple[str, str, str], Delivery]]:
    for kept in world.kept:
        documents = {row.key: row for row in kept.documents if row.kind is MessageKind.DOCUMENT}
        for row in kept.deliveries:
            if row.document in documents:
                document = documents[row.document]
                yield (row.recipient, document.sender, document.document_id), row


def grouped_by(rows: Iterable[T], name: Callable[[T], str]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    for row in rows:
        grouped[name(row)].append(row)
    return grouped


def documents_of(world: Outcome, own: str) -> dict[str, Document]:
    return {row.key: row for kept in world.kept if kept.own == own for row in kept.documents}


def incoming_of(world: Outcome, own: str) -> dict[str, IncomingTransfer]:
    return {row.slip.transfer: row for kept in world.kept if kept.own == own for row in kept.incoming}


def recipients_of(document: Document) -> tuple[str, ...]:
    if document.status is not None:
        return (document.status.response_for.organ_id,)
    assert document.metadata is not None
    return document.metadata.recipients
