"""`gateway board`: who has a document and who has not, why, and when that last changed; those who do not have it first."""

from collections.abc import Sequence
from typing import Any, Final

from gateway.cli.amendments import amendments_cell
from gateway.cli.exits import Exit
from gateway.cli.link import office_client
from gateway.cli.orders import Session
from gateway.cli.outcome import lacks, reason_words
from gateway.cli.output import WORDS_CHARS_MAX, Column, Terminal
from gateway.core.clock import local_time, parse_rfc3339

Json = dict[str, Any]

_COUNT: Final = Column(heading="cli.column.count", whole=True)
_STATE: Final = Column(heading="cli.column.status", whole=True)
_RECIPIENT: Final = Column(heading="cli.column.recipient", whole=True)
_CHANGED: Final = Column(heading="cli.column.changed", whole=True)
_BUSINESS: Final = Column(heading="cli.column.business")
_REASON: Final = Column(heading="cli.column.reason", longest=WORDS_CHARS_MAX)
_AMENDED: Final = Column(heading="cli.column.amended", longest=WORDS_CHARS_MAX)


async def board(session: Session, key: str, *, missing: bool) -> int:
    """Counts by state, and a line for each recipient; `missing`: only for those who do not have it."""
    async with office_client(session) as client:
        document, deliveries = await client.document(key), await client.deliveries(key)
    rows = [row for row in deliveries if lacks(row) or not missing]
    rows.sort(key=lacks, reverse=True)  # stable: in the order of the recipients otherwise
    terminal = session.terminal
    if terminal.json:
        terminal.value({"document": document, "deliveries": rows})
    else:
        _print(terminal, document, rows)
    return Exit.OK


def _print(terminal: Terminal, document: Json, rows: Sequence[Json]) -> None:
    terminal.say(
        "cli.board.head", document=document["document_id"], state=terminal.word(f"document.{document['state']}")
    )
    counts = document["deliveries"]["counts"]
    if counts:
        shown = [(terminal.word(f"delivery.{state}"), count) for state, count in sorted(counts.items())]
        terminal.table((_STATE, _COUNT), shown)
    if rows:
        columns = [_RECIPIENT, _STATE, _CHANGED, _BUSINESS, _REASON]
        columns += [_AMENDED] if any(row.get("amendments") for row in rows) else []
        terminal.table(columns, [_row(terminal, row)[: len(columns)] for row in rows])


def _row(terminal: Terminal, row: Json) -> tuple[object, ...]:
    business = row["business_status"]
    return (
        row["recipient"],
        terminal.word(f"delivery.{row['state']}"),
        local_time(parse_rfc3339(row["changed_at"])),
        terminal.word(f"business.{business}") if business else "",
        reason_words(terminal, row["reason"]) if row["reason"] else "",
        amendments_cell(terminal, row.get("amendments", ())),  # a gateway of an older version tells none
    )
