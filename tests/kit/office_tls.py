"""A real office API over real TLS on a shared listener, with a real authenticator over the tables in memory."""

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.access import Share, SharedListener, StoredAuthenticator, make_key, open_listener
from gateway.api import ApiParts, build_app, listen
from gateway.audit import sequence
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import OrganId
from gateway.core.ports import RateLimiter
from gateway.core.principal import Scope
from gateway.crypto import client_certificate, office_context
from gateway.http import Runner
from gateway.observe import SystemClock
from gateway.storage import MemoryStore, open_memory, open_uploads
from tests.kit.clock import ManualClock
from tests.kit.desks import MemoryDesks
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.peer_tls import Authority, Identity
from tests.kit.rate_limits import wide_open

PARTY = OrganId("Z79.00.01")
NAME = "office-api.test"


@dataclass
class TlsOffice:
    """The running API, and what its operator can do."""

    port: int
    clock: ManualClock
    store: MemoryStore
    servers: Authority
    offices: Authority
    listener: SharedListener
    runner: Runner

    async def pin(self, *identities: Identity, **granted: Any) -> None:
        """These certificates and no others are known."""
        known: dict[str, Any] = {
            "name": "Trục nội bộ",
            "organs": frozenset({PARTY}),
            "scopes": frozenset({Scope.READ}),
            "expires_at": None,
            "revoked_at": None,
        }
        rows = [PinnedCertificate(pin=one.pin, **(known | granted)) for one in identities]
        await self.store.transact(lambda uow: uow.access.declare_certificates(rows, self.clock.now()))

    async def key(self, **granted: Any) -> str:
        """One key, and no others, is known."""
        shown, row = make_key(name="QLVB", organs=[PARTY], scopes=list(Scope), entropy=secrets.token_bytes)
        known = {name: getattr(row, name) for name in ApiKey.__slots__}
        await self.store.transact(lambda uow: uow.access.declare([ApiKey(**(known | granted))], self.clock.now()))
        return shown

    def tls(self, identity: Identity | None = None) -> ssl.SSLContext:
        """A caller's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.servers.file)
        if identity is not None:
            context.load_cert_chain(*identity.files)
        return context

    @asynccontextmanager
    async def session(self, identity: Identity | None = None, *, source: str = "127.0.0.1") -> AsyncIterator[Any]:
        """Asks `/me` on one kept connection: `await ask(key)` gives status and members."""
        connector = aiohttp.TCPConnector(ssl=self.tls(identity), local_addr=(source, 0), limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(key: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
                if key is not None:
                    headers["Authorization"] = f"Bearer {key}"
                url = f"https://127.0.0.1:{self.port}/api/v1/me"
                async with session.get(url, headers=headers, server_hostname=NAME) as answer:
                    return answer.status, await answer.json(content_type=None)

            yield ask


@asynccontextmanager
async def tls_office(
    folder: Path,
    *,
    demo: bool = False,
    share: int = 64,
    strangers: int = 500,
    rate_limiter: RateLimiter | None = None,
    anchored: bool = True,
) -> AsyncIterator[TlsOffice]:
    """Open for as long as the context lasts; the clock begins at the real time, since TLS looks at that."""
    for name in ("servers", "offices", "blobs"):
        (folder / name).mkdir()
    servers, offices = Authority(folder / "servers", "Servers CA"), Authority(folder / "offices", "Offices CA")
    certificate, key = servers.issue(NAME).files
    key.chmod(0o600)
    clock, store, blobs = ManualClock(datetime.now(UTC)), open_memory(sequencer=sequence), FolderBlobs(folder / "blobs")
    desks = MemoryDesks(blobs=blobs)
    parts = ApiParts(
        submission=desks,
        queries=desks,
        statuses=desks,
        releases=desks,
        recalls=desks,
        amendments=desks,
        events=desks,
        authenticator=StoredAuthenticator(
            store=store, clock=clock, read_certificate=partial(client_certificate, demo=demo)
        ),
        rate_limiter=rate_limiter or wide_open(),
        blobs=blobs,
        uploads=open_uploads(folder, clock=clock),
        entropy=secrets.token_bytes,
    )
    anchors = (offices.certificate.public_bytes(Encoding.DER),) if anchored else ()
    context = office_context(certificate=certificate, key=key, client_anchors=anchors)
    listener = open_listener("127.0.0.1", 0, share=Share(open=share, strangers=strangers), clock=SystemClock())
    runner = await listen(build_app(parts), sock=listener, ssl_context=context)
    try:
        yield TlsOffice(
            port=listener.getsockname()[1],
            clock=clock,
            store=store,
            servers=servers,
            offices=offices,
            listener=listener,
            runner=runner,
        )
    finally:
        await runner.cleanup()
        await store.close()
