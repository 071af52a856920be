"""Whom to ask about a status message is a block with a department, a telephone and so on; it was a name, or an empty text."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ROWS = 1_000
"""Rows at a time: memory stays flat, however many years of exchange there are."""

_STATUSES = sa.text(
    "SELECT key, status FROM documents WHERE status IS NOT NULL AND key > :after ORDER BY key LIMIT :rows"
)
_WRITE = sa.text("UPDATE documents SET status = :status WHERE key = :key")
_UNSAID = dict.fromkeys(("department", "department_id", "staff", "staff_id", "email", "mobile"), "")


def upgrade() -> None:
    connection, after = op.get_bind(), ""
    while page := connection.execute(_STATUSES, {"after": after, "rows": ROWS}).all():
        changed = [{"key": key, "status": new} for key, old in page if (new := _with_block(old)) is not None]
        if changed:
            connection.execute(_WRITE, changed)
        after = page[-1].key


def _with_block(text: str) -> str | None:
    """The same message with the block; None for one that has it already, or nobody to ask."""
    message = json.loads(text)
    name = message.get("staff")
    if not isinstance(name, str):
        return None
    message["staff"] = _UNSAID | {"staff": name} if name.strip(" \t\r\n") else None
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
