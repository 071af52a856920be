"""Units that run at the same time on PostgreSQL leave what they would leave one after another: every verb that could race."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from gateway.audit import sequence
from gateway.core.activation import Activation
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ids import DocumentKey, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Document
from gateway.core.states import BusinessStatus, DeliveryState, Evidence
from gateway.core.work import Claim, Destination
from gateway.storage import open_postgres, open_postgres_reader
from gateway.storage.attempts import Attempts
from gateway.storage.placing import PlacingTurns
from tests.kit import rows
from tests.kit.postgres import fail, session_server
from tests.unit.storage.crowd import THREADS, Crowd, Meeting, crowd

PAUSE = 0.02
"""Long enough for the other units to be in the middle too."""


@pytest.fixture
def many() -> Iterator[Crowd]:
    with crowd() as gathered:
        yield gathered


# --- documents -----------------------------------------------------------------------------------------------------------


def test_one_idempotency_key_from_eight_callers_is_one_document(many: Crowd) -> None:
    meeting = Meeting()

    def submit(document: Document) -> Any:
        def unit(uow: UnitOfWork) -> tuple[DocumentKey, bool]:
            known = uow.documents.submitted(
                document.sender, document_id=document.document_id, idempotency_key=document.idempotency_key
            )
            meeting.meet()
            if known is not None:
                return known.key, False
            uow.documents.add(document)
            return document.key, True

        return unit

    units = [submit(rows.document(document_id="same", idempotency_key="same")) for _ in range(THREADS)]
    answers = many.values(units)
    assert len({key for key, _ in answers}) == 1
    assert sorted(new for _, new in answers) == [False] * 7 + [True]
    assert len(many.one(lambda uow: uow.documents.page(None, 10))) == 1


def test_streams_have_no_gaps_and_no_doubles_and_nobody_waits_in_a_circle(many: Crowd) -> None:
    chance = Random(7)
    bodies = [OrganId(f"Z79.{n:03}") for n in range(12)]

    def number(undone: bool) -> Any:
        recipients = chance.sample(bodies, 8)

        def unit(uow: UnitOfWork) -> dict[OrganId, int]:
            numbers = uow.documents.next_sequence(rows.PARTY, recipients, 2026, lambda: bytes(16))
            time.sleep(0.002)
            if undone:
                raise LookupError
            return {organ: count for organ, (count, _) in numbers.items()}

        return unit

    done = many.settle([number(undone=n % 9 == 4) for n in range(120)])
    assert {type(outcome.error) for outcome in done if outcome.error} == {LookupError}
    given: dict[OrganId, list[int]] = {organ: [] for organ in bodies}
    for outcome in done:
        for organ, count in (outcome.value or {}).items():
            given[organ].append(count)
    assert all(sorted(counts) == list(range(1, len(counts) + 1)) for counts in given.values())


def test_a_receipt_and_a_status_for_the_same_delivery_both_stay(many: Crowd) -> None:
    document = rows.document()
    delivery = rows.delivery(document, state=DeliveryState.SENDING)

    def add(uow: UnitOfWork) -> None:
        uow.documents.add(document)
        uow.documents.add_deliveries([delivery])

    def receipt(uow: UnitOfWork) -> None:
        (known,) = uow.documents.deliveries(document.key)
        time.sleep(PAUSE)
        done = replace(known, state=DeliveryState.DELIVERED, evidence=Evidence.RECEIPT)
        uow.documents.advance_deliveries([done], was={known.key: known.state})

    def status(uow: UnitOfWork) -> None:
        known = uow.documents.delivery(document.key, delivery.recipient)
        assert known is not None
        time.sleep(PAUSE)
        said = replace(known, business_status=BusinessStatus.ACCEPTED, business_description="Đã tiếp nhận")
        uow.documents.advance_deliveries([said], was={known.key: known.state})

    many.one(add)
    many.values([receipt, status])
    after = many.one(lambda uow: uow.documents.delivery(document.key, delivery.recipient))
    assert (after.state, after.evidence) == (DeliveryState.DELIVERED, Evidence.RECEIPT)
    assert after.business_status is BusinessStatus.ACCEPTED


# --- transfers and inbox ---------------------------------------------------------------------------------------------------


def test_a_transfer_that_comes_twice_at_once_is_stored_once_and_its_twin_finds_it(many: Crowd) -> None:
    meeting = Meeting()

    def receive(uow: UnitOfWork) -> bool:
        known = uow.transfers.incoming(TransferKey("transfer-1"))
        meeting.meet()
        if known is None:
            uow.transfers.receive(rows.incoming())
        return known is None

    assert sorted(many.values([receive] * THREADS)) == [False] * 7 + [True]


def test_the_first_answer_wins_and_everybody_is_given_it(many: Crowd) -> None:
    many.one(lambda uow: uow.transfers.receive(rows.incoming()))
    meeting = Meeting()

    def answer(text: bytes) -> Any:
        return lambda uow: (meeting.meet(), uow.transfers.answer(TransferKey("transfer-1"), text))[1]

    assert len(set(many.values([answer(b"%d" % n) for n in range(THREADS)]))) == 1


def test_two_envelopes_under_one_document_id_see_each_other_even_for_different_bodies(many: Crowd) -> None:
    def receive(recipient: str) -> Any:
        def unit(uow: UnitOfWork) -> bool:
            seen = uow.inbox.seen(rows.PARTY, "one id")
            time.sleep(PAUSE)
            if seen is None:
                entry = rows.entry(OrganId(recipient), sender=rows.PARTY, document_id="one id")
                uow.inbox.add([entry])
            return seen is None

        return unit

    assert sorted(many.values([receive(f"Z79.{n:03}") for n in range(THREADS)])) == [False] * 7 + [True]


async def test_whoever_reads_the_inbox_by_cursor_never_skips_a_row(many: Crowd) -> None:
    """Arrivals of many sizes commit after many pauses; a reader follows them by its cursor all the while."""
    chance = Random(11)
    seen: list[int] = []
    over = Event()
    wards = frozenset(OrganId(f"Z79.{n:03}") for n in range(20))

    def arrive(number: int) -> Any:
        entries = [rows.entry(ward, document_id=f"d {number}") for ward in chance.sample(sorted(wards), 3)]
        pause = chance.uniform(0, 0.01)
        return lambda uow: (uow.inbox.add(entries), time.sleep(pause))

    async def follow() -> None:
        reader = open_postgres_reader(many.url)
        while True:
            last = over.is_set()
            page = await reader.read(lambda uow: uow.inbox.page(wards, seen[-1] if seen else 0, 50))
            seen.extend(entry.cursor for entry in page.entries)
            if last and not page.entries:
                break
        await reader.close()

    def traffic() -> None:
        many.values([arrive(number) for number in range(150)])
        over.set()

    thread = Thread(target=traffic)
    thread.start()
    await follow()
    thread.join()
    assert seen == list(range(1, 451))


def test_two_clerks_who_say_different_things_at_once(many: Crowd) -> None:
    entry = rows.entry(business_status=BusinessStatus.ARRIVED)
    many.one(lambda uow: uow.inbox.add([entry]))

    def say(status: BusinessStatus) -> Any:
        def unit(uow: UnitOfWork) -> bool:
            known = uow.inbox.find(entry.key)
            assert known is not None
            time.sleep(PAUSE)
            if known.business_status is not BusinessStatus.ARRIVED:
                return False
            uow.inbox.advance(replace(known, business_status=status), was=known.business_status)
            return True

        return unit

    said = many.values([say(BusinessStatus.ACCEPTED), say(BusinessStatus.REFUSED)])
    assert sorted(said) == [False, True]


# --- work ------------------------------------------------------------------------------------------------------------------


def test_an_item_is_claimed_by_one_and_fences_are_never_given_twice(many: Crowd) -> None:
    for number in range(100):
        many.one(lambda uow, n=number: uow.work.add(rows.item(f"item {n}")))
    meeting = Meeting()

    def claim(uow: UnitOfWork) -> tuple[Claim, ...]:
        meeting.meet(0.1)
        return uow.work.claim(rows.later(1), lease=60, windows={}, limit=7)

    claims = many.values([claim] * 30)
    assert Counter(c.item.subject for taken in claims for c in taken) == {f"item {n}": 1 for n in range(100)}
    fences = [taken[0].fence for taken in claims if taken]
    assert len(set(fences)) == len(fences)


def test_an_item_that_is_added_while_it_is_finished_is_due_again(many: Crowd) -> None:
    """No wake-up is lost, wherever in the finishing the adding falls."""
    for number in range(60):
        item = rows.item(f"item {number}")
        many.one(lambda uow, i=item: uow.work.add(i))
        (claim,) = many.one(lambda uow: uow.work.claim(rows.later(1), lease=60, windows={}, limit=9))
        meeting = Meeting(2)
        finish = lambda uow, c=claim, m=meeting: (m.meet(0.1), uow.work.finish(c))  # noqa: E731 - bound to this round
        add = lambda uow, i=item, m=meeting: (m.meet(0.1), uow.work.add(i))  # noqa: E731 - bound to this round
        many.values([finish, add])
        (again,) = many.one(lambda uow: uow.work.claim(rows.later(1), lease=60, windows={}, limit=9))
        many.one(lambda uow, c=again: uow.work.finish(c))


def test_an_item_that_eight_units_add_at_once_is_there_once(many: Crowd) -> None:
    meeting = Meeting()
    many.values([lambda uow: (meeting.meet(), uow.work.add(rows.item("same")))] * THREADS)
    assert len(many.one(lambda uow: uow.work.claim(rows.later(1), lease=60, windows={}, limit=9))) == 1


@pytest.mark.parametrize("known", [False, True])
def test_failures_of_a_destination_that_happen_at_once_are_all_counted(many: Crowd, known: bool) -> None:
    if known:
        many.one(lambda uow: uow.work.set_destination(Destination(name="there")))

    def failed(uow: UnitOfWork) -> None:
        road = uow.work.destination("there")
        time.sleep(0.005)
        uow.work.set_destination(replace(road, failures=road.failures + 1))

    many.values([failed] * 3)
    assert many.one(lambda uow: uow.work.destination("there")).failures == 3


# --- the log ---------------------------------------------------------------------------------------------------------------


async def test_a_thousand_leaves_of_many_callers_are_all_placed_before_their_callers_hear() -> None:
    heads: list[int] = []

    class Listener:
        def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
            if head is not None:
                heads.append(head.size)

    store = open_postgres(session_server().database(), sequencer=sequence, on_fatal=fail, relaxed=True)
    store.set_listener(Listener())

    async def caller() -> None:
        for _ in range(25):
            leaves = [rows.leaf() for _ in range(5)]
            await store.transact(lambda uow, some=leaves: [uow.log.append(leaf) for leaf in some])
            found = await store.read(lambda uow, some=leaves: uow.log.indexes([leaf.hash for leaf in some]))
            assert len(found) == 5

    await asyncio.gather(*(caller() for _ in range(8)))
    head = await store.read(lambda uow: uow.log.head())
    leaves = await store.read(lambda uow: uow.log.leaves(0, 2_000))
    await store.close()
    assert (head.size, len(set(leaves))) == (1_000, 1_000)
    assert len(set(heads)) == len(heads)
    assert max(heads) == 1_000
    assert len(heads) < 200  # one turn often serves several callers


def test_sequencers_of_several_nodes_lose_no_leaf(many: Crowd) -> None:
    """Each with its own lock, as in processes of their own; only the database is between them."""

    def node(number: int) -> None:
        attempts, turns = Attempts(many._engine), PlacingTurns(sequence)
        for _ in range(20):
            done = attempts.run(lambda uow: uow.log.append(rows.leaf()))
            assert done.error is None
            turns.place(attempts, turns.left())
        attempts.close()

    nodes = [Thread(target=node, args=(number,)) for number in range(4)]
    for thread in nodes:
        thread.start()
    for thread in nodes:
        thread.join()
    many.one(sequence)
    assert many.one(lambda uow: uow.log.head()).size == 80
    assert len(set(many.one(lambda uow: uow.log.leaves(0, 100)))) == 80
    assert not many.one(lambda uow: uow.log.any_pending())


def test_only_newer_checkpoints_are_kept_whoever_publishes_them(many: Crowd) -> None:
    meeting = Meeting()
    done = many.settle([lambda uow, n=n: (meeting.meet(), uow.log.publish(n, f"{n}\n")) for n in range(1, THREADS + 1)])
    kept = [outcome.error is None for outcome in done]
    assert kept[-1]
    assert {type(outcome.error) for outcome in done if outcome.error} <= {AssertionError}
    assert many.one(lambda uow: uow.log.checkpoint()) == (THREADS, f"{THREADS}\n")


# --- registry --------------------------------------------------------------------------------------------------------------


def test_the_epoch_never_falls_and_the_log_is_born_once(many: Crowd) -> None:
    def activate(epoch: int) -> Any:
        def unit(uow: UnitOfWork) -> bool:
            born = uow.directory.active() is None
            time.sleep(0.005)
            uow.directory.activate(Activation(epoch=epoch, digest=rows.digest(str(epoch)), at=rows.NOW))
            return born

        return unit

    done = many.settle([activate(epoch) for epoch in (3, 1, 4, 1, 5, 9, 2, 6)])
    assert {type(outcome.error) for outcome in done if outcome.error} <= {SiteError}
    assert sum(bool(outcome.value) for outcome in done) == 1
    epochs = [activation.epoch for activation in many.one(lambda uow: uow.directory.history())]
    assert epochs == sorted(epochs)
    assert epochs[-1] == 9
