import gettext
import re
import shlex
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gateway.cli import main
from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.grammar import ROWS, build, hoist, takes_value, translate
from gateway.cli.grammar.options import parse_day
from gateway.cli.grammar.pages import CommandPage, GroupPage
from gateway.observe.messages import LOCALES
from tests.unit.cli.world import terminal

LANGUAGES = ("vi", "en")
ENGLISH = re.compile(
    r"\b(Usage|Options|Arguments|Commands|Examples|required|default|env var|Show this message|COMMAND)\b"
)


def tree(language: str = "vi") -> GroupPage:
    built = build()
    translate(built, terminal(language))
    return built


def pages(node: GroupPage | CommandPage, path: str = "") -> Iterator[tuple[str, GroupPage | CommandPage]]:
    yield path, node
    for name, child in node.commands.items() if isinstance(node, TyperGroup) else ():
        assert isinstance(child, GroupPage | CommandPage)
        yield from pages(child, f"{path} {name}".strip())


def shown(path: str, language: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*path.split(), "--help", "--lang", language]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_option_and_value_is_explained_in_both_languages(language: str) -> None:
    helps: list[str] = []
    for path, page in pages(tree(language)):
        helps.append(page.help or f"cli.{path}")
        for one in page.params:
            assert isinstance(one, TyperOption | TyperArgument)
            helps += [one.help or f"cli.{path} {one.name}", one.metavar or "-"]
    assert len(helps) > 150
    assert [words for words in helps if not words or words.startswith("cli.")] == []


def test_each_row_is_a_command_and_what_changes_has_a_dry_run() -> None:
    found = {path: page for path, page in pages(tree()) if isinstance(page, TyperCommand)}
    assert list(found) == [row.name for row in sorted(ROWS, key=lambda row: list(found).index(row.name))]
    assert len(found) == len(ROWS)
    for row in ROWS:
        options = takes_value(found[row.name])
        assert ("--dry-run" in options) == row.changes, row.name


def test_an_option_has_a_value_everywhere_or_nowhere() -> None:
    """`hoist` knows options by their names alone."""
    seen: dict[str, bool] = {}
    for path, page in pages(build()):
        for name, valued in takes_value(page).items():
            assert seen.setdefault(name, valued) == valued, f"{path} {name}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_no_help_is_broken_english_or_of_types(
    language: str, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for path, _ in pages(tree()):
        page = shown(path, language, capsys)
        assert max(map(len, page.splitlines())) <= int(columns), path
        assert not re.search(r"list\[|<(int|str|Path|path)\b|cli\.|\.\.\.$", page), path
        assert bool(ENGLISH.search(page)) == (language == "en"), path


