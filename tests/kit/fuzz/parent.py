"""The parent: starts children one after the other until the time is over, and finds those that cannot speak any more."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from tests.kit.fuzz.campaign import keep_failure
from tests.kit.fuzz.targets import EDXML, TARGETS

STALLED_SECONDS: Final = 60.0
"""Without a new input: C code that ignores signals. Long, because the machine may be busy."""
GRACE_SECONDS: Final = 120.0
"""For a child to read the seeds and end, beyond its time."""
FAILURES_MAX: Final = 20
"""Enough to mend at once; children that died included."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What was asked, and what came of it."""

    folder: Path
    seconds: float
    executions: int
    seed: int
    only: str = ""
    """The vectors to begin with are those whose names begin so."""
    plant: str = ""
    target: str = EDXML
    failures_max: int = FAILURES_MAX
    done: int = 0
    corpus: int = 0
    reached: int = 0
    branches: int = 0
    deaths: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[Path]:
        """The files that show a mistake."""
        return sorted((self.folder / "failures").glob(f"*{TARGETS[self.target].suffix}"))


def run(asked: Run, *, say: Callable[[str], None]) -> Run:
    """Fuzz."""
    (asked.folder / "failures").mkdir(parents=True, exist_ok=True)
    end = monotonic() + asked.seconds
    generation = 0
    while (
        (left := end - monotonic()) > 0 and asked.done < asked.executions and len(asked.failures) < asked.failures_max
    ):
        generation += 1
        answer, how = _child(asked, seconds=left, seed=asked.seed * 1000 + generation)
        if answer is None:
            asked.deaths.append(how)
            _post_mortem(asked, how)
            say(f"a child died: {how}")
            continue
        asked.done += answer["executions"]
        asked.corpus, asked.reached, asked.branches = answer["corpus"], answer["reached"], answer["branches"]
    return asked


def _child(asked: Run, *, seconds: float, seed: int) -> tuple[dict[str, int] | None, str]:
    options = {"folder": asked.folder, "seconds": seconds, "seed": seed}
    options |= {"executions": asked.executions - asked.done, "failures": asked.failures_max - len(asked.failures)}
    words = [f"--{name}={value}" for name, value in options.items()]
    words += [f"--only={asked.only}", f"--plant={asked.plant}", f"--target={asked.target}"]
    with (asked.folder / "child.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.kit.fuzz.child", *words]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    if not _watched(child, asked.folder / "current", until=monotonic() + seconds + GRACE_SECONDS):
        return None, "stalled"
    output = child.communicate()[0]
    if child.returncode:
        return None, f"exit {child.returncode}"
    return json.loads(output), ""


def _watched(child: subprocess.Popen[bytes], current: Path, *, until: float) -> bool:
    """Wait for the child; kill it when it hangs at one input."""
    last, since = 0, monotonic()
    while child.poll() is None:
        sleep(0.05)
        stamp = current.stat().st_mtime_ns if current.exists() else 0
        if stamp != last:
            last, since = stamp, monotonic()
        if monotonic() - since > STALLED_SECONDS or monotonic() > until:
            child.kill()
            child.wait()
            return False
    return True


def _post_mortem(asked: Run, how: str) -> None:
    """What the child was reading when it died."""
    current, log = asked.folder / "current", (asked.folder / "child.log").read_text(encoding="utf-8", errors="replace")
    data = current.read_bytes() if current.exists() else b""
    named = asked.folder / "failures" / f"died{len(asked.deaths)}{TARGETS[asked.target].suffix}"
    keep_failure(named, data, f"the child ended: {how}\n{log[-4000:]}")
