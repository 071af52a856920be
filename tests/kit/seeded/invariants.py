"""What must hold of every world at rest (reliability.md B2.1: I1 to I10, B4: ALL0). Pure: an outcome in, problems out.

Each function is written so that it can fail, and `tests/scenario/test_invariants.py` makes each of them fail. None asks
the gateway's own checks; those are asked beside them (`audit`).
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from gateway.audit import AuditError, VerifierKey, open_checkpoint, verify_log
from gateway.core.clock import to_millis
from gateway.core.events import TreeHead
from gateway.core.limits import DELIVERY_DEADLINE_SECONDS
from gateway.core.model import PDF, Delivery, Document, InboxEntry, IncomingTransfer, Transfer
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState, MessageKind, TransferState, is_final
from tests.kit.seeded import small_log
from tests.kit.seeded.kept import Kept, Opening
from tests.kit.seeded.materials import newborn, wards
from tests.kit.seeded.offices import Letter
from tests.kit.seeded.plan import What
from tests.kit.seeded.world import Outcome

_D, _V, _T = DocumentState, DeliveryState, TransferState
Problems = Iterator[str]
DEADLINE_DAYS = DELIVERY_DEADLINE_SECONDS / 86400


def blobs_are_there(world: Outcome) -> Problems:
    """I1: whatever was accepted has its bytes, under their own digest."""
    for kept in world.kept:
        for digest, data in kept.blobs.items():
            if hashlib.sha256(data).hexdigest() != digest:
                yield f"I1 {kept.own}: blob {digest[:8]} has other bytes"
        for what, ref in _named_blobs(kept):
            data = kept.blobs.get(ref.digest)
            if data is None or len(data) != ref.size:
                yield f"I1 {kept.own}: {what} names a blob that is not there"


def _named_blobs(kept: Kept) -> Iterator[tuple[str, object]]:
    for document in kept.documents:
        yield from ((f"document {document.key}", file.blob) for file in document.attachments)
        if document.envelope:
            yield f"document {document.key}", document.envelope
    for incoming in kept.incoming:
        yield f"incoming {incoming.slip.transfer}", incoming.slip.envelope
    for entry in kept.entries:
        yield f"entry {entry.key}", entry.envelope
        yield from ((f"entry {entry.key}", file.blob) for file in entry.attachments)


def everything_ends(world: Outcome) -> Problems:
    """I2: what was accepted is in exactly one end, or held with a reason; and nothing is left to do."""
    for kept in world.kept:
        if kept.work:
            yield f"I2 {kept.own}: {kept.work} items of work are left"
        deliveries = _by(kept.deliveries, lambda row: row.document)
        transfers = _by(kept.transfers, lambda row: row.document)
        for document in kept.documents:
            yield from _document_ends(document, deliveries[document.key], transfers[document.key])
    for (own, key), (_, document_key) in world.ledger.acked.items():
        if document_key not in _documents(world, own):
            yield f"I2 {own}: {key} was acknowledged and is lost"


def _document_ends(document: Document, deliveries: list[Delivery], transfers: list[Transfer]) -> Problems:
    what = f"I2 document {document.key}"
    if document.state not in {_D.ROUTED, _D.REFUSED, _D.HELD}:
        yield f"{what} is still {document.state}"
    if document.state in {_D.REFUSED, _D.HELD} and not document.reason:
        yield f"{what} is {document.state} without a reason"
    wanted = set(_recipients(document)) if document.state is _D.ROUTED else set()
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
    claims = _claims(transfer.answer, transfer.slip.destination, kept)
    slip = transfer.slip
    if not claims or (claims["transfer"], claims["envelope"]["sha256"]) != (slip.transfer, slip.envelope.digest):
        return None
    return {line["organ_id"]: (line["outcome"], line["code"]) for line in claims["recipients"]}


def _claims(receipt: bytes, destination: str, kept: Kept) -> dict | None:  # type: ignore[type-arg]
    entry = kept.snapshot.gateways[destination]  # type: ignore[index]
    try:
        return _checked(receipt, entry.receipt_keys, entry.log_keys)
    except small_log.BadError:
        return None


@cache
def _checked(receipt: bytes, keys: tuple[bytes, ...], log_keys: tuple[str, ...]) -> dict:  # type: ignore[type-arg]
    return small_log.check_receipt(receipt, keys, log_keys)


def _transfer_is_proven(world: Outcome, kept: Kept, transfer: Transfer, lines: Mapping[str, object] | None) -> Problems:
    name = transfer.slip.transfer
    if (transfer.state is _T.RECEIPTED) != (lines is not None):
        yield f"I3 {kept.own}: transfer {name} is {transfer.state}, with{'' if lines else 'out'} a receipt that holds"
    there = _incoming(world, transfer.slip.destination).get(name)
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


def one_effect(world: Outcome) -> Problems:
    """I5: one entry for each document and recipient, exactly where it is delivered; a reader sees each once."""
    entries = Counter((row.recipient, row.sender, row.document_id) for kept in world.kept for row in kept.entries)
    yield from (f"I5 {count} entries of {name}" for name, count in entries.items() if count > 1)
    ended = dict(_document_deliveries(world))
    for name, row in ended.items():
        if row.state is _V.DELIVERED and not entries[name]:
            yield f"I5 {name} is delivered, and no inbox has it"
        if row.state in {_V.REFUSED, _V.VOID} and entries[name]:
            yield f"I5 {name} is {row.state} ({row.reason}), and an inbox has it"
    for name in entries:
        if name not in ended:
            yield f"I5 an inbox has {name}, which nobody sent"
    for kept in world.kept:
        seen = world.ledger.seen.get(kept.own, {})
        if seen != {entry.key: entry.cursor for entry in kept.entries}:
            yield f"I5 {kept.own}: a reader with a cursor saw {len(seen)} entries of {len(kept.entries)}"


def _document_deliveries(world: Outcome) -> Iterator[tuple[tuple[str, str, str], Delivery]]:
    for kept in world.kept:
        documents = {row.key: row for row in kept.documents if row.kind is MessageKind.DOCUMENT}
        for row in kept.deliveries:
            if row.document in documents:
                document = documents[row.document]
                yield (row.recipient, document.sender, document.document_id), row


def nothing_is_overwritten(world: Outcome) -> Problems:
    """I6: what an office was told yes for is what is kept and what arrives, word for word and byte for byte."""
    letters: dict[tuple[str, str], Letter] = {}
    for (own, key), (letter, document_key) in world.ledger.acked.items():
        letters[letter.sender, letter.metadata().document_id()] = letter
        document = _documents(world, own).get(document_key)
        if document is not None and (document.metadata, document.sender) != (letter.metadata(), letter.sender):
            yield f"I6 {own}: document {document_key} is not what was acknowledged as {key}"
    for kept in world.kept:
        for entry in kept.entries:
            letter = letters.get((entry.sender, entry.document_id))
            if letter is None:
                yield f"I6 {kept.own}: entry {entry.key} is of no letter that was acknowledged"
            elif not _is_letter(kept, entry, letter):
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


_DOCUMENT_WALK = {
    "": {"accepted"},
    "accepted": {"sealed", "wrapped", "refused", "held"},
    "sealed": {"wrapped", "refused", "held"},
    "wrapped": {"routed", "refused", "held"},
    "held": {"released", "refused"},
    "released": {"sealed", "wrapped", "refused", "held"},
    "routed": set(),
    "refused": set(),
}
_DELIVERY_WALK = {
    "": {"delivery.queued", "delivery.refused"},
    "delivery.queued": {"delivery.delivered", "delivery.refused", "delivery.expired", "held"},
    "held": {"released"},
    "released": {"delivery.delivered", "delivery.refused", "delivery.expired", "held"},
    "delivery.delivered": set(),
    "delivery.refused": set(),
    "delivery.expired": set(),
}
_ENTRY_WALK = {"": {"received"}, "received": {"business.status"}, "business.status": set()}
_ASIDE = "business.status_received"
"""Another column: it may come at any time, also before the receipt whose answer was lost."""
_AFTER = {"released": {_D.ACCEPTED}, "accepted": {_D.ACCEPTED}}
_DELIVERY_ENDS = {
    "delivery.queued": {_V.QUEUED, _V.SENDING, _V.INDETERMINATE},
    "released": {_V.QUEUED, _V.SENDING, _V.INDETERMINATE},
    "held": {_V.HELD},
    "delivery.delivered": {_V.DELIVERED},
    "delivery.refused": {_V.REFUSED},
    "delivery.expired": {_V.EXPIRED},
}


def leaves_tell_the_history(world: Outcome) -> Problems:
    """I7: the leaves of a row are a walk of its machine, each names the one before it, the last is where the row stands."""
    for kept in world.kept:
        stories = _by(kept.openings, lambda row: row.subject)
        previous = {small_log.leaf_hash(leaf): json.loads(leaf)["p"] for leaf in kept.leaves}
        for document in kept.documents:
            events = yield from _walk(kept, stories[document.key], previous, _DOCUMENT_WALK, document.last_leaf)
            if document.state not in _AFTER.get(events[-1], {events[-1]}):
                yield f"I7 {kept.own}: document {document.key} is {document.state} after {events}"
        for row in kept.deliveries:
            events = yield from _walk(kept, stories[row.key], previous, _DELIVERY_WALK, row.last_leaf)
            if row.state not in _DELIVERY_ENDS.get(events[-1], set()):
                yield f"I7 {kept.own}: delivery {row.key} is {row.state} after {events}"
        for entry in kept.entries:
            events = yield from _walk(kept, stories[entry.key], previous, _ENTRY_WALK, entry.last_leaf)
            if (entry.business_status is BusinessStatus.ARRIVED) != (events == ["received"]):
                yield f"I7 {kept.own}: entry {entry.key} is {entry.business_status} after {events}"


def _walk(
    kept: Kept,
    events: list[Opening],
    previous: Mapping[bytes, str],
    machine: Mapping[str, set[str]],
    last_leaf: str,
) -> Iterator[str]:
    """Yields problems, returns the names of the events that moved the row."""
    names = [event.event for event in events if event.event != _ASIDE] or [""]
    at, before = "", b""
    for event in events:
        if event.event not in machine.get(at, set()) and event.event != _ASIDE:
            yield f"I7 {kept.own}: {event.event} of {event.subject} after {at or 'nothing'}"
        named = previous.get(event.hash)
        if named is None:
            yield f"I7 {kept.own}: {event.event} of {event.subject} has no leaf in the log"
        elif before and small_log._unb64(named) != before:
            yield f"I7 {kept.own}: {event.event} of {event.subject} does not follow {at}"
        at, before = at if event.event == _ASIDE else event.event, event.hash
    if last_leaf and (not events or events[-1].hash.hex() != last_leaf):
        yield f"I7 {kept.own}: {names} and the row names another leaf"
    return names  # type: ignore[return-value]


def checkpoints_follow_the_log(world: Outcome) -> Problems:
    """I8: no checkpoint covers more than was committed; at rest all of it, and the signer remembers just that one."""
    for kept in world.kept:
        size = kept.checkpoint[0] if kept.checkpoint else 0
        if size != kept.head.size or kept.pending or len(kept.leaves) != kept.head.size:
            yield f"I8 {kept.own}: {len(kept.leaves)} leaves, head {kept.head.size}, checkpoint {size}"
        if kept.checkpoint and kept.memory != kept.checkpoint[1]:
            yield f"I8 {kept.own}: the signer remembers another checkpoint than is published"


def guards_had_their_evidence(world: Outcome) -> Problems:
    """I10: no row is in a state whose evidence is missing."""
    for kept in world.kept:
        stories = _by(kept.openings, lambda row: row.subject)
        deadlines = {row.slip.transfer: row.deadline for row in kept.transfers}
        for document in kept.documents:
            names = {event.event for event in stories[document.key]}
            if document.state is _D.ROUTED and not (document.envelope and "wrapped" in names):
                yield f"I10 {kept.own}: document {document.key} is routed and was never wrapped"
        for row in kept.deliveries:
            told = {event.event: event for event in stories[row.key]}
            expired = told.get("delivery.expired")
            if expired and row.transfer and expired.at_millis < to_millis(deadlines[row.transfer]):
                yield f"I10 {kept.own}: delivery {row.key} expired before its deadline"
            if (row.business_status is not None) != ("business.status_received" in told):
                yield f"I10 {kept.own}: delivery {row.key} has a status that nobody said"
        received = {
            (line.organ_id, row.slip.sender, row.slip.document_id)
            for row in kept.incoming
            for line in row.recipients
            if line.outcome.value == "received" and row.slip.kind is MessageKind.DOCUMENT
        }
        for entry in kept.entries:
            if (entry.recipient, entry.sender, entry.document_id) not in received:
                yield f"I10 {kept.own}: entry {entry.key} was received by no transfer"


_DESERVED = frozenset({"recipient.unknown", "recipient.locked", "recipient.closed"})
_OF_CLOCKS = frozenset({"status.timestamp"})


def refusals_are_deserved(world: Outcome) -> Problems:
    """I10: nobody in these worlds does anything that deserves a refusal, but write to a body that is not (any more) there.

    What goes wrong on the road, or with a clock or a judge, may delay; it is nobody's refusal, and expires nothing
    before its deadline.
    """
    wrong_clock = any(fault.what is What.STEP for fault in world.plan.faults)
    allowed = _DESERVED | (_OF_CLOCKS if wrong_clock else frozenset())
    strange = {code for name in world.plan.gateways for code in (newborn(name), *wards(name)[:1])}
    for kept in world.kept:
        for document in kept.documents:
            if document.state is _D.REFUSED:
                yield f"I10 {kept.own}: document {document.key} is refused: {document.reason}"
        for row in kept.deliveries:
            if row.state is _V.REFUSED and row.reason not in allowed:
                yield f"I10 {kept.own}: delivery {row.key} is refused: {row.reason}"
            if row.state is _V.REFUSED and row.reason in _DESERVED and row.recipient not in strange:
                yield f"I10 {kept.own}: delivery {row.key} to {row.recipient} is refused: {row.reason}"
            if row.state is _V.EXPIRED and world.days < DEADLINE_DAYS:
                yield f"I10 {kept.own}: delivery {row.key} expired in a world of {world.days:.1f} days"
        for transfer in kept.transfers:
            if transfer.state is _T.REFUSED and transfer.reason not in world.refusals.get(transfer.slip.transfer, ()):
                yield f"I10 {kept.own}: transfer {transfer.slip.transfer} is refused: {transfer.reason}, which nobody said"
    for (own, key), code in world.ledger.refused.items():
        yield f"I10 {own}: {key} was refused: {code}"


def words_travel_back(world: Outcome) -> Problems:
    """What a receiving office said stands in its entry, and at the sender once the status message is delivered."""
    at_sender = dict(_document_deliveries(world))
    said_at: dict[tuple[str, str, str], tuple[str, str]] = {}
    for kept in world.kept:
        entries = {entry.key: entry for entry in kept.entries}
        for (own, key), said in world.ledger.said.items():
            if own == kept.own and (entries[key].business_status, entries[key].business_description) != said:
                yield f"{own}: entry {key} says otherwise than its office was told"
        delivered = {row.document for row in kept.deliveries if row.state is _V.DELIVERED}
        for document in kept.documents:
            if document.status is not None and document.key in delivered:
                answered = document.status.response_for
                name = (document.sender, answered.organ_id, answered.document_id)
                said_at[name] = (document.status.status, document.status.description)
    for name, word in said_at.items():
        row = at_sender.get(name)
        if row is None or (row.business_status, row.business_description) != word:
            yield f"{name} said {word}, delivered; its sender has {row and row.business_status}"
    for name, row in at_sender.items():
        if row.business_status is not None and row.business_status not in _words_of(world, name):
            yield f"{name}: the sender has {row.business_status}, which nobody said"


def _words_of(world: Outcome, name: tuple[str, str, str]) -> set[BusinessStatus]:
    return {
        entry.business_status
        for kept in world.kept
        for entry in kept.entries
        if (entry.recipient, entry.sender, entry.document_id) == name
    }


def receipts_are_kept(world: Outcome) -> Problems:
    """Every answer that was seen on the way is the one that the gateway keeps, and it verifies."""
    for kept in world.kept:
        for incoming in kept.incoming:
            seen = world.answers.get(incoming.slip.transfer)
            if seen is not None and incoming.answer != seen:
                yield f"{kept.own}: the receipt given for {incoming.slip.transfer} is not the one that is kept"
            if incoming.answer is not None and _claims(incoming.answer, kept.own, kept) is None:
                yield f"{kept.own}: the receipt given for {incoming.slip.transfer} does not hold"


def logs_hold(world: Outcome) -> Problems:
    """The log, by the gateway's own check and by a verifier that shares no code with it."""
    for kept in world.kept:
        keys = kept.snapshot.gateways[kept.own].log_keys
        openings = [(one.hash, one.salt, one.private) for one in kept.openings]
        note = kept.checkpoint[1] if kept.checkpoint else None
        yield from (f"{kept.own}: {fault}" for fault in small_log.check_log(kept.leaves, openings, note, keys))
        for fault in _own_verdict(kept, keys):
            yield f"{kept.own}: {fault}"


