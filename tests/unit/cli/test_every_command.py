"""The contract of experience.md 2.6 over every command there is, read off the table of commands."""

import asyncio
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from gateway.api import listen_operator
from gateway.cli import main, progress
from gateway.cli.exits import Exit
from gateway.cli.grammar import Row, takes_value
from tests.kit.operators_desk import OperatorsDesk
from tests.kit.signing_desk import SigningDesk
from tests.unit.cli.everything import (
    BOTH_KEY,
    HOSTILE,
    RUN,
    Things,
    acting,
    command,
    furnish,
    ids,
    parameters,
    terminal_of,
    tree,
)
from tests.unit.cli.schemas import check
from tests.unit.cli.site import Site
from tests.unit.cli.world import Office

Capture = pytest.CaptureFixture[str]
every = pytest.mark.parametrize("row", RUN, ids=ids(RUN))
REPORTS = {"config_check", "doctor", "verify", "edxml_validate"}
"""What they find wrong is their data: with an exit code, and no error."""


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> SigningDesk:
    """Keys, certificates and a stamped file: made once, and copied for each test."""
    desk = SigningDesk.furnished(tmp_path_factory.mktemp("desk"), organ_id="Z79.VPTU")  # who sends the envelope
    asyncio.run(desk.stamped())
    return desk


