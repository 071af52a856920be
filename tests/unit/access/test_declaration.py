"""Keys and certificates come into force in one unit with one leaf; the running authenticator heeds it."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.access import CACHE_SECONDS, Changes, Grants, StoredAuthenticator, declaring, make_key
from gateway.audit import sequence
from gateway.core.events import AuditEvent, EventKind
from gateway.core.grants import ApiKey
from gateway.core.ids import GatewayId, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.principal import Presented
from gateway.exchange import Journal
from gateway.storage import MemoryStore, open_memory
from tests.kit.clock import START, ManualClock
from tests.kit.rows import certificate

OWN = GatewayId("party.example.vn")
NOTHING = Changes(added=(), changed=(), revoked=())


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    store = open_memory(sequencer=sequence)
    yield store
    await store.close()


class Events:
    """Where the leaves go."""

    def __init__(self) -> None:
        self.written: list[AuditEvent] = []
        self._journal = Journal(entropy=secrets.token_bytes)

    def record(self, uow: UnitOfWork, event: AuditEvent) -> str:
        self.written.append(event)
        return self._journal.record(uow, event)


def made() -> tuple[str, ApiKey]:
    return make_key(name="QLVB", organs=[OrganId("Z79.00.01")], scopes=["read"], entropy=secrets.token_bytes)


async def declare(store: MemoryStore, events: Events, grants: Grants, clock: ManualClock) -> Changes:
    return await store.transact(declaring(grants, own=OWN, record=events.record, at=clock.now()))


async def test_what_changed_is_told_and_written_once(store: MemoryStore) -> None:
    clock, events = ManualClock(), Events()
    (_, kept), (_, gone), pinned = made(), made(), certificate()
    first = Grants(keys=(kept, gone), certificates=(pinned,))
    assert await declare(store, events, first, clock) == Changes(
        added=tuple(sorted((kept.key_id, gone.key_id, pinned.key_id))), changed=(), revoked=()
    )
    assert await declare(store, events, first, clock) == NOTHING
    clock.advance(10)
    second = Grants(keys=(replace(kept, addresses=("10.0.0.0/8",)),))
    assert await declare(store, events, second, clock) == Changes(
        added=(), changed=(kept.key_id,), revoked=tuple(sorted((gone.key_id, pinned.key_id)))
    )
    assert [event.kind for event in events.written] == [EventKind.ACCESS_DECLARED] * 2
    assert events.written[1].private["revoked"] == " ".join(sorted((gone.key_id, pinned.key_id)))
    assert events.written[1].private["access"] != events.written[0].private["access"]
    assert (await store.read(lambda uow: uow.log.head())).size == 2
    assert [key.revoked_at for key in await store.read(lambda uow: uow.access.keys()) if key.key_id == gone.key_id] == [
        clock.now()
    ]


async def test_what_was_revoked_can_be_granted_again(store: MemoryStore) -> None:
    clock, events = ManualClock(), Events()
    _, row = made()
    for grants, expected in ((Grants(keys=(row,)), "added"), (Grants(), "revoked"), (Grants(keys=(row,)), "added")):
        changes = await declare(store, events, grants, clock)
        assert getattr(changes, expected) == (row.key_id,)
    assert events.written[0].private["access"] == events.written[2].private["access"]


async def test_a_leaf_that_cannot_be_written_keeps_everything_as_it_was(store: MemoryStore) -> None:
    def broken(_uow: UnitOfWork, _event: AuditEvent) -> str:
        raise ZeroDivisionError

    _, row = made()
    with pytest.raises(ZeroDivisionError):
        await store.transact(declaring(Grants(keys=(row,)), own=OWN, record=broken, at=START))
    assert await store.read(lambda uow: uow.access.keys()) == ()


async def test_nothing_that_opens_stands_in_the_leaf(store: MemoryStore) -> None:
    clock, events = ManualClock(), Events()
    shown, row = made()
    await declare(store, events, Grants(keys=(row,)), clock)
    said = repr(events.written[0])
    assert row.secret_digest not in said
    assert shown[-43:] not in said


async def test_a_change_of_keys_without_a_restart(store: MemoryStore) -> None:
    """Rotation: both keys open, the old one is removed, is refused within a minute, and the new one goes on."""
    clock, events = ManualClock(), Events()
    authenticator = StoredAuthenticator(store=store, clock=clock, read_certificate=lambda _der: None)

    async def opens(shown: str) -> bool:
        return await authenticator.authenticate(Presented(key=shown)) is not None

    (old, old_row), (new, new_row) = made(), made()
    await declare(store, events, Grants(keys=(old_row,)), clock)
    assert [await opens(old), await opens(new)] == [True, False]
    await declare(store, events, Grants(keys=(old_row, new_row)), clock)
    clock.advance(CACHE_SECONDS)
    assert [await opens(old), await opens(new)] == [True, True]
    await declare(store, events, Grants(keys=(new_row,)), clock)
    for _ in range(59):
        clock.advance(1)
        assert await opens(new), "the new one is never shut out"
    assert not await opens(old)
    for _ in range(3):
        clock.advance(CACHE_SECONDS)
        assert [await opens(old), await opens(new)] == [False, True]
