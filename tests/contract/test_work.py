"""The promises of the ledger `Work`."""

from dataclasses import replace

import pytest

from gateway.core.interventions import Pause
from gateway.core.ledgers import LeaseLostError, UnitOfWork
from gateway.core.limits import LEASE_SECONDS
from gateway.core.message import Priority
from gateway.core.work import Backlog, Claim, DeadLetter, Destination, QueuedWork, Turn, WorkItem, WorkKind
from tests.contract.stores import LedgerStore
from tests.kit.rows import item, later


async def add(store: LedgerStore, *items: WorkItem) -> None:
    def work(uow: UnitOfWork) -> None:
        for one in items:
            uow.work.add(one)

    await store.transact(work)


async def claim(
    store: LedgerStore, at: float = 0, *, limit: int = 10, windows: dict[str, int] | None = None
) -> tuple[Claim, ...]:
    return await store.transact(lambda uow: uow.work.claim(later(at), lease=60, windows=windows or {}, limit=limit))


def subjects(claims: tuple[Claim, ...]) -> list[str]:
    return [claim.item.subject for claim in claims]


async def test_due_items_are_claimed_oldest_first_and_once(store: LedgerStore) -> None:
    await add(store, item("b", -1), item("c", -1), item("a", -5), item("future", 1))
    assert subjects(await claim(store, limit=2)) == ["a", "b"]
    assert subjects(await claim(store)) == ["c"]
    assert await claim(store) == ()
    assert subjects(await claim(store, at=1)) == ["future"]


async def test_what_is_more_urgent_is_claimed_first_and_the_oldest_in_its_turn(store: LedgerStore) -> None:
    await add(
        store,
        item("old", -9, destination="a"),
        item("urgent", -3, destination="a", urgency=Priority.URGENT),
        item("at once", -2, destination="b", urgency=Priority.IMMEDIATE),
        item("at once, first", -4, destination="a", urgency=Priority.IMMEDIATE),
        item("not yet", 5, urgency=Priority.IMMEDIATE_AT_TIME),
        item("new", -1, destination="b"),
    )

    async def turn(turn: Turn, limit: int, **windows: int) -> list[str]:
        free = {"a": 9, "b": 9} | windows
        claims = await store.transact(
            lambda uow: uow.work.claim(later(0), lease=60, windows=free, limit=limit, turn=turn)
        )
        await store.transact(lambda uow: [uow.work.postpone(claim, claim.item.due_at) for claim in claims])
        return subjects(claims)

    by_urgency = ["at once, first", "at once", "urgent", "old", "new"]
    for limit in range(1, 9):
        assert await turn(Turn.URGENCY, limit) == by_urgency[:limit]
    assert await turn(Turn.AGE, 9) == ["old", "at once, first", "urgent", "at once", "new"]
    assert await turn(Turn.URGENCY, 9, a=1) == ["at once, first", "at once", "new"]
    assert await turn(Turn.AGE, 9, a=1, b=0) == ["old"]


async def test_pages_of_urgent_items_are_turned_over_to_the_last(store: LedgerStore) -> None:
    degrees = (Priority.IMMEDIATE, Priority.URGENT)
    for degree in degrees:
        await add(store, *(item(f"{degree} {n}", n - 90, destination="a", urgency=degree) for n in range(7)))
    await add(store, item("b", -1, destination="b", urgency=Priority.URGENT))
    assert subjects(await claim(store, windows={"a": 1}, limit=3)) == ["3 0", "b"]


async def test_an_item_added_again_is_as_urgent_as_the_more_urgent(store: LedgerStore) -> None:
    for first, second in ((Priority.URGENT, Priority.NORMAL), (Priority.NORMAL, Priority.URGENT)):
        await add(store, item("x", urgency=first), item("x", urgency=second))
        (claimed,) = await claim(store)
        assert claimed.item.urgency is Priority.URGENT
        await store.transact(lambda uow, c=claimed: uow.work.finish(c))