@pytest.fixture
async def things(
    running: Office,
    site: Site,
    furnished: SigningDesk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> AsyncIterator[Things]:
    monkeypatch.setenv("GATEWAY_API_KEY", BOTH_KEY)
    monkeypatch.setattr(progress, "POLL_FIRST_SECONDS", 0.01)
    folder = tmp_path / "things"
    folder.mkdir()
    desk = replace(furnished, folder=Path(shutil.copytree(furnished.folder, tmp_path / "desk")))
    socket = site.config.admin_socket
    socket.parent.mkdir(parents=True, exist_ok=True)
    end = await listen_operator(OperatorsDesk(), socket, entropy=secrets.token_bytes, who=lambda _: HOSTILE)
    async with desk.served() as authority:
        yield await furnish(running, site, folder, desk=desk, authority=authority)
    await end()
    assert "Traceback" not in capsys.readouterr().err


class Untouched(io.TextIOWrapper):
    """A keyboard at which nobody sits: whoever asks it fails."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:
        raise AssertionError("asked")

    def read(self, size: int | None = -1, /) -> str:
        raise AssertionError("asked")


def lines_of_an_error(talk: str, language: str = "vi") -> list[str]:
    heads = {"vi": ("Lỗi: ", "Chi tiết: ", "Cần làm: "), "en": ("Error: ", "Details: ", "What to do: ")}[language]
    return [line for line in talk.splitlines() if line.startswith(heads)]


@every
async def test_data_on_stdout_talk_on_stderr_and_nothing_that_acts(row: Row, things: Things, capsys: Capture) -> None:
    """In a pipe: no colours, no bars, no stranger's word that moves a cursor or forges a line."""
    code = await things.run(*things.line(row))
    said = capsys.readouterr()
    assert code in (Exit.OK, Exit.PROBLEM, Exit.VERIFICATION), said.err
    assert said.out
    assert acting(said.out, besides="\n\t") == []
    assert acting(said.err, besides="\n") == []
    assert [line for line in said.err.splitlines() if line.startswith("Lỗi: giả")] == []
    assert (lines_of_an_error(said.err) == []) or row.id in REPORTS


@every
async def test_json_is_one_value_of_the_documented_form(row: Row, things: Things, capsys: Capture) -> None:
    if not row.data:
        pytest.skip("has no data")
    await things.run(*things.line(row), "--json")
    said = capsys.readouterr()
    check(row.id, json.loads(said.out))
    assert acting(said.out, besides="\n") == []
    assert acting(said.err, besides="\n") == []


@every
async def test_json_is_one_value_when_it_fails(
    row: Row, things: Things, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", "")
    code = await things.run(*things.line(row), "--no-such-option", "--json")
    said = capsys.readouterr()
    assert code == Exit.USAGE
    check("error", json.loads(said.out))
    assert len(lines_of_an_error(said.err)) == 3


@every
async def test_quiet_says_nothing_and_no_input_asks_nothing(
    row: Row, things: Things, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Untouched())
    code = await things.run(*things.line(row), "--quiet", "--no-input")
    said = capsys.readouterr()
    if code == Exit.OK:
        assert said.err == ""
    else:
        assert len(lines_of_an_error(said.err)) in (0, 3)


@every
@pytest.mark.parametrize("columns", [40, 80])
async def test_a_terminal_is_never_overrun_nor_driven(
    row: Row, columns: int, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colours are all that may be on it; no table is wider than it, and no cell narrower than a word."""
    with terminal_of(columns, monkeypatch) as shown:
        await things.run(*things.line(row), "--no-color")
    text = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", shown()).replace("\r\n", "\n")
    assert acting(text, besides="\n\r\t ") == []  # \r: a bar that is drawn again
    assert not re.search(r"\n(?:\s*\S{1,2}\s*\n){6}", text), "a shred of a table"


@every
async def test_colours_can_be_had_and_be_done_without(
    row: Row, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = re.compile("\x1b\\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7])(?:;[0-9;]*)?m")
    for variable in ("", "NO_COLOR"):
        with terminal_of(120, monkeypatch) as shown:
            if variable:
                monkeypatch.setenv(variable, "1")
            await things.run(*things.line(row), "--no-such-option")
        assert bool(paint.search(shown())) == (not variable)


@every
async def test_a_reader_that_has_enough(row: Row, things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    errors = (things.folder / "stderr").open("w+", encoding="utf-8")
    with os.fdopen(writer, "w", encoding="utf-8") as nobody, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", nobody)
        patch.setattr("sys.stderr", errors)
        assert await things.run(*things.line(row), "--json") == Exit.READER_GONE
    errors.close()
    assert "Traceback" not in (things.folder / "stderr").read_text("utf-8")


@every
async def test_ctrl_c_is_quiet(row: Row, things: Things, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command is when it comes: here, when it is about to print."""

    def interrupted(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.cli.output.plain_json", interrupted)
    monkeypatch.setattr("gateway.cli.proof.plain_json", interrupted)
    monkeypatch.setattr("gateway.cli.shells.get_completion_script", interrupted)
    assert await things.run(*things.line(row), "--json", "-q") == Exit.INTERRUPTED
    said = capsys.readouterr()
    assert said.out == ""
    assert lines_of_an_error(said.err) in ([], lines_of_an_error(said.err)[:3])


# --- names of files ------------------------------------------------------------------------------------------------------


def bad_paths(folder: Path, good: Path) -> dict[str, Path]:
    """Names that lead nowhere, or where nobody expects it."""
    (folder / "loop").symlink_to(folder / "loop")
    undecodable = folder / os.fsdecode(b"\xff\xfe.pdf")
    acts = folder / "tờ\u202e trình\x9b2J\n.pdf"
    for copy in (undecodable, acts):
        copy.write_bytes(good.read_bytes())
    empty, noise = folder / "empty", folder / "noise"
    empty.write_bytes(b"")
    noise.write_bytes(bytes(range(256)) * 64)
    return {
        "missing": folder / "no" / "such",
        "a folder": folder,
        "below a file": empty / "x",
        "no UTF-8": undecodable,
        "missing, no UTF-8": folder / os.fsdecode(b"\xff\xfd"),
        "too long": folder / ("đ" * 200),
        "a loop": folder / "loop",
        "empty": empty,
        "noise": noise,
        "unreadable": Path("/proc/self/mem"),  # root may open anything; this cannot be read from its beginning
        "a name that acts": acts,
        "missing, and acts": folder / "a\x1b[2J\u202e",
    }


FILED = [(row, str(one.help)) for row in RUN for one in parameters(row) if one.type_descriptor.is_path]


@pytest.mark.parametrize(("row", "about"), FILED, ids=[f"{row.id}-{about}" for row, about in FILED])
async def test_names_of_files_that_lead_nowhere(
    row: Row, about: str, things: Things, capsys: Capture, tmp_path: Path
) -> None:
    for kind, path in bad_paths(tmp_path, things.letter).items():
        code = await things.run(*things.line(row, **{about: str(path)}), "--json")
        said = capsys.readouterr()
        told = json.loads(said.out)
        assert code in set(Exit) - {Exit.BUG, Exit.INTERRUPTED, Exit.READER_GONE}, (kind, said.err)
        if "error" in told:
            check("error", told)
            assert len(lines_of_an_error(said.err)) == 3, kind
        assert acting(said.out + said.err, besides="\n") == [], kind


# --- the words -----------------------------------------------------------------------------------------------------------


@every
def test_an_option_typed_nearly_right_is_guessed(row: Row, capsys: Capture) -> None:
    for option in {**takes_value(tree()), **takes_value(command(row))}:
        if option.startswith("--"):
            assert main([*row.name.split(), f"{option}x"]) == Exit.USAGE
            assert re.search(f"có phải: .*{option}\\b", capsys.readouterr().err), option


@every
def test_a_command_typed_nearly_right_is_guessed(row: Row, capsys: Capture) -> None:
    words = row.name.split()
    assert main([*words[:-1], f"{words[-1]}x"]) == Exit.USAGE
    assert f"có phải: {words[-1]}" in capsys.readouterr().err


def test_every_group_without_a_command_says_so(capsys: Capture) -> None:
    for name, child in tree().commands.items():
        if isinstance(child, TyperGroup):
            assert main([name]) == Exit.USAGE
            assert lines_of_an_error(capsys.readouterr().err)[0] == "Lỗi: Chưa nêu lệnh."


@pytest.mark.parametrize("line", [["inbox"], ["documents"], ["org", "find", "Z79"]])
async def test_a_long_title_does_not_push_the_list_away(
    things: Things, line: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """1600 characters of a stranger: cut for the eye, whole in a pipe."""
    with terminal_of(80, monkeypatch) as shown:
        assert await things.run(*line) == Exit.OK
    assert shown().count("\n") < 60
    assert "…" in shown()
    assert await things.run(*line) == Exit.OK
    assert capsys.readouterr().out.count("dài") >= 400


async def test_whoever_looks_is_told_how_to_go_on(
    things: Things, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A person who has just sent something, or looks for what was sent, or typed a key that is none; no pipe."""
    send = next(row for row in RUN if row.name == "send")
    for line in (things.line(send), ["documents"]):
        with terminal_of(80, monkeypatch) as shown:
            assert await things.run(*line) == Exit.OK
        assert "Xem nơi nhận đã nhận hay chưa: gateway trace" in shown()
    assert await things.run(*things.line(send)) == Exit.OK
    assert "gateway trace" not in capsys.readouterr().err
    assert await things.run("org", "show", "Z79.99.99") == Exit.NOT_FOUND
    assert "gateway org find" in capsys.readouterr().err


async def test_nothing_found_is_said_in_words(running: Office, capsys: Capture) -> None:
    """Lists: an empty stdout and a sentence on stderr; for programs, an empty list."""
    for line, member in ((["inbox"], "entries"), (["documents"], "items"), (["org", "find", "không có"], "items")):
        assert await running.run(*line) == Exit.OK
        said = capsys.readouterr()
        assert (said.out, len(said.err.splitlines())) == ("", 1), line
        assert await running.run(*line, "--json") == Exit.OK
        assert json.loads(capsys.readouterr().out)[member] == []
