"""How a gateway ends whose disk has failed: with the exit code of the disk, wherever it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.storage import EXIT_DISK

SCRIPT = """
import asyncio, errno, sys
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from gateway import app, rooms
from gateway.core.errors import SiteError

state, when = Path(sys.argv[1]), sys.argv[2]

def fail():
    rooms.ending(state)(OSError(errno.EIO, "gone"))
    raise SiteError("store.failing", reason="gone")

@asynccontextmanager
async def running(config, *, source, manager):
    if when == "opening":
        fail()
    broken = asyncio.get_running_loop().create_future()
    broken.set_result(None)
    yield SimpleNamespace(reloader=SimpleNamespace(request=print), broken=broken, office_api=0, peer=0)
    if when == "draining":
        fail()

app.running = running
gateway = SimpleNamespace(state=state, id="")
app.load_config = lambda path: SimpleNamespace(gateway=gateway, log=SimpleNamespace(level="error"))
asyncio.run(app.serve(state))
"""


@pytest.mark.parametrize("when", ["opening", "draining"])
def test_a_failure_while_it_opens_or_drains_has_the_last_word(tmp_path: Path, when: str) -> None:
    """What raised ends the opening, or the draining, in less time than is left for last words."""
    line = [sys.executable, "-c", SCRIPT, str(tmp_path), when]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == EXIT_DISK, done.stderr
