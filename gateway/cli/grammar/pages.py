"""Help pages: usage, what it does, examples, then the options; every word in one language, whatever typer would say itself.

typer writes its headings, `[default: ...]` and `[required]` in English and asks gettext for nothing else; so the page is
laid out here, with typer's own formatter.
"""

from collections.abc import Iterator
from typing import Any, Final

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gateway.cli.output import Terminal

Parameter = TyperOption | TyperArgument
_CHOICES_CHARS_MAX: Final = 24
_NARROW_COLUMNS: Final = 70
_TERM_COLUMNS: Final = (18, 28)
"""Columns of what is explained, on a narrow page and on a wide one; what is longer stands on a line of its own."""


class Page:
    """What a group and a command have in common."""

    terminal: Terminal
    examples: str = ""
    params: list[Any]
    help: str | None
    epilog: str | None

    def speak(self, terminal: Terminal, *, example: str, whole: bool) -> None:
        """Put the words of the terminal's language in the place of ids."""
        self.terminal = terminal
        self.help = terminal.text(self.help) if self.help else None
        self.epilog = terminal.text("cli.help.exit_codes" if whole else "cli.help.epilog")
        self.examples = terminal.text(example) if isinstance(self, TyperCommand) or whole else ""
        for parameter in self.parameters():
            parameter.help = _worded(parameter.help, terminal)
            parameter.metavar = _worded(parameter.metavar, terminal)

    def parameters(self) -> Iterator[Parameter]:
        """Arguments and options, but for `--help`."""
        return (one for one in self.params if isinstance(one, TyperOption | TyperArgument))

    def get_help(self, ctx: Any) -> str:
        """The whole page."""
        out = ctx.make_formatter()
        text = self.terminal.text
        out.write_usage(ctx.command_path, " ".join(self._usage()), prefix=text("cli.help.usage") + " ")
        if self.help:
            out.write_paragraph()
            out.write_text(self.help)
        if self.examples:
            with out.section(text("cli.help.examples")):
                for line in self.examples.splitlines():
                    out.write(f"  {line}\n")
        own = list(self.parameters())
        self._list(out, "cli.help.arguments", [self._row(one) for one in own if isinstance(one, TyperArgument)])
        options = [self._row(one) for one in own if isinstance(one, TyperOption) and not one.hidden]
        self._list(out, "cli.help.options", [*options, ("-h, --help", text("cli.option.help"))])
        self._list(out, "cli.help.commands", list(self._commands()))
        if self.epilog:
            out.write_paragraph()
            out.write_text("\b\n" + self.epilog if "\n" in self.epilog else self.epilog)  # \b: lines as they are
        return str(out.getvalue()).rstrip("\n")

    def _list(self, out: Any, heading: str, rows: list[tuple[str, str]]) -> None:
        if rows:
            with out.section(self.terminal.text(heading)):
                out.write_dl(rows, col_max=_TERM_COLUMNS[out.width > _NARROW_COLUMNS])

    def _usage(self) -> Iterator[str]:
        text = self.terminal.text
        yield text("cli.metavar.options")
        for one in self.parameters():
            if isinstance(one, TyperArgument):
                name = _many(one, str(one.metavar))
                yield name if one.required else f"[{name}]"
        if isinstance(self, TyperGroup):
            yield text("cli.metavar.command")

    def _row(self, one: Parameter) -> tuple[str, str]:
        if isinstance(one, TyperArgument):
            return _many(one, str(one.metavar)), self._explained(one)
        names = ", ".join(sorted(one.opts, key=len))
        return names if one.is_flag else f"{names} {self._value(one)}", self._explained(one)

    def _value(self, one: Parameter) -> str:
        """What stands for the value: the choices themselves while they are short."""
        if one.metavar:
            return one.metavar
        choices = "|".join(_choices(one))
        return choices if len(choices) <= _CHOICES_CHARS_MAX else self.terminal.text("cli.metavar.choice")

    def _explained(self, one: Parameter) -> str:
        text, notes = self.terminal.text, []
        if isinstance(one.envvar, str):
            notes.append(text("cli.help.envvar", name=one.envvar))
        shown = getattr(one.default, "value", one.default)
        if one.show_default and shown not in (None, False):
            notes.append(text("cli.help.default", value=shown))
        if one.min is not None and one.max is not None:
            notes.append(text("cli.help.range", least=one.min, most=one.max))
        if self._value(one) == text("cli.metavar.choice"):
            notes.insert(0, text("cli.help.choices", choices=", ".join(_choices(one))))
        if one.required:
            notes.append(text("cli.help.required"))
        return f"{one.help}  [{'; '.join(notes)}]" if notes else str(one.help)

    def _commands(self) -> Iterator[tuple[str, str]]:
        for name, child in self.commands.items() if isinstance(self, TyperGroup) else ():
            yield name, child.help or ""


class GroupPage(Page, TyperGroup):
    """A group of commands."""


class CommandPage(Page, TyperCommand):
    """A command."""


def _choices(one: Parameter) -> list[str]:
    return [str(choice.value) for choice in one.type_descriptor.choices or ()]


def _worded(text: str | None, terminal: Terminal) -> str | None:
    return terminal.text(text) if text and text.startswith("cli.") else text


def _many(argument: TyperArgument, name: str) -> str:
    return name if argument.nargs == 1 else f"{name}..."
