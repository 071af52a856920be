"""Rerouting: what cannot be delivered where it was sent goes where the registry now says.

To another gateway, because the body moved; or to the body that took over, because its code was closed. Only what the registry
in force says, and only when an operator asks: a delivery that a gateway refused may have its reasons. In one unit the old
delivery becomes `rerouted` with its leaf, the old transfer ends, its numbers are passed over on the other side (a gap notice),
and a new transfer with new numbers goes out: the same envelope, byte for byte. The body that took over is not named in its
signed `To`; the receiving gateway takes it because its own registry says the same of the two (docs/PROTOCOL.md section 4.3).

One that was tried may have reached its old place all the same, as with void. What its sender has recalled goes nowhere else: an
office that took a letter back does not expect that somebody gets it for the first time afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from gateway.core.directory import BodyStatus, Snapshot
from gateway.core.errors import Conflict
from gateway.core.events import EventKind
from gateway.core.ids import DeliveryKey, TransferKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.model import Delivery, Document, Transfer
from gateway.core.states import DeliveryState, Evidence, TransferState, advance, is_final
from gateway.exchange.amending import amendment_rerouted
from gateway.exchange.desk import Desk
from gateway.exchange.dispatch import Cause, send
from gateway.exchange.due import attempt_of
from gateway.exchange.gaps import owe_notice
from gateway.exchange.recalls import is_recalled
from gateway.exchange.subjects import of_delivery
from gateway.routing import Plan, Route, active_successor

MOVED: Final = "registry.moved"
"""Rule: the body is at another gateway now, or is known at last."""
SUCCEEDED: Final = "registry.successor"
"""Rule: its code was closed, and this body took over."""

_STATES: Final = frozenset(
    {
        DeliveryState.QUEUED,
        DeliveryState.INDETERMINATE,
        DeliveryState.HELD,
        DeliveryState.REFUSED,
        DeliveryState.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """One delivery and where it goes."""

    delivery: Delivery
    route: Route


class Rerouting:
    """Moves what can be moved of a document, within the caller's unit."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    def reroute(
        self, uow: UnitOfWork, document: Document, transfers: Sequence[Transfer], *, only: DeliveryKey | None, by: str
    ) -> int:
        """How many deliveries of these transfers (and those that no transfer ever carried) were rerouted.

        Raises:
            Conflict: `conflict.no_other_place` when the registry names none; `conflict.recalled`; `conflict.at_work`.
        """
        snapshot = self._desk.directory.current()
        known = {transfer.slip.transfer: transfer for transfer in transfers}
        deliveries = uow.documents.deliveries(document.key)  # first of all, for a recall may be at them
        moves = _moves(deliveries, known, snapshot, only=only)
        if not moves:
            raise Conflict("conflict.no_other_place")
        if is_recalled(uow, deliveries):
            raise Conflict("conflict.recalled")
        now = self._desk.clock.now()
        for key in {one.delivery.transfer for one in moves if one.delivery.transfer}:
            if not is_final(known[key].state):
                self._end(uow, known[key], document)
        moved = [self._moved(uow, one, document, known, by) for one in moves]
        uow.documents.advance_deliveries(moved, was={one.delivery.key: one.delivery.state for one in moves})
        routes = tuple(one.route for one in moves)
        plan = Plan(routes=routes, refusals=(), epoch=snapshot.epoch, at=now)
        leaves = {one.route.recipient: delivery.last_leaf for one, delivery in zip(moves, moved, strict=True)}
        made = send(uow, document, plan, self._desk, cause=Cause(at=now, leaves=leaves))
        uow.documents.add_deliveries([made[route.recipient] for route in routes])
        amendment_rerouted(uow, document, [route.recipient for route in routes], self._desk)
        return len(moves)

    def _end(self, uow: UnitOfWork, transfer: Transfer, document: Document) -> None:
        """The old transfer, which nobody works on any more."""
        now = self._desk.clock.now()
        try:
            uow.work.withdraw(attempt_of(transfer, document), now)
        except StaleStateError:
            raise Conflict("conflict.at_work") from None
        state = advance(transfer.state, TransferState.REROUTED)
        done = replace(transfer, state=state, reason="delivery.rerouted", changed_at=now)
        uow.transfers.advance(done, was=transfer.state)
        owe_notice(uow, transfer.slip, now)

    def _moved(
        self, uow: UnitOfWork, move: _Move, document: Document, known: Mapping[TransferKey, Transfer], by: str
    ) -> Delivery:
        now, old = self._desk.clock.now(), move.delivery
        answer = known[old.transfer].answer if old.transfer else None
        receipt = sha256(answer).hexdigest() if answer is not None and old.evidence is Evidence.RECEIPT else ""
        private = {
            "to": old.recipient,
            "transfer": old.transfer or "",
            "receipt": receipt,
            "successor": move.route.recipient,
            "destination": move.route.destination,
            "rule": move.route.reason,
            "by": by,
        }
        event = of_delivery(EventKind.REROUTED, old, document.sender, at=now, private=private)
        leaf = self._desk.journal.record(uow, event)
        state = advance(old.state, DeliveryState.REROUTED)
        return replace(old, state=state, reason="delivery.rerouted", changed_at=now, last_leaf=leaf)


def _moves(
    deliveries: Sequence[Delivery],
    known: Mapping[TransferKey, Transfer],
    snapshot: Snapshot,
    *,
    only: DeliveryKey | None,
) -> list[_Move]:
    """What can be moved: of a transfer that has not ended, all its deliveries together or none, for its slip never changes."""
    wanted = [one for one in deliveries if only is None or one.key == only]
    served = {one.recipient for one in deliveries if one.state is not DeliveryState.REROUTED}
    routes: dict[DeliveryKey, Route] = {}
    for one in wanted:
        route = _place(one, snapshot) if one.state in _STATES and (not one.transfer or one.transfer in known) else None
        if route is not None and (route.recipient == one.recipient or route.recipient not in served):
            served.add(route.recipient)
            routes[one.key] = route
    whole = {
        key: all(one.key in routes for one in deliveries if one.transfer == key)
        for key, transfer in known.items()
        if not is_final(transfer.state)
    }
    movable = [one for one in wanted if one.key in routes and whole.get(one.transfer or TransferKey(""), True)]
    return [_Move(delivery=one, route=routes[one.key]) for one in movable]


def _place(delivery: Delivery, snapshot: Snapshot) -> Route | None:
    """Where the registry in force would have it now, if that is another place than where it went."""
    body = snapshot.body(delivery.recipient)
    rule = MOVED
    if body is not None and body.status is BodyStatus.CLOSED:
        successor = active_successor(body, snapshot)
        body, rule = snapshot.body(successor) if successor else None, SUCCEEDED
    if body is None or body.status is not BodyStatus.ACTIVE:
        return None
    if (body.organ_id, body.gateway) == (delivery.recipient, delivery.destination):
        return None
    return Route(recipient=body.organ_id, destination=body.gateway, reason=rule)