async def test_hurry_makes_items_more_urgent_and_no_new_ones(store: LedgerStore) -> None:
    await add(
        store,
        item("x", 5),
        item("y", urgency=Priority.IMMEDIATE),
        item("z", -1),
        item("x", kind=WorkKind.DOCUMENT),
    )
    await store.transact(lambda uow: uow.work.hurry(WorkKind.TRANSFER, ["x", "y", "gone"], Priority.URGENT))
    seen = {
        (one.item.kind, one.item.subject): one.item for one in await store.read(lambda uow: uow.work.queued(None, 9))
    }
    assert {name: one.urgency for name, one in seen.items()} == {
        (WorkKind.TRANSFER, "x"): Priority.URGENT,
        (WorkKind.TRANSFER, "y"): Priority.IMMEDIATE,
        (WorkKind.TRANSFER, "z"): Priority.NORMAL,
        (WorkKind.DOCUMENT, "x"): Priority.NORMAL,
    }
    assert seen[WorkKind.TRANSFER, "x"].due_at == later(5)


async def test_a_dead_letter_keeps_its_urgency(store: LedgerStore) -> None:
    await add(store, item("x", urgency=Priority.IMMEDIATE))
    (claimed,) = await claim(store)
    await store.transact(lambda uow: uow.work.bury(claimed, "why", later(1)))
    (letter,) = await store.read(lambda uow: uow.work.dead(10))
    assert letter.item == claimed.item


async def test_a_claim_carries_the_item_whole(store: LedgerStore) -> None:
    given = WorkItem(kind=WorkKind.DOCUMENT, subject="s", destination="d", due_at=later(-1.5), attempts=3)
    await add(store, given)
    (claimed,) = await claim(store)
    assert claimed.item == given


async def test_an_item_is_there_once_and_due_at_the_earlier_time(store: LedgerStore) -> None:
    await add(store, item("x", 5), item("x", 2), item("x", 9), item("x", 3, kind=WorkKind.DOCUMENT))
    assert await store.read(lambda uow: uow.work.next_due()) == later(2)
    assert len(await claim(store, at=10)) == 2


async def test_windows_bound_each_destination_and_starve_nobody(store: LedgerStore) -> None:
    await add(store, *(item(f"a{n}", n - 100, destination="a") for n in range(30)))
    await add(store, *(item(f"b{n}", n - 50, destination="b") for n in range(3)))
    await add(store, item("c", -2, destination="c"), item("none", -1))
    claimed = await claim(store, windows={"a": 2, "b": 0, "d": 5}, limit=5)
    assert subjects(claimed) == ["a0", "a1", "c", "none"]
    assert subjects(await claim(store, windows={"a": 0, "b": 9}, limit=2)) == ["b0", "b1"]


async def test_a_long_queue_of_closed_and_full_roads_is_in_nobodys_way(store: LedgerStore) -> None:
    """Two of the roads in front are closed, one is full; urgent items of theirs are in the way of urgent ones, too."""
    for name in ("closed", "full", "paused"):
        degrees = (Priority.NORMAL, Priority.URGENT)
        await add(store, *(item(f"{name} {n}", n - 90, destination=name, urgency=degrees[n % 2]) for n in range(30)))
    await add(store, *(item(f"b{n}", n - 9, destination="b") for n in range(4)))
    await add(store, item("c", -2, destination="c", urgency=Priority.URGENT), item("a", -3, destination="a"))
    closed = Destination(name="closed", failures=1, not_before=later(60))
    pause = Pause(destination="paused", by="hoa", reason="bảo trì", at=later(0))
    await store.transact(lambda uow: (uow.work.set_destination(closed), uow.interventions.pause(pause)))
    windows = {"a": 9, "b": 2, "c": 9, "full": 0}
    assert subjects(await claim(store, windows=windows, limit=5)) == ["c", "b0", "b1", "a"]
    assert await store.read(lambda uow: uow.work.next_due()) == later(-90)
    assert len(await claim(store, windows={"full": 3}, limit=5)) == 5
    found = [one.item.destination for one in await claim(store, at=60, windows={"full": 0}, limit=40)]
    assert found.count("closed") == 30
    assert not {"full", "paused"} & set(found)


async def test_a_destination_that_waits_is_left_until_its_time(store: LedgerStore) -> None:
    await add(store, item("x", -5, destination="a"), item("y", -4, destination="b"))
    resting = Destination(name="a", failures=2, not_before=later(30))
    await store.transact(lambda uow: uow.work.set_destination(resting))
    assert subjects(await claim(store)) == ["y"]
    assert await store.read(lambda uow: uow.work.next_due()) == later(30)
    assert subjects(await claim(store, at=30)) == ["x"]
    assert await store.read(lambda uow: uow.work.next_due()) is None


