"""After a restore: what a peer believes delivered is here again, once and in order; nothing that counts is counted twice."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.audit import LogReport, VerifierKey, closed_at, verify_checkpoint, verify_log
from gateway.core.directory import BodyStatus
from gateway.core.errors import PeerError
from gateway.core.ids import Digest, GatewayId, OrganId, TransferKey
from gateway.core.limits import SENT_AGE_SECONDS_MAX
from gateway.core.model import InboxEntry
from gateway.core.restore_limits import RESYNC_PAGE_TRANSFERS
from gateway.core.resync import ResyncState, Wanted
from gateway.core.states import DeliveryState, TransferState
from gateway.core.work import WorkKind
from gateway.demo.registry_seed import log_origin
from gateway.exchange import check_receipt, resync
from gateway.exchange import resync_answers as answers
from gateway.exchange.resync_tokens import (
    Page,
    Question,
    digest_of,
    read_page,
    read_question,
    write_page,
    write_question,
)
from tests.kit.exchange_world import Node, World, letter
from tests.kit.restoring import gone_back, state_of


def ward(world: World) -> OrganId:
    return next(name for name in world.wards if ".UB." in name)


def next_key(key: TransferKey) -> TransferKey:
    """Another key, and the next larger one: pages go on after a key."""
    return TransferKey(str(UUID(int=UUID(key).int + 1)))


async def send(world: World, *numbers: int, settled: bool = True) -> None:
    for number in numbers:
        file = await world.party.file("a.txt", f"letter {number}".encode(), "text/plain")
        await world.party.submit(letter(world.sender, (ward(world),), file, number=str(number)))
        if settled:
            await world.settle()
        world.clock.moment += timedelta(seconds=1)


async def entries(world: World, after: int = 0) -> tuple[InboxEntry, ...]:
    principal = world.government.principal(ward(world))
    return (await world.government.queries.inbox(principal, after, 500)).entries


def subjects(found: Sequence[InboxEntry]) -> list[str]:
    return [entry.message.code.number for entry in found]


async def deliveries(world: World) -> set[DeliveryState]:
    documents = await world.party.store.read(lambda uow: uow.documents.page(None, 500))
    return {
        one.state
        for document in documents
        for one in await world.party.store.read(lambda uow, key=document.key: uow.documents.deliveries(key))  # type: ignore[misc]
    }


async def leaves(node: Node, kind: str) -> int:
    report = await verified(node)
    return report.events.get(kind, 0)


async def verified(node: Node) -> LogReport:
    """The log as a stranger checks it, with the checkpoint that the first log's signer remembered at last."""
    origin, entry = log_origin(node.own), node.directory.current().gateways[node.own]
    keys = [VerifierKey.parse(key) for key in entry.log_keys]
    await node.publisher.covering((await node.store.read(lambda uow: uow.log.head())).size)
    memory = node.publisher._memory._path  # type: ignore[attr-defined]
    first = memory.with_name("memory")
    known = [verify_checkpoint(first.read_text(), entry.log_keys)]
    report = await node.store.read(lambda uow: verify_log(uow.log, keys, known=known, closed=closed_at(uow, origin)))
    assert report.faults == ()
    return report


