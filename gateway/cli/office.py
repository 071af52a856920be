"""The commands of an office, over HTTPS like any document system: send, release, inbox, get, accept, refuse."""

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from gateway.api import ApiProblem, OfficeClient
from gateway.cli.entry import entry_named
from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.files import read_file, require_folder
from gateway.cli.large import Content, content_of, sha256_of
from gateway.cli.link import office_client
from gateway.cli.names import EDXML_SUFFIX, safe_names
from gateway.cli.orders import EnvelopeOrder, InboxOrder, SendOrder, Session
from gateway.cli.outcome import tell_ending
from gateway.cli.output import WORDS_CHARS_MAX, Column, Terminal
from gateway.cli.progress import SILENCES_MAX, counted, watch
from gateway.cli.stdin import MARK
from gateway.cli.written import settle_names
from gateway.core.clock import local_time, parse_rfc3339
from gateway.core.errors import RoadError
from gateway.core.limits import ENVELOPE_BYTES_MAX, FILE_BYTES_MAX
from gateway.core.validation import Indication
from gateway.observe import Text as Words

Json = dict[str, Any]

_WORST_FIRST: Final = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
STDIN_NAME: Final = "van-ban.pdf"
"""What standard input is called unless somebody says otherwise."""
FOLLOW_SECONDS: Final = 2.0
"""Between two looks at an inbox that is followed."""


# --- out ---------------------------------------------------------------------------------------------------------------


async def send(session: Session, order: SendOrder) -> int:
    """Hand a document in; with `wait`, stay until every recipient has it or never will."""
    metadata = metadata_of(order)
    contents = contents_of(session, order)
    key = order.idempotency_key or content_key(metadata, contents)
    return await _hand_in(
        session, lambda client: client.send_contents(metadata, contents, key), key=key, wait=order.wait
    )


async def send_envelope(session: Session, order: EnvelopeOrder) -> int:
    """Hand in a finished edXML file as it is; everything about the document stands in it."""
    _, envelope = envelope_of(session, order)
    key = order.idempotency_key or envelope_key(envelope)
    return await _hand_in(session, lambda client: client.send_envelope(envelope, key), key=key, wait=order.wait)


async def _hand_in(session: Session, submit: Callable[[OfficeClient], Awaitable[Json]], *, key: str, wait: bool) -> int:
    terminal = session.terminal
    async with office_client(session) as client:
        document = await submit(client)
        terminal.say("cli.send.accepted", document=document["document_id"])
        terminal.detail("cli.detail.sent", key=key, trace=document["trace_id"])
        if not terminal.json:  # at once: whoever does not wait for the end can trace it
            terminal.print(document["key"])
        deliveries: list[Json] = []
        if wait:
            terminal.say("cli.send.waiting", key=document["key"])
            document = await watch(client, document["key"], terminal)
            deliveries = await client.deliveries(document["key"])
    if terminal.json:
        terminal.value(document)
    elif not wait and terminal.for_people:
        terminal.say("cli.send.next", key=document["key"])
    return tell_ending(terminal, document, deliveries) if wait else Exit.OK


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
    if order.type_name is not None:
        said["type_name"] = order.type_name
    return said | dict(order.further)


