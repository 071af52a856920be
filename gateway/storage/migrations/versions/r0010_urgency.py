"""Urgent work first; roads that an operator has paused; what one person asked for and a second has to confirm."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

URGENT = sa.text("urgency > 0")

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("work", "dead_letters"):
        op.add_column(table, sa.Column("urgency", whole, server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_work_urgent",
        "work",
        ["urgency", "due_at", "row"],
        unique=False,
        sqlite_where=URGENT,
        postgresql_where=URGENT,
    )
    op.create_table(
        "pauses",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_pauses")),
        sqlite_strict=True,
    )
    op.create_table(
        "requests",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", whole, nullable=False),
        sa.CheckConstraint("by <> ''", name=op.f("ck_requests_by")),
        sa.PrimaryKeyConstraint("action", "subject", name=op.f("pk_requests")),
        sqlite_strict=True,
    )
