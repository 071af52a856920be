"""Answering: an office agrees to a recall or an update of what it received (15), or refuses (16), and says how far it had come.

The answer is one transaction: the amendment, its leaf at the entry, the status message with its work item. What somebody agreed
to give back stays in the inbox, and no file of it is handed out any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.core.amendments import Amendment, AmendmentAnswer, AmendmentKind, Handling, Side
from gateway.core.errors import Conflict, SenderError
from gateway.core.ids import EntryKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import ANSWER_WORDS_CHARS_MAX
from gateway.core.message import ResponseFor, StatusMessage
from gateway.core.model import Document, InboxEntry
from gateway.core.principal import Principal, Scope
from gateway.core.states import AMENDMENT_MOVES, AmendmentState, BusinessStatus, advance
from gateway.exchange.amending import amend, answered_state, recall_in, told_of_entry
from gateway.exchange.desk import Desk
from gateway.exchange.messages import organ_block
from gateway.exchange.permission import own_entry, require
from gateway.exchange.release import BY_ITSELF
from gateway.exchange.said_again import say_again
from gateway.exchange.saying import Speaker, said_words, status_row
from gateway.exchange.submit import store_new
from gateway.observe import logger

_log = logger(__name__)

AGREED_WORDS: Final = "Đồng ý"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a recipient's office says to a recall or an update."""

    status: BusinessStatus
    words: str
    forwarded: bool


class AmendmentAnswers:
    """The amendment desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def agree(self, principal: Principal, key: EntryKey, *, forwarded: bool, trace_id: str) -> InboxEntry:
        """See `AmendmentDesk.agree`."""
        said = _Said(status=BusinessStatus.RECALL_AGREED, words=AGREED_WORDS, forwarded=forwarded)
        return await self._answer(principal, key, said, trace_id)

    async def decline(
        self, principal: Principal, key: EntryKey, reason: str, *, forwarded: bool, trace_id: str
    ) -> InboxEntry:
        """See `AmendmentDesk.decline`."""
        words = said_words(reason, limit=ANSWER_WORDS_CHARS_MAX)
        said = _Said(status=BusinessStatus.RECALL_REFUSED, words=words, forwarded=forwarded)
        return await self._answer(principal, key, said, trace_id)

    async def _answer(self, principal: Principal, key: EntryKey, said: _Said, trace_id: str) -> InboxEntry:
        require(principal, Scope.ACT)
        by = Speaker(principal=principal.key_id, trace_id=trace_id)

        def unit(uow: UnitOfWork) -> InboxEntry:
            asked = _answerable(uow, own_entry(uow, principal, key))
            subject = uow.inbox.find(EntryKey(asked.subject)) if asked else None
            if asked is None or subject is None:
                raise Conflict("amendment.none")
            self._say(uow, asked, subject, said, by)
            return with_amendments(uow, [own_entry(uow, principal, key)])[0]

        entry = await self._desk.store.transact(unit)
        _log.info("entry.amendment_answered", entry=key, status=said.status.value)
        return entry

    def _say(self, uow: UnitOfWork, asked: Amendment, entry: InboxEntry, said: _Said, by: Speaker) -> None:
        """`entry`: the document that it speaks of. What was said before is said again only where nobody has heard it."""
        opened = entry.opened_at.replace(microsecond=0) if entry.opened_at else None
        handling = Handling(opened_at=opened, standing=entry.business_status, forwarded=said.forwarded)
        target = answered_state(said.status, late=handling.taken_up)
        if target not in AMENDMENT_MOVES[asked.state]:
            if asked.state is AmendmentState.AGREED and target is not asked.state:
                raise Conflict("conflict.state", state=asked.state.value)
            if asked.answered_at is not None:
                say_again(uow, _row(asked, entry, by, self._desk, part=_part(asked)), self._desk)
            return
        now = self._desk.clock.now()
        answered = replace(
            asked,
            state=advance(asked.state, target),
            words=said.words,
            handling=handling,
            answered_at=now.replace(microsecond=0),
            changed_at=now,
        )
        uow.amendments.advance(answered, was=asked.state)
        told = told_of_entry(uow, answered, entry, self._desk, by=by.principal)
        uow.inbox.advance(told, was=entry.business_status)
        store_new(uow, _row(answered, entry, by, self._desk, part=_part(answered)), self._desk)


def recall_arrived(uow: UnitOfWork, message: StatusMessage, desk: Desk, now: datetime) -> str:
    """A sender's 13; never a refusal. Who asks again what was answered has lost the answer: it is said once more."""
    new = recall_in(message, desk, now)
    key = uow.amendments.entry(new.recipient, new.sender, new.document_id)
    # The entry before the amendment: who answers takes them in that order too, and nobody waits in a circle.
    entry = uow.inbox.find(key) if key else None
    known = uow.amendments.find(new)
    if known is None or known.answered_at is None or entry is None:
        amend(uow, new, desk)
    else:
        by = Speaker(principal=BY_ITSELF, trace_id=desk.new_key().replace("-", ""))
        store_new(uow, _row(known, entry, by, desk, part=desk.new_key()), desk)
    return ""


