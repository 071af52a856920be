"""Every `gateway …` that the README or a page of docs/ tells somebody to type exists, with the options it is given."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.grammar import ROWS
from gateway.cli.grammar.program import CommandPage, GroupPage, build, children

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "config" / "gateway.example.toml")
SPAN = re.compile(r"`((?:\.venv/bin/)?gateway [a-z][^`\n]*)`")
LINE = re.compile(r"^(?:sudo -u \S+ |\$ )?((?:\S*/bin/)?gateway [a-z][^\n|>]*)$", re.MULTILINE)
FENCE = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def options(node: GroupPage | CommandPage, *, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each command by its whole name, with its options."""
    yield path, {spelt for parameter in node.params for spelt in (*parameter.opts, *parameter.secondary_opts)}
    for name, child in children(node):
        yield from options(child, path=f"{path} {name}".strip())


OPTIONS = dict(options(build()))


def typed(text: str) -> list[str]:
    """What a reader of the page would type."""
    fenced = "\n".join(FENCE.findall(text)).replace("\\\n", " ")
    return [line.strip() for line in (*SPAN.findall(text), *LINE.findall(fenced))]


def faults(line: str) -> list[str]:
    """Why the program would not understand the line."""
    words = line.split()[1:]
    name = next((known for n in (2, 1) if (known := " ".join(words[:n])) in OPTIONS), None)
    if name is None:
        return [f"no such command: {line}"]
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    return [f"no such option: {option} in {line}" for option in sorted(given - OPTIONS[name] - OPTIONS[""])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_to_type_can_be_typed(page: Path) -> None:
    assert [fault for line in typed(page.read_text(encoding="utf-8")) for fault in faults(line)] == []


def test_what_cannot_be_typed_is_found() -> None:
    text = (
        "`gateway invent X` and `gateway audit verify --konfig F`\n```sh\ngateway apikey --nam x \\\n  --organ y\n```\n"
    )
    assert [len(faults(line)) for line in typed(text)] == [1, 1, 1]
    assert {row.name for row in ROWS} <= set(OPTIONS)
