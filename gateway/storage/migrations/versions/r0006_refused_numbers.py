"""A refused document does not keep its number: (sender, document_id) is unique among those that are not refused.

And what is held is found without reading all the rest.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

LIVE = sa.text("state <> 'refused'")
REFUSED = sa.text("state = 'refused'")
HELD = sa.text("state = 'held'")

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.drop_constraint(op.f("uq_documents_sender_document_id"), "documents", type_="unique")
    op.create_index(
        "uq_documents_live",
        "documents",
        ["sender", "document_id"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_index(
        "ix_documents_refused",
        "documents",
        ["sender", "document_id", "key"],
        unique=False,
        sqlite_where=REFUSED,
        postgresql_where=REFUSED,
    )
    op.create_index("ix_documents_held", "documents", ["key"], unique=False, sqlite_where=HELD, postgresql_where=HELD)
    op.create_index("ix_deliveries_held", "deliveries", ["row"], unique=False, sqlite_where=HELD, postgresql_where=HELD)


def _rebuild() -> None:
    """SQLite cannot drop a table's constraint: the table is made anew, and takes the rows and the name of the old one."""
    made = _documents()
    names = ", ".join(f'"{column.name}"' for column in made.columns)
    op.execute(f"INSERT INTO new_documents ({names}) SELECT {names} FROM documents")  # noqa: S608 - names from above
    op.drop_table("documents")
    op.rename_table("new_documents", "documents")
    op.create_index(op.f("ix_documents_sender_kind_key"), "documents", ["sender", "kind", "key"], unique=False)
    op.create_index(
        op.f("ix_documents_sender_kind_state_key"), "documents", ["sender", "kind", "state", "key"], unique=False
    )
    broken = op.get_bind().execute(sa.text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise RuntimeError("a row lost the document it belongs to")


def _documents() -> sa.Table:
    return op.create_table(
        "new_documents",
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
        sa.Column("ready_made", whole, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(envelope_digest IS NULL) = (envelope_size IS NULL)", name=op.f("ck_documents_envelope")),
        sa.CheckConstraint("(metadata IS NULL) <> (status IS NULL)", name=op.f("ck_documents_one_content")),
        sa.CheckConstraint("may_seal IN (0, 1)", name=op.f("ck_documents_may_seal")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_documents")),
        sa.UniqueConstraint("sender", "idempotency_key", name=op.f("uq_documents_sender_idempotency_key")),
        sqlite_strict=True,
    )
