"""Offices' systems with client certificates, over real TLS: who is let in, and the six who are not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.kit.office_tls import NAME, PARTY, TlsOffice, tls_office
from tests.kit.peer_tls import CLIENT, SERVER, Authority, Identity, Order

BAD_HANDSHAKES = ("expired", "not yet valid", "wrong usage", "unknown authority")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[TlsOffice]:
    async with tls_office(tmp_path) as office:
        yield office


def order(name: str = "office") -> Order:
    return Order(name=name, usages=(CLIENT,))


async def refused(office: TlsOffice, identity: Identity) -> str:
    """How a caller with this certificate fares: `handshake`, or the code of the answer."""
    async with office.session(identity) as ask:
        try:
            status, members = await ask()
        except (aiohttp.ClientError, ssl.SSLError, OSError):
            return "handshake"
        assert status == 401, members
        return str(members["code"])


async def test_a_pinned_certificate_is_enough(office: TlsOffice) -> None:
    identity = office.offices.issue(order())
    await office.pin(identity)
    async with office.session(identity) as ask:
        status, members = await ask()
    assert status == 200
    assert members == {
        "key_id": f"cert-{identity.pin[:32]}",
        "name": "Trục nội bộ",
        "organs": [PARTY],
        "scopes": ["read"],
        "identified_by": "certificate",
    }


async def test_a_renewed_certificate_over_the_same_key_is_still_known(office: TlsOffice) -> None:
    identity = office.offices.issue(order())
    await office.pin(identity)
    renewed = office.offices.issue(order("another name"), key=identity.key)
    async with office.session(renewed) as ask:
        assert (await ask())[0] == 200


@pytest.mark.parametrize("case", [*BAD_HANDSHAKES, "not pinned", "demo"])
async def test_a_bad_certificate_is_refused(office: TlsOffice, case: str, tmp_path: Path) -> None:
    """Each is made over the very key that is pinned, but for the one that is not."""
    good = office.offices.issue(order())
    await office.pin(good)
    issue = office.offices.issue
    (tmp_path / "stranger").mkdir()
    identity = {
        "expired": lambda: issue(order().expired(), key=good.key),
        "not yet valid": lambda: issue(order().not_yet_valid(), key=good.key),
        "wrong usage": lambda: issue(replace(order(), usages=(SERVER,)), key=good.key),
        "unknown authority": lambda: Authority(tmp_path / "stranger", "Offices CA").issue(order(), key=good.key),
        "not pinned": lambda: issue(order()),
        "demo": lambda: issue(order("DEMO office"), key=good.key),
    }[case]()
    assert await refused(office, identity) == ("handshake" if case in BAD_HANDSHAKES else "access.no_key")
    async with office.session(good) as ask:
        assert (await ask())[0] == 200, "the others go on"


async def test_a_demo_certificate_opens_in_a_demo(tmp_path: Path) -> None:
    async with tls_office(tmp_path, demo=True) as office:
        identity = office.offices.issue(order("DEMO office"))
        await office.pin(identity)
        async with office.session(identity) as ask:
            assert (await ask())[0] == 200


async def test_a_kept_connection_ends_with_the_certificate_the_pin_and_the_grant(office: TlsOffice) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    short, long = office.offices.issue(replace(order(), not_after=until)), office.offices.issue(order())
    await office.pin(short, long)
    async with office.session(short) as ask_short, office.session(long) as ask_long:
        assert [(await ask())[0] for ask in (ask_short, ask_long)] == [200, 200]
        office.clock.advance(3601)
        assert [(await ask())[0] for ask in (ask_short, ask_long)] == [401, 200]
        await office.pin(short)
        office.clock.advance(59)
        assert (await ask_long())[0] == 401
        assert len(office.listener.places) == 2, "nobody connected anew"


async def test_a_key_alone_decides_where_one_is_shown(office: TlsOffice) -> None:
    identity = office.offices.issue(order())
    await office.pin(identity)
    key = await office.key()
    async with office.session(identity) as ask:
        assert (await ask(key))[1]["identified_by"] == "api_key"
        for bad in (key[:-1], "x", ""):
            assert (await ask(bad))[0] == 401
        assert (await ask(Authorization="Basic b2ZmaWNl"))[0] == 401
        assert (await ask())[1]["identified_by"] == "certificate"
    async with office.session(office.offices.issue(order())) as ask:
        assert (await ask(key))[0] == 200, "an unpinned certificate is no worse than none"


async def test_where_no_anchors_are_configured_no_certificate_is_asked_for(tmp_path: Path) -> None:
    async with tls_office(tmp_path, anchored=False) as office:
        identity = office.offices.issue(order())
        await office.pin(identity)
        key = await office.key()
        assert await refused(office, identity) == "access.no_key"
        async with office.session(identity) as ask:
            assert (await ask(key))[0] == 200


async def test_certificates_and_keys_open_from_their_addresses_only(office: TlsOffice) -> None:
    identity = office.offices.issue(order())
    await office.pin(identity, addresses=("127.0.0.2/32",))
    key = await office.key(addresses=("127.0.0.2/32", "::1/128"))
    for source, status in (("127.0.0.1", 401), ("127.0.0.2", 200)):
        async with office.session(identity, source=source) as ask:
            assert (await ask())[0] == status
            assert (await ask(key))[0] == status
            forged = {"X-Forwarded-For": "127.0.0.2", "X-Real-IP": "127.0.0.2", "Forwarded": "for=127.0.0.2"}
            assert (await ask(key, **forged))[0] == status


async def test_every_refusal_is_one_answer(office: TlsOffice) -> None:
    """Nothing, unknown, wrong, expired, revoked, misplaced, unpinned: the same bytes but for the ids of the request."""
    now = office.clock.now()
    answers = []
    for granted in ({"expires_at": now}, {"revoked_at": now}, {"addresses": ("10.0.0.0/8",)}, {"key_id": "other"}):
        key = await office.key(**granted)
        office.clock.advance(60)
        async with office.session() as ask:
            answers.append(await ask(key))
    wrong = (await office.key())[:-1] + "~"
    office.clock.advance(60)
    async with office.session() as ask:
        answers += [await ask(wrong), await ask("gwk_0_" + "A" * 43), await ask(""), await ask()]
    async with office.session(office.offices.issue(order())) as ask:
        answers.append(await ask())
    for _, members in answers:
        assert members.pop("trace_id")
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 401


async def test_strangers_shut_nobody_out(tmp_path: Path) -> None:
    """Bare sockets and finished handshakes, from the office's own address and from others; more than there are places."""
    async with tls_office(tmp_path, share=5, strangers=8) as office:
        key = await office.key()
        async with office.session() as ask:
            assert (await ask(key))[0] == 200
            bare, idle = [], []
            for n in range(20):
                source = (f"127.0.0.{n % 3 + 1}", 0)
                bare.append(await asyncio.open_connection("127.0.0.1", office.port, local_addr=source))
                named = {"ssl": office.tls(), "server_hostname": NAME, "local_addr": source}
                idle.append(await asyncio.open_connection("127.0.0.1", office.port, **named))
            assert (await ask(key))[0] == 200, "the connection that is known"
            assert len(office.listener.places) == 9
            async with office.session() as another:
                assert (await another(key))[0] == 200, "and a new one from the same address"
        for _, writer in (*bare, *idle):
            writer.transport.abort()
        await empty(office)


async def empty(office: TlsOffice) -> None:
    async with asyncio.timeout(5):
        while len(office.listener.places):
            await asyncio.sleep(0.01)


async def test_a_key_that_is_revoked_makes_a_stranger_of_its_connection(tmp_path: Path) -> None:
    async with tls_office(tmp_path) as office:
        key = await office.key()
        async with office.session() as ask:
            assert (await ask(key))[0] == 200
            assert office.listener.places.strangers == 0
            assert (await ask())[0] == 401
            assert office.listener.places.strangers == 0, "nothing was shown: nothing has changed"
            await office.key(revoked_at=office.clock.now())
            office.clock.advance(60)
            assert (await ask(key))[0] == 401
            assert office.listener.places.strangers == 1


async def test_a_handshake_that_never_comes_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.limits.HANDSHAKE_SECONDS_MAX", 0.2)
    async with tls_office(tmp_path) as office:
        reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        await empty(office)
