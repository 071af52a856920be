"""The commands of an office, over HTTPS like any document system: send, inbox, get, accept, refuse, trace."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.api import ApiProblem, OfficeClient
from gateway.cli.errors import Exit, Failure
from gateway.cli.link import office_client
from gateway.cli.names import safe_names
from gateway.cli.orders import SendOrder, Session
from gateway.cli.output import Terminal, local_time
from gateway.cli.progress import watch
from gateway.core.clock import parse_rfc3339
from gateway.core.states import DeliveryState, DocumentState
from gateway.core.verdict import Indication

Json = dict[str, Any]

_UNDONE: Final = frozenset({DocumentState.REFUSED.value, DocumentState.HELD.value})
_WORST_FIRST: Final = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
EDXML_SUFFIX: Final = ".edxml"


# --- out ---------------------------------------------------------------------------------------------------------------


async def send(session: Session, order: SendOrder) -> int:
    """Hand a document in; with `wait`, stay until every recipient has it or never will."""
    metadata = metadata_of(order)
    contents = [(path.name, _content(path)) for path in order.files]
    key = order.idempotency_key or content_key(metadata, contents)
    terminal = session.terminal
    async with office_client(session) as client:
        document = await client.send_contents(metadata, contents, key)
        terminal.say("cli.send.accepted", document=document["document_id"])
        if order.wait:
            document = await watch(client, document["key"], terminal)
    if terminal.json:
        terminal.value(document)
    else:
        terminal.print(document["key"])
    return _told(terminal, document) if order.wait else Exit.OK


def metadata_of(order: SendOrder) -> Json:
    """The part `metadata` of a submission. What was not said is left out: defaults are the gateway's."""
    said: Json = {
        "sender": order.sender,
        "recipients": list(order.recipients),
        "code": {"number": order.number, "notation": order.notation},
        "promulgation_place": order.place,
        "promulgation_date": order.date.isoformat(),
        "subject": order.subject,
        "priority": order.priority,
    }
    return said if order.type_name is None else {**said, "type_name": order.type_name}


