import base64
import hashlib
from pathlib import Path

import aiohttp
import pytest

from gateway.api import ApiProblem
from gateway.core.errors import RoadError
from gateway.core.model import InboxEntry
from tests.unit.api.world import CITY_KEY, OTHER, PARTY, PDF, WARD, WARD_KEY, World, codes, problem_of

LARGE = bytes(range(256)) * 4_096


@pytest.fixture
async def entry(world: World) -> InboxEntry:
    return await world.desks.deliver(
        WARD, ("công văn số 12.pdf", "application/pdf", PDF), ("bảng.bin", "x/y; z", LARGE), sender=PARTY
    )


async def test_an_entry_in_words(world: World, entry: InboxEntry) -> None:
    async with world.client(WARD_KEY) as client:
        seen = await client.entry(entry.key)
        events = await client.entry_history(entry.key)
    assert (
        seen.items()
        >= {
            "recipient": WARD,
            "sender": PARTY,
            "business_status": "01",
            "business_status_label_vi": "Đã đến",
            "received_at": "2026-11-21T06:05:09.123Z",
        }.items()
    )
    assert seen["message"]["code"] == {"number": "1", "notation": "CV/VPTU", "text": "1-CV/VPTU"}
    assert (seen["message"]["priority"], seen["message"]["priority_label_vi"]) == ("urgent", "Khẩn")
    assert [(file["position"], file["indication"], file["indication_label_vi"]) for file in seen["attachments"]] == [
        (1, "TOTAL-PASSED", "Chữ ký hợp lệ"),
        (2, None, "Không có chữ ký số"),
    ]
    assert [event["event"] for event in events] == ["received"]


async def test_the_inbox_is_paged_by_cursor(world: World) -> None:
    arrived = [(await world.desks.deliver(WARD, ("a.pdf", "", PDF), sender=PARTY)).key for _ in range(5)]
    await world.desks.deliver(OTHER, ("a.pdf", "", PDF), sender=PARTY)
    seen, after = [], 0
    async with world.client(WARD_KEY) as client:
        while True:
            page = await client.inbox(after, limit=2)
            seen += [row["key"] for row in page["entries"]]
            after = page["next_after"]
            if not page["more"]:
                break
        assert seen == arrived
        assert await client.inbox(after) == {"entries": [], "next_after": after, "more": False}
        await world.desks.deliver(WARD, ("a.pdf", "", PDF), sender=PARTY)
        assert len((await client.inbox(after))["entries"]) == 1


async def test_a_cursor_that_was_never_given_is_refused(world: World) -> None:
    """The database was restored from an older backup: who waits behind it would miss all that arrives up to there."""
    entry = await world.desks.deliver(OTHER, ("a.pdf", "", PDF), sender=PARTY)
    async with world.ask("GET", f"/inbox?after={entry.cursor}", key=WARD_KEY) as answer:
        assert (await answer.json())["items"] == []
    async with world.ask("GET", f"/inbox?after={entry.cursor + 1}", key=WARD_KEY) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/query/after", "field.beyond")]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("after=x", "/query/after", "field.type"),
        ("after=-1", "/query/after", "field.type"),
        ("after=" + "9" * 19, "/query/after", "field.range"),
        ("after=" + "9" * 5_000, "/query/after", "field.type"),
        ("after=%D9%A3", "/query/after", "field.type"),
        ("limit=0", "/query/limit", "field.range"),
        ("limit=201", "/query/limit", "field.range"),
        ("limit=", "/query/limit", "field.type"),
    ],
)
async def test_a_bad_query_is_refused(world: World, query: str, pointer: str, code: str) -> None:
    async with world.ask("GET", f"/inbox?{query}") as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [(pointer, code)]


@pytest.mark.parametrize("path", ["/inbox?later=1", "/me?later=1", "/organizations/Z79?later=1&later=2"])
async def test_unknown_query_parameters_are_refused_by_name(world: World, path: str) -> None:
    async with world.ask("GET", path) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/query/later", "field.unknown")]


