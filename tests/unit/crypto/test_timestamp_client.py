"""Two authorities, of which one is away, lies, answers somebody else's request, or is not believed: the other one is asked."""

import asyncio
import gzip
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from aiohttp import web
from asn1crypto import tsp

from gateway.core.errors import SiteError
from gateway.core.limits import TIMESTAMP_BYTES_MAX
from gateway.crypto import InlineJudge, LoadedTrust, TimestampClient, Trust
from gateway.crypto.timestamps.client import RESTING_SECONDS
from gateway.crypto.timestamps.reply import Refused, check_reply
from tests.kit.certomancer.declared import MOMENT, answer_timestamp, bundle, timestamp
from tests.kit.clock import ManualClock
from tests.kit.timestamp_authority import Answer, good, reply, served

DIGEST = hashlib.sha256(b"a signature value").digest()


def refusing(_request: bytes, _moment: datetime) -> web.Response:
    return reply(bytes.fromhex("30053003020102"))  # PKIStatus 2, and no token


def of_another_request(request: bytes, moment: datetime) -> web.Response:
    asked = tsp.TimeStampReq.load(request)
    return reply(
        answer_timestamp(tsp.TimeStampReq({**asked.native, "nonce": asked["nonce"].native + 1}).dump(), moment)
    )


def of_another_digest(request: bytes, moment: datetime) -> web.Response:
    asked = tsp.TimeStampReq.load(request)
    asked["message_imprint"]["hashed_message"] = hashlib.sha256(b"something else").digest()
    return reply(answer_timestamp(asked.dump(force=True), moment))


def too_large(_request: bytes, _moment: datetime) -> web.Response:
    return reply(b"\x30" * (TIMESTAMP_BYTES_MAX * 4))


def elsewhere(_request: bytes, _moment: datetime) -> web.Response:
    return web.Response(status=307, headers={"Location": "/tsa"})


BAD: dict[str, tuple[Answer, str]] = {
    "rejection": (refusing, "answered rejection"),
    "replayed": (of_another_request, "another nonce"),
    "of another digest": (of_another_digest, "HASH_FAILURE"),
    "too large": (too_large, "too large"),
    "a redirect": (elsewhere, "HTTP 307"),
    "no reply at all": (lambda _request, _moment: reply(b"<html>"), ""),
    "out of order": (lambda _request, _moment: web.Response(status=500), "HTTP 500"),
    "from the future": (lambda request, moment: good(request, moment.replace(year=moment.year + 1)), "FUTURE"),
}


@dataclass
class Asked:
    """How often each authority was asked."""

    first: int = 0
    second: int = 0


@asynccontextmanager
async def client(
    first: Answer, second: Answer, *, seconds: float = 20, trust: Trust | None = None, hurried: bool = False
) -> AsyncIterator[tuple[TimestampClient, Asked, ManualClock]]:
    clock, asked = ManualClock(MOMENT), Asked()

    def counting(name: str, answer: Answer) -> Answer:
        def count(request: bytes, moment: datetime) -> web.Response:
            setattr(asked, name, getattr(asked, name) + 1)
            return answer(request, moment)

        return count

    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(served(clock, counting(name, answer)))
            for name, answer in (("first", first), ("second", second))
        ]
        made = TimestampClient(
            urls=urls,
            seconds=seconds,
            judge=InlineJudge(),
            trust=LoadedTrust(trust or bundle().trust),
            clock=clock,
            entropy=os.urandom,
            hurried=hurried,
        )
        stack.push_async_callback(made.close)
        yield made, asked, clock


@pytest.mark.parametrize("case", BAD)
async def test_when_the_first_fails_the_second_is_asked(case: str) -> None:
    async with client(BAD[case][0], good) as (authority, asked, _):
        assert await authority.stamp(DIGEST)
    assert (asked.first, asked.second) == (1, 1)


@pytest.mark.parametrize("case", BAD)
async def test_when_all_fail_the_error_tells_what_each_said(case: str) -> None:
    bad, words = BAD[case]
    async with client(bad, bad) as (authority, _, _clock):
        with pytest.raises(SiteError) as caught:
            await authority.stamp(DIGEST)
    said = str(caught.value.params["said"])
    if case != "from the future":
        assert said.count(words) >= 2, said
    else:
        assert said.count("127.0.0.1") == 2


