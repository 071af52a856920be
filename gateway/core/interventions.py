"""What people do to the queue by hand: roads that are paused, and what one person asked for and a second has to confirm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Action(StrEnum):
    """What needs two persons."""

    VOID = "void"
    """A transfer is given up for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing is claimed for this destination until somebody lets it go on."""

    destination: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Asked for by one person; done when another confirms it in time."""

    action: Action
    subject: str
    """Key of what it is about; at most one request for each action and subject."""
    by: str
    reason: str
    at: datetime


class Interventions(Protocol):
    """What people have done by hand and is in force, or waits for a second person."""

    def pause(self, pause: Pause) -> bool:
        """Keep it, unless that destination is paused already; whether it was not."""
        ...

    def resume(self, destination: str) -> bool:
        """The destination goes on; whether it was paused."""
        ...

    def paused(self) -> tuple[Pause, ...]:
        """Every pause, by destination."""
        ...

    def ask(self, request: Request) -> None:
        """Keep it, instead of an older one for the same action and subject."""
        ...

    def asked(self, action: Action, subjects: Sequence[str]) -> tuple[Request, ...]:
        """What was asked for about these, by subject; how long ago is for the asker to judge."""
        ...

    def pending(self, limit: int) -> tuple[Request, ...]:
        """What was asked for, newest first, at most `limit`."""
        ...

    def settle(self, action: Action, subject: str) -> None:
        """It was done, or there is nothing to do any more."""
        ...
