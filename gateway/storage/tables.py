"""The tables, once, for every dialect: what a row is, and which contradictions the database itself refuses.

STRICT tables of SQLite know TEXT, INTEGER and BLOB only (reliability.md, head), so there are no other types here. Instants
are integer milliseconds; a structured value that nobody searches is JSON text (`codec`). `Whole` is a 64-bit integer:
INTEGER on SQLite, BIGINT elsewhere. Foreign keys are immediate: a deferred one would be checked at COMMIT, where on
SQLite it would take down every unit of the group.

A change here needs a revision in `migrations/versions`; a test compares both to the letter.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

from gateway.storage.naming import NAMES

Whole: Final = BigInteger().with_variant(Integer(), "sqlite")

metadata: Final = MetaData(naming_convention=NAMES)

LIVE: Final = "state <> 'refused'"
REFUSED: Final = "state = 'refused'"
HELD: Final = "state = 'held'"
UNPAID: Final = "state <> 'stamped'"
"""Of an index over a part of the documents. A query uses it that says the very same, and not by a parameter."""


def _only(rows: str) -> dict[str, Any]:
    return {"sqlite_where": text(rows), "postgresql_where": text(rows)}


def _strict(name: str, *items: SchemaItem, **options: Any) -> Table:
    return Table(name, metadata, *items, sqlite_strict=True, **options)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _maybe_text(name: str) -> Column[str]:
    return Column(name, Text, nullable=True)


def _whole(name: str) -> Column[int]:
    return Column(name, Whole, nullable=False)


def _maybe_whole(name: str) -> Column[int]:
    return Column(name, Whole, nullable=True)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _row() -> Column[int]:
    """A number in the order of writing, given by the database."""
    return Column("row", Whole, primary_key=True, autoincrement=True)


# --- outgoing --------------------------------------------------------------------------------------------------------

documents: Final = _strict(
    "documents",
    Column("key", Text, primary_key=True),
    _text("kind"),
    _text("sender"),
    _text("document_id"),
    _text("state"),
    _text("reason"),
    _text("reason_params"),
    _maybe_text("metadata"),
    _maybe_text("status"),
    _text("attachments"),
    _whole("may_seal"),
    _text("principal"),
    _text("idempotency_key"),
    _text("request_digest"),
    _maybe_text("envelope_digest"),
    _maybe_whole("envelope_size"),
    _whole("accepted_at"),
    _whole("changed_at"),
    _text("trace_id"),
    _text("last_leaf"),
    Column("ready_made", Whole, nullable=False, server_default=text("0")),  # added: older rows need a default
    UniqueConstraint("sender", "idempotency_key"),
    # A refused document never left this house: it does not keep its number.
    Index("uq_documents_live", "sender", "document_id", unique=True, **_only(LIVE)),
    Index("ix_documents_refused", "sender", "document_id", "key", **_only(REFUSED)),
    Index("ix_documents_held", "key", **_only(HELD)),
    Index(None, "sender", "kind", "key"),  # newest first, for each sender: of any state, and of one
    Index(None, "sender", "kind", "state", "key"),
    CheckConstraint("may_seal IN (0, 1)", name="may_seal"),
    CheckConstraint("(metadata IS NULL) <> (status IS NULL)", name="one_content"),
    CheckConstraint("(envelope_digest IS NULL) = (envelope_size IS NULL)", name="envelope"),
)

deliveries: Final = _strict(
    "deliveries",
    _row(),
    _text("key"),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    # No foreign key to transfers: a plan may write its deliveries before the transfers that carry them.
    _maybe_text("transfer"),
    _text("recipient"),
    _maybe_text("destination"),
    _whole("sequence"),
    _text("state"),
    _text("reason"),
    _maybe_text("evidence"),
    _maybe_text("business_status"),
    _text("business_description"),
    _maybe_whole("business_at"),
    _whole("registry_epoch"),
    _text("route_reason"),
    _whole("changed_at"),
    _text("last_leaf"),
    UniqueConstraint("key"),
    UniqueConstraint("document", "recipient"),
    Index(None, "transfer"),
    Index("ix_deliveries_held", "row", **_only(HELD)),
    CheckConstraint("sequence >= 0", name="sequence"),
)

owed_timestamps: Final = _strict(
    "owed_timestamps",
    _row(),
    _text("key"),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    _whole("position"),
    _text("sealed_digest"),
    _whole("sealed_size"),
    _text("level"),
    _text("owed"),
    _text("state"),
    _maybe_text("archive_digest"),
    _maybe_whole("archive_size"),
    _maybe_whole("stamped_at"),
    _text("reason"),
    _whole("since"),
    _whole("changed_at"),
    _text("last_leaf"),
    UniqueConstraint("key"),
    Index(None, "document"),
    Index("ix_owed_timestamps_unpaid", "state", "since", **_only(UNPAID)),
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("(archive_digest IS NULL) = (archive_size IS NULL)", name="archive"),
)

streams: Final = _strict(
    "streams",
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    _whole("next_number"),
    CheckConstraint("next_number > 1", name="next_number"),
)

stream_handles: Final = _strict(
    "stream_handles",
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("year", Whole, primary_key=True, autoincrement=False),
    _bytes("handle"),
    CheckConstraint("length(handle) = 16", name="handle"),
)


def _slip() -> tuple[Column[str] | Column[int], ...]:
    """The columns of a transfer's slip, the same in both directions."""
    return (
        _text("origin"),
        _text("destination"),
        _text("kind"),
        _text("sender"),
        _text("document_id"),
        _text("envelope_digest"),
        _whole("envelope_size"),
        _whole("registry_epoch"),
        _whole("sent_at"),
        _text("slip_recipients"),
    )


