"""Looks: each thing of which invariants speak, read in one snapshot and judged by the rules."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError
from gateway.core.events import EventKind
from gateway.core.ids import DocumentKey, OrganId
from gateway.core.inspection import Arrival, Arriving, Stream
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import STREAM_WAITING_MAX
from gateway.core.model import InboxEntry, IncomingTransfer, ReceiptLine, TransferSlip
from gateway.core.work import WorkKind
from gateway.evidence.amended import entries_amended
from gateway.evidence.company import Sent, read_sent
from gateway.evidence.incoming import answer_problems
from gateway.evidence.invariants.arrived import arrived_breaches, inbox_breaches
from gateway.evidence.invariants.breach import Breach, Invariant, breaches
from gateway.evidence.invariants.order import order_breach, out_of_order, unheld_breach, waiting_breaches
from gateway.evidence.invariants.sent import sent_breaches
from gateway.evidence.invariants.streams import gap_breach, missing, number_breaches
from gateway.evidence.outgoing import line_problems
from gateway.evidence.story import read_story

ReceiptCheck = Callable[[bytes, TransferSlip, Snapshot], tuple[ReceiptLine, ...]]
"""`Records.check_receipt`."""
Found = tuple[Breach, ...]
STREAM_ROWS: Final = 200
"""Of each kind, of the sender's newest rows: enough to see the numbers of weeks, and read in a millisecond."""
INBOX_ROWS: Final = 500


def look_at_log(uow: UnitOfWork) -> Found:
    """I8 and I9: of the installation as a whole."""
    head, published = uow.log.head().size, uow.log.checkpoint()
    stored = len(uow.log.leaves(max(0, head - 1), 2))
    last, greatest = uow.inspection.fences()
    return tuple(
        Breach(invariant=invariant, what=what, why=why)
        for bad, invariant, what, why in (
            (
                published is not None and published[0] > head,
                Invariant.I8,
                "checkpoint",
                f"speaks of {published[0] if published else 0} leaves, and {head} are committed",
            ),
            (stored != min(1, head), Invariant.I8, "audit log", f"its newest leaf is not number {head}"),
            (greatest > last, Invariant.I9, "lease", f"an item bears fence {greatest}, and {last} was the last given"),
        )
        if bad
    )


def look_at_document(key: DocumentKey, uow: UnitOfWork) -> tuple[Sent | None, Found]:
    """The document with its company, and what does not hold of its rows."""
    document = uow.documents.find(key)
    if document is None:
        return None, ()
    sent = read_sent(document)(uow)
    standing = uow.inspection.standing(WorkKind.DOCUMENT, [key]) | uow.inspection.standing(
        WorkKind.TRANSFER, list(sent.transfers)
    )
    namesakes = uow.inspection.of_the_same_name(document.sender, document.document_id)
    return sent, tuple(sent_breaches(sent, standing=standing, namesakes=namesakes))


def look_at_entry(entry: InboxEntry, uow: UnitOfWork) -> tuple[IncomingTransfer | None, Found]:
    """The transfer that brought an entry, and what does not hold of both."""
    (entry,) = entries_amended(uow, [uow.inbox.find(entry.key) or entry])
    incoming = uow.transfers.incoming(entry.transfer)
    namesakes = uow.inspection.arrivals_of(entry.sender, entry.document_id)
    story = read_story(uow.log, entry.transfer)
    return incoming, tuple(arrived_breaches(entry, incoming, story, namesakes))


def look_at_inbox(recipient: OrganId, uow: UnitOfWork) -> Found:
    """The newest entries of one body."""
    arrivals = uow.inspection.newest_arrivals(recipient, INBOX_ROWS)
    streams = uow.inspection.arriving(recipient, {one.sender for one in arrivals})
    wrong = [order_breach(one) for one in out_of_order(arrivals, streams) if not _came_late(one, uow)]
    return (*inbox_breaches(recipient, arrivals), *wrong)


def _came_late(one: Arrival, uow: UnitOfWork) -> bool:
    return any(event.kind == EventKind.LATE for event in read_story(uow.log, one.transfer).of(one.key))


def look_at_unheld(uow: UnitOfWork) -> Found:
    """Entries that nothing will ever let in."""
    return tuple(map(unheld_breach, uow.inspection.unheld(STREAM_ROWS)))


def look_at_waiting(pair: tuple[OrganId, OrganId], uow: UnitOfWork) -> Found:
    """What waits for smaller numbers in one stream."""
    sender, recipient = pair
    stream = uow.inspection.arriving(recipient, [sender]).get(sender, Arriving())
    waiting = uow.order.waiting(sender, recipient, STREAM_WAITING_MAX + 1)
    keys = [row.entry.key for row in waiting if row.entry is not None]
    at_work = bool(uow.inspection.standing(WorkKind.ORDER, [sender]))
    staged = uow.inspection.staged(keys)
    return tuple(waiting_breaches(pair, stream, waiting, staged=staged, at_work=at_work))


def look_at_stream(pair: tuple[OrganId, OrganId], uow: UnitOfWork) -> Found:
    """The numbers of one stream at its sender."""
    numbers = uow.inspection.numbers(*pair, STREAM_ROWS)
    stream = uow.inspection.stream(*pair) or Stream(sender=pair[0], recipient=pair[1], next_number=1)
    gaps = [number for number in missing(stream, numbers) if not uow.inspection.holds_number(*pair, number)]
    return (*number_breaches(stream, numbers), *(gap_breach(stream, number) for number in gaps if number > 0))


def receipts_held(sent: Sent, check: ReceiptCheck, snapshot: Snapshot) -> Iterator[Breach]:
    """I3: every receipt that we hold is good, and the deliveries say what it says. Costs signatures: for a thread."""
    for transfer in sent.transfers.values():
        if transfer.answer is None:
            continue
        name = f"transfer {transfer.slip.transfer}"
        try:
            lines = check(transfer.answer, transfer.slip, snapshot)
        except GatewayError as error:
            yield Breach(invariant=Invariant.I3, what=name, why=f"its receipt: {error}")
            continue
        carried = [one for one in sent.deliveries if one.transfer == transfer.slip.transfer]
        yield from breaches(Invariant.I3, line_problems(carried, lines))


def receipt_given(incoming: IncomingTransfer, check: ReceiptCheck, snapshot: Snapshot) -> Iterator[Breach]:
    """I10: the receipt that we gave says what we received. For a thread."""
    if incoming.answer is None:
        return
    of = partial(breaches, Invariant.I10)
    try:
        yield from of(answer_problems(incoming, check(incoming.answer, incoming.slip, snapshot)))
    except GatewayError as error:
        yield Breach(invariant=Invariant.I10, what=f"receipt given for {incoming.slip.transfer}", why=str(error))
