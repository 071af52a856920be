"""How a log goes on after a restore: under a name of its own, with the leaves that are left, and never as a fork.

A log whose database went back to an earlier state cannot go on under its name: the leaves that are lost stand under
checkpoints that others hold. It is *reopened* (docs/adr/0009): the log `<name>/<moment>` begins with the leaves that the
database still has, its next leaf says so, and both logs are consistent up to there. Nobody can hold a checkpoint of one
against one of the other, for they name different logs.

The key is the same: who lists `gov.example/audit` believes `gov.example/audit/1795362905`, too. The moment (seconds since
1970) keeps two restores of one backup apart, whatever was lost with the disk.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.note import VerifierKey
from gateway.core.ledgers import UnitOfWork

_SUCCESSOR: Final = re.compile(r"(?P<name>[^\n]+)/(?P<number>[1-9][0-9]{8,11})")
_IS_SUCCESSOR: Final = re.compile(r".*/[1-9][0-9]{8,11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInForce:
    """The log that leaves are added to now."""

    origin: str
    number: int = 0
    """Seconds since 1970 of the restore after which it was reopened; 0: never."""
    kept: int = 0
    """So many leaves it shares with its predecessor: checkpoints up to there may bear that one's name."""
    since: datetime | None = None
    """When it was reopened."""

    def memory(self, path: Path) -> Path:
        """Where its signer remembers; `path` is where that of the first log does. What a predecessor knew is kept."""
        return path.with_name(f"{path.name}.{self.number}") if self.number else path


def log_in_force(uow: UnitOfWork, origin: str) -> LogInForce:
    """Which log is in force; `origin` is the name of the first one."""
    reopened = uow.resyncs.reopenings()
    if not reopened:
        return LogInForce(origin=origin)
    last = reopened[-1]
    return LogInForce(origin=name_of(origin, last.number), number=last.number, kept=last.kept, since=last.at)


def name_of(origin: str, number: int) -> str:
    """The name of the log that was reopened at that moment; 0: of the first one."""
    return f"{origin}/{number}" if number else origin


def closed_at(uow: UnitOfWork, origin: str) -> dict[str, int]:
    """Each log that was closed by a restore, with the number of its leaves that are still here."""
    reopened = uow.resyncs.reopenings()
    numbers = [0, *(one.number for one in reopened)]
    return {name_of(origin, number): one.kept for number, one in zip(numbers, reopened, strict=False)}


def with_successors(text: str, keys: Sequence[VerifierKey]) -> Iterator[VerifierKey]:
    """The keys, and that of the log which a note names in its first line where it is a successor of one of theirs."""
    yield from keys
    match = _SUCCESSOR.fullmatch(text.partition("\n")[0])
    if match is None:
        return
    for key in keys:
        if key.name == match["name"] and _IS_SUCCESSOR.fullmatch(key.name) is None:
            yield VerifierKey(match[0], key.type, key.key)
