"""The promises of the port `Authenticator`: over the real stores, and on the plain table that the doors' tests use.

A key is made, or a certificate pinned, declared in the access ledger and shown, as an office does; time is moved by hand.
"""

import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from gateway.access import StoredAuthenticator, make_key
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import OrganId
from gateway.core.ports import Authenticator
from gateway.core.principal import ClientCertificate, Credential, Presented, Principal, Scope
from tests.contract.stores import STORES
from tests.kit.clock import START, ManualClock
from tests.kit.rows import certificate, digest
from tests.unit.api.world import Keys

OFFICE, WARD = OrganId("Z79.00.01"), OrganId("Z79.01.01")
HONOURED_SECONDS = 60


@dataclass
class Entrance:
    """An authenticator, and what the operator does behind it: declare the keys that there are from now on."""

    authenticator: Authenticator
    clock: ManualClock
    declare: Callable[[dict[str, ApiKey]], Awaitable[None]]
    pin: Callable[..., Awaitable[None]] | None = None

    async def admits(self, shown: str | None, *, certificate: bytes | None = None, address: str = "") -> bool:
        presented = Presented(key=shown, certificate=certificate, address=address)
        return await self.authenticator.authenticate(presented) is not None


@pytest.fixture(params=[*STORES, "table"])
async def entrance(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Entrance]:
    clock = ManualClock()
    if request.param == "table":
        yield _table(clock)
        return
    store = STORES[request.param](tmp_path)

    async def declare(keys: dict[str, ApiKey]) -> None:
        await store.transact(lambda uow: uow.access.declare(list(keys.values()), clock.now()))

    async def pin(*certificates: PinnedCertificate) -> None:
        await store.transact(lambda uow: uow.access.declare_certificates(certificates, clock.now()))

    yield Entrance(
        StoredAuthenticator(store=store, clock=clock, read_certificate=read_certificate), clock, declare, pin
    )
    await store.close()


def read_certificate(der: bytes) -> ClientCertificate | None:
    """A certificate in these tests says its own pin, and is good for a day around the start."""
    if not der.startswith(b"certificate "):
        return None
    day = timedelta(days=1)
    return ClientCertificate(pin=digest(der.decode()), not_before=START - day, not_after=START + day)


def _table(clock: ManualClock) -> Entrance:
    keys = Keys()

    async def declare(declared: dict[str, ApiKey]) -> None:
        keys.principals = {
            shown: Principal(key_id=row.key_id, name=row.name, organs=row.organs, scopes=row.scopes)
            for shown, row in declared.items()
        }

    return Entrance(keys, clock, declare)


def made(*, expires_at: datetime | None = None) -> tuple[str, ApiKey]:
    return make_key(
        name="QLVB phường",
        organs=[OFFICE, WARD],
        scopes=[Scope.READ, Scope.SEND],
        entropy=secrets.token_bytes,
        expires_at=expires_at,
    )


async def test_a_declared_key_is_its_body_s_system_with_its_scopes(entrance: Entrance) -> None:
    (shown, row), (other, other_row) = made(), made()
    await entrance.declare({shown: row, other: other_row})
    assert await entrance.authenticator.authenticate(Presented(key=shown)) == Principal(
        key_id=row.key_id,
        name="QLVB phường",
        organs=frozenset({OFFICE, WARD}),
        scopes=frozenset({Scope.READ, Scope.SEND}),
    )
    found = await entrance.authenticator.authenticate(Presented(key=other))
    assert found is not None
    assert found.key_id == other_row.key_id


async def test_whoever_shows_anything_else_is_nobody(entrance: Entrance) -> None:
    (shown, row), (unknown, _) = made(), made()
    await entrance.declare({shown: row})
    wrong_secret = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    moved = f"gwk_{row.key_id}_{unknown[-43:]}"
    digest = f"gwk_{row.key_id}_{row.secret_digest[:43]}"
    rubbish = ("", " ", row.key_id, row.secret_digest, shown.upper(), f" {shown}", f"{shown}\n", f"{shown}A", "\ud800")
    for presented in (unknown, wrong_secret, moved, digest, *rubbish, "x" * 1_000_000):
        assert not await entrance.admits(presented), presented[:80]
    assert await entrance.admits(shown)


