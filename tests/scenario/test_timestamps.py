"""Timestamps in the service: stamped while sealing, owed and paid later, or waited for; nothing is lost on the way."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from gateway.core.errors import Conflict, NotFound, SiteError
from gateway.core.ids import Digest, TimestampKey
from gateway.core.limits import TIMESTAMP_DEBT_SECONDS_MAX
from gateway.core.model import Document
from gateway.core.owed import OwedTimestamp, TimestampState, Unpaid
from gateway.core.states import DocumentState
from gateway.core.validation import Indication, Level, TimestampKind
from gateway.core.work import TIMESTAMP_ROAD, WorkKind
from gateway.crypto import FileSealer, SealOrder, Trust, judge_pdf, judge_timestamp, last_timestamp
from gateway.evidence.owed import owed_problems
from gateway.evidence.story import read_story
from gateway.exchange import OwedProbe
from gateway.storage.timestamps import TimestampLedger
from tests.kit.certomancer.declared import bundle
from tests.kit.exchange_world import DEADLINE, Node, World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.timestamp_authority import NearAuthority
from tests.scenario.test_main_job import check
from tests.scenario.test_trouble import arrived


def stamping(world: World, node: Node, order: SealOrder) -> NearAuthority:
    """This gateway asks for timestamps from now on."""
    sealer, authority = node.desk.sealer, NearAuthority(world.clock)
    assert isinstance(sealer, FileSealer)
    sealer._authority = sealer._later = authority
    sealer._order = order
    sealer.replace(replace(sealer._keys, trust=trust_of(node)))
    return authority


def trust_of(node: Node) -> Trust:
    """The gateway's own, and the declared authorities' with their lists."""
    sealer, more = node.desk.sealer, bundle()
    assert isinstance(sealer, FileSealer)
    own = sealer._keys.trust
    return replace(own, authorities=more.authorities, crls=tuple(dict.fromkeys((*own.crls, *more.crls))))


async def sent(world: World, *, files: int = 1) -> Document:
    pdfs = [await world.party.file(f"{n}.pdf", tiny_pdf(f"text {n}")) for n in range(files)]
    return await world.party.submit(letter(world.sender, (world.wards[0],), *pdfs))


async def owed_of(world: World, document: Document) -> tuple[OwedTimestamp, ...]:
    return await world.party.store.read(lambda uow: uow.timestamps.of_document(document.key))


async def unpaid(world: World) -> Unpaid:
    return await world.party.store.read(lambda uow: uow.timestamps.unpaid())


async def state_of(world: World, document: Document) -> tuple[DocumentState, str]:
    view = await world.party.queries.document(world.party.principal(world.sender), document.key)
    return view.document.state, view.document.reason


async def copy_of(world: World, document: Document, *, archive: bool) -> bytes:
    principal = world.party.principal(world.sender)
    path, _ = await world.party.queries.sent_attachment(principal, document.key, 1, archive=archive)
    return path.read_bytes()


async def story(world: World, document: Document, subject: str) -> list[str]:
    principal = world.party.principal(world.sender)
    page = await world.party.queries.history(principal, document.key, after=0, limit=200)
    return [event.event for event in page.events if event.subject == subject]


async def test_without_an_authority_nothing_is_owed_and_nobody_asks_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one statement more than before there were timestamps."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the ledger of timestamps was asked")

    with monkeypatch.context() as patch:
        for verb in ("add", "find", "of_document", "advance", "unpaid"):
            patch.setattr(TimestampLedger, verb, asked)
        document = await sent(world)
        await world.settle()
        assert (await state_of(world, document))[0] is DocumentState.ROUTED
        view = await world.party.queries.document(world.party.principal(world.sender), document.key)
    assert [file.seal for file in view.document.attachments] == [None]
    assert (await unpaid(world), await owed_of(world, document), view.timestamps) == (Unpaid(), (), ())
    assert await copy_of(world, document, archive=True) == await copy_of(world, document, archive=False)


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
async def test_an_authority_that_answers_stamps_while_sealing(world: World, level: Level) -> None:
    authority = stamping(world, world.party, SealOrder(level=level))
    document = await sent(world)
    await world.settle()
    view = await world.party.queries.document(world.party.principal(world.sender), document.key)
    (file,) = view.document.attachments
    assert file.seal is not None
    assert (file.seal.level, file.seal.owed) == (level, None)
    assert file.seal.stamped_at is not None
    assert abs(file.seal.stamped_at - document.accepted_at) < timedelta(minutes=1)
    assert (len(authority.asked), await unpaid(world)) == (2 if level is Level.B_LTA else 1, Unpaid())
    assert await arrived(world.government, world.wards[0]) + await arrived(world.party, world.wards[0]) == 1


async def test_what_is_owed_is_paid_when_the_authority_is_back(world: World) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    document = await sent(world, files=2)
    await world.settle(limit=timedelta(hours=3))
    assert await state_of(world, document) == (DocumentState.ROUTED, "")  # it did not wait
    first, second = await owed_of(world, document)
    assert {(one.state, one.reason) for one in (first, second)} <= {
        (TimestampState.WAITING, "timestamp.unavailable"),
        (TimestampState.WAITING, ""),
    }
    assert (await unpaid(world)).waiting == 2
    with pytest.raises(NotFound):
        await copy_of(world, document, archive=True)
    before = await copy_of(world, document, archive=False)

    authority.answers = None
    await world.settle()
    paid, _ = await owed_of(world, document)
    assert (paid.state, paid.level, paid.reason) == (TimestampState.STAMPED, Level.B_T, "")
    assert paid.stamped_at is not None
    assert await unpaid(world) == Unpaid()
    assert await story(world, document, paid.key) == ["timestamp.owed", "timestamp.added"]
    after = await copy_of(world, document, archive=True)
    assert await copy_of(world, document, archive=False) == before  # what left the house stays as it was
    assert after.startswith(before)
    judge_archive(world, after, len(before))
    road = await world.party.store.read(lambda uow: uow.work.destination(TIMESTAMP_ROAD))
    assert (road.failures, road.not_before) == (0, None)
    await check(world, world.party)


def judge_archive(world: World, archive: bytes, sealed: int) -> None:
    """The seal passes in it, and the document timestamp is a good one over all that was there."""
    trust, moment = trust_of(world.party), world.clock.now()
    assert judge_pdf(archive, trust=trust, moment=moment).signatures[0].indication is Indication.TOTAL_PASSED
    (stamp,) = PdfFileReader(BytesIO(archive)).embedded_timestamp_signatures
    stamp.compute_integrity_info()
    assert stamp.coverage.name == "ENTIRE_FILE"
    start, first, second, rest = stamp.byte_range
    covered = archive[start : start + first] + archive[second : second + rest]
    assert first > sealed
    seen = judge_timestamp(
        last_timestamp(archive),
        kind=TimestampKind.DOCUMENT,
        digest=lambda name: hashlib.new(name, covered).digest(),
        trust=trust,
        moment=moment,
    )
    assert seen.indication is Indication.TOTAL_PASSED, seen.reason


async def test_all_that_is_owed_waits_for_the_authority_together(world: World) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    await sent(world, files=5)
    await world.settle(limit=timedelta(hours=10))
    # five while sealing, five at once, and then one or all at a time, an hour apart at last: not thousands
    assert len(authority.asked) < 5 + 5 * 40
    road = await world.party.store.read(lambda uow: uow.work.destination(TIMESTAMP_ROAD))
    assert road.failures > 5
    assert road.not_before is not None


async def test_evidence_that_is_missing_is_owed_after_the_time_is_had(world: World) -> None:
    """B-LT takes revocation lists of the authority: the time is kept at once, the rest when they come."""
    authority = stamping(world, world.party, SealOrder(level=Level.B_LT))
    sealer = world.party.desk.sealer
    assert isinstance(sealer, FileSealer)
    whole = sealer._keys
    own = world.party.desk.trust.current()
    sealer.replace(replace(whole, trust=replace(whole.trust, crls=own.crls)))
    authority.answers = 0
    document = await sent(world)
    await world.settle(limit=timedelta(minutes=30))
    authority.answers = None
    await world.settle(limit=timedelta(hours=3))
    (owed,) = await owed_of(world, document)
    assert (owed.state, owed.level, owed.reason) == (TimestampState.WAITING, Level.B_T, "seal.evidence")
    assert owed.archive is not None
    early = await copy_of(world, document, archive=True)
    sealer.replace(whole)
    await world.settle()
    (owed,) = await owed_of(world, document)
    assert (owed.state, owed.level, owed.reason) == (TimestampState.STAMPED, Level.B_LT, "")
    assert (await copy_of(world, document, archive=True)).startswith(early)
    await check(world, world.party)


async def test_owed_for_too_long_is_given_up_loudly_and_can_be_let_go_on(world: World) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    document = await sent(world)
    probe = OwedProbe(store=world.party.store, clock=world.clock)
    await world.settle(limit=timedelta(minutes=5))
    assert [one.code for one in await probe.look()] == ["probe.queue.timestamps"]
    await world.settle(limit=timedelta(seconds=TIMESTAMP_DEBT_SECONDS_MAX - 7200))
    assert [one.code for one in await probe.look()] == ["probe.queue.timestamps_late"]
    await world.settle(limit=timedelta(days=20))
    (owed,) = await owed_of(world, document)
    assert (owed.state, owed.reason) == (TimestampState.GIVEN_UP, "timestamp.unavailable")
    assert [one.code for one in await probe.look()] == ["probe.queue.timestamps_given_up"]
    (dead,) = await world.party.store.read(lambda uow: uow.work.dead(9))
    assert (dead.item.kind, dead.item.subject) == (WorkKind.TIMESTAMP, owed.key)
    assert "timestamp.unavailable" in dead.reason
    await check(world, world.party)

    authority.answers = None
    principal = world.party.principal(world.sender)
    await world.party.releases.release(principal, document.key)
    with pytest.raises(Conflict):
        await world.party.releases.release(principal, document.key)
    await world.settle()
    (owed,) = await owed_of(world, document)
    assert owed.state is TimestampState.STAMPED
    assert await world.party.store.read(lambda uow: uow.work.count_dead()) == 0
    kinds = ["timestamp.owed", "timestamp.given_up", "released", "timestamp.added"]
    assert await story(world, document, owed.key) == kinds
    assert [one.code for one in await probe.look()] == ["probe.queue.nothing_owed"]
    await check(world, world.party)


async def test_a_glimpse_of_the_future_gives_no_timestamp_up(world: World) -> None:
    stamping(world, world.party, SealOrder(level=Level.B_T)).answers = 0
    document = await sent(world)
    await world.settle(limit=timedelta(minutes=5))
    world.clock.jump(10 * 365 * 24 * 3600)
    for _ in range(3):
        await world.party.run_due(world.clock.now())
    world.clock.jump(-10 * 365 * 24 * 3600)
    (owed,) = await owed_of(world, document)
    assert owed.state is not TimestampState.GIVEN_UP


async def test_a_row_that_was_changed_behind_the_log_is_found(world: World) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    document = await sent(world)
    await world.settle(limit=timedelta(minutes=1))
    authority.answers = None
    await world.settle()
    (paid,) = await owed_of(world, document)
    story = await world.party.store.read(lambda uow: read_story(uow.log, document.key))
    assert list(owed_problems(paid, document, story)) == []
    for changed in (
        {"state": TimestampState.WAITING, "level": Level.B_B, "archive": None},
        {"state": TimestampState.GIVEN_UP},
        {"level": Level.B_LTA},
        {"archive": paid.sealed},
        {"sealed": replace(paid.sealed, digest=Digest("0" * 64))},
        {"owed": Level.B_LT},
        {"last_leaf": "00" * 32},
        {"key": TimestampKey("another")},
    ):
        assert list(owed_problems(replace(paid, **changed), document, story)), changed  # type: ignore[arg-type]


# --- when nothing is sealed before an authority answers ------------------------------------------------------------------


async def test_a_document_that_waits_says_why_and_goes_on_when_the_authority_is_back(world: World) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T, insist=True))
    authority.answers = 0
    document = await sent(world)
    for _ in range(3):
        with pytest.raises(SiteError) as caught:
            await world.settle()
        assert caught.value.code == "timestamp.unavailable"
        assert await state_of(world, document) == (DocumentState.ACCEPTED, "timestamp.unavailable")
        world.clock.advance(61)  # the lease that nobody gave back here; the engine would
    authority.answers = None
    await world.settle()
    assert await state_of(world, document) == (DocumentState.ROUTED, "")
    assert await unpaid(world) == Unpaid()
    await check(world, world.party)


async def test_a_document_does_not_wait_for_ever(world: World) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T, insist=True))
    authority.answers = 0
    document = await sent(world)
    with pytest.raises(SiteError):
        await world.settle()
    world.clock.advance(DEADLINE.total_seconds() + 1)
    await world.settle()
    assert await state_of(world, document) == (DocumentState.HELD, "timestamp.unavailable")
    authority.answers = None
    assert await world.party.releases.resume() == 1
    await world.settle()
    assert await state_of(world, document) == (DocumentState.ROUTED, "")
    await check(world, world.party)


# --- the process ends between two steps -------------------------------------------------------------------------------


class KilledError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("when", ["token", "blob", "unit"])
async def test_killed_between_two_steps_it_is_repeated_harmlessly(
    world: World, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    document = await sent(world)
    await world.settle(limit=timedelta(minutes=1))
    authority.answers = None
    asked = len(authority.asked)
    store, sealer = world.party.store, world.party.desk.sealer

    async def killed(*_args: object, **_names: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        if when == "token":
            settle = sealer.settle

            async def no_further(*args: object) -> None:
                await settle(*args)  # type: ignore[arg-type]  # whatever it was asked
                raise KilledError

            patch.setattr(sealer, "settle", no_further)
        elif when == "blob":
            patch.setattr("gateway.exchange.stamping.Stamping._settle", killed)
        else:
            patch.setattr("gateway.exchange.stamping._record", lambda *_, **__: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            await world.settle()
    assert len(authority.asked) == asked + 1  # the token came, and nobody kept it
    (owed,) = await owed_of(world, document)
    assert (owed.state, owed.archive) == (TimestampState.WAITING, None)
    await store.transact(lambda uow: uow.work.release_all())  # what a start does first
    await world.settle()
    (owed,) = await owed_of(world, document)
    assert (owed.state, len(authority.asked)) == (TimestampState.STAMPED, asked + 2)
    assert await story(world, document, owed.key) == ["timestamp.owed", "timestamp.added"]
    await check(world, world.party)


async def test_killed_before_the_unit_that_seals_nothing_is_owed_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    document = await sent(world)
    with monkeypatch.context() as patch:
        patch.setattr("gateway.exchange.steps.owe", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            await world.settle()
    assert (await state_of(world, document))[0] is DocumentState.ACCEPTED
    assert await owed_of(world, document) == ()
    await world.party.store.transact(lambda uow: uow.work.release_all())
    await world.settle(limit=timedelta(minutes=5))
    assert len(await owed_of(world, document)) == 1
    assert (await world.party.store.read(lambda uow: uow.work.workload(world.clock.now()))).items[
        WorkKind.TIMESTAMP
    ] == 1
    await check(world, world.party)
