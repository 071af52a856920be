"""The client against servers that are wrong, slow, dead or liars, on real TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest

from gateway.core import limits
from gateway.core.carrying import Answered, CarryResult, Indeterminate, Unknown, Unreachable
from gateway.core.ids import Digest
from gateway.exchange import ReceiptForm
from gateway.peer import PeerTransport
from gateway.peer.client import _Body
from tests.kit.loopback import Loopback
from tests.kit.peer_tls import CLIENT, Authority, Identity, Order, client_context, server_context
from tests.kit.peer_world import ENVELOPE, World, peer_world
from tests.kit.transport import GOVERNMENT, PARTY, LiveDirectory, make_slip, make_snapshot, make_transfer

TRANSFER = make_transfer(make_slip(ENVELOPE))
NOBODY = Digest("00" * 32)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with peer_world(tmp_path) as running:
        yield running


async def carry(world: World, number: int = 1) -> CarryResult:
    return await world.transport.carry(make_transfer(make_slip(ENVELOPE, number=number)), world.envelope)


# --- pins --------------------------------------------------------------------------------------------------------------


async def test_a_server_with_another_key_of_the_same_authority_gets_no_byte_of_the_request(world: World) -> None:
    world.pin(destination=(NOBODY,))
    assert await carry(world) == Unreachable("WrongKeyError")
    assert await world.transport.inquire(TRANSFER) == Unreachable("WrongKeyError")
    handshakes = world.relay.sent
    assert world.desk.admitted == []
    # What the relay saw are two handshakes: far less than the envelope, and the server never saw a request.
    assert handshakes < 10_000 < len(ENVELOPE)


async def test_a_server_that_is_another_pinned_gateway_is_not_the_one_we_meant(tmp_path: Path) -> None:
    """It holds a certificate with both names, so TLS and its own pin are content: only the registry tells them apart."""
    authority = Authority(tmp_path)
    impostor = authority.issue(Order(name=PARTY, other_names=(GOVERNMENT,)))
    async with peer_world(tmp_path, authority=authority, server=server_context(authority, impostor)) as world:
        world.pin(origin=(world.origin.pin, impostor.pin))
        assert await carry(world) == Unreachable("WrongKeyError")
        assert world.desk.admitted == []


async def test_a_key_removed_while_the_connection_is_kept_gets_nothing_more(world: World) -> None:
    assert isinstance(await carry(world), Answered)
    sent = world.relay.sent
    world.pin(destination=(NOBODY,))
    assert await carry(world, 2) == Unreachable("WrongKeyError")
    assert len(world.desk.received) == 1
    assert world.relay.sent - sent < 5_000


async def test_connections_are_kept_within_an_edition_and_replaced_with_the_next(world: World) -> None:
    for number in (1, 2, 3):
        assert isinstance(await carry(world, number), Answered)
    assert world.relay.connections == 1
    world.pin()
    for number in (4, 5):
        assert isinstance(await carry(world, number), Answered)
    assert world.relay.connections == 2


async def test_a_body_ends_with_its_last_byte() -> None:
    """An answer that comes while the end of the file is asked for would cost the connection, and the next one a handshake."""

    class File(BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            return super().read(size)

    for data, reads in ((b"", 0), (b"envelope", 1)):
        file = File(data)
        assert [chunk async for chunk in _Body(line=b"slip", file=file, size=len(data)).chunks()] == [b"slip", data][
            : 1 + reads
        ]
        assert file.reads == reads


async def test_many_idle_connections_of_an_older_edition_are_all_replaced(world: World) -> None:
    await asyncio.gather(*(carry(world, number) for number in range(1, 9)))
    world.pin()
    before = world.relay.connections
    results = await asyncio.gather(*(carry(world, number) for number in range(11, 19)))
    assert all(isinstance(result, Answered) for result in results)
    assert world.relay.connections > before


async def test_never_more_connections_than_the_window(world: World) -> None:
    results = await asyncio.gather(*(carry(world, number) for number in range(1, 2 * limits.WINDOW_MAX)))
    assert all(isinstance(result, Answered) for result in results)
    assert world.relay.connections <= limits.WINDOW_MAX


async def test_an_unpinned_client_is_told_so_and_calls_it_unreachable(world: World) -> None:
    world.pin(origin=(NOBODY,))
    assert await carry(world) == Unreachable("peer.unpinned")
    assert await world.transport.inquire(TRANSFER) == Unreachable("peer.unpinned")
    world.pin()
    assert isinstance(await carry(world), Answered)


@pytest.mark.parametrize(
    "case", ["other authority", "expired", "not yet valid", "client only", "other name", "tls 1.2"]
)
async def test_servers_whose_handshake_fails_are_unreachable(tmp_path: Path, case: str) -> None:
    authority = Authority(tmp_path)
    good = authority.issue(GOVERNMENT)
    identity = {
        "other authority": lambda: Authority(tmp_path, "Other CA").issue(GOVERNMENT, key=good.key),
        "expired": lambda: authority.issue(Order(name=GOVERNMENT).expired(), key=good.key),
        "not yet valid": lambda: authority.issue(Order(name=GOVERNMENT).not_yet_valid(), key=good.key),
        "client only": lambda: authority.issue(Order(name=GOVERNMENT, usages=(CLIENT,)), key=good.key),
        "other name": lambda: authority.issue("other.example", key=good.key),
        "tls 1.2": lambda: good,
        "unpinned": lambda: authority.issue(GOVERNMENT),
    }[case]()
    server = server_context(authority, identity)
    if case == "tls 1.2":
        server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_2
    async with _liar(tmp_path, authority, good, b"", context=server) as (transport, seen):
        assert isinstance(await transport.carry(TRANSFER, tmp_path / "envelope"), Unreachable)
        assert isinstance(await transport.inquire(TRANSFER), Unreachable)
    assert seen == []


async def test_a_client_certificate_refused_in_the_handshake_looks_like_a_lost_answer(tmp_path: Path) -> None:
    """TLS 1.3: we may write before the server has looked at our certificate (docs/PROTOCOL.md section 3)."""
    stranger = Authority(tmp_path, "Other CA").issue(PARTY)
    async with peer_world(tmp_path) as world:
        tls = client_context(world.authority, stranger)
        async with PeerTransport(
            directory=world.directory, ssl_context=tls, own=PARTY, entropy=lambda size: b"\1" * size
        ) as transport:
            assert isinstance(await transport.carry(TRANSFER, world.envelope), Indeterminate)
            assert isinstance(await transport.inquire(TRANSFER), Indeterminate)
        assert world.desk.admitted == []


def test_weak_tls_is_our_own_mistake(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def open_with(context: ssl.SSLContext) -> None:
        PeerTransport(directory=LiveDirectory(make_snapshot({})), ssl_context=context, own=PARTY, entropy=bytes)

    context = client_context(authority, authority.issue(PARTY))
    context.check_hostname = False
    with pytest.raises(AssertionError):
        asyncio.run(open_with(context))
    context = client_context(authority, authority.issue(PARTY))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(AssertionError):
        asyncio.run(open_with(context))


# --- answers that are lost or lie --------------------------------------------------------------------------------------


@asynccontextmanager
async def _liar(
    folder: Path, authority: Authority, identity: Identity, reply: bytes, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[PeerTransport, list[bytes]]]:
    """A client, and a TLS server that reads a while, answers these bytes whatever was asked, and hangs up."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        if head.startswith(b"POST"):
            await reader.readexactly(len(ENVELOPE))
        writer.write(reply)

    server = Loopback(serve, context=context or server_context(authority, identity))
    await server.start()
    directory = LiveDirectory(make_snapshot({GOVERNMENT: (f"https://127.0.0.1:{server.port}", (identity.pin,))}))
    (folder / "envelope").write_bytes(ENVELOPE)
    tls = client_context(authority, authority.issue(PARTY))
    async with PeerTransport(
        directory=directory, ssl_context=tls, own=PARTY, entropy=lambda size: b"\1" * size
    ) as transport:
        try:
            yield transport, seen
        finally:
            await server.close()


