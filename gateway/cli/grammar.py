"""The grammar: every command and option there is. Declared here, done elsewhere (`lazy`).

Helps are ids of the catalogue; `translate` puts the words of one language in their place, since they are fixed before
anybody has said which language they read. Options of the whole program may stand anywhere on the line (`hoist`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gateway.cli import lazy, version
from gateway.cli.errors import Exit, Failure
from gateway.cli.orders import Connection, KeyOrder, SendOrder, Session, VerifyOrder
from gateway.cli.output import Terminal
from gateway.cli.recipients import read_recipients
from gateway.core.clock import parse_rfc3339
from gateway.core.limits import PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX
from gateway.core.model import Scope

URL_DEFAULT: Final = "https://127.0.0.1:8443"
DEMO_FOLDER: Final = Path("gateway-demo")
_VALUED: Final = frozenset({"--lang", "--url", "--key-file", "--ca", "--tls-name"})
_FLAGS: Final = frozenset({"--json", "--no-color"})


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


HELP_NAMES: Final = ["-h", "--help"]
_SETTINGS: Final = {"help_option_names": HELP_NAMES, "max_content_width": 100}
app: Final = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_SETTINGS)
audit: Final = typer.Typer(rich_markup_mode=None, context_settings=_SETTINGS)
app.add_typer(audit, name="audit", help="cli.help.audit")

# What stands for a value in usages and helps: ids of the catalogue, too.
CODE: Final = "cli.metavar.code"
COUNT: Final = "cli.metavar.count"
DATE: Final = "cli.metavar.date"
DIR: Final = "cli.metavar.dir"
FILE: Final = "cli.metavar.file"
KEY: Final = "cli.metavar.key"
NAME: Final = "cli.metavar.name"
SCOPE: Final = "cli.metavar.scope"
TEXT: Final = "cli.metavar.text"

Files = Annotated[list[Path], typer.Argument(metavar=FILE, help="cli.option.files", show_default=False)]
Key = Annotated[str, typer.Argument(metavar=KEY, help="cli.option.key", show_default=False)]
SentKey = Annotated[str, typer.Argument(metavar=KEY, help="cli.option.sent_key", show_default=False)]
ConfigFile = Annotated[
    Path,
    typer.Option("--config", metavar=FILE, envvar="GATEWAY_CONFIG", help="cli.option.config", show_default=False),
]


@app.callback(invoke_without_command=True, help="cli.help.gateway")
def gateway(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    lang: Annotated[Language | None, typer.Option("--lang", help="cli.option.lang")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option.json")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="cli.option.no_color")] = False,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", envvar="GATEWAY_URL", help="cli.option.url")
    ] = URL_DEFAULT,
    key_file: Annotated[Path | None, typer.Option("--key-file", metavar=FILE, help="cli.option.key_file")] = None,
    ca: Annotated[Path | None, typer.Option("--ca", metavar=FILE, envvar="GATEWAY_CA", help="cli.option.ca")] = None,
    tls_name: Annotated[
        str | None, typer.Option("--tls-name", metavar=NAME, envvar="GATEWAY_TLS_NAME", help="cli.option.tls_name")
    ] = None,
) -> None:
    """What holds for every command. Language, form and colour are read before (`main`): errors need them, too."""
    del lang, as_json, no_color
    terminal: Terminal = context.obj
    connection = Connection(url=url, ca=ca, tls_name=tls_name or None, key_file=key_file)
    context.obj = Session(terminal=terminal, connection=connection)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(Exit.USAGE)


# --- this installation -------------------------------------------------------------------------------------------------


@app.command("version", help="cli.help.version")
def _version(context: typer.Context) -> int:
    return version.version(_terminal(context))


@app.command("demo", help="cli.help.demo")
def _demo(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="cli.option.once")] = False,
    folder: Annotated[Path, typer.Option("--folder", metavar=DIR, help="cli.option.folder")] = DEMO_FOLDER,
    wards: Annotated[
        int | None, typer.Option("--wards", metavar=COUNT, min=3, max=168, help="cli.option.wards")
    ] = None,
) -> int:
    return lazy.demo(_session(context), folder=folder, once=once, wards=wards)


@app.command("doctor", help="cli.help.doctor")
def _doctor(
    context: typer.Context,
    config: ConfigFile,
    *,
    peers: Annotated[bool, typer.Option("--peers", help="cli.option.peers")] = False,
) -> int:
    return lazy.doctor(_session(context), config, peers=peers)


@app.command("serve", help="cli.help.serve")
def _serve(config: ConfigFile) -> int:
    return lazy.serve(config)


@app.command("apikey", help="cli.help.apikey")
def _apikey(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option("--name", metavar=TEXT, help="cli.option.name", show_default=False)],
    organs: Annotated[list[str], typer.Option("--organ", metavar=CODE, help="cli.option.organ", show_default=False)],
    scopes: Annotated[list[Scope], typer.Option("--scope", metavar=SCOPE, help="cli.option.scope", show_default=False)],
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", metavar="RFC3339", help="cli.option.expires_at")
    ] = None,
) -> int:
    order = KeyOrder(
        name=name,
        organs=tuple(organs),
        scopes=tuple(scopes),
        expires_at=None if expires_at is None else parse_instant(expires_at),
    )
    return lazy.apikey(_session(context), order)


@audit.command("verify", help="cli.help.audit_verify")
def _audit_verify(context: typer.Context, config: ConfigFile) -> int:
    return lazy.audit_verify(_session(context), config)


@app.command("verify", help="cli.help.verify")
def _verify(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    files: Files,
    *,
    trust: Annotated[Path, typer.Option("--trust", metavar=DIR, help="cli.option.trust", show_default=False)],
    registry: Annotated[Path | None, typer.Option("--registry", metavar=FILE, help="cli.option.registry")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", metavar="HEX", help="cli.option.sha256")] = None,
    environment: Annotated[
        Environment, typer.Option("--environment", help="cli.option.environment")
    ] = Environment.PRODUCTION,
) -> int:
    order = VerifyOrder(
        files=tuple(files),
        trust=trust,
        demo=environment is Environment.DEMO,
        registry=registry,
        registry_digest=sha256,
    )
    return lazy.verify(_session(context), order)


# --- documents, over HTTPS ---------------------------------------------------------------------------------------------


@app.command("send", help="cli.help.send")
def _send(  # noqa: PLR0913 - one for each option
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
    type_name: Annotated[str | None, typer.Option("--type-name", metavar=TEXT, help="cli.option.type_name")] = None,
    priority: Annotated[Urgency, typer.Option("--priority", help="cli.option.priority")] = Urgency.NORMAL,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar=TEXT, help="cli.option.idempotency_key")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="cli.option.wait")] = False,
) -> int:
    order = SendOrder(
        files=tuple(files),
        sender=sender,
        recipients=read_recipients(to or (), to_file),
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
    return lazy.send(_session(context), order)


@app.command("inbox", help="cli.help.inbox")
def _inbox(
    context: typer.Context,
    *,
    after: Annotated[int, typer.Option("--after", metavar=COUNT, min=0, help="cli.option.after")] = 0,
    limit: Annotated[int, typer.Option("--limit", metavar=COUNT, min=1, max=PAGE_ROWS_MAX, help="cli.option.limit")] = (
        PAGE_ROWS_DEFAULT
    ),
) -> int:
    return lazy.inbox(_session(context), after=after, limit=limit)


@app.command("get", help="cli.help.get")
def _get(
    context: typer.Context,
    key: Key,
    *,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar=DIR, help="cli.option.output")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="cli.option.force")] = False,
) -> int:
    return lazy.get(_session(context), key, folder=folder, force=force)


@app.command("accept", help="cli.help.accept")
def _accept(context: typer.Context, key: Key) -> int:
    return lazy.accept(_session(context), key)


@app.command("refuse", help="cli.help.refuse")
def _refuse(
    context: typer.Context,
    key: Key,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar=TEXT, help="cli.option.reason", show_default=False)],
) -> int:
    return lazy.refuse(_session(context), key, reason=reason)


@app.command("trace", help="cli.help.trace")
def _trace(
    context: typer.Context,
    key: Key,
    *,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="cli.option.verbose")] = False,
) -> int:
    return lazy.trace(_session(context), key, verbose=verbose)


@app.command("release", help="cli.help.release")
def _release(context: typer.Context, key: SentKey) -> int:
    return lazy.release(_session(context), key)


# --- on the way to and from typer --------------------------------------------------------------------------------------


def command(terminal: Terminal) -> TyperGroup:
    """The whole command line, its helps in the reader's language."""
    built = typer.main.get_command(app)
    assert isinstance(built, TyperGroup)
    translate(built, terminal)
    built.epilog = "\b\n" + terminal.text("cli.help.exit_codes")  # \b: typer leaves these lines as they are
    return built


