"""A program that is run to its end: whoever is cancelled meanwhile leaves neither it nor its pipes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.programs import run_program

SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
CANCELLED = f"""
import asyncio, os, sys
from tests.kit.programs import run_program

async def main():
    task = asyncio.create_task(run_program(sys.executable, "-c", {SLEEPER!r}, sys.argv[1]))
    while not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read():
        await asyncio.sleep(0.05)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")

asyncio.run(main())
"""


async def test_it_tells_how_a_program_ended_and_what_it_said() -> None:
    ended = await run_program(sys.executable, "-c", "import sys; print('out'); sys.exit('err')")
    assert (ended.code, ended.output, ended.errors) == (1, b"out\n", b"err\n")


async def test_who_takes_too_long_is_gone(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with pytest.raises(TimeoutError):
        await run_program(sys.executable, "-c", SLEEPER, str(told), seconds=5)
    assert not Path(f"/proc/{told.read_text()}").exists()


def test_who_is_cancelled_leaves_nothing_that_runs_or_speaks_up_afterwards(tmp_path: Path) -> None:
    told = tmp_path / "told"
    done = subprocess.run([sys.executable, "-c", CANCELLED, told], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "cancelled\n", "")
    assert not Path(f"/proc/{told.read_text()}").exists()