ANSWERS = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half a receipt": b"HTTP/1.1 200 OK\r\nContent-Type: application/jose\r\nContent-Length: 90\r\n\r\neyJ.e30.AA",
    "no HTTP": b"\x00\x01\x02 nonsense\r\n\r\n",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
    "redirect": b"HTTP/1.1 307 Temporary\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "gateway page": b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
    "not found page": b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
    "endless": b"HTTP/1.1 200 OK\r\nContent-Type: application/jose\r\n\r\na.b."
    + b"c" * (limits.RECEIPT_BYTES_MAX + 10),
    "inflated": b"HTTP/1.1 200 OK\r\nContent-Type: application/jose\r\nContent-Encoding: gzip\r\n"
    b"Content-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("answer", sorted(ANSWERS))
async def test_what_is_no_complete_answer_is_indeterminate(tmp_path: Path, answer: str) -> None:
    authority = Authority(tmp_path)
    async with _liar(tmp_path, authority, authority.issue(GOVERNMENT), ANSWERS[answer]) as (transport, seen):
        assert isinstance(await transport.carry(TRANSFER, tmp_path / "envelope"), Indeterminate)
        assert seen[0].startswith(f"POST /peer/v1/transfers/{TRANSFER.slip.transfer} HTTP/1.1\r\n".encode())
        assert isinstance(await transport.inquire(TRANSFER), Indeterminate)


