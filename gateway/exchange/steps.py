"""Who does it: the steps of an outgoing document, each with its new state, its audit leaf and what comes next.

    accepted ──judge and seal──> sealed ──wrap──> wrapped ──route──> routed ──> one transfer per destination
        └──────────────── refused (the sender's fault) or held (not decided) ────────────────┘

A step first does its slow part (judge, seal, sign, write blobs) without any transaction; repeating that is harmless.
Then one unit of work writes the outcome, compare-and-set on the state it started from, guarded by the claim's fence.
Power may fail at any point: the row still has its old state and its work item, and the step is simply done again.

A step whose slow part leaves nothing behind that is dear to make again does not wait for the disk by itself: a document in
which nothing was sealed here is judged, wrapped and routed in one unit, arrow by arrow, each with its leaf and its moment.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.core.errors import CATALOGUE, GatewayError, SenderError, SiteError, Turn
from gateway.core.events import EventKind
from gateway.core.ids import Digest, DocumentKey, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import LEASE_SECONDS, REASON_CHARS_MAX
from gateway.core.model import PDF, Attachment, Document, OwnSeal
from gateway.core.ports import BlobLease
from gateway.core.sealed import SealedFile
from gateway.core.states import DocumentState, MessageKind, advance, is_final
from gateway.core.validation import Indication, Level
from gateway.core.verdict import FileVerdict
from gateway.core.work import Claim, RoadReport
from gateway.crypto import Trust
from gateway.edxml import assemble, write_skeleton
from gateway.exchange.desk import Desk
from gateway.exchange.dispatch import dispatch
from gateway.exchange.duties import check_signer, has_seal, refuse_bad_seal
from gateway.exchange.files import as_chunks, blob_chunks
from gateway.exchange.judging import judge_pdf_file, read_envelope_file
from gateway.exchange.messages import message_of, recipients_of
from gateway.exchange.ready_made import UNDECIDED
from gateway.exchange.release import Release, wants_ours
from gateway.exchange.scanning import (
    NOT_SCANNED,
    InfectedError,
    Infection,
    Whose,
    quarantine,
    rescan,
    scan_files,
)
from gateway.exchange.stamping import NO_TIMESTAMP, owe
from gateway.exchange.subjects import of_document
from gateway.observe import bound_ids, logger
from gateway.routing import plan

_log = logger(__name__)
LEASE: Final = timedelta(seconds=LEASE_SECONDS)
WRITTEN_HERE_RECIPIENTS_MAX: Final = 16
"""An envelope to so few is written in 0.2 ms, by our own words alone: less than a task for a judge costs."""
_EVENTS: Final = {
    DocumentState.SEALED: EventKind.SEALED,
    DocumentState.WRAPPED: EventKind.WRAPPED,
    DocumentState.ROUTED: EventKind.ROUTED,
    DocumentState.HELD: EventKind.HELD,
    DocumentState.REFUSED: EventKind.REFUSED,
}


class DocumentSteps:
    """The conductor of work items of kind `document`: walks one document until it is routed, refused or held."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._release = Release(desk=desk)

    async def handle(self, claim: Claim) -> RoadReport:
        """Take the document as far as it goes. A crash between two steps loses nothing: each is durable by itself."""
        key = DocumentKey(claim.item.subject)
        found = claim.begun
        document = (
            found if isinstance(found, Document) else await self._desk.store.read(lambda uow: uow.documents.find(key))
        )
        if document is None:
            raise SiteError("store.damaged", reason=f"document {key}")
        if is_final(document.state) or document.state is DocumentState.HELD:
            await self._desk.store.transact(lambda uow: uow.work.finish(claim))
        with bound_ids(document=document.key, trace_id=document.trace_id):
            while not is_final(document.state) and document.state is not DocumentState.HELD:
                evidence = self._evidence()
                document = await self._step(document, claim)
                _log.info(f"document.{document.state}", code=document.reason or None)
                if document.state is DocumentState.HELD and wants_ours(document) and self._evidence() != evidence:
                    # The reload came while it was judged: its own search for what is held may have been too early.
                    await self._release.resume_one(document.key)
        return RoadReport.NEUTRAL

    def begin(self, uow: UnitOfWork, claim: Claim) -> Document | None:
        """See `Begins`: the document as it is when its step is leased."""
        return uow.documents.find(DocumentKey(claim.item.subject))

    def _evidence(self) -> tuple[Trust, Digest]:
        """By what is judged now."""
        return self._desk.trust.current(), self._desk.directory.current().digest

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """What the unit writes that buries the item: the document is held, with the reason."""
        document = uow.documents.find(DocumentKey(claim.item.subject))
        if document is not None and not is_final(document.state) and document.state is not DocumentState.HELD:
            self._advance(uow, replace(document, reason=code, reason_params=()), DocumentState.HELD)

    async def _step(self, document: Document, claim: Claim) -> Document:
        try:
            if document.state is DocumentState.WRAPPED:
                return await self._route(document, claim)
            if document.state is DocumentState.ACCEPTED and document.kind is MessageKind.DOCUMENT:
                return await self._judge_and_seal(document, claim)
            return await self._wrap(document, claim)
        except SenderError as error:
            return await self._settle(document, claim, error)
        except SiteError as error:
            if error.code in NO_TIMESTAMP and not self._late(document):
                await self._tell(document, error)
                raise
            if error.code != UNDECIDED and error.code not in NO_TIMESTAMP | NOT_SCANNED:
                raise
            return await self._settle(document, claim, error)

    def _late(self, document: Document) -> bool:
        """Whether it waits for a timestamp as long as a delivery may wait for its peer."""
        return self._desk.lateness.is_over(document.accepted_at + self._desk.deadline)

    async def _tell(self, document: Document, error: SiteError) -> None:
        """It stays as it is and is tried again; why, everybody who looks at it sees."""
        waiting = replace(document, reason=error.code, reason_params=_params(error))
        if (document.reason, document.reason_params) != (waiting.reason, waiting.reason_params):
            await self._desk.store.transact(lambda uow: uow.documents.advance(waiting, was=document.state))

    async def _settle(self, document: Document, claim: Claim, error: GatewayError) -> Document:
        """A refusal is the sender's turn; what we could not decide is held for the operator, with its reason."""
        ours = isinstance(error, SiteError) or CATALOGUE[error.code].turn is Turn.OPERATOR
        state = DocumentState.HELD if ours else DocumentState.REFUSED
        found = error.found if isinstance(error, InfectedError) else ()
        settled = replace(document, reason=error.code, reason_params=_params(error))
        return await self._write(settled, state, claim, infected=found)

    # --- judge and seal ----------------------------------------------------------------------------------------------

    async def _judge_and_seal(self, document: Document, claim: Claim) -> Document:
        await scan_files(self._desk, document.attachments)
        if document.ready_made:
            await self._judge_ready_made(document)
            return await self._write(document, DocumentState.SEALED, claim)
        with self._desk.blobs.lease() as lease:
            attachments = tuple([await self._sealed(document, one, lease) for one in document.attachments])
            fresh = [new for new, old in zip(attachments, document.attachments, strict=True) if new is not old]
            done = replace(document, attachments=attachments, reason="", reason_params=())
            if fresh:
                return await self._write(done, DocumentState.SEALED, claim, sealed=fresh)
        return await self._wrap(done, claim, judged_at=self._desk.clock.now())

    async def _sealed(self, document: Document, attachment: Attachment, lease: BlobLease) -> Attachment:
        """A PDF with a valid seal of its sender stays as it is; one without is sealed, if both sides agreed to that."""
        if attachment.content_type != PDF:
            return attachment
        desk = self._desk
        path = desk.blobs.path(attachment.blob)
        judge, trust = desk.judge.on_behalf(document.sender), desk.trust.current()
        verdict = await judge.run(judge_pdf_file, path, trust=trust, moment=desk.clock.now())
        if self._has_seal(document.sender, verdict, attachment.name):
            return attachment
        if not (document.may_seal and desk.sealer.entrusted(document.sender)):
            raise SenderError("seal.missing", file=attachment.name, organ=document.sender)
        sealed = await desk.sealer.seal(path, document.sender)
        return replace(attachment, blob=await lease.put_bytes(sealed.pdf), seal=_own_seal(sealed))

    async def _judge_ready_made(self, document: Document) -> None:
        """Envelope and files as they are now judged: nothing in it can be sealed any more, its bytes are signed."""
        desk = self._desk
        assert document.envelope is not None, "a ready-made document came with its envelope"
        path = desk.blobs.path(document.envelope)
        judge, trust = desk.judge.on_behalf(document.sender), desk.trust.current()
        reading = await judge.run(read_envelope_file, path, trust=trust, moment=desk.clock.now(), sizes=desk.sizes)
        check_signer(reading, desk.directory.current().body(document.sender))
        for file in reading.files:
            if file.verdict.media_type == PDF and not self._has_seal(document.sender, file.verdict, file.name):
                raise SenderError("seal.missing", file=file.name, organ=document.sender)

    def _has_seal(self, sender: OrganId, verdict: FileVerdict, name: str) -> bool:
        refuse_bad_seal(verdict, name)
        if verdict.indication is Indication.INDETERMINATE:
            raise SenderError("seal.undecided", file=name, reason=str(verdict.sub_indication or ""))
        body = self._desk.directory.current().body(sender)
        return body is not None and has_seal(verdict, body)

    # --- wrap --------------------------------------------------------------------------------------------------------

    async def _wrap(self, document: Document, claim: Claim, *, judged_at: datetime | None = None) -> Document:
        """Write, sign and freeze the envelope: from here on its bytes are only carried, as a ready-made one's always.

        `judged_at`: when the document was judged, if that is still to be written.
        """
        if document.ready_made:
            return await self._route(document, claim)
        desk = self._desk
        message = message_of(document, desk.directory.current())
        if len(recipients_of(document)) <= WRITTEN_HERE_RECIPIENTS_MAX:
            skeleton = write_skeleton(message, document.attachments)
        else:
            judge = desk.judge.on_behalf(document.sender)
            skeleton = await judge.run(write_skeleton, message, document.attachments)
        signed = await desk.sealer.sign_envelope(skeleton, document.sender)
        with desk.blobs.lease() as lease, ExitStack() as files:
            parts = [
                (attachment, blob_chunks(files.enter_context(desk.blobs.path(attachment.blob).open("rb"))))
                for attachment in document.attachments
            ]
            envelope = await lease.put(as_chunks(assemble(signed, parts)), limit=desk.sizes.envelope_bytes)
            return await self._route(replace(document, envelope=envelope), claim, judged_at=judged_at)

    # --- route -------------------------------------------------------------------------------------------------------

    async def _route(self, document: Document, claim: Claim, *, judged_at: datetime | None = None) -> Document:
        """Every arrow that is left, in one unit: from wrapping on nothing is slow any more."""
        wrapped_at, snapshot = self._desk.clock.now(), self._desk.directory.current()
        routes = plan(recipients=recipients_of(document), snapshot=snapshot, moment=wrapped_at)

        def unit(uow: UnitOfWork) -> Document:
            moved = document
            if judged_at is not None:
                moved = self._advance(uow, moved, DocumentState.SEALED, at=judged_at)
            if moved.state is not DocumentState.WRAPPED:
                moved = self._advance(uow, moved, DocumentState.WRAPPED, at=wrapped_at)
            routed = self._advance(uow, moved, DocumentState.ROUTED)
            dispatch(uow, routed, routes, self._desk)
            uow.work.finish(claim)
            return routed

        routed = await self._desk.store.transact(unit)
        if judged_at is not None:
            _log.info("document.sealed")
        if document.state is not DocumentState.WRAPPED:
            _log.info("document.wrapped")
        return routed

    # --- writing -----------------------------------------------------------------------------------------------------

    async def _write(
        self,
        document: Document,
        target: DocumentState,
        claim: Claim,
        *,
        sealed: Sequence[Attachment] = (),
        infected: Sequence[Infection] = (),
    ) -> Document:
        """`sealed`: files that this step has sealed, `infected`: what was found; what follows is written with the state."""

        def unit(uow: UnitOfWork) -> Document:
            written = self._advance(uow, document, target)
            owe(uow, written, sealed, self._desk)
            quarantine(uow, infected, _whose(written), written.changed_at, self._desk)
            if target is DocumentState.HELD and written.reason in NOT_SCANNED:
                rescan(uow, written)
            if target in {DocumentState.REFUSED, DocumentState.HELD}:
                uow.work.finish(claim)
            else:
                uow.work.renew(claim, written.changed_at + LEASE)
            return written

        return await self._desk.store.transact(unit)

    def _advance(
        self, uow: UnitOfWork, document: Document, target: DocumentState, *, at: datetime | None = None
    ) -> Document:
        """`at`: when it came to pass, if that was before this unit."""
        now = at or self._desk.clock.now()
        private = {
            "document_id": document.document_id,
            "code": document.reason,
            "envelope": document.envelope.digest if document.envelope else "",
            "from": document.sender,
        }
        leaf = self._desk.journal.record(uow, of_document(_EVENTS[target], document, at=now, private=private))
        moved = replace(document, state=advance(document.state, target), changed_at=now, last_leaf=leaf)
        uow.documents.advance(moved, was=document.state)
        return moved


def _whose(document: Document) -> Whose:
    envelope = document.envelope.digest if document.envelope else None
    return Whose(history=document.key, sender=document.sender, document_id=document.document_id, envelope=envelope)


def _own_seal(sealed: SealedFile) -> OwnSeal | None:
    """What the file is told to be worth; None where no timestamps are asked for."""
    if sealed.level is Level.B_B and sealed.owed is None:
        return None
    return OwnSeal(level=sealed.level, stamped_at=sealed.stamped_at, owed=sealed.owed)


def _params(error: GatewayError) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)[:REASON_CHARS_MAX]) for name, value in error.params.items())
