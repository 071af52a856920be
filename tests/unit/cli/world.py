"""The command line against a real office API over TLS; and terminals that keep what was printed."""

import asyncio
import io
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web
from rich.console import Console

from gateway.api import ApiParts, OfficeRunner, build_app
from gateway.cli import main
from gateway.cli.output import Terminal
from gateway.cli.stdin import StandardInput
from gateway.core.ids import DeliveryKey, DocumentKey, OrganId
from gateway.core.model import Delivery
from gateway.core.ports import Blobs
from gateway.core.principal import Principal
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState
from gateway.exchange import DeliveryPage, DocumentView
from gateway.storage import open_uploads
from tests.kit.clock import ManualClock
from tests.kit.desks import MemoryDesks
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.peer_tls import Authority
from tests.kit.rate_limits import wide_open
from tests.unit.api.world import PARTY, WARD, Keys

NAME = "gateway.test"
LETTER = (
    *("--from", PARTY, "--to", WARD, "--number", "12", "--notation", "CV/VPTU"),
    *("--subject", "Về việc chuẩn bị hội nghị", "--place", "Thành phố Hồ Chí Minh", "--date", "21/11/2026"),
)


class WalkingDesks(MemoryDesks):
    """A submitted document is under way at the first look, and arrived (or stopped) at the next."""

    ending = DeliveryState.DELIVERED
    stopped: str = ""

    def __init__(self, *, blobs: Blobs) -> None:
        super().__init__(blobs=blobs)
        self.answers: dict[OrganId, tuple[BusinessStatus, str]] = {}
        """What recipients said of the document."""

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        view = await super().document(principal, key)
        self.looks = getattr(self, "looks", 0) + 1
        if self.stopped:
            held = replace(view.document, state=DocumentState.HELD, reason=self.stopped)
            return replace(view, document=held, counts={}, total=0)
        if self.looks < 2:
            return view
        return replace(view, counts={self.ending: view.total})

    async def deliveries(
        self, principal: Principal, key: DocumentKey, *, after: DeliveryKey | None, limit: int
    ) -> DeliveryPage:
        page = await super().deliveries(principal, key, after=after, limit=limit)
        return replace(page, deliveries=tuple(map(self._answered, page.deliveries)))

    def _answered(self, row: Delivery) -> Delivery:
        status, words = self.answers.get(row.recipient, (row.business_status, ""))
        return replace(row, state=self.ending, business_status=status, business_description=words)


@dataclass(frozen=True, kw_only=True)
class Office:
    """A running API and how to reach it."""

    url: str
    ca: Path
    desks: WalkingDesks
    keys: Keys

    async def run(self, *line: str) -> int:
        """One command, in a thread: it brings its own event loop."""
        reach = ("--url", self.url, "--ca", str(self.ca), "--tls-name", NAME)
        return await asyncio.to_thread(main, [*reach, *line])


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    (folder / "tls").mkdir()
    authority = Authority(folder / "tls")
    identity = authority.issue(NAME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.files)
    blobs = FolderBlobs(folder / "blobs")
    desks = WalkingDesks(blobs=blobs)
    desks.register(PARTY, "Văn phòng Thành ủy")
    keys = Keys()
    parts = ApiParts(
        submission=desks,
        queries=desks,
        statuses=desks,
        releases=desks,
        recalls=desks,
        amendments=desks,
        events=desks,
        authenticator=keys,
        rate_limiter=wide_open(),
        blobs=blobs,
        entropy=secrets.token_bytes,
        uploads=open_uploads(folder, clock=ManualClock()),
    )
    runner = OfficeRunner(build_app(parts), shutdown_seconds=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield Office(url=f"https://127.0.0.1:{runner.addresses[0][1]}", ca=authority.file, desks=desks, keys=keys)
    finally:
        await runner.cleanup()


class Keyboard(io.TextIOWrapper):
    """Standard input that a person types into."""

    def isatty(self) -> bool:
        return True


def stdin(
    monkeypatch: pytest.MonkeyPatch, data: bytes = b"", *, tty: bool = False, may_ask: bool = False
) -> StandardInput:
    """Standard input with these bytes."""
    kind = Keyboard if tty else io.TextIOWrapper
    monkeypatch.setattr("sys.stdin", kind(io.BytesIO(data), encoding="utf-8"))
    return StandardInput(replace(terminal(), may_ask=may_ask))


def terminal(
    language: str = "vi", *, as_json: bool = False, tty: bool = False, width: int = 200, verbose: bool = False
) -> Terminal:
    """A terminal in memory."""

    def console() -> Console:
        return Console(
            file=io.StringIO(),
            force_terminal=tty,
            width=width,
            highlight=False,
            markup=False,
            emoji=False,
            no_color=True,
        )

    return Terminal(language=language, json=as_json, out=console(), talk=console(), verbose=verbose)


def printed(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()
