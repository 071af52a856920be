"""The server against a client that writes every byte by hand."""

import asyncio
import gzip
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from gateway.access import Share, open_listener
from gateway.core import limits
from gateway.core.errors import Conflict, SiteError
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.model import TransferSlip
from gateway.peer import listen
from gateway.peer.wire import encode_slip
from tests.kit.clock import ManualClock
from tests.kit.peer_raw import RawAnswer, RawConnection, headers_for, path_of
from tests.kit.peer_tls import SERVER, Authority, Identity, Order, server_context
from tests.kit.peer_world import ENVELOPE, World, peer_world
from tests.kit.transport import GOVERNMENT, PARTY, make_slip

SLIP = make_slip(ENVELOPE)
BODY = encode_slip(SLIP) + ENVELOPE
PATH = path_of(SLIP)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with peer_world(tmp_path) as running:
        yield running


@pytest.fixture
async def raw(world: World) -> AsyncIterator[RawConnection]:
    async with await RawConnection.open(world.port, world.client_tls(world.origin)) as connection:
        yield connection


def assert_untouched(world: World) -> None:
    assert world.blobs.names() == []
    assert world.desk.received == {}


async def test_a_stranger_who_read_the_protocol_gets_a_receipt_twice(world: World, raw: RawConnection) -> None:
    first = await raw.ask("POST", PATH, headers_for(BODY), BODY)
    assert (first.status, first.headers["content-type"]) == (200, "application/jose")
    assert first.body == world.desk.answers[SLIP.transfer]
    assert (await raw.ask("POST", PATH, headers_for(BODY), BODY)).body == first.body
    assert (await raw.ask("GET", PATH, {})).body == first.body
    assert world.blobs.names() == [SLIP.envelope.digest]


async def test_a_body_in_small_pieces(world: World, raw: RawConnection) -> None:
    raw.send("POST", PATH, headers_for(BODY))
    for start in range(0, 600, 7):
        raw.writer.write(BODY[start : start + 7])
        await raw.writer.drain()
    raw.writer.write(BODY[602:])
    assert (await raw.answer()).status == 200


