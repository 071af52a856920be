"""The promises of the ledger `Inbox`."""

from dataclasses import replace

import pytest

from gateway.core.errors import Conflict
from gateway.core.ids import EntryKey, OrganId
from gateway.core.ledgers import StaleStateError
from gateway.core.model import InboxEntry
from gateway.core.states import BusinessStatus
from tests.contract.stores import LedgerStore
from tests.kit import rows

BOTH = frozenset({rows.WARD, rows.OTHER_WARD})


async def added(store: LedgerStore, *entries: InboxEntry) -> tuple[InboxEntry, ...]:
    """The entries as stored, cursors included."""
    await store.transact(lambda uow: uow.inbox.add(entries))
    return tuple([await store.read(lambda uow, e=e: uow.inbox.find(e.key)) or e for e in entries])


async def test_entries_come_back_whole_with_growing_cursors(store: LedgerStore) -> None:
    shared = rows.message(336)
    given = [
        rows.entry(rows.WARD, message=shared, cursor=99),
        rows.entry(rows.OTHER_WARD, message=shared, cursor=98),
        rows.entry(rows.WARD, message=rows.message(subject="another"), document_id="another", attachments=()),
    ]
    stored = await added(store, *given)
    assert stored == tuple(replace(entry, cursor=kept.cursor) for entry, kept in zip(given, stored, strict=True))
    cursors = [entry.cursor for entry in stored]
    assert cursors == sorted(set(cursors))
    assert cursors[0] > 0
    assert await store.read(lambda uow: uow.inbox.find(EntryKey("none"))) is None
    backwards = [entry.key for entry in reversed(stored)]
    assert await store.read(lambda uow: uow.inbox.several(backwards)) == stored[::-1]
    assert await store.read(lambda uow: uow.inbox.several([])) == ()


async def test_one_effect_for_a_document_and_a_recipient(store: LedgerStore) -> None:
    (first,) = await added(store, rows.entry())
    with pytest.raises(Conflict) as refused:
        await added(store, rows.entry(rows.OTHER_WARD), rows.entry(rows.WARD, transfer="another"))
    assert refused.value.code == "transfer.duplicate"
    page = await store.read(lambda uow: uow.inbox.page(BOTH, 0, 10))
    assert page.entries == (first,)


async def test_seen_names_the_first_envelope_and_everybody_who_has_it(store: LedgerStore) -> None:
    document_id = rows.entry().document_id
    assert await store.read(lambda uow: uow.inbox.seen(rows.PARTY, document_id)) is None
    await added(store, rows.entry(rows.WARD, envelope=rows.blob("first")))
    await added(store, rows.entry(rows.OTHER_WARD, envelope=rows.blob("second")))
    seen = await store.read(lambda uow: uow.inbox.seen(rows.PARTY, document_id))
    assert seen == (rows.digest("first"), BOTH)
    assert await store.read(lambda uow: uow.inbox.seen(rows.WARD, document_id)) is None


async def test_pages_are_of_these_bodies_after_a_cursor_oldest_first(store: LedgerStore) -> None:
    wards = [rows.WARD, rows.OTHER_WARD, OrganId("Z79.9")]
    stored = await added(store, *(rows.entry(wards[n % 3], document_id=f"d{n}") for n in range(9)))
    mine = tuple(entry for entry in stored if entry.recipient in BOTH)
    page = await store.read(lambda uow: uow.inbox.page(BOTH, 0, 4))
    assert (page.entries, page.more) == (mine[:4], True)
    page = await store.read(lambda uow: uow.inbox.page(BOTH, mine[3].cursor, 2))
    assert (page.entries, page.more) == (mine[4:], False)
    page = await store.read(lambda uow: uow.inbox.page(frozenset(), 0, 4))
    assert (page.entries, page.more) == ((), False)


async def test_the_newest_cursor_is_the_last_that_was_given_to_whomever(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.inbox.newest()) == 0
    stored = await added(store, *(rows.entry(ward, document_id="d") for ward in (rows.WARD, rows.OTHER_WARD)))
    assert await store.read(lambda uow: uow.inbox.newest()) == stored[-1].cursor


async def test_what_arrives_between_two_pages_is_told_once_and_in_its_place(store: LedgerStore) -> None:
    """Two bodies and a third; after every page something arrives for each, and an older entry is answered."""
    wards = [rows.WARD, rows.OTHER_WARD, OrganId("Z79.9")]
    stored = list(await added(store, *(rows.entry(wards[n % 4 % 3], document_id=f"d{n}") for n in range(20))))
    found: list[EntryKey] = []
    after, more, number = 0, True, 0
    while more:
        page = await store.read(lambda uow, a=after: uow.inbox.page(BOTH, a, 3))
        found += [entry.key for entry in page.entries]
        after, more = page.entries[-1].cursor, page.more
        if number < 4:
            stored += await added(store, *(rows.entry(ward, document_id=f"late {number}") for ward in wards))
            accepted = replace(stored[number], business_status=BusinessStatus.ACCEPTED)
            await store.transact(lambda uow, e=accepted: uow.inbox.advance(e, was=BusinessStatus.ARRIVED))
        number += 1
    assert found == [entry.key for entry in stored if entry.recipient in BOTH]


async def test_a_page_of_very_many_bodies(store: LedgerStore) -> None:
    wards = [OrganId(f"Z79.{n:03}") for n in range(700)]
    stored = await added(store, *(rows.entry(wards[n * 7 % 700], document_id=f"d{n}") for n in range(60)))
    page = await store.read(lambda uow: uow.inbox.page(frozenset(wards), stored[9].cursor, 30))
    assert (page.entries, page.more) == (stored[10:40], True)


async def test_advancing_writes_the_business_status_if_it_is_what_we_think(store: LedgerStore) -> None:
    (entry,) = await added(store, rows.entry())
    changed = replace(
        entry,
        business_status=BusinessStatus.REFUSED,
        business_description="Sai nơi nhận",
        changed_at=rows.later(5),
        last_leaf="ef" * 32,
    )
    with pytest.raises(StaleStateError):
        await store.transact(lambda uow: uow.inbox.advance(changed, was=BusinessStatus.ACCEPTED))
    assert await store.read(lambda uow: uow.inbox.find(entry.key)) == entry
    await store.transact(lambda uow: uow.inbox.advance(replace(changed, verdicts=()), was=BusinessStatus.ARRIVED))
    assert await store.read(lambda uow: uow.inbox.find(entry.key)) == changed
