"""Installation: everything one gateway keeps, checked again from outside, believing none of its states.

It reads the database (read-only), the blobs, the receipts and the log; keys it needs none. What it finds:

1. the audit log: every leaf, the tree, the openings, the checkpoint's signature (`gateway.audit.verify_log`);
2. every receipt, those our gateway holds and those it gave: signature, claims, recipients, inclusion proofs; and that the
   deliveries say the same;
3. every envelope, sent or received: bytes by digest, signature by the sender's transport key, attachments bound;
4. every PDF in them: sealed by its sender, intact, trusted; and every stored attachment: bytes by digest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.audit import LogReport, VerifierKey, verify_log
from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError
from gateway.core.ids import Digest, DocumentKey, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import InboxPage, UnitOfWork
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.model import PDF, BlobRef, Delivery, Document, IncomingTransfer, ReceiptLine, Transfer
from gateway.core.ports import Blobs, Clock, Judge, Records, Store
from gateway.core.states import DeliveryState, Evidence, MessageKind, Outcome, TransferState
from gateway.core.verdict import FileVerdict, Indication


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that does not hold."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """A receipt whose every line holds."""

    transfer: TransferKey
    kind: MessageKind
    destination: GatewayId
    lines: tuple[ReceiptLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationReport:
    """What a check of one installation found."""

    gateway: GatewayId
    log: LogReport
    documents: int
    deliveries: Mapping[DeliveryState, int]
    receipts: tuple[CheckedReceipt, ...]
    envelopes: frozenset[Digest]
    """Digests of the envelopes that were looked at."""
    seals: frozenset[Digest]
    """Certificates whose seals were found good."""
    inbox: Mapping[OrganId, int]
    """Documents that arrived, by recipient."""
    business_statuses: Mapping[str, int]
    """Statuses that arrived from recipients, by code."""
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether everything holds."""
        return not self.problems and self.log.sound


