"""Two gateways' ends of peer/v1 on loopback: a real server, a real client, and a relay between them that can fail."""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from gateway.access import Share, open_listener
from gateway.core import limits
from gateway.core.ids import Digest
from gateway.peer import PeerTransport, build_peer_app, listen
from gateway.storage import FileUploads, open_uploads
from tests.kit.clock import ManualClock
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.loopback import Loopback
from tests.kit.peer_tls import Authority, Identity, client_context, server_context
from tests.kit.transport import GOVERNMENT, PARTY, LiveDirectory, RecordingDesk, make_snapshot

WHOLE = Share(open=limits.CONNECTIONS_MAX)
ENVELOPE = b"<?xml version='1.0'?>\n" + bytes(range(256)) * 1200


class Relay:
    """Forwards TCP to the server, counts what the client sent, and drops every connection on demand."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.sent = 0
        self.connections = 0
        self._loopback = Loopback(self._serve)
        self.close = self._loopback.close
        self.drop = self._loopback.drop

    async def start(self) -> int:
        await self._loopback.start()
        return self._loopback.port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        self._loopback.adopt(up_writer)
        await asyncio.gather(self._pump(reader, up_writer, count=True), self._pump(up_reader, writer, count=False))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool) -> None:
        try:
            while data := await reader.read(65536):
                self.sent += len(data) if count else 0
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # cut by `drop` or by one of the ends: the other direction follows
        finally:
            writer.close()


@dataclass
class World:
    """One origin and one destination, as tests hold them."""

    authority: Authority
    origin: Identity
    destination: Identity
    directory: LiveDirectory
    desk: RecordingDesk
    blobs: FolderBlobs
    relay: Relay
    transport: PeerTransport
    runner: web.AppRunner
    port: int
    """Of the relay."""
    envelope: Path
    uploads: FileUploads | None

    def pin(self, *, origin: tuple[Digest, ...] | None = None, destination: tuple[Digest, ...] | None = None) -> None:
        """Activate a new edition with these keys (None: as they are by nature)."""
        self.directory.snapshot = make_snapshot(
            {
                PARTY: ("https://127.0.0.1:1", (self.origin.pin,) if origin is None else origin),
                GOVERNMENT: (
                    f"https://127.0.0.1:{self.port}",
                    (self.destination.pin,) if destination is None else destination,
                ),
            },
            epoch=self.directory.snapshot.epoch + 1,
        )

    def client_tls(self, identity: Identity | None) -> ssl.SSLContext:
        return client_context(self.authority, identity)


@asynccontextmanager
async def peer_world(
    folder: Path,
    *,
    authority: Authority | None = None,
    server: ssl.SSLContext | None = None,
    share: Share = WHOLE,
    in_pieces: bool = True,
) -> AsyncIterator[World]:
    """A running pair; `server` replaces the TLS context of the destination, `share` what one address may have of it.

    `in_pieces`: the destination takes large envelopes in pieces.
    """
    authority = authority or Authority(folder)
    origin, destination = authority.issue(PARTY), authority.issue(GOVERNMENT)
    blobs = FolderBlobs(folder / "blobs")
    desk = RecordingDesk(blobs)
    directory = LiveDirectory(make_snapshot({}))
    numbers = itertools.count(1)

    def entropy(size: int) -> bytes:
        return next(numbers).to_bytes(size)

    uploads = open_uploads(folder, clock=ManualClock()) if in_pieces else None
    app = build_peer_app(
        reception=desk, directory=directory, blobs=blobs, own=GOVERNMENT, entropy=entropy, uploads=uploads
    )
    sock = open_listener("127.0.0.1", 0, share=share, clock=ManualClock())
    runner = await listen(app, sock=sock, ssl_context=server or server_context(authority, destination))
    relay = Relay(runner.addresses[0][1])
    port = await relay.start()
    envelope = folder / "envelope.edxml"
    envelope.write_bytes(ENVELOPE)
    tls = client_context(authority, origin)
    async with PeerTransport(directory=directory, ssl_context=tls, own=PARTY, entropy=entropy) as transport:
        world = World(
            authority=authority,
            origin=origin,
            destination=destination,
            directory=directory,
            desk=desk,
            blobs=blobs,
            relay=relay,
            transport=transport,
            runner=runner,
            port=port,
            envelope=envelope,
            uploads=uploads,
        )
        world.pin()
        try:
            yield world
        finally:
            await relay.close()
            await runner.cleanup()