def content_key(metadata: Mapping[str, Any], contents: Sequence[tuple[str, bytes]]) -> str:
    """An idempotency key made of everything that is sent: the same command again is the same submission."""
    files = [[name, hashlib.sha256(content).hexdigest()] for name, content in contents]
    canonical = json.dumps([metadata, files], ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"cli-{hashlib.sha256(canonical.encode()).hexdigest()}"


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise Failure("cli.no_file", path=str(path))
    return path.read_bytes()


def _told(terminal: Terminal, document: Json) -> int:
    """How it ended, in words on stderr and as an exit code."""
    counts = document["deliveries"]["counts"]
    delivered, total = counts.get(DeliveryState.DELIVERED.value, 0), document["deliveries"]["total"]
    for state, count in counts.items():
        terminal.say("cli.send.count", state=terminal.word(f"delivery.{state}"), count=count)
    if document["state"] in _UNDONE:
        reason = document.get("reason") or {}
        state = terminal.word(f"document.{document['state']}")
        terminal.say("cli.send.undone", state=state, reason=reason.get(f"what_{terminal.language}"))
        if todo := reason.get(f"todo_{terminal.language}"):
            terminal.talk.print(todo, markup=False, soft_wrap=True)
        return Exit.PROBLEM
    return Exit.OK if delivered == total else Exit.PROBLEM


# --- in ----------------------------------------------------------------------------------------------------------------


async def inbox(session: Session, *, after: int, limit: int) -> int:
    """A page of what arrived, oldest first."""
    async with office_client(session) as client:
        page = await client.inbox(after, limit)
    terminal = session.terminal
    if terminal.json:
        terminal.value(page)
        return Exit.OK
    if not page["entries"]:
        terminal.say("cli.inbox.empty")
        return Exit.OK
    columns = (
        "cli.column.key",
        "cli.column.code",
        "cli.column.subject",
        "cli.column.sender",
        "cli.column.priority",
        "cli.column.signature",
        "cli.column.status",
        "cli.column.received",
    )
    terminal.table(columns, [inbox_row(terminal, entry) for entry in page["entries"]])
    if page["more"]:
        terminal.say("cli.inbox.more", after=page["next_after"])
    return Exit.OK


def inbox_row(terminal: Terminal, entry: Json) -> tuple[str, ...]:
    """One document that arrived, as a line of the table."""
    message = entry["message"]
    return (
        entry["key"],
        message["code"]["text"],
        message["subject"],
        message["sender"]["name"] or entry["sender"],
        terminal.word(f"priority.{message['priority']}"),
        terminal.word(f"indication.{worst_indication(entry)}"),
        terminal.word(f"business.{entry['business_status']}"),
        local_time(parse_rfc3339(entry["received_at"])),
    )


def worst_indication(entry: Json) -> str:
    """The verdict that decides for the whole entry; `none` when no file of it carries a signature."""
    found = {attached["indication"] for attached in entry["attachments"]}
    return next((indication for indication in _WORST_FIRST if indication in found), "none")


async def get(session: Session, key: str, *, folder: Path, force: bool) -> int:
    """Save the edXML file of a document that arrived, and its files.

    Raises:
        Failure: a file of that name is there already.
    """
    terminal = session.terminal
    async with office_client(session) as client:
        entry = await client.entry(key)
        attachments = entry["attachments"]
        names = safe_names([f"{entry['key']}{EDXML_SUFFIX}", *(attached["name"] for attached in attachments)])
        targets = [folder / name for name in names]
        _make_room(folder, targets, force=force)
        await client.content(key, targets[0])
        for attached, target in zip(attachments, targets[1:], strict=True):
            await client.attachment(key, attached["position"], target)
    if terminal.json:
        terminal.value({"entry": entry, "files": [str(target) for target in targets]})
    else:
        for target in targets:
            terminal.print(str(target))
    terminal.say("cli.get.signature", verdict=terminal.word(f"indication.{worst_indication(entry)}"))
    return Exit.OK


def _make_room(folder: Path, targets: Sequence[Path], *, force: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for target in targets if not force else ():
        if target.exists() or target.is_symlink():
            raise Failure("cli.exists", path=str(target))


async def accept(session: Session, key: str) -> int:
    """Tiếp nhận."""
    async with office_client(session) as client:
        return _answered(session.terminal, await client.accept(key))


async def refuse(session: Session, key: str, *, reason: str) -> int:
    """Từ chối tiếp nhận, with the reason the sender will read."""
    async with office_client(session) as client:
        return _answered(session.terminal, await client.refuse(key, reason))


def _answered(terminal: Terminal, entry: Json) -> int:
    if terminal.json:
        terminal.value(entry)
    else:
        status = terminal.word(f"business.{entry['business_status']}")
        terminal.print(f"{entry['document_id']}: {status}")
    return Exit.OK


# --- the story ---------------------------------------------------------------------------------------------------------


async def trace(session: Session, key: str) -> int:
    """Hành trình: of a document that was sent, or else of one that arrived."""
    async with office_client(session) as client:
        side, subject, events = await _story(client, key)
    terminal = session.terminal
    if terminal.json:
        terminal.value({side: subject, "events": events})
        return Exit.OK
    terminal.say("cli.trace.head", document=subject["document_id"], state=_standing(terminal, side, subject))
    terminal.table(
        ("cli.column.time", "cli.column.event", "cli.column.recipient", "cli.column.detail"),
        [event_row(terminal, event) for event in events],
    )
    return Exit.OK


async def _story(client: OfficeClient, key: str) -> tuple[str, Json, list[Json]]:
    try:
        return "document", await client.document(key), await client.history(key)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
    return "entry", await client.entry(key), await client.entry_history(key)


def _standing(terminal: Terminal, side: str, subject: Json) -> str:
    if side == "entry":
        return terminal.word(f"business.{subject['business_status']}")
    deliveries = subject["deliveries"]
    delivered = deliveries["counts"].get(DeliveryState.DELIVERED.value, 0)
    state = terminal.word(f"document.{subject['state']}")
    return f"{state} · {delivered}/{deliveries['total']}"


def event_row(terminal: Terminal, event: Json) -> tuple[str, ...]:
    """One line of the story; a time in it may have to serve as evidence, so with seconds."""
    at = local_time(parse_rfc3339(event["at"]), seconds=True)
    return at, terminal.word(f"event.{event['event']}"), event["recipient"] or "", event["detail"]
