"""The port `Transport` without sockets, the desk it hands transfers to, and the nouns that both need."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from gateway.core.carrying import Answered, CarryResult, Indeterminate, TellResult, Told, Unknown, Unreachable
from gateway.core.directory import GatewayEntry, Snapshot
from gateway.core.errors import Conflict, GatewayError, PeerError, SiteError
from gateway.core.ids import Digest, DocumentKey, GatewayId, OrganId, TransferKey
from gateway.core.model import BlobRef, SlipRecipient, Transfer, TransferSlip
from gateway.core.ports import Blobs
from gateway.core.states import MessageKind, TransferState
from gateway.exchange.reception_contract import ReceiptForm, ReceptionDesk
from gateway.peer.outcome import Reply, conclude_carry, conclude_inquiry, conclude_notice
from gateway.peer.wire import PROBLEM_TYPE
from tests.kit.blobs import streamed

PARTY = GatewayId("dang.gateway.example")
GOVERNMENT = GatewayId("cq.gateway.example")
SENDER = OrganId("Z79.A01")
MOMENT = datetime(2026, 11, 21, 13, 5, 9, 120_000, tzinfo=UTC)


def make_slip(envelope: bytes, *, number: int = 1, recipients: int = 2) -> TransferSlip:
    """A slip from the Party gateway to the Government gateway."""
    return TransferSlip(
        transfer=TransferKey(f"019a6f00-0000-7000-8000-{number:012x}"),
        origin=PARTY,
        destination=GOVERNMENT,
        kind=MessageKind.DOCUMENT,
        sender=SENDER,
        document_id=f"{SENDER},2026/11/21,{number}/QĐ-TU",
        envelope=BlobRef(digest=Digest(hashlib.sha256(envelope).hexdigest()), size=len(envelope)),
        registry_epoch=7,
        sent_at=MOMENT,
        recipients=tuple(
            SlipRecipient(organ_id=OrganId(f"Z79.B{index:03}"), sequence=number) for index in range(recipients)
        ),
    )


def make_transfer(slip: TransferSlip) -> Transfer:
    """An outgoing transfer that is just being sent."""
    return Transfer(
        slip=slip,
        document=DocumentKey("019a6f00-0000-7000-9000-000000000001"),
        state=TransferState.SENDING,
        reason="",
        attempts=1,
        answer=None,
        deadline=MOMENT,
        changed_at=MOMENT,
    )


def make_snapshot(gateways: Mapping[GatewayId, tuple[str, tuple[Digest, ...]]], *, epoch: int = 7) -> Snapshot:
    """A registry edition with those gateways (url, TLS pins) and no bodies."""
    return Snapshot(
        epoch=epoch,
        digest=Digest(f"{epoch:064x}"),
        issued_at=MOMENT,
        bodies=MappingProxyType({}),
        gateways=MappingProxyType(
            {
                name: GatewayEntry(gateway=name, name=name, url=url, tls_keys=pins, receipt_keys=(), log_keys=())
                for name, (url, pins) in gateways.items()
            }
        ),
    )


@dataclass
class LiveDirectory:
    """The port `Directory` over an edition that a test may replace."""

    snapshot: Snapshot

    def current(self) -> Snapshot:
        return self.snapshot


@dataclass
class RecordingDesk:
    """A reception desk that remembers, answers byte-stably and does what a test tells it to."""

    blobs: Blobs
    refusals: list[GatewayError] = field(default_factory=list)
    """Raised one by one, before anything is stored."""
    before_read: Callable[[], None] = lambda: None
    """Called when a slip was admitted and its envelope has not been read yet."""
    after_store: Callable[[], None] = lambda: None
    """Called when a transfer is stored and its answer has not left yet."""
    admitted: list[TransferKey] = field(default_factory=list)
    received: dict[TransferKey, tuple[GatewayId, TransferSlip, bytes]] = field(default_factory=dict)
    answers: dict[TransferKey, bytes] = field(default_factory=dict)
    notices: list[tuple[GatewayId, bytes]] = field(default_factory=list)
    forms: list[ReceiptForm] = field(default_factory=list)
    """What each question said that its asker reads."""

    async def admit(self, origin: GatewayId, slip: TransferSlip) -> None:
        self.admitted.append(slip.transfer)
        if slip.origin != origin or slip.sender != SENDER:
            raise PeerError("peer.foreign_sender", organ=slip.sender)
        self.before_read()

    async def receive(
        self, origin: GatewayId, slip: TransferSlip, envelope: BlobRef, *, form: ReceiptForm = ReceiptForm.FIRST
    ) -> bytes:
        self.forms.append(form)
        if self.refusals:
            raise self.refusals.pop(0)
        entry = (origin, slip, await self.blobs.read(envelope))
        if self.received.setdefault(slip.transfer, entry) != entry:
            raise Conflict("transfer.conflict")
        answer = f"eyJhbGciOiJFUzI1NiJ9.{slip.transfer.replace('-', '')}.{len(self.received)}"
        kept = self.answers.setdefault(slip.transfer, answer.encode())
        self.after_store()
        return kept

    async def answer_of(
        self, origin: GatewayId, transfer: TransferKey, *, form: ReceiptForm = ReceiptForm.FIRST
    ) -> bytes | None:
        self.forms.append(form)
        entry = self.received.get(transfer)
        return self.answers[transfer] if entry is not None and entry[0] == origin else None

    async def pass_over(self, origin: GatewayId, notice: bytes) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.notices.append((origin, notice))


@dataclass
class MemoryTransport:
    """Hands transfers straight to the desks of their destinations; the weather is up to the test."""

    desks: Mapping[GatewayId, tuple[ReceptionDesk, Blobs]]
    down: bool = False
    answer_lost: bool = False
    """The next answer gets lost after the peer stored the transfer."""

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        slip = transfer.slip
        data = envelope.read_bytes() if envelope.exists() else b""
        if hashlib.sha256(data).hexdigest() != slip.envelope.digest:
            raise SiteError("blob.damaged", digest=slip.envelope.digest)
        if self.down or slip.destination not in self.desks:
            return Unreachable("down")
        desk, blobs = self.desks[slip.destination]
        try:
            await desk.admit(slip.origin, slip)
            receipt = await desk.receive(slip.origin, slip, await streamed(blobs, _once(data), limit=len(data)))
        except GatewayError as error:
            return conclude_carry(_problem(error))
        if self.answer_lost:
            self.answer_lost = False
            return Indeterminate("answer lost")
        return Answered(receipt)

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        slip = transfer.slip
        if self.down or slip.destination not in self.desks:
            return Unreachable("down")
        try:
            answer = await self.desks[slip.destination][0].answer_of(slip.origin, slip.transfer)
        except GatewayError as error:
            return conclude_inquiry(_problem(error))
        return Answered(answer) if answer is not None else Unknown()

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        if self.down or destination not in self.desks:
            return Unreachable("down")
        try:
            await self.desks[destination][0].pass_over(PARTY, notice)
        except GatewayError as error:
            return conclude_notice(_problem(error))
        return Told()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _problem(error: GatewayError) -> Reply:
    return Reply(
        status=error.facts.status,
        media_type=PROBLEM_TYPE,
        retry_after="5" if error.facts.status == 503 else "",
        body=json.dumps({"code": error.code}).encode(),
    )


def renamed(transfer: Transfer, destination: GatewayId) -> Transfer:
    """The same transfer to another gateway."""
    return replace(transfer, slip=replace(transfer.slip, destination=destination))
