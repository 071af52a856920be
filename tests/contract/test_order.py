"""The promises of the ledger `Order`, and of staged entries in the ledger `Inbox`."""

from dataclasses import replace

import pytest

from gateway.core.errors import Conflict
from gateway.core.ids import EntryKey, OrganId, TransferKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.order import StagedEntry, Standing, Stream, Waiting
from gateway.core.states import DeliveryState
from tests.contract.stores import LedgerStore
from tests.kit import rows

BOTH = frozenset({rows.WARD, rows.OTHER_WARD})


def staged(number: int, since: float = 0, *, recipient: OrganId = rows.WARD) -> Waiting:
    entry = StagedEntry(
        key=EntryKey(f"{recipient} {number}"),
        transfer=TransferKey("t"),
        leaf="ab" * 32,
        since=rows.later(since),
        ends_at=rows.later(since + 60),
    )
    return Waiting(recipient=recipient, first=number, last=number, entry=entry)


def passed(first: int, last: int) -> Waiting:
    return Waiting(recipient=rows.WARD, first=first, last=last)


async def wait(store: LedgerStore, *waiting: Waiting) -> None:
    await store.transact(lambda uow: uow.order.wait(rows.PARTY, waiting))


async def test_a_stream_begins_at_one_and_is_kept_as_it_was_put(store: LedgerStore) -> None:
    def begin(uow: UnitOfWork) -> None:
        streams = uow.order.streams(rows.PARTY, BOTH)
        assert streams == {who: Stream(recipient=who) for who in BOTH}
        uow.order.put(rows.PARTY, [replace(streams[rows.WARD], expected=4, waiting=2, overdue_at=rows.later(9))])

    await store.transact(begin)
    kept = await store.read(lambda uow: uow.order.streams(rows.PARTY, BOTH))
    known = Stream(recipient=rows.WARD, expected=4, waiting=2, overdue_at=rows.later(9), known=True)
    assert kept == {rows.WARD: known, rows.OTHER_WARD: Stream(recipient=rows.OTHER_WARD)}
    await store.transact(lambda uow: uow.order.put(rows.PARTY, [replace(known, expected=7), kept[rows.OTHER_WARD]]))
    kept = await store.read(lambda uow: uow.order.streams(rows.PARTY, BOTH))
    assert {who: (stream.expected, stream.known) for who, stream in kept.items()} == {
        rows.WARD: (7, True),
        rows.OTHER_WARD: (1, True),
    }
    assert (await store.read(lambda uow: uow.order.streams(rows.WARD, [rows.PARTY])))[rows.PARTY].expected == 1


async def test_streams_of_very_many_recipients(store: LedgerStore) -> None:
    wards = [OrganId(f"Z79.{n:04}") for n in range(1_000)]
    await store.transact(
        lambda uow: uow.order.put(rows.PARTY, [Stream(recipient=ward, expected=n + 1) for n, ward in enumerate(wards)])
    )
    kept = await store.read(lambda uow: uow.order.streams(rows.PARTY, wards))
    assert [kept[ward].expected for ward in wards] == list(range(1, 1_001))


async def test_what_waits_comes_back_by_number(store: LedgerStore) -> None:
    given = [staged(5, 3), passed(2, 3), staged(9, 1)]
    await wait(store, *given)
    assert await store.read(lambda uow: uow.order.waiting(rows.PARTY, rows.WARD, 10)) == tuple(
        sorted(given, key=lambda one: one.first)
    )
    assert len(await store.read(lambda uow: uow.order.waiting(rows.PARTY, rows.WARD, 2))) == 2
    assert await store.read(lambda uow: uow.order.waiting(rows.PARTY, rows.OTHER_WARD, 2)) == ()
    covered = [await store.read(lambda uow, n=n: uow.order.is_waiting(rows.PARTY, rows.WARD, n)) for n in range(1, 7)]
    assert covered == [False, True, True, False, True, False]
    await store.transact(lambda uow: uow.order.settle(rows.PARTY, rows.WARD, 5))
    assert await store.read(lambda uow: uow.order.waiting(rows.PARTY, rows.WARD, 10)) == (given[2],)


