"""Order of streams: how far each has come on the receiving side, what waits in it, and where its newest number went.

A stream of before is taken up after the greatest number that arrived: what is missing below it enters when it comes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

OVERDUE = sa.text("overdue_at IS NOT NULL")
STAGED = sa.text("since IS NOT NULL")
UNDER_WAY = sa.text("state IN ('queued', 'sending', 'indeterminate')")

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A number for a body that is not ours (any more) is nobody's stream here.
_EXPECTED = sa.text(
    "INSERT INTO incoming_streams (sender, recipient, expected, waiting, kept_from)"
    " SELECT t.sender, r.organ_id, max(r.sequence) + 1, 0, max(r.sequence) + 1"
    " FROM incoming_recipients r JOIN incoming_transfers t ON t.key = r.transfer"
    " WHERE r.sequence > 0 AND r.code <> 'recipient.unknown' GROUP BY t.sender, r.organ_id"
)
_NEWEST = sa.text(
    'CREATE TEMPORARY TABLE r0010_newest AS SELECT o.sender AS sender, d.recipient AS recipient, max(d."row") AS newest'
    " FROM deliveries d JOIN documents o ON o.key = d.document WHERE d.transfer IS NOT NULL"
    " GROUP BY o.sender, d.recipient"
)
_NEWEST_INDEX = sa.text("CREATE UNIQUE INDEX r0010_newest_stream ON r0010_newest (sender, recipient)")
_DESTINATION = sa.text(
    "UPDATE streams SET destination = coalesce((SELECT d.destination FROM r0010_newest n"
    ' JOIN deliveries d ON d."row" = n.newest'
    " WHERE n.sender = streams.sender AND n.recipient = streams.recipient), '')"
)


def upgrade() -> None:
    _make_tables()
    op.add_column("streams", sa.Column("destination", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("streams", sa.Column("since", whole, server_default=sa.text("1"), nullable=False))
    op.create_index(
        "ix_deliveries_under_way",
        "deliveries",
        ["recipient", "row"],
        unique=False,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )
    for statement in (_EXPECTED, _NEWEST, _NEWEST_INDEX, _DESTINATION, sa.text("DROP TABLE r0010_newest")):
        op.execute(statement)


def _make_tables() -> None:
    op.create_table(
        "incoming_streams",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("expected", whole, nullable=False),
        sa.Column("waiting", whole, nullable=False),
        sa.Column("overdue_at", whole, nullable=True),
        sa.Column("kept_from", whole, server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("expected > 0", name=op.f("ck_incoming_streams_expected")),
        sa.CheckConstraint("waiting >= 0", name=op.f("ck_incoming_streams_waiting")),
        sa.PrimaryKeyConstraint("sender", "recipient", name=op.f("pk_incoming_streams")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_incoming_streams_overdue",
        "incoming_streams",
        ["overdue_at"],
        unique=False,
        sqlite_where=OVERDUE,
        postgresql_where=OVERDUE,
    )
    op.create_table(
        "incoming_numbers",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("first", whole, autoincrement=False, nullable=False),
        sa.Column("last", whole, nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("since", whole, nullable=True),
        sa.Column("ends_at", whole, nullable=True),
        sa.CheckConstraint("(entry IS NULL) = (since IS NULL)", name=op.f("ck_incoming_numbers_entry")),
        sa.CheckConstraint("(ends_at IS NULL) = (since IS NULL)", name=op.f("ck_incoming_numbers_ends_at")),
        sa.CheckConstraint("last >= first", name=op.f("ck_incoming_numbers_last")),
        sa.PrimaryKeyConstraint("sender", "recipient", "first", name=op.f("pk_incoming_numbers")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_incoming_numbers_ends_at",
        "incoming_numbers",
        ["sender", "ends_at"],
        unique=False,
        sqlite_where=STAGED,
        postgresql_where=STAGED,
    )
