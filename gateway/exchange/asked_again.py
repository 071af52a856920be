"""How the small talk between gateways is repeated: what is the road's is the road's, what is one item's is its own."""

from collections.abc import Callable
from datetime import timedelta

from gateway.core.carrying import Indeterminate, TransferRefused, TryLater, Unreachable
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.work import Claim, Destination, RoadReport
from gateway.exchange.desk import Desk

Failed = TryLater | TransferRefused | Unreachable | Indeterminate
Backoff = Callable[[int], float]
"""Seconds to wait after this many failures in a row."""


async def again_later(claim: Claim, peer: GatewayId, result: Failed, *, desk: Desk, backoff: Backoff) -> RoadReport:
    """Give the item back. It is never given up: what it says has to be said, however late."""
    road = not isinstance(result, Indeterminate | TransferRefused) and getattr(result, "road", True)
    after = result.after if isinstance(result, TryLater) else None

    def unit(uow: UnitOfWork) -> None:
        now = desk.clock.now()
        state = uow.work.destination(peer)
        if not road:
            wait = after if after is not None else backoff(claim.item.attempts)
            uow.work.postpone(claim, now + timedelta(seconds=wait), failed=True)
            return
        if state.not_before is None or state.not_before <= now:
            wait = after if after is not None else backoff(state.failures)
            until = now + timedelta(seconds=wait)
            uow.work.set_destination(Destination(name=peer, failures=state.failures + 1, not_before=until))
        uow.work.postpone(claim, now)

    await desk.store.transact(unit)
    return RoadReport.BAD if road else RoadReport.NEUTRAL