async def test_ready_is_what_is_expected_or_has_waited_long_enough(store: LedgerStore) -> None:
    third = OrganId("Z79.9")
    await store.transact(
        lambda uow: uow.order.put(rows.PARTY, [Stream(recipient=who, expected=3, waiting=1) for who in (*BOTH, third)])
    )
    await wait(store, staged(3, 50), staged(6, 10, recipient=rows.OTHER_WARD), staged(8, 10, recipient=rows.OTHER_WARD))
    await wait(store, staged(9, 11, recipient=rows.OTHER_WARD), staged(5, 40, recipient=third))
    ready = await store.read(lambda uow: uow.order.ready(rows.PARTY, rows.later(70), 10))
    assert ready == {rows.WARD: 0, rows.OTHER_WARD: 8}
    assert len(await store.read(lambda uow: uow.order.ready(rows.PARTY, rows.later(70), 1))) == 1
    assert await store.read(lambda uow: uow.order.ready(rows.WARD, rows.later(99), 10)) == {}
    assert await store.read(lambda uow: uow.order.next_end(rows.PARTY)) == rows.later(70)
    assert await store.read(lambda uow: uow.order.next_end(rows.WARD)) is None


async def test_the_standing_counts_what_waits_and_what_had_to_be_given_up(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.order.standing(rows.NOW)) == Standing()
    await wait(store, staged(5, 3), passed(2, 3), staged(6, 1, recipient=rows.OTHER_WARD))
    overdue = [Stream(recipient=rows.WARD, overdue_at=rows.later(5)), Stream(recipient=rows.OTHER_WARD)]
    await store.transact(lambda uow: uow.order.put(rows.PARTY, overdue))
    standing = await store.read(lambda uow: uow.order.standing(rows.later(5)))
    assert standing == Standing(staged=2, oldest=rows.later(1), overdue=1)
    assert (await store.read(lambda uow: uow.order.standing(rows.later(6)))).overdue == 0


async def test_a_staged_entry_is_kept_once_and_stands_in_no_page_until_it_enters(store: LedgerStore) -> None:
    first, second, third = (rows.entry(document_id=f"d{n}") for n in range(3))
    await store.transact(lambda uow: uow.inbox.add([third], staged=[first, second]))
    (now,) = (await store.read(lambda uow: uow.inbox.page(BOTH, 0, 10))).entries
    assert now.key == third.key
    assert (await store.read(lambda uow: uow.inbox.page(BOTH, -9, 10))).entries == (now,)
    assert await store.read(lambda uow: uow.inbox.newest()) == now.cursor
    assert await store.read(lambda uow: uow.inbox.find(first.key)) == replace(first, cursor=0)
    assert await store.read(lambda uow: uow.inbox.seen(first.sender, "d0")) == (
        first.envelope.digest,
        frozenset({rows.WARD}),
    )
    with pytest.raises(Conflict):
        await store.transact(lambda uow: uow.inbox.add([rows.entry(document_id="d0", transfer="another")]))

    leaves = [(second.key, "cd" * 32), (first.key, "ef" * 32)]
    await store.transact(lambda uow: uow.inbox.enter(leaves, rows.later(7)))
    page = (await store.read(lambda uow: uow.inbox.page(BOTH, now.cursor, 10))).entries
    assert [(one.key, one.last_leaf, one.changed_at) for one in page] == [
        (second.key, "cd" * 32, rows.later(7)),
        (first.key, "ef" * 32, rows.later(7)),
    ]
    assert now.cursor < page[0].cursor < page[1].cursor
    assert replace(page[0], last_leaf="", changed_at=rows.NOW) == replace(
        second, cursor=page[0].cursor, last_leaf="", changed_at=rows.NOW
    )