async def test_what_the_request_says_of_itself(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with _liar(tmp_path, authority, authority.issue(GOVERNMENT), b"") as (transport, seen):
        await transport.carry(TRANSFER, tmp_path / "envelope")
    head = seen[0].decode().lower()
    assert "content-type: application/vnd.edoc.transfer; version=1\r\n" in head
    assert "content-digest: sha-256=:" in head
    assert "content-encoding" not in head
    assert "transfer-encoding" not in head
    assert f"traceparent: 00-{TRANSFER.slip.transfer.replace('-', '')}-0101010101010101-01\r\n" in head


async def test_an_answer_that_does_not_come_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSFER_SECONDS_MAX", 0.3)
    stuck = asyncio.Event()

    async def wait_for_ever(*_: object, **__: object) -> bytes:
        await stuck.wait()
        return b"a.b.c"

    monkeypatch.setattr(world.desk, "receive", wait_for_ever)
    async with PeerTransport(
        directory=world.directory,
        ssl_context=world.client_tls(world.origin),
        own=PARTY,
        entropy=lambda size: b"\1" * size,
    ) as transport:
        assert await transport.carry(TRANSFER, world.envelope) == Indeterminate("TimeoutError")
        stuck.set()


async def test_a_peer_that_accepts_but_does_not_speak_tls_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_SECONDS_MAX", 0.3)
    authority = Authority(tmp_path)
    party = authority.issue(PARTY)
    (tmp_path / "envelope").write_bytes(ENVELOPE)

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = Loopback(silence)
    await server.start()
    directory = LiveDirectory(make_snapshot({GOVERNMENT: (f"https://127.0.0.1:{server.port}", (party.pin,))}))
    async with PeerTransport(
        directory=directory, ssl_context=client_context(authority, party), own=PARTY, entropy=bytes
    ) as transport:
        assert isinstance(await transport.carry(TRANSFER, tmp_path / "envelope"), Unreachable)
        assert isinstance(await transport.inquire(TRANSFER), Unreachable)
    await server.close()


async def test_an_answer_lost_after_storing_can_be_asked_for_or_repeated(world: World) -> None:
    world.desk.after_store = world.relay.drop
    assert isinstance(await carry(world), Indeterminate)
    receipt = world.desk.answers[TRANSFER.slip.transfer]
    world.desk.after_store = lambda: None
    assert await world.transport.inquire(TRANSFER) == Answered(receipt)
    assert await carry(world) == Answered(receipt)
    assert len(world.desk.received) == 1


async def test_a_body_cut_on_the_way_is_indeterminate_and_left_nothing(world: World) -> None:
    world.desk.before_read = world.relay.drop
    assert isinstance(await carry(world), Indeterminate)
    assert await world.transport.inquire(TRANSFER) == Unknown()
    assert world.blobs.names() == []
    world.desk.before_read = lambda: None
    assert isinstance(await carry(world), Answered)


# --- forms of receipts -------------------------------------------------------------------------------------------------


async def test_the_client_says_that_it_reads_the_second_form(world: World) -> None:
    assert isinstance(await carry(world), Answered)
    await world.transport.inquire(make_transfer(make_slip(ENVELOPE, number=1)))
    assert world.desk.forms == [ReceiptForm.SECOND, ReceiptForm.SECOND]


async def test_a_client_of_before_does_not_say_so_and_gets_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp's own `Accept: */*` is what the gateways of version 1 send."""
    monkeypatch.delitem(world.transport._session._default_headers, "Accept")
    assert isinstance(await carry(world), Answered)
    await world.transport.inquire(make_transfer(make_slip(ENVELOPE, number=1)))
    assert world.desk.forms == [ReceiptForm.FIRST, ReceiptForm.FIRST]