def translate(node: TyperGroup | TyperCommand, terminal: Terminal) -> None:
    """Put words in the place of ids, all the way down."""
    node.help = terminal.text(node.help) if node.help else None
    if isinstance(node, TyperCommand):
        node.epilog = terminal.text("cli.help.epilog")
    if (own := node.get_help_option(typer.Context(node, help_option_names=HELP_NAMES))) is not None:
        own.help = terminal.text("cli.option.help")
    for parameter in node.params:
        if isinstance(parameter, TyperOption | TyperArgument):
            _translate_parameter(parameter, terminal)
    for child in node.commands.values() if isinstance(node, TyperGroup) else ():
        assert isinstance(child, TyperGroup | TyperCommand)
        translate(child, terminal)


def _translate_parameter(parameter: TyperOption | TyperArgument, terminal: Terminal) -> None:
    if parameter.help and parameter.help.startswith("cli."):
        parameter.help = terminal.text(parameter.help)
    if parameter.metavar and parameter.metavar.startswith("cli."):
        parameter.metavar = terminal.text(parameter.metavar)
    if isinstance(parameter, TyperArgument):
        parameter.display_type_rich = _no_type  # type: ignore[method-assign]


def _no_type(ctx: object) -> None:
    """Beside its metavar typer shows an argument's Python type, which says nothing to whoever types a command."""
    del ctx


def hoist(arguments: Sequence[str]) -> list[str]:
    """The same line with the program's own options in front: people type `gateway inbox --json`, and mean this.

    What follows `--`, and the value after another option, is left alone only as far as typer itself can tell; an option's
    text that looks like one of ours is written `--subject=--json`.
    """
    ours: list[str] = []
    theirs: list[str] = []
    left = iter(arguments)
    for word in left:
        if word == "--":
            theirs += [word, *left]
        elif word in _FLAGS or (word.partition("=")[0] in _VALUED and "=" in word):
            ours.append(word)
        elif word in _VALUED:
            ours += [word, *([value] if (value := next(left, None)) is not None else [])]
        else:
            theirs.append(word)
    return ours + theirs


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


def _session(context: typer.Context) -> Session:
    session: Any = context.obj
    assert isinstance(session, Session)
    return session


def _terminal(context: typer.Context) -> Terminal:
    return _session(context).terminal
