"""The receiver's half of I4: an inbox fills by the numbers of each stream, and what waits for a smaller one comes in. Pure.

An entry may stand behind a greater number of its stream only if its turn had gone by, which the log says of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from gateway.core.ids import OrganId
from gateway.core.inspection import Arrival, Arriving
from gateway.core.order import Waiting
from gateway.evidence.invariants.breach import Breach, Invariant


def out_of_order(arrivals: Sequence[Arrival], streams: Mapping[OrganId, Arriving]) -> tuple[Arrival, ...]:
    """Entries of one inbox that may only stand where they do if they came late; `arrivals`: newest first."""
    read: dict[OrganId, int] = {}
    found = []
    for one in reversed(arrivals):
        stream = streams.get(one.sender, Arriving())
        if not one.cursor or one.sequence < stream.kept_from:
            continue
        if one.sequence <= read.get(one.sender, 0) or one.sequence >= stream.expected:
            found.append(one)
        else:
            read[one.sender] = one.sequence
    return tuple(found)


def order_breach(one: Arrival) -> Breach:
    """Of an entry of which the log does not say that it came late."""
    return Breach(
        invariant=Invariant.I4,
        what=f"inbox {one.recipient}",
        why=f"number {one.sequence} of the stream from {one.sender} is out of order, and did not come late",
    )


def unheld_breach(one: Arrival) -> Breach:
    """Of an entry that has not come in, and for whose number nothing waits."""
    return Breach(
        invariant=Invariant.I4,
        what=f"stream {one.sender} > {one.recipient}",
        why=f"number {one.sequence} has not come into its inbox, and nothing will let it in",
    )


def waiting_breaches(
    pair: tuple[OrganId, OrganId],
    stream: Arriving,
    waiting: Sequence[Waiting],
    *,
    staged: Collection[str],
    at_work: bool,
) -> Iterator[Breach]:
    """What waits in a stream; `staged`: keys of those of its entries that are there, `at_work`: something will look again."""
    behind = sum(row.last < stream.expected for row in waiting)
    entries = [row for row in waiting if row.entry is not None]
    for bad, why in (
        (stream.waiting != len(waiting), f"{len(waiting)} numbers wait, and it counts {stream.waiting}"),
        (behind, f"{behind} numbers wait that are smaller than {stream.expected}, the one expected"),
        (any(row.entry.key not in staged for row in entries if row.entry), "what waits is no entry that is staged"),
        (entries and not at_work, f"{len(entries)} entries wait for smaller numbers, and nothing will let them in"),
        (
            waiting and waiting[0].first <= stream.expected and not at_work,
            f"number {stream.expected} is there, and nothing will go on from it",
        ),
    ):
        if bad:
            yield Breach(invariant=Invariant.I4, what=f"stream {pair[0]} > {pair[1]}", why=why)
