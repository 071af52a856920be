"""What a peer is answered that was restored: which receipts of its we hold, and that what it misses will come again.

Nothing of ours changes by it: a delivery stays delivered, its receipt stays where it is. What is asked for is due to be handed
over once more, in the same unit that takes the question. Of what was refused for everybody nothing was lost: it does not come
again, lest it be taken this time while its sender was told that it was refused. Its numbers are told by a gap notice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.core.base64url import decode_base64url
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId, TransferKey, uuid7
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import NOTE_BYTES_MAX
from gateway.core.model import Transfer
from gateway.core.ports import Signer
from gateway.core.restore_limits import RESYNC_PAGE_TRANSFERS, RESYNC_SCAN_TRANSFERS
from gateway.core.resync import Resend, Wanted
from gateway.core.states import TransferState
from gateway.core.work import WorkItem, WorkKind
from gateway.exchange.desk import Desk
from gateway.exchange.gaps import is_all_refused, owe_notice
from gateway.exchange.resync_tokens import Page, Question, digest_of, read_question, write_page
from gateway.exchange.subjects import of_gateway
from gateway.observe import logger

_log = logger(__name__)

_FIRST_NAMED: Final = datetime.fromtimestamp(0, UTC)
"""No UUID of version 7 is older (RFC 9562 section 5.7)."""
_ENDED = frozenset(
    {
        TransferState.REFUSED,
        TransferState.EXPIRED,
        TransferState.HELD,
        TransferState.VOID,
        TransferState.REROUTED,
    }
)

_OPEN = frozenset({TransferState.SENDING, TransferState.INDETERMINATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """Rows of one page."""

    answered: tuple[Transfer, ...] = ()
    """With a receipt, also one that refuses every recipient."""
    receipted: tuple[Transfer, ...] = ()
    """With something received: what comes again."""
    ended: tuple[Transfer, ...] = ()
    """Without: their numbers will not come, and what was told of them may be lost there."""
    following: str = ""


class ResyncAnswers:
    """The desk for questions of restored peers."""

    def __init__(self, *, desk: Desk, signer: Signer) -> None:
        self._desk = desk
        self._signer = signer

    async def answer(self, origin: GatewayId, token: bytes) -> bytes:
        """See `ResyncDesk.answer`."""
        desk = self._desk
        question = read_question(token, origin=origin, own=desk.own, snapshot=desk.directory.current())
        scan = await desk.store.read(lambda uow: self._scan(uow, question)) if question.page else _Scan()
        unknown = await desk.store.transact(lambda uow: self._unit(uow, question, scan))
        lines = [_line(one) for one in scan.receipted]
        page = Page(
            origin=desk.own,
            destination=origin,
            question=digest_of(token),
            lines=tuple(lines),
            following=scan.following,
            checkpoint=_newest_checkpoint(scan.answered),
            unknown=unknown,
        )
        _log.info("resync.asked", peer=origin, named=len(lines), again=len(question.again) - len(unknown))
        return await write_page(page, self._signer)

    def _scan(self, uow: UnitOfWork, question: Question) -> _Scan:
        """Transfers are named by the time they were made, so those since a moment are those after a key.

        The asker alone says since when. By a clock of ours that is ahead all would be too old, and an empty page is believed.
        """
        after = max(question.after, uuid7(max(question.since, _FIRST_NAMED), bytes))
        rows = uow.transfers.page(TransferKey(after), RESYNC_SCAN_TRANSFERS)
        ours = [one for one in rows if one.slip.destination == question.origin]
        following = rows[-1].slip.transfer if len(rows) == RESYNC_SCAN_TRANSFERS else ""
        if len(ours) > RESYNC_PAGE_TRANSFERS:
            ours = ours[:RESYNC_PAGE_TRANSFERS]
            following = ours[-1].slip.transfer
        if (open_at := next((n for n, one in enumerate(ours) if _is_open(one, question)), None)) is not None:
            following = ours[open_at - 1].slip.transfer if open_at else after
            ours = ours[:open_at]
        answered = tuple(one for one in ours if one.answer is not None)
        refused = tuple(one for one in answered if is_all_refused(uow, one))
        return _Scan(
            answered=answered,
            receipted=tuple(one for one in answered if one not in refused),
            ended=(*refused, *(one for one in ours if one.answer is None and one.state in _ENDED)),
            following=following,
        )

    def _unit(self, uow: UnitOfWork, question: Question, scan: _Scan) -> tuple[TransferKey, ...]:
        """Everything that follows from a question; what it asks for that is not here."""
        now, peer = self._desk.clock.now(), question.origin
        if uow.resyncs.told_of(peer, question.number, now):
            said: dict[str, str | int] = {"peer": peer, "log": question.log, "kept": question.kept}
            said |= {"number": question.number}
            event = of_gateway(EventKind.PEER_RESTORED, self._desk.own, at=now, private=said)
            self._desk.journal.record(uow, event)
            # what it was told of numbers that were skipped here it may have forgotten
            uow.work.add(WorkItem(kind=WorkKind.SKIPPED, subject=peer, destination=peer, due_at=now))
        for transfer in scan.ended:
            owe_notice(uow, transfer.slip, now)
        return tuple(key for key in question.again if not self._again(uow, key, question))

    def _again(self, uow: UnitOfWork, key: TransferKey, question: Question) -> bool:
        """Make it due to be sent again, once for each restore; whether it can be."""
        transfer = uow.transfers.find(key)
        if transfer is None or transfer.answer is None or transfer.slip.destination != question.origin:
            return False
        known, now = uow.resyncs.resend(key), self._desk.clock.now()
        if known is None or known.number != question.number:
            uow.resyncs.put_resend(Resend(transfer=key, number=question.number, at=now))
            said = {"peer": question.origin, "transfer": key, "receipt": digest_of(transfer.answer)}
            event = AuditEvent(
                kind=EventKind.RESEND_ASKED, at=now, subject=key, document=transfer.document, private=said
            )
            self._desk.journal.record(uow, event)
        # Asked for once more: it came there, or it did not; carrying it again is harmless.
        uow.work.add(WorkItem(kind=WorkKind.RESEND, subject=key, destination=question.origin, due_at=now))
        return True


def _is_open(transfer: Transfer, question: Question) -> bool:
    """Whether a receipt from before the restore may just be on its way to us: what it is, is known in a moment."""
    return transfer.state in _OPEN and transfer.slip.sent_at.timestamp() < question.number


def _line(transfer: Transfer) -> Wanted:
    assert transfer.answer is not None
    return Wanted(transfer=transfer.slip.transfer, receipt=digest_of(transfer.answer))


def _newest_checkpoint(answered: Sequence[Transfer]) -> str:
    """Of the receipts of a page: they come in the order of sending, so it is among the last few."""
    notes = [_checkpoint(one.answer) for one in answered[-8:] if one.answer is not None]
    return max(notes, key=_size, default="")


def _checkpoint(receipt: bytes) -> str:
    """As the receipt that we checked and stored says it."""
    payload = json.loads(decode_base64url(receipt.split(b".")[1].decode("ascii")))
    note = str(payload["checkpoint"])
    return note if len(note) <= NOTE_BYTES_MAX else ""


def _size(note: str) -> int:
    lines = note.split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdecimal() else -1
