"""On whose behalf the judges work, on the way out and on arrival: each body, key and peer has its own turn."""

import asyncio
import hashlib

import pytest

from gateway.core.ids import Digest
from gateway.core.ports import Judge
from gateway.crypto import InlineJudge
from gateway.exchange import EnvelopeOrder
from tests.kit.exchange_world import World, letter
from tests.kit.finished import finished, order_of
from tests.kit.pdfs import tiny_pdf
from tests.scenario.test_ready_made import TEXT, message_to


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Whose turn each task was, and what it did; a task without a name before it was nobody's."""
    taken: list[tuple[str, str]] = []
    run = InlineJudge.run

    class Turn(InlineJudge):
        def __init__(self, whose: str) -> None:
            self._whose = whose

        async def run(self, task, *args, **kwargs):  # type: ignore[no-untyped-def]
            taken.append((self._whose, task.__name__))
            return await run(self, task, *args, **kwargs)

    def on_behalf(self: InlineJudge, whose: str) -> Judge:
        return Turn(whose)

    monkeypatch.setattr(InlineJudge, "on_behalf", on_behalf)
    return taken


async def test_a_letter_is_its_sender_s_at_home_and_its_gateway_s_elsewhere(
    world: World, turns: list[tuple[str, str]]
) -> None:
    await world.party.submit(letter(world.sender, world.wards, await world.party.file("a.pdf", tiny_pdf())))
    await world.settle()
    assert turns[:4] == [
        (world.sender, "judge_pdf_file"),
        (world.sender, "prepare_seal_file"),
        (world.sender, "judge_pdf"),
        (world.sender, "prepare_envelope"),
    ]
    assert set(turns[4:]) == {(world.party.own, "read_envelope_file")}


async def test_a_finished_envelope_is_its_key_s_before_it_is_believed(
    world: World, turns: list[tuple[str, str]]
) -> None:
    order = await order_of(world.party, await finished(world.party, message_to(world), [TEXT]), key="envelope-1")
    turns.clear()
    principal = world.party.principal(world.sender)
    await world.party.submission.submit_envelope(principal, order, trace_id="a" * 32)
    assert turns == [(principal.key_id, "read_envelope_file")]


async def test_an_upload_that_is_given_up_before_it_is_judged_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No unit of work was handed in: whether it stays is decided, and nothing waits for a day."""
    party, begun = world.party, asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def hand_in_and_hang_up() -> None:
        with party.blobs.lease() as lease:
            order = EnvelopeOrder(envelope=await lease.put_bytes(b"<edXML/>"), idempotency_key="gone")
            principal = party.principal(world.sender)
            submitting = asyncio.create_task(party.submission.submit_envelope(principal, order, trace_id="a" * 32))
            await begun.wait()
            submitting.cancel()
            await submitting

    monkeypatch.setattr(InlineJudge, "run", never)
    with pytest.raises(asyncio.CancelledError):
        await hand_in_and_hang_up()
    assert party.blobs.claims.take_returned() == {Digest(hashlib.sha256(b"<edXML/>").hexdigest())}
