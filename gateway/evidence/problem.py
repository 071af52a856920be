"""The problem: something that does not hold, as a line of a report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that does not hold."""

    what: str
    why: str
