"""What must hold of every world at rest (reliability.md B2.1: I1 to I10, B4: ALL0). Pure: an outcome in, problems out.

Each function is written so that it can fail, and `tests/scenario/test_invariants.py` makes each of them fail. None asks
the gateway's own checks; those are asked beside them (`audit`).
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from gateway.core.model import PDF, BlobRef, Delivery, Document, InboxEntry, Transfer
from gateway.core.states import DeliveryState, DocumentState, TransferState, is_final
from tests.kit.seeded.histories import (
    checkpoints_follow_the_log,
    guards_had_their_evidence,
    leaves_tell_the_history,
    logs_hold,
    recalls_are_heard,
    receipts_are_kept,
    refusals_are_deserved,
    words_travel_back,
)
from tests.kit.seeded.kept import Kept
from tests.kit.seeded.lookups import (
    Problems,
    claims_of,
    document_deliveries,
    documents_of,
    grouped_by,
    incoming_of,
    recipients_of,
)
from tests.kit.seeded.offices import Letter
from tests.kit.seeded.outcome import Outcome

_D, _V, _T = DocumentState, DeliveryState, TransferState


def blobs_are_there(world: Outcome) -> Problems:
    """I1: whatever was accepted has its bytes, under their own digest."""
    for kept in world.kept:
        for digest, data in kept.blobs.items():
            if hashlib.sha256(data).hexdigest() != digest:
                yield f"I1 {kept.own}: blob {digest[:8]} has other bytes"
        for what, ref in _named_blobs(kept):
            bytes_kept = kept.blobs.get(ref.digest)
            if bytes_kept is None or len(bytes_kept) != ref.size:
                yield f"I1 {kept.own}: {what} names a blob that is not there"


def _named_blobs(kept: Kept) -> Iterator[tuple[str, BlobRef]]:
    for document in kept.documents:
        yield from ((f"document {document.key}", file.blob) for file in document.attachments)
        if document.envelope:
            yield f"document {document.key}", document.envelope
    for incoming in kept.incoming:
        yield f"incoming {incoming.slip.transfer}", incoming.slip.envelope
    for entry in kept.entries:
        yield f"entry {entry.key}", entry.envelope
        yield from ((f"entry {entry.key}", file.blob) for file in entry.attachments)


def nothing_is_left_over(world: Outcome) -> Problems:
    """I1, the other way round: after a sweep there is nothing but what rows name, and what was handed in before a seal."""
    handed_in = {
        hashlib.sha256(data).hexdigest() for letter, _ in world.ledger.acked.values() for _, _, data in letter.files
    }
    for kept in world.kept:
        named = {ref.digest for _, ref in _named_blobs(kept)}
        yield from (f"I1 {kept.own}: blob {digest[:8]} is not written down as named" for digest in named - kept.named)
        yield from (f"I1 {kept.own}: blob {digest[:8]} is left over" for digest in set(kept.blobs) - named - handed_in)
        yield from (f"I1 {kept.own}: blob {digest[:8]} was removed" for digest in kept.named - set(kept.blobs))


def everything_ends(world: Outcome) -> Problems:
    """I2: what was accepted is in exactly one end, or held with a reason; and nothing is left to do."""
    for kept in world.kept:
        if kept.work:
            yield f"I2 {kept.own}: {kept.work} items of work are left"
        deliveries = grouped_by(kept.deliveries, lambda row: row.document)
        transfers = grouped_by(kept.transfers, lambda row: row.document)
        for document in kept.documents:
            yield from _document_ends(document, deliveries[document.key], transfers[document.key])
    for (own, key), (_, document_key) in world.ledger.acked.items():
        if document_key not in documents_of(world, own):
            yield f"I2 {own}: {key} was acknowledged and is lost"


def _document_ends(document: Document, deliveries: list[Delivery], transfers: list[Transfer]) -> Problems:
    what = f"I2 document {document.key}"
    if document.state not in {_D.ROUTED, _D.REFUSED, _D.HELD}:
        yield f"{what} is still {document.state}"
    if document.state in {_D.REFUSED, _D.HELD} and not document.reason:
        yield f"{what} is {document.state} without a reason"
    wanted = set(recipients_of(document)) if document.state is _D.ROUTED else set()
    if Counter(row.recipient for row in deliveries) != Counter(wanted):
        yield f"{what} is {document.state} and has deliveries to {sorted(row.recipient for row in deliveries)}"
    states = {row.slip.transfer: row.state for row in transfers}
    for row in deliveries:
        if not is_final(row.state) and row.state is not _V.HELD:
            yield f"{what}: the delivery to {row.recipient} is still {row.state}"
        if row.state in {_V.HELD, _V.REFUSED, _V.EXPIRED} and not row.reason:
            yield f"{what}: the delivery to {row.recipient} is {row.state} without a reason"
        if row.transfer is not None and states.get(row.transfer) is None:
            yield f"{what}: the delivery to {row.recipient} has no transfer"
    for key, state in states.items():
        if not is_final(state) and state is not _T.HELD:
            yield f"{what}: transfer {key} is still {state}"


def delivered_is_proven(world: Outcome) -> Problems:
    """I3: delivered, if and only if a receipt says so that verifies, and that the other gateway gave and kept."""
    for kept in world.kept:
        lines = {row.slip.transfer: _receipt_lines(kept, row) for row in kept.transfers}
        for transfer in kept.transfers:
            yield from _transfer_is_proven(world, kept, transfer, lines[transfer.slip.transfer])
        for row in kept.deliveries:
            outcome = (lines.get(row.transfer) or {}).get(row.recipient) if row.transfer else None
            if (row.state is _V.DELIVERED) != (outcome == ("received", "")):
                yield f"I3 {kept.own}: delivery {row.key} is {row.state}, its receipt says {outcome}"
            if outcome and outcome[0] == "refused" and row.state is not _V.REFUSED:
                yield f"I3 {kept.own}: delivery {row.key} is {row.state}, its receipt says {outcome}"


def _receipt_lines(kept: Kept, transfer: Transfer) -> dict[str, tuple[str, str]] | None:
    """Outcome by recipient, from a receipt that verifies; None when there is none."""
    if transfer.answer is None:
        return None
    claims = claims_of(transfer.answer, transfer.slip.destination, kept)
    slip = transfer.slip
    if not claims or (claims["transfer"], claims["envelope"]["sha256"]) != (slip.transfer, slip.envelope.digest):
        return None
    return {line["organ_id"]: (line["outcome"], line["code"]) for line in claims["recipients"]}


def _transfer_is_proven(world: Outcome, kept: Kept, transfer: Transfer, lines: Mapping[str, object] | None) -> Problems:
    name = transfer.slip.transfer
    if (transfer.state is _T.RECEIPTED) != (lines is not None):
        yield f"I3 {kept.own}: transfer {name} is {transfer.state}, with{'' if lines else 'out'} a receipt that holds"
    there = incoming_of(world, transfer.slip.destination).get(name)
    if transfer.answer is not None and (there is None or there.answer != transfer.answer):
        yield f"I3 {kept.own}: the receipt of transfer {name} is not the one that {transfer.slip.destination} keeps"
    if there is not None and there.slip != transfer.slip:
        yield f"I3 {kept.own}: transfer {name} arrived under another slip"


def numbers_have_no_gaps(world: Outcome) -> Problems:
    """I4: the numbers of a stream (sender, recipient) run from 1 without a gap, and each of them came to an end."""
    for kept in world.kept:
        numbers = defaultdict(list)
        senders = {document.key: document.sender for document in kept.documents}
        for row in kept.deliveries:
            if row.transfer is not None:
                numbers[senders[row.document], row.recipient].append(row.sequence)
        for stream, given in numbers.items():
            if sorted(given) != list(range(1, len(given) + 1)):
                yield f"I4 {kept.own}: stream {stream} has the numbers {sorted(given)}"
        if {stream: len(given) + 1 for stream, given in numbers.items()} != dict(kept.streams):
            yield f"I4 {kept.own}: the counters of streams are not those of their deliveries"
        slips = {row.slip.transfer: row.slip.recipients for row in kept.transfers}
        for row in kept.deliveries:
            if row.transfer and (row.recipient, row.sequence) not in {
                (line.organ_id, line.sequence) for line in slips.get(row.transfer, ())
            }:
                yield f"I4 {kept.own}: delivery {row.key} has another number than its slip"


def order_is_kept(world: Outcome) -> Problems:
    """I4: an office reads each sender's letters by their numbers, but for those that came when nobody waited any more.

    An entry may only stand behind a greater number if its turn had been given up: its leaf says so, and a leaf before it
    says who gave it up, a notice of the sender or the end of the wait. At rest nothing is staged.
    """
    for kept in world.kept:
        if kept.staged:
            yield f"I4 {kept.own}: {kept.staged} numbers wait for smaller ones"
        told = defaultdict(set)
        for opening in kept.openings:
            told[opening.subject].add(opening.event)
        read: dict[tuple[str, str], int] = {}
        for entry in sorted(kept.entries, key=lambda entry: entry.cursor):
            stream, late = (entry.sender, entry.recipient), "inbox.late" in told[entry.key]
            if late:
                if not _was_given_up(kept, entry):
                    yield f"I4 {kept.own}: entry {entry.key} came late, and nobody had given number {entry.sequence} up"
                continue
            if entry.sequence <= read.get(stream, 0):
                yield f"I4 {kept.own}: number {entry.sequence} of {stream} is read after {read[stream]}"
            read[stream] = max(entry.sequence, read.get(stream, 0))
            if kept.arrived.get(stream, 1) <= entry.sequence:
                yield f"I4 {kept.own}: number {entry.sequence} of {stream} is in the inbox, and is not settled"
    yield from _numbers_between_are_accounted_for(world)


def _was_given_up(kept: Kept, entry: InboxEntry) -> bool:
    """Whether a notice or the end of a wait covers the entry's number."""
    for opening in kept.openings:
        if opening.event in {"stream.passed_over", "inbox.overdue"} and opening.recipient == entry.recipient:
            said = json.loads(opening.private)
            if said["from"] == entry.sender and said["first"] <= entry.sequence <= said["last"]:
                return True
    return False


