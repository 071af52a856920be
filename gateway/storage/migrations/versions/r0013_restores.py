"""Restores: when the database went back to an earlier state, what its peers are asked then, and what they ask of it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("tree_head", sa.Column("base", whole, server_default=sa.text("0"), nullable=False))
    _own()
    _peers()


def _own() -> None:
    op.create_table(
        "reopenings",
        sa.Column("number", whole, autoincrement=False, nullable=False),
        sa.Column("kept", whole, nullable=False),
        sa.Column("since", whole, nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.CheckConstraint("kept >= 0", name=op.f("ck_reopenings_kept")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_reopenings")),
        sqlite_strict=True,
    )
    op.create_table(
        "skipped_numbers",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("first", whole, autoincrement=False, nullable=False),
        sa.Column("last", whole, nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.CheckConstraint("last >= first", name=op.f("ck_skipped_numbers_last")),
        sa.PrimaryKeyConstraint("sender", "recipient", "first", name=op.f("pk_skipped_numbers")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_skipped_numbers_destination", "skipped_numbers", ["destination", "sender", "recipient"], unique=False
    )
    op.create_table(
        "resyncs",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("number", whole, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("named", whole, nullable=False),
        sa.Column("lost", whole, nullable=False),
        sa.Column("newest", whole, nullable=False),
        sa.Column("changed_at", whole, nullable=False),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_resyncs")),
        sqlite_strict=True,
    )
    op.create_table(
        "wanted_transfers",
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("asked_at", whole, nullable=True),
        sa.PrimaryKeyConstraint("transfer", name=op.f("pk_wanted_transfers")),
        sqlite_strict=True,
    )
    op.create_index("ix_wanted_transfers_peer", "wanted_transfers", ["peer", "transfer"], unique=False)


def _peers() -> None:
    op.create_table(
        "restored_peers",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("number", whole, autoincrement=False, nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.PrimaryKeyConstraint("peer", "number", name=op.f("pk_restored_peers")),
        sqlite_strict=True,
    )
    op.create_table(
        "resends",
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("number", whole, nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("transfer", name=op.f("pk_resends")),
        sqlite_strict=True,
    )
