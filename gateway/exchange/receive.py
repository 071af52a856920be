"""Receive: do every duty, store, log, checkpoint, and only then answer: once, and always with the same bytes.

The first transaction stores the transfer with its outcomes, the inbox entries and their leaves. The second stores the
receipt, made after the checkpoint. Power may fail before the first: nothing happened and the peer repeats. Between the
two: the repeat finds the transfer and finishes the answer from the stored claims and salts. After the second: the repeat
gets the stored bytes. `docs/PROTOCOL.md` is the contract with the peer, `gateway.exchange.duties` the list of duties.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.events import NOBODY, AuditEvent, EventKind, Leaf
from gateway.core.ids import EntryKey, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import SCANNER_REST_SECONDS, TRANSFER_SECONDS_MAX
from gateway.core.message import DocumentMessage, StatusMessage
from gateway.core.model import (
    Attachment,
    BlobRef,
    InboxEntry,
    IncomingRecipient,
    IncomingTransfer,
    SlipRecipient,
    TransferSlip,
)
from gateway.core.order import Place
from gateway.core.ports import BlobLease, Checkpoints, Signer
from gateway.core.sizes import patience
from gateway.core.states import BusinessStatus, MessageKind, Outcome
from gateway.core.verdict import EnvelopeReading
from gateway.exchange import receipts
from gateway.exchange.amending import entries_arrived
from gateway.exchange.came_again import admit_transfer, note_again
from gateway.exchange.desk import Desk
from gateway.exchange.duties import addressed, is_hosted, refuse_envelope, refuse_recipient, whole_refusal
from gateway.exchange.fates import Fate
from gateway.exchange.files import keep_files
from gateway.exchange.findings import as_registered
from gateway.exchange.gaps import read_notice
from gateway.exchange.judging import read_envelope_file
from gateway.exchange.newcomers import Newcomers, same_or_conflict
from gateway.exchange.ordering import Arrivals, Arrived, mark_late, pass_over
from gateway.exchange.reception_contract import ReceiptForm
from gateway.exchange.roads import Roads
from gateway.exchange.scanning import AWAY, InfectedError, Infection, Whose, quarantine, scan_files
from gateway.exchange.statuses import apply_status
from gateway.observe import logger

_log = logger(__name__)

ALARM_SECONDS: Final = 3600.0
ALARMS_PER_ORIGIN_MAX: Final = 50
"""Bodies remembered for each gateway, and so leaves that one can force upon us in an hour; per gateway, so that no noisy
one silences the alarms about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A judged envelope with its files made durable: everything the unit of work needs."""

    slip: TransferSlip
    envelope: BlobRef
    reading: EnvelopeReading | None
    """None when the envelope could not be read."""
    refusal: str
    """Code for the whole envelope, or empty."""
    attachments: tuple[Attachment, ...]
    infected: tuple[Infection, ...] = ()
    addressed: frozenset[OrganId] = frozenset()
    """Whom the signed header names."""


class Reception:
    """The reception desk, for the peer door and for `local` deliveries alike."""

    def __init__(self, *, desk: Desk, checkpoints: Checkpoints, receipt_signer: Signer, roads: Roads) -> None:
        self._desk = desk
        self._roads = roads
        self._checkpoints = checkpoints
        self._signer = receipt_signer
        self._scanner_rests_until: float | None = None
        self._alarms: dict[tuple[GatewayId, OrganId], float] = {}
        self._newcomers = Newcomers()

    async def admit(self, origin: GatewayId, slip: TransferSlip) -> None:
        """See `ReceptionDesk.admit`."""
        desk = self._desk
        await self._roads.heard(origin)
        known = await desk.store.read(lambda uow: uow.transfers.incoming(slip.transfer))
        if known is not None:
            same_or_conflict(known, origin, slip)
            return
        try:
            await admit_transfer(origin, slip, desk.directory.current(), desk=desk)
        except GatewayError as error:
            # also where our registry may be the older one: who claims a newer edition must not escape the alarm
            if error.code in {"peer.foreign_sender", "registry.behind"}:
                await self._alarm(origin, slip)
            raise
        rests_until = self._scanner_rests_until
        if slip.kind is MessageKind.DOCUMENT and rests_until is not None and desk.clock.monotonic() < rests_until:
            raise SiteError(AWAY)
        self._newcomers.note(slip.transfer)

    async def receive(
        self, origin: GatewayId, slip: TransferSlip, envelope: BlobRef, *, form: ReceiptForm = ReceiptForm.FIRST
    ) -> bytes:
        """See `ReceptionDesk.receive`."""
        desk = self._desk
        is_new = self._newcomers.take(slip.transfer)
        incoming = None if is_new else await desk.store.read(lambda uow: uow.transfers.incoming(slip.transfer))
        if incoming is None:
            snapshot = desk.directory.current()
            await admit_transfer(origin, slip, snapshot, desk=desk)
            with desk.blobs.lease() as lease:
                arrival = await self._judge(slip, envelope, snapshot, lease)
                incoming = await desk.store.transact(lambda uow: self._store(uow, arrival, snapshot))
            refused = sum(line.outcome is Outcome.REFUSED for line in incoming.recipients)
            _log.info(
                "transfer.received",
                transfer=slip.transfer,
                peer=origin,
                recipients=len(incoming.recipients),
                refused=refused,
                code=arrival.refusal or None,
            )
        same_or_conflict(incoming, origin, slip)
        return incoming.answer or await self._answer(incoming, form)

    async def answer_of(
        self, origin: GatewayId, transfer: TransferKey, *, form: ReceiptForm = ReceiptForm.FIRST
    ) -> bytes | None:
        """See `ReceptionDesk.answer_of`."""
        await self._roads.heard(origin)
        incoming = await self._desk.store.read(lambda uow: uow.transfers.incoming(transfer))
        if incoming is None or incoming.slip.origin != origin:
            return None
        return incoming.answer or await self._answer(incoming, form)

    async def pass_over(self, origin: GatewayId, notice: bytes) -> None:
        """See `ReceptionDesk.pass_over`."""
        desk = self._desk
        said = read_notice(notice, origin=origin, own=desk.own, snapshot=desk.directory.current())
        passed = await desk.store.transact(lambda uow: pass_over(uow, said, desk))
        _log.info("gaps.noticed", transfer=said.transfer, peer=origin, gaps=len(said.gaps), passed=passed)

    async def _alarm(self, origin: GatewayId, slip: TransferSlip) -> None:
        """A leaf for the security officer (security.md 10); bounded, so that nobody fills our log by repeating himself."""
        now = self._desk.clock.monotonic()
        pair = (origin, slip.sender)
        known = {key: at for key, at in self._alarms.items() if now - at < ALARM_SECONDS}
        if pair in known or sum(origin == of for of, _ in known) >= ALARMS_PER_ORIGIN_MAX:
            return
        self._alarms = {**known, pair: now}
        event = AuditEvent(
            kind=EventKind.FOREIGN_SENDER,
            at=self._desk.clock.now(),
            subject=slip.transfer,
            document=slip.transfer,
            private={"origin": origin, "from": slip.sender, "transfer": slip.transfer},
        )
        _log.warning("peer.foreign_sender", peer=origin, transfer=slip.transfer)
        try:
            await self._desk.store.transact(lambda uow: self._desk.journal.record(uow, event))
        except (GatewayError, asyncio.CancelledError):
            self._alarms.pop(pair, None)  # what was not written is not remembered: the next attempt writes it
            raise

    # --- judging, before any transaction -----------------------------------------------------------------------------

    async def _judge(self, slip: TransferSlip, envelope: BlobRef, snapshot: Snapshot, lease: BlobLease) -> _Arrival:
        desk = self._desk
        path = desk.blobs.path(envelope)
        try:
            # Who asked waits no longer than that: it asks again, and its turn among the files is not spent on nobody.
            async with asyncio.timeout(patience(TRANSFER_SECONDS_MAX, envelope.size)):
                judge, trust, now = desk.judge.on_behalf(slip.origin), desk.trust.current(), desk.clock.now()
                reading = await judge.run(read_envelope_file, path, trust=trust, moment=now, sizes=desk.sizes)
        except TimeoutError as error:
            raise SiteError("worker.busy") from error
        except GatewayError as error:
            refusal = whole_refusal(error)
            return _Arrival(slip=slip, envelope=envelope, reading=None, refusal=refusal, attachments=())
        refusal = refuse_envelope(reading, slip, snapshot)
        if isinstance(reading.message, DocumentMessage):
            reading = replace(reading, message=as_registered(reading.message, snapshot))
        attachments = () if refusal else await keep_files(reading.files, path, lease, sizes=desk.sizes)
        infected: tuple[Infection, ...] = ()
        try:
            await scan_files(desk, attachments)
        except InfectedError as error:  # the envelope is kept, as every one that was refused; the bare files are not
            refusal, attachments, infected = error.code, (), error.found
        except SiteError as error:
            if error.code == AWAY:
                self._scanner_rests_until = desk.clock.monotonic() + SCANNER_REST_SECONDS
            raise
        return _Arrival(
            slip=slip,
            envelope=envelope,
            reading=reading,
            refusal=refusal,
            attachments=attachments,
            infected=infected,
            addressed=addressed(reading),
        )

    # --- the unit of work --------------------------------------------------------------------------------------------

    def _store(self, uow: UnitOfWork, arrival: _Arrival, snapshot: Snapshot) -> IncomingTransfer:
        """Outcomes, inbox entries, leaves, effects: one transaction. A twin that was faster is found and left alone."""
        if twin := uow.transfers.incoming(arrival.slip.transfer):
            return twin
        slip = arrival.slip
        known = uow.inbox.seen(slip.sender, slip.document_id) if slip.kind is MessageKind.DOCUMENT else None
        if known and known[0] != slip.envelope.digest and not arrival.refusal:
            arrival = replace(arrival, refusal="conflict.document_id")
        arrived_before = known[1] if known else frozenset[OrganId]()
        ours = [line.organ_id for line in slip.recipients if is_hosted(line.organ_id, self._desk.own, snapshot)]
        arrivals = Arrivals.look(uow, slip.sender, ours, self._desk)
        lines: list[IncomingRecipient] = []
        settled: dict[OrganId, tuple[Place, Arrived]] = {}
        for recipient in slip.recipients:
            code = arrival.refusal or self._refuse(uow, arrival, recipient.organ_id, snapshot)
            is_new = recipient.organ_id not in arrived_before and isinstance(_message(arrival), DocumentMessage)
            place = arrivals.place(uow, recipient.organ_id, recipient.sequence)
            fate = Fate(key=EntryKey(self._desk.new_key()), code=code, enters=is_new and not code, place=place)
            line, leaf = self._line(uow, arrival, recipient, fate)
            lines.append(line)
            entry = self._entry(arrival, recipient, fate.key, leaf) if fate.enters else None
            if recipient.organ_id in arrivals.streams:
                settled[recipient.organ_id] = (place, Arrived(number=recipient.sequence, entry=entry))
        incoming = IncomingTransfer(slip=slip, received_at=self._desk.clock.now(), recipients=tuple(lines), answer=None)
        uow.transfers.receive(incoming)
        note_again(uow, slip, incoming.received_at, self._desk)
        self._enter(uow, settled)
        arrivals.settle(uow, settled)
        whose = Whose(
            history=slip.transfer,
            sender=slip.sender,
            document_id=slip.document_id,
            envelope=slip.envelope.digest,
        )
        quarantine(uow, arrival.infected, whose, incoming.received_at, self._desk)
        return incoming

    def _enter(self, uow: UnitOfWork, settled: Mapping[OrganId, tuple[Place, Arrived]]) -> None:
        """Store the entries: in their inboxes, or staged until all smaller numbers of their streams are settled."""
        placed = [(place, one.entry) for place, one in settled.values() if one.entry is not None]
        entries = [
            mark_late(uow, entry, self._desk) if place is Place.LATE else entry
            for place, entry in placed
            if place is not Place.EARLY
        ]
        uow.inbox.add(entries, staged=[entry for place, entry in placed if place is Place.EARLY])
        entries_arrived(uow, entries, self._desk)

    def _refuse(self, uow: UnitOfWork, arrival: _Arrival, recipient: OrganId, snapshot: Snapshot) -> str:
        assert arrival.reading is not None, "an unreadable envelope is refused as a whole"
        code = refuse_recipient(arrival.addressed, recipient, arrival.slip, own=self._desk.own, snapshot=snapshot)
        message = arrival.reading.message
        if not code and isinstance(message, StatusMessage):
            return apply_status(uow, message, desk=self._desk)
        return code

    def _line(
        self, uow: UnitOfWork, arrival: _Arrival, recipient: SlipRecipient, fate: Fate
    ) -> tuple[IncomingRecipient, Leaf]:
        code = fate.code
        outcome = Outcome.REFUSED if code else Outcome.RECEIVED
        leaf = self._desk.journal.leaf(
            AuditEvent(
                kind=receipts.EVENT_OF[outcome],
                at=self._desk.clock.now(),
                subject=fate.key,
                document=arrival.slip.transfer,
                sequence=recipient.sequence,
                recipient=recipient.organ_id,
                organ=recipient.organ_id if fate.enters and fate.place is not Place.EARLY else NOBODY,
                private=receipts.private_part(arrival.slip, recipient.organ_id, outcome, code),
            )
        )
        uow.log.append(leaf)
        line = IncomingRecipient(
            organ_id=recipient.organ_id,
            sequence=recipient.sequence,
            outcome=outcome,
            code=code,
            leaf=leaf.data,
            salt=leaf.salt,
        )
        return line, leaf

    def _entry(self, arrival: _Arrival, recipient: SlipRecipient, key: EntryKey, leaf: Leaf) -> InboxEntry:
        reading = arrival.reading
        assert reading is not None
        assert isinstance(reading.message, DocumentMessage)
        verdicts = tuple(str(file.verdict.indication or "") for file in reading.files)
        return InboxEntry(
            key=key,
            cursor=0,
            recipient=recipient.organ_id,
            sender=arrival.slip.sender,
            document_id=arrival.slip.document_id,
            transfer=arrival.slip.transfer,
            message=reading.message,
            envelope=arrival.envelope,
            attachments=arrival.attachments,
            verdicts=verdicts,
            sequence=recipient.sequence,
            business_status=BusinessStatus.ARRIVED,
            business_description="",
            received_at=leaf.event.at,
            changed_at=leaf.event.at,
            last_leaf=leaf.hash.hex(),
        )

    # --- the answer --------------------------------------------------------------------------------------------------

    async def _answer(self, incoming: IncomingTransfer, form: ReceiptForm) -> bytes:
        """The receipt against a checkpoint that covers every leaf; the first one stored is the one that counts."""
        published, proofs = await self._checkpoints.proving(receipts.leaf_hashes(incoming.recipients))
        # A clock that was set back in between must not make us sign before we received.
        signed_at = None if form is ReceiptForm.FIRST else max(self._desk.clock.now(), incoming.received_at)
        receipt = await receipts.write(incoming, proofs, published.note, self._signer, signed_at=signed_at)
        return await self._desk.store.transact(lambda uow: uow.transfers.answer(incoming.slip.transfer, receipt))


def _message(arrival: _Arrival) -> DocumentMessage | StatusMessage | None:
    return arrival.reading.message if arrival.reading else None
