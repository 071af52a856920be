"""What a fault is: an id, a run, and what it needs of the machine."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path


class MissingError(Exception):
    """This machine has not what a fault needs: it counts as failed, unless somebody allowed it by name."""


class NotHurtError(Exception):
    """The fault did not happen, or not often enough: a run without it proves nothing."""


@dataclass(frozen=True)
class Order:
    """One run of one fault."""

    folder: Path
    seed: int
    documents: int
    minutes: float = 120.0
    """Of what lasts, whatever the number of documents."""
    after: AsyncExitStack = field(default_factory=AsyncExitStack)
    """What is put away after the check, however the run ended: a server that the check reads, for one."""


@dataclass
class Done:
    """What a run did; what it did to the documents, the check says afterwards."""

    kills: int = 0
    mutants: tuple[int, int] = (0, 0)
    """Caught, of."""
    checked: bool = True
    """Whether it left two gateways for the check."""
    notes: Mapping[str, object] = field(default_factory=dict)
    wrong: Sequence[str] = ()
    """What this fault saw itself that the check cannot see afterwards."""


@dataclass(frozen=True)
class Fault:
    """A row of the table."""

    id: str
    title: str
    run: Callable[[Order], Awaitable[Done]]
    documents: int
    """How many in the quick set."""
    long_documents: int = 0
    """How many with `--long`; 0: as many as in the quick set."""
    quick: bool = True
    long: bool = False


def hurt(enough: bool, what: str) -> None:
    """A fault that did not happen is no test."""
    if not enough:
        raise NotHurtError(what)