async def test_destinations_are_remembered(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.work.destination("a")) == Destination(name="a")
    for state in (Destination(name="a", failures=3, not_before=later(9)), Destination(name="a", failures=0)):
        await store.transact(lambda uow, state=state: uow.work.set_destination(state))
        assert await store.read(lambda uow: uow.work.destination("a")) == state


async def test_a_lease_that_ran_out_is_due_again_and_its_old_holder_has_lost_it(store: LedgerStore) -> None:
    await add(store, item("x"))
    (old,) = await claim(store)
    assert await claim(store, at=59.9) == ()
    (new,) = await claim(store, at=60)
    assert new.fence > old.fence
    for verb in (
        lambda uow: uow.work.finish(old),
        lambda uow: uow.work.postpone(old, later(1)),
        lambda uow: uow.work.bury(old, "why", later(1)),
        lambda uow: uow.work.renew(old, later(100)),
    ):
        with pytest.raises(LeaseLostError):
            await store.transact(verb)
    assert await store.read(lambda uow: uow.work.dead(10)) == ()
    await store.transact(lambda uow: uow.work.finish(new))
    with pytest.raises(LeaseLostError):
        await store.transact(lambda uow: uow.work.finish(new))


async def test_a_fence_is_never_given_twice_even_to_an_item_that_came_back(store: LedgerStore) -> None:
    await add(store, item("x"))
    (old,) = await claim(store)
    (new,) = await claim(store, at=60)
    await store.transact(lambda uow: uow.work.finish(new))
    await add(store, item("x"))
    (again,) = await claim(store, at=61)
    assert again.fence > new.fence > old.fence
    with pytest.raises(LeaseLostError):
        await store.transact(lambda uow: uow.work.finish(old))


async def test_renewing_keeps_the_lease(store: LedgerStore) -> None:
    await add(store, item("x"))
    (claimed,) = await claim(store)
    await store.transact(lambda uow: uow.work.renew(claimed, later(200)))
    assert await claim(store, at=199) == ()
    await store.transact(lambda uow: uow.work.finish(claimed))


async def test_postponing_gives_the_lease_back_and_counts_only_own_failures(store: LedgerStore) -> None:
    await add(store, item("x"))
    for attempts, failed in enumerate([True, True, False]):
        (claimed,) = await claim(store, at=10)
        assert claimed.item.attempts == attempts
        await store.transact(lambda uow, c=claimed, f=failed: uow.work.postpone(c, later(10), failed=f))
        with pytest.raises(LeaseLostError):
            await store.transact(lambda uow, c=claimed: uow.work.finish(c))
    assert await claim(store, at=9) == ()
    (claimed,) = await claim(store, at=10)
    assert claimed.item == replace(item("x", 10), attempts=2)


async def test_what_is_added_while_leased_is_not_lost_by_finishing(store: LedgerStore) -> None:
    await add(store, item("x"))
    (claimed,) = await claim(store)
    await add(store, item("x", 7), item("x", 5))
    assert await claim(store, at=8) == ()  # still leased
    await store.transact(lambda uow: uow.work.finish(claimed))
    assert await store.read(lambda uow: uow.work.next_due()) == later(5)
    (again,) = await claim(store, at=8)
    assert again.item == item("x", 5)
    await store.transact(lambda uow: uow.work.finish(again))
    assert await claim(store, at=100) == ()


async def test_what_is_added_while_leased_is_due_at_the_earlier_time_when_postponed(store: LedgerStore) -> None:
    for added, postponed, due in ((5, 9, 5), (9, 5, 5)):
        await add(store, item("x"))
        (claimed,) = await claim(store)
        await add(store, item("x", added))
        await store.transact(lambda uow, c=claimed, p=postponed: uow.work.postpone(c, later(p)))
        assert await store.read(lambda uow: uow.work.next_due()) == later(due)
        (claimed,) = await claim(store, at=due)
        await store.transact(lambda uow, c=claimed: uow.work.finish(c))


