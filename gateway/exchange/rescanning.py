"""Rescanning: a document that is held because nothing is known of its files goes on by itself when something is.

    accepted ──not scanned──> held, and due here ──scanned──> accepted: its first step scans it again, and judges it
                                 │  └──the scanner is away──> waits with all the others for the scanner
                                 └──it never gets through──> a dead letter; still held, until somebody releases it

The item is written in the unit that holds the document, so no power cut comes between the two. Whoever releases or recalls the
document takes it away, and where it is just at work it finds nothing to do. That the files are scanned once more by the
document's own step costs a second look at what was held, and keeps one place that decides.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.ids import DocumentKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import REASON_CHARS_MAX, STEP_ATTEMPTS_MAX
from gateway.core.model import Document
from gateway.core.states import DocumentState
from gateway.core.work import SCANNER_ROAD, Claim, Destination, RoadReport
from gateway.exchange.desk import Desk
from gateway.exchange.release import BY_ITSELF, Release
from gateway.exchange.roads import Backoff, close_road
from gateway.exchange.scanning import AWAY, NOT_SCANNED, InfectedError, scan_files, waits
from gateway.observe import bound_ids, logger

_log = logger(__name__)


class Rescanning:
    """The conductor of work items of kind `scan`."""

    def __init__(self, *, desk: Desk, backoff: Backoff) -> None:
        self._desk = desk
        self._backoff = backoff
        self._release: Final = Release(desk=desk)

    async def handle(self, claim: Claim) -> RoadReport:
        """Show the files to the scanner; what it says of them is the document's own step to act on."""
        key = DocumentKey(claim.item.subject)
        document = await self._desk.store.read(lambda uow: uow.documents.find(key))
        if document is None or not waits(document):
            await self._desk.store.transact(lambda uow: uow.work.finish(claim))
            return RoadReport.NEUTRAL
        with bound_ids(document=document.key, trace_id=document.trace_id):
            try:
                await scan_files(self._desk, document.attachments)
            except InfectedError:
                _log.warning("scan.infected")  # it is refused by its own step, which finds the same
            except SiteError as error:
                if error.code not in NOT_SCANNED:
                    raise
                return await self._again(claim, error)
            await self._desk.store.transact(lambda uow: self._go_on(uow, claim))
        return RoadReport.GOOD

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing is to be written: the document is held, and stays so until it is released; the dead letter says why."""

    # --- what follows ------------------------------------------------------------------------------------------------

    def _go_on(self, uow: UnitOfWork, claim: Claim) -> None:
        uow.work.finish(claim)
        uow.work.set_destination(Destination(name=SCANNER_ROAD))
        document = uow.documents.find(DocumentKey(claim.item.subject))
        if document is not None and waits(document):
            self._release.let_go(uow, document, by=BY_ITSELF)

    async def _again(self, claim: Claim, error: SiteError) -> RoadReport:
        """Give the lease back. A scanner that is away is nobody's fault; a file that it never gets through is its own."""
        away = error.code == AWAY

        def unit(uow: UnitOfWork) -> bool:
            now = self._desk.clock.now()
            document = uow.documents.find(DocumentKey(claim.item.subject))
            if document is None or not waits(document):  # released or recalled while it was shown to the scanner
                uow.work.finish(claim)
                return False
            self._tell(uow, document, error.code, _params(error))
            if away:
                close_road(uow, SCANNER_ROAD, now, self._backoff)
                uow.work.postpone(claim, now)
                return False
            uow.work.set_destination(Destination(name=SCANNER_ROAD))
            attempts = claim.item.attempts + 1
            if attempts >= STEP_ATTEMPTS_MAX:
                uow.work.bury(claim, str(error)[:REASON_CHARS_MAX], now)
                return True
            uow.work.postpone(claim, now + timedelta(seconds=self._backoff(attempts)), failed=True)
            return False

        dead = await self._desk.store.transact(unit)
        _log.warning("scan.given_up" if dead else "scan.waits", code=error.code, why=str(error))
        return RoadReport.BAD if away else RoadReport.GOOD

    def _tell(self, uow: UnitOfWork, document: Document, code: str, params: tuple[tuple[str, str], ...]) -> None:
        """Why it is still held, everybody who looks at it sees."""
        uow.documents.advance(replace(document, reason=code, reason_params=params), was=DocumentState.HELD)


def _params(error: SiteError) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)[:REASON_CHARS_MAX]) for name, value in error.params.items())
