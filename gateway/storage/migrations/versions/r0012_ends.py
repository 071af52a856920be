"""What expired, with its notice; deliveries that were rerouted; and due work found road by road.

A recipient has a second delivery of one document when the first was rerouted, so the number joins what is unique. Items are
looked for by their destination first, so that a long queue of a closed road is not walked through to reach the others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"

URGENT = sa.text("urgency > 0")
MOST_URGENT = sa.text("urgency DESC")
OLD = "uq_deliveries_document_recipient"
NEW = "uq_deliveries_document_recipient_sequence"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "non_deliveries",
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("expired_at", whole, nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("last_tried_at", whole, nullable=True),
        sa.Column("last_reason", sa.Text(), nullable=False),
        sa.Column("signed_at", whole, nullable=True),
        sa.Column("notice", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(notice IS NULL) = (signed_at IS NULL)", name=op.f("ck_non_deliveries_signed")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_non_deliveries_attempts")),
        sa.ForeignKeyConstraint(["document"], ["documents.key"], name=op.f("fk_non_deliveries_document_documents")),
        sa.ForeignKeyConstraint(["transfer"], ["transfers.key"], name=op.f("fk_non_deliveries_transfer_transfers")),
        sa.PrimaryKeyConstraint("transfer", name=op.f("pk_non_deliveries")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_non_deliveries_document_transfer"), "non_deliveries", ["document", "transfer"], unique=False
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.drop_constraint(OLD, "deliveries", type_="unique")
        op.create_unique_constraint(NEW, "deliveries", ["document", "recipient", "sequence"])
    _roads()


def _roads() -> None:
    op.drop_index("ix_work_destination", "work")
    op.drop_index("ix_work_urgent", "work")
    op.create_index("ix_work_road", "work", ["destination", "due_at", "row"], unique=False)
    for name, columns in (
        ("ix_work_urgent", (MOST_URGENT, "due_at", "row")),
        ("ix_work_urgent_road", ("destination", MOST_URGENT, "due_at", "row")),
    ):
        op.create_index(name, "work", columns, unique=False, sqlite_where=URGENT, postgresql_where=URGENT)


def _rebuild() -> None:
    """SQLite cannot drop a table's constraint: the table is made anew as it stands, but for this one line."""
    bind = op.get_bind()
    (made,) = bind.execute(sa.text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'deliveries'")).one()
    indexes = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'deliveries' AND sql IS NOT NULL"
    again = list(bind.execute(sa.text(indexes)).scalars())
    line, wanted = f"CONSTRAINT {OLD} UNIQUE (document, recipient)", "CREATE TABLE deliveries"
    if made.count(line) != 1 or not made.startswith(wanted):
        raise RuntimeError("the table of deliveries is not what the revisions before made")
    new = f"CONSTRAINT {NEW} UNIQUE (document, recipient, sequence)"
    op.execute(made.replace(wanted, "CREATE TABLE new_deliveries").replace(line, new))
    op.execute("INSERT INTO new_deliveries SELECT * FROM deliveries")
    op.drop_table("deliveries")
    op.rename_table("new_deliveries", "deliveries")
    for statement in again:
        op.execute(statement)
    if bind.execute(sa.text("PRAGMA foreign_key_check")).first() is not None:
        raise RuntimeError("a row lost the document it belongs to")
