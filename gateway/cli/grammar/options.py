"""What several commands share: kinds of values, what stands for them in helps, and options that mean the same everywhere."""

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.cli.errors import Failure
from gateway.cli.orders import Session
from gateway.core.clock import VIETNAM, parse_rfc3339
from gateway.core.limits import PAGE_ROWS_MAX

# What stands for a value in usages and helps: ids of the catalogue.
CODE: Final = "cli.metavar.code"
COUNT: Final = "cli.metavar.count"
DATE: Final = "cli.metavar.date"
DIR: Final = "cli.metavar.dir"
FILE: Final = "cli.metavar.file"
KEY: Final = "cli.metavar.key"
NAME: Final = "cli.metavar.name"
SCOPE: Final = "cli.metavar.scope"
TEXT: Final = "cli.metavar.text"


class Language(StrEnum):
    """Languages of the catalogue."""

    VI = "vi"
    EN = "en"


class Urgency(StrEnum):
    """Độ khẩn, as the office API names it."""

    NORMAL = "normal"
    URGENT = "urgent"
    VERY_URGENT = "very_urgent"
    IMMEDIATE = "immediate"
    IMMEDIATE_AT_TIME = "immediate_at_time"


class Environment(StrEnum):
    """Whether certificates marked DEMO are believed."""

    PRODUCTION = "production"
    DEMO = "demo"


class Shell(StrEnum):
    """Shells that can complete our command lines."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


Files = Annotated[list[Path], typer.Argument(metavar=FILE, help="cli.option.files", show_default=False)]
Key = Annotated[str, typer.Argument(metavar=KEY, help="cli.option.key", show_default=False)]
EntryName = Annotated[str, typer.Argument(metavar=KEY, help="cli.option.entry", show_default=False)]
SentKey = Annotated[str, typer.Argument(metavar=KEY, help="cli.option.sent_key", show_default=False)]
ConfigFile = Annotated[
    Path,
    typer.Option("--config", metavar=FILE, envvar="GATEWAY_CONFIG", help="cli.option.config", show_default=False),
]
Limit = Annotated[int, typer.Option("--limit", metavar=COUNT, min=1, max=PAGE_ROWS_MAX, help="cli.option.limit")]
Cursor = Annotated[str, typer.Option("--cursor", metavar=TEXT, help="cli.option.cursor", show_default=False)]
Everything = Annotated[bool, typer.Option("--all", help="cli.option.all")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="cli.option.dry_run")]


def session_of(context: typer.Context) -> Session:
    """The run that this command line is."""
    session: Any = context.obj
    assert isinstance(session, Session)
    return session


def parse_day(text: str) -> date:
    """A date as offices (`21/11/2026`) or programs (`2026-11-21`) write it.

    Raises:
        Failure: neither.
    """
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day on paper has no zone
        except ValueError:
            continue
    raise Failure("cli.date", value=text)


def parse_instant(text: str) -> datetime:
    """The instant of an RFC 3339 text.

    Raises:
        Failure: it is none, or it has no offset.
    """
    try:
        return parse_rfc3339(text.strip())
    except (ValueError, OverflowError) as error:  # OverflowError: the year 1 or 9999, seen from another zone
        raise Failure("cli.instant", value=text) from error


def parse_moment(text: str) -> datetime:
    """A moment as programs (RFC 3339) or people (`21/11/2026 13:05`, with seconds if they like, Vietnam's time) write it.

    Raises:
        Failure: neither.
    """
    text = " ".join(text.split())
    for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=VIETNAM).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise Failure("cli.moment", value=text) from error
