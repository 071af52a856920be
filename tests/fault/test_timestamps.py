"""Real gateways, timestamp authorities on loopback that are away or slow: what is owed is paid, whoever is killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.config import load_config
from gateway.core.errors import SiteError
from gateway.core.reasons import Reason
from gateway.material import refusal
from tests.kit.certomancer.declared import answer_timestamp, certificate, crl_of
from tests.kit.postgres import session_server
from tests.kit.real_network import RealNetwork, real_network
from tests.kit.timestamp_authority import reply
from tests.kit.web_site import serving

pytestmark = pytest.mark.slow

SLOW_SECONDS = 2.5
"""Longer than a sealing document waits, shorter than the background does: real authorities take 2 to 131 s."""


@dataclass
class Authorities:
    """The first always fails, the second is slow."""

    urls: list[str] = field(default_factory=list)
    away: int = 0
    asked: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def fail(self, _request: web.Request) -> web.Response:
        self.away += 1
        return web.Response(status=503)

    async def stamp(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(SLOW_SECONDS)
        self.answered.set()
        return reply(answer_timestamp(await request.read(), datetime.now(UTC).replace(microsecond=0)))


@asynccontextmanager
async def authorities() -> AsyncIterator[Authorities]:
    made, app = Authorities(), web.Application()
    app.router.add_post("/away", made.fail)
    app.router.add_post("/slow", made.stamp)
    async with serving(app) as port:
        made.urls = [f"http://127.0.0.1:{port}/{name}" for name in ("away", "slow")]
        yield made


def configure(real: RealNetwork, urls: list[str], *, when_unavailable: str = "go_on", believed: bool = True) -> None:
    """The party's gateway asks these from its start on."""
    side = real.network.sides["party"]
    trust = load_config(side.config).trust.folder
    if believed:
        (trust / "authorities").mkdir()
        (trust / "authorities" / "stamp-root.crt").write_bytes(certificate("stamp-root"))
        (trust / "crls" / "stamp-root.crl").write_bytes(crl_of("stamp-root", datetime.now(UTC).replace(microsecond=0)))
    with side.config.open("a", encoding="utf-8") as file:
        names = ", ".join(f'"{url}"' for url in urls)
        file.write(f'\n[timestamps]\nurls = [{names}]\nseconds = 1.0\nwhen_unavailable = "{when_unavailable}"\n')


async def file_of(real: RealNetwork, key: str) -> dict[str, Any]:
    async with real.client(real.sender) as client:
        (file,) = (await client.document(key))["attachments"]
        return dict(file)


async def until_stamped(real: RealNetwork, key: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (file := await file_of(real, key))["timestamp"]["state"] != "stamped":
            await asyncio.sleep(0.1)
    return file


async def copy_of(real: RealNetwork, key: str, tmp_path: Path, *, archive: bool) -> bytes:
    async with real.client(real.sender) as client:
        await client.sent_attachment(key, 1, tmp_path / "copy", archive=archive)
    return (tmp_path / "copy").read_bytes()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_what_is_owed_outlives_kill_9_and_is_paid_once(tmp_path: Path, engine: str) -> None:
    server = session_server() if engine == "postgres" else None
    async with authorities() as asked, real_network(tmp_path, start=False, server=server) as real:
        configure(real, asked.urls)
        async with real.gateways:
            key = await real.send(1)
            await real.until_delivered(key)  # nobody waited for the authority
            assert (await file_of(real, key))["timestamp"]["state"] == "waiting"
            async with asyncio.timeout(30):
                await asked.answered.wait()
            await real.kill_and_restart("party")  # the token is on its way, or has just come
            await real.gateways.ready("party")
            file = await until_stamped(real, key)
            assert (file["timestamp"]["level"], file["timestamp"]["owed"]) == ("B-T", None)
            sealed = await copy_of(real, key, tmp_path, archive=False)
            kept = await copy_of(real, key, tmp_path, archive=True)
            assert kept.startswith(sealed)
            assert kept.count(b"/DocTimeStamp") == 1
            assert asked.away
            events = real.rows("party", "SELECT event FROM openings WHERE event LIKE 'timestamp.%' ORDER BY row")
            assert [event for (event,) in events] == ["timestamp.owed", "timestamp.added"]
        await real.check()


async def test_a_document_that_waits_says_so_and_owes_nothing(tmp_path: Path) -> None:
    async with authorities() as asked, real_network(tmp_path, start=False) as real:
        configure(real, asked.urls[::-1], when_unavailable="wait")
        async with real.gateways:
            key = await real.send(1)
            async with asyncio.timeout(30):
                while (view := await look(real, key))["reason"] is None:
                    await asyncio.sleep(0.05)
            assert (view["state"], view["reason"]["code"]) == ("accepted", "timestamp.unavailable")
            assert real.rows("party", "SELECT count(*) FROM owed_timestamps") == [(0,)]


async def look(real: RealNetwork, key: str) -> dict[str, Any]:
    async with real.client(real.sender) as client:
        return dict(await client.document(key))


async def test_authorities_that_nobody_believes_are_told_before_the_start(tmp_path: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        configure(real, ["http://127.0.0.1:9/tsa"], believed=False)
        error = refusal(load_config(real.network.sides["party"].config))
        assert isinstance(error, SiteError)
        assert (error.code, error.params["path"]) == ("config.invalid", "timestamps.urls")
        assert isinstance(error.params["reason"], Reason)
        assert error.params["reason"].message_id == "why.no_authority"
        assert refusal(load_config(real.network.sides["government"].config)) is None
