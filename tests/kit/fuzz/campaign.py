"""The child's work: change, read, remember; every surprise becomes a file in the folder of failures."""

import hashlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from tests.kit.fuzz.bounds import bounded
from tests.kit.fuzz.branches import Branches
from tests.kit.fuzz.corpus import Corpus
from tests.kit.fuzz.targets import Target

Examine = Callable[..., frozenset[str]]
PIECES: Final = (1, 3, 7, 64, 1000)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a campaign did."""

    executions: int = 0
    corpus: int = 0
    reached: int = 0
    failures: int = 0


class Campaign:
    """One run of one child."""

    def __init__(self, folder: Path, target: Target, branches: Branches, seed: int, *, examine: Examine) -> None:
        self._examine = examine
        self._suffix = target.suffix
        self._branches = branches
        self._random = Random(seed)
        self._mutator = target.mutator(self._random)
        self._corpus = Corpus(folder / "corpus")
        self._failures = folder / "failures"
        self._failures.mkdir(exist_ok=True)
        self._current = folder / "current"
        self._known = {path.name.partition("-")[0] for path in self._failures.glob(f"*{target.suffix}")}
        self.tally: Final = Tally()

    def run(self, seeds: list[bytes], *, until: float, executions: int, failures: int) -> Tally:
        """Until that moment of the monotonic clock, so many executions (seeds included) or so many failures."""
        for data in seeds:
            self._one(data, keep=False)
        for data in self._corpus.kept():
            self._one(data, keep=False)
        while monotonic() < until and self.tally.executions < executions and self.tally.failures < failures:
            self._one(self._mutator.mutant(*self._corpus.choose(self._random)), keep=True)
        self.tally.corpus, self.tally.reached = len(self._corpus), self._corpus.reached
        return self.tally

    def _one(self, data: bytes, *, keep: bool) -> None:
        self._current.write_bytes(data)  # whoever dies of it leaves it behind
        self.tally.executions += 1
        self._branches.taken()
        try:
            with bounded():
                features = self._examine(data, piece=self._random.choice(PIECES))
        except Exception as error:  # what is looked for
            self._failed(data, error)
            return
        self._corpus.offer(data, features | frozenset(self._branches.taken()), keep=keep)

    def _failed(self, data: bytes, error: Exception) -> None:
        name = signature(error)
        if name in self._known:
            return
        self._known.add(name)
        self.tally.failures += 1
        keep_failure(self._failures / f"{name}{self._suffix}", data, "".join(traceback.format_exception(error)))


def signature(error: BaseException) -> str:
    """The same for failures that are probably one: what was raised, and where in the house; for a disagreement, which."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/gateway/" in frame.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else str(error)[:40]
    return hashlib.sha256(f"{type(error).__name__} {place}".encode()).hexdigest()[:8]


def keep_failure(named: Path, data: bytes, story: str) -> None:
    """The file, its digest in its name, and beside it how to see it again."""
    path = named.with_stem(f"{named.stem}-{hashlib.sha256(data).hexdigest()[:8]}")
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(f"python -m tests.kit.fuzz replay {path}\n\n{story}", encoding="utf-8")
