"""Commands of an office, over HTTPS: hand in, look, fetch, accept, refuse."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli import lazy
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import (
    CODE,
    COUNT,
    DATE,
    DIR,
    FILE,
    TEXT,
    Cursor,
    DryRun,
    EntryName,
    Everything,
    Files,
    Key,
    Limit,
    SentKey,
    Urgency,
    parse_day,
    session_of,
)
from gateway.cli.names import EDXML_SUFFIX
from gateway.cli.orders import EnvelopeOrder, InboxOrder, PageOrder, SendOrder
from gateway.cli.recipients import read_recipients
from gateway.core.limits import PAGE_ROWS_DEFAULT
from gateway.core.states import DocumentState


def send(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    files: Files,
    *,
    sender: Annotated[str | None, typer.Option("--from", metavar=CODE, help="cli.option.from")] = None,
    number: Annotated[str | None, typer.Option("--number", metavar=TEXT, help="cli.option.number")] = None,
    notation: Annotated[str | None, typer.Option("--notation", metavar=TEXT, help="cli.option.notation")] = None,
    subject: Annotated[str | None, typer.Option("--subject", metavar=TEXT, help="cli.option.subject")] = None,
    place: Annotated[str | None, typer.Option("--place", metavar=TEXT, help="cli.option.place")] = None,
    day: Annotated[str | None, typer.Option("--date", metavar=DATE, help="cli.option.date")] = None,
    to: Annotated[list[str] | None, typer.Option("--to", metavar=CODE, help="cli.option.to")] = None,
    to_file: Annotated[Path | None, typer.Option("--to-file", metavar=FILE, help="cli.option.to_file")] = None,
    filename: Annotated[str | None, typer.Option("--filename", metavar=TEXT, help="cli.option.filename")] = None,
    type_name: Annotated[str | None, typer.Option("--type-name", metavar=TEXT, help="cli.option.type_name")] = None,
    priority: Annotated[Urgency, typer.Option("--priority", help="cli.option.priority")] = Urgency.NORMAL,
    envelope: Annotated[bool, typer.Option("--envelope", help="cli.option.envelope")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar=TEXT, help="cli.option.idempotency_key")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="cli.option.wait")] = False,
    dry_run: DryRun = False,
) -> int:
    """See `lazy.send`, `lazy.send_envelope`."""
    session = session_of(context)
    if envelope:
        finished = EnvelopeOrder(file=_only_file(context, files), idempotency_key=idempotency_key, wait=wait)
        return lazy.send_envelope(session, finished, dry_run=dry_run)
    order = SendOrder(
        files=tuple(files),
        filename=filename,
        sender=_said(sender, "--from", files),
        number=_said(number, "--number", files),
        notation=_said(notation, "--notation", files),
        subject=_said(subject, "--subject", files),
        place=_said(place, "--place", files),
        date=parse_day(_said(day, "--date", files)),
        recipients=read_recipients(to or (), to_file, session.stdin),
        type_name=type_name,
        priority=priority.value,
        idempotency_key=idempotency_key,
        wait=wait,
    )
    return lazy.send(session, order, dry_run=dry_run)


_WITH_ENVELOPE: Final = frozenset({"files", "envelope", "idempotency_key", "wait", "dry_run"})


def _said(value: str | None, option: str, files: Sequence[Path]) -> str:
    """What has to be said of a document, unless it says it itself.

    Raises:
        Failure: it was not said.
    """
    if value is None and files[0].suffix.lower() == EDXML_SUFFIX:
        raise Failure("cli.send_edxml", file=files[0].name, option=option)
    if value is None:
        raise Failure("cli.usage.missing", name=f"'{option}'")
    return value


def _only_file(context: typer.Context, files: Sequence[Path]) -> Path:
    """The one finished file; what else the line says of the document could only contradict it.

    Raises:
        Failure: there are more files, or something is said of them.
    """
    if len(files) > 1:
        raise Failure("cli.envelope_alone", word=files[1].name)
    for one in context.command.params:
        source = context.get_parameter_source(str(one.name))
        if one.name not in _WITH_ENVELOPE and source is not None and source.name == "COMMANDLINE":
            raise Failure("cli.envelope_alone", word=one.opts[0])
    return files[0]


def documents(
    context: typer.Context,
    *,
    state: Annotated[DocumentState | None, typer.Option("--state", help="cli.option.state")] = None,
    limit: Limit = PAGE_ROWS_DEFAULT,
    cursor: Cursor = "",
    everything: Everything = False,
) -> int:
    """See `lazy.documents`."""
    order = PageOrder(limit=limit, cursor=cursor, all=everything)
    return lazy.documents(session_of(context), order, state=state.value if state is not None else "")


def inbox(
    context: typer.Context,
    *,
    after: Annotated[int, typer.Option("--after", metavar=COUNT, min=0, help="cli.option.after")] = 0,
    limit: Limit = PAGE_ROWS_DEFAULT,
    follow: Annotated[bool, typer.Option("--follow", help="cli.option.follow")] = False,
) -> int:
    """See `lazy.inbox`."""
    return lazy.inbox(session_of(context), InboxOrder(after=after, limit=limit, follow=follow))


def get(
    context: typer.Context,
    key: EntryName,
    *,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar=DIR, help="cli.option.output")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="cli.option.force")] = False,
) -> int:
    """See `lazy.get`."""
    return lazy.get(session_of(context), key, folder=folder, force=force)


def board(
    context: typer.Context,
    key: SentKey,
    *,
    missing: Annotated[bool, typer.Option("--missing", help="cli.option.missing")] = False,
) -> int:
    """See `lazy.board`."""
    return lazy.board(session_of(context), key, missing=missing)


def accept(context: typer.Context, key: EntryName, *, dry_run: DryRun = False) -> int:
    """See `lazy.accept`."""
    return lazy.accept(session_of(context), key, dry_run=dry_run)


def refuse(
    context: typer.Context,
    key: EntryName,
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar=TEXT, help="cli.option.reason", show_default=False)
    ] = None,
    dry_run: DryRun = False,
) -> int:
    """See `lazy.refuse`."""
    return lazy.refuse(session_of(context), key, reason=reason, dry_run=dry_run)


def trace(context: typer.Context, key: Key) -> int:
    """See `lazy.trace`."""
    return lazy.trace(session_of(context), key)


def release(context: typer.Context, key: SentKey, *, dry_run: DryRun = False) -> int:
    """See `lazy.release`."""
    return lazy.release(session_of(context), key, dry_run=dry_run)


def org_find(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar=TEXT, help="cli.option.find", show_default=False)],
    *,
    limit: Limit = PAGE_ROWS_DEFAULT,
    cursor: Cursor = "",
    everything: Everything = False,
) -> int:
    """See `lazy.org_find`. Several words are one text: names have several."""
    order = PageOrder(limit=limit, cursor=cursor, all=everything)
    return lazy.org_find(session_of(context), " ".join(text), order)


def org_show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar=CODE, help="cli.option.org", show_default=False)],
) -> int:
    """See `lazy.org_show`."""
    return lazy.org_show(session_of(context), code)
