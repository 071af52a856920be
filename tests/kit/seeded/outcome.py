"""What is left of a world: its story, line by line, and everything that is to be judged."""

import hashlib
from dataclasses import dataclass

from tests.kit.seeded.kept import Kept
from tests.kit.seeded.offices import Ledger
from tests.kit.seeded.plan import Plan
from tests.kit.simloop import SimLoop


class Trace:
    """What happened, in order. Nothing in it depends on a key's bytes: the same seed tells the same story everywhere."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self._hash = hashlib.sha256()
        self.lines: list[str] = []

    def __call__(self, *what: object) -> None:
        line = f"{self._loop.time():.6f} " + " ".join(map(str, what))
        self.lines.append(line)
        self._hash.update(line.encode() + b"\n")

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


@dataclass(frozen=True)
class Outcome:
    """A world at rest."""

    plan: Plan
    kept: tuple[Kept, ...]
    ledger: Ledger
    answers: dict[str, bytes]
    """Every receipt that was seen on the way, by transfer."""
    refusals: dict[str, set[str]]
    """Codes by transfer: what was refused as a whole, as the sender heard it."""
    found: tuple[str, ...]
    """What was found wrong while it ran."""
    trace: tuple[str, ...]
    digest: str
    counts: dict[str, int]
    """How often which misfortune happened."""
    days: float

    @property
    def content(self) -> str:
        """Digest of everything durable, bytes of blobs and signatures included."""
        return hashlib.sha256("".join(kept.content for kept in self.kept).encode()).hexdigest()
