"""Installation: everything one gateway keeps, checked again from outside, believing none of its states.

It reads the database (read-only), the blobs, the receipts and the log; keys it needs none. What it finds:

1. the audit log: every leaf, the tree, the openings, the checkpoint's signature (`gateway.audit.verify_log`);
2. every receipt, those our gateway holds and those it gave: signature, claims, recipients, inclusion proofs; and that the
   deliveries and the stored lines say the same;
3. every row of a document, delivery, transfer and inbox entry: that it is what the log tells of it (`reconcile`);
4. every envelope, sent or received: bytes by digest, signature by the sender's transport key, attachments bound, and the
   rows saying what it says; every word of a receiving body (status, reason, time) that rows keep stands in one of them;
5. every PDF in them: sealed by its sender, intact, trusted; and every stored attachment: bytes by digest;
6. every leaf of the log: that the row it happened to is still there.

The service may run meanwhile: a row, its company and its story are read in one snapshot, and leaves that were appended
after the log was checked are not counted. In memory are one page of rows, the story of one document, a few digests of each
envelope, and what the report itself names (the lines of the receipts).

What no leaf and no signature speaks of cannot be checked: attempts, deadlines and other passing states of a transfer;
whether a receipt was already given for a transfer whose answer is gone (it is then made again from its leaves); work
items, back-off, cursors and the next number of a stream; the change feed (an index that says nothing of its own); API keys
(those are the configuration's, written anew at each start); and the reason texts of what was refused. Nor is a receipt looked
at that a restored peer gave for the second time: the first one counts (`resend.answered` has the digest of the other).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.audit import AuditError, LogReport, VerifierKey, verify_checkpoint, verify_log
from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.events import EventKind
from gateway.core.ids import DocumentKey, GatewayId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Document, IncomingTransfer
from gateway.core.ports import Blobs, Clock, Judge, Records, Store
from gateway.core.states import BusinessStatus, DocumentState, MessageKind, Outcome
from gateway.evidence.company import Sent, read_sent
from gateway.evidence.envelopes import (
    EnvelopeCheck,
    delivery_word,
    document_said,
    entry_said,
    entry_word,
    said_problems,
    slip_said,
    word_of,
)
from gateway.evidence.findings import Findings
from gateway.evidence.incoming import answer_problems, entry_problems, incoming_problems
from gateway.evidence.outgoing import (
    company_problems,
    delivery_problems,
    document_problems,
    line_problems,
    notice_problems,
    receipted_problems,
)
from gateway.evidence.owed import owed_problems
from gateway.evidence.reconcile import count_problems, registry_problems
from gateway.evidence.report import CheckedReceipt, InstallationReport
from gateway.evidence.snapshots import (
    Carried,
    arrived_by,
    carried_in,
    closed_logs,
    documents_after,
    inbox_after,
    incoming_after,
    transfers_after,
)
from gateway.evidence.story import OpenedEvent, read_story

_PASSED: Final = frozenset({DocumentState.SEALED, DocumentState.WRAPPED, DocumentState.ROUTED})
"""States of documents that were judged and found good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one run gathers."""

    found: Findings
    envelopes: EnvelopeCheck
    receipts: list[CheckedReceipt] = field(default_factory=list)


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
        remembered: Sequence[str] = (),
    ) -> None:
        """`remembered`: checkpoints known from elsewhere (the signer's memory, an officer's last visit), as notes."""
        self._own = own
        self._store = store
        self._blobs = blobs
        self._snapshot = snapshot
        self._records = records
        self._judge = judge
        self._clock = clock
        self._remembered = tuple(remembered)

    async def run(self, *, on_step: Callable[[str], None] = lambda _: None) -> InstallationReport:
        """Do all checks; what does not hold becomes a problem of the report, not an exception.

        Steps are `audit`, `receipts`, `documents`, `incoming`, `inbox` and `counts`, told in this order.

        Raises:
            GatewayError: the log itself cannot be read.
        """
        on_step("audit")
        log = await self.check_log()
        found = Findings(leaves=log.leaves)
        if log.leaves and log.checkpoint is None:
            found.problem("audit log", "no checkpoint is published: nobody vouches for the leaves")
        run = _Run(found=found, envelopes=self._envelopes(found))
        for step, work in (
            ("receipts", self._check_transfers),
            ("documents", self._check_documents),
            ("incoming", self._check_incoming),
            ("inbox", self._check_inbox),
            ("counts", self._check_registry),
        ):
            on_step(step)
            try:
                await work(run)
            except GatewayError as error:  # a row that does not read back: what follows it in this table is not seen
                found.problem(step, f"cannot be read on: {error}")
        found.note(count_problems(log.events, found.events))
        return self._report(log, run)

    async def check_log(self) -> LogReport:
        """The audit log alone: it must have grown out of everything that is remembered of it."""
        entry = self._snapshot.gateways[self._own]
        keys = [VerifierKey.parse(key) for key in entry.log_keys]
        try:
            known = [verify_checkpoint(note, entry.log_keys) for note in self._remembered]
        except AuditError as error:
            raise SiteError("audit.inconsistent", reason=f"what is remembered: {error}") from error
        return await self._store.read(lambda uow: verify_log(uow.log, keys, known=known, closed=closed_logs(uow, keys)))

    async def indexes(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Where these leaves stand in this gateway's log: for holding another gateway's receipts against it."""
        return await self._store.read(lambda uow: uow.log.indexes(leaf_hashes))

    async def came_again(self, transfer: TransferKey, indexes: Sequence[int]) -> bool:
        """Whether leaves at these indexes were lost by a restore of this gateway, and their transfer came again."""

        def look(uow: UnitOfWork) -> bool:
            kept = min((one.kept for one in uow.resyncs.reopenings()), default=None)
            return kept is not None and min(indexes) >= kept and not uow.resyncs.unknown([transfer])

        return await self._store.read(look)

    def _envelopes(self, found: Findings) -> EnvelopeCheck:
        return EnvelopeCheck(
            blobs=self._blobs, snapshot=self._snapshot, records=self._records, judge=self._judge, found=found
        )

    def _report(self, log: LogReport, run: _Run) -> InstallationReport:
        found = run.found
        return InstallationReport(
            gateway=self._own,
            log=log,
            documents=found.documents,
            deliveries=dict(found.deliveries),
            receipts=tuple(run.receipts),
            envelopes=run.envelopes.seen,
            seals=frozenset(found.seals),
            inbox=dict(found.inbox),
            business_statuses=dict(found.statuses),
            problems=found.all_problems(),
        )

    # --- receipts ----------------------------------------------------------------------------------------------------

    async def _check_transfers(self, run: _Run) -> None:
        """The receipts our gateway holds. What a transfer's row owes its document is asked with the document."""
        after: TransferKey | None = None
        while page := await self._store.read(transfers_after(after)):
            after = page[-1].slip.transfer
            for transfer in page:
                self._check_transfer(run, await self._store.read(carried_in(transfer)))

    def _check_transfer(self, run: _Run, carried: Carried) -> None:
        transfer = carried.transfer
        name = f"transfer {transfer.slip.transfer}"
        if not carried.has_document:
            run.found.problem(name, f"its document {transfer.document} is not there")
        if transfer.slip.origin != self._own:
            run.found.problem(name, f"it is not from here but from {transfer.slip.origin}")
        run.found.note(receipted_problems(transfer))
        if transfer.answer is None:
            return
        try:
            lines = self._records.check_receipt(transfer.answer, transfer.slip, self._snapshot)
        except GatewayError as error:
            run.found.problem(name, str(error))
            return
        run.found.note(line_problems(carried.deliveries, lines))
        checked = CheckedReceipt(
            transfer=transfer.slip.transfer,
            kind=transfer.slip.kind,
            destination=transfer.slip.destination,
            lines=lines,
        )
        run.receipts.append(checked)

    # --- documents ---------------------------------------------------------------------------------------------------

    async def _check_documents(self, run: _Run) -> None:
        after: DocumentKey | None = None
        while page := await self._store.read(documents_after(after)):
            after = page[-1].key
            for document in page:
                sent = await self._store.read(read_sent(document))
                run.found.met(sent.story)
                _reconcile(run.found, sent)
                self._check_order(run, sent)
                await self._check_files(run, sent.document)
                for copy in (one.archive for one in sent.owed if one.archive is not None):
                    await run.envelopes.check_bytes(copy)

    def _check_order(self, run: _Run, sent: Sent) -> None:
        """What has no envelope yet, and is as it was handed in, is the order that was accepted."""
        document = sent.document
        sealed = any(event.kind == EventKind.SEALED for event in sent.story.events)
        if document.metadata is None or document.envelope is not None or sealed:
            return
        if self._records.request_digest(document.metadata, document.attachments) != document.request_digest:
            run.found.problem(f"document {document.key}", "its metadata or files are not those that were handed in")

    async def _check_files(self, run: _Run, document: Document) -> None:
        if document.envelope is not None and document.ready_made and document.state not in _PASSED:
            # What an office handed in may be anything until it was judged: it only has to be there.
            await run.envelopes.check_bytes(document.envelope)
        elif document.envelope is not None:
            said = await run.envelopes.check(document.envelope, document.sender, self._clock.now())
            run.found.note(said_problems(f"document {document.key}", document_said(document), said))
        if document.status is not None:
            run.found.words_sent.add(word_of(document_said(document)))
        for attachment in document.attachments:
            await run.envelopes.check_bytes(attachment.blob)

    # --- what reached us ---------------------------------------------------------------------------------------------

    async def _check_incoming(self, run: _Run) -> None:
        """The receipts we gave, and the envelopes they were given for."""
        after: TransferKey | None = None
        while page := await self._store.read(incoming_after(after)):
            after = page[-1].slip.transfer
            for incoming in page:
                story, arrived = await self._store.read(arrived_by(incoming))
                run.found.met(story)
                run.found.note(incoming_problems(incoming, story, arrived))
                self._check_answer(run, incoming)
                await self._check_received(run, incoming)

    def _check_answer(self, run: _Run, incoming: IncomingTransfer) -> None:
        if incoming.answer is None:
            return
        try:
            lines = self._records.check_receipt(incoming.answer, incoming.slip, self._snapshot)
        except GatewayError as error:
            run.found.problem(f"receipt given for {incoming.slip.transfer}", str(error))
        else:
            run.found.note(answer_problems(incoming, lines))

    async def _check_received(self, run: _Run, incoming: IncomingTransfer) -> None:
        """What was refused may be anything, and only has to be there; what was received is what it was received as."""
        slip = incoming.slip
        if any(line.outcome is Outcome.RECEIVED for line in incoming.recipients):
            said = await run.envelopes.check(slip.envelope, slip.sender, self._clock.now())
            what = f"incoming transfer {slip.transfer}"
            run.found.note(said_problems(what, slip_said(slip), said))
            if said is not None and slip.kind is MessageKind.STATUS:
                run.found.words_received.add(word_of(said))
        else:
            await run.envelopes.check_bytes(slip.envelope)

    async def _check_inbox(self, run: _Run) -> None:
        organs = frozenset(body.organ_id for body in self._snapshot.bodies.values() if body.gateway == self._own)
        after, more = 0, True
        while more:
            page, origins = await self._store.read(inbox_after(organs, after))
            for entry in page.entries:
                run.found.inbox[entry.recipient] += 1
                incoming, story = origins[entry.transfer]
                run.found.note(entry_problems(entry, incoming, story))
                if _is_settled(story.of(entry.key), run.found) and entry.business_status is not BusinessStatus.ARRIVED:
                    _check_word(run.found, entry_word(entry), run.found.words_sent, f"inbox entry {entry.key}")
                said = await run.envelopes.check(entry.envelope, entry.sender, self._clock.now())
                run.found.note(said_problems(f"inbox entry {entry.key}", entry_said(entry), said))
                for attachment in entry.attachments:
                    await run.envelopes.check_bytes(attachment.blob)
                after = entry.cursor
            more = page.more

    async def _check_registry(self, run: _Run) -> None:
        activations, story = await self._store.read(
            lambda uow: (uow.directory.history(), read_story(uow.log, self._own))
        )
        run.found.met(story)
        run.found.note(registry_problems(self._own, activations, story))
        for word, what in run.found.words_kept.items():
            _check_word(run.found, word, run.found.words_received, what)


