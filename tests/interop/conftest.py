"""One small demo for the session: the very command a person runs, and what it leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of a finished `gateway demo --once` with three units, and what the command said."""
    folder = tmp_path_factory.mktemp("demo") / "network"
    command = [sys.executable, "-m", "gateway", "demo", "--once", "--wards", "3", "--folder", str(folder)]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    return folder, done


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `pytest -n`, one worker makes the demo and looks at it: two would make two."""
    for item in items:
        if "demo" in getattr(item, "fixturenames", ()) and item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("demo"))
