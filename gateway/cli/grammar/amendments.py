"""Commands of an office for what was sent already: recall, replace, update; and for who received it: agree, decline."""

from collections.abc import Callable
from typing import Annotated, Final

import typer

from gateway.cli import lazy
from gateway.cli.grammar.options import CODE, DATE, TEXT, DryRun, EntryName, Files, SentKey, parse_day, session_of
from gateway.cli.orders import AmendingOrder, AmendOrder

Reason = Annotated[
    str | None, typer.Option("--reason", metavar=TEXT, help="cli.option.amend_reason", show_default=False)
]
Forwarded = Annotated[bool, typer.Option("--forwarded", help="cli.option.forwarded")]
Number = Annotated[str, typer.Option("--number", metavar=TEXT, help="cli.option.number")]
Day = Annotated[str, typer.Option("--date", metavar=DATE, help="cli.option.date")]
Notation = Annotated[str | None, typer.Option("--notation", metavar=TEXT, help="cli.option.same", show_default=False)]
Subject = Annotated[str | None, typer.Option("--subject", metavar=TEXT, help="cli.option.same", show_default=False)]
To = Annotated[list[str] | None, typer.Option("--to", metavar=CODE, help="cli.option.same", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="cli.option.wait")]


def recall(context: typer.Context, key: SentKey, *, reason: Reason = None, dry_run: DryRun = False) -> int:
    """See `lazy.amend`."""
    return lazy.amend(session_of(context), AmendOrder(wish="recall", key=key, reason=reason, dry_run=dry_run))


def agree(context: typer.Context, key: EntryName, *, forwarded: Forwarded = False, dry_run: DryRun = False) -> int:
    """See `lazy.amend`."""
    order = AmendOrder(wish="agree", key=key, reason="", forwarded=forwarded, dry_run=dry_run)
    return lazy.amend(session_of(context), order)


def decline(
    context: typer.Context,
    key: EntryName,
    *,
    reason: Reason = None,
    forwarded: Forwarded = False,
    dry_run: DryRun = False,
) -> int:
    """See `lazy.amend`."""
    order = AmendOrder(wish="decline", key=key, reason=reason, forwarded=forwarded, dry_run=dry_run)
    return lazy.amend(session_of(context), order)


def _amending(wish: str) -> Callable[..., int]:
    """The command for a document that does something to an earlier one."""

    def amending(  # noqa: PLR0913 - one for each option
        context: typer.Context,
        key: SentKey,
        files: Files,
        *,
        number: Number,
        day: Day,
        notation: Notation = None,
        subject: Subject = None,
        to: To = None,
        reason: Reason = None,
        wait: Wait = False,
        dry_run: DryRun = False,
    ) -> int:
        order = AmendingOrder(
            wish=wish,
            key=key,
            files=tuple(files),
            number=number,
            date=parse_day(day),
            notation=notation,
            subject=subject,
            recipients=tuple(to or ()),
            reason=reason or "",
            wait=wait,
            dry_run=dry_run,
        )
        return lazy.amend(session_of(context), order)

    return amending


replace: Final = _amending("replace")
update: Final = _amending("update")