def test_a_help_in_full(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert shown("refuse", "vi", capsys) == (
        "Cách dùng: gateway refuse [TÙY_CHỌN] MÃ\n\n"
        "Từ chối tiếp nhận; bắt buộc nêu lý do.\n\n"
        "Ví dụ:\n"
        '  gateway refuse 12 --reason "Không đúng thẩm quyền"\n\n'
        "Tham số:\n"
        "  MÃ  Vị trí của văn bản đến (cột đầu của gateway inbox), hoặc mã văn bản đến (cột cuối của\n"
        "      gateway inbox khi đưa vào ống dẫn); không phải mã in ra khi gửi.  [bắt buộc]\n\n"
        "Tùy chọn:\n"
        "  --reason CHỮ  Lý do; cơ quan gửi sẽ đọc được.\n"
        "  --dry-run     Chỉ cho biết sẽ làm gì và có làm được không; không thay đổi gì.\n"
        "  -h, --help    In hướng dẫn này rồi thoát.\n\n"
        "Tùy chọn chung (--json, --quiet, --verbose, --no-input, --lang, --no-color, --url, --key-file,\n"
        "--ca, --tls-name): xem gateway --help.\n"
    )
    english = shown("refuse", "en", capsys)
    assert english.startswith("Usage: gateway refuse [OPTIONS] KEY\n\nRefuse")
    assert "Examples:\n  gateway refuse 12 --reason" in english


def test_examples_stand_before_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    for row in ROWS:
        page = shown(row.name, "vi", capsys)
        assert 0 < page.index("Ví dụ:") < page.index("Tùy chọn:"), row.name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_example_is_a_command_line(row: Any, language: str) -> None:
    """Parsed by typer itself: an example with a wrong option is worse than none."""
    examples = next(page for path, page in pages(tree(language)) if path == row.name).examples
    lines = examples.replace("\\\n", "").splitlines()
    assert lines
    for line in lines:
        assert row.name in line
        typed = re.sub(r".*(?=gateway )|\)$|>.*", "", line)
        words = hoist(tree(), shlex.split(typed)[1:]).whole
        built = build()
        with built.make_context("gateway", words, obj=terminal()) as context:
            node: Any = built
            rest = [*context._protected_args, *context.args]
            while isinstance(node, TyperGroup):
                name, node, rest = node.resolve_command(context, rest)
            assert node is not None
            node.make_context(name, rest, parent=context)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_exit_codes_stand_in_the_help(language: str) -> None:
    told = tree(language).epilog or ""
    numbers = {int(line.split()[0]) for line in told.splitlines() if line.split()[0].isdigit()}
    assert numbers == set(Exit)


def test_a_second_language_does_not_meet_the_words_of_the_first() -> None:
    vi, en = tree("vi"), tree("en")
    assert (vi.commands["inbox"].help or "").startswith("Văn bản đến")
    assert (en.commands["inbox"].help or "").startswith("Documents")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["inbox", "--json"], ["--json", "inbox"]),
        (["inbox", "--lang", "en", "--after", "3"], ["--lang", "en", "inbox", "--after", "3"]),
        (["inbox", "--url=https://x"], ["--url=https://x", "inbox"]),
        (["inbox", "-q", "-v"], ["-q", "-v", "inbox"]),
        (["verify", "--", "--json"], ["verify", "--", "--json"]),
        (["refuse", "k", "--reason=--json"], ["refuse", "k", "--reason=--json"]),
        (["refuse", "k", "--reason", "--json"], ["refuse", "k", "--reason", "--json"]),
        (["send", "--subject", "-v", "-v"], ["-v", "send", "--subject", "-v"]),
        (["inbox", "--lang"], ["--lang", "inbox"]),
        (["--dry-run", "accept", "172"], ["accept", "172", "--dry-run"]),
        (["--config", "x", "--json", "audit", "head"], ["--json", "audit", "head", "--config", "x"]),
        (["--dry-run", "refuse", "k", "--", "-x"], ["refuse", "k", "--dry-run", "--", "-x"]),
        (["--nonsense", "inbox"], ["--nonsense", "inbox"]),
    ],
)
def test_options_of_the_program_may_stand_anywhere(typed: list[str], meant: list[str]) -> None:
    assert hoist(tree(), typed).whole == meant


def test_the_program_reads_its_own_options_off_the_line() -> None:
    line = hoist(build(), ["inbox", "--lang", "vi", "--lang=en", "-q", "--", "--json"])
    assert (line.value("--lang"), line.value("--url")) == ("en", None)
    assert (line.has("-q", "--quiet"), line.has("--json")) == (True, False)
    assert hoist(build(), ["inbox", "--lang"]).value("--lang") is None


def test_a_day_as_offices_and_as_programs_write_it() -> None:
    assert parse_day("21/11/2026") == parse_day(" 2026-11-21 ") == date(2026, 11, 21)


@pytest.mark.parametrize("text", ["", "2026-02-30", "11/21/2026", "tomorrow", "2026-11-21T00:00"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(Failure):
        parse_day(text)


def catalogue(language: str) -> dict[str, str]:
    """The command line's texts, but for examples, which are typed and not read; of those that count, every form."""
    entries: dict[Any, str] = vars(gettext.translation("gateway", LOCALES, [language]))["_catalog"]
    found: dict[str, str] = {}
    for entry, words in entries.items():
        name = entry if isinstance(entry, str) else entry[0]
        if re.match(r"cli\.(?!example\.)", name):
            found[name] = "\n".join(filter(None, (found.get(name), words)))
    return found


def vietnamese(words: str) -> bool:
    return any(letter in "đĐ" or unicodedata.normalize("NFD", letter) != letter for letter in words)


def test_vietnamese_texts_are_vietnamese_and_english_ones_english() -> None:
    vi, en = catalogue("vi"), catalogue("en")
    assert vi.keys() == en.keys()
    assert len(vi) > 300
    for name, words in vi.items():
        said = re.sub(r"\{[a-z_]+\}|\bbyte\b", "", words)
        assert vietnamese(words) or not re.search("[a-z]", said), f"{name}: {words}"
        assert not re.search(
            r"(?i)\b(the|of|and|is|are|was|with|from|this|file|not|no)\b", re.sub(r"--\S+", "", said)
        ), name
    quoted = re.compile(r"\"[^\"]*\"|QĐ-UBND|Công văn")
    assert [name for name, words in en.items() if vietnamese(quoted.sub("", words))] == []
