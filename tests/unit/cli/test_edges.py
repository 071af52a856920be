"""The edges of a run: interrupted while it is loaded, nobody reads, nowhere to print, nobody looks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.exits import Exit

PROGRAM = Path(sys.executable).with_name("gateway")
INTERRUPTING = """
import os, signal, sys
import gateway.__main__

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.exit(gateway.__main__.main())
"""
Capture = pytest.CaptureFixture[str]


def shell(line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    words = f'PATH="{PROGRAM.parent}:$PATH"; set -o pipefail; {line}'
    return subprocess.run(
        ["bash", "-c", words], capture_output=True, check=False, text=True, timeout=60, env={**kept, **environ}
    )


@pytest.mark.parametrize("module", ["gateway.cli", "rich.console", "gateway.cli.preflight", "pyhanko"])
def test_ctrl_c_while_it_is_being_loaded_says_nothing(module: str) -> None:
    """Python would tell how far it had come, or swallow it: then the command would run on."""
    line = [sys.executable, "-c", INTERRUPTING.format(module=module), "config", "check", "--config", "/no/such.toml"]
    done = subprocess.run(line, capture_output=True, check=False, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("line", ["completion bash", "--help", "apikey --name x --organ H29.16 --scope read --json"])
def test_a_reader_that_has_enough_is_told_apart_from_a_verdict(line: str) -> None:
    """1 would say that a check has failed; 141 is what a program says that SIGPIPE has ended."""
    done = shell(f"gateway {line} -q | true")
    assert (done.returncode, done.stderr) in [(Exit.READER_GONE, ""), (0, "")]  # 0: it was quicker than `true`
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([PROGRAM, *line.split(), "-q"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (process.returncode, process.stderr) == (Exit.READER_GONE, b"")


def test_an_error_that_nobody_reads_is_none_of_ours() -> None:
    done = shell("gateway bogus --json 2>&1 | true")
    assert (done.returncode, done.stderr) in [(Exit.READER_GONE, ""), (Exit.USAGE, "")]


def test_a_full_disk_behind_stdout_is_told() -> None:
    for line in ("version", "completion bash", "bogus --json", "version --json"):
        done = shell(f"gateway {line} > /dev/full")
        assert done.returncode in (Exit.PERMISSION, Exit.USAGE), line
        assert [row.split(":")[0] for row in done.stderr.splitlines()][-3:] == ["Lỗi", "Chi tiết", "Cần làm"], line
    assert "Không ghi được kết quả ra đầu ra (ổ đĩa đã đầy)." in shell("gateway version > /dev/full").stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_lead_nowhere(closed: str) -> None:
    assert shell(f"gateway version {closed}").returncode == 0
    done = shell(f"gateway inbox {closed}", GATEWAY_API_KEY="")
    assert done.returncode == Exit.PERMISSION
    assert "Traceback" not in done.stderr


def test_a_pipe_gets_tabs_and_no_colours_whatever_the_build_wants(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["config", "check", "--config", str(tmp_path / "none.toml")]) == Exit.CONFIGURATION
    assert main(["bogus", "--json"]) == Exit.USAGE
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert json.loads(said.out[said.out.index("{") :])["error"]["code"] == "cli.usage.command"