def _numbers_between_are_accounted_for(world: Outcome) -> Problems:
    """Every number below the expected one arrived at this gateway, or was given up by somebody."""
    for kept in world.kept:
        known: dict[tuple[str, str], set[int]] = defaultdict(set)
        for incoming in kept.incoming:
            for line in incoming.recipients:
                known[incoming.slip.sender, line.organ_id].add(line.sequence)
        for opening in kept.openings:
            if opening.event in {"stream.passed_over", "inbox.overdue"}:
                said = json.loads(opening.private)
                if "first" in said:
                    known[said["from"], said["to"]].update(range(said["first"], said["last"] + 1))
        for stream, expected in kept.arrived.items():
            if missing := set(range(1, expected)) - known[stream]:
                yield f"I4 {kept.own}: numbers {sorted(missing)} of {stream} were skipped, and nobody said so"


def one_effect(world: Outcome) -> Problems:
    """I5: one entry for each document and recipient, exactly where it is delivered; a reader sees each once."""
    entries: Counter[tuple[str, str, str]] = Counter(
        (row.recipient, row.sender, row.document_id) for kept in world.kept for row in kept.entries
    )
    yield from (f"I5 {count} entries of {name}" for name, count in entries.items() if count > 1)
    ended = dict(document_deliveries(world))
    for name, row in ended.items():
        if row.state is _V.DELIVERED and not entries[name]:
            yield f"I5 {name} is delivered, and no inbox has it"
        # What was recalled had been tried, perhaps: then its recipient is asked (`recalls_are_heard`).
        if row.state is _V.REFUSED and entries[name]:
            yield f"I5 {name} is {row.state} ({row.reason}), and an inbox has it"
    for name in entries:
        if name not in ended:
            yield f"I5 an inbox has {name}, which nobody sent"
    for kept in world.kept:
        seen = world.ledger.seen.get(kept.own, {})
        if seen != {entry.key: entry.cursor for entry in kept.entries}:
            yield f"I5 {kept.own}: a reader with a cursor saw {len(seen)} entries of {len(kept.entries)}"


