"""The invariants by number, and one that does not hold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.evidence.problem import Problem


class Invariant(StrEnum):
    """What must hold at every moment, whatever was killed, cut or repeated."""

    I1 = "i1"
    """Accepted: then its files are there, with those digests."""
    I2 = "i2"
    """Accepted: then it has ended, or somebody works on it, or it waits for a person."""
    I3 = "i3"
    """Delivered when, and only when, the peer's receipt is stored and good."""
    I4 = "i4"
    """The numbers of a stream: each once, without gaps."""
    I5 = "i5"
    """One inbox entry for each recipient, sender and DocumentId."""
    I6 = "i6"
    """One content under each sender and DocumentId."""
    I7 = "i7"
    """The leaves of a row tell its states, and nothing else."""
    I8 = "i8"
    """No checkpoint is published for more leaves than are committed."""
    I9 = "i9"
    """No lease bears a later fence than the last one given."""
    I10 = "i10"
    """No state without the evidence that lets it be reached."""


FINDING_OF: Final = MappingProxyType(
    {
        Invariant.I1: "probe.invariants.i1",
        Invariant.I2: "probe.invariants.i2",
        Invariant.I3: "probe.invariants.i3",
        Invariant.I4: "probe.invariants.i4",
        Invariant.I5: "probe.invariants.i5",
        Invariant.I6: "probe.invariants.i6",
        Invariant.I7: "probe.invariants.i7",
        Invariant.I8: "probe.invariants.i8",
        Invariant.I9: "probe.invariants.i9",
        Invariant.I10: "probe.invariants.i10",
    }
)
"""What a probe finds of each that does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """Something of which an invariant does not hold."""

    invariant: Invariant
    what: str
    why: str


def breaches(invariant: Invariant, problems: Iterable[Problem]) -> Iterator[Breach]:
    """Problems that break this invariant."""
    return (Breach(invariant=invariant, what=problem.what, why=problem.why) for problem in problems)
