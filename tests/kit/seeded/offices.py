"""The offices around the gateways: those who hand in until they are told yes, and those who read what arrived.

What they were told stands in a ledger outside every gateway (reliability.md B4): that is what nothing may contradict.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from typing import Any, TypeVar

from gateway.core.errors import Conflict, GatewayError
from gateway.core.fields import faults_of
from gateway.core.ids import DocumentKey, EntryKey, GatewayId, OrganId
from gateway.core.message import Code, Priority, ResponseFor
from gateway.core.model import Document, InboxEntry, InboxPage, Metadata
from gateway.core.principal import Principal
from gateway.core.states import AmendmentState, BusinessStatus
from gateway.exchange import SubmissionOrder, UploadedFile
from tests.kit.seeded.gateway import DownError, Gateway, Process
from tests.kit.seeded.materials import keyed
from tests.kit.seeded.watch import Trace

T = TypeVar("T")

TRACE_ID = "5eed" * 8
ATTEMPTS_MAX = 400
DESERVED = frozenset({"recipient.unknown", "recipient.locked", "recipient.closed"})
"""Why a body is not served: the one refusal that somebody in these worlds may bring upon himself."""
INBOX_ROWS = 7
"""Few, so that worlds turn pages."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What an office wants to send."""

    number: int
    gateway: GatewayId
    sender: OrganId
    recipients: tuple[OrganId, ...]
    files: tuple[tuple[str, str, bytes], ...]
    """Name, type, bytes."""
    at: float = 0.0
    again: float | None = None
    """So many seconds later the impatient office sends the same once more."""
    contradicts: bool = False
    """And then another letter under the same key."""
    recalled: float | None = None
    """So many seconds after the yes its office wants it back."""
    answers: ResponseFor | None = None

    @property
    def key(self) -> str:
        return f"letter-{self.number}"

    @property
    def subject(self) -> str:
        return f"Về việc số {self.number}"

    def metadata(self) -> Metadata:
        return Metadata(
            sender=self.sender,
            recipients=self.recipients,
            code=Code(number=str(self.number), notation="CV/VP"),
            promulgation_place="Thành phố Hồ Chí Minh",
            promulgation_date=date(2026, 11, 20),
            subject=self.subject,
            # Every fifth one is urgent: what is before it in its streams goes along with it.
            priority=Priority.NORMAL if self.number % 5 else Priority.IMMEDIATE,
            response_for=(self.answers,) if self.answers else (),
        )


@dataclass
class Ledger:
    """What was said to offices, by gateway."""

    found: list[str]
    acked: dict[tuple[GatewayId, str], tuple[Letter, DocumentKey]] = field(default_factory=dict)
    refused: dict[tuple[GatewayId, str], str] = field(default_factory=dict)
    unserved: set[OrganId] = field(default_factory=set)
    """Recipients that were refused at the door: the letter went to the others."""
    seen: dict[GatewayId, dict[EntryKey, int]] = field(default_factory=dict)
    """Every inbox entry that a reader got, with its cursor."""
    recalled: set[DocumentKey] = field(default_factory=set)
    """What its office wanted back, and was told yes."""
    said: dict[tuple[GatewayId, EntryKey], tuple[BusinessStatus, str]] = field(default_factory=dict)
    """What a receiving office said, once its gateway had said yes."""

    def ack(self, letter: Letter, document: Document) -> None:
        known = self.acked.setdefault((letter.gateway, letter.key), (letter, document.key))
        if known[1] != document.key:
            self.found.append(f"{letter.key} was acknowledged as {known[1]} and as {document.key}")
        if document.sender != letter.sender or document.idempotency_key != letter.key:
            self.found.append(f"{letter.key} was acknowledged with another's document")


