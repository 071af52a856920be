"""The change feed, the listing of documents, and documents that are handed in as finished envelopes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_CONCERNS = """
UPDATE openings SET organ = COALESCE(
    (SELECT documents.sender FROM documents WHERE documents.key = openings.document),
    (SELECT inbox.recipient FROM inbox WHERE inbox.key = openings.subject),
    ''
)
"""
"""Whom an older event concerns: the sender of its document, or the body in whose inbox its subject is."""

_FEED = """
INSERT INTO feed (organ, position, opening)
SELECT openings.organ, leaves.position, openings."row"
FROM leaves JOIN openings ON openings.hash = leaves.hash
WHERE openings.organ <> ''
"""
"""Leaves that are still pending come in when they get their position, like new ones."""


def upgrade() -> None:
    op.add_column("documents", sa.Column("ready_made", whole, server_default=sa.text("0"), nullable=False))
    op.create_index(op.f("ix_documents_sender_kind_key"), "documents", ["sender", "kind", "key"], unique=False)
    op.create_index(
        op.f("ix_documents_sender_kind_state_key"), "documents", ["sender", "kind", "state", "key"], unique=False
    )
    op.add_column("openings", sa.Column("organ", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "feed",
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("position", whole, autoincrement=False, nullable=False),
        sa.Column("opening", whole, nullable=False),
        sa.PrimaryKeyConstraint("organ", "position", name=op.f("pk_feed")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute(_CONCERNS)
    op.execute(_FEED)
