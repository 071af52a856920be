"""What must hold of stories and evidence: I7, I8, I10, words that travel back, receipts and logs. See `invariants`."""

import json
from collections.abc import Generator, Mapping, Sequence

from gateway.audit import AuditError, VerifierKey, open_checkpoint, verify_log
from gateway.core.amendments import Amendment, Side
from gateway.core.clock import to_millis
from gateway.core.events import TreeHead
from gateway.core.model import Document
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState, DocumentState, MessageKind, TransferState
from tests.kit.seeded import small_log
from tests.kit.seeded.kept import Kept, Opening
from tests.kit.seeded.lookups import Problems, claims_of, document_deliveries, grouped_by
from tests.kit.seeded.materials import DEADLINE, newborn, wards
from tests.kit.seeded.offices import DESERVED
from tests.kit.seeded.outcome import Outcome
from tests.kit.seeded.plan import What

_D, _V, _T = DocumentState, DeliveryState, TransferState

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
    "delivery.queued": {"delivery.delivered", "delivery.refused", "delivery.expired", "delivery.recalled", "held"},
    "held": {"released", "delivery.recalled"},
    "released": {"delivery.delivered", "delivery.refused", "delivery.expired", "delivery.recalled", "held"},
    "delivery.recalled": set(),
    "delivery.delivered": set(),
    "delivery.refused": set(),
    "delivery.expired": {"delivery.notice"},
    "delivery.notice": set(),
}
_ENTERED = {"inbox.entered", "inbox.overdue", "inbox.late"}
_ENTRY_WALK = {
    "": {"received"},
    "received": {"business.status", *_ENTERED},
    **{name: {"business.status"} for name in _ENTERED},
    "business.status": set(),
}
_ASIDE = frozenset(
    {
        "business.status_received",
        "amendment.asked",
        "amendment.answer_received",
        "amendment.arrived",
        "amendment.answered",
    }
)
"""Another column: it may come at any time, also before the receipt whose answer was lost."""
_AFTER = {"released": {_D.ACCEPTED}, "accepted": {_D.ACCEPTED}}
_DELIVERY_ENDS = {
    "delivery.queued": {_V.QUEUED, _V.SENDING, _V.INDETERMINATE},
    "released": {_V.QUEUED, _V.SENDING, _V.INDETERMINATE},
    "held": {_V.HELD},
    "delivery.delivered": {_V.DELIVERED},
    "delivery.refused": {_V.REFUSED},
    "delivery.expired": {_V.EXPIRED},
    "delivery.notice": {_V.EXPIRED},
    "delivery.recalled": {_V.VOID},
}


def leaves_tell_the_history(world: Outcome) -> Problems:
    """I7: the leaves of a row are a walk of its machine, each names the one before it, the last is where the row stands."""
    for kept in world.kept:
        stories = grouped_by(kept.openings, lambda row: row.subject)
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
            if (entry.business_status is BusinessStatus.ARRIVED) != (events[-1:] != ["business.status"]):
                yield f"I7 {kept.own}: entry {entry.key} is {entry.business_status} after {events}"


def _walk(
    kept: Kept,
    events: list[Opening],
    previous: Mapping[bytes, str],
    machine: Mapping[str, set[str]],
    last_leaf: str,
) -> Generator[str, None, list[str]]:
    """Yields problems, returns the names of the events that moved the row."""
    names = [event.event for event in events if event.event not in _ASIDE] or [""]
    at, before = "", b""
    for event in events:
        if event.event not in machine.get(at, set()) and event.event not in _ASIDE:
            yield f"I7 {kept.own}: {event.event} of {event.subject} after {at or 'nothing'}"
        named = previous.get(event.hash)
        if named is None:
            yield f"I7 {kept.own}: {event.event} of {event.subject} has no leaf in the log"
        elif before and small_log._unb64(named) != before:
            yield f"I7 {kept.own}: {event.event} of {event.subject} does not follow {at}"
        at, before = at if event.event in _ASIDE else event.event, event.hash
    if last_leaf and (not events or events[-1].hash.hex() != last_leaf):
        yield f"I7 {kept.own}: {names} and the row names another leaf"
    return names


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
        stories = grouped_by(kept.openings, lambda row: row.subject)
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


_OF_CLOCKS = frozenset({"status.timestamp"})


def refusals_are_deserved(world: Outcome) -> Problems:
    """I10: nobody in these worlds does anything that deserves a refusal, but write to a body that is not (any more) there.

    What goes wrong on the road, or with a clock or a judge, may delay; it is nobody's refusal, and expires nothing
    before its deadline.
    """
    wrong_clock = any(fault.what is What.STEP for fault in world.plan.faults)
    allowed = DESERVED | (_OF_CLOCKS if wrong_clock else frozenset())
    strange = {code for name in world.plan.gateways for code in (newborn(name), *wards(name)[:1])}
    for kept in world.kept:
        for document in kept.documents:
            if document.state is _D.REFUSED and not _was_recalled(world, document):
                yield f"I10 {kept.own}: document {document.key} is refused: {document.reason}"
        for row in kept.deliveries:
            if row.state is _V.REFUSED and row.reason not in allowed:
                yield f"I10 {kept.own}: delivery {row.key} is refused: {row.reason}"
            if row.state is _V.REFUSED and row.reason in DESERVED and row.recipient not in strange:
                yield f"I10 {kept.own}: delivery {row.key} to {row.recipient} is refused: {row.reason}"
            if row.state is _V.EXPIRED and world.days < DEADLINE.days:
                yield f"I10 {kept.own}: delivery {row.key} expired in a world of {world.days:.1f} days"
        for transfer in kept.transfers:
            if transfer.state is _T.REFUSED and transfer.reason not in world.refusals.get(transfer.slip.transfer, ()):
                yield f"I10 {kept.own}: transfer {transfer.slip.transfer} is refused: {transfer.reason}, which nobody said"
    for organ in world.ledger.unserved - strange:
        yield f"I10 the door says that {organ} is not there"
    for (own, key), code in world.ledger.refused.items():
        yield f"I10 {own}: {key} was refused: {code}"