async def test_every_flipped_byte_is_found_and_nothing_stored(world: World) -> None:
    line = len(encode_slip(SLIP))
    for position in (line, line + len(ENVELOPE) // 2, len(BODY) - 1):
        changed = bytearray(BODY)
        changed[position] ^= 1
        async with await RawConnection.open(world.port, world.client_tls(world.origin)) as raw:
            answer = await raw.ask("POST", PATH, headers_for(BODY), bytes(changed))
        assert (answer.status, answer.code) == (400, "transfer.digest")
        assert_untouched(world)


async def test_a_body_that_is_not_the_slips_envelope(world: World, raw: RawConnection) -> None:
    """The whole agrees with its Content-Digest, the envelope does not agree with the slip."""
    body = encode_slip(SLIP) + ENVELOPE[::-1]
    answer = await raw.ask("POST", PATH, headers_for(body), body)
    assert (answer.status, answer.code) == (400, "transfer.digest")
    assert_untouched(world)


async def test_a_changed_slip_is_found_by_the_digest(world: World, raw: RawConnection) -> None:
    other = encode_slip(replace(SLIP, registry_epoch=8))
    answer = await raw.ask("POST", PATH, headers_for(BODY), other + ENVELOPE)
    assert (answer.status, answer.code) == (400, "transfer.digest")
    assert_untouched(world)


@pytest.mark.parametrize("kept", [0, 20, len(BODY) - 1])
async def test_a_truncated_body_leaves_nothing(world: World, raw: RawConnection, kept: int) -> None:
    raw.send("POST", PATH, headers_for(BODY), BODY[:kept])
    await raw.writer.drain()
    await asyncio.sleep(0.1)
    raw.writer.transport.abort()
    await asyncio.sleep(0.1)
    assert_untouched(world)


async def test_a_body_that_stops_is_cut(world: World, raw: RawConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_IDLE_SECONDS_MAX", 0.2)
    answer = await raw.ask("POST", PATH, headers_for(BODY), BODY[:-1])
    assert (answer.status, answer.code) == (408, "request.timeout")
    assert answer.headers["connection"] == "close"
    assert_untouched(world)


async def test_a_body_that_trickles_is_cut(world: World, raw: RawConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_IDLE_SECONDS_MAX", 0.3)
    monkeypatch.setattr(limits, "BODY_SECONDS_MAX", 0.5)

    async def trickle() -> None:
        raw.send("POST", PATH, headers_for(BODY))
        for index in range(200):
            raw.writer.write(BODY[index : index + 1])
            await asyncio.sleep(0.02)

    task = asyncio.create_task(trickle())
    answer = await raw.answer()
    task.cancel()
    assert (answer.status, answer.code) == (408, "request.timeout")
    assert_untouched(world)


def changed_headers(**changes: str | None) -> dict[str, str]:
    headers = {**headers_for(BODY), **{name.replace("_", "-"): value for name, value in changes.items() if value}}
    return {name: value for name, value in headers.items() if changes.get(name.replace("-", "_"), "") is not None}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (changed_headers(Content_Encoding="gzip"), 415, "request.encoding"),
        (changed_headers(Content_Encoding="identity"), 415, "request.encoding"),
        (changed_headers(Content_Type="application/json"), 415, "request.media_type"),
        (changed_headers(Content_Type=None), 415, "request.media_type"),
        (changed_headers(Content_Type="application/vnd.edoc.transfer; version=2"), 400, "transfer.version"),
        (changed_headers(Content_Digest=None), 400, "transfer.malformed"),
        (changed_headers(Content_Digest="sha-256=:AAAA:"), 400, "transfer.malformed"),
        (changed_headers(Padding="x" * 8_000, Padding2="x" * 8_000, Padding3="x" * 8_000), 431, "size.headers"),
    ],
)
async def test_headers_are_judged_first(
    world: World, raw: RawConnection, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await raw.ask("POST", PATH, headers, BODY)
    assert (answer.status, answer.code) == (status, code)
    assert world.desk.admitted == []
    assert_untouched(world)


async def test_a_bomb_is_refused_by_its_header(raw: RawConnection) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    answer = await raw.ask("POST", PATH, {**headers_for(bomb), "Content-Encoding": "gzip"}, bomb)
    assert (answer.status, answer.code) == (415, "request.encoding")


async def test_chunked_coding_is_refused(world: World, raw: RawConnection) -> None:
    headers = changed_headers(Content_Length=None, Transfer_Encoding="chunked")
    answer = await raw.ask("POST", PATH, headers, b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n")
    assert (answer.status, answer.code) == (400, "transfer.malformed")
    assert_untouched(world)


async def post(raw: RawConnection, slip: TransferSlip, envelope: bytes = ENVELOPE, path: str = PATH) -> RawAnswer:
    body = encode_slip(slip) + envelope
    return await raw.ask("POST", path, headers_for(body), body)


@pytest.mark.parametrize(
    ("slip", "status", "code"),
    [
        (replace(SLIP, origin=GatewayId("other.example")), 403, "peer.foreign_sender"),
        (replace(SLIP, origin=GOVERNMENT), 403, "peer.foreign_sender"),
        (replace(SLIP, destination=PARTY), 421, "transfer.not_ours"),
        (replace(SLIP, sender=OrganId("Z79.FOREIGN")), 403, "peer.foreign_sender"),
        (make_slip(ENVELOPE, number=2), 400, "transfer.malformed"),
        (replace(SLIP, envelope=replace(SLIP.envelope, size=len(ENVELOPE) + 1)), 400, "transfer.malformed"),
        (replace(SLIP, envelope=replace(SLIP.envelope, size=len(ENVELOPE) - 1)), 400, "transfer.malformed"),
        (replace(SLIP, envelope=replace(SLIP.envelope, size=limits.ENVELOPE_BYTES_MAX + 1)), 413, "size.limit"),
    ],
)
async def test_slips_that_are_refused_unread(
    world: World, raw: RawConnection, slip: TransferSlip, status: int, code: str
) -> None:
    answer = await post(raw, slip)
    assert (answer.status, answer.code) == (status, code)
    assert_untouched(world)


async def test_a_line_at_the_bound_and_one_over_it(world: World, raw: RawConnection) -> None:
    body = b"x" * (limits.SLIP_BYTES_MAX - 1) + b"\n"
    assert (await raw.ask("POST", PATH, headers_for(body), body)).code == "transfer.malformed"
    body = b"x" * limits.SLIP_BYTES_MAX + b"\n"
    assert (await raw.ask("POST", PATH, headers_for(body), body)).code == "size.limit"


async def test_a_body_without_a_line(world: World, raw: RawConnection) -> None:
    assert (await raw.ask("POST", PATH, headers_for(b""), b"")).code == "transfer.malformed"
    assert (await raw.ask("POST", PATH, headers_for(b"abc"), b"abc")).code == "transfer.malformed"


async def test_a_body_announced_over_the_bound_is_refused_by_its_header(world: World, raw: RawConnection) -> None:
    length = limits.SLIP_BYTES_MAX + limits.ENVELOPE_BYTES_MAX + 1
    raw.send("POST", PATH, changed_headers(Content_Length=str(length)), b"some")
    assert (await raw.answer()).code == "size.limit"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", PATH, 404, "not_found"),
        ("GET", "/peer/v1/transfers/..", 400, "transfer.malformed"),
        ("GET", "/peer/v1/transfers/" + "a" * 4000, 400, "transfer.malformed"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/peer/v1/transfers/", 404, "not_found"),
        ("PUT", PATH, 405, "request.method"),
        ("DELETE", PATH, 405, "request.method"),
    ],
)
async def test_other_requests(world: World, raw: RawConnection, method: str, path: str, status: int, code: str) -> None:
    answer = await raw.ask(method, path, {"Content-Length": "0"})
    assert (answer.status, answer.code) == (status, code)


async def test_another_origins_transfer_is_not_told_apart_from_an_unknown_one(world: World, raw: RawConnection) -> None:
    await post(raw, SLIP)
    world.desk.received[SLIP.transfer] = (GatewayId("other.example"), SLIP, ENVELOPE)
    foreign = await raw.ask("GET", PATH, {})
    unknown = await raw.ask("GET", path_of(make_slip(ENVELOPE, number=9)), {})
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body) == (404, unknown.body)


async def test_busy_says_when_to_come_back(world: World, raw: RawConnection) -> None:
    world.desk.refusals.append(SiteError("store.busy"))
    answer = await post(raw, SLIP)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "store.busy", "5")


