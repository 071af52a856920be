"""A real office API on loopback over in-memory desks, with three keys: the party office's, a ward's and a mute one."""

import json
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.api import ALWAYS, PREFIX, ApiLimits, ApiParts, OfficeClient, OfficeRunner, build_app
from gateway.api.routes import ROUTES
from gateway.core.ids import OrganId
from gateway.core.ports import Intake, RateLimiter
from gateway.core.principal import Presented, Principal, Scope
from gateway.http import PROBLEM_TYPE
from gateway.storage import open_uploads
from tests.kit.clock import ManualClock
from tests.kit.desks import MemoryDesks
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.rate_limits import wide_open

PARTY = OrganId("Z79.00.01")
WARD = OrganId("Z79.01.01")
OTHER = OrganId("Z79.01.02")
CITY_KEY = "gwk_city_" + "c" * 43
WARD_KEY = "gwk_ward_" + "w" * 43
MUTE_KEY = "gwk_mute_" + "m" * 43
BOUNDARY = "b0unDary"
PDF = b"%PDF-1.7\n" + b"x" * 500


class Keys:
    """The port `Authenticator` over a plain table."""

    def __init__(self) -> None:
        self.asked = 0
        everything = frozenset(Scope)
        self.principals = {
            CITY_KEY: Principal(key_id="city", name="QLVB Thành ủy", organs=frozenset({PARTY}), scopes=everything),
            WARD_KEY: Principal(key_id="ward", name="QLVB phường", organs=frozenset({WARD}), scopes=everything),
            MUTE_KEY: Principal(key_id="mute", name="câm", organs=frozenset({PARTY}), scopes=frozenset()),
        }

    async def authenticate(self, presented: Presented) -> Principal | None:
        self.asked += 1
        return self.principals.get(presented.key or "")


class Heard:
    """Every problem that an operation has answered in a world, for comparison with what it says that it can answer."""

    def __init__(self) -> None:
        self.codes: set[tuple[str, str]] = set()

    async def hear(self, request: web.Request, response: web.StreamResponse) -> None:
        """Signal `on_response_prepare`."""
        resource = request.match_info.route.resource
        method = "GET" if request.method == "HEAD" else request.method
        names = [row.name for row in ROUTES if resource and (row.method, row.path) == (method, resource.canonical)]
        if names and isinstance(response, web.Response) and response.content_type == PROBLEM_TYPE:
            assert isinstance(response.body, bytes)
            self.codes.add((names[0], json.loads(response.body)["code"]))

    def undocumented(self) -> set[tuple[str, str]]:
        """What was answered, and does not stand in the registry."""
        documented = {(row.name, code) for row in ROUTES for code in row.codes}
        return self.codes - documented

    def forget(self) -> None:
        """This test makes things go wrong that cannot."""
        self.codes.clear()


@dataclass
class World:
    url: str
    port: int
    desks: MemoryDesks
    blobs: FolderBlobs
    keys: Keys
    app: web.Application
    runner: OfficeRunner
    heard: "Heard"
    session: aiohttp.ClientSession

    def client(self, key: str = CITY_KEY) -> OfficeClient:
        return OfficeClient(self.url, key)

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = CITY_KEY,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Any:
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        return self.session.request(method, f"{self.url}{PREFIX}{path}", headers=sent, data=data)

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = CITY_KEY,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Any:
        """The same with the whole path, and whatever else the HTTP client can do."""
        sent = {**(headers or {}), **({} if key is None else {"Authorization": f"Bearer {key}"})}
        return self.session.request(method, f"{self.url}{path}", headers=sent, **more)

    def post(self, body: Any, *, key: str | None = CITY_KEY, headers: Mapping[str, str] | None = None) -> Any:
        known = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Idempotency-Key": secrets.token_hex(8),
        }
        return self.ask("POST", "/documents", key=key, headers={**known, **(headers or {})}, data=body)


@asynccontextmanager
async def running(
    folder: Path,
    *,
    rate_limiter: RateLimiter | None = None,
    intake: Intake = ALWAYS,
    ssl_context: ssl.SSLContext | None = None,
    **limits: Any,
) -> AsyncIterator[World]:
    blobs = FolderBlobs(folder / "blobs")
    desks, keys = MemoryDesks(blobs=blobs), Keys()
    desks.register(PARTY, "Văn phòng Thành ủy")
    app = build_app(
        ApiParts(
            submission=desks,
            queries=desks,
            statuses=desks,
            releases=desks,
            recalls=desks,
            amendments=desks,
            events=desks,
            authenticator=keys,
            rate_limiter=rate_limiter or wide_open(),
            intake=intake,
            blobs=blobs,
            entropy=secrets.token_bytes,
            uploads=open_uploads(folder, clock=ManualClock()),
            limits=ApiLimits(**limits),
        )
    )
    heard = Heard()
    app.on_response_prepare.append(heard.hear)
    runner = OfficeRunner(app, shutdown_seconds=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    port = int(runner.addresses[0][1])
    try:
        async with aiohttp.ClientSession() as session:
            yield World(
                url=f"http://127.0.0.1:{port}",
                port=port,
                desks=desks,
                blobs=blobs,
                keys=keys,
                app=app,
                runner=runner,
                heard=heard,
                session=session,
            )
    finally:
        await runner.cleanup()
    assert heard.undocumented() == set(), "answered, and not in the operation's list of codes"


def metadata(**more: Any) -> dict[str, Any]:
    return {
        "sender": PARTY,
        "recipients": [WARD, OTHER],
        "code": {"number": "12", "notation": "CV/VPTU"},
        "promulgation_place": "Thành phố Hồ Chí Minh",
        "promulgation_date": "2026-11-21",
        "subject": "Về việc chuẩn bị hội nghị",
        **more,
    }


def part(disposition: str, content: bytes, *more: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: form-data; {disposition}", *more])
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def meta_part(members: Any = None) -> bytes:
    content = members if isinstance(members, bytes) else json.dumps(metadata() if members is None else members).encode()
    return part('name="metadata"', content, "Content-Type: application/json")


def file_part(name: str = "cong-van.pdf", content: bytes = PDF, content_type: str = "application/pdf") -> bytes:
    return part(f'name="file"; filename="{name}"', content, f"Content-Type: {content_type}")


def codes(problem: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in problem["errors"]]


async def problem_of(answer: aiohttp.ClientResponse, status: int, code: str) -> dict[str, Any]:
    """Every error has this form, whatever it is about."""
    assert answer.headers["Content-Type"] == "application/problem+json", (answer.status, await answer.text())
    members: dict[str, Any] = await answer.json(content_type=None)
    assert (answer.status, members["status"], members["code"]) == (status, status, code), members
    assert members.keys() == {
        "type", "title", "status", "detail", "instance", "code", "turn", "todo", "messages", "errors", "trace_id", "retryable",
        "retry_after",
    }  # fmt: skip
    assert members["type"] == f"/problems/{code}"
    assert members["detail"] == members["messages"]["vi"]["what"]
    assert members["todo"] == members["messages"]["vi"]["todo"]
    assert all(members["messages"][language][name] for language in ("vi", "en") for name in ("what", "todo"))
    assert all(error.keys() == {"pointer", "code", "message_vi", "message_en"} for error in members["errors"])
    return members
