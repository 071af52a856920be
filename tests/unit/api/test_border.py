import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from gateway.core.errors import PeerError, SiteError
from tests.kit.logs import caught_logs, logged_events
from tests.unit.api.world import CITY_KEY, PARTY, WARD, World, file_part, form, meta_part, metadata, problem_of

CANARY = "chim-hoang-yen-7f3a"
KEY_CANARY = "gwk_city_" + "Q" * 43


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    with caught_logs() as stream:
        yield stream


class Broken:
    """Desks whose every verb fails in one way."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*given: object, **named: object) -> None:
            raise self._error

        return fail


def break_queries(world: World, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    for verb in ("inbox", "entry"):
        monkeypatch.setattr(world.desks, verb, getattr(Broken(error), verb))


async def test_an_unknown_exception_is_internal_and_tells_nothing(
    world: World, logs: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_queries(world, monkeypatch, RuntimeError(f"SELECT {CANARY}"))
    async with world.ask("GET", "/inbox") as answer:
        members = await problem_of(answer, 500, "internal")
    assert CANARY not in json.dumps(members)
    assert "RuntimeError" not in json.dumps(members)
    failed = next(line for line in logged_events(logs) if line["event"] == "request.failed")
    assert failed["trace_id"] == members["trace_id"]
    assert failed["exception"][0]["type"] == "RuntimeError"
    assert any("inbox.py" in place for place in failed["exception"][0]["at"])
    assert CANARY not in logs.getvalue()


async def test_a_fault_of_the_site_keeps_its_details_inside(
    world: World, logs: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_queries(world, monkeypatch, SiteError("store.damaged", what="/var/lib/gateway/db"))
    async with world.ask("GET", "/inbox") as answer:
        members = await problem_of(answer, 500, "store.damaged")
    assert "/var/lib" not in json.dumps(members)
    assert members["turn"] == "operator"
    assert any(line["event"] == "request.site_error" for line in logged_events(logs))


async def test_overload_says_when_to_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    break_queries(world, monkeypatch, SiteError("store.busy"))
    async with world.ask("GET", "/inbox") as answer:
        members = await problem_of(answer, 503, "store.busy")
        assert int(answer.headers["Retry-After"]) > 0
    assert members["retryable"]


async def test_errors_of_every_family_have_the_form(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    break_queries(world, monkeypatch, PeerError("peer.receipt", step="claims"))
    async with world.ask("GET", "/inbox") as answer:
        await problem_of(answer, 502, "peer.receipt")
    world.heard.forget()
    break_queries(world, monkeypatch, web.HTTPConflict())
    async with world.ask("GET", "/inbox") as answer:
        await problem_of(answer, 400, "request.malformed")


async def test_one_line_for_each_request(world: World, logs: io.StringIO) -> None:
    async with world.ask("GET", "/inbox/x/history", headers={"X-Request-Id": "r-1"}):
        pass
    lines = [line for line in logged_events(logs) if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/api/v1/inbox/{key}/history", 404)
    ]
    assert lines[0]["request_id"] == "r-1"
    assert lines[0]["milliseconds"] >= 0


async def test_no_secret_and_no_content_reaches_the_log(
    world: World, logs: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Canaries through every way in: key, header, path, query, metadata, file name, file, refusal, broken forms."""
    world.keys.principals[KEY_CANARY] = world.keys.principals[CITY_KEY]
    entry = await world.desks.deliver(PARTY, (f"{CANARY}.pdf", "", CANARY.encode()), sender=WARD)
    given = metadata(subject=CANARY, content=CANARY, promulgation_place=CANARY, signer={"full_name": CANARY})
    good = form(meta_part(given), file_part(f"{CANARY}.pdf", CANARY.encode()))
    bad = form(meta_part(given | {CANARY: 1, "sender": CANARY}), file_part())
    for key in (KEY_CANARY, KEY_CANARY[:-1] + "R"):
        for body in (good, bad, good[:-9], form(meta_part(f'{{"{CANARY}'.encode())), CANARY.encode()):
            async with world.post(body, key=key, headers={"X-Canary": CANARY}):
                pass
        for method, path, data in (
            ("GET", f"/inbox/{entry.key}/attachments/1", None),
            ("GET", f"/{CANARY}?{CANARY}={CANARY}", None),
            ("GET", f"/inbox?after={CANARY}", None),
            ("GET", f"/organizations/{CANARY}", None),
            ("POST", f"/inbox/{entry.key}:refuse", json.dumps({"reason": CANARY}).encode()),
            ("POST", f"/inbox/{entry.key}:refuse", json.dumps({"reason": CANARY, CANARY: 1}).encode()),
        ):
            headers = {"Content-Type": "application/json"}
            async with world.ask(method, path, key=key, headers=headers, data=data) as answer:
                await answer.read()
    break_queries(world, monkeypatch, RuntimeError(CANARY))
    async with world.ask("GET", "/inbox", key=KEY_CANARY, headers={"X-Canary": CANARY}) as answer:
        await problem_of(answer, 500, "internal")
    written = logs.getvalue()
    assert len(logged_events(logs)) >= 23
    assert CANARY not in written
    assert "QQQQQQQQ" not in written
