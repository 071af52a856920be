"""ETags, conditional requests and HEAD, at every operation that has them: the list is the registry's."""

from dataclasses import replace
from typing import Any

import pytest
from multidict import CIMultiDictProxy

from gateway.api.operation import Operation
from gateway.api.routes import ROUTES
from gateway.core.ids import EntryKey
from tests.unit.api.examples import ASKED, ENTRY, HELD, furnish, replay
from tests.unit.api.test_trouble import OWNED, at
from tests.unit.api.world import WARD_KEY, World, problem_of

LOOKING = [row for row in ROUTES if row.tagged]
ACTING = [row for row in ROUTES if row.conditional]
Headers = CIMultiDictProxy[str]
CHANGING = {"x-request-id", "date", "ratelimit"}


@pytest.fixture
async def furnished(world: World) -> World:
    await furnish(world)
    await replay(world, "submitDocument")
    return world


async def seen(world: World, method: str, path: str, **headers: str) -> tuple[int, Headers, bytes]:
    async with world.call(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as answer:
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("row", LOOKING, ids=lambda row: row.name)
async def test_looking(furnished: World, row: Operation) -> None:
    path = at(row, OWNED)
    status, headers, body = await seen(furnished, "GET", path)
    assert status == 200
    tag = headers["ETag"]
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert (await seen(furnished, "GET", path))[1]["ETag"] == tag
    for header in (tag, f"W/{tag}", f'"a", {tag}', "*"):
        unchanged = await seen(furnished, "GET", path, If_None_Match=header)
        assert (unchanged[0], unchanged[1]["ETag"], unchanged[2]) == (304, tag, b"")
    for header in ('"another"', "nonsense", tag.strip('"'), f"{tag} {tag}"):
        whole = await seen(furnished, "GET", path, If_None_Match=header)
        assert (whole[0], whole[2]) == (200, body)
    only_head = await seen(furnished, "HEAD", path)
    assert (only_head[0], only_head[2]) == (200, b"")
    assert same(only_head[1]) == same(headers)
    assert (await seen(furnished, "HEAD", path, If_None_Match=tag))[0] == 304


def same(headers: Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in CHANGING}


async def test_a_tag_changes_with_what_it_is_of(furnished: World) -> None:
    before = (await seen(furnished, "GET", f"/api/v1/inbox/{ENTRY}"))[1]["ETag"]
    async with furnished.ask("POST", f"/inbox/{ENTRY}:accept") as answer:
        assert answer.status == 200
    after = await seen(furnished, "GET", f"/api/v1/inbox/{ENTRY}", If_None_Match=before)
    assert (after[0], after[1]["ETag"] != before) == (200, True)


async def test_the_head_of_what_is_not_there(world: World) -> None:
    status, headers, body = await seen(world, "HEAD", f"/api/v1/inbox/{ENTRY}")
    assert (status, body, headers["Content-Type"]) == (404, b"", "application/problem+json")


def acting(row: Operation) -> tuple[str, str, dict[str, Any]]:
    """(what to do, what to look at before, and with which body)."""
    thing = {"releaseDocument": f"/documents/{HELD}"}.get(row.name, f"/inbox/{ENTRY}")
    body = {"json": ASKED[row.name]["body"]} if row.takes else {}
    return f"{thing}:{row.path.rpartition(':')[2]}", thing, body


@pytest.mark.parametrize("row", ACTING, ids=lambda row: row.name)
async def test_acting_on_what_has_been_seen(furnished: World, row: Operation) -> None:
    action, thing, body = acting(row)
    tag = (await seen(furnished, "GET", f"/api/v1{thing}"))[1]["ETag"]
    for header in ('"another"', f"W/{tag}", "nonsense", ""):
        async with furnished.call("POST", f"/api/v1{action}", headers={"If-Match": header}, **body) as answer:
            members = await problem_of(answer, 412, "precondition.failed")
            assert members["turn"] == "caller"
    async with furnished.call("POST", f"/api/v1{action}", headers={"If-Match": f'"a", {tag}'}, **body) as answer:
        assert answer.status == row.status
    async with furnished.call("POST", f"/api/v1{action}", headers={"If-Match": tag}, **body) as answer:
        await problem_of(answer, 412, "precondition.failed")


async def test_who_reads_the_document_before_deciding_may_decide(furnished: World) -> None:
    """Fetching a file is noted at the entry: `opened_at`."""
    tag = (await seen(furnished, "GET", f"/api/v1/inbox/{ENTRY}"))[1]["ETag"]
    entry = furnished.desks.entries[EntryKey(ENTRY)]
    furnished.desks.entries[EntryKey(ENTRY)] = replace(entry, opened_at=entry.received_at)
    assert (await seen(furnished, "GET", f"/api/v1/inbox/{ENTRY}"))[1]["ETag"] != tag
    async with furnished.ask("POST", f"/inbox/{ENTRY}:accept", headers={"If-Match": tag}) as answer:
        assert answer.status == 200
    async with furnished.ask("POST", f"/inbox/{ENTRY}:accept", headers={"If-Match": tag}) as answer:
        await problem_of(answer, 412, "precondition.failed")


@pytest.mark.parametrize("row", ACTING, ids=lambda row: row.name)
async def test_acting_on_whatever_there_is(furnished: World, row: Operation) -> None:
    action, _, body = acting(row)
    headers = {"If-Match": "*", "Idempotency-Key": "tolerated"}
    async with furnished.call("POST", f"/api/v1{action}", headers=headers, **body) as answer:
        assert answer.status == row.status


async def test_nobody_learns_by_a_precondition_what_is_not_his(furnished: World) -> None:
    tag = (await seen(furnished, "GET", f"/api/v1/inbox/{ENTRY}"))[1]["ETag"]
    for header in ("*", tag, '"another"'):
        sent = {"If-Match": header}
        async with furnished.call("POST", f"/api/v1/inbox/{ENTRY}:accept", key=WARD_KEY, headers=sent) as answer:
            await problem_of(answer, 404, "not_found")
