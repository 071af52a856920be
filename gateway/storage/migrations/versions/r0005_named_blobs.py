"""Which blobs rows name, by digest: asked before bytes that nothing names are removed."""

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROWS = 1_000
"""Digests written at a time."""

_ENVELOPES = (
    "SELECT envelope_digest FROM documents WHERE envelope_digest IS NOT NULL",
    "SELECT envelope_digest FROM transfers",
    "SELECT envelope_digest FROM incoming_transfers",
    "SELECT envelope_digest FROM inbox",
)
_FILES = ("SELECT attachments FROM documents", "SELECT DISTINCT attachments FROM inbox")


def upgrade() -> None:
    named_blobs = op.create_table(
        "named_blobs",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_named_blobs")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    named = [{"digest": digest} for digest in sorted(set(_named(op.get_bind())))]
    for start in range(0, len(named), ROWS):
        op.bulk_insert(named_blobs, named[start : start + ROWS])


def _named(connection: sa.Connection) -> Iterator[str]:
    for statement in _ENVELOPES:
        yield from connection.execute(sa.text(statement)).scalars()
    for statement in _FILES:
        for text in connection.execute(sa.text(statement)).scalars():
            yield from (file["blob"]["digest"] for file in json.loads(text))
