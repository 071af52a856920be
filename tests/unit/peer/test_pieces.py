"""Large envelopes in pieces, on real TLS: a cut costs what was under way, and a piece is nothing without its slip."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core import large_limits, limits
from gateway.core.carrying import Answered, CarryResult, Indeterminate, TransferRefused, TryLater, Unknown, Unreachable
from gateway.core.errors import SiteError
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.model import TransferSlip
from gateway.core.ports import Upload, UploadId
from gateway.peer.wire import encode_slip
from tests.kit.peer_raw import RawConnection, headers_for, path_of
from tests.kit.peer_world import ENVELOPE, World, peer_world
from tests.kit.transport import GOVERNMENT, PARTY, make_slip, make_transfer

PIECE = 64 * 1024
TRANSFER = make_transfer(make_slip(ENVELOPE))
SLIP = TRANSFER.slip
LINE = encode_slip(SLIP)
PATH = path_of(SLIP)
UPLOADED = {"Content-Type": "application/vnd.edoc.transfer; version=1; envelope=uploaded"}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_limits, "PIECES_ABOVE_BYTES", 1_000)
    monkeypatch.setattr(large_limits, "UPLOAD_PIECE_BYTES", PIECE)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with peer_world(tmp_path) as running:
        yield running


@pytest.fixture
async def raw(world: World) -> AsyncIterator[RawConnection]:
    async with await RawConnection.open(world.port, world.client_tls(world.origin)) as connection:
        yield connection


async def carry(world: World) -> CarryResult:
    return await world.transport.carry(TRANSFER, world.envelope)


def piece_headers(offset: int, data: bytes, digest: bytes | None = None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/partial-upload",
        "Upload-Offset": str(offset),
        "Content-Length": str(len(data)),
    }
    if digest is not None:
        headers["Content-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
    return headers


def after(world: World, sent: int, act: Callable[[], None]) -> asyncio.Task[None]:
    """Do it when so many bytes have gone through the relay."""

    async def watch() -> None:
        while world.relay.sent < sent:
            await asyncio.sleep(0)
        act()

    return asyncio.create_task(watch())


async def test_it_arrives_as_it_was_and_leaves_nothing_else(world: World) -> None:
    answer = await carry(world)
    assert isinstance(answer, Answered)
    origin, slip, envelope = world.desk.received[SLIP.transfer]
    assert (origin, slip, envelope) == (PARTY, SLIP, ENVELOPE)
    assert list((world.envelope.parent / "uploads").iterdir()) == []
    again = await carry(world)
    assert again == answer
    assert len(world.desk.received) == 1


async def test_a_cut_costs_what_was_under_way(world: World) -> None:
    watching = after(world, len(ENVELOPE) * 2 // 3, world.relay.drop)
    assert isinstance(await carry(world), Unreachable)
    await watching
    assert world.desk.received == {}
    before = world.relay.sent
    assert isinstance(await carry(world), Answered)
    assert world.relay.sent - before < len(ENVELOPE) * 2 // 3, "it went on where it was"
    assert world.desk.received[SLIP.transfer][2] == ENVELOPE


async def test_who_keeps_a_byte_of_each_piece_is_not_sent_the_whole_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.uploads is not None
    append = world.uploads.append

    async def a_byte(upload: UploadId, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        data = b"".join([chunk async for chunk in chunks])

        async def first() -> AsyncIterator[bytes]:
            yield data[:1]

        return await append(upload, offset, first())

    monkeypatch.setattr(world.uploads, "append", a_byte)
    assert isinstance(await carry(world), Indeterminate)
    assert world.relay.sent < 4 * len(ENVELOPE)
    monkeypatch.undo()
    monkeypatch.setattr(large_limits, "PIECES_ABOVE_BYTES", 1_000)
    assert isinstance(await carry(world), Answered)


async def test_a_peer_that_takes_no_pieces_takes_nothing_that_large(tmp_path: Path) -> None:
    async with peer_world(tmp_path, in_pieces=False) as world:
        result = await carry(world)
        assert isinstance(result, TransferRefused)
        assert result.code == "size.limit"
        assert world.desk.received == {}


async def test_an_answer_that_is_lost_is_asked_for(world: World) -> None:
    world.desk.after_store = world.relay.drop
    assert isinstance(await carry(world), Indeterminate)
    world.desk.after_store = lambda: None
    assert isinstance(await world.transport.inquire(TRANSFER), Answered)


async def test_what_was_not_handed_over_is_unknown_to_the_peer(world: World) -> None:
    world.desk.refusals = [SiteError("scanner.undecided")]
    assert isinstance(await carry(world), TryLater)
    assert isinstance(await world.transport.inquire(TRANSFER), Unknown)
    before = world.relay.sent
    assert isinstance(await carry(world), Answered)
    assert world.relay.sent - before < PIECE, "no byte of the envelope is sent twice"


async def test_large_ones_leave_room_for_letters(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may take an hour, and has a place among all work that runs as long as it does."""
    uploads = world.uploads
    assert uploads is not None
    under_way, go_on = [], asyncio.Event()
    find = uploads.find

    async def find_slowly(upload: UploadId) -> Upload | None:
        under_way.append(upload)
        await go_on.wait()
        return await find(upload)

    monkeypatch.setattr(uploads, "find", find_slowly)
    others = [
        make_transfer(replace(SLIP, transfer=TransferKey(f"01900000-0000-7000-8000-00000000000{n}"))) for n in (1, 2)
    ]
    carried = [asyncio.create_task(world.transport.carry(one, world.envelope)) for one in others]
    while len(under_way) < len(others):
        await asyncio.sleep(0.001)
    third = await carry(world)
    assert third == TryLater("upload.limit", large_limits.LARGE_WAIT_SECONDS, road=False, asked=False)
    go_on.set()
    assert [type(result) for result in await asyncio.gather(*carried)] == [Answered, Answered]
    assert isinstance(await carry(world), Answered)