def _row(answered: Amendment, entry: InboxEntry, by: Speaker, desk: Desk, *, part: str) -> Document:
    """The message that carries an answer. `part`: tells one that is said once more from the first."""
    return status_row(_message(answered, desk), about=entry.envelope.digest, by=by, desk=desk, part=part)


def _part(answered: Amendment) -> str:
    return answered.kind.value if answered.by else ""


def _message(of: Amendment, desk: Desk) -> StatusMessage:
    """15 or 16. What asked is answered, as any document, by its own name; a 13 has none but that of its document."""
    agreed = of.state is AmendmentState.AGREED
    assert of.answered_at is not None, "an answer has its time"
    return StatusMessage(
        sender=organ_block(of.recipient, desk.directory.current()),
        response_for=ResponseFor(organ_id=of.sender, document_id=of.by or of.document_id),
        status=BusinessStatus.RECALL_AGREED if agreed else BusinessStatus.RECALL_REFUSED,
        description=AmendmentAnswer(words=of.words, handling=of.handling, about=of.kind if of.by else None).text(),
        timestamp=of.answered_at,
    )


def _answerable(uow: UnitOfWork, entry: InboxEntry) -> Amendment | None:
    """What an answer at this entry speaks of: whether it is given back, else what it asks itself, else what is asked of it.

    So whoever says the same again never says it of something else. What is asked by a document that is itself recalled is
    answered at the entry that it speaks of.
    """
    asked = [
        one
        for one in uow.amendments.about([entry.key])
        if one.side is Side.RECEIVED and one.kind is not AmendmentKind.REPLACE and one.subject
    ]
    asked.sort(
        key=lambda one: (
            one.kind is not AmendmentKind.RECALL or one.subject != entry.key,
            one.carrier != entry.key,
            one.state is not AmendmentState.ASKED,
        )
    )
    return uow.amendments.find(asked[0]) if asked else None


def with_amendments(uow: UnitOfWork, entries: Sequence[InboxEntry]) -> tuple[InboxEntry, ...]:
    """The entries with what is said of them, and by them."""
    found = [one for one in uow.amendments.about([entry.key for entry in entries]) if one.side is Side.RECEIVED]
    if not found:
        return tuple(entries)
    return tuple(
        replace(entry, amendments=tuple(one for one in found if entry.key in {one.subject, one.carrier}))
        for entry in entries
    )


def is_recalled(entry: InboxEntry) -> bool:
    """Whether its recipient agreed to give it back: then no file of it is handed out any more."""
    return any(
        one.kind is AmendmentKind.RECALL and one.state is AmendmentState.AGREED and one.subject == entry.key
        for one in entry.amendments
    )


def refuse_recalled(uow: UnitOfWork, entry: InboxEntry) -> None:
    """Let an entry pass that was not given back.

    Raises:
        SenderError: `entry.recalled`.
    """
    if is_recalled(with_amendments(uow, [entry])[0]):
        raise SenderError("entry.recalled")
