"""Timestamps that are owed to files that were sealed when no authority answered."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

UNPAID = sa.text("state <> 'stamped'")

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "owed_timestamps",
        sa.Column("row", whole, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("position", whole, nullable=False),
        sa.Column("sealed_digest", sa.Text(), nullable=False),
        sa.Column("sealed_size", whole, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("owed", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("archive_digest", sa.Text(), nullable=True),
        sa.Column("archive_size", whole, nullable=True),
        sa.Column("stamped_at", whole, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", whole, nullable=False),
        sa.Column("changed_at", whole, nullable=False),
        sa.Column("last_leaf", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(archive_digest IS NULL) = (archive_size IS NULL)", name=op.f("ck_owed_timestamps_archive")
        ),
        sa.CheckConstraint("position > 0", name=op.f("ck_owed_timestamps_position")),
        sa.ForeignKeyConstraint(["document"], ["documents.key"], name=op.f("fk_owed_timestamps_document_documents")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_owed_timestamps")),
        sa.UniqueConstraint("key", name=op.f("uq_owed_timestamps_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_owed_timestamps_document"), "owed_timestamps", ["document"], unique=False)
    op.create_index(
        "ix_owed_timestamps_unpaid",
        "owed_timestamps",
        ["state", "since"],
        unique=False,
        sqlite_where=UNPAID,
        postgresql_where=UNPAID,
    )