transfers: Final = _strict(
    "transfers",
    _row(),
    _text("key"),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    *_slip(),
    _text("state"),
    _text("reason"),
    _whole("attempts"),
    Column("answer", LargeBinary, nullable=True),
    _whole("deadline"),
    _whole("changed_at"),
    UniqueConstraint("key"),
    Index(None, "document"),
    CheckConstraint("attempts >= 0", name="attempts"),
)

# --- incoming --------------------------------------------------------------------------------------------------------

incoming_transfers: Final = _strict(
    "incoming_transfers",
    Column("key", Text, primary_key=True),
    *_slip(),
    _whole("received_at"),
    Column("answer", LargeBinary, nullable=True),
)

incoming_recipients: Final = _strict(
    "incoming_recipients",
    Column("transfer", Text, ForeignKey("incoming_transfers.key"), primary_key=True),
    Column("position", Whole, primary_key=True, autoincrement=False),
    _text("organ_id"),
    _whole("sequence"),
    _text("outcome"),
    _text("code"),
    _bytes("leaf"),
    _bytes("salt"),
    CheckConstraint("sequence >= 0", name="sequence"),
)

inbox_messages: Final = _strict(
    "inbox_messages",
    # SHA-256 of the text. One envelope for 168 bodies is one message: 45 KB once, not 168 times.
    Column("digest", Text, primary_key=True),
    _text("message"),
)

inbox: Final = _strict(
    "inbox",
    Column("cursor", Whole, primary_key=True, autoincrement=True),
    _text("key"),
    _text("recipient"),
    _text("sender"),
    _text("document_id"),
    _text("transfer"),
    Column("message_digest", Text, ForeignKey("inbox_messages.digest"), nullable=False),
    _text("envelope_digest"),
    _whole("envelope_size"),
    _text("attachments"),
    _text("verdicts"),
    _whole("sequence"),
    _text("business_status"),
    _text("business_description"),
    _whole("received_at"),
    _whole("changed_at"),
    _text("last_leaf"),
    UniqueConstraint("key"),
    UniqueConstraint("recipient", "sender", "document_id"),
    Index(None, "sender", "document_id"),
    Index(None, "recipient", "cursor"),
    CheckConstraint("sequence >= 0", name="sequence"),
    # A cursor is never reused, not even after the newest rows were deleted.
    sqlite_autoincrement=True,
)

# --- blobs -----------------------------------------------------------------------------------------------------------

# Every blob that a row names or ever named: what is asked before bytes are removed, so nothing is taken out again.
named_blobs: Final = _strict("named_blobs", Column("digest", Text, primary_key=True), sqlite_with_rowid=False)

# --- work ------------------------------------------------------------------------------------------------------------

