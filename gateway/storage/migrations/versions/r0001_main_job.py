"""The schema of the main job."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _documents()
    _deliveries()
    _transfers()
    _incoming()
    _inbox()
    _work()
    _destinations()
    _leaves()
    _tree()
    _registry_and_access()


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reason_params", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("may_seal", whole, nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("envelope_digest", sa.Text(), nullable=True),
        sa.Column("envelope_size", whole, nullable=True),
        sa.Column("accepted_at", whole, nullable=False),
        sa.Column("changed_at", whole, nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("last_leaf", sa.Text(), nullable=False),
        sa.CheckConstraint("(envelope_digest IS NULL) = (envelope_size IS NULL)", name=op.f("ck_documents_envelope")),
        sa.CheckConstraint("(metadata IS NULL) <> (status IS NULL)", name=op.f("ck_documents_one_content")),
        sa.CheckConstraint("may_seal IN (0, 1)", name=op.f("ck_documents_may_seal")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_documents")),
        sa.UniqueConstraint("sender", "document_id", name=op.f("uq_documents_sender_document_id")),
        sa.UniqueConstraint("sender", "idempotency_key", name=op.f("uq_documents_sender_idempotency_key")),
        sqlite_strict=True,
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("sequence", whole, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("business_status", sa.Text(), nullable=True),
        sa.Column("business_description", sa.Text(), nullable=False),
        sa.Column("business_at", whole, nullable=True),
        sa.Column("registry_epoch", whole, nullable=False),
        sa.Column("route_reason", sa.Text(), nullable=False),
        sa.Column("changed_at", whole, nullable=False),
        sa.Column("last_leaf", sa.Text(), nullable=False),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_deliveries_sequence")),
        sa.ForeignKeyConstraint(["document"], ["documents.key"], name=op.f("fk_deliveries_document_documents")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("document", "recipient", name=op.f("uq_deliveries_document_recipient")),
        sa.UniqueConstraint("key", name=op.f("uq_deliveries_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_deliveries_transfer"), "deliveries", ["transfer"], unique=False)
    op.create_table(
        "streams",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("next_number", whole, nullable=False),
        sa.CheckConstraint("next_number > 1", name=op.f("ck_streams_next_number")),
        sa.PrimaryKeyConstraint("sender", "recipient", name=op.f("pk_streams")),
        sqlite_strict=True,
    )
    op.create_table(
        "stream_handles",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("year", whole, autoincrement=False, nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(handle) = 16", name=op.f("ck_stream_handles_handle")),
        sa.PrimaryKeyConstraint("sender", "recipient", "year", name=op.f("pk_stream_handles")),
        sqlite_strict=True,
    )


def _transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("envelope_digest", sa.Text(), nullable=False),
        sa.Column("envelope_size", whole, nullable=False),
        sa.Column("registry_epoch", whole, nullable=False),
        sa.Column("sent_at", whole, nullable=False),
        sa.Column("slip_recipients", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("deadline", whole, nullable=False),
        sa.Column("changed_at", whole, nullable=False),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_transfers_attempts")),
        sa.ForeignKeyConstraint(["document"], ["documents.key"], name=op.f("fk_transfers_document_documents")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_transfers")),
        sa.UniqueConstraint("key", name=op.f("uq_transfers_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_transfers_document"), "transfers", ["document"], unique=False)


def _incoming() -> None:
    op.create_table(
        "incoming_transfers",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("envelope_digest", sa.Text(), nullable=False),
        sa.Column("envelope_size", whole, nullable=False),
        sa.Column("registry_epoch", whole, nullable=False),
        sa.Column("sent_at", whole, nullable=False),
        sa.Column("slip_recipients", sa.Text(), nullable=False),
        sa.Column("received_at", whole, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_incoming_transfers")),
        sqlite_strict=True,
    )
    op.create_table(
        "incoming_recipients",
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("position", whole, autoincrement=False, nullable=False),
        sa.Column("organ_id", sa.Text(), nullable=False),
        sa.Column("sequence", whole, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_incoming_recipients_sequence")),
        sa.ForeignKeyConstraint(
            ["transfer"], ["incoming_transfers.key"], name=op.f("fk_incoming_recipients_transfer_incoming_transfers")
        ),
        sa.PrimaryKeyConstraint("transfer", "position", name=op.f("pk_incoming_recipients")),
        sqlite_strict=True,
    )


def _inbox() -> None:
    op.create_table(
        "inbox_messages",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_inbox_messages")),
        sqlite_strict=True,
    )
    op.create_table(
        "inbox",
        sa.Column("cursor", whole, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("message_digest", sa.Text(), nullable=False),
        sa.Column("envelope_digest", sa.Text(), nullable=False),
        sa.Column("envelope_size", whole, nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.Column("sequence", whole, nullable=False),
        sa.Column("business_status", sa.Text(), nullable=False),
        sa.Column("business_description", sa.Text(), nullable=False),
        sa.Column("received_at", whole, nullable=False),
        sa.Column("changed_at", whole, nullable=False),
        sa.Column("last_leaf", sa.Text(), nullable=False),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_inbox_sequence")),
        sa.ForeignKeyConstraint(
            ["message_digest"], ["inbox_messages.digest"], name=op.f("fk_inbox_message_digest_inbox_messages")
        ),
        sa.PrimaryKeyConstraint("cursor", name=op.f("pk_inbox")),
        sa.UniqueConstraint("key", name=op.f("uq_inbox_key")),
        sa.UniqueConstraint("recipient", "sender", "document_id", name=op.f("uq_inbox_recipient_sender_document_id")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_inbox_recipient_cursor"), "inbox", ["recipient", "cursor"], unique=False)
    op.create_index(op.f("ix_inbox_sender_document_id"), "inbox", ["sender", "document_id"], unique=False)


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("due_at", whole, nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("fence", whole, nullable=False),
        sa.Column("lease_until", whole, nullable=True),
        sa.Column("again_at", whole, nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_work_attempts")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_work")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_work_kind_subject")),
        sqlite_strict=True,
    )
    op.create_index("ix_work_destination", "work", ["destination", "lease_until", "due_at"], unique=False)
    op.create_index("ix_work_due", "work", ["due_at", "row"], unique=False)
    op.create_table(
        "fences",
        sa.Column("one", whole, autoincrement=False, nullable=False),
        sa.Column("last", whole, nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_fences_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_fences")),
        sqlite_strict=True,
    )


def _destinations() -> None:
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", whole, nullable=False),
        sa.Column("not_before", whole, nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_destinations_failures")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destinations")),
        sqlite_strict=True,
    )
    op.create_table(
        "dead_letters",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("due_at", whole, nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_dead_letters")),
        sqlite_strict=True,
    )


def _leaves() -> None:
    op.create_table(
        "openings",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_openings_hash")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_openings")),
        sa.UniqueConstraint("hash", name=op.f("uq_openings_hash")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_openings_document_row"), "openings", ["document", "row"], unique=False)
    op.create_table(
        "pending_leaves",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_pending_leaves")),
        sqlite_strict=True,
    )
    op.create_table(
        "leaves",
        sa.Column("position", whole, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_leaves_hash")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_leaves_position")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_leaves")),
        sa.UniqueConstraint("hash", name=op.f("uq_leaves_hash")),
        sqlite_strict=True,
    )


def _tree() -> None:
    op.create_table(
        "tree_nodes",
        sa.Column("level", whole, autoincrement=False, nullable=False),
        sa.Column("position", whole, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_tree_nodes_hash")),
        sa.CheckConstraint("level > 0", name=op.f("ck_tree_nodes_level")),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_tree_nodes")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tree_head",
        sa.Column("one", whole, autoincrement=False, nullable=False),
        sa.Column("size", whole, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(root) = 32", name=op.f("ck_tree_head_root")),
        sa.CheckConstraint("one = 1", name=op.f("ck_tree_head_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_tree_head")),
        sqlite_strict=True,
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", whole, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
        sqlite_strict=True,
    )


def _registry_and_access() -> None:
    op.create_table(
        "activations",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("epoch", whole, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_activations")),
        sqlite_strict=True,
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("organs", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", whole, nullable=True),
        sa.Column("revoked_at", whole, nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sqlite_strict=True,
    )
