"""What a claim has picked so far, within the windows of the destinations."""

from dataclasses import dataclass, field
from math import inf

from gateway.storage.statements import Row


@dataclass(slots=True, kw_only=True)
class Picked:
    """The rows of one claim so far, and what room is left for more."""

    room: dict[str, int]
    limit: int
    rows: list[Row] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    @property
    def wanted(self) -> int:
        """How many more fit."""
        return self.limit - len(self.rows)

    def full(self) -> set[str]:
        """Destinations whose window has no room."""
        return {name for name, free in self.room.items() if free <= 0}

    def widest(self) -> int:
        """The most that may be taken of any one destination."""
        return min(self.limit, max(self.room.values(), default=0) or self.limit)

    def take(self, row: Row) -> None:
        """Take the row if there is room for it and it was not taken before."""
        if self.wanted <= 0 or row.row in self._seen or self.room.get(row.destination, inf) <= 0:
            return
        self._seen.add(row.row)
        self.rows.append(row)
        if row.destination in self.room:
            self.room[row.destination] -= 1
