"""Random worlds: hundreds of seeds in which nothing may be wrong. That planted bugs are found in them is F-28 of `make fault`.

More: `python -m tests.kit.seeds --from 300 --count 5000`; docs/TESTING.md says how to read and replay a failure.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.seeded.materials import Materials
from tests.kit.seeds import judge, replay_command

SEEDS = int(os.environ.get("SEEDS", "300"))


def run_seeds(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.kit.seeds", *arguments]
    folder, variables = Path(__file__).parents[2], {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_nothing_is_wrong_with_hundreds_of_worlds() -> None:
    done = run_seeds("--count", str(SEEDS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} seeds, 0 failed" in done.stdout


@pytest.mark.parametrize("seed", [7, 10])
def test_one_seed_is_one_history_down_to_the_last_byte(seed: int, world_materials: Materials) -> None:
    first, second = judge(seed, world_materials), judge(seed, world_materials)
    assert first.trace == second.trace
    assert (first.digest, first.content) == (second.digest, second.content)
    assert len(first.trace) > 50
    assert first.digest != judge(seed + 1, world_materials).digest


def test_a_seed_replays_in_another_process_with_other_keys(world_materials: Materials) -> None:
    digest = judge(7, world_materials).digest
    for hash_seed in ("1", "2"):
        done = run_seeds("--seed", "7", PYTHONHASHSEED=hash_seed)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"seed 7: trace {digest}" in done.stdout


def test_a_failing_seed_says_what_is_violated_and_how_to_see_it_again() -> None:
    done = run_seeds("--count", "4", "--workers", "2", "--mutant", "yes_before_durable")
    assert done.returncode == 1
    assert "acknowledged" in done.stdout
    assert any(replay_command(seed) in done.stdout for seed in range(4))
    replayed = run_seeds("--seed", "0", "--trace", "--mutant", "yes_before_durable")
    assert replayed.returncode == 1
    assert "FAILED" in replayed.stdout
    assert " acked letter-" in replayed.stdout