async def test_a_large_one_lets_others_have_their_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_limits, "LARGE_TURN_SECONDS", 0.0)
    turns = []
    while not isinstance(result := await carry(world), Answered):
        turns.append(result)
    assert turns == [TryLater("upload.incomplete", 0.0, road=False, asked=False)] * (-(-len(ENVELOPE) // PIECE) - 1)
    assert world.desk.received[SLIP.transfer][2] == ENVELOPE
    assert world.relay.sent < 2 * len(ENVELOPE), "each goes on from where the one before it was"


async def test_of_large_ones_there_are_not_too_many_altogether(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_limits, "LARGE_AT_ONCE_MAX", 0)
    assert isinstance(await carry(world), TryLater)
    assert world.relay.connections == 0
    monkeypatch.setattr(large_limits, "LARGE_AT_ONCE_MAX", 1)
    assert isinstance(await carry(world), Answered)


async def test_an_upload_that_goes_while_a_piece_comes_is_begun_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = world.uploads
    assert uploads is not None
    find = uploads.find

    async def found_and_forgotten(upload: UploadId) -> Upload | None:
        found = await find(upload)
        await uploads.drop(upload)
        return found

    monkeypatch.setattr(uploads, "find", found_and_forgotten)
    result = await carry(world)
    assert isinstance(result, TryLater)
    assert (result.reason, result.road) == ("upload.incomplete", False)
    monkeypatch.setattr(uploads, "find", find)
    assert isinstance(await carry(world), Answered)


async def test_a_damaged_envelope_of_ours_is_not_sent(world: World) -> None:
    world.envelope.write_bytes(ENVELOPE[:-1] + b"!")
    with pytest.raises(SiteError, match=r"blob\.damaged"):
        await carry(world)
    assert world.relay.sent == 0


async def test_no_room_puts_off_this_one_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_limits, "UPLOADS_PER_OWNER_MAX", 0)
    result = await carry(world)
    assert isinstance(result, TryLater)
    assert (result.reason, result.road) == ("upload.limit", False)


async def test_bytes_that_are_not_the_slip_s_begin_anew(world: World, raw: RawConnection) -> None:
    begun = await raw.ask("POST", PATH + "/upload", headers_for(LINE), LINE)
    assert (begun.status, begun.headers["upload-offset"]) == (204, "0")
    wrong = bytes(len(ENVELOPE))
    answer = await raw.ask("PATCH", PATH + "/upload", piece_headers(0, wrong), wrong)
    assert (answer.status, answer.code) == (400, "upload.digest")
    answer = await raw.ask("POST", PATH, {**headers_for(LINE), **UPLOADED}, LINE)
    assert (answer.status, answer.code) == (409, "upload.incomplete")
    assert isinstance(await carry(world), Answered)


async def test_a_piece_has_its_place_its_length_and_its_digest(world: World, raw: RawConnection) -> None:
    path, data = PATH + "/upload", ENVELOPE[:1_000]

    async def code(headers: dict[str, str], body: bytes = data) -> tuple[int, str]:
        async with await RawConnection.open(world.port, world.client_tls(world.origin)) as other:
            answer = await other.ask("PATCH", path, headers, body)
        return answer.status, answer.code

    assert await code(piece_headers(0, data)) == (409, "upload.incomplete")  # no slip came yet
    await raw.ask("POST", path, headers_for(LINE), LINE)
    assert await code(piece_headers(0, data, hashlib.sha256(b"other").digest())) == (400, "transfer.digest")
    assert await code(piece_headers(1, data)) == (409, "upload.offset")
    assert await code({**piece_headers(0, data), "Upload-Offset": "-1"}) == (400, "transfer.malformed")
    assert await code({**piece_headers(0, data), "Content-Type": "text/plain"}) == (415, "request.media_type")
    assert await code({**piece_headers(0, data), "Content-Digest": "md5=:x:"}) == (400, "transfer.malformed")
    large = {**piece_headers(0, data), "Content-Length": str(large_limits.UPLOAD_PIECE_BYTES_MAX + 1)}
    assert await code(large) == (413, "size.limit")
    good = await raw.ask("PATCH", path, piece_headers(0, data, hashlib.sha256(data).digest()), data)
    assert (good.status, good.headers["upload-offset"]) == (204, "1000")


async def test_another_slip_under_the_same_name_is_a_conflict(world: World, raw: RawConnection) -> None:
    await raw.ask("POST", PATH + "/upload", headers_for(LINE), LINE)
    other = encode_slip(replace(SLIP, registry_epoch=8))
    answer = await raw.ask("POST", PATH + "/upload", headers_for(other), other)
    assert (answer.status, answer.code) == (409, "transfer.conflict")


async def test_a_slip_is_all_there_is_in_it(world: World, raw: RawConnection) -> None:
    for headers in (headers_for(LINE + b"x"), {**headers_for(LINE + b"x"), **UPLOADED}):
        path = PATH if "uploaded" in headers["Content-Type"] else PATH + "/upload"
        async with await RawConnection.open(world.port, world.client_tls(world.origin)) as other:
            answer = await other.ask("POST", path, headers, LINE + b"x")
        assert (answer.status, answer.code) == (400, "transfer.malformed")


async def test_a_stranger_s_slip_begins_nothing(world: World, raw: RawConnection) -> None:
    def of(slip: TransferSlip) -> bytes:
        return encode_slip(slip)

    for slip, code in (
        (replace(SLIP, origin=GatewayId("other.example")), "peer.foreign_sender"),
        (replace(SLIP, destination=PARTY), "transfer.not_ours"),
        (replace(SLIP, envelope=replace(SLIP.envelope, size=limits.ENVELOPE_BYTES_MAX + 1)), "size.limit"),
    ):
        async with await RawConnection.open(world.port, world.client_tls(world.origin)) as other:
            answer = await other.ask("POST", PATH + "/upload", headers_for(of(slip)), of(slip))
        assert answer.code == code
    assert list((world.envelope.parent / "uploads").iterdir()) == []


async def test_a_piece_of_another_gateway_does_not_reach_it(world: World, raw: RawConnection) -> None:
    await raw.ask("POST", PATH + "/upload", headers_for(LINE), LINE)
    world.pin(origin=(), destination=(world.destination.pin, world.origin.pin))  # the same key, another's by now
    answer = await raw.ask("PATCH", PATH + "/upload", piece_headers(0, ENVELOPE), ENVELOPE)
    assert answer.code in {"peer.unpinned", "upload.incomplete"}
    assert GOVERNMENT not in {origin for origin, _, _ in world.desk.received.values()}
