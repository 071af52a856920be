"""What every `Transport` promises (core/ports/): the peer client with a real server, `local`, and the fake of the kit."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.core.carrying import Answered, Indeterminate, Told, TransferRefused, TryLater, Unknown, Unreachable
from gateway.core.errors import PeerError, SiteError
from gateway.core.ids import GatewayId
from gateway.core.ports import Transport
from gateway.exchange import LocalTransport
from tests.kit.blobs import stored
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.peer_world import ENVELOPE, peer_world
from tests.kit.transport import GOVERNMENT, PARTY, MemoryTransport, RecordingDesk, make_slip, make_transfer, renamed


@dataclass
class Road:
    """A transport, the desk at its other end, and the two disasters."""

    transport: Transport
    desk: RecordingDesk
    envelope: Path
    lose_next_answer: Callable[[], None]
    go_down: Callable[[], Awaitable[None]]


@pytest.fixture(params=["memory", "local", "peer"])
async def road(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Road]:
    if request.param == "memory":
        yield _memory_road(tmp_path)
        return
    if request.param == "local":
        yield await _local_road(tmp_path)
        return
    async with peer_world(tmp_path) as world:

        def lose() -> None:
            world.desk.after_store = world.relay.drop

        async def down() -> None:
            await world.relay.close()
            await world.runner.cleanup()

        yield Road(world.transport, world.desk, world.envelope, lose, down)


async def _local_road(folder: Path) -> Road:
    """Within one gateway there is no road: nothing is down, no answer gets lost, every gateway is this one."""
    blobs = FolderBlobs(folder / "blobs")
    await stored(blobs, ENVELOPE)
    desk = RecordingDesk(blobs)
    envelope = folder / "envelope.edxml"
    envelope.write_bytes(ENVELOPE)

    def lose() -> None:
        pytest.skip("local: no answer can get lost")

    async def down() -> None:
        pytest.skip("local: no road that could be down")

    return Road(LocalTransport(reception=desk), desk, envelope, lose, down)


def _memory_road(folder: Path) -> Road:
    blobs = FolderBlobs(folder / "blobs")
    desk = RecordingDesk(blobs)
    transport = MemoryTransport({GOVERNMENT: (desk, blobs)})
    envelope = folder / "envelope.edxml"
    envelope.write_bytes(ENVELOPE)

    def lose() -> None:
        transport.answer_lost = True

    async def down() -> None:
        transport.down = True

    return Road(transport, desk, envelope, lose, down)


TRANSFER = make_transfer(make_slip(ENVELOPE))


async def test_slip_and_envelope_arrive_as_they_are_and_the_receipt_comes_back(road: Road) -> None:
    result = await road.transport.carry(TRANSFER, road.envelope)
    assert result == Answered(road.desk.answers[TRANSFER.slip.transfer])
    assert road.desk.received == {TRANSFER.slip.transfer: (PARTY, TRANSFER.slip, ENVELOPE)}


async def test_carrying_again_gives_the_same_bytes(road: Road) -> None:
    first = await road.transport.carry(TRANSFER, road.envelope)
    other = make_transfer(make_slip(ENVELOPE, number=2))
    await road.transport.carry(other, road.envelope)
    assert await road.transport.carry(TRANSFER, road.envelope) == first
    assert len(road.desk.received) == 2


async def test_inquiry_after_an_unknown_transfer(road: Road) -> None:
    assert await road.transport.inquire(TRANSFER) == Unknown()


async def test_a_lost_answer_is_indeterminate_and_can_be_asked_for(road: Road) -> None:
    road.lose_next_answer()
    assert isinstance(await road.transport.carry(TRANSFER, road.envelope), Indeterminate)
    assert await road.transport.inquire(TRANSFER) == Answered(road.desk.answers[TRANSFER.slip.transfer])


NOTICE = b"eyJ0eXAiOiJlZG9jLWdhcHMrandzIn0.e30.c2lnbmF0dXJl"


async def test_a_notice_arrives_as_it_is_as_often_as_it_is_told(road: Road) -> None:
    destination = TRANSFER.slip.destination
    assert await road.transport.tell(destination, NOTICE) == Told()
    assert await road.transport.tell(destination, NOTICE) == Told()
    assert [notice for _, notice in road.desk.notices] == [NOTICE, NOTICE]


async def test_a_notice_that_is_not_taken_says_why(road: Road) -> None:
    destination = TRANSFER.slip.destination
    road.desk.refusals += [SiteError("store.busy"), PeerError("transfer.malformed", reason="notice")]
    assert isinstance(await road.transport.tell(destination, NOTICE), TryLater)
    refused = await road.transport.tell(destination, NOTICE)
    assert isinstance(refused, TransferRefused)
    assert refused.code == "transfer.malformed"
    assert road.desk.notices == []


async def test_no_way_for_a_notice_is_unreachable(road: Road) -> None:
    await road.go_down()
    assert isinstance(await road.transport.tell(TRANSFER.slip.destination, NOTICE), Unreachable)


async def test_a_busy_peer_means_try_later(road: Road) -> None:
    road.desk.refusals.append(SiteError("store.busy"))
    assert await road.transport.carry(TRANSFER, road.envelope) in (
        TryLater("store.busy", 5.0),
        TryLater("store.busy", road=False),
    )
    assert isinstance(await road.transport.carry(TRANSFER, road.envelope), Answered)


async def test_a_refusal_of_the_whole_keeps_its_code(road: Road) -> None:
    road.desk.refusals.append(PeerError("transfer.not_ours"))
    result = await road.transport.carry(TRANSFER, road.envelope)
    assert isinstance(result, TransferRefused)
    assert result.code == "transfer.not_ours"
    assert await road.transport.inquire(TRANSFER) == Unknown()


async def test_the_same_name_with_other_contents_is_a_conflict(road: Road) -> None:
    await road.transport.carry(TRANSFER, road.envelope)
    other = make_transfer(make_slip(ENVELOPE, recipients=3))
    result = await road.transport.carry(other, road.envelope)
    assert isinstance(result, TransferRefused)
    assert result.code == "transfer.conflict"
    assert road.desk.received[TRANSFER.slip.transfer][1] == TRANSFER.slip


async def test_a_fault_of_the_peer_says_nothing_about_the_transfer(road: Road) -> None:
    road.desk.refusals.append(SiteError("internal"))
    assert isinstance(await road.transport.carry(TRANSFER, road.envelope), Indeterminate)


async def test_a_peer_that_is_down_is_unreachable(road: Road) -> None:
    await road.go_down()
    assert isinstance(await road.transport.carry(TRANSFER, road.envelope), Unreachable)
    assert isinstance(await road.transport.inquire(TRANSFER), Unreachable)
    assert road.desk.received == {}


async def test_a_gateway_the_registry_does_not_know_is_unreachable(road: Road) -> None:
    if isinstance(road.transport, LocalTransport):
        pytest.skip("local: every destination is this gateway")
    lost = renamed(TRANSFER, GatewayId("nowhere.example"))
    assert isinstance(await road.transport.carry(lost, road.envelope), Unreachable)
    assert isinstance(await road.transport.inquire(lost), Unreachable)


@pytest.mark.parametrize("damage", ["changed", "longer", "missing"])
async def test_a_damaged_envelope_of_ours_is_our_own_error_and_is_not_sent(road: Road, damage: str) -> None:
    if damage == "missing":
        road.envelope.unlink()
    else:
        road.envelope.write_bytes(ENVELOPE[:-1] + (b"!" if damage == "changed" else ENVELOPE[-1:] + b"!"))
    with pytest.raises(SiteError, match=r"blob\.damaged"):
        await road.transport.carry(TRANSFER, road.envelope)
    assert road.desk.admitted == []
