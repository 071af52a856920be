"""The promises of the ledger `Resyncs`, and what the others do after a restore."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.core.errors import SiteError
from gateway.core.ids import Digest, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.resync import Reopening, Resend, Resync, ResyncStanding, ResyncState, Wanted
from tests.contract.stores import LedgerStore
from tests.kit import rows

THERE, AWAY = GatewayId("there.example"), GatewayId("away.example")
FIRST = Reopening(number=int(rows.NOW.timestamp()), kept=3, since=rows.later(-60), at=rows.NOW)
SECOND = replace(FIRST, number=FIRST.number + 7, kept=9, at=rows.NOW + timedelta(seconds=7))


def resync(peer: GatewayId, state: ResyncState = ResyncState.ASKING, **changes: object) -> Resync:
    made = Resync(peer=peer, number=FIRST.number, state=state, changed_at=rows.NOW)
    return replace(made, **changes)  # type: ignore[arg-type]  # any field, by name


def wanted(*names: str) -> list[Wanted]:
    return [Wanted(transfer=TransferKey(name), receipt=Digest("ab" * 32)) for name in names]


async def give(store: LedgerStore, recipient: OrganId, destination: GatewayId | None = THERE) -> int:
    def unit(uow: UnitOfWork) -> int:
        numbers = uow.documents.next_sequence(rows.PARTY, [recipient], 2026, lambda: bytes(16))
        if destination is not None:
            uow.documents.direct_streams(rows.PARTY, destination, {recipient: numbers[recipient][0]})
        return numbers[recipient][0]

    return await store.transact(unit)


async def test_after_a_restore_every_number_is_beyond_all_before_and_the_gap_is_known(store: LedgerStore) -> None:
    assert [await give(store, rows.WARD) for _ in range(2)] == [1, 2]
    await store.transact(lambda uow: uow.resyncs.reopen(FIRST))
    assert await give(store, rows.WARD) == FIRST.base + 1
    # A stream that is not here may have been begun: it begins beyond, too, and whoever receives it is told where.
    assert await give(store, rows.OTHER_WARD) == FIRST.base + 1
    begun = await store.read(
        lambda uow: uow.documents.stream_beginnings(rows.PARTY, THERE, [rows.OTHER_WARD, rows.WARD])
    )
    assert begun == {rows.OTHER_WARD: FIRST.base + 1}
    (one,) = await store.read(lambda uow: uow.resyncs.skipped(THERE, ("", "", 0), 9))
    assert (one.sender, one.gap.recipient, one.gap.first, one.gap.last) == (rows.PARTY, rows.WARD, 3, FIRST.base)
    await store.transact(lambda uow: uow.resyncs.reopen(SECOND))
    first, second, third = await store.read(lambda uow: uow.resyncs.skipped(THERE, ("", "", 0), 9))
    assert [(one.gap.first, one.gap.last) for one in (first, second)] == [
        (3, FIRST.base),
        (FIRST.base + 2, SECOND.base),
    ]
    assert third.gap.recipient == max(rows.WARD, rows.OTHER_WARD)
    place = (str(second.sender), str(second.gap.recipient), second.gap.first)
    assert await store.read(lambda uow: uow.resyncs.skipped(THERE, place, 9)) == (third,)
    assert await store.read(lambda uow: uow.resyncs.skipped(AWAY, ("", "", 0), 9)) == ()
    assert await store.read(lambda uow: uow.resyncs.reopenings()) == (FIRST, SECOND)


async def test_a_stream_whose_way_is_not_known_tells_where_it_begins(store: LedgerStore) -> None:
    await give(store, rows.WARD, None)
    await store.transact(lambda uow: uow.resyncs.reopen(FIRST))
    assert await give(store, rows.WARD) == FIRST.base + 1
    begun = await store.read(lambda uow: uow.documents.stream_beginnings(rows.PARTY, THERE, [rows.WARD]))
    assert begun == {rows.WARD: FIRST.base + 1}


async def test_cursors_go_on_beyond_all_before(store: LedgerStore) -> None:
    await store.transact(lambda uow: uow.inbox.add([rows.entry()]))
    await store.transact(lambda uow: uow.resyncs.reopen(FIRST))
    assert await store.read(lambda uow: uow.inbox.newest()) == FIRST.base
    later = rows.entry(key="another", document_id="another", transfer=TransferKey("another"))
    await store.transact(lambda uow: uow.inbox.add([later]))
    page = await store.read(lambda uow: uow.inbox.page(frozenset({rows.WARD}), 1, 9))
    assert [entry.cursor for entry in page.entries] == [FIRST.base + 1]


@pytest.mark.parametrize("number", [0, FIRST.number - 1, FIRST.number])
async def test_a_moment_that_is_not_beyond_the_last_one_is_refused(store: LedgerStore, number: int) -> None:
    await give(store, rows.WARD)
    await store.transact(lambda uow: uow.resyncs.reopen(FIRST))
    with pytest.raises(SiteError) as caught:
        await store.transact(lambda uow: uow.resyncs.reopen(replace(FIRST, number=number)))
    assert caught.value.code == "restore.clock"
    assert await store.read(lambda uow: uow.resyncs.reopenings()) == (FIRST,)


async def test_how_far_a_peer_was_asked_is_kept(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.resyncs.standing()) == ResyncStanding()
    await store.transact(lambda uow: uow.resyncs.reopen(FIRST))
    for peer in (THERE, AWAY):
        await store.transact(lambda uow, peer=peer: uow.resyncs.put(resync(peer)))  # type: ignore[misc]
    moved = resync(THERE, ResyncState.WAITING, after="key", named=5, lost=2, newest=11)
    await store.transact(lambda uow: uow.resyncs.put(moved))
    assert await store.read(lambda uow: uow.resyncs.find(THERE)) == moved
    assert await store.read(lambda uow: uow.resyncs.all()) == (resync(AWAY), moved)
    await store.transact(lambda uow: uow.resyncs.want(THERE, wanted("a", "b")))
    await store.transact(lambda uow: uow.resyncs.put(resync(AWAY, ResyncState.DONE)))
    standing = await store.read(lambda uow: uow.resyncs.standing())
    assert standing == ResyncStanding(peers=1, missing=2, since=FIRST.at)


async def test_what_is_missing_is_asked_for_until_it_came(store: LedgerStore) -> None:
    arrived = rows.incoming()
    key = arrived.slip.transfer
    await store.transact(lambda uow: uow.resyncs.want(THERE, wanted(key, "b", "c")))
    await store.transact(lambda uow: uow.resyncs.want(THERE, wanted("c", "d")))
    assert await store.read(lambda uow: uow.resyncs.unknown([TransferKey("x"), key])) == ("x", key)
    await store.transact(lambda uow: uow.transfers.receive(arrived))
    assert await store.read(lambda uow: uow.resyncs.unknown([TransferKey("x"), key])) == ("x",)
    assert await store.read(lambda uow: uow.resyncs.to_ask(THERE, 9)) == ("b", "c", "d")
    assert await store.read(lambda uow: uow.resyncs.to_ask(THERE, 1)) == ("b",)
    assert await store.read(lambda uow: uow.resyncs.to_ask(AWAY, 9)) == ()
    await store.transact(lambda uow: uow.resyncs.asked(THERE, [TransferKey("b")], rows.NOW))
    await store.transact(lambda uow: uow.resyncs.want(THERE, wanted("b")))
    assert await store.read(lambda uow: uow.resyncs.to_ask(THERE, 9)) == ("c", "d")
    missing: tuple[tuple[str, datetime | None], ...] = (("b", rows.NOW), ("c", None), ("d", None))
    assert await store.read(lambda uow: uow.resyncs.missing(THERE, 9)) == missing
    await store.transact(lambda uow: uow.resyncs.asked(THERE, [TransferKey("b")], None))
    assert await store.read(lambda uow: uow.resyncs.to_ask(THERE, 1)) == ("b",)
    assert await store.read(lambda uow: uow.resyncs.is_wanted(THERE, TransferKey("b")))
    assert not await store.read(lambda uow: uow.resyncs.is_wanted(AWAY, TransferKey("b")))
    await store.transact(lambda uow: uow.resyncs.dismiss(THERE, [TransferKey("b"), TransferKey("c")]))
    assert await store.read(lambda uow: uow.resyncs.missing(THERE, 9)) == (("d", None),)


async def test_no_peer_speaks_for_another(store: LedgerStore) -> None:
    """Whoever named it first, and does not have it, kept it from being asked of the one who has."""
    key = TransferKey("a")
    for peer in (AWAY, THERE):
        await store.transact(lambda uow, peer=peer: uow.resyncs.want(peer, wanted("a")))  # type: ignore[misc]
    await store.transact(lambda uow: uow.resyncs.asked(AWAY, [key], rows.NOW))
    assert await store.read(lambda uow: uow.resyncs.to_ask(AWAY, 9)) == ()
    await store.transact(lambda uow: uow.resyncs.dismiss(AWAY, [key]))
    assert not await store.read(lambda uow: uow.resyncs.is_wanted(AWAY, key))
    assert await store.read(lambda uow: uow.resyncs.to_ask(THERE, 9)) == (key,)


async def test_a_peer_s_restore_is_news_once(store: LedgerStore) -> None:
    assert await store.transact(lambda uow: uow.resyncs.told_of(THERE, 7, rows.NOW))
    assert not await store.transact(lambda uow: uow.resyncs.told_of(THERE, 7, rows.NOW))
    assert await store.transact(lambda uow: uow.resyncs.told_of(THERE, 8, rows.NOW))
    assert not await store.transact(lambda uow: uow.resyncs.told_of(THERE, 7, rows.NOW))
    assert await store.transact(lambda uow: uow.resyncs.told_of(AWAY, 7, rows.NOW))
    told = await store.read(
        lambda uow: [uow.resyncs.restored(peer) for peer in (THERE, AWAY, GatewayId("else.internal"))]
    )
    assert told == [2, 1, 0]


async def test_what_was_sent_again_is_kept_with_its_second_answer(store: LedgerStore) -> None:
    key = TransferKey("sent")
    asked = Resend(transfer=key, number=7, at=rows.NOW)
    assert await store.read(lambda uow: uow.resyncs.resend(key)) is None
    for one in (asked, replace(asked, answer=b"receipt"), replace(asked, number=8)):
        await store.transact(lambda uow, one=one: uow.resyncs.put_resend(one))  # type: ignore[misc]
        assert await store.read(lambda uow: uow.resyncs.resend(key)) == one