class Office:
    """The systems of one gateway's bodies."""

    def __init__(self, gateway: Gateway, *, ledger: Ledger, random: Random, trace: Trace) -> None:
        self.gateway = gateway
        self._ledger = ledger
        self._random = random
        self._trace = trace
        self._cursor = 0
        self.deaf = 0.0
        """Chance that an answer of the gateway does not reach the office."""

    # --- sending -----------------------------------------------------------------------------------------------------

    async def send(self, letter: Letter) -> None:
        """Hand in until there is an answer; then perhaps again, and perhaps something else under the same key."""
        await asyncio.sleep(letter.at)
        letter = await self._hand_in(letter)
        if letter.recalled is not None:
            await asyncio.sleep(letter.recalled)
            await self._recall(letter)
        if letter.again is not None:
            await asyncio.sleep(letter.again)
            await self._hand_in(letter)
        if letter.contradicts:
            await self._hand_in(replace(letter, files=(("khac.txt", "text/plain", b"khac"),)), conflicts=True)

    async def _recall(self, letter: Letter) -> None:
        """Want it back, until there is an answer; perhaps once more, for whoever hears nothing says it again."""
        acked = self._ledger.acked.get((letter.gateway, letter.key))
        if acked is None:
            return
        principal, key = self.gateway.principal(), acked[1]
        for _ in range(self._random.choice((1, 2))):
            try:
                view = await self._until_answered(
                    lambda process: process.recalls.recall(principal, key, "Gửi nhầm", trace_id=TRACE_ID)
                )
            except Conflict as error:
                self._trace("not recalled", letter.key, error.code)
                return
            self._ledger.recalled.add(key)
            self._trace("recalled", letter.key, *sorted(f"{state}:{count}" for state, count in view.counts.items()))
            await asyncio.sleep(self._random.uniform(1, 900))

    async def _hand_in(self, letter: Letter, *, conflicts: bool = False) -> Letter:
        """The letter as it was taken: without those whom the registry of its gateway does not serve (yet, any more)."""
        try:
            document = await self._until_answered(lambda process: _submit(process, self.gateway, letter))
        except Conflict as error:
            self._trace("conflict", letter.key, error.code)
            if not conflicts:
                self._ledger.found.append(f"{letter.key}: the same letter again is called {error.code}")
            return letter
        except GatewayError as error:
            if unserved := _unserved(letter, error):
                self._trace("unserved", letter.key, *unserved)
                self._ledger.unserved |= unserved
                rest = tuple(organ for organ in letter.recipients if organ not in unserved)
                return await self._hand_in(replace(letter, recipients=rest), conflicts=conflicts) if rest else letter
            self._trace("refused", letter.key, error.code)
            self._ledger.refused[letter.gateway, letter.key] = error.code
            return letter
        if conflicts:
            self._ledger.found.append(f"{letter.key}: another letter under its key is taken for it")
        self._trace("acked", letter.key, document.key)
        self._ledger.ack(letter, document)
        return letter

    async def _until_answered(self, question: Callable[[Process], Coroutine[Any, Any, T]]) -> T:
        """Raises: GatewayError that repeating will not cure."""
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = await self.gateway.ask(question)
                if self._random.random() >= self.deaf:
                    return answer
            except DownError:
                pass
            except GatewayError as error:
                if not error.facts.retryable:
                    raise
            await asyncio.sleep(self._random.uniform(1, 900))
        raise AssertionError(f"{self.gateway.own} answers nobody")

    # --- reading -----------------------------------------------------------------------------------------------------

    async def read(self) -> list[InboxEntry]:
        """Every entry after the last cursor, page by page."""
        principal = self.gateway.principal()
        found: list[InboxEntry] = []
        more = True
        while more:
            page = await self._until_answered(self._page(principal, self._cursor))
            for entry in page.entries:
                self._see(entry)
            found += page.entries
            more = page.more
        return found

    def _page(self, principal: Principal, after: int) -> Callable[[Process], Coroutine[Any, Any, InboxPage]]:
        return lambda process: process.queries.inbox(principal, after, INBOX_ROWS)

    def _see(self, entry: InboxEntry) -> None:
        seen = self._ledger.seen.setdefault(self.gateway.own, {})
        if entry.key in seen or entry.cursor <= self._cursor:
            self._ledger.found.append(f"entry {entry.key} comes twice, or not after its cursor")
        seen[entry.key] = self._cursor = entry.cursor

    async def say(self, entry: InboxEntry, status: BusinessStatus) -> None:
        """Accept or refuse, until there is an answer."""
        principal, reason = self.gateway.principal(), f"Không thuộc thẩm quyền {entry.cursor}"

        def question(process: Process) -> Coroutine[Any, Any, InboxEntry]:
            if status is BusinessStatus.ACCEPTED:
                return process.statuses.accept(principal, entry.key, trace_id=TRACE_ID)
            return process.statuses.refuse(principal, entry.key, reason, trace_id=TRACE_ID)

        said = await self._until_answered(question)
        self._trace("said", self.gateway.own, entry.key, said.business_status.value)
        self._ledger.said[self.gateway.own, entry.key] = (said.business_status, said.business_description)

    async def answer(self, entry: InboxEntry) -> None:
        """Give it back, or not; who had answered it before, and did not hear so, may be told that it is done."""
        principal, gives = self.gateway.principal(), self._random.random() < 0.6

        def question(process: Process) -> Coroutine[Any, Any, InboxEntry]:
            if gives:
                return process.answers.agree(principal, entry.key, forwarded=False, trace_id=TRACE_ID)
            return process.answers.decline(principal, entry.key, "Đang xử lý", forwarded=False, trace_id=TRACE_ID)

        answered = await self._until_answered(question)
        self._trace("answered", self.gateway.own, entry.key, *sorted(one.state.value for one in answered.amendments))

    async def wanted_back(self) -> list[InboxEntry]:
        """Entries of those who can sign whose sender asks for them, and who have not answered."""
        principal, page = self.gateway.principal(), InboxPage(entries=(), more=True)
        found: list[InboxEntry] = []
        after = 0
        while page.more:
            page = await self._until_answered(self._page(principal, after))
            after = page.entries[-1].cursor if page.entries else after
            found += [
                entry
                for entry in page.entries
                if entry.recipient in keyed(self.gateway.own)
                and any(one.state is AmendmentState.ASKED for one in entry.amendments)
            ]
        return found

    async def release(self, key: DocumentKey) -> bool:
        """The operator lets go on what was held; whether there was something."""
        principal = self.gateway.principal()
        try:
            await self._until_answered(lambda process: process.releases.release(principal, key))
        except Conflict:
            return False  # released before, and the answer did not come
        self._trace("released", self.gateway.own, key)
        return True