@dataclass(slots=True)
class _Findings:
    documents: int = 0
    deliveries: dict[DeliveryState, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    receipts: list[CheckedReceipt] = field(default_factory=list)
    blobs: dict[Digest, bool] = field(default_factory=dict)
    envelopes: set[Digest] = field(default_factory=set)
    seals: set[Digest] = field(default_factory=set)
    inbox: dict[OrganId, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, what: str, why: str) -> None:
        self.problems.append(Problem(what=what, why=why))


class InstallationCheck:
    """Checks one gateway's installation. Everything is handed in opened for reading."""

    def __init__(  # noqa: PLR0913 - one thing each that an installation consists of
        self,
        *,
        own: GatewayId,
        store: Store,
        blobs: Blobs,
        snapshot: Snapshot,
        records: Records,
        judge: Judge,
        clock: Clock,
    ) -> None:
        self._own = own
        self._store = store
        self._blobs = blobs
        self._snapshot = snapshot
        self._records = records
        self._judge = judge
        self._clock = clock

    async def run(self, *, on_step: Callable[[str], None] = lambda _: None) -> InstallationReport:
        """Do all four checks; what does not hold becomes a problem of the report, not an exception."""
        found = _Findings()
        on_step("audit")
        log = await self.check_log()
        on_step("receipts")
        await self._check_transfers(found)
        on_step("documents")
        await self._check_documents(found)
        on_step("incoming")
        await self._check_incoming(found)
        on_step("inbox")
        await self._check_inbox(found)
        return InstallationReport(
            gateway=self._own,
            log=log,
            documents=found.documents,
            deliveries=dict(found.deliveries),
            receipts=tuple(found.receipts),
            envelopes=frozenset(found.envelopes),
            seals=frozenset(found.seals),
            inbox=dict(found.inbox),
            business_statuses=dict(found.statuses),
            problems=tuple(found.problems),
        )

    async def check_log(self) -> LogReport:
        """The audit log alone."""
        entry = self._snapshot.gateways[self._own]
        keys = [VerifierKey.parse(key) for key in entry.log_keys]
        return await self._store.read(lambda uow: verify_log(uow.log, keys))

    async def indexes(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Where these leaves stand in this gateway's log: for holding another gateway's receipts against it."""
        return await self._store.read(lambda uow: uow.log.indexes(leaf_hashes))

    # --- receipts ----------------------------------------------------------------------------------------------------

    async def _check_transfers(self, found: _Findings) -> None:
        after: TransferKey | None = None
        while page := await self._store.read(_transfers_after(after)):
            after = page[-1].slip.transfer
            for transfer in page:
                await self._check_transfer(found, transfer)

    async def _check_transfer(self, found: _Findings, transfer: Transfer) -> None:
        name = f"transfer {transfer.slip.transfer}"
        if transfer.answer is None:
            if transfer.state is TransferState.RECEIPTED:
                found.problem(name, "receipted without a receipt")
            return
        try:
            lines = self._records.check_receipt(transfer.answer, transfer.slip, self._snapshot)
        except GatewayError as error:
            found.problem(name, str(error))
            return
        deliveries = await self._store.read(_deliveries_of(transfer))
        for delivery in deliveries:
            _compare(found, delivery, lines)
        checked = CheckedReceipt(
            transfer=transfer.slip.transfer,
            kind=transfer.slip.kind,
            destination=transfer.slip.destination,
            lines=lines,
        )
        found.receipts.append(checked)

    async def _check_incoming(self, found: _Findings) -> None:
        """The receipts we gave, and the envelopes they were given for."""
        after: TransferKey | None = None
        while page := await self._store.read(_incoming_after(after)):
            after = page[-1].slip.transfer
            for incoming in page:
                slip = incoming.slip
                if incoming.answer is not None:
                    try:
                        self._records.check_receipt(incoming.answer, slip, self._snapshot)
                    except GatewayError as error:
                        found.problem(f"receipt given for {slip.transfer}", str(error))
                if any(line.outcome is Outcome.RECEIVED for line in incoming.recipients):
                    await self._check_envelope(found, slip.envelope, slip.sender)
                else:
                    await self._check_bytes(found, slip.envelope)

    # --- documents ---------------------------------------------------------------------------------------------------

    async def _check_documents(self, found: _Findings) -> None:
        after: DocumentKey | None = None
        while page := await self._store.read(_documents_after(after)):
            after = page[-1].key
            for document in page:
                found.documents += 1
                await self._count_deliveries(found, document)
                if document.envelope is not None:
                    await self._check_envelope(found, document.envelope, document.sender)
                for attachment in document.attachments:
                    await self._check_bytes(found, attachment.blob)

    async def _count_deliveries(self, found: _Findings, document: Document) -> None:
        for delivery in await self._store.read(lambda uow: uow.documents.deliveries(document.key)):
            if document.metadata is None:
                continue  # the delivery of a status message is not a document's
            found.deliveries[delivery.state] = found.deliveries.get(delivery.state, 0) + 1
            if delivery.state is DeliveryState.DELIVERED and delivery.evidence is not Evidence.RECEIPT:
                found.problem(f"delivery {delivery.key}", "delivered without a receipt")
            if delivery.business_status is not None:
                status = delivery.business_status.value
                found.statuses[status] = found.statuses.get(status, 0) + 1

    async def _check_inbox(self, found: _Findings) -> None:
        organs = frozenset(body.organ_id for body in self._snapshot.bodies.values() if body.gateway == self._own)
        after, more = 0, True
        while more:
            page = await self._store.read(_inbox_after(organs, after))
            for entry in page.entries:
                found.inbox[entry.recipient] = found.inbox.get(entry.recipient, 0) + 1
                await self._check_envelope(found, entry.envelope, entry.sender)
                for attachment in entry.attachments:
                    await self._check_bytes(found, attachment.blob)
                after = entry.cursor
            more = page.more

    async def _check_bytes(self, found: _Findings, blob: BlobRef) -> bool:
        """Whether a blob is there and is what its digest says, looked at once however many rows name it."""
        if blob.digest in found.blobs:
            return found.blobs[blob.digest]
        try:
            await self._blobs.read(blob)
        except GatewayError as error:
            found.problem(f"blob {blob.digest}", str(error))
            found.blobs[blob.digest] = False
        else:
            found.blobs[blob.digest] = True
        return found.blobs[blob.digest]

    async def _check_envelope(self, found: _Findings, envelope: BlobRef, sender: OrganId) -> None:
        """Bytes, signature and files of one envelope, once however many rows name it."""
        if envelope.digest in found.envelopes:
            return
        found.envelopes.add(envelope.digest)
        name = f"envelope {envelope.digest}"
        body = self._snapshot.body(sender)
        if not await self._check_bytes(found, envelope):
            return
        try:
            path = self._blobs.path(envelope)
            reading = await self._judge.run(self._records.read_envelope, path, self._clock.now())
        except GatewayError as error:
            found.problem(name, str(error))
            return
        pinned = {sha256(der).digest() for der in body.transport_certificates} if body else set()
        if reading.signature is None or reading.signature.indication is not Indication.TOTAL_PASSED:
            found.problem(name, f"signature: {reading.signature.reason if reading.signature else 'none'}")
        elif reading.certificate is None or sha256(reading.certificate).digest() not in pinned:
            found.problem(name, "signed by another certificate than the registry's")
        if not reading.bound:
            found.problem(name, "an attachment is not bound by its digest")
        seals = frozenset(body.seal_certificates) if body else frozenset()
        for file in reading.files:
            _check_seal(found, file.name, file.verdict, seals)


def _compare(found: _Findings, delivery: Delivery, lines: tuple[ReceiptLine, ...]) -> None:
    """A delivery must say what the receipt says of its recipient."""
    expected = {Outcome.RECEIVED: DeliveryState.DELIVERED, Outcome.REFUSED: DeliveryState.REFUSED}
    line = next((line for line in lines if line.organ_id == delivery.recipient), None)
    if line is None or delivery.state is not expected[line.outcome]:
        found.problem(f"delivery {delivery.key}", f"{delivery.state} is not what the receipt says")


def _check_seal(found: _Findings, name: str, verdict: FileVerdict, seals: frozenset[Digest]) -> None:
    if verdict.media_type != PDF:
        return
    good = [signature for signature in verdict.signatures if signature.certificate in seals]
    if verdict.indication is not Indication.TOTAL_PASSED or not good:
        found.problem(f"file {name}", f"seal: {verdict.reason or verdict.indication}")
        return
    found.seals.update(signature.certificate for signature in good if signature.certificate)


def _transfers_after(after: TransferKey | None) -> Callable[[UnitOfWork], tuple[Transfer, ...]]:
    return lambda uow: uow.transfers.page(after, PAGE_ROWS_MAX)


def _incoming_after(after: TransferKey | None) -> Callable[[UnitOfWork], tuple[IncomingTransfer, ...]]:
    return lambda uow: uow.transfers.incoming_page(after, PAGE_ROWS_MAX)


def _documents_after(after: DocumentKey | None) -> Callable[[UnitOfWork], tuple[Document, ...]]:
    return lambda uow: uow.documents.page(after, PAGE_ROWS_MAX)


def _deliveries_of(transfer: Transfer) -> Callable[[UnitOfWork], tuple[Delivery, ...]]:
    return lambda uow: uow.documents.deliveries(transfer.document, transfer.slip.transfer)


def _inbox_after(organs: frozenset[OrganId], after: int) -> Callable[[UnitOfWork], InboxPage]:
    return lambda uow: uow.inbox.page(organs, after, PAGE_ROWS_MAX)