async def test_only_staged_entries_among_themselves(store: LedgerStore) -> None:
    await store.transact(lambda uow: uow.inbox.add([], staged=[rows.entry()]))
    assert await store.read(lambda uow: uow.inbox.newest()) == 0
    assert (await store.read(lambda uow: uow.inbox.page(BOTH, 0, 10))).entries == ()


async def test_who_is_not_staged_cannot_enter_and_then_nobody_does(store: LedgerStore) -> None:
    one, other = rows.entry(), rows.entry(rows.OTHER_WARD)
    await store.transact(lambda uow: uow.inbox.add([other], staged=[one]))
    with pytest.raises(StaleStateError):
        await store.transact(lambda uow: uow.inbox.enter([(one.key, "aa"), (other.key, "aa")], rows.NOW))
    assert [e.key for e in (await store.read(lambda uow: uow.inbox.page(BOTH, 0, 9))).entries] == [other.key]


async def test_a_stream_that_goes_elsewhere_is_told_once(store: LedgerStore) -> None:
    def number(uow: UnitOfWork, where: str, *wards: OrganId) -> tuple[frozenset[OrganId], dict[OrganId, int]]:
        given = uow.documents.next_sequence(rows.PARTY, wards, 2026, lambda: bytes(16))
        numbers = {ward: number for ward, (number, _) in given.items()}
        moved = uow.documents.direct_streams(rows.PARTY, where, numbers)
        return moved, dict(uow.documents.stream_beginnings(rows.PARTY, where, wards))

    async def sent(where: str, *wards: OrganId) -> tuple[frozenset[OrganId], dict[OrganId, int]]:
        return await store.transact(lambda uow: number(uow, where, *wards))

    assert await sent("here", rows.WARD, rows.OTHER_WARD) == (frozenset(), {})
    assert await sent("here", rows.WARD) == (frozenset(), {})
    assert await sent("there", rows.WARD, rows.OTHER_WARD) == (BOTH, {rows.WARD: 3, rows.OTHER_WARD: 2})
    assert await sent("there", rows.WARD) == (frozenset(), {rows.WARD: 3})
    assert await store.read(lambda uow: uow.documents.stream_beginnings(rows.PARTY, "here", [rows.WARD])) == {}


async def test_what_is_under_way_in_a_stream_is_found_oldest_first(store: LedgerStore) -> None:
    def send(uow: UnitOfWork, number: int, *wards: OrganId, state: DeliveryState, sender: OrganId = rows.PARTY) -> None:
        document = rows.document(sender=sender)
        uow.documents.add(document)
        uow.documents.add_deliveries(
            [rows.delivery(document, ward, transfer=f"t{number}", state=state, sequence=number) for ward in wards]
        )

    async def under_way(*wards: OrganId, limit: int = 9) -> list[str]:
        return sorted(await store.read(lambda uow: uow.documents.under_way(rows.PARTY, wards, limit)))

    def unit(uow: UnitOfWork) -> None:
        on_the_way = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.INDETERMINATE)
        for number, state in enumerate(on_the_way, 1):
            send(uow, number, *BOTH, state=state)
        send(uow, 4, rows.WARD, state=DeliveryState.QUEUED)
        for number, state in enumerate((DeliveryState.DELIVERED, DeliveryState.HELD, DeliveryState.VOID), 5):
            send(uow, number, *BOTH, state=state)
        send(uow, 8, rows.WARD, state=DeliveryState.QUEUED, sender=OrganId("Z79.05"))

    await store.transact(unit)
    assert await under_way(rows.WARD) == ["t1", "t2", "t3", "t4"]
    assert await under_way(rows.OTHER_WARD) == ["t1", "t2", "t3"]
    assert await under_way(*BOTH) == ["t1", "t2", "t3", "t4"]
    assert await under_way(rows.WARD, limit=1) == ["t1", "t2"]
    assert await under_way(OrganId("Z79.9")) == []