work: Final = _strict(
    "work",
    _row(),
    _text("kind"),
    _text("subject"),
    _text("destination"),
    _whole("due_at"),
    _whole("attempts"),
    _whole("fence"),
    _maybe_whole("lease_until"),
    # Added again while leased: `finish` then makes it due at this time instead of dropping it (no lost wake-up).
    _maybe_whole("again_at"),
    UniqueConstraint("kind", "subject"),
    Index("ix_work_due", "due_at", "row"),
    Index("ix_work_destination", "destination", "lease_until", "due_at"),
    CheckConstraint("attempts >= 0", name="attempts"),
)

fences: Final = _strict(
    "fences",
    # One row. A fence is never given twice, also not to an item that was finished and added again.
    Column("one", Whole, primary_key=True, autoincrement=False),
    _whole("last"),
    CheckConstraint("one = 1", name="one"),
)

destinations: Final = _strict(
    "destinations",
    Column("name", Text, primary_key=True),
    _whole("failures"),
    _maybe_whole("not_before"),
    CheckConstraint("failures >= 0", name="failures"),
)

dead_letters: Final = _strict(
    "dead_letters",
    _row(),
    _text("kind"),
    _text("subject"),
    _text("destination"),
    _whole("due_at"),
    _whole("attempts"),
    _text("reason"),
    _whole("at"),
)

# --- audit -----------------------------------------------------------------------------------------------------------

openings: Final = _strict(
    "openings",
    _row(),
    _bytes("hash"),
    _bytes("salt"),
    _bytes("private"),
    _whole("at"),
    _text("event"),
    _text("subject"),
    _text("document"),
    _maybe_text("recipient"),
    # Whom it concerns: empty for the installation itself. Younger than the table, hence the default.
    Column("organ", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("hash"),
    Index(None, "document", "row"),
    CheckConstraint("length(hash) = 32", name="hash"),
)

pending_leaves: Final = _strict("pending_leaves", _row(), _bytes("data"))

leaves: Final = _strict(
    "leaves",
    Column("position", Whole, primary_key=True, autoincrement=False),
    _bytes("hash"),
    _bytes("data"),
    UniqueConstraint("hash"),
    CheckConstraint("position >= 0", name="position"),
    CheckConstraint("length(hash) = 32", name="hash"),
)

feed: Final = _strict(
    "feed",
    # What each body is told, in the order of the leaves. Written with the leaves, by one statement from leaves and openings
    # themselves, so that no foreign key needs to be asked for every row.
    Column("organ", Text, primary_key=True),
    Column("position", Whole, primary_key=True, autoincrement=False),
    _whole("opening"),
    sqlite_with_rowid=False,
)

tree_nodes: Final = _strict(
    "tree_nodes",
    Column("level", Whole, primary_key=True, autoincrement=False),
    Column("position", Whole, primary_key=True, autoincrement=False),
    _bytes("hash"),
    CheckConstraint("level > 0", name="level"),
    CheckConstraint("length(hash) = 32", name="hash"),
    sqlite_with_rowid=False,
)

tree_head: Final = _strict(
    "tree_head",
    Column("one", Whole, primary_key=True, autoincrement=False),
    _whole("size"),
    _bytes("root"),
    _bytes("frontier"),
    CheckConstraint("one = 1", name="one"),
    CheckConstraint("length(root) = 32", name="root"),
)

checkpoints: Final = _strict("checkpoints", Column("size", Whole, primary_key=True, autoincrement=False), _text("note"))

# --- order -----------------------------------------------------------------------------------------------------------

named_locks: Final = _strict(
    "turnstiles",  # its name since revision r0004
    # One row for each thing that units do one at a time (see `named_lock`).
    Column("name", Text, primary_key=True),
    _whole("last"),
    CheckConstraint("last >= 0", name="last"),
)

# --- registry and access ---------------------------------------------------------------------------------------------

activations: Final = _strict("activations", _row(), _whole("epoch"), _text("digest"), _whole("at"))

api_keys: Final = _strict(
    "api_keys",
    Column("key_id", Text, primary_key=True),
    _text("name"),
    _text("secret_digest"),
    _text("organs"),
    _text("scopes"),
    _text("addresses"),
    _maybe_whole("expires_at"),
    _maybe_whole("revoked_at"),
)

client_certificates: Final = _strict(
    "client_certificates",
    Column("pin", Text, primary_key=True),
    _text("name"),
    _text("organs"),
    _text("scopes"),
    _text("addresses"),
    _maybe_whole("expires_at"),
    _maybe_whole("revoked_at"),
)