def content_key(metadata: Mapping[str, Any], contents: Sequence[tuple[str, Content]]) -> str:
    """An idempotency key made of everything that is sent: the same command again is the same submission."""
    files = [[name, sha256_of(content)] for name, content in contents]
    canonical = json.dumps([metadata, files], ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"cli-{hashlib.sha256(canonical.encode()).hexdigest()}"


def contents_of(session: Session, order: SendOrder) -> list[tuple[str, Content]]:
    """Name and content of everything that is to be sent.

    Raises:
        Failure: a file is not there, or standard input was read already.
        SenderError: `size.limit`, before a large file fills the memory.
    """
    return [
        (order.filename or STDIN_NAME, session.stdin.read(FILE_BYTES_MAX, option=MARK))
        if str(path) == MARK
        else (path.name, content_of(path))
        for path in order.files
    ]


def envelope_of(session: Session, order: EnvelopeOrder) -> tuple[str, bytes]:
    """Name and bytes of a finished edXML file.

    Raises:
        Failure: it is not there, or standard input was read already.
        SenderError: `size.limit`.
    """
    if str(order.file) == MARK:
        return MARK, session.stdin.read(ENVELOPE_BYTES_MAX, option=MARK)
    return order.file.name, read_file(order.file, ENVELOPE_BYTES_MAX)


def envelope_key(envelope: bytes) -> str:
    """An idempotency key made of the whole file."""
    return f"cli-edxml-{hashlib.sha256(envelope).hexdigest()}"


async def release(session: Session, key: str) -> int:
    """Let a held document, or its held transfers, go on."""
    async with office_client(session) as client:
        document = await client.release(key)
    terminal = session.terminal
    if terminal.json:
        terminal.value(document)
    else:
        state = terminal.word(f"document.{document['state']}")
        terminal.print(f"{document['document_id']}: {state}")
    return Exit.OK


# --- in ----------------------------------------------------------------------------------------------------------------


async def inbox(session: Session, order: InboxOrder) -> int:
    """A page of what arrived, oldest first; or everything, and then whatever else arrives, until interrupted."""
    async with office_client(session) as client:
        if order.follow:
            await _follow(client, session.terminal, order)
        page = await client.inbox(order.after, order.limit)
    terminal = session.terminal
    if terminal.json:
        terminal.value(page)
        return Exit.OK
    if not page["entries"]:
        terminal.say("cli.inbox.empty")
        return Exit.OK
    print_entries(terminal, page["entries"])
    if page["more"]:
        terminal.say("cli.inbox.more", after=page["next_after"])
    return Exit.OK


async def _follow(client: OfficeClient, terminal: Terminal, order: InboxOrder) -> NoReturn:
    """Page after page, then one look every few seconds; with JSON one entry a line. Nothing is missed: cursors only grow."""
    after, heading = order.after, True
    terminal.say("cli.inbox.following")
    while True:
        page = await _patiently(client, after, order.limit)
        if page["entries"] and terminal.json:
            for entry in page["entries"]:
                terminal.record(entry)
        elif page["entries"]:
            print_entries(terminal, page["entries"], heading=heading)
            terminal.out.file.flush()
            heading = terminal.for_people
        after = page["next_after"]
        if not page["more"]:
            await asyncio.sleep(FOLLOW_SECONDS)


async def _patiently(client: OfficeClient, after: int, limit: int) -> Json:
    """A page, even from a gateway that is being restarted or is busy; one that stays so is told like any other.

    Raises:
        RoadError: no answer for the last time.
        ApiProblem: it refuses, or is still busy after all the patience of the client.
    """
    for _ in range(SILENCES_MAX - 1):
        try:
            return await client.inbox(after, limit)
        except RoadError:
            await asyncio.sleep(FOLLOW_SECONDS)
        except ApiProblem as problem:
            if not problem.retryable:
                raise
            await asyncio.sleep(problem.retry_after or FOLLOW_SECONDS)
    return await client.inbox(after, limit)


_POSITION: Final = Column(heading="cli.column.position", whole=True)
_CODE: Final = Column(heading="cli.column.code", whole=True)
_SUBJECT: Final = Column(heading="cli.column.subject", longest=WORDS_CHARS_MAX)
_SENDER: Final = Column(heading="cli.column.sender", longest=WORDS_CHARS_MAX)
_PRIORITY: Final = Column(heading="cli.column.priority")
_SIGNATURE: Final = Column(heading="cli.column.signature", widest=10)
_STATUS: Final = Column(heading="cli.column.status", widest=10)
_RECEIVED: Final = Column(heading="cli.column.received", whole=True)
_KEY: Final = Column(heading="cli.column.key")


def print_entries(terminal: Terminal, entries: Sequence[Json], *, heading: bool = True) -> None:
    """What arrived, as a table. People type the position: the key is for pipes; where room is scarce, less is told."""
    left_out = [_KEY] if terminal.for_people else []
    left_out += [_PRIORITY] if terminal.narrow else []
    rows = [inbox_row(terminal, entry) for entry in entries]
    columns = [column for column in rows[0] if column not in left_out]
    terminal.table(columns, [[row[column] for column in columns] for row in rows], heading=heading)


def inbox_row(terminal: Terminal, entry: Json) -> dict[Column, str]:
    """One document that arrived, as a line of the table."""
    message, received = entry["message"], local_time(parse_rfc3339(entry["received_at"]))
    return {
        _POSITION: str(entry["cursor"]),
        _CODE: message["code"]["text"],
        _SUBJECT: message["subject"],
        _SENDER: message["sender"]["name"] or entry["sender"],
        _PRIORITY: terminal.word(f"priority.{message['priority']}"),
        _SIGNATURE: terminal.word(f"indication.{worst_indication(entry)}"),
        _STATUS: " · ".join([terminal.word(f"business.{entry['business_status']}"), *_amended(terminal, entry)]),
        _RECEIVED: received.partition(" ")[0] if terminal.narrow else received,
        _KEY: entry["key"],
    }


def _amended(terminal: Terminal, entry: Json) -> list[str]:
    """Whether its sender recalls, updates or has replaced it, which may want an answer; an older gateway tells none."""
    told = [(one["kind"], one["state"]) for one in entry.get("amendments", ())]
    return [f"{terminal.word(f'amendment.kind.{kind}')}: {terminal.word(f'amendment.{state}')}" for kind, state in told]


def worst_indication(entry: Json) -> str:
    """The verdict that decides for the whole entry; `none` when no file of it carries a signature."""
    found = {attached["indication"] for attached in entry["attachments"]}
    return next((indication for indication in _WORST_FIRST if indication in found), "none")


async def get(session: Session, named: str, *, folder: Path, force: bool) -> int:
    """Save the edXML file of a document that arrived, and its files.

    Raises:
        Failure: a file of that name is there already, or a file stands where the folder should be.
    """
    terminal = session.terminal
    require_folder(folder)
    async with office_client(session) as client:
        async with entry_named(client, named) as key:
            entry = await client.entry(key)
        attachments = entry["attachments"]
        names = safe_names([f"{entry['key']}{EDXML_SUFFIX}", *(attached["name"] for attached in attachments)])
        targets = [folder / name for name in names]
        positions = [0, *(attached["position"] for attached in attachments)]
        files = dict(zip(positions, targets, strict=True))
        with counted(terminal, "cli.get.progress", len(files)) as step:
            await _save_all(client, _Wanted(key=key, folder=folder, files=files), step, force=force)
    if terminal.json:
        terminal.value({"entry": entry, "files": [str(target) for target in targets]})
    else:
        for target in targets:
            terminal.print(str(target))
    terminal.say("cli.get.signature", verdict=terminal.word(f"indication.{worst_indication(entry)}"))
    for found in entry.get("findings", []):  # a gateway of an older version tells none
        message = terminal.choose(Words(vi=found["message_vi"], en=found["message_en"]))
        terminal.say("cli.get.finding", pointer=found["pointer"], message=message)
    return Exit.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The files of one document."""

    key: str
    folder: Path
    files: Mapping[int, Path]
    """Where each is to be, by position; 0 is the edXML file."""


async def _save_all(client: OfficeClient, wanted: _Wanted, step: Callable[[str], None], *, force: bool) -> None:
    """Look at all of the names, then save what is missing; what got its name keeps it, also when the next one fails.

    Raises:
        Failure: a name is taken.
    """
    there = _names_taken(wanted)
    saved = [] if force else await _saved(client, wanted.key, there)
    try:
        for position, target in wanted.files.items():
            if position not in saved:
                await _save(client, wanted.key, position, target, new=not force)
                saved.append(position)
            step(target.name)
    except FileExistsError as error:
        raise _taken_meanwhile(target, [path.name for at, path in wanted.files.items() if at in saved]) from error
    finally:
        await asyncio.to_thread(settle_names, wanted.folder)


async def _save(client: OfficeClient, key: str, position: int, target: Path, *, new: bool) -> None:
    """Save one file, unless it came meanwhile: by the same command, given twice at once.

    Raises:
        FileExistsError: another one came.
    """
    try:
        await (client.attachment(key, position, target, new=new) if position else client.content(key, target, new=new))
    except FileExistsError:
        if not await client.is_saved(key, position, target):
            raise


def _taken_meanwhile(target: Path, saved: Sequence[str]) -> Failure:
    if not saved:
        return Failure("cli.exists", path=str(target))
    return Failure("cli.partly_saved", path=str(target), saved=", ".join(saved))


def _names_taken(wanted: _Wanted) -> dict[int, Path]:
    """See that there is a folder; those of the files whose names are taken."""
    wanted.folder.mkdir(parents=True, exist_ok=True)
    return {position: target for position, target in wanted.files.items() if os.path.lexists(target)}


async def _saved(client: OfficeClient, key: str, there: Mapping[int, Path]) -> list[int]:
    """What was saved by a `get` that was killed after it: all of what is there.

    Raises:
        Failure: another file has that name.
    """
    for position, target in there.items():
        if not await client.is_saved(key, position, target):
            raise Failure("cli.exists", path=str(target))
    return list(there)


async def accept(session: Session, key: str) -> int:
    """Tiếp nhận."""
    async with office_client(session) as client, entry_named(client, key) as entry:
        return _answered(session.terminal, await client.accept(entry))


async def refuse(session: Session, key: str, *, reason: str) -> int:
    """Từ chối tiếp nhận, with the reason the sender will read."""
    async with office_client(session) as client, entry_named(client, key) as entry:
        return _answered(session.terminal, await client.refuse(entry, reason))


def _answered(terminal: Terminal, entry: Json) -> int:
    if terminal.json:
        terminal.value(entry)
    else:
        status = terminal.word(f"business.{entry['business_status']}")
        terminal.print(f"{entry['document_id']}: {status}")
    return Exit.OK
