"""Redriving: what was given up though its document and its transfer need nothing any more, let go on by hand.

A notice to the sender of what expired, a notice of gaps, what lets staged entries in, a timestamp that is owed, the questions
after a restore: they fail by themselves as transfers do, and then lie among the dead letters while everything they are about
has ended. Held documents and transfers are the matter of `release`.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gateway.core.ids import TimestampKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Document
from gateway.core.work import WorkKind
from gateway.exchange.desk import Desk
from gateway.exchange.stamping import owe_again

_WITH_A_STATE: Final = frozenset({WorkKind.DOCUMENT, WorkKind.TRANSFER, WorkKind.SCAN, WorkKind.TIMESTAMP})
"""Giving one of these up moved a row, and so does letting it go on."""


def redrive(uow: UnitOfWork, subjects: Iterable[str], desk: Desk) -> int:
    """Make due now what was given up of these subjects, on a road that is asked now, as if it had never failed; how many."""
    given_up = {
        (letter.item.kind, letter.item.subject): letter.item
        for subject in subjects
        for letter in uow.work.dead_of(subject)
        if letter.item.kind not in _WITH_A_STATE
    }
    for item in given_up.values():
        uow.work.redrive(replace(item, due_at=desk.clock.now(), attempts=0))
        road = uow.work.destination(item.destination)
        if road.not_before is not None:
            uow.work.set_destination(replace(road, not_before=None))
    return len(given_up)


def redrive_timestamps(uow: UnitOfWork, subject: str, document: Document | None, desk: Desk, *, by: str) -> int:
    """The same for timestamps: `subject` is one, or the `document` to which they are owed; how many."""
    one = uow.timestamps.find(TimestampKey(subject))
    of = uow.documents.find(one.document) if one else document
    if of is None or (one is None and of.key != subject):
        return 0
    return owe_again(uow, of, desk, by=by, only=one.key if one else None)