def _own_verdict(kept: Kept, keys: tuple[str, ...]) -> Problems:
    parsed = [VerifierKey.parse(key) for key in keys]
    try:
        remembered = [open_checkpoint(kept.memory, parsed)] if kept.memory else []
    except AuditError as error:
        yield f"the signer's memory: {error}"
        return
    report = verify_log(_KeptLog(kept), parsed, known=remembered)
    yield from (fault.reason for fault in report.faults)


class _KeptLog:
    """What `verify_log` reads, over what was read out; inner nodes are computed, for the stored ones are its own affair."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._hashes = [small_log.leaf_hash(leaf) for leaf in kept.leaves]

    def head(self) -> TreeHead:
        return self._kept.head

    def nodes(self, positions):  # type: ignore[no-untyped-def]
        return {
            (level, index): small_log.tree_root(self._hashes[index << level : index + 1 << level])
            for level, index in positions
        }

    def indexes(self, leaf_hashes):  # type: ignore[no-untyped-def]
        where = {digest: index for index, digest in enumerate(self._hashes)}
        return {digest: where[digest] for digest in leaf_hashes if digest in where}

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        return self._kept.leaves[first : first + count]

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        rows = list(enumerate(self._kept.openings))[after + 1 : after + 1 + limit]
        return tuple((row, one.hash, one.salt, one.private) for row, one in rows)

    def checkpoint(self) -> tuple[int, str] | None:
        return self._kept.checkpoint


INVARIANTS: tuple[Callable[[Outcome], Problems], ...] = (
    blobs_are_there,
    everything_ends,
    delivered_is_proven,
    numbers_have_no_gaps,
    one_effect,
    nothing_is_overwritten,
    leaves_tell_the_history,
    checkpoints_follow_the_log,
    guards_had_their_evidence,
    refusals_are_deserved,
    words_travel_back,
    receipts_are_kept,
    logs_hold,
)
"""I9 (fences) and the rest of I8 are watched while the world runs: `watch`."""


def problems(world: Outcome) -> tuple[str, ...]:
    """Everything that does not hold of a world, what was found while it ran first."""
    return (*world.found, *(problem for invariant in INVARIANTS for problem in invariant(world)))


# --- looking things up -----------------------------------------------------------------------------------------------


def _by(rows, name):  # type: ignore[no-untyped-def]
    grouped = defaultdict(list)
    for row in rows:
        grouped[name(row)].append(row)
    return grouped


def _documents(world: Outcome, own: str) -> dict[str, Document]:
    return {row.key: row for kept in world.kept if kept.own == own for row in kept.documents}


def _incoming(world: Outcome, own: str) -> dict[str, IncomingTransfer]:
    return {row.slip.transfer: row for kept in world.kept if kept.own == own for row in kept.incoming}


def _recipients(document: Document) -> tuple[str, ...]:
    if document.status is not None:
        return (document.status.response_for.organ_id,)
    assert document.metadata is not None
    return document.metadata.recipients