async def test_a_query_parameter_stands_once(world: World) -> None:
    async with world.ask("GET", "/inbox?limit=1&limit=2&a~/b=1") as answer:
        found = codes(await problem_of(answer, 422, "request.field"))
    assert found == [("/query/limit", "field.duplicate"), ("/query/a~0~1b", "field.unknown")]


async def test_files_come_with_their_digest_and_harmless_headers(world: World, entry: InboxEntry) -> None:
    async with world.ask("GET", f"/inbox/{entry.key}/attachments/1", key=WARD_KEY) as answer:
        assert await answer.read() == PDF
        digest = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
        assert answer.headers["Content-Digest"] == f"sha-256=:{digest}:"
        assert answer.headers["Content-Length"] == str(len(PDF))
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"cong van so 12.pdf\"; filename*=UTF-8''c%C3%B4ng%20v%C4%83n%20s%E1%BB%91%2012.pdf"
        )
    async with world.ask("GET", f"/inbox/{entry.key}/attachments/2", key=WARD_KEY) as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert await answer.read() == LARGE
    async with world.ask("GET", f"/inbox/{entry.key}/content", key=WARD_KEY) as answer:
        assert (answer.headers["Content-Type"], await answer.read()) == ("application/xml", b"<edXML>1</edXML>")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", 'a"; x="b', "a\r\nSet-Cookie: x=y", "\u202egpj.exe", "  ", "\ud800", "..", "đ" * 255]
)
async def test_no_name_of_a_stranger_breaks_a_header(world: World, name: str) -> None:
    """Such names do not pass our own door, but another gateway's door is not ours."""
    entry = await world.desks.deliver(WARD, (name, "text/html\r\nX-Evil: 1", PDF), sender=PARTY)
    async with world.ask("GET", f"/inbox/{entry.key}/attachments/1", key=WARD_KEY) as answer:
        assert answer.status == 200
        shown = answer.headers["Content-Disposition"]
        assert await answer.read() == PDF
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert not {"Set-Cookie", "X-Evil"} & answer.headers.keys()
    assert shown.isascii()
    assert shown.count('"') == 2
    assert "/" not in shown
    assert "\\" not in shown
    assert "%2F" not in shown
    assert "%E2%80%AE" not in shown


@pytest.mark.parametrize("damage", ["missing", "longer", "shorter"])
async def test_a_damaged_file_is_a_problem_of_ours(world: World, entry: InboxEntry, damage: str) -> None:
    path = world.blobs.path(entry.attachments[0].blob)
    path.unlink()
    if damage != "missing":
        path.write_bytes(PDF + b"x" if damage == "longer" else PDF[:-1])
    async with world.ask("GET", f"/inbox/{entry.key}/attachments/1", key=WARD_KEY) as answer:
        members = await problem_of(answer, 500, "blob.damaged")
    assert entry.attachments[0].blob.digest not in str(members)


async def test_a_changed_file_never_arrives_whole(world: World, entry: InboxEntry, tmp_path: Path) -> None:
    path = world.blobs.path(entry.attachments[1].blob)
    path.write_bytes(LARGE[:-1] + b"!")
    async with world.ask("GET", f"/inbox/{entry.key}/attachments/2", key=WARD_KEY) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    async with world.client(WARD_KEY) as client:
        with pytest.raises(RoadError):
            await client.attachment(entry.key, 2, tmp_path / "out.bin")
    assert not list(tmp_path.glob("out*"))


async def test_saving_files(world: World, entry: InboxEntry, tmp_path: Path) -> None:
    async with world.client(WARD_KEY) as client:
        assert await client.attachment(entry.key, 2, tmp_path / "out.bin") == len(LARGE)
        assert await client.content(entry.key, tmp_path / "out.edxml") == len(b"<edXML>1</edXML>")
        with pytest.raises(ApiProblem) as missing:
            await client.attachment(entry.key, 3, tmp_path / "none")
    assert missing.value.code == "not_found"
    assert (tmp_path / "out.bin").read_bytes() == LARGE
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["out.bin", "out.edxml"]


