"""Numbers of a stream at its sender's gateway: each once, each borne by a delivery, none beyond the next one. Pure.

The order in which a recipient's gateway lets entries into the inbox is the receiver's half of the same invariant: `order`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from gateway.core.inspection import Stream
from gateway.evidence.invariants.breach import Breach, Invariant

GAPS_ASKED: Final = 3
"""Of one stream. A number that is not among the newest may be an older document's that was held: asking costs a walk."""


def number_breaches(stream: Stream, numbers: Sequence[int]) -> Iterator[Breach]:
    """`numbers`: those that deliveries of the sender's newest documents bear."""
    what = name_of(stream)
    for number, times in Counter(numbers).items():
        if times > 1:
            yield Breach(invariant=Invariant.I4, what=what, why=f"number {number} was given {times} times")
    if numbers and max(numbers) >= stream.next_number:
        why = f"number {max(numbers)} is borne, and {stream.next_number} is the next to be given"
        yield Breach(invariant=Invariant.I4, what=what, why=why)


def missing(stream: Stream, numbers: Sequence[int]) -> tuple[int, ...]:
    """Numbers that were given and that none of these is: the newest ones."""
    first = max(min(numbers, default=stream.next_number - 1), stream.since)
    borne = frozenset(numbers)
    gaps = (number for number in range(stream.next_number - 1, first - 1, -1) if number not in borne)
    return tuple(islice(gaps, GAPS_ASKED))


def gap_breach(stream: Stream, number: int) -> Breach:
    """A number that nothing bears."""
    return Breach(invariant=Invariant.I4, what=name_of(stream), why=f"number {number} was given, and nothing bears it")


def name_of(stream: Stream) -> str:
    """As it is told."""
    return f"stream {stream.sender} > {stream.recipient}"
