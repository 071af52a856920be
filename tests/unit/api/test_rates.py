"""The gate holds back who asks too much, tells him so in headers, and before his body was read."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.access import Rate, Rates, TokenBucketLimiter
from gateway.api import OfficeRunner
from gateway.api.border import border, dress
from gateway.api.gate import gate
from gateway.api.openapi import RESPONSE_HEADERS
from gateway.api.parts import PARTS, PRINCIPAL
from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.core.principal import Scope
from tests.kit.clock import ManualClock
from tests.kit.rate_limits import WIDE, narrow
from tests.unit.api.test_gate import raw
from tests.unit.api.world import CITY_KEY, MUTE_KEY, WARD_KEY, World, problem_of, running

SLOW = Rate(per_minute=60, burst=3)
POLICY = re.compile(r'"([a-z]+)";q=(\d+);w=(\d+)')
STATE = re.compile(r'"([a-z]+)";r=(\d+);t=(\d+)')


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def rates(answer: aiohttp.ClientResponse) -> tuple[str, int, int, int, int]:
    """Policy, quota, window, remaining, reset, as an answer says it."""
    policy, state = POLICY.fullmatch(answer.headers["RateLimit-Policy"]), STATE.fullmatch(answer.headers["RateLimit"])
    assert policy
    assert state
    assert policy.group(1) == state.group(1)
    return policy.group(1), int(policy.group(2)), int(policy.group(3)), int(state.group(2)), int(state.group(3))


async def test_a_key_may_ask_so_often_and_not_once_more(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, principal=SLOW)) as world:
        for remaining in (2, 1, 0):
            async with world.ask("GET", "/me") as answer:
                assert (answer.status, rates(answer)) == (200, ("key", 3, 3, remaining, 3 - remaining))
                assert "Retry-After" not in answer.headers
        async with world.ask("GET", "/me") as answer:
            members = await problem_of(answer, 429, "rate.limit")
            assert rates(answer) == ("key", 3, 3, 0, 3)
            assert answer.headers["Retry-After"] == "1"
            assert members["retryable"] is True
            assert "Retry-After" in members["todo"]
        async with world.ask("GET", "/me", key=WARD_KEY) as answer:
            assert answer.status == 200, "one key is not another"
        clock.advance(1)
        async with world.ask("GET", "/me") as answer:
            assert answer.status == 200
        async with world.ask("GET", "/me") as answer:
            await problem_of(answer, 429, "rate.limit")


async def test_every_answer_of_a_known_caller_says_how_much_is_left_and_no_other(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, principal=Rate(per_minute=60, burst=9))) as world:
        for method, path, key, status in (
            ("GET", "/me", CITY_KEY, 200),
            ("GET", "/documents/01900000-0000-7000-8000-00000000ffff", CITY_KEY, 404),
            ("POST", "/documents", CITY_KEY, 400),
            ("GET", "/me", MUTE_KEY, 403),
        ):
            async with world.ask(method, path, key=key) as answer:
                assert answer.status == status
                assert rates(answer)[0] == "key"
        for path, status in (("/me", 401), ("/nothing", 404)):
            async with world.ask("GET", path, key=None) as answer:
                assert answer.status == status
                assert not {"RateLimit", "RateLimit-Policy"} & answer.headers.keys()


async def test_strangers_share_the_bucket_of_their_address_and_whoever_is_known_has_its_own(
    tmp_path: Path, clock: ManualClock
) -> None:
    """A stranger behind the same NAT uses up what is his, on every kind of path, and nothing of what an office has."""
    async with running(tmp_path, rate_limiter=narrow(clock, address=SLOW)) as world:
        for path, status in (("/me", 401), ("/nothing", 404), ("/me", 401)):
            async with world.ask("GET", path, key=None) as answer:
                assert answer.status == status
        for path, key in (("/nothing", None), ("/me", None), ("/me", "gwk_a_" + "x" * 43)):
            async with world.ask("GET", path, key=key) as answer:
                await problem_of(answer, 429, "rate.limit")
                assert rates(answer) == ("address", 3, 3, 0, 3)
                assert answer.headers["Retry-After"] == "1"
        for path, status in (("/me", 200), ("/nothing", 404), ("/me", 200), ("/nothing", 404)):
            async with world.ask("GET", path) as answer:
                assert answer.status == status
                assert ("RateLimit" in answer.headers) == (status == 200)


async def test_a_known_caller_uses_its_own_bucket_alone(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, principal=SLOW)) as world:
        for path in ("/me", "/nothing", "/me"):
            async with world.ask("GET", path) as answer:
                assert answer.status in (200, 404)
        for path in ("/me", "/nothing"):
            async with world.ask("GET", path) as answer:
                await problem_of(answer, 429, "rate.limit")
                assert rates(answer)[0] == "key"
        async with world.ask("GET", "/nothing", key=None) as answer:
            assert answer.status == 404


async def test_what_is_for_everybody_needs_no_ledger(
    world: World, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_presented: object) -> None:
        raise SiteError("store.busy")

    monkeypatch.setattr(world.keys, "authenticate", broken)
    async with small_app(world, narrow(clock, address=SLOW)) as url:
        known = {"Authorization": f"Bearer {CITY_KEY}"}
        for path, status in (("/public", 200), ("/granted", 503), ("/nothing", 404), ("/granted", 429)):
            async with world.session.get(url + path, headers=known) as answer:
                assert answer.status == status, path


async def test_made_up_keys_are_counted_and_a_good_one_is_let_in_all_the_same(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, failures=SLOW)) as world:
        made_up = [f"gwk_{n}_" + "x" * 43 for n in range(5)]
        for key in made_up[:3]:
            async with world.ask("GET", "/me", key=key) as answer:
                await problem_of(answer, 401, "access.no_key")
        for key in (*made_up[3:], None):
            async with world.ask("GET", "/me", key=key) as answer:
                await problem_of(answer, 429, "rate.limit")
                assert rates(answer)[0] == "failures"
        async with world.ask("GET", "/me") as answer:
            assert answer.status == 200
        clock.advance(1)
        async with world.ask("GET", "/me", key=made_up[0]) as answer:
            await problem_of(answer, 401, "access.no_key")


async def test_forwarding_headers_give_nobody_another_address(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, address=SLOW)) as world:
        statuses = []
        for n in range(5):
            headers = {"X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.0.{n}", "X-Real-IP": f"10.0.0.{n}"}
            async with world.ask("GET", "/me", key=None, headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses == [401, 401, 401, 429, 429]


async def test_so_many_at_once(tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go = asyncio.Semaphore(0), asyncio.Event()

    async with running(tmp_path, rate_limiter=narrow(clock, at_once=2)) as world:
        answer_as_usual = world.desks.inbox

        async def slowly(*args: Any, **kwargs: Any) -> Any:
            inside.release()
            await go.wait()
            return await answer_as_usual(*args, **kwargs)

        monkeypatch.setattr(world.desks, "inbox", slowly)

        async def ask(key: str) -> int:
            async with world.ask("GET", "/inbox", key=key) as answer:
                if answer.status == 429:
                    await problem_of(answer, 429, "rate.limit")
                    assert answer.headers["Retry-After"] == "1"
                    assert rates(answer)[0] == "key"
                return int(answer.status)

        waiting = [asyncio.create_task(ask(CITY_KEY)) for _ in range(2)]
        for _ in waiting:
            await inside.acquire()
        assert await ask(CITY_KEY) == 429
        other = asyncio.create_task(ask(WARD_KEY))
        await inside.acquire()
        go.set()
        assert await asyncio.gather(*waiting, other) == [200, 200, 200]
        assert await ask(CITY_KEY) == 200


HEAD = (
    "POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nIdempotency-Key: k\r\n"
    "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\nAuthorization: Bearer {key}\r\n\r\n"
)


async def test_a_store_without_room_says_so_before_the_body(tmp_path: Path) -> None:
    class Queue:
        full = False

        def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
            if self.full:
                raise SiteError("store.busy")

    queue = Queue()
    async with running(tmp_path, intake=queue) as world:
        assert (await raw(world, HEAD.format(key=CITY_KEY).encode()))[0] == 100
        queue.full = True
        status, headers, members = await raw(world, HEAD.format(key=CITY_KEY).encode())
        assert (status, members["code"], headers["retry-after"]) == (503, "store.busy", "5")
        async with world.ask("GET", "/me") as answer:
            assert answer.status == 200, "reading needs no room"
        status, _, members = await raw(world, HEAD.format(key="wrong").encode())
        assert (status, members["code"]) == (401, "access.no_key"), "strangers learn nothing about the store"


async def test_who_is_held_back_is_told_before_the_body(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, principal=Rate(per_minute=1, burst=1))) as world:
        assert (await raw(world, HEAD.format(key=CITY_KEY).encode()))[0] == 100
        status, headers, members = await raw(world, HEAD.format(key=CITY_KEY).encode())
        assert (status, members["code"], headers["retry-after"]) == (429, "rate.limit", "60")


GIB = 1024**3
DAY = Rates(principal=WIDE, address=WIDE, failures=WIDE, gib_per_day=1)


async def test_what_a_key_hands_in_on_a_day_is_bounded_and_said_before_the_body(
    tmp_path: Path, clock: ManualClock
) -> None:
    rate_limiter = TokenBucketLimiter(DAY, clock=clock)
    async with running(tmp_path, rate_limiter=rate_limiter) as world:
        assert not rate_limiter.hand_in("city", GIB - 1_500_000).wait_seconds
        assert (await raw(world, HEAD.format(key=CITY_KEY).encode()))[0] == 100
        status, headers, members = await raw(world, HEAD.format(key=CITY_KEY).encode())
        assert (status, members["code"], members["retryable"]) == (429, "rate.volume", True)
        assert headers["ratelimit-policy"] == f'"bytes";q={GIB};qu="content-bytes";w=86400'
        assert re.search(RESPONSE_HEADERS["RateLimit-Policy"][1]["pattern"], headers["ratelimit-policy"])
        # Half a million bytes are left and half a million more are needed: 40 seconds at a GiB a day.
        assert headers["retry-after"] == "41"
        clock.advance(41)
        assert (await raw(world, HEAD.format(key=CITY_KEY).encode()))[0] == 100, "who waits that long is let in"


async def test_bytes_whose_number_was_not_said_count_as_they_come(tmp_path: Path, clock: ManualClock) -> None:
    rate_limiter = TokenBucketLimiter(DAY, clock=clock)
    rate_limiter.hand_in("city", GIB - 1_000)
    head = HEAD.replace("Content-Length: 1000000", "Transfer-Encoding: chunked").replace("Expect: 100-continue\r\n", "")
    async with running(tmp_path, rate_limiter=rate_limiter) as world:
        body = b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n"
        status, _, members = await raw(world, head.format(key=CITY_KEY).encode() + body)
        assert (status, members["code"]) == (429, "rate.volume")


@asynccontextmanager
async def small_app(world: World, rate_limiter: Any) -> AsyncIterator[str]:
    """Three routes: a public one, a granted one, and one that somebody forgot in the table."""

    async def show(request: web.Request) -> web.Response:
        return web.json_response({"known": PRINCIPAL in request})

    app = web.Application(middlewares=[border, gate({("GET", "/public"): None, ("GET", "/granted"): Scope.READ})])
    parts = world.app[PARTS]
    app[PARTS] = type(parts)(
        **{name: getattr(parts, name) for name in parts.__slots__} | {"rate_limiter": rate_limiter}  # type: ignore[arg-type]
    )
    app.on_response_prepare.append(dress)
    for path in ("/public", "/granted", "/forgotten"):
        app.router.add_get(path, show, allow_head=False)
    app.router.add_post("/public", show)
    runner = OfficeRunner(app, shutdown_seconds=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_public_says_so_and_what_is_missing_is_closed(world: World, clock: ManualClock) -> None:
    known = {"Authorization": f"Bearer {CITY_KEY}"}
    async with small_app(world, narrow(clock)) as url:
        for method, path, headers, status, code in (
            ("GET", "/public", {}, 200, ""),
            ("GET", "/public", {"Authorization": "Bearer nonsense"}, 200, ""),
            ("POST", "/public", {}, 401, "access.no_key"),
            ("POST", "/public", known, 403, "access.scope"),
            ("GET", "/granted", {}, 401, "access.no_key"),
            ("GET", "/granted", known, 200, ""),
            ("GET", "/forgotten", {}, 401, "access.no_key"),
            ("GET", "/forgotten", known, 403, "access.scope"),
        ):
            async with world.session.request(method, url + path, headers=headers) as answer:
                members = json.loads(await answer.read())
                assert (answer.status, members.get("code", "")) == (status, code), (method, path, headers)
                if status == 200:
                    assert members == {"known": path == "/granted"}


async def test_public_routes_are_counted_by_address(world: World, clock: ManualClock) -> None:
    async with small_app(world, narrow(clock, address=SLOW)) as url:
        statuses = []
        for _ in range(4):
            async with world.session.get(f"{url}/public") as answer:
                statuses.append(answer.status)
    assert statuses == [200, 200, 200, 429]


async def test_a_flood_of_made_up_keys_is_held_back(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, rate_limiter=narrow(clock, address=Rate(per_minute=60, burst=20))) as world:
        found = []
        for _ in range(100):
            async with world.ask("GET", "/me", key=f"gwk_{secrets.token_hex(8)}_{'x' * 43}") as answer:
                found.append(answer.status)
    assert (found.count(401), found.count(429)) == (20, 80)
