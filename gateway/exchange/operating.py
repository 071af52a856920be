"""Operating: what an operator does to the queue by hand: pause and resume a road, try again at once, give up for good.

Whoever asks is named by the door (the login name behind the admin socket), and stands in the leaf. Giving a transfer up needs
two persons: the first one asks, another confirms within a day. Until then nothing has changed: it goes on being tried, and
what is delivered meanwhile is delivered. A transfer that is being attempted at this moment is not given up under its hands.

One that was tried may have reached its destination all the same: void says that we stop, not that nobody has it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.core.errors import Conflict, NotFound
from gateway.core.events import EventKind
from gateway.core.ids import DeliveryKey, DocumentKey, GatewayId, TransferKey
from gateway.core.interventions import Action, Pause, Request
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.limits import SECOND_PERSON_SECONDS_MAX
from gateway.core.model import Delivery, Document, Transfer
from gateway.core.states import DeliveryState, DocumentState, TransferState, advance, is_final
from gateway.core.work import TIMESTAMP_ROAD
from gateway.exchange.desk import Desk
from gateway.exchange.due import attempt_of, step_of
from gateway.exchange.gaps import owe_notice
from gateway.exchange.redriving import redrive, redrive_timestamps
from gateway.exchange.release import Release
from gateway.exchange.rerouting import Rerouting
from gateway.exchange.saying import said_words
from gateway.exchange.subjects import of_delivery, of_gateway

SECOND_PERSON: Final = timedelta(seconds=SECOND_PERSON_SECONDS_MAX)
VOIDABLE: Final = frozenset({TransferState.QUEUED, TransferState.INDETERMINATE, TransferState.HELD})


class Operating:
    """The operator's desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._release = Release(desk=desk)
        self._rerouting = Rerouting(desk=desk)

    # --- roads -------------------------------------------------------------------------------------------------------

    async def pause(self, by: str, destination: str, reason: str) -> Pause:
        """See `OperatorDesk.pause`."""
        said = said_words(reason)

        def unit(uow: UnitOfWork) -> Pause:
            self._known(uow, destination)
            pause = Pause(destination=destination, by=by, reason=said, at=self._desk.clock.now())
            if uow.interventions.pause(pause):
                self._note(uow, EventKind.QUEUE_PAUSED, by=by, destination=destination, reason=said)
                return pause
            return next(one for one in uow.interventions.paused() if one.destination == destination)

        return await self._desk.store.transact(unit)

    async def resume(self, by: str, destination: str) -> None:
        """See `OperatorDesk.resume`."""

        def unit(uow: UnitOfWork) -> None:
            if not uow.interventions.resume(destination):
                raise Conflict("conflict.not_paused", destination=destination)
            self._note(uow, EventKind.QUEUE_RESUMED, by=by, destination=destination)

        await self._desk.store.transact(unit)

    def _known(self, uow: UnitOfWork, destination: str) -> None:
        """A gateway of the registry, or whatever work waits for: a name that was mistyped would pause nothing."""
        names = {*self._desk.directory.current().gateways, TIMESTAMP_ROAD}
        if GatewayId(destination) not in names | {one.destination.name for one in uow.work.backlog()}:
            raise NotFound("not_found")

    # --- again -------------------------------------------------------------------------------------------------------

    async def retry(self, by: str, subject: str) -> int:
        """See `OperatorDesk.retry`."""

        def unit(uow: UnitOfWork) -> int:
            document, transfers = _looked_for(uow, subject)
            if document is not None and document.state is DocumentState.HELD:
                self._release.let_go(uow, document, by=by)
                return 1
            given_up = redrive(uow, {subject, *(one.slip.transfer for one in transfers)}, self._desk)
            given_up += redrive_timestamps(uow, subject, document, self._desk, by=by)
            if document is None and not given_up:
                raise NotFound("not_found")
            tried = self._all_again(uow, document, transfers, by) if document is not None else 0
            if document is not None and not (given_up or tried) and is_final(document.state):
                raise Conflict("conflict.state", state=_states(document, transfers))
            self._note(uow, EventKind.QUEUE_RETRIED, by=by, subject=subject)
            return given_up + tried or 1

        return await self._desk.store.transact(unit)

    def _all_again(self, uow: UnitOfWork, document: Document, transfers: Sequence[Transfer], by: str) -> int:
        """What has not ended of a document, tried now; how many transfers."""
        again = [one for one in transfers if not is_final(one.state)]
        if not is_final(document.state):
            uow.work.add(step_of(document, self._desk.clock.now()))
        for transfer in again:
            self._again(uow, transfer, document, by)
        return len(again)

    def _again(self, uow: UnitOfWork, transfer: Transfer, document: Document, by: str) -> None:
        """Due now, on a road that is asked now; what was given up goes on as after a release."""
        if transfer.state is TransferState.HELD:
            self._release.let_transfer_go(uow, transfer, by=by)
        else:
            uow.work.add(replace(attempt_of(transfer, document), due_at=self._desk.clock.now()))
        road = uow.work.destination(transfer.slip.destination)
        if road.not_before is not None:
            uow.work.set_destination(replace(road, not_before=None))

    # --- elsewhere ---------------------------------------------------------------------------------------------------

    async def reroute(self, by: str, subject: str) -> int:
        """See `OperatorDesk.reroute`."""

        def unit(uow: UnitOfWork) -> int:
            delivery = uow.documents.find_delivery(DeliveryKey(subject))
            document, transfers = _found(uow, delivery.document if delivery else subject)
            only = delivery.key if delivery else None
            return self._rerouting.reroute(uow, document, transfers, only=only, by=by)

        return await self._desk.store.transact(unit)

    # --- for good ----------------------------------------------------------------------------------------------------

    async def ask_void(self, by: str, subject: str, reason: str) -> tuple[Request, ...]:
        """See `OperatorDesk.ask_void`."""
        said = said_words(reason)

        def unit(uow: UnitOfWork) -> tuple[Request, ...]:
            document, transfers = _voidable(uow, subject)
            asked = {one.subject: one for one in self._open(uow, transfers)}
            for transfer in transfers:
                if transfer.slip.transfer in asked:
                    continue
                request = Request(
                    action=Action.VOID,
                    subject=transfer.slip.transfer,
                    by=by,
                    reason=said,
                    at=self._desk.clock.now(),
                )
                uow.interventions.ask(request)
                self._told(uow, transfer, document, request)
                asked[request.subject] = request
            return tuple(asked.values())

        return await self._desk.store.transact(unit)

    async def confirm_void(self, by: str, subject: str) -> int:
        """See `OperatorDesk.confirm_void`."""

        def unit(uow: UnitOfWork) -> int:
            document, transfers = _voidable(uow, subject)
            asked = {one.subject: one for one in self._open(uow, transfers)}
            if not asked:
                raise Conflict("conflict.not_asked")
            for transfer in transfers:
                if request := asked.get(transfer.slip.transfer):
                    self._void(uow, transfer, document, request=request, by=by)
            return len(asked)

        return await self._desk.store.transact(unit)

    def _open(self, uow: UnitOfWork, transfers: Sequence[Transfer]) -> tuple[Request, ...]:
        """What was asked for about these, not longer ago than a second person has."""
        keys = [transfer.slip.transfer for transfer in transfers]
        since = self._desk.clock.now() - SECOND_PERSON
        return tuple(one for one in uow.interventions.asked(Action.VOID, keys) if one.at >= since)

    def _void(self, uow: UnitOfWork, transfer: Transfer, document: Document, *, request: Request, by: str) -> None:
        if by == request.by:
            raise Conflict("conflict.same_person", name=by)
        now = self._desk.clock.now()
        try:
            uow.work.withdraw(attempt_of(transfer, document), now)
        except StaleStateError:
            raise Conflict("conflict.at_work") from None
        uow.interventions.settle(request.action, request.subject)
        state = advance(transfer.state, TransferState.VOID)
        done = replace(transfer, state=state, reason="delivery.void", changed_at=now)
        uow.transfers.advance(done, was=transfer.state)
        self._told(uow, done, document, request, confirmed=by)
        owe_notice(uow, done.slip, now)

    def _told(
        self, uow: UnitOfWork, transfer: Transfer, document: Document, request: Request, *, confirmed: str = ""
    ) -> None:
        """The leaf of each delivery: asked, or (`confirmed`: by whom) void."""
        deliveries = uow.documents.deliveries(document.key, transfer.slip.transfer)
        told = [self._delivery(uow, one, document, request, confirmed=confirmed) for one in deliveries]
        uow.documents.advance_deliveries(told, was={one.key: one.state for one in deliveries})

    def _delivery(
        self, uow: UnitOfWork, delivery: Delivery, document: Document, request: Request, *, confirmed: str
    ) -> Delivery:
        now, kind = self._desk.clock.now(), EventKind.VOID if confirmed else EventKind.VOID_ASKED
        private = {
            "asked": request.by,
            "reason": request.reason,
            "to": delivery.recipient,
            "transfer": delivery.transfer or "",
            **({"code": "delivery.void", "confirmed": confirmed} if confirmed else {}),
        }
        leaf = self._desk.journal.record(uow, of_delivery(kind, delivery, document.sender, at=now, private=private))
        if not confirmed:
            return replace(delivery, last_leaf=leaf)
        state = advance(delivery.state, DeliveryState.VOID)
        return replace(delivery, state=state, reason="delivery.void", changed_at=now, last_leaf=leaf)

    def _note(self, uow: UnitOfWork, kind: EventKind, **private: str) -> None:
        """A leaf of the installation itself."""
        event = of_gateway(kind, self._desk.own, at=self._desk.clock.now(), private=private)
        self._desk.journal.record(uow, event)


def _found(uow: UnitOfWork, subject: str) -> tuple[Document, tuple[Transfer, ...]]:
    """A document and all of its transfers, by its key; or one transfer of it, by that one's.

    The document stays as it is until the unit ends: who acts on it at the same time comes after, and sees what was done.
    """
    document, transfers = _looked_for(uow, subject)
    if document is None:
        raise NotFound("not_found")
    return document, transfers


def _looked_for(uow: UnitOfWork, subject: str) -> tuple[Document | None, tuple[Transfer, ...]]:
    transfer = uow.transfers.find(TransferKey(subject))
    document = uow.documents.find(transfer.document if transfer else DocumentKey(subject))
    if document is None:
        return None, ()
    return document, (transfer,) if transfer else uow.transfers.of_document(document.key)


def _voidable(uow: UnitOfWork, subject: str) -> tuple[Document, tuple[Transfer, ...]]:
    document, transfers = _found(uow, subject)
    left = tuple(one for one in transfers if one.state in VOIDABLE)
    if not left:
        raise Conflict("conflict.state", state=_states(document, transfers))
    return document, left


def _states(document: Document, transfers: Sequence[Transfer]) -> str:
    return ", ".join(sorted({one.state.value for one in transfers})) or document.state.value
