"""Skipped numbers: after a restore our streams go on beyond all that was given before, and who receives them is told so.

Between the last number that our database knows and the first that it gives now may lie numbers that it gave and forgot. They
came, or they will never come: the notice (docs/PROTOCOL.md section 6a) says that nobody is to wait for them.
"""

from collections.abc import Callable, Sequence
from typing import Final

from gateway.core.carrying import Told
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.order import GapNotice
from gateway.core.ports import Signer, Transport
from gateway.core.restore_limits import RESYNC_PAGE_TRANSFERS
from gateway.core.resync import Skipped, SkippedPlace
from gateway.core.work import Claim, RoadReport
from gateway.exchange.desk import Desk
from gateway.exchange.gaps import write_notice
from gateway.exchange.roads import Roads
from gateway.observe import logger

_log = logger(__name__)
_START: Final[SkippedPlace] = ("", "", 0)


class SkippedNumbers:
    """The conductor of work items of kind `skipped`: one for each destination. How far it is, is not worth a row."""

    def __init__(
        self, *, desk: Desk, signer: Signer, transports: Callable[[GatewayId], Transport], roads: Roads
    ) -> None:
        self._desk = desk
        self._signer = signer
        self._transports = transports
        self._roads = roads
        self._told: dict[GatewayId, tuple[int, SkippedPlace]] = {}
        """How far each was told, since which restore of its own: a peer that goes back forgets what it heard."""

    async def handle(self, claim: Claim) -> RoadReport:
        """One notice, about streams of one sender; due again at once while there are more."""
        desk, peer = self._desk, GatewayId(claim.item.subject)
        restored, page = await desk.store.read(lambda uow: self._page(uow, peer))
        if not page:
            await desk.store.transact(lambda uow: uow.work.finish(claim))
            self._told.pop(peer, None)
            return RoadReport.NEUTRAL
        some = [one for one in page if one.sender == page[0].sender]
        result = await self._transports(peer).tell(peer, await self._notice(peer, some))
        if not isinstance(result, Told):
            return await self._roads.again_later(claim, peer, result)
        last = some[-1]
        self._told[peer] = (restored, (last.sender, last.gap.recipient, last.gap.first))
        _log.info("skipped.told", peer=peer, streams=len(some))
        await desk.store.transact(lambda uow: uow.work.postpone(claim, desk.clock.now()))
        return RoadReport.GOOD

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing moves here: the other side waits for as long as it waits for anything, and then goes on."""

    def _page(self, uow: UnitOfWork, peer: GatewayId) -> tuple[int, tuple[Skipped, ...]]:
        restored = uow.resyncs.restored(peer)
        heard, place = self._told.get(peer, (restored, _START))
        after = place if heard == restored else _START
        return restored, uow.resyncs.skipped(peer, after, RESYNC_PAGE_TRANSFERS)

    async def _notice(self, peer: GatewayId, some: Sequence[Skipped]) -> bytes:
        notice = GapNotice(
            transfer=TransferKey(self._desk.new_key()),
            origin=self._desk.own,
            destination=peer,
            sender=some[0].sender,
            issued_at=self._desk.clock.now(),
            gaps=tuple(one.gap for one in some),
        )
        return await write_notice(notice, self._signer)