async def test_what_was_received_after_the_backup_comes_again_once_and_in_order(world: World) -> None:
    await send(world, 1, 2, 3)
    state = state_of(world.government)
    await send(world, 4, 5, 6)
    before = await entries(world)
    held = await world.party.store.read(lambda uow: uow.transfers.page(None, 100))
    async with gone_back(world, world.government, state) as reopened:
        assert subjects(await entries(world)) == ["1", "2", "3"]
        await send(world, 7)
        await world.settle()
        found = await entries(world)
        assert subjects(found) == ["1", "2", "3", "4", "5", "6", "7"]
        assert [entry.sequence for entry in found] == [1, 2, 3, 4, 5, 6, 7]
        resync = await world.government.store.read(lambda uow: uow.resyncs.find(world.party.own))
        assert resync is not None
        assert (resync.state, resync.lost, resync.named) == (ResyncState.DONE, 3, 6)
        assert await deliveries(world) == {DeliveryState.DELIVERED}
        # An office that had read everything is told of what came again, and of nothing twice at one cursor.
        assert [entry.cursor > reopened.base for entry in found] == [False] * 3 + [True] * 4
        assert subjects(await entries(world, before[-1].cursor)) == ["4", "5", "6", "7"]
        # The first receipts stay where they are; the second ones are good, too, and of the log that says what it is.
        for transfer in held:
            now = await world.party.store.read(lambda uow, key=transfer.slip.transfer: uow.transfers.find(key))
            again = await world.party.store.read(lambda uow, key=transfer.slip.transfer: uow.resyncs.resend(key))
            assert now == transfer
            if again is not None:
                assert again.answer is not None
                assert again.answer != transfer.answer
                check_receipt(again.answer, transfer.slip, world.party.directory.current())
        report = await verified(world.government)
        assert (report.events["log.reopened"], report.events["receive.again"], report.events["resync.done"]) == (
            1,
            3,
            1,
        )
        assert report.events["log.gap"] >= 1
        assert [one.size > reopened.kept for one in report.lost] == [True]
        assert await leaves(world.party, "resend.asked") == await leaves(world.party, "resend.answered") == 3


async def test_what_was_refused_before_is_not_received_after_the_restore(world: World) -> None:
    """Its code was closed for a while: the sender was told so, and goes on saying it; the next letter waits for nothing."""
    await send(world, 1)
    state = state_of(world.government)
    world.party.road.down = True
    await send(world, 2, settled=False)
    await world.settle(limit=timedelta(minutes=1))
    world.replace_body(ward(world), status=BodyStatus.CLOSED)
    world.party.road.down = False
    await world.settle(limit=timedelta(hours=1))
    assert await deliveries(world) == {DeliveryState.DELIVERED, DeliveryState.REFUSED}
    world.replace_body(ward(world), status=BodyStatus.ACTIVE)
    async with gone_back(world, world.government, state):
        await world.settle(limit=timedelta(hours=1))
        await send(world, 3, settled=False)
        await world.settle(limit=timedelta(seconds=30))
        assert subjects(await entries(world)) == ["1", "3"]
        assert await deliveries(world) == {DeliveryState.DELIVERED, DeliveryState.REFUSED}
        resync = await world.government.store.read(lambda uow: uow.resyncs.find(world.party.own))
        assert resync is not None
        assert (resync.state, resync.lost) == (ResyncState.DONE, 0)
        await verified(world.government)


async def test_the_feed_goes_on_beyond_every_position_that_was_told(world: World) -> None:
    await send(world, 1)
    state = state_of(world.government)
    await send(world, 2, 3)
    one, many = world.government.principal(ward(world)), world.government.principal(*world.wards)
    heard = (await world.government.events.events(one, after=-1, limit=500, wait=0)).events[-1].position
    async with gone_back(world, world.government, state) as reopened:
        await world.settle()
        for principal in (one, many):
            page = await world.government.events.events(principal, after=heard, limit=500, wait=0)
            assert [event.event for event in page.events] == ["received", "received"]
            assert all(event.position >= reopened.base for event in page.events)


async def test_numbers_that_were_given_are_not_given_twice(world: World) -> None:
    await send(world, 1, 2)
    state = state_of(world.party)
    await send(world, 3, 4)
    async with gone_back(world, world.party, state) as reopened:
        await send(world, 5)
        await world.settle()
        found = await entries(world)
        assert subjects(found) == ["1", "2", "3", "4", "5"]
        assert [entry.sequence for entry in found] == [1, 2, 3, 4, reopened.base + 1]
        assert await leaves(world.government, "inbox.late") == 0
        assert await leaves(world.government, "inbox.overdue") == 0


async def test_what_was_on_its_way_is_answered_with_the_stored_receipt(world: World) -> None:
    world.party.road.down = True
    await send(world, 1, settled=False)
    for _ in range(4):
        await world.party.run_due(world.clock.now())
    state = state_of(world.party)
    world.party.road.down = False
    await world.settle()
    (given,) = await world.government.store.read(lambda uow: uow.transfers.incoming_page(None, 9))
    async with gone_back(world, world.party, state):
        await world.settle()
        (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 9))
        assert (transfer.state, transfer.answer) == (TransferState.RECEIPTED, given.answer)
        assert subjects(await entries(world)) == ["1"]