def _is_settled(events: Sequence[OpenedEvent], found: Findings) -> bool:
    """Whether the newest event was in the log that was checked: only then was what belongs to it surely walked past."""
    return bool(events) and events[-1].index < found.leaves


def _check_word(found: Findings, word: bytes, known: set[bytes], what: str) -> None:
    if word not in known:
        found.problem(what, "no status message says so, in these words and at that time")


def _reconcile(found: Findings, sent: Sent) -> None:
    document = sent.document
    found.documents += 1
    found.note(document_problems(document, sent.story))
    others = frozenset(one.key for one in sent.owed)
    transfers = tuple(sent.transfers.values())
    found.note(company_problems(document, sent.deliveries, transfers, sent.story, others=others))
    for one in sent.owed:
        found.note(owed_problems(one, document, sent.story))
    for delivery in sent.deliveries:
        transfer = sent.transfers.get(delivery.transfer) if delivery.transfer else None
        found.note(delivery_problems(delivery, document, transfer, sent.story))
        undelivered = sent.undelivered.get(delivery.transfer) if delivery.transfer else None
        found.note(notice_problems(delivery, undelivered, sent.story))
        if document.metadata is None:
            continue  # the delivery of a status message is not a document's
        found.deliveries[delivery.state] += 1
        if delivery.business_status is not None:
            found.statuses[delivery.business_status.value] += 1
            found.words_kept[delivery_word(delivery, document)] = f"delivery {delivery.key}"
