"""The contract of experience.md 2.6: standard input, talk, questions, following, encodings, hostile words."""

import asyncio
import json
import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main, office
from gateway.cli.errors import Failure
from gateway.core.errors import SiteError
from gateway.core.limits import FILE_BYTES_MAX
from gateway.core.model import InboxPage
from tests.unit.api.world import CITY_KEY, PARTY, PDF, WARD, WARD_KEY
from tests.unit.cli.world import LETTER, Office, stdin

PROGRAM = Path(sys.executable).with_name("gateway")
Capture = pytest.CaptureFixture[str]


# --- standard input ----------------------------------------------------------------------------------------------------


async def test_a_document_from_standard_input(running: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, PDF)
    assert await running.run("send", "-", *LETTER, "--filename", "tờ trình.pdf") == 0
    stdin(monkeypatch, PDF)
    assert await running.run("send", "-", *LETTER, "--number", "13") == 0
    names = [document.attachments[0].name for document in running.desks.kept.values()]
    assert names == ["tờ trình.pdf", "van-ban.pdf"]
    assert {document.attachments[0].blob.size for document in running.desks.kept.values()} == {len(PDF)}


async def test_recipients_and_the_key_from_standard_input(
    running: Office, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin(monkeypatch, f"{WARD} # phường\n{PARTY}\n".encode())
    assert await running.run("send", letter, *LETTER[:2], *LETTER[4:], "--to-file", "-") == 0
    (order,) = running.desks.orders.values()
    assert order.metadata.recipients == (WARD, PARTY)
    monkeypatch.setenv("GATEWAY_API_KEY", "gwk_nobody")
    stdin(monkeypatch, f"{CITY_KEY}\n".encode())
    assert await running.run("inbox", "--key-file", "-") == 0


async def test_standard_input_is_read_once(running: Office, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    for line in (("send", "-", "-", *LETTER), ("send", "-", *LETTER, "--to-file", "-")):
        stdin(monkeypatch, b"Z79.01\n")
        assert await running.run(*line) == 2
        assert "chỉ đọc được một lần" in capsys.readouterr().err
    assert running.desks.kept == {}


async def test_a_file_that_is_too_large_never_fills_the_memory(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with (tmp_path / "big.pdf").open("wb") as big:
        big.truncate(FILE_BYTES_MAX + 1)
    assert await running.run("send", str(tmp_path / "big.pdf"), *LETTER) == 1
    assert "size.limit" in capsys.readouterr().err
    stdin(monkeypatch, b"x" * (FILE_BYTES_MAX + 1))
    assert await running.run("send", "-", *LETTER) == 6


def test_a_keyboard_is_not_waited_for_where_nothing_may_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="no_input"):
        stdin(monkeypatch, b"data", tty=True).read(99, option="-")
    assert stdin(monkeypatch, b"data", tty=True, may_ask=True).read(99, option="-") == b"data"
    assert stdin(monkeypatch, b"data").read(99, option="-") == b"data"


# --- questions ---------------------------------------------------------------------------------------------------------


def test_a_question_is_only_put_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="unasked"):
        stdin(monkeypatch, b"answer\n").ask("cli.refuse.reason", option="--reason")
    asked = stdin(monkeypatch, " không đúng\nrest".encode(), tty=True, may_ask=True)
    assert asked.ask("cli.refuse.reason", option="--reason") == "không đúng"


def on_a_terminal(*line: str, typed: str = "", **environ: str) -> tuple[int, str]:
    """Run it on a terminal of its own; exit code and everything the terminal showed."""
    leader, follower = pty.openpty()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [PROGRAM, *line],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**kept, "TERM": "xterm-256color", "COLUMNS": "80", **environ},
    )
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], 30)[0]:
        try:
            data = os.read(leader, 4096)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        shown += data
        if typed and b": " in shown:
            os.write(leader, typed.encode())
            typed = ""
    os.close(leader)
    return process.wait(30), shown.decode()