async def test_a_buried_item_becomes_a_dead_letter(store: LedgerStore) -> None:
    await add(store, item("x", -2, destination="d"), item("y", -1))
    for n, claimed in enumerate(await claim(store)):
        await store.transact(lambda uow, c=claimed, n=n: uow.work.bury(c, f"why {n}", later(n)))
    assert await claim(store, at=100) == ()
    expected = (
        DeadLetter(item=item("y", -1), reason="why 1", at=later(1)),
        DeadLetter(item=item("x", -2, destination="d"), reason="why 0", at=later(0)),
    )
    assert await store.read(lambda uow: uow.work.dead(10)) == expected
    assert await store.read(lambda uow: uow.work.dead(1)) == expected[:1]
    assert await store.read(lambda uow: uow.work.dead(10, "d")) == expected[1:]
    assert await store.read(lambda uow: uow.work.dead(10, "nowhere")) == ()
    for destination, count in ((None, 2), ("", 1), ("d", 1), ("nowhere", 0)):
        assert await store.read(lambda uow, d=destination: uow.work.count_dead(d)) == count


async def test_what_was_given_up_is_due_again_without_its_dead_letters_when_it_is_let_go_on(store: LedgerStore) -> None:
    for number in range(2):
        await add(store, item("x", destination="d"), item("y"), item("x", kind=WorkKind.DOCUMENT))
        for one in await claim(store):
            await store.transact(lambda uow, c=one, n=number: uow.work.bury(c, "why", later(n)))
    assert await store.read(lambda uow: uow.work.count_dead()) == 6
    await store.transact(lambda uow: uow.work.redrive(item("x", 5, destination="d")))
    letters = await store.read(lambda uow: uow.work.dead(10))
    assert {(one.item.kind, one.item.subject) for one in letters} == {
        (WorkKind.TRANSFER, "y"),
        (WorkKind.DOCUMENT, "x"),
    }
    assert await store.read(lambda uow: uow.work.count_dead()) == 4
    assert await store.read(lambda uow: uow.work.count_dead("d")) == 0
    assert [one.item for one in await claim(store, at=10)] == [item("x", 5, destination="d")]


async def test_the_dead_letters_of_one_subject_are_found_whatever_their_kind(store: LedgerStore) -> None:
    letters = (item("x", destination="d"), item("x", kind=WorkKind.GAPS, destination="d"), item("y"))
    await add(store, *letters)
    for one in await claim(store):
        await store.transact(lambda uow, c=one: uow.work.bury(c, "why", later(0)))
    found = await store.read(lambda uow: uow.work.dead_of("x"))
    assert {(one.item, one.reason, one.at) for one in found} == {(one, "why", later(0)) for one in letters[:2]}
    assert await store.read(lambda uow: uow.work.dead_of("z")) == ()


async def test_what_a_clock_that_was_ahead_put_off_is_brought_forward(store: LedgerStore) -> None:
    await add(store, item("soon", 50), item("far", 9_000, destination="d"), item("held", -1))
    (held,) = await claim(store)
    for name, until in (("d", later(9_000)), ("open", later(50)), ("never", None)):
        one = Destination(name=name, failures=3, not_before=until)
        await store.transact(lambda uow, one=one: uow.work.set_destination(one))
    assert await store.transact(lambda uow: uow.work.bring_forward(later(0), later(60))) == 2
    assert await store.transact(lambda uow: uow.work.bring_forward(later(0), later(60))) == 0
    assert subjects(await claim(store, windows={"d": 9})) == ["far"]
    roads = [await store.read(lambda uow, name=name: uow.work.destination(name)) for name in ("d", "open", "never")]
    assert [(road.failures, road.not_before) for road in roads] == [(3, later(0)), (3, later(50)), (3, None)]
    await store.transact(lambda uow: uow.work.postpone(held, later(9_000)))
    assert await store.transact(lambda uow: uow.work.bring_forward(later(0), later(60))) == 1


async def test_a_lease_that_a_clock_that_was_ahead_has_given_ends_when_nobody_renews_it(store: LedgerStore) -> None:
    """A claim that was committed and its answer lost, ten years ahead: nobody would have worked on it for so long."""
    await add(store, item("orphan", -1), item("worked on", -1))
    held = {one.item.subject: one for one in await claim(store, 3e8)}
    assert await store.transact(lambda uow: uow.work.bring_forward(later(0), later(7_200))) == 2
    assert await claim(store, LEASE_SECONDS - 1) == ()
    await store.transact(lambda uow: uow.work.renew(held["worked on"], later(2 * LEASE_SECONDS)))
    assert subjects(await claim(store, LEASE_SECONDS + 1)) == ["orphan"]