async def test_both_go_back_and_nothing_is_doubled(world: World) -> None:
    await send(world, 1, 2)
    states = state_of(world.party), state_of(world.government)
    await send(world, 3)
    async with gone_back(world, world.party, states[0]), gone_back(world, world.government, states[1]):
        await send(world, 3, 4)
        await world.settle()
        assert subjects(await entries(world)) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("trouble", ["down", "busy", "lost", "forged"])
async def test_a_bad_road_only_makes_it_take_longer(world: World, trouble: str) -> None:
    await send(world, 1)
    state = state_of(world.government)
    await send(world, 2, 3)
    async with gone_back(world, world.government, state):
        road = world.government.road
        road.down = trouble == "down"
        road.busy, road.lose_answers = 3 * (trouble == "busy"), 4 * (trouble == "lost")
        road.forge = (lambda token: token[:-6] + b"AAAAAA") if trouble == "forged" else None
        await world.settle(limit=timedelta(minutes=40))
        road.down, road.forge = False, None
        await world.settle()
        assert subjects(await entries(world)) == ["1", "2", "3"]
        assert await leaves(world.government, "resync.done") == 1


async def test_whoever_is_cut_between_two_steps_begins_where_he_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page is of one line, and the process ends after each answer before anything of it is written."""
    monkeypatch.setattr(answers, "RESYNC_PAGE_TRANSFERS", 1)
    await send(world, 1)
    state = state_of(world.government)
    await send(world, 2, 3, 4)
    async with gone_back(world, world.government, state):
        asked = 0
        ask = world.government.handlers[WorkKind.RESYNC]._ask  # type: ignore[attr-defined]

        async def cut_every_other(peer: GatewayId, question: bytes):  # type: ignore[no-untyped-def]
            nonlocal asked
            asked += 1
            answer = await ask(peer, question)
            if asked % 2:
                raise KeyboardInterrupt
            return answer

        world.government.handlers[WorkKind.RESYNC]._ask = cut_every_other  # type: ignore[attr-defined]
        for _ in range(40):
            try:
                await world.settle()
            except KeyboardInterrupt:
                world.clock.moment += timedelta(seconds=61)  # the lease runs out
                continue
            break
        assert asked > 8
        assert subjects(await entries(world)) == ["1", "2", "3", "4"]


def told_by(world: World, tell: Callable[[Question], Page]) -> None:
    """The party's gateway answers the questions of the government's with these pages, well signed."""
    snapshot = world.party.directory.current()

    async def answer(origin: GatewayId, token: bytes) -> bytes:
        asked = read_question(token, origin=origin, own=world.party.own, snapshot=snapshot)
        return await write_page(replace(tell(asked), question=digest_of(token)), world.party.resync._signer)

    world.party.resync.answer = answer  # type: ignore[method-assign]


def page_of(world: World, *names: int, following: int = 0) -> Page:
    """A page that names transfers which were never sent."""
    return Page(
        origin=world.party.own,
        destination=world.government.own,
        question=Digest("0" * 64),
        lines=tuple(Wanted(transfer=invented(n), receipt=Digest("0" * 64)) for n in names),
        following=invented(following) if following else "",
        checkpoint="",
        unknown=(),
    )


def invented(number: int) -> TransferKey:
    return TransferKey(f"ffffffff-ffff-7fff-bfff-{number:012x}")


@pytest.mark.parametrize(("names", "following"), [((5, 5), 6), ((5, 4), 6), ((5,), 4), ((), 1), ((2,), 6)], ids=str)
async def test_a_page_that_does_not_go_forward_is_not_believed(
    world: World, names: tuple[int, ...], following: int
) -> None:
    """Pages that lead in a circle would be asked for without an end, as fast as both can."""
    async with gone_back(world, world.government, state_of(world.government)):
        told_by(
            world,
            lambda asked: (
                page_of(world, *names, following=following) if asked.after else page_of(world, 3, following=3)
            ),
        )
        for _ in range(50):
            await world.government.run_due(world.clock.now())
        found = await world.government.store.read(lambda uow: uow.resyncs.find(world.party.own))
        assert found is not None
        assert (found.after, found.named, found.state) == (invented(3), 1, ResyncState.ASKING)
        due = await world.government.due()
        assert due is not None
        assert due > world.clock.now()


async def test_a_peer_that_names_what_another_sent_keeps_nothing_from_coming_again(world: World) -> None:
    await send(world, 1)
    state = state_of(world.government)
    await send(world, 2)
    key = max(one.slip.transfer for one in await world.party.store.read(lambda uow: uow.transfers.page(None, 9)))
    async with gone_back(world, world.government, state):
        other, named = GatewayId("gw.other.example"), [Wanted(transfer=key, receipt=Digest("0" * 64))]
        await world.government.store.transact(lambda uow: uow.resyncs.want(other, named))
        await world.settle(limit=timedelta(hours=2))
        assert subjects(await entries(world)) == ["1", "2"]


@pytest.mark.parametrize("dismissed", [False, True], ids=["empty pages", "names it does not have"])
async def test_who_only_pretends_to_go_on_is_not_asked_as_fast_as_both_can(world: World, dismissed: bool) -> None:
    asked: list[Question] = []

    def creep(question: Question) -> Page:
        asked.append(question)
        start = int(question.after[-12:], 16) if question.after else 0
        names = range(start + 1, start + 101) if dismissed and question.page else ()
        page = page_of(world, *names, following=start + 100)
        return replace(page, unknown=question.again)

    async with gone_back(world, world.government, state_of(world.government)):
        told_by(world, creep)
        for _ in range(100):
            await world.government.run_due(world.clock.now())
        assert 1 <= len(asked) <= 3


async def test_what_a_peer_invents_costs_a_bounded_number_of_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resync, "RESYNC_MISSING_MAX", 30)
    asked_at: list[int] = []

    def endless(asked: Question) -> Page:
        asked_at.append(len(asked.again))
        start = int(asked.after[-12:], 16) if asked.after else 0
        names = range(start + 1, start + 11) if asked.page else ()
        return page_of(world, *names, following=start + 10)

    async with gone_back(world, world.government, state_of(world.government)):
        told_by(world, endless)
        for _ in range(300):
            await world.government.run_due(world.clock.now())
            world.clock.moment += timedelta(seconds=5)
        found = await world.government.store.read(lambda uow: uow.resyncs.find(world.party.own))
        missing = await world.government.store.read(lambda uow: uow.resyncs.missing(world.party.own, 1000))
        assert found is not None
        assert (found.state, found.named, len(missing)) == (ResyncState.ASKING, 30, 30)
        assert sum(asked_at) <= 60, "asked for again every quarter of an hour"


async def test_what_comes_again_may_be_older_than_anything_else_may(world: World) -> None:
    state = state_of(world.government)
    await send(world, 1)
    world.clock.moment += timedelta(seconds=SENT_AGE_SECONDS_MAX + 60)
    world.government.road.down = True
    async with gone_back(world, world.government, state):
        transfer = (await world.party.store.read(lambda uow: uow.transfers.page(None, 9)))[0]
        with pytest.raises(PeerError, match=r"transfer\.sent_at"):
            await world.government.reception.admit(world.party.own, transfer.slip)
        world.government.road.down = False
        await world.settle()
        assert subjects(await entries(world)) == ["1"]


async def question(world: World, **fields: object) -> bytes:
    asked = Question(
        origin=world.government.own,
        destination=world.party.own,
        issued_at=world.clock.now(),
        number=1_795_362_905,
        log=log_origin(world.government.own),
        kept=0,
        since=world.clock.now() - timedelta(days=7),
        after="",
        page=True,
        again=(),
    )
    signer = world.government.resync._signer
    return await write_question(replace(asked, **fields), signer)  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", ["2026-02-30T00:00:00.000Z", "0000-01-01T00:00:00.000Z"])
async def test_a_question_of_a_day_that_is_none_is_malformed(
    world: World, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.exchange.resync_tokens.rfc3339", lambda _: moment)
    token = await question(world)
    with pytest.raises(PeerError) as refused:
        await world.party.resync.answer(world.government.own, token)
    assert refused.value.code == "transfer.malformed"


async def test_only_who_received_a_transfer_is_told_of_it_and_gets_it_again(world: World) -> None:
    await send(world, 1)
    (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 9))
    token = await question(world)
    snapshot = world.party.directory.current()
    for origin, own in ((world.party.own, world.party.own), (world.government.own, world.government.own)):
        with pytest.raises(PeerError):
            read_question(token, origin=origin, own=own, snapshot=snapshot)
    page = await world.party.resync.answer(world.government.own, token)
    said = read_page(
        page,
        asked=token,
        origin=world.party.own,
        own=world.government.own,
        snapshot=world.government.directory.current(),
    )
    assert [line.transfer for line in said.lines] == [transfer.slip.transfer]
    other = await question(world, after=transfer.slip.transfer)
    with pytest.raises(PeerError):  # a page stands for its own question only
        read_page(page, asked=other, origin=world.party.own, own=world.government.own, snapshot=snapshot)
    # Local mail is nobody else's: neither named nor sent.
    local = replace(transfer.slip, transfer=next_key(transfer.slip.transfer), destination=world.party.own)
    await world.party.store.transact(lambda uow: uow.transfers.add([replace(transfer, slip=local)]))
    token = await question(world, again=(local.transfer,))
    said = read_page(
        await world.party.resync.answer(world.government.own, token),
        asked=token,
        origin=world.party.own,
        own=world.government.own,
        snapshot=snapshot,
    )
    assert (len(said.lines), said.unknown) == (1, (local.transfer,))
    assert len(said.lines) <= RESYNC_PAGE_TRANSFERS


@pytest.mark.parametrize("since", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), None])
async def test_a_peer_whose_clock_is_years_ahead_names_what_was_asked_for(world: World, since: datetime | None) -> None:
    """It believes that all of it is years old: an empty page would be "nothing was lost"."""
    asked = {"since": since or world.clock.now() - timedelta(days=7)}
    await send(world, 1)
    token = await question(world, **asked)
    world.clock.jump(20 * 365 * 86_400)
    snapshot = world.party.directory.current()
    names = {"asked": token, "origin": world.party.own, "own": world.government.own, "snapshot": snapshot}
    page = read_page(await world.party.resync.answer(world.government.own, token), **names)  # type: ignore[arg-type]
    assert len(page.lines) == 1


async def test_a_receipt_that_may_be_on_its_way_keeps_the_page_open(world: World) -> None:
    """The peer holds the answer in its hand and has not written it: it would be named by nobody afterwards."""
    await send(world, 1)
    (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 9))
    slip = replace(transfer.slip, transfer=next_key(transfer.slip.transfer))
    sending = replace(transfer, slip=slip, state=TransferState.SENDING, answer=None)
    await world.party.store.transact(lambda uow: uow.transfers.add([sending]))
    token = await question(world)
    snapshot = world.party.directory.current()
    names = {"asked": token, "origin": world.party.own, "own": world.government.own, "snapshot": snapshot}
    page = read_page(await world.party.resync.answer(world.government.own, token), **names)  # type: ignore[arg-type]
    assert (len(page.lines), page.following) == (1, transfer.slip.transfer)


async def test_a_log_never_goes_on_under_the_name_of_the_one_that_was_closed(world: World) -> None:
    await send(world, 1)
    state = state_of(world.government)
    await send(world, 2)
    async with gone_back(world, world.government, state):
        await world.settle()
        await asyncio.sleep(0)
        published = await world.government.store.read(lambda uow: uow.log.checkpoint())
        assert published is not None
        assert published[1].startswith(f"{log_origin(world.government.own)}/")
        first = await verified(world.government)
        assert first.checkpoint is not None
        assert first.checkpoint.origin.startswith(f"{log_origin(world.government.own)}/")
