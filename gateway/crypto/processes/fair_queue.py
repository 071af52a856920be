"""Who waits for a worker process, and who is next: those for whom we work take turns, however much each of them brings.

A *share* is a body, an office's key or another gateway. Within a share first come, first served; between shares one each in
turn, so that whoever brings one file waits for at most one file of each other share, and not for all that another one
brought before. Both the whole queue and each share of it are bounded.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Things waiting, by share. Not for several threads."""

    def __init__(self, *, limit: int, share_limit: int) -> None:
        self._limit: Final = limit
        self._share_limit: Final = share_limit
        self._shares: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def holds(self, share: str) -> bool:
        """Whether anything of this share waits."""
        return share in self._shares

    def has_room(self, share: str) -> bool:
        """Whether one more of this share may wait."""
        return self._length < self._limit and len(self._shares.get(share, ())) < self._share_limit

    def put(self, share: str, thing: T) -> None:
        """Let it wait behind the others of its share; a share that waits for nothing yet has its turn last."""
        self._shares.setdefault(share, deque()).append(thing)
        self._length += 1

    def take(self, may: Callable[[str], bool] = lambda _: True) -> T | None:
        """The oldest of the first share that `may` have its turn now, which then is the last to have another."""
        share = next(filter(may, self._shares), None)
        if share is None:
            return None
        things = self._shares.pop(share)
        thing = things.popleft()
        if things:
            self._shares[share] = things
        self._length -= 1
        return thing

    def discard(self, share: str, thing: T) -> None:
        """Take one out that nobody waits for any more, if it is still here."""
        things = self._shares.get(share)
        if things is None or thing not in things:
            return
        things.remove(thing)
        self._length -= 1
        if not things:
            del self._shares[share]
