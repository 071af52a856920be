"""How a line goes on: asked by the shell at every press of the tab key, so nothing heavy is loaded and nothing is looked up.

Scripts, variables and the form of the answer are typer's (`gateway.cli.shells`). Its search is not: it knows options only
where they are declared, and people type those of the program behind the command (`gateway inbox --js`).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from typer._click.shell_completion import CompletionItem
from typer._completion_classes import BashComplete, FishComplete, ZshComplete
from typer.core import TyperArgument, TyperGroup, TyperOption

from gateway.cli.exits import Exit
from gateway.cli.grammar import build, takes_value, translate
from gateway.cli.grammar.pages import CommandPage, GroupPage
from gateway.cli.output import Terminal
from gateway.cli.shells import VARIABLE

_ZSH: Final = str.maketrans({"\\": "\\\\", "$": "\\$", "`": "\\`", ":": "\\\\:"})
Suggestion = tuple[str, str]
"""A word, and what it means."""


def complete(terminal: Terminal, instruction: str) -> int:
    """Answer a shell's question, which stands in its environment variables."""
    action, _, shell = instruction.partition("_")
    if action != "complete" or shell not in _SHELLS:
        return Exit.USAGE
    tree = build()
    translate(tree, terminal)
    answer = _SHELLS[shell](tree, {}, "gateway", VARIABLE).complete()
    terminal.out.file.write(answer + "\n")
    return Exit.OK


def suggestions(tree: GroupPage, words: Sequence[str], begun: str) -> Iterator[Suggestion]:
    """What may stand in the place of `begun` behind these words. Nothing: the shell offers files."""
    node, waiting = _walk(tree, words)
    options = {name: one for page in (node, tree) for one in _options(page) for name in one.opts}
    if not waiting and begun.startswith("-") and "=" in begun:
        waiting, _, begun = begun.partition("=")
    if waiting:
        yield from _choices(options.get(waiting), begun)
    elif begun.startswith("-"):
        yield from ((name, str(one.help)) for name, one in options.items() if name.startswith(begun))
    elif isinstance(node, TyperGroup):
        yield from ((name, child.help or "") for name, child in node.commands.items() if name.startswith(begun))
    else:
        for one in node.params:
            if isinstance(one, TyperArgument):
                yield from _choices(one, begun)


def _walk(tree: GroupPage, words: Sequence[str]) -> tuple[GroupPage | CommandPage, str]:
    """The command that was reached, and the option that waits for its value."""
    known = takes_value(tree, deep=True)
    node: GroupPage | CommandPage = tree
    waiting = ""
    for word in words:
        if waiting:
            waiting = waiting if word == "=" else ""  # bash: --lang = vi are three words
        elif word.startswith("-"):
            waiting = word if known.get(word) else ""
        elif isinstance(node, TyperGroup) and word in node.commands:
            child = node.commands[word]
            assert isinstance(child, GroupPage | CommandPage)
            node = child
    return node, waiting


def _options(page: GroupPage | CommandPage) -> Iterator[TyperOption]:
    return (one for one in page.params if isinstance(one, TyperOption))


def _choices(one: TyperOption | TyperArgument | None, begun: str) -> Iterator[Suggestion]:
    choices = (one.type_descriptor.choices if one is not None else None) or ()
    for choice in choices:
        if (word := str(choice.value)).startswith(begun):
            yield word, ""


class _Ours:
    cli: Any

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        found = suggestions(self.cli, args, "" if incomplete == "=" else incomplete)
        return [CompletionItem(word, help=meaning or None) for word, meaning in found]


class _Bash(_Ours, BashComplete):
    def get_completion_args(self) -> tuple[list[str], str]:
        """The script joins words by line feeds: taken apart there, an open quote swallows nothing."""
        words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
        return words[1:at], words[at] if at < len(words) else ""


class _Zsh(_Ours, ZshComplete):
    def format_completion(self, item: CompletionItem) -> str:
        """`"word":"meaning"`, which the script hands to `eval`. typer would load rich and break long meanings in two."""
        return ":".join(f'"{_quoted(text)}"' for text in (item.value, item.help) if text)


class _Fish(_Ours, FishComplete):
    def format_completion(self, item: CompletionItem) -> str:
        """Word, tab, meaning: a line each."""
        return "\t".join(" ".join(text.split()) for text in (item.value, item.help) if text)


def _quoted(text: str) -> str:
    """A text between double quotes inside single quotes, of which zsh expands nothing."""
    plain = " ".join(text.split()).translate(_ZSH)
    return plain.replace("'", "''").replace('"', '""')


_SHELLS: Final[Mapping[str, type[_Bash] | type[_Zsh] | type[_Fish]]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