def nothing_is_overwritten(world: Outcome) -> Problems:
    """I6: what an office was told yes for is what is kept and what arrives, word for word and byte for byte."""
    letters: dict[tuple[str, str], Letter] = {}
    for (own, key), (letter, document_key) in world.ledger.acked.items():
        letters[letter.sender, letter.metadata().document_id()] = letter
        document = documents_of(world, own).get(document_key)
        if document is not None and (document.metadata, document.sender) != (letter.metadata(), letter.sender):
            yield f"I6 {own}: document {document_key} is not what was acknowledged as {key}"
    for kept in world.kept:
        for entry in kept.entries:
            sent = letters.get((entry.sender, entry.document_id))
            if sent is None:
                yield f"I6 {kept.own}: entry {entry.key} is of no letter that was acknowledged"
            elif not _is_letter(kept, entry, sent):
                yield f"I6 {kept.own}: entry {entry.key} is not the letter that was acknowledged"


def _is_letter(kept: Kept, entry: InboxEntry, letter: Letter) -> bool:
    """A sealed PDF begins with what was handed in (an incremental update only adds); other files are the same."""
    if entry.message.subject != letter.subject or len(entry.attachments) != len(letter.files):
        return False
    for attachment, (name, kind, data) in zip(entry.attachments, letter.files, strict=True):
        arrived = kept.blobs.get(attachment.blob.digest, b"")
        same = arrived.startswith(data) if kind == PDF else arrived == data
        if not same or attachment.name != name:
            return False
    return True


INVARIANTS: tuple[Callable[[Outcome], Problems], ...] = (
    blobs_are_there,
    nothing_is_left_over,
    everything_ends,
    delivered_is_proven,
    numbers_have_no_gaps,
    order_is_kept,
    one_effect,
    nothing_is_overwritten,
    leaves_tell_the_history,
    checkpoints_follow_the_log,
    guards_had_their_evidence,
    refusals_are_deserved,
    words_travel_back,
    recalls_are_heard,
    receipts_are_kept,
    logs_hold,
)
"""I9 (fences) and the rest of I8 are watched while the world runs: `watch`."""


def problems(world: Outcome) -> tuple[str, ...]:
    """Everything that does not hold of a world, what was found while it ran first."""
    return (*world.found, *(problem for invariant in INVARIANTS for problem in invariant(world)))
