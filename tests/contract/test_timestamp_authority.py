"""The promises of the port `TimestampAuthority`: over HTTP with two authorities, and by the authority of the tests."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.core.errors import SiteError
from gateway.core.ports import TimestampAuthority
from gateway.core.validation import Indication, TimestampKind
from gateway.crypto import InlineJudge, LoadedTrust, TimestampClient, judge_timestamp
from tests.kit.certomancer.declared import MOMENT, bundle
from tests.kit.clock import ManualClock
from tests.kit.timestamp_authority import NearAuthority, good, served


@dataclass(frozen=True)
class World:
    """An authority and its clock; `away` sends everybody behind it away."""

    authority: TimestampAuthority
    clock: ManualClock


@asynccontextmanager
async def over_http(*, away: bool) -> AsyncIterator[World]:
    clock = ManualClock(MOMENT)
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(served(clock, good)) for _ in range(2)]
        client = TimestampClient(
            urls=[url.replace("/tsa", "/gone") for url in urls] if away else urls,
            seconds=20,
            judge=InlineJudge(),
            trust=LoadedTrust(bundle().trust),
            clock=clock,
            entropy=os.urandom,
        )
        stack.push_async_callback(client.close)
        yield World(client, clock)


@asynccontextmanager
async def of_the_tests(*, away: bool) -> AsyncIterator[World]:
    clock = ManualClock(MOMENT)
    yield World(NearAuthority(clock, answers=0 if away else None), clock)


IMPLEMENTATIONS = (over_http, of_the_tests)


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
async def test_a_token_is_for_what_was_handed_in_and_good(make: type) -> None:
    async with make(away=False) as world:
        data = b"a signature value"
        token = await world.authority.stamp(hashlib.sha256(data).digest())
        seen = judge_timestamp(
            token,
            kind=TimestampKind.SIGNATURE,
            digest=lambda name: hashlib.new(name, data).digest(),
            trust=bundle().trust,
            moment=MOMENT,
        )
    assert (seen.indication, seen.time) == (Indication.TOTAL_PASSED, MOMENT), seen.reason


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
async def test_two_tokens_are_two(make: type) -> None:
    async with make(away=False) as world:
        digest = hashlib.sha256(b"x").digest()
        first = await world.authority.stamp(digest)
        world.clock.advance(1)
        assert await world.authority.stamp(digest) != first


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
async def test_nobody_there_is_an_error_that_may_be_tried_again(make: type) -> None:
    async with make(away=True) as world:
        with pytest.raises(SiteError) as caught:
            await world.authority.stamp(hashlib.sha256(b"x").digest())
    assert (caught.value.code, caught.value.facts.retryable) == ("timestamp.unavailable", True)
