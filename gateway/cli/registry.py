"""The commands that look into the registry: org find, org show."""

from typing import Any, Final

from gateway.cli.exits import Exit
from gateway.cli.link import office_client
from gateway.cli.orders import PageOrder, Session
from gateway.cli.output import WORDS_CHARS_MAX, Column
from gateway.cli.paging import pages, tell_more

Json = dict[str, Any]

_CODE: Final = Column(heading="cli.column.code_of_body", whole=True)
_NAME: Final = Column(heading="cli.column.name", longest=WORDS_CHARS_MAX)
_STATUS: Final = Column(heading="cli.column.status", widest=16)


async def find(session: Session, text: str, order: PageOrder) -> int:
    """Bodies whose code or name holds the text, however it is accented; by code."""
    async with office_client(session) as client:
        page = await pages(order, lambda cursor, limit: client.organizations(text, cursor=cursor, limit=limit))
    terminal = session.terminal
    if terminal.json:
        terminal.value(page)
    elif page["items"]:
        rows = [(body["organ_id"], body["name"], terminal.word(f"body.{body['status']}")) for body in page["items"]]
        terminal.table((_CODE, _NAME, _STATUS), rows)
        tell_more(terminal, page)
    else:
        terminal.say("cli.org.none")
    return Exit.OK


async def show(session: Session, code: str) -> int:
    """A body of the registry."""
    async with office_client(session) as client:
        body = await client.organization(code)
    terminal = session.terminal
    if terminal.json:
        terminal.value(body)
        return Exit.OK
    terminal.facts(
        [
            ("cli.column.code_of_body", body["organ_id"]),
            ("cli.column.name", body["name"]),
            ("cli.column.in_charge", body["in_charge"]),
            ("cli.column.gateway", body["gateway"]),
            ("cli.column.status", terminal.word(f"body.{body['status']}")),
            ("cli.column.successor", body["successor"] or ""),
        ]
    )
    return Exit.OK
