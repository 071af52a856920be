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
from gateway.core.ids import DIGEST
from gateway.core.states import DeliveryState, DocumentState
from gateway.core.verdict import Indication

Json = dict[str, Any]

_UNDONE: Final = frozenset({DocumentState.REFUSED.value, DocumentState.HELD.value})
_WORST_FIRST: Final = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
_POSITION_DIGITS_MAX: Final = 18
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
        deliveries: list[Json] = []
        if order.wait:
            document = await watch(client, document["key"], terminal)
            deliveries = await client.deliveries(document["key"])
    if terminal.json:
        terminal.value(document)
    else:
        terminal.print(document["key"])
    return tell_ending(terminal, document, deliveries) if order.wait else Exit.OK


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


def tell_ending(terminal: Terminal, document: Json, deliveries: Sequence[Json]) -> int:
    """How it ended, in words on stderr (who did not get it, and why) and as an exit code."""
    counts = document["deliveries"]["counts"]
    for state, count in counts.items():
        terminal.say("cli.send.count", state=terminal.word(f"delivery.{state}"), count=count)
    undelivered = [delivery for delivery in deliveries if delivery["state"] != DeliveryState.DELIVERED]
    for delivery in undelivered:
        state = terminal.word(f"delivery.{delivery['state']}")
        _tell_reason(terminal, f"{delivery['recipient']}: {state}", delivery["reason"])
    if document["state"] in _UNDONE:
        _tell_reason(terminal, terminal.word(f"document.{document['state']}"), document["reason"])
        return Exit.PROBLEM
    all_delivered = counts.get(DeliveryState.DELIVERED.value, 0) == document["deliveries"]["total"]
    return Exit.OK if all_delivered else Exit.PROBLEM


def _tell_reason(terminal: Terminal, head: str, reason: Json | None) -> None:
    """A state with the reason the gateway gives, if it gives one, and what to do next."""
    said = [reason.get(f"{part}_{terminal.language}") or "" for part in ("what", "todo")] if reason else []
    terminal.note(" ".join([head, *(said or [])]).strip())


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
        "cli.column.position",
        "cli.column.code",
        "cli.column.subject",
        "cli.column.sender",
        "cli.column.priority",
        "cli.column.signature",
        "cli.column.status",
        "cli.column.received",
        *(() if terminal.for_people else ("cli.column.key",)),
    )
    terminal.table(columns, [inbox_row(terminal, entry)[: len(columns)] for entry in page["entries"]])
    if page["more"]:
        terminal.say("cli.inbox.more", after=page["next_after"])
    return Exit.OK


def inbox_row(terminal: Terminal, entry: Json) -> tuple[str, ...]:
    """One document that arrived, as a line of the table. The key comes last: people type the position."""
    message = entry["message"]
    return (
        str(entry["cursor"]),
        message["code"]["text"],
        message["subject"],
        message["sender"]["name"] or entry["sender"],
        terminal.word(f"priority.{message['priority']}"),
        terminal.word(f"indication.{worst_indication(entry)}"),
        terminal.word(f"business.{entry['business_status']}"),
        local_time(parse_rfc3339(entry["received_at"])),
        entry["key"],
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
        key = await entry_key(client, key)
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


async def entry_key(client: OfficeClient, named: str) -> str:
    """The key of an entry that may be named by its position in the inbox, as the table shows it.

    Raises:
        Failure: nothing stands at that position.
    """
    if not (named.isascii() and named.isdigit()):
        return named
    position = int(named[:_POSITION_DIGITS_MAX])
    page = await client.inbox(max(position - 1, 0), 1)
    for entry in page["entries"]:
        if entry["cursor"] == position:
            return str(entry["key"])
    raise Failure("cli.no_position", position=named)


def _make_room(folder: Path, targets: Sequence[Path], *, force: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for target in targets if not force else ():
        if target.exists() or target.is_symlink():
            raise Failure("cli.exists", path=str(target))


async def accept(session: Session, key: str) -> int:
    """Tiếp nhận."""
    async with office_client(session) as client:
        return _answered(session.terminal, await client.accept(await entry_key(client, key)))


async def refuse(session: Session, key: str, *, reason: str) -> int:
    """Từ chối tiếp nhận, with the reason the sender will read."""
    async with office_client(session) as client:
        return _answered(session.terminal, await client.refuse(await entry_key(client, key), reason))


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
    if not key.isdigit():
        try:
            return "document", await client.document(key), await client.history(key)
        except ApiProblem as problem:
            if problem.status != 404:
                raise
    key = await entry_key(client, key)
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
    return at, terminal.word(f"event.{event['event']}"), event["recipient"] or "", short_detail(event["detail"])


def short_detail(detail: str) -> str:
    """What was committed to the log, for the eye: empty facts left out, digests cut. `--json` has it whole."""
    try:
        facts = json.loads(detail)
    except ValueError:
        return detail
    if not isinstance(facts, dict):
        return detail
    shown = {name: str(value) for name, value in facts.items() if value not in ("", None)}
    return " ".join(f"{name}={value[:12] if DIGEST.fullmatch(value) else value}" for name, value in shown.items())
