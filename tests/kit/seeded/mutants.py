"""Planted bugs. Each must be found by the seeds, quickly; one that is not found is a hole in the worlds.

A mutant changes the product while its context lasts, in the way in which a tired engineer would.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from gateway.audit import CheckpointPublisher
from gateway.core.carrying import Indeterminate, TransferRefused, Unknown
from gateway.core.ids import Digest, OrganId, TransferKey
from gateway.core.model import BlobRef, ReceiptLine, TransferSlip
from gateway.core.order import Place
from gateway.core.states import AmendmentState, DeliveryState, DocumentState, Outcome
from gateway.core.work import Claim
from gateway.exchange import (
    DocumentSteps,
    Reception,
    Submission,
    TransferDelivery,
    amending,
    ordering,
    possession,
    receipts,
    steps,
)
from gateway.storage import inbox as inbox_ledger
from gateway.storage import work as work_ledger
from gateway.storage.documents import DocumentLedger
from gateway.storage.lease import Claim as BlobClaim
from gateway.storage.transfers import TransferLedger
from tests.kit.seeded.disk import Disk, PoweredBlobs

Mutant = Callable[[], AbstractContextManager[Any]]


def reception_forgets() -> AbstractContextManager[Any]:
    """A transfer that comes again is taken for a new one."""
    known = TransferLedger.incoming

    async def receive(self: Reception, origin: Any, slip: TransferSlip, envelope: Any, *, form: Any) -> bytes:
        incoming = await self._desk.store.read(lambda uow: known(cast("TransferLedger", uow.transfers), slip.transfer))
        if incoming is not None:
            slip = replace(slip, transfer=TransferKey(self._desk.new_key()))
        return await good(self, origin, slip, envelope, form=form)

    good = Reception.receive
    return patch.object(Reception, "receive", receive)


def a_lost_answer_is_a_refusal() -> AbstractContextManager[Any]:
    """Delivery guesses instead of asking."""

    async def settle(self: TransferDelivery, claim: Claim, transfer: Any, result: Any, *, last: bool) -> Any:
        if isinstance(result, Indeterminate):
            result = TransferRefused("peer.refused", "guessed")
        return await good(self, claim, transfer, result, last=last)

    good = TransferDelivery._settle
    return patch.object(TransferDelivery, "_settle", settle)


def an_unknown_transfer_is_given_up() -> AbstractContextManager[Any]:
    """What the peer does not know is refused, not sent."""

    async def attempt(self: TransferDelivery, transfer: Any) -> Any:
        if transfer.state.value != "indeterminate":
            return await good(self, transfer)
        result = await self._transports(transfer.slip.destination).inquire(transfer)
        return (TransferRefused("peer.refused", "unknown") if isinstance(result, Unknown) else result), True

    good = TransferDelivery._attempt
    return patch.object(TransferDelivery, "_attempt", attempt)


def receipts_are_believed() -> AbstractContextManager[Any]:
    """Whatever comes back is a receipt."""

    def check(receipt: bytes, slip: TransferSlip, snapshot: Any) -> tuple[ReceiptLine, ...]:
        return tuple(
            ReceiptLine(
                organ_id=line.organ_id,
                outcome=Outcome.RECEIVED,
                code="",
                leaf_hash=b"",
                index=0,
                received_at=slip.sent_at,
            )
            for line in slip.recipients
        )

    return patch.object(receipts, "check", check)


@contextmanager
def numbers_survive_their_unit() -> Iterator[None]:
    """The next number of a stream is remembered beside the transaction."""
    counters: dict[tuple[int, str, str], int] = defaultdict(int)
    good = DocumentLedger.next_sequence

    def next_sequence(
        self: DocumentLedger, sender: OrganId, recipients: Sequence[OrganId], year: int, handle: Any
    ) -> Mapping[OrganId, tuple[int, bytes]]:
        given = good(self, sender, recipients, year, handle)
        store = id(self._connection)
        for recipient, (number, _) in given.items():
            name = (store, sender, recipient)
            counters[name] = number if number == 1 and name not in counters else counters[name] + 1
        return {recipient: (counters[store, sender, recipient], given[recipient][1]) for recipient in given}

    def wipe(self: Disk) -> None:
        counters.clear()  # another world
        empty(self)

    empty = Disk.wipe
    with patch.object(DocumentLedger, "next_sequence", next_sequence), patch.object(Disk, "wipe", wipe):
        yield


@contextmanager
def answers_are_made_anew() -> Iterator[None]:
    """A repeated question gets a fresh receipt, and the last one is kept."""

    def answer(self: TransferLedger, key: Any, answer: bytes) -> bytes:
        row = self._connection.exec_driver_sql
        row("UPDATE incoming_transfers SET answer = ? WHERE key = ?", (answer, key))
        return answer

    async def answer_of(self: Reception, origin: Any, transfer: Any, *, form: Any) -> bytes | None:
        incoming = await self._desk.store.read(lambda uow: uow.transfers.incoming(transfer))
        if incoming is None or incoming.slip.origin != origin:
            return None
        return await self._answer(incoming, form)

    with patch.object(TransferLedger, "answer", answer), patch.object(Reception, "answer_of", answer_of):
        yield


def fences_are_ignored() -> AbstractContextManager[Any]:
    """Whoever has held an item may give it back."""

    def mine(self: Any, statement: Any, claim: Claim, **values: int) -> None:
        row = self._connection.exec_driver_sql(
            "SELECT fence FROM work WHERE kind = ? AND subject = ?", (claim.item.kind.value, claim.item.subject)
        ).one_or_none()
        good(self, statement, replace(claim, fence=row.fence) if row else claim, **values)

    good = work_ledger.WorkLedger._mine
    return patch.object(work_ledger.WorkLedger, "_mine", mine)


def a_step_without_a_leaf() -> AbstractContextManager[Any]:
    """One state change of many is not logged."""

    def advance(self: DocumentSteps, uow: Any, document: Any, target: DocumentState) -> Any:
        if target is not DocumentState.HELD:
            return good(self, uow, document, target)
        moved = replace(document, state=target, changed_at=self._desk.clock.now())
        uow.documents.advance(moved, was=document.state)
        return moved

    good = DocumentSteps._advance
    return patch.object(DocumentSteps, "_advance", advance)


def published_before_remembered() -> AbstractContextManager[Any]:
    """The signer remembers its checkpoint when it comes to it, which is after it was published."""

    async def advance(self: CheckpointPublisher) -> None:
        waiting: list[str] = []

        class Later:
            async def remember(self, note: str) -> None:
                waiting.append(note)

        memory, self._memory = self._memory, Later()  # type: ignore[assignment]  # a stand-in, on purpose
        try:
            await good(self)
        finally:
            self._memory = memory
        for note in waiting:
            await memory.remember(note)

    good = CheckpointPublisher._advance
    return patch.object(CheckpointPublisher, "_advance", advance)


def yes_before_durable() -> AbstractContextManager[Any]:
    """The office is told yes while its document is still being stored."""

    async def submit(self: Submission, principal: Any, order: Any, *, trace_id: str) -> Any:
        stored = asyncio.get_running_loop().create_task(good(self, principal, order, trace_id=trace_id))
        attachments = await asyncio.to_thread(self._attachments, order.files)
        document = self._document(principal, order, attachments, trace_id)
        await asyncio.sleep(0)
        known = await self._desk.store.read(
            lambda uow: uow.documents.submitted(
                document.sender, document_id=document.document_id, idempotency_key=document.idempotency_key
            )
        )
        return (await stored) if known else (document, True)

    good = Submission.submit
    return patch.object(Submission, "submit", submit)


def rows_before_blobs() -> AbstractContextManager[Any]:
    """Nothing is synced: a blob is on the disk two seconds after its row."""

    async def write_bytes(self: PoweredBlobs, data: bytes, *, claim: BlobClaim) -> BlobRef:
        ref = BlobRef(digest=Digest(hashlib.sha256(data).hexdigest()), size=len(data))
        claim(ref.digest)
        self.path(ref).write_bytes(data)

        async def later() -> None:
            await asyncio.sleep(2)
            await good(self, data, claim=lambda _: None)

        flushes.append(asyncio.get_running_loop().create_task(later()))
        return ref

    flushes: list[asyncio.Task[None]] = []

    good = PoweredBlobs.write_bytes
    return patch.object(PoweredBlobs, "write_bytes", write_bytes)


def an_inbox_that_names_nothing() -> AbstractContextManager[Any]:
    """Entries do not write down which blobs they name: the keeper takes them for left over."""
    return patch.object(inbox_ledger, "name_blobs", lambda *_: None)


def work_after_commit() -> AbstractContextManager[Any]:
    """What is to be carried is put on the list in a transaction of its own, after the one that made it due."""

    def dispatch(uow: Any, document: Any, plan: Any, desk: Any) -> None:
        items: list[Any] = []
        unlisted = SimpleNamespace(add=items.append)
        names = ("documents", "transfers", "log", "amendments")
        others = {name: getattr(uow, name) for name in names}
        good(SimpleNamespace(work=unlisted, **others), document, plan, desk)
        listing = desk.store.transact(lambda uow: [uow.work.add(item) for item in items])
        tasks.append(asyncio.get_running_loop().create_task(listing))

    tasks: list[asyncio.Task[Any]] = []
    good: Any = vars(steps)["dispatch"]
    return patch.object(steps, "dispatch", dispatch)


def entries_enter_as_they_come() -> AbstractContextManager[Any]:
    """Nobody waits for a smaller number."""

    def place(self: ordering.Arrivals, uow: Any, recipient: Any, number: int) -> Place:
        found = good(self, uow, recipient, number)
        return Place.IN_ORDER if found is Place.EARLY else found

    good = ordering.Arrivals.place
    return patch.object(ordering.Arrivals, "place", place)


def a_recall_forgets_who_is_being_sent_it() -> AbstractContextManager[Any]:
    """Only those are asked of whom it is known that they have it."""
    return patch.object(possession, "may_have", lambda delivery: delivery.state is DeliveryState.DELIVERED)


def an_answer_is_believed_the_other_way_round() -> AbstractContextManager[Any]:
    """Who refuses to give a letter back is taken to have given it back."""
    return patch.object(amending, "answered_state", lambda *_, **__: AmendmentState.AGREED)


MUTANTS: dict[str, Mutant] = {
    mutant.__name__: mutant
    for mutant in (
        reception_forgets,
        a_lost_answer_is_a_refusal,
        an_unknown_transfer_is_given_up,
        receipts_are_believed,
        numbers_survive_their_unit,
        answers_are_made_anew,
        fences_are_ignored,
        a_step_without_a_leaf,
        published_before_remembered,
        yes_before_durable,
        rows_before_blobs,
        an_inbox_that_names_nothing,
        work_after_commit,
        entries_enter_as_they_come,
        a_recall_forgets_who_is_being_sent_it,
        an_answer_is_believed_the_other_way_round,
    )
}
