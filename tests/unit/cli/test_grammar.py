import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup

from gateway.cli import main
from gateway.cli.errors import Exit, Failure
from gateway.cli.grammar import command, hoist, parse_day
from gateway.cli.recipients import parse_lines, read_recipients
from gateway.core.limits import RECIPIENTS_MAX
from tests.unit.cli.world import terminal


def every_help(node: TyperGroup | TyperCommand) -> Iterator[str]:
    yield node.help or ""
    yield from (getattr(parameter, "help", None) or "" for parameter in node.params)
    for child in node.commands.values() if isinstance(node, TyperGroup) else ():
        assert isinstance(child, TyperGroup | TyperCommand)
        yield from every_help(child)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_command_and_option_is_explained_in_both_languages(language: str) -> None:
    helps = list(every_help(command(terminal(language))))
    assert len(helps) > 40
    assert [words for words in helps if not words or words.startswith("cli.")] == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_exit_codes_stand_in_the_help(language: str) -> None:
    told = command(terminal(language)).epilog or ""
    numbers = {int(line.split()[0]) for line in told.splitlines() if line.split()[0].isdigit()}
    assert numbers == set(Exit)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_help_speaks_of_types_or_breaks_off(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("", *command(terminal(language)).commands):
        assert main([*([name] if name else []), "--help", "--lang", language]) == 0
    shown = capsys.readouterr().out
    _, _, listed = shown.partition("Commands:")
    assert [line for line in listed.partition("\n\n")[0].splitlines() if line.endswith("...")] == []
    assert not re.search(r"list\[|<(int|str|Path|path)\b|cli\.", shown)
    assert ("FILE" in shown) == (language == "en")


def test_a_second_language_does_not_meet_the_words_of_the_first() -> None:
    vi, en = command(terminal("vi")), command(terminal("en"))
    assert (vi.commands["inbox"].help or "").startswith("Văn bản đến")
    assert (en.commands["inbox"].help or "").startswith("Documents")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["inbox", "--json"], ["--json", "inbox"]),
        (["inbox", "--lang", "en", "--after", "3"], ["--lang", "en", "inbox", "--after", "3"]),
        (["inbox", "--url=https://x"], ["--url=https://x", "inbox"]),
        (["verify", "--", "--json"], ["verify", "--", "--json"]),
        (["refuse", "k", "--reason=--json"], ["refuse", "k", "--reason=--json"]),
        (["inbox", "--lang"], ["--lang", "inbox"]),
    ],
)
def test_options_of_the_program_may_stand_anywhere(typed: list[str], meant: list[str]) -> None:
    assert hoist(typed) == meant


def test_a_day_as_offices_and_as_programs_write_it() -> None:
    assert parse_day("21/11/2026") == parse_day(" 2026-11-21 ") == date(2026, 11, 21)


@pytest.mark.parametrize("text", ["", "2026-02-30", "11/21/2026", "tomorrow", "2026-11-21T00:00"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(Failure):
        parse_day(text)


def test_a_column_of_codes() -> None:
    pasted = "\ufeffZ79.DU.25747\tĐảng ủy Phường Thủ Dầu Một\r\n\n# quận cũ\n  Z79.UB.26732 # Côn Đảo\n"
    assert parse_lines(pasted) == ("Z79.DU.25747", "Z79.UB.26732")


def test_recipients_keep_their_order_and_come_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "codes").write_text("B\nA\nC\n", "utf-8")
    assert read_recipients(["A", "A"], tmp_path / "codes") == ("A", "B", "C")
    monkeypatch.setattr("sys.stdin", io.StringIO("X\n"))
    assert read_recipients([], Path("-")) == ("X",)


def test_no_recipients_and_far_too_many(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no_recipient"):
        read_recipients([], None)
    (tmp_path / "codes").write_text("x" * 300 * RECIPIENTS_MAX, "utf-8")
    with pytest.raises(Failure, match="file"):
        read_recipients([], tmp_path / "codes")
