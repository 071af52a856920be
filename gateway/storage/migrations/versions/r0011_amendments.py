"""What senders say afterwards of documents they have sent: recall, update, replace; and when an entry was first opened."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("inbox", sa.Column("opened_at", whole, nullable=True))
    op.create_table(
        "amendments",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", whole, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("opened_at", whole, nullable=True),
        sa.Column("standing", sa.Text(), nullable=True),
        sa.Column("forwarded", whole, nullable=True),
        sa.Column("answered_at", whole, nullable=True),
        sa.Column("changed_at", whole, nullable=False),
        sa.CheckConstraint("side IN ('sent', 'received')", name=op.f("ck_amendments_side")),
        sa.CheckConstraint("(standing IS NULL) = (forwarded IS NULL)", name=op.f("ck_amendments_handling")),
        sa.CheckConstraint("forwarded IN (0, 1)", name=op.f("ck_amendments_forwarded")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_amendments")),
        sa.UniqueConstraint("key", name=op.f("uq_amendments_key")),
        sa.UniqueConstraint(
            "side",
            "sender",
            "document_id",
            "recipient",
            "kind",
            "by",
            name=op.f("uq_amendments_side_sender_document_id_recipient_kind_by"),
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_amendments_subject"), "amendments", ["subject"])
    op.create_index(op.f("ix_amendments_carrier"), "amendments", ["carrier"])