async def test_an_envelope_that_the_desk_refuses_is_given_back(
    world: World, raw: RawConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.desk, "receive", AsyncMock(side_effect=Conflict("transfer.conflict")))
    assert (await post(raw, SLIP)).code == "transfer.conflict"
    assert world.blobs.claims.take_returned() == {SLIP.envelope.digest}


async def test_a_fault_of_ours_is_answered_without_its_story(
    world: World, raw: RawConnection, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("story with a secret")

    world.desk.after_store = fail
    with caplog.at_level(logging.ERROR):
        answer = await post(raw, SLIP)
    assert (answer.status, answer.code) == (500, "internal")
    assert b"secret" not in answer.body
    assert "peer.fault" in caplog.text


# --- identity ----------------------------------------------------------------------------------------------------------


async def test_a_key_that_is_not_pinned_gets_a_problem_and_no_connection(world: World) -> None:
    stranger = world.authority.issue(PARTY)
    async with await RawConnection.open(world.port, world.client_tls(stranger)) as raw:
        answer = await raw.ask("GET", PATH, {})
        assert (answer.status, answer.code) == (403, "peer.unpinned")
        assert answer.headers["connection"] == "close"
        assert await raw.ended()
    assert_untouched(world)


async def test_a_pinned_key_under_another_name_identifies_nobody(world: World) -> None:
    disguised = world.authority.issue("other.example", key=world.origin.key)
    async with await RawConnection.open(world.port, world.client_tls(disguised)) as raw:
        assert (await post(raw, SLIP)).code == "peer.unpinned"
    assert_untouched(world)


async def test_a_key_removed_from_the_registry_is_refused_on_the_open_connection(
    world: World, raw: RawConnection
) -> None:
    assert (await raw.ask("GET", PATH, {})).status == 404
    world.pin(origin=(Digest("00" * 32),))
    assert (await raw.ask("GET", PATH, {})).code == "peer.unpinned"
    assert await raw.ended()


async def handshake_fails(port: int, context: ssl.SSLContext) -> bool:
    """Whether TLS ends it. In TLS 1.3 the client learns that only when it reads (docs/PROTOCOL.md section 3)."""
    try:
        async with await RawConnection.open(port, context) as raw:
            raw.send("GET", PATH, {})
            return await raw.ended()
    except (ssl.SSLError, ConnectionError):
        return True


@pytest.mark.parametrize("case", ["none", "other authority", "expired", "not yet valid", "server only"])
async def test_certificates_that_do_not_pass_the_handshake(world: World, case: str) -> None:
    """Each is over the pinned key, so that only the flaw under test decides."""
    own, key = world.authority, world.origin.key
    cases: dict[str, Callable[[], Identity | None]] = {
        "none": lambda: None,
        "other authority": lambda: Authority(world.envelope.parent, "Other CA").issue(PARTY, key=key),
        "expired": lambda: own.issue(Order(name=PARTY).expired(), key=key),
        "not yet valid": lambda: own.issue(Order(name=PARTY).not_yet_valid(), key=key),
        "server only": lambda: own.issue(Order(name=PARTY, usages=(SERVER,)), key=key),
    }
    assert await handshake_fails(world.port, world.client_tls(cases[case]()))
    assert not await handshake_fails(world.port, world.client_tls(own.issue(PARTY, key=key)))


async def test_tls_1_2_is_refused(world: World) -> None:
    context = world.client_tls(world.origin)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await handshake_fails(world.port, context)


async def test_no_session_ticket_is_given(world: World, raw: RawConnection) -> None:
    await raw.ask("GET", PATH, {})
    session = raw.writer.get_extra_info("ssl_object").session
    assert session is None or not session.has_ticket


async def test_the_door_does_not_open_with_weak_tls(world: World) -> None:
    sock = open_listener("127.0.0.1", 0, share=Share(), clock=ManualClock())
    context = server_context(world.authority, world.destination)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(AssertionError):
        await listen(world.runner.app, sock=sock, ssl_context=context)
    context = server_context(world.authority, world.destination)
    context.verify_mode = ssl.CERT_OPTIONAL
    with pytest.raises(AssertionError):
        await listen(world.runner.app, sock=sock, ssl_context=context)
    sock.close()


async def test_json_of_a_problem_names_the_code_as_its_type(raw: RawConnection) -> None:
    document = json.loads((await raw.ask("GET", PATH, {})).body)
    assert document["type"] == "urn:edoc:problem:not_found"
    assert document["title"].startswith("There is no such thing")
    malformed = (await raw.ask("POST", PATH, {**headers_for(b"x"), "Content-Digest": "x"}, b"x")).problem
    assert "Content-Digest" in malformed["title"]


async def test_a_handshake_that_never_comes_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS_MAX", 0.2)
    async with peer_world(tmp_path) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.runner.addresses[0][1])
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_sockets_that_say_nothing_keep_no_gateway_out(tmp_path: Path) -> None:
    """They take the place of the oldest of their kind, from one address or from many; who is known keeps his."""
    async with peer_world(tmp_path, share=Share(open=3, strangers=4)) as world:
        port = world.runner.addresses[0][1]
        async with await RawConnection.open(port, world.client_tls(world.origin)) as known:
            assert (await known.ask("GET", PATH, {})).status == 404
            bare = [
                await asyncio.open_connection("127.0.0.1", port, local_addr=(f"127.0.0.{n % 3 + 1}", 0))
                for n in range(20)
            ]
            async with await RawConnection.open(port, world.client_tls(world.origin)) as second:
                assert (await second.ask("GET", PATH, {})).status == 404
            assert (await known.ask("GET", PATH, {})).status == 404
        for _, writer in bare:
            writer.transport.abort()