@pytest.mark.parametrize("place", ["127.0.0.1:1", "127.0.0.1:x"], ids=["nobody there", "no URL"])
async def test_a_password_in_an_address_is_told_to_nobody(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    authority = TimestampClient(
        urls=[f"http://office:Mat-khau@{place}/tsa"],
        seconds=5,
        judge=InlineJudge(),
        trust=LoadedTrust(bundle().trust),
        clock=ManualClock(MOMENT),
        entropy=os.urandom,
    )
    with pytest.raises(SiteError) as caught:
        await authority.stamp(DIGEST)
    await authority.close()
    said = f"{caught.value} {caught.value.params} {capsys.readouterr()}"
    assert f"http://{place}/tsa" in said
    assert "Mat-khau" not in said


async def test_a_password_is_not_told_of_one_that_is_not_asked_either() -> None:
    """Found: who is in a hurry was told the whole address of an authority that had failed a moment ago."""
    authority = TimestampClient(
        urls=["http://office:Mat-khau@127.0.0.1:1/tsa"],
        seconds=5,
        judge=InlineJudge(),
        trust=LoadedTrust(bundle().trust),
        clock=ManualClock(MOMENT),
        entropy=os.urandom,
        hurried=True,
    )
    for _ in range(2):
        with pytest.raises(SiteError) as caught:
            await authority.stamp(DIGEST)
    await authority.close()
    said = f"{caught.value} {caught.value.params}"
    assert "failed a moment ago" in said
    assert "Mat-khau" not in said


async def test_what_an_authority_compressed_is_not_inflated() -> None:
    """Found: 64 KiB of an answer were bounded after they had become more."""

    def packed(request: bytes, moment: datetime) -> web.Response:
        answer = good(request, moment)
        assert isinstance(answer.body, bytes)
        return web.Response(
            body=gzip.compress(answer.body), headers={"Content-Encoding": "gzip"}, content_type=answer.content_type
        )

    async with client(packed, good) as (authority, asked, _):
        assert await authority.stamp(DIGEST)
    assert (asked.first, asked.second) == (1, 1)


async def test_an_authority_that_failed_is_asked_last_for_a_while() -> None:
    async with client(refusing, good) as (authority, asked, clock):
        for _ in range(3):
            await authority.stamp(DIGEST)
        assert (asked.first, asked.second) == (1, 3)
        clock.advance(RESTING_SECONDS + 1)
        await authority.stamp(DIGEST)
        assert (asked.first, asked.second) == (2, 4)


async def test_who_is_in_a_hurry_does_not_ask_one_that_failed_a_moment_ago() -> None:
    async with client(refusing, refusing, hurried=True) as (authority, asked, clock):
        for _ in range(3):
            with pytest.raises(SiteError) as caught:
                await authority.stamp(DIGEST)
            assert caught.value.code == "timestamp.unavailable"
            assert caught.value.facts.retryable
        assert (asked.first, asked.second) == (1, 1)
        assert str(caught.value.params["said"]).count("failed a moment ago") == 2
        clock.advance(RESTING_SECONDS + 1)
        with pytest.raises(SiteError):
            await authority.stamp(DIGEST)
        assert (asked.first, asked.second) == (2, 2)


async def test_one_that_hangs_costs_its_patience_and_no_more() -> None:
    silent: list[asyncio.StreamWriter] = []

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = ManualClock(MOMENT)
    async with served(clock, good) as url:
        authority = TimestampClient(
            urls=[f"http://127.0.0.1:{port}/", url],
            seconds=5,
            judge=InlineJudge(),
            trust=LoadedTrust(bundle().trust),
            clock=clock,
            entropy=os.urandom,
        )
        async with asyncio.timeout(60):
            assert await authority.stamp(DIGEST)
        await authority.close()
    for writer in silent:
        writer.transport.abort()
    server.close()
    await server.wait_closed()
    assert len(silent) == 1


async def test_an_authority_that_nobody_configured_is_not_believed() -> None:
    nobody = replace(bundle().trust, authorities=())
    async with client(good, good, trust=nobody) as (authority, _, _clock):
        with pytest.raises(SiteError, match="NO_CERTIFICATE_CHAIN_FOUND"):
            await authority.stamp(DIGEST)


@pytest.mark.parametrize("cut", range(0, 3_000, 211))
def test_half_a_reply_is_refused(cut: int) -> None:
    whole = tsp.TimeStampResp(
        {"status": {"status": "granted"}, "time_stamp_token": tsp.ContentInfo.load(timestamp(DIGEST))}
    ).dump()
    found = check_reply(whole[:cut], digest=DIGEST, nonce=1, trust=bundle().trust, moment=MOMENT)
    assert isinstance(found, Refused)
