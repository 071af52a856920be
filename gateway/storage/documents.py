"""Ledger of outgoing documents and their deliveries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, exists, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from gateway.core.clock import from_millis, to_millis
from gateway.core.errors import Conflict
from gateway.core.ids import DeliveryKey, Digest, DocumentKey, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import StaleStateError
from gateway.core.model import BlobRef, Delivery, Document
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState, Evidence, MessageKind
from gateway.storage.bulk import execute_many
from gateway.storage.codec import ATTACHMENTS, METADATA, REASON_PARAMS, STATUS_MESSAGE, reading
from gateway.storage.named_blobs import name_blobs
from gateway.storage.rows import among, chunks, compare_and_set, locked, maybe_blob, update_if
from gateway.storage.statements import Row, Statement
from gateway.storage.streams import Streams
from gateway.storage.tables import HELD, LIVE, REFUSED, deliveries, documents

_ADD: Final = insert(documents)
_BY_KEY: Final = locked(select(documents).where(documents.c.key == bindparam("key")))
_BY_IDEMPOTENCY_KEY: Final = select(documents).where(
    documents.c.sender == bindparam("sender"), documents.c.idempotency_key == bindparam("idempotency_key")
)
_NUMBERED: Final = (documents.c.sender == bindparam("sender"), documents.c.document_id == bindparam("document_id"))
_LIVE: Final = select(documents).where(*_NUMBERED, text(LIVE))
_NEWEST_REFUSED: Final = select(documents).where(*_NUMBERED, text(REFUSED)).order_by(documents.c.key.desc()).limit(1)
_PAGE: Final = (
    select(documents).where(documents.c.key > bindparam("after")).order_by(documents.c.key).limit(bindparam("rows"))
)
_HELD: Final = _PAGE.where(text(HELD))
# The key is named so that SQLite walks the few rows of the partial index, and not all rows of one that is wider.
_COUNT_HELD: Final = select(func.count()).select_from(documents).where(text(HELD), documents.c.key > "")
_COUNT_HELD_DELIVERIES: Final = select(func.count()).select_from(deliveries).where(text(HELD))
_NEWEST: Final = (
    select(documents.c.key)
    .where(
        documents.c.sender == bindparam("sender"),
        documents.c.kind == MessageKind.DOCUMENT.value,
        documents.c.key > bindparam("after"),
    )
    .order_by(documents.c.key.desc())
    .limit(bindparam("rows"))
)
_BEFORE: Final = documents.c.key < bindparam("before")
_IN_STATE: Final = documents.c.state == bindparam("state")
_NEWEST_BY: Final = {
    (False, False): _NEWEST,
    (True, False): _NEWEST.where(_BEFORE),
    (False, True): _NEWEST.where(_IN_STATE),
    (True, True): _NEWEST.where(_BEFORE, _IN_STATE),
}
"""By whether there is a key to begin before, and a state."""
_BY_KEYS: Final = select(documents).where(among(documents.c.key, "keys")).order_by(documents.c.key.desc())
_ADVANCE: Final = update_if(
    documents,
    "state",
    (
        "state",
        "reason",
        "reason_params",
        "attachments",
        "envelope_digest",
        "envelope_size",
        "changed_at",
        "last_leaf",
    ),
)

_ADD_DELIVERY: Final = insert(deliveries)
_DELIVERIES: Final = locked(
    select(deliveries).where(deliveries.c.document == bindparam("document")).order_by(deliveries.c.row)
)
_ROWS_OF: Final = select(deliveries.c.row).where(deliveries.c.document == bindparam("document"))
_ROW_OF: Final = _ROWS_OF.where(deliveries.c.key == bindparam("key"))
_DELIVERIES_AT: Final = select(deliveries).where(among(deliveries.c.row, "rows"))
_COUNTS: Final = (
    select(deliveries.c.document, deliveries.c.state, func.count().label("items"))
    .where(among(deliveries.c.document, "documents"))
    .group_by(deliveries.c.document, deliveries.c.state)
)
_DELIVERIES_OF_TRANSFER: Final = _DELIVERIES.where(deliveries.c.transfer == bindparam("transfer"))
_DELIVERY: Final = locked(
    select(deliveries).where(
        deliveries.c.document == bindparam("document"),
        deliveries.c.recipient == bindparam("recipient"),
        deliveries.c.state != DeliveryState.REROUTED.value,
    )
)
_FIND_DELIVERY: Final = select(deliveries).where(deliveries.c.key == bindparam("key"))
_ADVANCE_DELIVERY: Final = update_if(
    deliveries,
    "state",
    (
        "state",
        "reason",
        "evidence",
        "business_status",
        "business_description",
        "business_at",
        "changed_at",
        "last_leaf",
    ),
)

_OF_TRANSFER: Final = (
    deliveries.c.document == bindparam("the_document"),
    deliveries.c.transfer == bindparam("the_transfer"),
)
_MOVE_DELIVERIES: Final = (
    update(deliveries)
    .where(*_OF_TRANSFER, deliveries.c.state == bindparam("was"))
    .values(state=bindparam("state"), changed_at=bindparam("changed_at"))
)
_NOT_MOVED: Final = select(exists().where(*_OF_TRANSFER, deliveries.c.state != bindparam("now")))


class DocumentLedger(Streams):
    """Implements `gateway.core.ledgers.Documents` on one connection."""

    # --- documents ---------------------------------------------------------------------------------------------------

    def add(self, document: Document) -> None:
        """Store a new document; a repeated idempotency key is found before a repeated DocumentId."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(_ADD, _document_values(document))
        except IntegrityError as error:
            known = self.submitted(
                document.sender, document_id=document.document_id, idempotency_key=document.idempotency_key
            )
            if known is None:
                raise
            if known.idempotency_key == document.idempotency_key:
                raise Conflict("conflict.idempotency") from error
            raise Conflict("conflict.document_id", document_id=document.document_id) from error
        name_blobs(self._connection, _blobs(document))

    def find(self, key: DocumentKey) -> Document | None:
        """The document of a key."""
        return self._one_document(_BY_KEY, key=key)

    def submitted(self, sender: OrganId, *, document_id: str, idempotency_key: str | None = None) -> Document | None:
        """What this sender handed in before under this idempotency key, else under this DocumentId, not refused first."""
        known = None
        if idempotency_key is not None:
            known = self._one_document(_BY_IDEMPOTENCY_KEY, sender=sender, idempotency_key=idempotency_key)
        return (
            known
            or self._one_document(_LIVE, sender=sender, document_id=document_id)
            or self._one_document(_NEWEST_REFUSED, sender=sender, document_id=document_id)
        )

    def _one_document(self, statement: Statement, **names: str) -> Document | None:
        row = self._connection.execute(statement, names).one_or_none()
        return None if row is None else _document(row)

    def page(self, after: DocumentKey | None, limit: int) -> tuple[Document, ...]:
        """Documents with a key greater than `after`, oldest first."""
        rows = self._connection.execute(_PAGE, {"after": after or "", "rows": limit})
        return tuple(_document(row) for row in rows)

    def held(self, after: DocumentKey | None, limit: int) -> tuple[Document, ...]:
        """Documents that are held, with a key greater than `after`, oldest first."""
        rows = self._connection.execute(_HELD, {"after": after or "", "rows": limit})
        return tuple(_document(row) for row in rows)

    def count_held(self) -> tuple[int, int]:
        """How many documents are held, and how many deliveries."""
        counted = (_COUNT_HELD, _COUNT_HELD_DELIVERIES)
        first, second = (int(self._connection.execute(one).scalar_one()) for one in counted)
        return first, second

    def newest(
        self, senders: frozenset[OrganId], before: DocumentKey | None, limit: int, state: DocumentState | None
    ) -> tuple[Document, ...]:
        """Documents of these senders with a key less than `before`, newest first.

        Each sender's are one range of an index. Of each only what is newer than the page so far is read: one statement
        over all of them would read and sort every older document.
        """
        assert limit > 0, "a page without rows"
        statement = _NEWEST_BY[before is not None, state is not None]
        names: dict[str, Any] = {"rows": limit} if before is None else {"rows": limit, "before": before}
        if state is not None:
            names |= {"state": state.value}
        keys: list[str] = []
        for sender in sorted(senders):
            after = keys[-1] if len(keys) == limit else ""
            found = self._connection.execute(statement, names | {"sender": sender, "after": after}).scalars()
            keys = sorted([*keys, *found], reverse=True)[:limit]
        rows = [row for some in chunks(keys) for row in self._connection.execute(_BY_KEYS, {"keys": list(some)})]
        return tuple(_document(row) for row in rows)

    def advance(self, document: Document, *, was: DocumentState) -> None:
        """Write state, reason, attachments, envelope, changed_at and last_leaf, if the stored state is `was`."""
        values = _document_changes(document)
        compare_and_set(self._connection, _ADVANCE, {**values, "the_key": document.key, "was": was.value})
        name_blobs(self._connection, _blobs(document))

    # --- deliveries --------------------------------------------------------------------------------------------------

    def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Store new deliveries."""
        if deliveries:
            execute_many(self._connection, _ADD_DELIVERY, [_delivery_values(delivery) for delivery in deliveries])

    def deliveries(self, document: DocumentKey, transfer: TransferKey | None = None) -> tuple[Delivery, ...]:
        """The deliveries of a document, or of one of its transfers, in the order of adding."""
        statement = _DELIVERIES if transfer is None else _DELIVERIES_OF_TRANSFER
        names = {"document": document} if transfer is None else {"document": document, "transfer": transfer}
        return tuple(_delivery(row) for row in self._connection.execute(statement, names))

    def deliveries_after(self, document: DocumentKey, after: DeliveryKey | None, limit: int) -> tuple[Delivery, ...]:
        """A page of the deliveries of a document, in the order of adding.

        The numbers of all its rows (at most `RECIPIENTS_MAX`) are read from an index and put in order here: asked for the
        first of them in order, a planner may rather walk through everybody's.
        """
        last = 0
        if after is not None:
            found = self._connection.execute(_ROW_OF, {"document": document, "key": after}).scalar_one_or_none()
            if found is None:
                return ()
            last = found
        rows = self._connection.execute(_ROWS_OF, {"document": document}).scalars()
        wanted = sorted(row for row in rows if row > last)[:limit]
        known = {
            row.row: _delivery(row)
            for some in chunks(wanted)
            for row in self._connection.execute(_DELIVERIES_AT, {"rows": list(some)})
        }
        return tuple(known[row] for row in wanted)

    def delivery_counts(self, documents: Sequence[DocumentKey]) -> Mapping[DocumentKey, Mapping[DeliveryState, int]]:
        """How many deliveries of each are in each state: one look for a page of documents."""
        counts: dict[DocumentKey, dict[DeliveryState, int]] = {}
        for some in chunks(documents):
            for row in self._connection.execute(_COUNTS, {"documents": list(some)}):
                counts.setdefault(DocumentKey(row.document), {})[DeliveryState(row.state)] = row.items
        return counts

    def delivery(self, document: DocumentKey, recipient: OrganId) -> Delivery | None:
        """The delivery of a document to one recipient that was not rerouted."""
        row = self._connection.execute(_DELIVERY, {"document": document, "recipient": recipient}).one_or_none()
        return None if row is None else _delivery(row)

    def find_delivery(self, key: DeliveryKey) -> Delivery | None:
        """The delivery of a key."""
        row = self._connection.execute(_FIND_DELIVERY, {"key": key}).one_or_none()
        return None if row is None else _delivery(row)

    def advance_deliveries(self, deliveries: Sequence[Delivery], *, was: Mapping[DeliveryKey, DeliveryState]) -> None:
        """Write state, reason, evidence, business status and description, changed_at and last_leaf; all or nothing."""
        if not deliveries:
            return
        changes = [
            {**_delivery_changes(delivery), "the_key": delivery.key, "was": was[delivery.key].value}
            for delivery in deliveries
        ]
        with self._connection.begin_nested():
            if execute_many(self._connection, _ADVANCE_DELIVERY, changes) != len(changes):
                raise StaleStateError

    def move_deliveries(
        self, document: DocumentKey, transfer: TransferKey, *, moves: tuple[DeliveryState, DeliveryState], at: datetime
    ) -> None:
        """Move all deliveries of a transfer from one state to another, in one statement; all or nothing."""
        was, now = moves
        names = {"the_document": document, "the_transfer": transfer}
        change = {"was": was.value, "state": now.value, "changed_at": to_millis(at)}
        with self._connection.begin_nested():
            self._connection.execute(_MOVE_DELIVERIES, names | change)
            if self._connection.execute(_NOT_MOVED, {**names, "now": now.value}).scalar_one():
                raise StaleStateError


def _blobs(document: Document) -> list[BlobRef]:
    files = [file.blob for file in document.attachments]
    return [document.envelope, *files] if document.envelope else files


def _document_changes(document: Document) -> dict[str, Any]:
    return {
        "state": document.state.value,
        "reason": document.reason,
        "reason_params": REASON_PARAMS.encode(document.reason_params),
        "attachments": ATTACHMENTS.encode(document.attachments),
        "envelope_digest": document.envelope.digest if document.envelope else None,
        "envelope_size": document.envelope.size if document.envelope else None,
        "changed_at": to_millis(document.changed_at),
        "last_leaf": document.last_leaf,
    }


def _document_values(document: Document) -> dict[str, Any]:
    return _document_changes(document) | {
        "key": document.key,
        "kind": document.kind.value,
        "sender": document.sender,
        "document_id": document.document_id,
        "metadata": None if document.metadata is None else METADATA.encode(document.metadata),
        "status": None if document.status is None else STATUS_MESSAGE.encode(document.status),
        "may_seal": int(document.may_seal),
        "principal": document.principal,
        "idempotency_key": document.idempotency_key,
        "request_digest": document.request_digest,
        "accepted_at": to_millis(document.accepted_at),
        "trace_id": document.trace_id,
        "ready_made": int(document.ready_made),
    }


@reading
def _document(row: Row) -> Document:
    return Document(
        key=DocumentKey(row.key),
        kind=MessageKind(row.kind),
        sender=OrganId(row.sender),
        document_id=row.document_id,
        state=DocumentState(row.state),
        reason=row.reason,
        reason_params=REASON_PARAMS.decode(row.reason_params),
        metadata=None if row.metadata is None else METADATA.decode(row.metadata),
        status=None if row.status is None else STATUS_MESSAGE.decode(row.status),
        attachments=ATTACHMENTS.decode(row.attachments),
        may_seal=bool(row.may_seal),
        principal=row.principal,
        idempotency_key=row.idempotency_key,
        request_digest=Digest(row.request_digest),
        envelope=maybe_blob(row.envelope_digest, row.envelope_size),
        accepted_at=from_millis(row.accepted_at),
        changed_at=from_millis(row.changed_at),
        trace_id=row.trace_id,
        last_leaf=row.last_leaf,
        ready_made=bool(row.ready_made),
    )


def _delivery_changes(delivery: Delivery) -> dict[str, Any]:
    return {
        "state": delivery.state.value,
        "reason": delivery.reason,
        "evidence": delivery.evidence and delivery.evidence.value,
        "business_status": delivery.business_status and delivery.business_status.value,
        "business_description": delivery.business_description,
        "business_at": None if delivery.business_at is None else to_millis(delivery.business_at),
        "changed_at": to_millis(delivery.changed_at),
        "last_leaf": delivery.last_leaf,
    }


def _delivery_values(delivery: Delivery) -> dict[str, Any]:
    return _delivery_changes(delivery) | {
        "key": delivery.key,
        "document": delivery.document,
        "transfer": delivery.transfer,
        "recipient": delivery.recipient,
        "destination": delivery.destination,
        "sequence": delivery.sequence,
        "registry_epoch": delivery.registry_epoch,
        "route_reason": delivery.route_reason,
    }


@reading
def _delivery(row: Row) -> Delivery:
    return Delivery(
        key=DeliveryKey(row.key),
        document=DocumentKey(row.document),
        transfer=None if row.transfer is None else TransferKey(row.transfer),
        recipient=OrganId(row.recipient),
        destination=None if row.destination is None else GatewayId(row.destination),
        sequence=row.sequence,
        state=DeliveryState(row.state),
        reason=row.reason,
        evidence=None if row.evidence is None else Evidence(row.evidence),
        business_status=None if row.business_status is None else BusinessStatus(row.business_status),
        business_description=row.business_description,
        business_at=None if row.business_at is None else from_millis(row.business_at),
        registry_epoch=row.registry_epoch,
        route_reason=row.route_reason,
        changed_at=from_millis(row.changed_at),
        last_leaf=row.last_leaf,
    )