async def test_a_missing_key_is_honoured_within_a_minute_both_ways(entrance: Entrance) -> None:
    (shown, row), (new, new_row) = made(), made()
    await entrance.declare({shown: row})
    assert await entrance.admits(shown)
    assert not await entrance.admits(new)
    await entrance.declare({new: new_row})  # what is declared no more is revoked
    entrance.clock.advance(HONOURED_SECONDS)
    assert not await entrance.admits(shown)
    assert await entrance.admits(new)


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_key_ends_at_its_expiry_to_the_millisecond(entrance: Entrance) -> None:
    shown, row = made(expires_at=START + timedelta(seconds=5))
    await entrance.declare({shown: row})
    entrance.clock.advance(4.999)
    assert await entrance.admits(shown)
    entrance.clock.advance(0.001)
    assert not await entrance.admits(shown)
    entrance.clock.advance(10 * HONOURED_SECONDS)
    assert not await entrance.admits(shown)


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_revoked_key_stays_revoked_also_for_one_who_never_saw_it_good(entrance: Entrance) -> None:
    shown, row = made()
    await entrance.declare({shown: replace(row, revoked_at=START)})
    assert not await entrance.admits(shown)


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_rolled_secret_ends_the_old_one(entrance: Entrance) -> None:
    (old, row), (other, other_row) = made(), made()
    await entrance.declare({old: row})
    assert await entrance.admits(old)
    new = f"gwk_{row.key_id}_{other[-43:]}"
    await entrance.declare({new: replace(other_row, key_id=row.key_id)})
    entrance.clock.advance(HONOURED_SECONDS)
    assert not await entrance.admits(old)
    assert not await entrance.admits(new), "the digest is over the whole text, and this text was never made"


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_key_opens_from_the_addresses_of_its_list_only(entrance: Entrance) -> None:
    (shown, row), (anywhere, other) = made(), made()
    await entrance.declare({shown: replace(row, addresses=("10.0.0.0/8", "2001:db8::/32")), anywhere: other})
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"):
        assert await entrance.admits(shown, address=address)
    for address in ("11.1.2.3", "::ffff:11.1.2.3", "2001:db9::1", "", "10.1.2.3, 11.1.2.3"):
        assert not await entrance.admits(shown, address=address)
        assert await entrance.admits(anywhere, address=address)


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_pinned_certificate_is_its_body_s_system(entrance: Entrance) -> None:
    assert entrance.pin is not None
    pinned = certificate("certificate a", expires_at=None, addresses=())
    await entrance.pin(pinned)
    found = await entrance.authenticator.authenticate(Presented(certificate=b"certificate a", address="10.0.0.1"))
    assert found == Principal(
        key_id=pinned.key_id,
        name=pinned.name,
        organs=pinned.organs,
        scopes=pinned.scopes,
        credential=Credential.CERTIFICATE,
    )
    for der in (b"certificate b", b"unfit", b""):
        assert not await entrance.admits(None, certificate=der)
    assert not await entrance.admits(None)


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_certificate_ends_with_its_own_dates_its_grant_s_and_its_place(entrance: Entrance) -> None:
    assert entrance.pin is not None
    granted = {
        "own": certificate("certificate own", expires_at=None, addresses=()),
        "grant": certificate("certificate grant", expires_at=START + timedelta(seconds=5), addresses=()),
        "place": certificate("certificate place", expires_at=None, addresses=("10.0.0.0/8",)),
        "revoked": certificate("certificate revoked", expires_at=None, addresses=(), revoked_at=START),
    }
    await entrance.pin(*granted.values())

    async def admitted() -> set[str]:
        shown = {name: f"certificate {name}".encode() for name in granted}
        return {name for name, der in shown.items() if await entrance.admits(None, certificate=der, address="10.0.0.1")}

    assert await admitted() == {"own", "grant", "place"}
    assert not await entrance.admits(None, certificate=b"certificate place", address="11.0.0.1")
    entrance.clock.advance(5)
    assert await admitted() == {"own", "place"}
    entrance.clock.advance(24 * 3600 - 5)
    assert await admitted() == {"own", "place"}
    entrance.clock.advance(0.001)
    assert await admitted() == set(), "the connection was opened while it was good; the request was made afterwards"
    entrance.clock.advance(-2 * 24 * 3600 - 1)
    assert await admitted() == set()


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_a_pin_that_is_taken_away_is_honoured_within_a_minute(entrance: Entrance) -> None:
    assert entrance.pin is not None
    await entrance.pin(certificate("certificate a", addresses=()))
    assert await entrance.admits(None, certificate=b"certificate a")
    await entrance.pin(certificate("certificate b", addresses=()))
    entrance.clock.advance(HONOURED_SECONDS)
    assert not await entrance.admits(None, certificate=b"certificate a")
    assert await entrance.admits(None, certificate=b"certificate b")


@pytest.mark.parametrize("entrance", STORES, indirect=True)
async def test_where_a_key_is_shown_it_alone_decides(entrance: Entrance) -> None:
    assert entrance.pin is not None
    (shown, row), (unknown, _) = made(), made()
    await entrance.declare({shown: row})
    await entrance.pin(certificate("certificate a", addresses=()))
    for key in (unknown, "", shown[:-1]):
        assert not await entrance.admits(key, certificate=b"certificate a"), "a certificate does not mend a bad key"
    for der in (b"certificate a", b"certificate unknown", b"unfit"):
        found = await entrance.authenticator.authenticate(Presented(key=shown, certificate=der))
        assert found is not None
        assert (found.key_id, found.credential) == (row.key_id, Credential.API_KEY)
        assert (found.organs, found.scopes) == (row.organs, row.scopes), "nor does it add to a good one"


async def test_a_repr_of_what_was_presented_shows_no_secret() -> None:
    shown, _ = made()
    assert shown[10:] not in repr(Presented(key=shown, certificate=b"x" * 20))


async def test_an_unknown_id_takes_the_path_of_a_wrong_secret_call_by_call(entrance: Entrance) -> None:
    (shown, row), (unknown, _) = made(), made()
    await entrance.declare({shown: row})
    assert await entrance.admits(shown)  # what is known is in memory from here on
    paths = [await path_of(entrance.authenticator, text) for text in (f"{shown[:-2]}zz", unknown)]
    assert paths[0] == paths[1]
    assert paths[0]


async def path_of(authenticator: Authenticator, presented: str) -> list[str]:
    """Every call, of Python and of C, that a question costs."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls.append(frame.f_code.co_qualname)
        elif event == "c_call" and argument is not sys.setprofile:
            calls.append(argument.__qualname__)

    sys.setprofile(note)
    try:
        found = await authenticator.authenticate(Presented(key=presented))
    finally:
        sys.setprofile(None)
    assert found is None
    return calls
