"""Commands of an office, over HTTPS: hand in, look, fetch, accept, refuse."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.grammar.options import (
    CODE,
    COUNT,
    DATE,
    DIR,
    FILE,
    TEXT,
    DryRun,
    Files,
    Key,
    SentKey,
    Urgency,
    parse_day,
    session_of,
)
from gateway.cli.orders import InboxOrder, SendOrder
from gateway.cli.recipients import read_recipients
from gateway.core.limits import PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX


def send(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    files: Files,
    *,
    sender: Annotated[str, typer.Option("--from", metavar=CODE, help="cli.option.from", show_default=False)],
    number: Annotated[str, typer.Option("--number", metavar=TEXT, help="cli.option.number", show_default=False)],
    notation: Annotated[str, typer.Option("--notation", metavar=TEXT, help="cli.option.notation", show_default=False)],
    subject: Annotated[str, typer.Option("--subject", metavar=TEXT, help="cli.option.subject", show_default=False)],
    place: Annotated[str, typer.Option("--place", metavar=TEXT, help="cli.option.place", show_default=False)],
    day: Annotated[str, typer.Option("--date", metavar=DATE, help="cli.option.date", show_default=False)],
    to: Annotated[list[str] | None, typer.Option("--to", metavar=CODE, help="cli.option.to")] = None,
    to_file: Annotated[Path | None, typer.Option("--to-file", metavar=FILE, help="cli.option.to_file")] = None,
    filename: Annotated[str | None, typer.Option("--filename", metavar=TEXT, help="cli.option.filename")] = None,
    type_name: Annotated[str | None, typer.Option("--type-name", metavar=TEXT, help="cli.option.type_name")] = None,
    priority: Annotated[Urgency, typer.Option("--priority", help="cli.option.priority")] = Urgency.NORMAL,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar=TEXT, help="cli.option.idempotency_key")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="cli.option.wait")] = False,
    dry_run: DryRun = False,
) -> int:
    """See `lazy.send`."""
    session = session_of(context)
    order = SendOrder(
        files=tuple(files),
        filename=filename,
        sender=sender,
        recipients=read_recipients(to or (), to_file, session.stdin),
        number=number,
        notation=notation,
        subject=subject,
        place=place,
        date=parse_day(day),
        type_name=type_name,
        priority=priority.value,
        idempotency_key=idempotency_key,
        wait=wait,
    )
    return lazy.send_dry_run(session, order) if dry_run else lazy.send(session, order)


def inbox(
    context: typer.Context,
    *,
    after: Annotated[int, typer.Option("--after", metavar=COUNT, min=0, help="cli.option.after")] = 0,
    limit: Annotated[int, typer.Option("--limit", metavar=COUNT, min=1, max=PAGE_ROWS_MAX, help="cli.option.limit")] = (
        PAGE_ROWS_DEFAULT
    ),
    follow: Annotated[bool, typer.Option("--follow", help="cli.option.follow")] = False,
) -> int:
    """See `lazy.inbox`."""
    return lazy.inbox(session_of(context), InboxOrder(after=after, limit=limit, follow=follow))


def get(
    context: typer.Context,
    key: Key,
    *,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar=DIR, help="cli.option.output")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="cli.option.force")] = False,
) -> int:
    """See `lazy.get`."""
    return lazy.get(session_of(context), key, folder=folder, force=force)


def accept(context: typer.Context, key: Key, *, dry_run: DryRun = False) -> int:
    """See `lazy.accept`."""
    return lazy.accept(session_of(context), key, dry_run=dry_run)


def refuse(
    context: typer.Context,
    key: Key,
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


def org_show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar=CODE, help="cli.option.org", show_default=False)],
) -> int:
    """See `lazy.org_show`."""
    return lazy.org_show(session_of(context), code)
