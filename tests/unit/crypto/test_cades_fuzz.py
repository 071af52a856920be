"""Fuzzing of detached signatures in small: the same files every time, and a duty left out on purpose, which it must find."""

from pathlib import Path

import pytest

from gateway.core.validation import Indication
from gateway.crypto import judge_detached
from tests.kit.cades_vectors import CONTENT, signatures, trust
from tests.kit.fuzz.parent import Run, run
from tests.kit.pki import MOMENT
from tests.unit.crypto.detached import digests_of

SECONDS = 120.0
"""Far more than these runs take: it is the number of executions that ends them, the same on every machine."""


@pytest.mark.parametrize("name", signatures())
def test_the_vectors_that_stay_the_same(name: str) -> None:
    verdict = judge_detached(signatures()[name], digests=digests_of(CONTENT), trust=trust(), moment=MOMENT)
    assert (verdict.indication is Indication.TOTAL_PASSED) is not name.startswith("bad-")


def fuzzed(folder: Path, *, executions: int, plant: str = "", only: str = "") -> tuple[Run, str]:
    asked = Run(
        folder=folder,
        seconds=SECONDS,
        executions=executions,
        seed=1,
        plant=plant,
        only=only,
        failures_max=1,
        target="cades",
    )
    run(asked, say=lambda _: None)
    return asked, "\n".join(path.with_suffix(".txt").read_text(encoding="utf-8") for path in asked.failures)


@pytest.mark.slow
def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    done, stories = fuzzed(tmp_path, executions=400)
    assert stories == ""
    assert done.done == 400
    assert done.corpus > len(signatures()), "a change of a vector reached something new"
    assert done.branches > 100


@pytest.mark.slow
@pytest.mark.parametrize("plant", ["check_signature", "check_message_digest"])
def test_a_duty_that_is_left_out_is_found(tmp_path: Path, plant: str) -> None:
    done, stories = fuzzed(tmp_path, executions=6_000, plant=plant, only="bad-content" if "digest" in plant else "")
    assert "passed, and nobody signed this" in stories or "a time that nobody signed" in stories
    assert f"replay {done.failures[0]}" in stories
