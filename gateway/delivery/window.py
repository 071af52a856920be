"""Windows: how many items one destination may have in flight: grows slowly, closes to one at the first failure.

And how many places of the engine it may take of those that are free. A peer that accepts everything and answers nothing holds a
place for two minutes with each of its items; without a bound two of them hold all, and everybody else waits. So a destination
takes a further place only while it holds fewer than are free (dynamic thresholds, Choudhury and Hahne 1998): one that is alone
has its whole window, and however many there are, something is left. The last places are for the first items of others.
"""

from gateway.core.limits import PLACES_KEPT, WINDOW_MAX, WINDOW_START
from gateway.core.work import RoadReport


class Window:
    """One destination's window (Postfix's feedback, reliability.md B1): 2 to 16, 1 while half-open."""

    __slots__ = ("_kept", "in_flight", "size")

    def __init__(self, *, size: int = WINDOW_START, ours: bool = False) -> None:
        """`ours`: it is no peer that has to show first that it answers."""
        self.size = size
        self.in_flight = 0
        self._kept = 0 if ours else PLACES_KEPT // 2

    def room(self, places: int) -> int:
        """How many more items may start now, of so many places that are free in all."""
        kept = PLACES_KEPT if self.in_flight else self._kept
        share = (places - kept - self.in_flight + 1) // 2
        return max(0, min(self.size - self.in_flight, share))

    def started(self) -> None:
        """An item has started."""
        self.in_flight += 1

    def ended(self, report: RoadReport) -> None:
        """An item has ended: a good answer widens the window by one, a bad road closes it to one."""
        self.in_flight -= 1
        assert self.in_flight >= 0, "an item ended that had not started"
        if report is RoadReport.GOOD:
            self.size = min(WINDOW_MAX, self.size + 1)
            self._kept = 0
        elif report is not RoadReport.NEUTRAL:
            self._kept = PLACES_KEPT
            if report is RoadReport.BAD:
                self.size = 1