def _was_recalled(world: Outcome, document: Document) -> bool:
    return document.reason == "document.recalled" and document.key in world.ledger.recalled


def words_travel_back(world: Outcome) -> Problems:
    """What a receiving office said stands in its entry, and at the sender once the status message is delivered."""
    at_sender = dict(document_deliveries(world))
    said_at: dict[tuple[str, str, str], tuple[str, str]] = {}
    for kept in world.kept:
        entries = {entry.key: entry for entry in kept.entries}
        for (own, key), said in world.ledger.said.items():
            if own == kept.own and (entries[key].business_status, entries[key].business_description) != said:
                yield f"{own}: entry {key} says otherwise than its office was told"
        delivered = {row.document for row in kept.deliveries if row.state is _V.DELIVERED}
        for document in kept.documents:
            if document.status is not None and document.key in delivered and document.status.status not in OF_RECALLS:
                answered = document.status.response_for
                told = (document.status.status, document.status.description)
                said_at[document.sender, answered.organ_id, answered.document_id] = told
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


OF_RECALLS = frozenset({BusinessStatus.RECALL_ASKED, BusinessStatus.RECALL_AGREED, BusinessStatus.RECALL_REFUSED})
_ANSWERED = {
    BusinessStatus.RECALL_AGREED: {AmendmentState.AGREED},
    BusinessStatus.RECALL_REFUSED: {AmendmentState.REFUSED, AmendmentState.LATE, AmendmentState.AGREED},
}


def recalls_are_heard(world: Outcome) -> Problems:
    """Who wanted a letter back stands at both gateways the same, as soon as question and answer have arrived."""
    sent = {_name(one): one for kept in world.kept for one in kept.amendments if one.side is Side.SENT}
    there = {_name(one): one for kept in world.kept for one in kept.amendments if one.side is Side.RECEIVED}
    entries = {(one.recipient, one.sender, one.document_id): one for kept in world.kept for one in kept.entries}
    for kept in world.kept:
        delivered = {row.document for row in kept.deliveries if row.state is _V.DELIVERED}
        for document in kept.documents:
            status = document.status
            if status is None or status.status not in OF_RECALLS or document.key not in delivered:
                continue
            other, name = status.response_for.organ_id, status.response_for.document_id
            if status.status is not BusinessStatus.RECALL_ASKED:
                row = sent.get((document.sender, other, name))
                if row is None or row.state not in _ANSWERED[status.status]:
                    yield f"{document.sender} answered the recall of {name}, and its sender has {row and row.state}"
                continue
            entry, row = entries.get((other, document.sender, name)), there.get((other, document.sender, name))
            waits = row is not None and row.state is AmendmentState.WAITING
            if row is None or row.subject != (entry.key if entry else "") or waits != (entry is None):
                yield f"{name} was recalled, and {other} has {row and row.state}"
    recalled = {row.document_id for kept in world.kept for row in kept.documents if row.key in world.ledger.recalled}
    for has, entry in entries.items():
        if entry.document_id in recalled and has not in sent:
            yield f"{has} was recalled, and whoever has it was never asked"
    for who, asked in sent.items():
        if asked.state is AmendmentState.STOPPED and (who in entries or who in there):
            yield f"{who} was stopped before it left, and its recipient knows of it"
        if asked.state is AmendmentState.AGREED and there[who].state is not AmendmentState.AGREED:
            yield f"{who}: its sender believes that it was given back"


def _name(one: Amendment) -> tuple[str, str, str]:
    return one.recipient, one.sender, one.document_id


def receipts_are_kept(world: Outcome) -> Problems:
    """Every answer that was seen on the way is the one that the gateway keeps, and it verifies."""
    for kept in world.kept:
        for incoming in kept.incoming:
            seen = world.answers.get(incoming.slip.transfer)
            if seen is not None and incoming.answer != seen:
                yield f"{kept.own}: the receipt given for {incoming.slip.transfer} is not the one that is kept"
            if incoming.answer is not None and claims_of(incoming.answer, kept.own, kept) is None:
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

    def nodes(self, positions: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        return {
            (level, index): small_log.tree_root(self._hashes[index << level : index + 1 << level])
            for level, index in positions
        }

    def indexes(self, leaf_hashes: Sequence[bytes]) -> dict[bytes, int]:
        where = {digest: index for index, digest in enumerate(self._hashes)}
        return {digest: where[digest] for digest in leaf_hashes if digest in where}

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        return self._kept.leaves[first : first + count]

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        rows = list(enumerate(self._kept.openings))[after + 1 : after + 1 + limit]
        return tuple((row, one.hash, one.salt, one.private) for row, one in rows)

    def checkpoint(self) -> tuple[int, str] | None:
        return self._kept.checkpoint

    def checkpoints(self, after: int, limit: int) -> tuple[tuple[int, str], ...]:
        newest = self._kept.checkpoint
        return (newest,)[:limit] if newest is not None and newest[0] > after else ()
