"""Fuzzing of crypto in small: the same few hundred files every time, and a mistake planted on purpose, which it must find."""

from pathlib import Path

import pytest

from tests.kit.fuzz.crypto_seeds import vectors
from tests.kit.fuzz.parent import Run, run

pytestmark = pytest.mark.slow

SECONDS = 120.0
"""Far more than these runs take: it is the number of executions that ends them."""


def fuzzed(folder: Path, *, executions: int, only: str = "", plant: str = "") -> tuple[Run, str]:
    asked = Run(
        folder=folder,
        seconds=SECONDS,
        executions=executions,
        seed=1,
        only=only,
        plant=plant,
        failures_max=1,
        target="crypto",
    )
    run(asked, say=lambda _: None)
    return asked, "\n".join(path.with_suffix(".txt").read_text(encoding="utf-8") for path in asked.failures)


def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    done, stories = fuzzed(tmp_path, executions=600)
    assert stories == ""
    assert done.done == 600
    assert done.branches > 400
    assert any((tmp_path / "corpus").iterdir()), "a change of a seed reached something new"


@pytest.mark.parametrize(
    ("only", "plant", "what"), [("pdf/sealed", "digest", "a PDF"), ("stamp/stamp", "stamp", "a timestamp")]
)
def test_a_false_accept_that_was_planted_is_found(tmp_path: Path, only: str, plant: str, what: str) -> None:
    done, stories = fuzzed(tmp_path, executions=3_000, only=only, plant=plant)
    assert f"FalseAcceptError: {what}" in stories
    assert f"replay {done.failures[0]}" in stories


def test_every_entry_has_seeds() -> None:
    entries = {name.partition("/")[0] for name in vectors()}
    assert entries == {"pdf", "envelope", "certificate", "receipt", "trust", "unsealed", "frame", "stamp"}
