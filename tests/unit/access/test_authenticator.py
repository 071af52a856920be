import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.access import CACHE_SECONDS, StoredAuthenticator, make_key, secret_digest
from gateway.access.authenticator import _NOBODY
from gateway.core.errors import SiteError
from gateway.core.grants import ApiKey
from gateway.core.ids import OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.principal import Presented, Scope
from tests.kit.clock import START, ManualClock

OFFICE = OrganId("Z79.00.01")


class KeyStore:
    """A store of which only the access ledger's `keys` is ever asked."""

    def __init__(self, *rows: ApiKey) -> None:
        self.rows: Sequence[ApiKey] = rows
        self.reads = 0
        self.broken = False

    async def read(self, work: Callable[[UnitOfWork], Any]) -> Any:
        self.reads += 1
        await asyncio.sleep(0)
        if self.broken:
            raise SiteError("store.busy")
        unit: Any = SimpleNamespace(access=SimpleNamespace(keys=lambda: tuple(self.rows), certificates=tuple))
        return work(unit)

    async def transact(self, work: Callable[[UnitOfWork], Any]) -> Any:
        raise AssertionError("authentication must not write")

    async def close(self) -> None:
        """Nothing is open."""


def authenticating(store: KeyStore, clock: ManualClock) -> StoredAuthenticator:
    return StoredAuthenticator(store=store, clock=clock, read_certificate=lambda _der: None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def key(**more: Any) -> tuple[str, ApiKey]:
    shown, row = make_key(name="qlvb", organs=[OFFICE], scopes=["read", "send"], entropy=secrets.token_bytes)
    return shown, replace(row, **more)


async def test_the_right_key_opens_with_its_bodies_and_scopes(clock: ManualClock) -> None:
    shown, row = key()
    found = await authenticating(KeyStore(row), clock).authenticate(Presented(key=shown))
    assert found is not None
    assert (found.key_id, found.name, found.organs) == (row.key_id, "qlvb", frozenset({OFFICE}))
    assert found.may(Scope.SEND)
    assert not found.may(Scope.ACT)


async def test_everything_else_is_nobody(clock: ManualClock) -> None:
    (shown, row), (other, _) = key(), key()
    authenticator = authenticating(KeyStore(row), clock)
    wrong_secret = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    moved = f"gwk_{row.key_id}_{other[-43:]}"
    for presented in (other, wrong_secret, moved, "", shown + "A", " " + shown, shown + "\n", "x" * 10**6, "\ud800"):
        assert await authenticator.authenticate(Presented(key=presented)) is None, presented[:80]


async def test_an_unknown_id_takes_the_same_path_as_a_wrong_secret(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both hash what was presented and compare 64 digits with 64 digits, once."""
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("gateway.access.authenticator.hmac.compare_digest", compare)
    (shown, row), (unknown, _) = key(), key()
    authenticator = authenticating(KeyStore(row), clock)
    wrong = shown[:-2] + "zz"
    for presented in (wrong, unknown, "no key at all"):
        assert await authenticator.authenticate(Presented(key=presented)) is None
    assert [len(one) == len(other) == 64 for one, other in compared] == [True] * 3
    assert compared[0] == (secret_digest(wrong), row.secret_digest)
    assert compared[1] == (secret_digest(unknown), _NOBODY.secret_digest)


async def test_a_key_ends_at_its_expiry_even_from_the_cache(clock: ManualClock) -> None:
    shown, row = key(expires_at=START + timedelta(seconds=5))
    authenticator = authenticating(KeyStore(row), clock)
    clock.advance(4.999)
    assert await authenticator.authenticate(Presented(key=shown)) is not None
    clock.advance(0.001)
    assert await authenticator.authenticate(Presented(key=shown)) is None


async def test_a_revocation_bites_within_a_minute(clock: ManualClock) -> None:
    shown, row = key()
    store = KeyStore(row)
    authenticator = authenticating(store, clock)
    assert await authenticator.authenticate(Presented(key=shown)) is not None
    store.rows = [replace(row, revoked_at=clock.now())]
    clock.advance(CACHE_SECONDS)
    assert CACHE_SECONDS <= 30
    assert await authenticator.authenticate(Presented(key=shown)) is None


async def test_a_key_that_was_declared_later_is_found(clock: ManualClock) -> None:
    shown, row = key()
    store = KeyStore()
    authenticator = authenticating(store, clock)
    assert await authenticator.authenticate(Presented(key=shown)) is None
    store.rows = [row]
    clock.advance(CACHE_SECONDS)
    assert await authenticator.authenticate(Presented(key=shown)) is not None


async def test_a_flood_reads_the_ledger_once(clock: ManualClock) -> None:
    store = KeyStore()
    authenticator = authenticating(store, clock)
    await asyncio.gather(*(authenticator.authenticate(Presented(key=key()[0])) for _ in range(50)))
    assert store.reads == 1


async def test_when_the_ledger_cannot_be_read_nobody_is_let_in(clock: ManualClock) -> None:
    shown, row = key()
    store = KeyStore(row)
    authenticator = authenticating(store, clock)
    assert await authenticator.authenticate(Presented(key=shown)) is not None
    store.broken = True
    clock.advance(CACHE_SECONDS)
    with pytest.raises(SiteError):
        await authenticator.authenticate(Presented(key=shown))
    store.broken = False
    assert await authenticator.authenticate(Presented(key=shown)) is not None
