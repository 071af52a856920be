"""The tables, once, for every dialect: what a row is, and which contradictions the database itself refuses.

STRICT tables of SQLite know TEXT, INTEGER and BLOB only (reliability.md, head), so there are no other types here. Instants
are integer milliseconds; a structured value that nobody searches is JSON text (`codec`). `Whole` is a 64-bit integer:
INTEGER on SQLite, BIGINT elsewhere. Foreign keys are immediate: a deferred one would be checked at COMMIT, where on
SQLite it would take down every unit of the group.

A change here needs a revision in `migrations/versions`; a test compares both to the letter.
"""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text

from gateway.storage import expiry_tables, log_tables, resync_tables, stream_tables, work_tables
from gateway.storage.columns import (
    METADATA,
    Whole,
    maybe_whole,
    maybe_words,
    octets,
    only,
    row_number,
    strict,
    whole,
    words,
)

metadata: Final = METADATA

# Streams, what expired, restores, the audit log and due work have files of their own; whoever looks for a table finds it here.
incoming_numbers: Final = stream_tables.incoming_numbers
incoming_streams: Final = stream_tables.incoming_streams
non_deliveries: Final = expiry_tables.non_deliveries
stream_handles: Final = stream_tables.stream_handles
streams: Final = stream_tables.streams
skipped_numbers: Final = resync_tables.skipped_numbers
reopenings: Final = resync_tables.reopenings
resyncs: Final = resync_tables.resyncs
wanted: Final = resync_tables.wanted
restored_peers: Final = resync_tables.restored_peers
resends: Final = resync_tables.resends
openings: Final = log_tables.openings
pending_leaves: Final = log_tables.pending_leaves
leaves: Final = log_tables.leaves
feed: Final = log_tables.feed
tree_nodes: Final = log_tables.tree_nodes
tree_head: Final = log_tables.tree_head
checkpoints: Final = log_tables.checkpoints
work: Final = work_tables.work
fences: Final = work_tables.fences
destinations: Final = work_tables.destinations
dead_letters: Final = work_tables.dead_letters

LIVE: Final = "state <> 'refused'"
REFUSED: Final = "state = 'refused'"
HELD: Final = "state = 'held'"
UNDER_WAY: Final = "state IN ('queued', 'sending', 'indeterminate')"
UNPAID: Final = "state <> 'stamped'"
"""Of an index over a part of the documents. A query uses it that says the very same, and not by a parameter."""

# --- outgoing --------------------------------------------------------------------------------------------------------

documents: Final = strict(
    "documents",
    Column("key", Text, primary_key=True),
    words("kind"),
    words("sender"),
    words("document_id"),
    words("state"),
    words("reason"),
    words("reason_params"),
    maybe_words("metadata"),
    maybe_words("status"),
    words("attachments"),
    whole("may_seal"),
    words("principal"),
    words("idempotency_key"),
    words("request_digest"),
    maybe_words("envelope_digest"),
    maybe_whole("envelope_size"),
    whole("accepted_at"),
    whole("changed_at"),
    words("trace_id"),
    words("last_leaf"),
    Column("ready_made", Whole, nullable=False, server_default=text("0")),  # added: older rows need a default
    UniqueConstraint("sender", "idempotency_key"),
    # A refused document never left this house: it does not keep its number.
    Index("uq_documents_live", "sender", "document_id", unique=True, **only(LIVE)),
    Index("ix_documents_refused", "sender", "document_id", "key", **only(REFUSED)),
    Index("ix_documents_held", "key", **only(HELD)),
    Index(None, "sender", "kind", "key"),  # newest first, for each sender: of any state, and of one
    Index(None, "sender", "kind", "state", "key"),
    CheckConstraint("may_seal IN (0, 1)", name="may_seal"),
    CheckConstraint("(metadata IS NULL) <> (status IS NULL)", name="one_content"),
    CheckConstraint("(envelope_digest IS NULL) = (envelope_size IS NULL)", name="envelope"),
)

deliveries: Final = strict(
    "deliveries",
    row_number(),
    words("key"),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    # No foreign key to transfers: a plan may write its deliveries before the transfers that carry them.
    maybe_words("transfer"),
    words("recipient"),
    maybe_words("destination"),
    whole("sequence"),
    words("state"),
    words("reason"),
    maybe_words("evidence"),
    maybe_words("business_status"),
    words("business_description"),
    maybe_whole("business_at"),
    whole("registry_epoch"),
    words("route_reason"),
    whole("changed_at"),
    words("last_leaf"),
    UniqueConstraint("key"),
    # A second one of the same recipient only when the first was rerouted, and with another number.
    UniqueConstraint("document", "recipient", "sequence"),
    Index(None, "transfer"),
    Index("ix_deliveries_held", "row", **only(HELD)),
    Index("ix_deliveries_under_way", "recipient", "row", **only(UNDER_WAY)),
    CheckConstraint("sequence >= 0", name="sequence"),
)

owed_timestamps: Final = strict(
    "owed_timestamps",
    row_number(),
    words("key"),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    whole("position"),
    words("sealed_digest"),
    whole("sealed_size"),
    words("level"),
    words("owed"),
    words("state"),
    maybe_words("archive_digest"),
    maybe_whole("archive_size"),
    maybe_whole("stamped_at"),
    words("reason"),
    whole("since"),
    whole("changed_at"),
    words("last_leaf"),
    UniqueConstraint("key"),
    Index(None, "document"),
    Index("ix_owed_timestamps_unpaid", "state", "since", **only(UNPAID)),
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("(archive_digest IS NULL) = (archive_size IS NULL)", name="archive"),
)


