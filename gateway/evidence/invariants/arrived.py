"""What must hold of a document that arrived for one of our bodies. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from gateway.core.ids import OrganId
from gateway.core.inspection import Arrival
from gateway.core.model import BlobRef, InboxEntry, IncomingTransfer
from gateway.core.states import Outcome
from gateway.evidence.incoming import entry_problems, incoming_problems
from gateway.evidence.invariants.breach import Breach, Invariant, breaches
from gateway.evidence.story import Story


def arrived_breaches(
    entry: InboxEntry, incoming: IncomingTransfer | None, story: Story, namesakes: Sequence[Arrival]
) -> Iterator[Breach]:
    """An inbox entry with the transfer that brought it; `namesakes`: all entries of its sender and DocumentId."""
    what = f"inbox entry {entry.key}"
    if sum(one.recipient == entry.recipient for one in namesakes) > 1:
        why = f"{entry.recipient} has {entry.document_id} of {entry.sender} more than once"
        yield Breach(invariant=Invariant.I5, what=what, why=why)
    if len({one.envelope for one in namesakes}) > 1:
        why = f"{entry.document_id} of {entry.sender} arrived with more than one content"
        yield Breach(invariant=Invariant.I6, what=what, why=why)
    yield from breaches(Invariant.I7, story.problems)
    yield from breaches(Invariant.I7, entry_problems(entry, incoming, story))
    if incoming is not None:
        have = frozenset[OrganId](one.recipient for one in namesakes)
        yield from breaches(Invariant.I7, incoming_problems(incoming, story, have))
    if not any(_received(line.organ_id, line.outcome, entry) for line in (incoming.recipients if incoming else ())):
        why = f"{entry.business_status} in the inbox, and no line of a transfer received it"
        yield Breach(invariant=Invariant.I10, what=what, why=why)


def _received(organ: OrganId, outcome: Outcome, entry: InboxEntry) -> bool:
    return organ == entry.recipient and outcome is Outcome.RECEIVED


def inbox_breaches(recipient: OrganId, arrivals: Sequence[Arrival]) -> Iterator[Breach]:
    """The newest entries of one body, side by side: numbers and names that stand twice."""
    what = f"inbox {recipient}"
    numbers = Counter((one.sender, one.sequence) for one in arrivals)
    for (sender, number), times in numbers.items():
        if times > 1 or number < 1:
            why = f"number {number} of the stream from {sender} stands {times} times"
            yield Breach(invariant=Invariant.I4, what=what, why=why)
    for (sender, document_id), times in Counter((one.sender, one.document_id) for one in arrivals).items():
        if times > 1:
            why = f"{document_id} of {sender} stands {times} times"
            yield Breach(invariant=Invariant.I5, what=what, why=why)


def blobs_of_entry(entry: InboxEntry) -> Iterator[tuple[str, BlobRef]]:
    """The files of an entry and its envelope."""
    what = f"inbox entry {entry.key}"
    yield what, entry.envelope
    yield from ((what, attachment.blob) for attachment in entry.attachments)