@pytest.mark.slow
def test_refuse_asks_for_the_reason_on_a_terminal_and_not_when_told_not_to() -> None:
    reach = ("--url", "https://127.0.0.1:1")
    code, shown = on_a_terminal("refuse", "k", *reach, typed="nhầm nơi nhận\n", GATEWAY_API_KEY="gwk_x")
    assert code == 5
    assert "Lý do từ chối tiếp nhận:" in shown
    code, shown = on_a_terminal("refuse", "k", *reach, "--no-input", GATEWAY_API_KEY="gwk_x")
    assert code == 2
    assert "Nêu --reason trên dòng lệnh" in shown
    assert "Lý do từ chối" not in shown


@pytest.mark.slow
def test_colours_only_where_somebody_looks_and_wants_them() -> None:
    coloured = on_a_terminal("bogus")[1]
    assert "\x1b[" in coloured
    for line, environ in ((("bogus", "--no-color"), {}), (("bogus",), {"NO_COLOR": "1"})):
        plain = on_a_terminal(*line, **environ)[1]
        assert not re.search("\x1b\\[[0-9;]*3[0-9]", plain), plain


# --- talk --------------------------------------------------------------------------------------------------------------


async def test_quiet_leaves_data_and_errors(running: Office, letter: str, capsys: Capture) -> None:
    running.desks.register(WARD, "Ủy ban nhân dân")
    assert await running.run("send", letter, *LETTER, "--wait", "-q") == 0
    said = capsys.readouterr()
    (key,) = running.desks.kept
    assert (said.out, said.err) == (f"{key}\n", "")
    assert await running.run("trace", "--quiet", "nobody") == 3
    assert len(capsys.readouterr().err.splitlines()) == 3


async def test_quiet_does_not_hide_who_did_not_get_it(running: Office, letter: str, capsys: Capture) -> None:
    running.desks.stopped = "seal.undecided"
    assert await running.run("send", letter, *LETTER, "--wait", "--quiet") == 1
    assert "Đang tạm giữ" in capsys.readouterr().err


async def test_verbose_tells_how(running: Office, letter: str, capsys: Capture) -> None:
    assert await running.run("send", letter, *LETTER, "-v") == 0
    said = capsys.readouterr().err
    (document,) = running.desks.kept.values()
    assert running.url in said
    assert str(running.ca) in said
    assert "GATEWAY_API_KEY" in said
    assert document.idempotency_key in said
    assert CITY_KEY not in said
    assert CITY_KEY[:20] not in said