async def test_what_is_not_yours_and_what_is_not_there_are_one_answer(world: World, entry: InboxEntry) -> None:
    unknown = entry.key[:-1] + ("0" if entry.key[-1] != "0" else "1")
    for method, path in (
        ("GET", ""),
        ("GET", "/history"),
        ("GET", "/content"),
        ("GET", "/attachments/1"),
        ("POST", ":accept"),
        ("POST", ":refuse"),
    ):
        data = b'{"reason": "x"}' if path == ":refuse" else None
        seen = []
        for key in (entry.key, unknown, "no-key-at-all"):
            headers = {"Content-Type": "application/json"} if data else {}
            async with world.ask(method, f"/inbox/{key}{path}", key=CITY_KEY, headers=headers, data=data) as answer:
                members = await problem_of(answer, 404, "not_found")
                del members["instance"], members["trace_id"]
                seen.append((members, sorted(answer.headers)))
        assert seen[0] == seen[1] == seen[2]


async def test_accepting(world: World, entry: InboxEntry) -> None:
    async with world.client(WARD_KEY) as client:
        first = await client.accept(entry.key)
        again = await client.accept(entry.key)
        assert first == again
        assert (first["business_status"], first["business_status_label_vi"]) == ("03", "Đã tiếp nhận")
        with pytest.raises(ApiProblem) as refusal:
            await client.refuse(entry.key, "nhầm nơi nhận")
    assert (refusal.value.status, refusal.value.code) == (409, "conflict.state")
    assert "Đã tiếp nhận" in refusal.value.members["detail"]


async def test_refusing_needs_a_reason(world: World, entry: InboxEntry) -> None:
    async with world.client(WARD_KEY) as client:
        for blank in ("", "  \n "):
            with pytest.raises(ApiProblem) as refusal:
                await client.refuse(entry.key, blank)
            assert refusal.value.code == "reason.missing"
        refused = await client.refuse(entry.key, "Gửi nhầm nơi nhận.\r\nĐề nghị kiểm tra lại.")
    assert refused["business_status"] == "02"
    assert refused["business_description"] == "Gửi nhầm nơi nhận.\nĐề nghị kiểm tra lại."


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("text/plain", b'{"reason": "x"}', 415, "request.media_type"),
        ("application/json", b"", 400, "request.malformed"),
        ("application/json", b"reason", 400, "request.malformed"),
        ("application/json", b'{"reason": "x", "reason": "y"}', 400, "request.malformed"),
        ("application/json", b'{"reason": 5}', 422, "request.field"),
        ("application/json", b'{"reason": "x", "more": 1}', 422, "request.field"),
        ("application/json", b'{"reason": "a\\u0000b"}', 422, "request.field"),
        ("application/json", b'{"reason": "' + b"x" * 501 + b'"}', 422, "request.field"),
        ("application/json", b" " * 20_000, 413, "size.limit"),
    ],
)
async def test_a_bad_refusal(
    world: World, entry: InboxEntry, content_type: str, body: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": content_type}
    async with world.ask("POST", f"/inbox/{entry.key}:refuse", key=WARD_KEY, headers=headers, data=body) as answer:
        await problem_of(answer, status, code)


async def test_accepting_has_no_body(world: World, entry: InboxEntry) -> None:
    async with world.ask("POST", f"/inbox/{entry.key}:accept", key=WARD_KEY, data=b'{"a": 1}') as answer:
        await problem_of(answer, 400, "request.malformed")
    async with world.ask("POST", f"/inbox/{entry.key}:accept", key=WARD_KEY, data=b"{}") as answer:
        assert answer.status == 200


async def test_organizations(world: World) -> None:
    world.desks.register(WARD, "Phường Sài Gòn")
    async with world.client() as client:
        found = await client.organization(WARD)
        assert (found["name"], found["status"], found["status_label_vi"]) == (
            "Phường Sài Gòn",
            "active",
            "Đang hoạt động",
        )
        for unknown in (OTHER, "not a code", "Z79/../x", "Z" * 40):
            with pytest.raises(ApiProblem) as missing:
                await client.organization(unknown)
            assert missing.value.code == "not_found"
