"""Ledger of what people did by hand: paused roads, and requests that wait for a second person."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from gateway.core.clock import from_millis, to_millis
from gateway.core.interventions import Action, Pause, Request
from gateway.storage.codec import reading
from gateway.storage.rows import among, chunks
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import pauses, requests

PAUSED: Final = select(pauses.c.destination)
_PAUSES: Final = select(pauses).order_by(pauses.c.destination)
_IS_PAUSED: Final = PAUSED.where(pauses.c.destination == bindparam("name"))
_PAUSE: Final = insert(pauses)
_RESUME: Final = delete(pauses).where(pauses.c.destination == bindparam("name"))
_ASK: Final = insert(requests)
_SETTLE: Final = delete(requests).where(
    requests.c.action == bindparam("the_action"), requests.c.subject == bindparam("the_subject")
)
_ASKED: Final = (
    select(requests)
    .where(
        requests.c.action == bindparam("the_action"),
        among(requests.c.subject, "subjects"),
    )
    .order_by(requests.c.subject)
)
_PENDING: Final = select(requests).order_by(requests.c.at.desc(), requests.c.subject).limit(bindparam("rows"))


class InterventionLedger:
    """Implements `gateway.core.interventions.Interventions` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def pause(self, pause: Pause) -> bool:
        """Keep it, unless that destination is paused already."""
        if self._connection.execute(_IS_PAUSED, {"name": pause.destination}).one_or_none() is not None:
            return False
        values = {"destination": pause.destination, "by": pause.by, "reason": pause.reason, "at": to_millis(pause.at)}
        self._connection.execute(_PAUSE, values)
        return True

    def resume(self, destination: str) -> bool:
        """The destination goes on; whether it was paused."""
        return self._connection.execute(_RESUME, {"name": destination}).rowcount == 1

    def paused(self) -> tuple[Pause, ...]:
        """Every pause."""
        return tuple(_pause(row) for row in self._connection.execute(_PAUSES))

    def ask(self, request: Request) -> None:
        """Keep it, instead of an older one."""
        self.settle(request.action, request.subject)
        values = {"action": request.action.value, "subject": request.subject, "by": request.by}
        self._connection.execute(_ASK, values | {"reason": request.reason, "at": to_millis(request.at)})

    def asked(self, action: Action, subjects: Sequence[str]) -> tuple[Request, ...]:
        """What was asked for about these."""
        return tuple(
            _request(row)
            for some in chunks(subjects)
            for row in self._connection.execute(_ASKED, {"the_action": action.value, "subjects": list(some)})
        )

    def pending(self, limit: int) -> tuple[Request, ...]:
        """What was asked for, newest first."""
        return tuple(_request(row) for row in self._connection.execute(_PENDING, {"rows": limit}))

    def settle(self, action: Action, subject: str) -> None:
        """It was done."""
        self._connection.execute(_SETTLE, {"the_action": action.value, "the_subject": subject})


@reading
def _pause(row: Row) -> Pause:
    return Pause(destination=row.destination, by=row.by, reason=row.reason, at=from_millis(row.at))


@reading
def _request(row: Row) -> Request:
    return Request(action=Action(row.action), subject=row.subject, by=row.by, reason=row.reason, at=from_millis(row.at))