async def test_get_tells_how_far_it_is(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a\x1b[2J.pdf", "application/pdf", PDF), sender=PARTY)
    assert await running.run("get", entry.key, "-o", str(tmp_path)) == 0
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert lines[0] == f"Đã tải 1/2: {entry.key}.edxml"
    assert lines[1].startswith("Đã tải 2/2: a")
    assert "\x1b" not in said.err + said.out


# --- following ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [False, True])
async def test_an_inbox_is_followed_without_a_gap(
    running: Office, monkeypatch: pytest.MonkeyPatch, capsys: Capture, as_json: bool
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    naps: list[float] = []

    async def deliver() -> None:
        await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)

    loop = asyncio.get_running_loop()

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt
        if len(naps) == 1:  # on the desk's own loop
            asyncio.run_coroutine_threadsafe(deliver(), loop).result()

    for _ in range(3):
        await deliver()
    monkeypatch.setattr(office.asyncio, "sleep", nap)
    line = ("inbox", "--follow", "--limit", "2", *(["--json"] if as_json else []))
    assert await running.run(*line) == 130
    said = capsys.readouterr()
    if as_json:
        assert [json.loads(row)["cursor"] for row in said.out.splitlines()] == [1, 2, 3, 4]
    else:
        assert [row.split("\t")[0] for row in said.out.splitlines()] == ["Vị trí", "1", "2", "3", "4"]
    assert said.err == "Đang theo dõi văn bản đến; ngắt bằng Ctrl-C.\n"
    assert naps == [office.FOLLOW_SECONDS] * 3


async def test_a_gateway_that_is_restarted_is_waited_for(
    running: Office, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A follower outlives a few silences, and says so when there is nothing but silence."""
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr(office.asyncio, "sleep", nap)
    assert await asyncio.to_thread(main, ["inbox", "--follow", "--url", "https://127.0.0.1:1"]) == 5
    assert len(naps) == office.SILENCES_MAX - 1
    assert "cli.unreachable" in capsys.readouterr().err


async def test_a_gateway_that_is_busy_is_followed_all_the_same(
    running: Office, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    naps: list[float] = []
    inbox = running.desks.inbox

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if seconds == office.FOLLOW_SECONDS:
            raise KeyboardInterrupt

    async def busy(*given: Any, **named: Any) -> InboxPage:
        if len(naps) < 9:  # longer than the patience of one call
            raise SiteError("store.busy")
        return await inbox(*given, **named)

    monkeypatch.setattr(running.desks, "inbox", busy)
    monkeypatch.setattr(office.asyncio, "sleep", nap)
    await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    assert await running.run("inbox", "--follow", "--json") == 130
    assert json.loads(capsys.readouterr().out)["cursor"] == 1
    assert naps == [5] * 9 + [office.FOLLOW_SECONDS]


# --- encodings and hostile words ---------------------------------------------------------------------------------------


def run(*line: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [PROGRAM, *line],
        capture_output=True,
        check=False,
        timeout=60,
        env={**kept, **environ},
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("locale", ["POSIX", "C", "en_US.ISO-8859-1"])
def test_names_of_files_are_utf8_whatever_the_locale(tmp_path: Path, locale: str) -> None:
    """The file is found and named as it is called, where Python would have read the line as ASCII."""
    path = tmp_path / "công văn.pdf"
    path.write_bytes(b"")
    old = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    missing = run("send", str(tmp_path / "tờ trình.pdf"), *LETTER, "--lang", "vi", GATEWAY_API_KEY="gwk_x", **old)
    assert missing.returncode == 3
    assert "tờ trình.pdf" in missing.stderr.decode()
    found = run("config", "check", "--config", str(path), "--lang", "vi", **old)
    assert found.returncode == 8
    assert "công văn.pdf" in found.stdout.decode()


async def test_words_of_strangers_reach_no_terminal_as_they_are(
    running: Office, letter: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    hostile = "Tên\x1b]0;x\x07\u202e\r\nLỗi: giả"
    running.desks.register(WARD, hostile)
    body = running.desks.bodies[WARD]
    running.desks.bodies[WARD] = replace(body, in_charge=hostile)
    for line in (("org", "show", WARD), ("send", letter, *LETTER, "--dry-run")):
        capsys.readouterr()
        await running.run(*line)
        said = capsys.readouterr()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err), line
        assert not any(row.startswith("Lỗi: giả") for row in (said.out + said.err).splitlines())


async def test_a_bodys_facts(running: Office, capsys: Capture) -> None:
    running.desks.register(WARD, "Ủy ban nhân dân Phường Sài Gòn")
    assert await running.run("org", "show", WARD) == 0
    assert "Tên cơ quan: Ủy ban nhân dân Phường Sài Gòn" in capsys.readouterr().out.splitlines()
    assert await running.run("org", "show", "Z79.99") == 3


def test_a_pipe_that_closes_early_is_no_fault(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{PROGRAM} config show --config {tmp_path}/none.toml --json | head -c 1; {PROGRAM} completion bash | head -1",
        shell=True,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_main_keeps_the_rest_of_the_line(capsys: Capture) -> None:
    any_line: Any = ["version", "--json", "-q", "--no-input", "--no-color", "--lang", "en"]
    assert main(any_line) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "gateway"
