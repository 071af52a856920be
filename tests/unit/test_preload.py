"""The forkserver that begins to load before the service does."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from gateway.preload import JUDGE_PRELOAD

SCRIPT = """
import multiprocessing, os, signal, time
from gateway import preload

signal.signal(signal.SIGINT, print)
preload.begin_forkserver()
time.sleep(0.3)  # by now it loads
os.killpg(0, signal.SIGINT)
child = multiprocessing.get_context("forkserver").Process(target=print, args=("forked",))
child.start()
child.join()
assert signal.getsignal(signal.SIGINT) is print
"""


@pytest.mark.parametrize("name", JUDGE_PRELOAD)
def test_what_it_loads_is_there(name: str) -> None:
    """A name that is wrong would only cost time, and nobody would hear of it."""
    assert find_spec(name) is not None


def test_ctrl_c_while_it_loads_is_the_business_of_the_service() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60, start_new_session=True
    )
    said = done.stdout.splitlines()
    assert (len(said), said[-1], done.stderr) == (2, "forked", "")
