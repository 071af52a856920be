"""Fuzzing of trust and evidence in small: the same files every time, and mistakes planted on purpose, which it must find."""

from pathlib import Path

import pytest

from tests.kit.fuzz.parent import Run, run
from tests.kit.fuzz.trust_seeds import vectors

pytestmark = pytest.mark.slow

SECONDS = 120.0
"""Far more than these runs take: it is the number of executions that ends them."""


def fuzzed(folder: Path, target: str, *, executions: int, only: str = "", plant: str = "") -> tuple[Run, str]:
    asked = Run(
        folder=folder,
        seconds=SECONDS,
        executions=executions,
        seed=1,
        only=only,
        plant=plant,
        failures_max=1,
        target=target,
    )
    run(asked, say=lambda _: None)
    return asked, "\n".join(path.with_suffix(".txt").read_text(encoding="utf-8") for path in asked.failures)


@pytest.mark.parametrize(("target", "executions", "branches"), [("trust", 400, 600), ("evidence", 80, 300)])
def test_a_short_run_finds_nothing(tmp_path: Path, target: str, executions: int, branches: int) -> None:
    done, stories = fuzzed(tmp_path, target, executions=executions)
    assert stories == ""
    assert done.done == executions
    assert done.branches > branches
    assert any((tmp_path / "corpus").iterdir()), "a change of a seed reached something new"


@pytest.mark.parametrize(
    ("target", "only", "plant", "what"),
    [
        ("trust", "list", "list", "a list"),
        ("trust", "fetched/crl", "evidence", "evidence"),
        ("evidence", "proof", "way", "a leaf"),
    ],
)
def test_a_false_accept_that_was_planted_is_found(
    tmp_path: Path, target: str, only: str, plant: str, what: str
) -> None:
    done, stories = fuzzed(tmp_path, target, executions=3_000, only=only, plant=plant)
    assert f"FalseAcceptError: {what}" in stories
    assert f"replay {done.failures[0]}" in stories


def test_every_entry_of_trust_has_seeds() -> None:
    assert {name.partition("/")[0] for name in vectors()} == {
        *("policy", "list", "listkey", "signkey", "memory", "index", "certificates", "evidence", "fetched"),
        *("reply", "token", "uri", "pem", "pfx"),
    }
