"""What a peer named and is not here: each peer's own word, so that none can speak for another.

The key was the transfer alone: what one peer had named could not be remembered as another's, who really has it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.execute("CREATE TABLE wanted_before AS SELECT peer, transfer, receipt, asked_at FROM wanted_transfers")
    op.drop_table("wanted_transfers")  # with its index, and the names of both
    op.create_table(
        "wanted_transfers",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("asked_at", whole, nullable=True),
        sa.PrimaryKeyConstraint("peer", "transfer", name=op.f("pk_wanted_transfers")),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO wanted_transfers (peer, transfer, receipt, asked_at) "
        "SELECT peer, transfer, receipt, asked_at FROM wanted_before"
    )
    op.drop_table("wanted_before")
