"""Which blobs rows name, by digest: asked before bytes that nothing names are removed."""

import json
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROWS = 1_000
"""Rows read at a time: memory stays flat, however many years of exchange there are."""

_ENVELOPES = (
    "INSERT INTO named_blobs (digest) "
    "SELECT envelope_digest FROM documents WHERE envelope_digest IS NOT NULL "
    "UNION SELECT envelope_digest FROM transfers "
    "UNION SELECT envelope_digest FROM incoming_transfers "
    "UNION SELECT envelope_digest FROM inbox"
)
_FILE = "INSERT INTO named_blobs (digest) VALUES (:digest) ON CONFLICT DO NOTHING"
_FILES = ("SELECT attachments FROM documents", "SELECT DISTINCT attachments FROM inbox")


def upgrade() -> None:
    op.create_table(
        "named_blobs",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_named_blobs")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    connection.execute(sa.text(_ENVELOPES))
    for statement in _FILES:
        lists = connection.execute(sa.text(statement), execution_options={"yield_per": ROWS}).scalars()
        for page in lists.partitions():
            if digests := _named(page):
                connection.execute(sa.text(_FILE), [{"digest": digest} for digest in sorted(digests)])


def _named(lists: Iterable[str]) -> set[str]:
    """The digests in some lists of attachments."""
    return {file["blob"]["digest"] for text in lists for file in json.loads(text)}
