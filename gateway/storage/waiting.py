"""Units that wait for a writer: a bounded queue from which whole groups are taken."""

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingUnits(Generic[T]):
    """First in, first out, at most `limit`. `offer` is for any thread and never waits; `take` is for the writers."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[T] = deque()
        self._changed = Condition()
        self._closed = False

    def offer(self, unit: T) -> bool:
        """Queue a unit; False when the queue is full or closed."""
        with self._changed:
            if self._closed or len(self._waiting) >= self._limit:
                return False
            self._waiting.append(unit)
            self._changed.notify()
            return True

    def has_room(self) -> bool:
        """Whether `offer` would take a unit now."""
        with self._changed:
            return not self._closed and len(self._waiting) < self._limit

    def take(self, count: int) -> list[T]:
        """The next units, at most `count`; waits for the first. Empty when the queue is closed and everything was taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]

    def close(self) -> None:
        """Take nothing more in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
