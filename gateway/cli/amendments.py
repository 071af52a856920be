"""`gateway recall`, `replace`, `update`, `agree`, `decline`: what was sent already, taken back or amended."""

from collections.abc import Sequence
from typing import Any, Final

from gateway.api import OfficeClient
from gateway.cli import office, rehearsal
from gateway.cli.entry import entry_named
from gateway.cli.exits import Exit
from gateway.cli.link import office_client
from gateway.cli.orders import AmendingOrder, AmendOrder, SendOrder, Session
from gateway.cli.output import Column, Terminal
from gateway.core.clock import local_time, parse_rfc3339
from gateway.core.errors import SenderError
from gateway.core.states import AmendmentState

Json = dict[str, Any]

_COUNT: Final = Column(heading="cli.column.count", whole=True)
_LOST: Final = frozenset({"refused", "expired", "held", "void"})
"""Where the delivery of what asks has ended, or stands still: nobody will answer."""
_STATE: Final = Column(heading="cli.column.status", whole=True)
_KIND: Final = ("type_name", "document_type", "type_detail")
"""What kind of document it is: the gateway guesses none of them from another."""


async def amend(session: Session, order: AmendOrder | AmendingOrder) -> int:
    """Recall, replace or update a document that was sent; or answer a recall or an update of one that arrived."""
    if isinstance(order, AmendingOrder):
        return await _send_amending(session, order)
    reason = order.reason
    if reason is None:
        reason = session.stdin.ask("cli.amend.reason", option="--reason")
    async with office_client(session) as client:
        if order.wish == "recall":
            if order.dry_run:
                return await rehearsal.recall(session.terminal, client, order.key, reason)
            return _told(session.terminal, await client.recall(order.key, reason))
        async with entry_named(client, order.key) as key:
            if order.dry_run:
                return await rehearsal.answer_amendment(session.terminal, client, key, (order.wish, reason))
            entry = await _answer(client, key, order, reason)
    terminal = session.terminal
    if terminal.json:
        terminal.value(entry)
    else:
        for one in entry["amendments"]:
            terminal.print(f"{entry['document_id']}: {amendment_words(terminal, one)}")
    return Exit.OK


async def _answer(client: OfficeClient, key: str, order: AmendOrder, reason: str) -> Json:
    if order.wish == "agree":
        return await client.agree(key, forwarded=order.forwarded)
    return await client.decline(key, reason, forwarded=order.forwarded)


def _told(terminal: Terminal, recall: Json) -> int:
    if terminal.json:
        terminal.value(recall)
        return Exit.OK
    document = recall["document"]
    state = terminal.word(f"document.{document['state']}")
    terminal.print(f"{document['document_id']}: {state}")
    counts = [(terminal.word(f"amendment.{state}"), count) for state, count in recall["counts"].items()]
    if counts:
        terminal.table((_STATE, _COUNT), counts)
        terminal.say("cli.recall.next", key=document["key"])
    return Exit.OK


def amendment_words(terminal: Terminal, one: Json) -> str:
    """What is asked of a document and how it stands, on one line: `Thu hồi: Từ chối — Đã chuyển (đã mở 21/11/2026 13:05)`."""
    kind, state = terminal.word(f"amendment.kind.{one['kind']}"), terminal.word(f"amendment.{one['state']}")
    said = f"{kind}: {state}"
    if one["state"] == AmendmentState.ASKED and one["reached"] in _LOST:
        lost = terminal.word(f"delivery.{one['reached']}")
        said = f"{said} [{lost}]"
    words = one["words"] or (one["reason"] if one["answered_at"] is None else "")
    said = f"{said} — {' '.join(words.split())}" if words else said
    handling = one["handling"]
    if not handling:
        return said
    opened, standing = handling["opened_at"], terminal.word(f"business.{handling['business_status']}")
    facts = [
        terminal.text("cli.amendment.opened", at=local_time(parse_rfc3339(opened)))
        if opened
        else terminal.text("cli.amendment.unopened"),
        standing,
        *([terminal.text("cli.amendment.forwarded")] if handling["forwarded"] else ()),
    ]
    return f"{said} ({'; '.join(facts)})"


def amendments_cell(terminal: Terminal, amendments: Sequence[Json]) -> str:
    """All that is asked of one recipient."""
    return " · ".join(amendment_words(terminal, one) for one in amendments)


async def _send_amending(session: Session, order: AmendingOrder) -> int:
    """Send a document that replaces or updates an earlier one. What was not said is as in that one.

    Raises:
        SenderError: `amendment.unknown`: that key is a status message's.
    """
    async with office_client(session) as client:
        earlier = await client.document(order.key)
    said = earlier["metadata"]
    if said is None:
        raise SenderError("amendment.unknown", document_id=earlier["document_id"])
    sending = SendOrder(
        files=order.files,
        filename=None,
        sender=said["sender"],
        recipients=order.recipients or tuple(said["recipients"]),
        number=order.number,
        notation=order.notation or said["code"]["notation"],
        subject=order.subject or said["subject"],
        place=said["promulgation_place"],
        date=order.date,
        type_name=None,
        priority=said["priority"],
        idempotency_key=None,
        wait=order.wait,
        further={
            **{name: said[name] for name in _KIND},
            "business": {"kind": order.wish, "documents": [earlier["document_id"]], "reason": order.reason},
        },
    )
    return await (rehearsal.send(session, sending) if order.dry_run else office.send(session, sending))