def _slip() -> tuple[Column[str] | Column[int], ...]:
    """The columns of a transfer's slip, the same in both directions."""
    return (
        words("origin"),
        words("destination"),
        words("kind"),
        words("sender"),
        words("document_id"),
        words("envelope_digest"),
        whole("envelope_size"),
        whole("registry_epoch"),
        whole("sent_at"),
        words("slip_recipients"),
    )


transfers: Final = strict(
    "transfers",
    row_number(),
    words("key"),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    *_slip(),
    words("state"),
    words("reason"),
    whole("attempts"),
    Column("answer", LargeBinary, nullable=True),
    whole("deadline"),
    whole("changed_at"),
    UniqueConstraint("key"),
    Index(None, "document"),
    CheckConstraint("attempts >= 0", name="attempts"),
)

# --- incoming --------------------------------------------------------------------------------------------------------

incoming_transfers: Final = strict(
    "incoming_transfers",
    Column("key", Text, primary_key=True),
    *_slip(),
    whole("received_at"),
    Column("answer", LargeBinary, nullable=True),
)

incoming_recipients: Final = strict(
    "incoming_recipients",
    Column("transfer", Text, ForeignKey("incoming_transfers.key"), primary_key=True),
    Column("position", Whole, primary_key=True, autoincrement=False),
    words("organ_id"),
    whole("sequence"),
    words("outcome"),
    words("code"),
    octets("leaf"),
    octets("salt"),
    CheckConstraint("sequence >= 0", name="sequence"),
)

inbox_messages: Final = strict(
    "inbox_messages",
    # SHA-256 of the text. One envelope for 168 bodies is one message: 45 KB once, not 168 times.
    Column("digest", Text, primary_key=True),
    words("message"),
)

inbox: Final = strict(
    "inbox",
    # Below zero as long as the entry is staged: outside of every page, inside of every unique constraint.
    Column("cursor", Whole, primary_key=True, autoincrement=True),
    words("key"),
    words("recipient"),
    words("sender"),
    words("document_id"),
    words("transfer"),
    Column("message_digest", Text, ForeignKey("inbox_messages.digest"), nullable=False),
    words("envelope_digest"),
    whole("envelope_size"),
    words("attachments"),
    words("verdicts"),
    whole("sequence"),
    words("business_status"),
    words("business_description"),
    whole("received_at"),
    whole("changed_at"),
    words("last_leaf"),
    maybe_whole("opened_at"),
    UniqueConstraint("key"),
    UniqueConstraint("recipient", "sender", "document_id"),
    Index(None, "sender", "document_id"),
    Index(None, "recipient", "cursor"),
    CheckConstraint("sequence >= 0", name="sequence"),
    # A cursor is never reused, not even after the newest rows were deleted.
    sqlite_autoincrement=True,
)

# --- what senders say afterwards, on both sides ----------------------------------------------------------------------

amendments: Final = strict(
    "amendments",
    row_number(),
    words("key"),
    words("side"),
    words("kind"),
    words("sender"),
    words("recipient"),
    words("document_id"),
    # Of the document that asks; empty where a status message did.
    words("by"),
    words("subject"),
    words("carrier"),
    words("state"),
    words("reason"),
    whole("asked_at"),
    words("words"),
    # How far the document had come: all three, or none is known. Who never opened it has no `opened_at` either.
    maybe_whole("opened_at"),
    maybe_words("standing"),
    maybe_whole("forwarded"),
    maybe_whole("answered_at"),
    whole("changed_at"),
    UniqueConstraint("key"),
    UniqueConstraint("side", "sender", "document_id", "recipient", "kind", "by"),
    Index(None, "subject"),
    Index(None, "carrier"),
    CheckConstraint("side IN ('sent', 'received')", name="side"),
    CheckConstraint("(standing IS NULL) = (forwarded IS NULL)", name="handling"),
    CheckConstraint("forwarded IN (0, 1)", name="forwarded"),
)

# --- blobs -----------------------------------------------------------------------------------------------------------

# Every blob that a row names or ever named: what is asked before bytes are removed, so nothing is taken out again.
named_blobs: Final = strict("named_blobs", Column("digest", Text, primary_key=True), sqlite_with_rowid=False)

# --- by hand ---------------------------------------------------------------------------------------------------------

pauses: Final = strict(
    "pauses",
    Column("destination", Text, primary_key=True),
    words("by"),
    words("reason"),
    whole("at"),
)

requests: Final = strict(
    "requests",
    # What one person asked for; a second one confirms it.
    Column("action", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    words("by"),
    words("reason"),
    whole("at"),
    CheckConstraint("by <> ''", name="by"),
)

# --- order -----------------------------------------------------------------------------------------------------------

named_locks: Final = strict(
    "turnstiles",  # its name since revision r0004
    # One row for each thing that units do one at a time (see `named_lock`).
    Column("name", Text, primary_key=True),
    whole("last"),
    CheckConstraint("last >= 0", name="last"),
)

# --- registry and access ---------------------------------------------------------------------------------------------

activations: Final = strict("activations", row_number(), whole("epoch"), words("digest"), whole("at"))

api_keys: Final = strict(
    "api_keys",
    Column("key_id", Text, primary_key=True),
    words("name"),
    words("secret_digest"),
    words("organs"),
    words("scopes"),
    words("addresses"),
    maybe_whole("expires_at"),
    maybe_whole("revoked_at"),
)

client_certificates: Final = strict(
    "client_certificates",
    Column("pin", Text, primary_key=True),
    words("name"),
    words("organs"),
    words("scopes"),
    words("addresses"),
    maybe_whole("expires_at"),
    maybe_whole("revoked_at"),
)
