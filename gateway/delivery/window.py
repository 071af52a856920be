"""Windows: how many items one destination may have in flight: grows slowly, closes to one at the first failure."""

from gateway.core.limits import WINDOW_MAX, WINDOW_START
from gateway.core.work import RoadReport


class Window:
    """One destination's window (Postfix's feedback, reliability.md B1): 2 to 16, 1 while half-open."""

    __slots__ = ("in_flight", "size")

    def __init__(self, *, size: int = WINDOW_START) -> None:
        self.size = size
        self.in_flight = 0

    @property
    def free(self) -> int:
        """How many more items may start now."""
        return max(0, self.size - self.in_flight)

    def started(self) -> None:
        """An item has started."""
        self.in_flight += 1

    def ended(self, report: RoadReport) -> None:
        """An item has ended: a good answer widens the window by one, a bad road closes it to one."""
        self.in_flight -= 1
        assert self.in_flight >= 0, "an item ended that had not started"
        if report is RoadReport.GOOD:
            self.size = min(WINDOW_MAX, self.size + 1)
        elif report is RoadReport.BAD:
            self.size = 1
