"""The files that reached something: kept because of it, and chosen more often while they are new."""

import hashlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

NEWEST: Final = 40


class Corpus:
    """The files of one campaign, in memory; those beyond the seeds are also kept in a folder, for the next child."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files: list[bytes] = []
        self._seen: set[str | int] = set()
        self.chosen: Final[Counter[int]] = Counter()

    def __len__(self) -> int:
        return len(self._files)

    @property
    def reached(self) -> int:
        """How many different things were reached, by all of them."""
        return len(self._seen)

    def kept(self) -> list[bytes]:
        """What an earlier child found worth keeping."""
        return [path.read_bytes() for path in sorted(self._folder.iterdir())]

    def offer(self, data: bytes, reached: frozenset[str | int], *, keep: bool = True) -> bool:
        """Take the file if it reached something that none did before."""
        if reached <= self._seen:
            return False
        self._seen |= reached
        self._files.append(data)
        if keep:
            (self._folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        return True

    def choose(self, random: Random) -> tuple[bytes, bytes]:
        """One to change and one to borrow from: half the time of the newest."""
        first = max(0, len(self._files) - NEWEST) if random.random() < 0.5 else 0
        number = random.randrange(first, len(self._files))
        self.chosen[number] += 1
        return self._files[number], random.choice(self._files)
