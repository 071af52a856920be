"""The tab key: the protocol as the shells speak it, and a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.completion import suggestions
from gateway.cli.grammar import ROWS, build, translate
from tests.unit.cli.world import terminal

PROGRAM = Path(sys.executable).with_name("gateway")
HEAVY = ("aiohttp", "alembic", "asn1crypto", "cryptography", "lxml", "PIL", "pyhanko", "signxml", "sqlalchemy")


def words(typed: str, begun: str = "") -> list[str]:
    tree = build()
    translate(tree, terminal())
    return [word for word, _ in suggestions(tree, typed.split(), begun)]


def ask(**environ: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [PROGRAM], capture_output=True, check=True, text=True, encoding="utf-8", timeout=60, env={**kept, **environ}
    )
    assert done.stderr == ""
    return done.stdout


def bash(*typed: str) -> list[str]:
    at = str(len(typed) - 1)
    return ask(_GATEWAY_COMPLETE="complete_bash", COMP_WORDS="\n".join(typed), COMP_CWORD=at).splitlines()


@pytest.mark.parametrize(
    ("typed", "begun", "some"),
    [
        ("", "", {row.name.split()[0] for row in ROWS}),
        ("", "a", {"agree", "apikey", "accept", "audit"}),
        ("audit", "", {"verify", "head", "prove"}),
        ("--lang vi audit", "p", {"prove"}),
        ("org", "", {"find", "show"}),
        ("documents --state", "re", {"refused"}),
        ("send x.edxml", "--env", {"--envelope"}),
        ("completion", "", {"bash", "zsh", "fish"}),
        ("--lang", "", {"vi", "en"}),
        ("inbox --lang", "e", {"en"}),
        ("inbox", "--lang=v", {"vi"}),
        ("inbox --lang =", "", {"vi", "en"}),
        ("send x.pdf --priority", "im", {"immediate", "immediate_at_time"}),
        ("apikey --scope", "", {"read", "send", "seal", "act"}),
        ("inbox", "--js", {"--json"}),
        ("inbox", "--fo", {"--follow"}),
        ("send --subject audit", "--num", {"--number"}),
    ],
)
def test_what_may_follow(typed: str, begun: str, some: set[str]) -> None:
    assert set(words(typed, begun)) == some


@pytest.mark.parametrize("typed", ["send", "get", "verify --trust", "bogus --subject", "send x --to-file"])
def test_where_nothing_is_known_the_shell_offers_files(typed: str) -> None:
    assert words(typed, "x") == []


def test_bash_asks_by_its_variables() -> None:
    assert bash("gateway", "au") == ["audit"]
    assert bash("gateway", "audit", "") == ["verify", "head", "prove"]
    assert "--config" in bash("gateway", "audit", "verify", "--c")
    assert bash("gateway", "inbox", "--lang", "=", "e") == ["en"]
    assert bash("gateway", "send", 'công văn "chưa đóng', "--prior") == ["--priority"]


def test_zsh_and_fish_get_the_meaning_too() -> None:
    zsh = ask(_GATEWAY_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="gateway audit ver")
    assert zsh.startswith('_arguments \'*: :(("verify":"Kiểm chứng lại toàn bộ')
    fish = {"_GATEWAY_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    said = ask(**fish, _TYPER_COMPLETE_ARGS="gateway audit ver", LANG="en_US.UTF-8")
    assert said.startswith("verify\tVerify everything again")
    said = ask(**fish, _TYPER_COMPLETE_ARGS="gateway audit ")
    assert [line.split("\t")[0] for line in said.splitlines()] == ["verify", "head", "prove"]
    zsh = ask(_GATEWAY_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="gateway apikey --e")
    assert zsh.count("\n") == 1
    assert "2027-12-31T23\\\\:59" in zsh


def test_a_question_that_is_none() -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    for asked in ("complete_tcsh", "source_bash", "nonsense"):
        done = subprocess.run([PROGRAM], capture_output=True, check=False, env={**kept, "_GATEWAY_COMPLETE": asked})
        assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_name_program_and_variable(shell: str) -> None:
    done = subprocess.run([PROGRAM, "completion", shell], capture_output=True, check=True, text=True, timeout=60)
    assert "_GATEWAY_COMPLETE=complete_" + shell in done.stdout
    assert "gateway" in done.stdout
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_real_bash_completes() -> None:
    script = f"""
    set -e
    PATH={PROGRAM.parent}:$PATH
    source <(gateway completion bash 2>/dev/null)
    complete -p gateway
    COMP_WORDS=(gateway audit pr) COMP_CWORD=2
    _gateway_completion gateway
    echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, check=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["complete -o default -F _gateway_completion gateway", "prove"]


LINES = (("version",), ("--help",), ("send", "--help"), ("completion", "bash"), ())
"""What must answer at once; the last is a press of the tab key."""
TAB = {"_GATEWAY_COMPLETE": "complete_bash", "COMP_WORDS": "gateway\nau", "COMP_CWORD": "1"}


@pytest.mark.parametrize("line", LINES)
def test_what_answers_at_once_loads_nothing_heavy(line: tuple[str, ...]) -> None:
    code = (
        "import os, sys\n"
        f"os.environ.update({TAB if not line else {}})\n"
        "from gateway.cli import main\n"
        f"assert main({list(line)}) == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("line", LINES)
def test_it_starts_in_a_few_times_what_its_libraries_take(line: tuple[str, ...]) -> None:
    """Four times on a quiet machine. Ten: something large is loaded that the list above does not name."""
    bare = _cpu([sys.executable, "-c", "import asyncio, rich.console, typer.main"], {})
    assert _cpu([str(PROGRAM), *line], {} if line else TAB) < 10 * bare


def _cpu(line: list[str], environ: dict[str, str]) -> float:
    """Of a process, the best of five: on a machine where others work, too, the clock says little."""
    spent = []
    for _ in range(5):
        before = os.times()
        subprocess.run(line, capture_output=True, check=True, env={**os.environ, **environ})
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(spent)
