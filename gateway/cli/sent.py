"""`gateway documents`: what an office sent, newest first, and how each stands."""

from collections.abc import Sequence
from typing import Any, Final

from gateway.cli.exits import Exit
from gateway.cli.link import office_client
from gateway.cli.orders import PageOrder, Session
from gateway.cli.outcome import addressed
from gateway.cli.output import WORDS_CHARS_MAX, Column, Terminal
from gateway.cli.paging import pages, tell_more
from gateway.core.clock import local_time, parse_rfc3339
from gateway.core.message import Code
from gateway.core.states import DeliveryState

Json = dict[str, Any]

_CODE: Final = Column(heading="cli.column.code", whole=True)
_SUBJECT: Final = Column(heading="cli.column.subject", longest=WORDS_CHARS_MAX)
_ARRIVED: Final = Column(heading="cli.column.arrived", whole=True)
_STATUS: Final = Column(heading="cli.column.status", widest=10)
_SENT: Final = Column(heading="cli.column.sent", whole=True)
_KEY: Final = Column(heading="cli.column.key", whole=True)


async def documents(session: Session, order: PageOrder, *, state: str) -> int:
    """A page of what was sent, or all of it."""
    async with office_client(session) as client:
        page = await pages(order, lambda cursor, limit: client.documents(state=state, cursor=cursor, limit=limit))
    terminal = session.terminal
    if terminal.json:
        terminal.value(page)
    elif page["items"]:
        print_documents(terminal, page["items"])
        tell_more(terminal, page)
        if terminal.for_people:
            terminal.say("cli.documents.next")
    elif state:
        terminal.say("cli.documents.none_in_state", state=state)
    else:
        terminal.say("cli.documents.none")
    return Exit.OK


def print_documents(terminal: Terminal, documents: Sequence[Json]) -> None:
    """As a table. The key is what other commands ask for: where room is scarce, other things are left out."""
    left_out = (_SENT,) if terminal.narrow else ()
    rows = [document_row(terminal, one) for one in documents]
    columns = [column for column in rows[0] if column not in left_out]
    terminal.table(columns, [[row[column] for column in columns] for row in rows])


def document_row(terminal: Terminal, document: Json) -> dict[Column, str]:
    """One document, as a line of the table. One that is a mere status message has no metadata."""
    metadata = document["metadata"] or {}
    code = Code(**metadata["code"]).text() if metadata else document["document_id"]
    return {
        _CODE: code,
        _SUBJECT: metadata.get("subject", ""),
        _ARRIVED: _arrived(terminal, document, len(metadata.get("recipients", ()))),
        _STATUS: terminal.word(f"document.{document['state']}"),
        _SENT: local_time(parse_rfc3339(document["accepted_at"])),
        _KEY: document["key"],
    }


def _arrived(terminal: Terminal, document: Json, recipients: int) -> str:
    """How many have it, of how many; a gateway of an older version tells only how many there are."""
    progress = document.get("deliveries")
    if progress is None:
        return terminal.number(recipients)
    delivered = progress["counts"].get(DeliveryState.DELIVERED.value, 0)
    return f"{terminal.number(delivered)}/{terminal.number(addressed(progress) or recipients)}"
