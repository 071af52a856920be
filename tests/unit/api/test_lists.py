"""Every list has one form and one way to go on; the change feed waits, and lets go."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.api.models import Page
from gateway.api.operation import Operation
from gateway.api.routes import ROUTES
from gateway.core.errors import SenderError
from gateway.core.principal import Principal
from gateway.exchange import FeedPage
from tests.kit.blobs import stored
from tests.unit.api.examples import HELD, furnish, replay
from tests.unit.api.test_trouble import OWNED, at
from tests.unit.api.world import (
    CITY_KEY,
    OTHER,
    PARTY,
    PDF,
    WARD,
    WARD_KEY,
    World,
    codes,
    file_part,
    form,
    meta_part,
    metadata,
    problem_of,
)

LISTS = [row for row in ROUTES if row.answer and issubclass(row.answer, Page)]


async def get(world: World, path: str, key: str = CITY_KEY) -> Any:
    async with world.call("GET", path, key=key) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


@pytest.mark.parametrize("row", LISTS, ids=lambda row: row.name)
async def test_every_list_has_one_form(world: World, row: Operation) -> None:
    await furnish(world)
    await replay(world, "submitDocument")
    page = await get(world, at(row, OWNED | ({"documents": HELD} if row.name == "listNotices" else {})))
    assert page.keys() == {"items", "more", "next"}
    assert page["items"]
    names = {one.name for one in row.query}
    assert not ({"cursor", "after"} <= names)
    if "after" in names:
        assert page["next"].lstrip("-").isdigit()
    elif not page["more"]:
        assert page["next"] is None


async def hand_in(world: World, number: int) -> str:
    given = metadata(code={"number": str(number), "notation": "CV/VPTU"}, recipients=[WARD, OTHER, PARTY])
    async with world.post(form(meta_part(given), file_part())) as answer:
        assert answer.status == 202
        return str((await answer.json())["key"])


async def test_documents_newest_first_while_new_ones_come(world: World) -> None:
    keys = [await hand_in(world, number) for number in range(1, 6)]
    first = await get(world, "/api/v1/documents?limit=2")
    keys_later = await hand_in(world, 6)
    second = await get(world, f"/api/v1/documents?limit=2&cursor={first['next']}")
    third = await get(world, f"/api/v1/documents?limit=2&cursor={second['next']}")
    seen = [row["key"] for page in (first, second, third) for row in page["items"]]
    assert seen == keys[::-1]
    assert [page["more"] for page in (first, second, third)] == [True, True, False]
    assert third["next"] is None
    assert first["items"][0] == await get(world, f"/api/v1/documents/{keys[-1]}")
    async with world.client() as client:
        assert (await client.documents(limit=1))["items"][0]["key"] == keys_later
        assert (await client.documents(state="held"))["items"] == []
        assert len((await client.documents(state="accepted"))["items"]) == 6


async def test_what_is_listed_is_what_is_shown_of_each_and_was_answered_when_it_was_created(world: World) -> None:
    async with world.post(form(meta_part(), file_part())) as answer:
        made = await answer.json()
    (listed,) = (await get(world, "/api/v1/documents"))["items"]
    assert listed == await get(world, f"/api/v1/documents/{made['key']}")
    del listed["deliveries"], listed["attachments"], made["attachments"]
    assert listed == made


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("state=asleep", "/query/state", "field.value"),
        ("state=", "/query/state", "field.value"),
        ("cursor=x", "/query/cursor", "field.value"),
        ("cursor=", "/query/cursor", "field.value"),
    ],
)
async def test_a_wrong_filter_or_cursor(world: World, query: str, pointer: str, code: str) -> None:
    async with world.ask("GET", f"/documents?{query}") as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [(pointer, code)]


async def test_deliveries_page_by_page(world: World) -> None:
    key = await hand_in(world, 1)
    first = await get(world, f"/api/v1/documents/{key}/deliveries?limit=2")
    second = await get(world, f"/api/v1/documents/{key}/deliveries?limit=2&cursor={first['next']}")
    assert [row["recipient"] for row in first["items"] + second["items"]] == [WARD, OTHER, PARTY]
    assert (first["more"], second["more"], second["next"]) == (True, False, None)
    another = key.replace("-8000-", "-8001-")
    async with world.ask("GET", f"/documents/{key}/deliveries?cursor={another}") as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/query/cursor", "field.value")]


def happen(world: World, key: str, detail: str) -> None:
    story = world.desks.stories[key]
    story.append(replace(story[0], detail=detail))


@pytest.mark.parametrize("place", ["documents", "inbox"])
async def test_a_story_page_by_page_while_it_goes_on(world: World, place: str) -> None:
    key = await hand_in(world, 1)
    if place == "inbox":
        key = (await world.desks.deliver(PARTY, ("a.pdf", "", PDF), sender=WARD)).key
    for number in range(4):
        happen(world, key, f"{number}")
    path = f"/api/v1/{place}/{key}/history"
    first = await get(world, f"{path}?limit=2")
    happen(world, key, "late")
    second = await get(world, f"{path}?limit=2&cursor={first['next']}")
    third = await get(world, f"{path}?limit=2&cursor={second['next']}")
    told = [event["detail"] for page in (first, second, third) for event in page["items"]]
    assert told[1:] == ["0", "1", "2", "3", "late"]
    assert [page["more"] for page in (first, second, third)] == [True, True, False]
    assert third["next"] is None
    for wrong, code in (("cursor=x", "field.type"), ("limit=201", "field.range"), ("after=1", "field.unknown")):
        async with world.call("GET", f"{path}?{wrong}", headers={}) as answer:
            found = codes(await problem_of(answer, 422, "request.field"))
        assert found == [(f"/query/{wrong.partition('=')[0]}", code)]


@pytest.mark.parametrize("place", ["documents", "inbox"])
async def test_a_client_reads_a_whole_story(world: World, place: str) -> None:
    key = await hand_in(world, 1)
    if place == "inbox":
        key = (await world.desks.deliver(PARTY, ("a.pdf", "", PDF), sender=WARD)).key
    for number in range(450):
        happen(world, key, f"{number}")
    async with world.client() as client:
        story = await (client.history if place == "documents" else client.entry_history)(key)
    assert [event["detail"] for event in story][1:] == [f"{number}" for number in range(450)]


async def test_a_client_reads_all_deliveries(world: World) -> None:
    given = metadata(recipients=[f"Z79.{number}" for number in range(450)])
    async with world.client() as client:
        key = (await client.send_contents(given, [("a.pdf", PDF)], "k"))["key"]
        assert [row["recipient"] for row in await client.deliveries(key)] == given["recipients"]


async def test_organisations_by_code_and_by_name(world: World) -> None:
    for number in range(5):
        world.desks.register(f"Z79.07.{number}", f"Đảng ủy phường Số {number}")  # type: ignore[arg-type]
    async with world.client() as client:
        found = await client.organizations("dang uy PHUONG", limit=2)
        assert [row["organ_id"] for row in found["items"]] == ["Z79.07.0", "Z79.07.1"]
        found = await client.organizations("dang uy PHUONG", limit=2, cursor=found["next"])
        found = await client.organizations("dang uy PHUONG", limit=2, cursor=found["next"])
        assert ([row["organ_id"] for row in found["items"]], found["next"]) == (["Z79.07.4"], None)
        exact = await client.organizations("z79.07", limit=5)
        assert (len(exact["items"]), exact["more"]) == (5, False)
        assert (await client.organizations("không có"))["items"] == []
    async with world.ask("GET", "/organizations?text=" + "x" * 101) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/query/text", "field.too_long")]


async def test_a_page_of_organisations_may_be_as_long_as_any(world: World) -> None:
    """The desk gives no more than that, however many are asked for: the page still knows that there are more."""
    for number in range(250):
        world.desks.register(f"Z79.{number:03}", "x")  # type: ignore[arg-type]
    page = await get(world, "/api/v1/organizations?limit=200&text=x")
    assert (len(page["items"]), page["more"]) == (200, True)
    rest = await get(world, f"/api/v1/organizations?limit=200&text=x&cursor={page['next']}")
    assert (len(rest["items"]), rest["more"], rest["next"]) == (50, False, None)


async def test_a_registry_that_changes_between_two_pages(world: World) -> None:
    """A new edition of the registry in between: nobody is told twice, and nobody who was there is left out."""
    for number in (1, 3, 5, 7):
        world.desks.register(f"Z79.07.{number}", "Phường")  # type: ignore[arg-type]
    async with world.client() as client:
        first = await client.organizations("phuong", limit=2)
        for number in (2, 6):
            world.desks.register(f"Z79.07.{number}", "Phường")  # type: ignore[arg-type]
        second = await client.organizations("phuong", limit=9, cursor=first["next"])
    told = [row["organ_id"] for row in first["items"] + second["items"]]
    assert told == [f"Z79.07.{number}" for number in (1, 3, 5, 6, 7)]


@pytest.mark.parametrize("row", LISTS, ids=lambda row: row.name)
async def test_every_list_has_its_bounds_and_refuses_what_it_does_not_know(world: World, row: Operation) -> None:
    await furnish(world)
    await replay(world, "submitDocument")
    path = at(row, OWNED)
    go_on = "after" if "after" in {one.name for one in row.query} else "cursor"
    other = {"after": "cursor", "cursor": "after"}[go_on]
    for query, pointer, code in (
        ("limit=0", "limit", "field.range"),
        ("limit=201", "limit", "field.range"),
        ("limit=1&limit=1", "limit", "field.duplicate"),
        ("Limit=1", "Limit", "field.unknown"),
        (f"{other}=1", other, "field.unknown"),
        (f"{go_on}=%00", go_on, None),
        (f"{go_on}=" + "9" * 30, go_on, None),
    ):
        for method in ("GET", "HEAD"):
            async with world.call(method, f"{path}?{query}") as answer:
                assert answer.status == 422, (method, query)
                if method == "GET":
                    ((found, said),) = codes(await problem_of(answer, 422, "request.field"))
                    assert found == f"/query/{pointer}"
                    assert code in (None, said)
    for limit in (1, 200):
        assert len((await get(world, f"{path}?limit={limit}"))["items"]) <= limit


# --- a finished envelope


async def test_a_finished_envelope_is_handed_over_as_it_is(world: World) -> None:
    envelope = b"<edXML>" + bytes(range(256)) * 1_000
    ref = await stored(world.blobs, envelope)
    key = await hand_in(world, 1)
    inside = world.desks.kept[key].metadata  # type: ignore[index]
    assert inside is not None
    del world.desks.kept[key]  # type: ignore[arg-type]
    world.desks.envelopes[ref.digest] = inside
    async with world.client() as client:
        made = await client.send_envelope(envelope, "k")
        again = await client.send_envelope(envelope, "k")
    assert made == again
    (document,) = world.desks.kept.values()
    assert document.envelope == ref
    assert world.blobs.path(ref).read_bytes() == envelope


async def test_an_empty_envelope(world: World) -> None:
    async with world.post(b"", headers={"Content-Type": "application/xml; charset=utf-8"}) as answer:
        await problem_of(answer, 422, "file.empty")


# --- the change feed


async def test_events_in_order_and_again(world: World) -> None:
    await world.desks.deliver(WARD, ("a.pdf", "", PDF), sender=PARTY)
    key = await hand_in(world, 1)
    entry = await world.desks.deliver(PARTY, ("a.pdf", "", PDF), sender=WARD)
    first = await get(world, "/api/v1/events?limit=1")
    assert [(event["event"], event["subject"]) for event in first["items"]] == [("accepted", key)]
    assert first["more"]
    second = await get(world, f"/api/v1/events?after={first['next']}")
    assert [(event["event"], event["subject"]) for event in second["items"]] == [("received", entry.key)]
    third = await get(world, f"/api/v1/events?after={second['next']}")
    assert third == {"items": [], "more": False, "next": second["next"]}
    assert (await get(world, "/api/v1/events"))["items"] == first["items"] + second["items"]
    assert (await get(world, "/api/v1/events?after=-1", WARD_KEY))["items"][0]["organ_id"] == WARD


@pytest.mark.parametrize("wait", [0, 30])
async def test_a_position_beyond_the_log_is_refused_at_once(world: World, wait: int) -> None:
    """The database was restored from an older backup: led back in silence, the reader would miss what was written since."""
    async with world.ask("GET", f"/events?after=9999999&wait={wait}") as answer:
        members = await problem_of(answer, 422, "request.field")
    assert codes(members) == [("/query/after", "field.beyond")]
    assert f"(mới nhất: {len(world.desks.feed) - 1})" in members["errors"][0]["message_vi"]


@pytest.mark.parametrize(
    ("query", "code"), [("after=-2", "field.range"), ("wait=31", "field.range"), ("wait=-1", "field.type")]
)
async def test_a_wrong_question_for_events(world: World, query: str, code: str) -> None:
    async with world.ask("GET", f"/events?{query}") as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [(f"/query/{query.partition('=')[0]}", code)]


class Waiting:
    """An event desk that waits until it is closed, and says when it began and when it was let go."""

    def __init__(self) -> None:
        self.begun, self.closed, self.let_go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def events(self, principal: Principal, *, after: int, limit: int, wait: float) -> FeedPage:
        self.begun.set()
        try:
            await self.closed.wait()
        finally:
            self.let_go.set()
        return FeedPage(events=(), next_after=after, more=False)


@pytest.fixture
def waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    desk = Waiting()
    monkeypatch.setattr(world.desks, "events", desk.events)
    monkeypatch.setattr(world.desks, "close", desk.closed.set)
    return desk


async def test_a_long_poll_hears_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, desk = asyncio.Event(), world.desks.events

    async def events(principal: Principal, *, after: int, limit: int, wait: float) -> FeedPage:
        begun.set()
        return await desk(principal, after=after, limit=limit, wait=wait)

    monkeypatch.setattr(world.desks, "events", events)
    poll = asyncio.create_task(get(world, "/api/v1/events?wait=30"))
    async with asyncio.timeout(5):
        await begun.wait()
    assert not poll.done()
    entry = await world.desks.deliver(PARTY, ("a.pdf", "", PDF), sender=WARD)
    async with asyncio.timeout(5):
        assert [event["subject"] for event in (await poll)["items"]] == [entry.key]


async def test_a_long_poll_does_not_hold_up_the_end(world: World, waiting: Waiting) -> None:
    """The gateway stops: the poll is answered with an empty page from which one may go on."""
    poll = asyncio.create_task(get(world, "/api/v1/events?after=7&wait=30"))
    await waiting.begun.wait()
    async with asyncio.timeout(5):
        await world.app.shutdown()
        assert await poll == {"items": [], "more": False, "next": "7"}
        await waiting.let_go.wait()


async def test_nobody_waits_for_a_caller_who_has_gone(world: World, waiting: Waiting) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    head = f"GET /api/v1/events?wait=30 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {CITY_KEY}\r\n\r\n"
    writer.write(head.encode())
    await waiting.begun.wait()
    writer.close()
    async with asyncio.timeout(5):
        await waiting.let_go.wait()
    assert await reader.read() == b""


async def test_where_too_many_wait_one_is_told_when_to_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty page at once would make a loop out of every client that does what the manual says."""

    async def crowded(*given: object, **named: object) -> FeedPage:
        raise SenderError("rate.limit", seconds=7)

    monkeypatch.setattr(world.desks, "events", crowded)
    async with world.ask("GET", "/events?wait=30") as answer:
        members = await problem_of(answer, 429, "rate.limit")
        assert (members["retryable"], members["retry_after"], answer.headers["Retry-After"]) == (True, 7, "7")
        assert answer.headers["RateLimit"].startswith('"key";r=')


async def test_a_client_that_waits(world: World, waiting: Waiting) -> None:
    async with world.client() as client:
        poll = asyncio.create_task(client.events(7, wait=30))
        await waiting.begun.wait()
        await world.app.shutdown()
        assert (await poll)["next"] == "7"
