"""Behind the gate: no room, no body read."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.api import ApiParts, OfficeRunner, PrometheusMeter, build_app
from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.storage import open_uploads
from tests.kit.clock import ManualClock
from tests.kit.desks import MemoryDesks
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.rate_limits import wide_open
from tests.unit.api.world import BOUNDARY, CITY_KEY, PARTY, Keys, file_part, form, meta_part


class Shut:
    """The port `Intake`, shut as far as it is told to be."""

    def __init__(self) -> None:
        self.documents = self.everything = False

    def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
        if self.everything or (document and self.documents):
            raise SiteError("store.full")


@asynccontextmanager
async def office(folder: Path, intake: Shut, meter: PrometheusMeter) -> AsyncIterator[tuple[str, OfficeRunner]]:
    blobs = FolderBlobs(folder / "blobs")
    desks = MemoryDesks(blobs=blobs)
    desks.register(PARTY, "Văn phòng Thành ủy")
    app: web.Application = build_app(
        ApiParts(
            submission=desks,
            queries=desks,
            statuses=desks,
            releases=desks,
            recalls=desks,
            amendments=desks,
            events=desks,
            rate_limiter=wide_open(),
            authenticator=Keys(),
            blobs=blobs,
            entropy=secrets.token_bytes,
            intake=intake,
            meter=meter,
            uploads=open_uploads(folder / "blobs", clock=ManualClock()),
        )
    )
    runner = OfficeRunner(app, shutdown_seconds=30)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1", runner
    finally:
        await runner.cleanup()


HEADERS = {"Authorization": f"Bearer {CITY_KEY}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.parametrize("key", [CITY_KEY, "gwk_city_wrong"])
async def test_without_room_a_submission_is_refused_before_its_body_is_read(tmp_path: Path, key: str) -> None:
    intake, meter = Shut(), PrometheusMeter()
    intake.documents = True
    async with office(tmp_path, intake, meter) as (url, _):
        host, port = url.split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = "POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n"
        writer.write((head + f"Authorization: Bearer {key}\r\nIdempotency-Key: k\r\n\r\n").encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
        writer.close()
        # Never `100 Continue`; and a stranger learns nothing of our disk.
        assert answer.split()[1] == (b"507" if key == CITY_KEY else b"401")


async def test_what_is_here_can_be_answered_until_nothing_may_be_written(tmp_path: Path) -> None:
    intake, meter = Shut(), PrometheusMeter()
    async with office(tmp_path, intake, meter) as (url, _), aiohttp.ClientSession(headers=HEADERS) as session:
        statuses = []
        for intake.documents, intake.everything in ((False, False), (True, False), (True, True)):
            sent = form(meta_part(), file_part())
            headers = {"Idempotency-Key": secrets.token_hex(4)}
            async with (
                session.post(f"{url}/documents", data=sent, headers=headers) as one,
                session.post(f"{url}/inbox/none:accept") as two,
                session.get(f"{url}/me") as three,
            ):
                statuses.append((one.status, two.status, three.status))
    assert statuses == [(202, 404, 200), (507, 404, 200), (507, 507, 200)]


async def test_files_that_come_in_pieces_wait_for_room_like_documents(tmp_path: Path) -> None:
    intake, meter, name = Shut(), PrometheusMeter(), "0" * 32
    intake.documents = True
    async with office(tmp_path, intake, meter) as (url, _), aiohttp.ClientSession(headers=HEADERS) as session:
        for method, path, status in (
            ("POST", "", 507),
            ("PATCH", f"/{name}", 507),
            ("GET", f"/{name}", 404),
            ("DELETE", f"/{name}", 404),
        ):
            async with session.request(method, f"{url}/uploads{path}") as answer:
                assert (method, answer.status) == (method, status)


async def test_requests_are_counted_by_route_and_status_and_never_by_key(tmp_path: Path) -> None:
    meter = PrometheusMeter()
    async with office(tmp_path, Shut(), meter) as (url, _), aiohttp.ClientSession(headers=HEADERS) as session:
        for path in ("/me", "/documents/secret-key", "/nothing/here", "/me"):
            async with session.get(url + path):
                pass
    said = meter.exposition([]).decode()
    assert 'gateway_requests_total{listener="office",route="GET /api/v1/me",status="200"} 2.0' in said
    assert 'gateway_requests_total{listener="office",route="GET /api/v1/documents/{key}",status="404"} 1.0' in said
    assert 'gateway_requests_total{listener="office",route="",status="404"} 1.0' in said
    assert "secret-key" not in said
    assert "nothing" not in said