def _unserved(letter: Letter, error: GatewayError) -> set[OrganId]:
    """Recipients that the door says are not there; none where anything else is wrong with the letter."""
    faults = faults_of(error)
    if not faults or not all(fault.code in DESERVED for fault in faults):
        return set()
    return {letter.recipients[int(fault.path.removeprefix("recipients[").removesuffix("]"))] for fault in faults}


async def _submit(process: Process, gateway: Gateway, letter: Letter) -> Document:
    """As the office door: files first, then the order."""
    with process.blobs.lease() as lease:
        files = tuple(
            [
                UploadedFile(name=name, content_type=kind, blob=await lease.put_bytes(data))
                for name, kind, data in letter.files
            ]
        )
        order = SubmissionOrder(metadata=letter.metadata(), files=files, idempotency_key=letter.key)
        document, _ = await process.submission.submit(gateway.principal(), order, trace_id=TRACE_ID)
        return document


def reply_to(entry: InboxEntry, *, number: int, gateway: GatewayId) -> Letter:
    """An answer to a document that arrived, to its sender."""
    return Letter(
        number=number,
        gateway=gateway,
        sender=entry.recipient,
        recipients=(entry.sender,),
        files=(("tra-loi.txt", "text/plain", f"Tra loi {number}".encode()),),
        answers=ResponseFor(organ_id=entry.sender, document_id=entry.document_id),
    )
