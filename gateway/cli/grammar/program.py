"""The whole command line: built from the table, put into somebody's language, and its own options found anywhere on a line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from gateway.cli.exits import Exit
from gateway.cli.grammar.options import FILE, NAME, Language
from gateway.cli.grammar.pages import CommandPage, GroupPage
from gateway.cli.grammar.table import ROWS
from gateway.cli.orders import Connection, Session
from gateway.cli.output import Terminal
from gateway.cli.stdin import StandardInput

URL_DEFAULT: Final = "https://127.0.0.1:8443"
HELP_NAMES: Final = ["-h", "--help"]
_SETTINGS: Final = {"help_option_names": HELP_NAMES, "max_content_width": 100}


def program(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    lang: Annotated[Language | None, typer.Option("--lang", help="cli.option.lang")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option.json")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="cli.option.quiet")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="cli.option.verbose")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="cli.option.no_color")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="cli.option.no_input")] = False,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", envvar="GATEWAY_URL", help="cli.option.url")
    ] = URL_DEFAULT,
    key_file: Annotated[Path | None, typer.Option("--key-file", metavar=FILE, help="cli.option.key_file")] = None,
    ca: Annotated[Path | None, typer.Option("--ca", metavar=FILE, envvar="GATEWAY_CA", help="cli.option.ca")] = None,
    tls_name: Annotated[
        str | None, typer.Option("--tls-name", metavar=NAME, envvar="GATEWAY_TLS_NAME", help="cli.option.tls_name")
    ] = None,
) -> None:
    """What holds for every command. Language, form and talk are read before (`main`): errors need them, too."""
    del lang, as_json, quiet, verbose, no_color, no_input
    terminal: Terminal = context.obj
    connection = Connection(url=url, ca=ca, tls_name=tls_name or None, key_file=key_file)
    context.obj = Session(terminal=terminal, connection=connection, stdin=StandardInput(terminal))
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(Exit.USAGE)


def build() -> GroupPage:
    """The whole tree of commands, its texts still ids of the catalogue."""
    app = typer.Typer(cls=GroupPage, add_completion=False, rich_markup_mode=None, context_settings=_SETTINGS)
    app.callback(invoke_without_command=True, help="cli.help.gateway")(program)
    groups = {"": app}
    for row in ROWS:
        if row.group not in groups:
            groups[row.group] = typer.Typer(cls=GroupPage, rich_markup_mode=None, context_settings=_SETTINGS)
            app.add_typer(groups[row.group], name=row.group, help=f"cli.help.{row.group}")
        name = row.name.rpartition(" ")[2]
        groups[row.group].command(name, cls=CommandPage, help=f"cli.help.{row.id}")(row.run)
    built = typer.main.get_command(app)
    assert isinstance(built, GroupPage)
    in_order = dict.fromkeys(row.name.partition(" ")[0] for row in ROWS)  # typer puts groups behind commands
    built.commands = {name: built.commands[name] for name in in_order}
    return built


def translate(node: GroupPage | CommandPage, terminal: Terminal, *, path: str = "gateway") -> None:
    """Put words in the place of ids, all the way down."""
    node.speak(terminal, example=f"cli.example.{path}", whole=path == "gateway")
    for name, child in children(node):
        translate(child, terminal, path=name if path == "gateway" else f"{path}_{name}")


def children(node: TyperGroup | TyperCommand) -> Iterator[tuple[str, GroupPage | CommandPage]]:
    """The commands of a group, by name."""
    for name, child in node.commands.items() if isinstance(node, TyperGroup) else ():
        assert isinstance(child, GroupPage | CommandPage)
        yield name, child


# --- options of the program stand anywhere -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A command line with the program's own options in front."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def whole(self) -> list[str]:
        """As typer wants it."""
        return [*self.ours, *self.theirs]

    def has(self, *names: str) -> bool:
        """Whether one of these flags was given."""
        return any(word.partition("=")[0] in names for word in self.ours)

    def value(self, name: str) -> str | None:
        """The value of one of our options, if it was given; the last one counts, as for typer."""
        found = None
        for place, word in enumerate(self.ours):
            head, equals, tail = word.partition("=")
            if head == name:
                found = tail if equals else next(iter(self.ours[place + 1 : place + 2]), None)
        return found


def hoist(tree: GroupPage, arguments: Sequence[str]) -> Line:
    """The line with the program's own options in front: people type `gateway inbox --json`, and mean this.

    What follows `--` is left alone, and so is the value after an option: `--subject --json` has a strange subject. An option
    of a command that stands before the command's name (`gateway --dry-run accept 5`) is put behind it.
    """
    own, known = takes_value(tree), takes_value(tree, deep=True)
    ours: list[str] = []
    theirs: list[str] = []
    early: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for word in left:
        if word == "--":
            rest = [word, *left]
            break
        name, equals, _ = word.partition("=")
        target = ours if name in own else early if name in known and not theirs else theirs
        target.append(word)
        if known.get(name) and not equals and (value := next(left, None)) is not None:
            target.append(value)
    return Line(tuple(ours), (*theirs, *early, *rest))


def takes_value(node: GroupPage | CommandPage, *, deep: bool = False) -> Mapping[str, bool]:
    """Every option of the node (`deep`: and of all below it), and whether a value follows it."""
    found = {
        name: not option.is_flag and not option.count
        for option in node.params
        if isinstance(option, TyperOption)
        for name in option.opts
    }
    for _, child in children(node) if deep else ():
        found = {**takes_value(child, deep=True), **found}
    return found
