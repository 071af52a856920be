"""How the cost of some work grows with its size: a ratio of two costs, never a number of seconds.

Seconds are a promise of the machine: two cores shared with others, and a test that passes here fails there. But what slows
a machine slows the small work and the large work alike, so their ratio stays, and it is what tells one walk over the data
from a walk for each entry. It is taken of the processor's time of this process, of the least of some tries in turn, and
without the garbage collector, which would bill one work for what another has left.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import Final

LINEAR_MAX: Final = 3.0
"""What `growth` of linear work stays below: caches that no longer hold the larger work cost something, but not that much."""
_TRIES: Final = 3


def growth(work: Callable[[int], object], size: int, *, times: int) -> float:
    """How often more than it should the work costs that is so many `times` larger: 1 when linear, `times` when quadratic."""
    return cost_ratio(lambda: work(size * times), lambda: work(size)) / times


def cost_ratio(work: Callable[[], object], other: Callable[[], object]) -> float:
    """How often the cost of another work this work costs."""
    with _uncollected():
        tries = [(_cost(work), _cost(other)) for _ in range(_TRIES)]
    return min(ours for ours, _ in tries) / min(theirs for _, theirs in tries)


def _cost(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


@contextmanager
def _uncollected() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
