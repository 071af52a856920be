"""Turnstiles; the inbox counts its cursors itself, so that they become visible in their order on every database."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    turnstiles = op.create_table(
        "turnstiles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", whole, nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("ck_turnstiles_last")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turnstiles")),
        sqlite_strict=True,
    )
    newest = op.get_bind().execute(sa.text("SELECT coalesce(max(cursor), 0) FROM inbox")).scalar_one()
    op.bulk_insert(
        turnstiles,
        [
            {"name": "inbox", "last": newest},
            {"name": "directory", "last": 0},
            {"name": "checkpoints", "last": 0},
        ],
    )