async def test_at_start_every_lease_is_given_back(store: LedgerStore) -> None:
    await add(store, item("x", -2), item("y", -1), item("z", 5))
    held = await claim(store)
    assert await store.read(lambda uow: uow.work.next_due()) == later(5)
    assert await store.transact(lambda uow: uow.work.release_all()) == 2
    assert await store.transact(lambda uow: uow.work.release_all()) == 0
    assert await store.read(lambda uow: uow.work.next_due()) == later(-2)
    with pytest.raises(LeaseLostError):
        await store.transact(lambda uow: uow.work.finish(held[0]))
    assert subjects(await claim(store)) == ["x", "y"]


async def test_the_queue_is_seen_by_due_time_with_its_leases(store: LedgerStore) -> None:
    await add(store, item("c", 5, destination="d"), item("a", -2, destination="d"), item("b", -1))
    assert subjects(await claim(store, limit=1)) == ["a"]
    leased = QueuedWork(item=item("a", -2, destination="d"), leased_until=later(60))
    b, c = (QueuedWork(item=one, leased_until=None) for one in (item("b", -1), item("c", 5, destination="d")))
    assert await store.read(lambda uow: uow.work.queued(None, 10)) == (leased, b, c)
    assert await store.read(lambda uow: uow.work.queued(None, 2)) == (leased, b)
    assert await store.read(lambda uow: uow.work.queued("d", 10)) == (leased, c)
    assert await store.read(lambda uow: uow.work.queued("", 10)) == (b,)
    assert await store.read(lambda uow: uow.work.queued("nobody", 10)) == ()


async def test_the_backlog_counts_by_destination_and_remembers_the_idle_ones(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.work.backlog()) == ()
    await add(store, item("c", 5, destination="d"), item("a", -2, destination="d"), item("b", -1))
    resting = Destination(name="e", failures=2, not_before=later(30))
    await store.transact(lambda uow: uow.work.set_destination(resting))
    assert subjects(await claim(store, limit=1)) == ["a"]
    assert await store.read(lambda uow: uow.work.backlog()) == (
        Backlog(destination=Destination(name=""), waiting=1, leased=0, next_due=later(-1)),
        Backlog(destination=Destination(name="d"), waiting=1, leased=1, next_due=later(5)),
        Backlog(destination=resting, waiting=0, leased=0, next_due=None),
    )


async def test_the_workload_says_how_much_there_is_and_since_when(store: LedgerStore) -> None:
    await add(
        store, item("a", -5), item("b", -9, destination="away"), item("c", 5), item("d", -2, kind=WorkKind.DOCUMENT)
    )
    await store.transact(lambda uow: uow.work.set_destination(Destination(name="away", not_before=later(60))))
    workload = await store.read(lambda uow: uow.work.workload(later(0)))
    assert workload.items == {
        WorkKind.DOCUMENT: 1,
        WorkKind.TRANSFER: 3,
        WorkKind.TIMESTAMP: 0,
        WorkKind.SCAN: 0,
        WorkKind.ORDER: 0,
        WorkKind.GAPS: 0,
        WorkKind.NON_DELIVERY: 0,
        WorkKind.SKIPPED: 0,
        WorkKind.RESYNC: 0,
        WorkKind.RESEND: 0,
    }
    assert workload.oldest == {WorkKind.DOCUMENT: later(-2), WorkKind.TRANSFER: later(-5)}
    assert (workload.closed, workload.dead) == (1, 0)
    # A road that is open again makes what waited for it late.
    assert (await store.read(lambda uow: uow.work.workload(later(61)))).oldest[WorkKind.TRANSFER] == later(-9)


async def test_the_workload_leaves_out_what_runs_and_counts_what_was_buried(store: LedgerStore) -> None:
    await add(store, item("a", -5), item("b", -3))
    (first, second) = await claim(store)
    workload = await store.read(lambda uow: uow.work.workload(later(0)))
    assert (workload.items[WorkKind.TRANSFER], dict(workload.oldest)) == (2, {})
    await store.transact(lambda uow: uow.work.bury(first, "worn out", later(0)))
    await store.transact(lambda uow: uow.work.finish(second))
    workload = await store.read(lambda uow: uow.work.workload(later(0)))
    assert (sum(workload.items.values()), workload.dead) == (0, 1)
