import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.api import ApiProblem
from gateway.api.answers import view_of
from gateway.core.ids import DocumentKey
from gateway.core.model import Attachment, OwnSeal
from gateway.core.owed import TimestampState
from gateway.core.validation import Level
from gateway.exchange import DocumentView
from tests.kit import rows
from tests.kit.desk_rows import NOW
from tests.unit.api.world import (
    OTHER,
    PARTY,
    PDF,
    WARD,
    WARD_KEY,
    World,
    file_part,
    form,
    meta_part,
    metadata,
    problem_of,
)


async def test_a_document_is_handed_in_and_looked_at(world: World, tmp_path: Path) -> None:
    world.desks.register(WARD, "Phường Sài Gòn")
    (tmp_path / "công văn.pdf").write_bytes(PDF)
    (tmp_path / 'phụ "lục".xlsx').write_bytes(b"sheet")
    given = metadata(subject="Về việc “họp”", priority="urgent", signer={"full_name": "Nguyễn Văn A"}, page_amount=2)
    async with world.client() as client:
        made = await client.send(given, [tmp_path / "công văn.pdf", tmp_path / 'phụ "lục".xlsx'], "key-1")
        seen = await client.document(made["key"])
        deliveries = await client.deliveries(made["key"])
        events = await client.history(made["key"])
    timestamps = [file.pop("timestamp") for file in seen["attachments"]]
    assert [one["state"] for one in timestamps] == ["none", "none"]
    assert made == {name: value for name, value in seen.items() if name != "deliveries"}
    assert (made["state"], made["state_label_vi"], made["reason"]) == ("accepted", "Đã nhận vào cổng", None)
    assert made["accepted_at"] == "2026-11-21T06:05:09.123Z"
    assert [(file["name"], file["size"], file["sha256"]) for file in made["attachments"]] == [
        ("công văn.pdf", len(PDF), hashlib.sha256(PDF).hexdigest()),
        ('phụ "lục".xlsx', 5, hashlib.sha256(b"sheet").hexdigest()),
    ]
    assert made["metadata"].items() >= {name: value for name, value in given.items() if name != "signer"}.items()
    assert made["metadata"]["signer"] == {"competence": "", "position": "", "full_name": "Nguyễn Văn A"}
    assert seen["deliveries"] == {"total": 2, "counts": {"queued": 1, "refused": 1}}
    assert [(row["recipient"], row["state"], row["state_label_vi"]) for row in deliveries] == [
        (WARD, "queued", "Chờ gửi"),
        (OTHER, "refused", "Bị từ chối"),
    ]
    assert deliveries[1]["reason"]["code"] == "recipient.unknown"
    assert deliveries[1]["reason"]["turn"] == "sender"
    assert [(event["event"], event["event_label_vi"]) for event in events] == [("accepted", "Nhận vào cổng")]
    assert world.desks.kept[DocumentKey(made["key"])].accepted_at == NOW


async def test_what_is_read_can_be_handed_in_again(world: World) -> None:
    async with world.client() as client:
        made = await client.send_contents(metadata(), [("a.pdf", PDF)], "key-1")
        again = await client.send_contents(made["metadata"], [("a.pdf", PDF)], "key-1")
    assert again["key"] == made["key"]


async def test_the_answer_to_a_submission(world: World) -> None:
    body = form(meta_part(), file_part())
    async with world.post(body, headers={"Idempotency-Key": "k"}) as first:
        made = await first.json()
        assert (first.status, first.headers["Location"]) == (202, f"/api/v1/documents/{made['key']}")
        assert "Idempotent-Replay" not in first.headers
        assert first.headers["Cache-Control"] == "no-store"
        assert first.headers["X-Content-Type-Options"] == "nosniff"
    async with world.post(body, headers={"Idempotency-Key": '"k"'}) as second:
        assert (second.status, second.headers["Idempotent-Replay"]) == (202, "true")
        assert await second.json() == made
    assert len(world.desks.kept) == 1


async def test_the_same_key_with_another_body_is_a_conflict(world: World) -> None:
    async with world.client() as client:
        await client.send_contents(metadata(), [("a.pdf", PDF)], "key-1")
        with pytest.raises(ApiProblem) as refusal:
            await client.send_contents(metadata(subject="khác"), [("a.pdf", PDF)], "key-1")
    assert (refusal.value.status, refusal.value.code) == (422, "conflict.idempotency")
    assert len(world.desks.kept) == 1


@pytest.mark.parametrize("key", ["", " ", "đ", "a b", "x" * 129, '""'])
async def test_an_idempotency_key_is_needed_and_has_a_form(world: World, key: str) -> None:
    async with world.post(form(meta_part(), file_part()), headers={"Idempotency-Key": key}) as answer:
        await problem_of(answer, 400, "request.idempotency_key")


async def test_somebody_elses_document_is_not_there(world: World) -> None:
    async with world.client() as client:
        key = (await client.send_contents(metadata(), [("a.pdf", PDF)], "key-1"))["key"]
    unknown = key[:-1] + ("0" if key[-1] != "0" else "1")
    for path in ("", "/deliveries", "/history"):
        async with world.ask("GET", f"/documents/{key}{path}", key=WARD_KEY) as answer:
            foreign = await problem_of(answer, 404, "not_found")
        async with world.ask("GET", f"/documents/{unknown}{path}", key=WARD_KEY) as answer:
            missing = await problem_of(answer, 404, "not_found")
        for members in (foreign, missing):
            del members["instance"], members["trace_id"]
        assert foreign == missing


async def test_a_submission_for_somebody_else_stores_nothing(world: World) -> None:
    async with world.post(form(meta_part(), file_part()), key=WARD_KEY) as answer:
        members = await problem_of(answer, 403, "access.organ")
    assert PARTY in members["detail"]
    assert world.blobs.names() == []


async def test_what_a_desk_refuses_is_a_problem_with_its_words(world: World) -> None:
    async with world.post(form(meta_part(metadata(secrecy="Mật")), file_part())) as answer:
        members = await problem_of(answer, 422, "secrecy.marked")
    assert "(Mật)" in members["detail"]
    assert members["turn"] == "sender"
    async with world.post(form(meta_part(), file_part(content=b""))) as answer:
        await problem_of(answer, 422, "file.empty")


async def test_the_trace_of_the_caller_goes_into_the_document(world: World) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "req-1"}
    async with world.post(form(meta_part(), file_part()), headers=headers) as answer:
        assert (await answer.json())["trace_id"] == trace
        assert answer.headers["X-Request-Id"] == "req-1"
    async with world.post(b"", headers={"traceparent": "00-bad-bad-01", "X-Request-Id": "bad id\t!"}) as answer:
        members = await problem_of(answer, 400, "request.malformed")
        assert answer.headers["X-Request-Id"] not in ("", "bad id\t!")
    assert len(members["trace_id"]) == 32
    assert members["trace_id"] != trace


async def test_text_is_kept_in_one_normal_form(world: World) -> None:
    decomposed = json.dumps(metadata(subject="Ha\u0300 No\u0302\u0323i")).encode()
    async with world.post(form(meta_part(decomposed), file_part())) as answer:
        assert (await answer.json())["metadata"]["subject"] == "H\u00e0 N\u1ed9i"


def stamped_view(seal: OwnSeal | None, **owed: Any) -> dict[str, Any]:
    """The answer for a document whose one file has this seal, and this was owed to it."""
    file = Attachment(position=1, name="a.pdf", content_type="application/pdf", blob=rows.blob("sealed"), seal=seal)
    document = rows.document(attachments=(file,))
    mine = (rows.owed(document, sealed=file.blob, **owed),) if owed else ()
    said = view_of(DocumentView(document=document, counts={}, total=0, timestamps=mine)).model_dump()
    timestamp: dict[str, Any] = said["attachments"][0]["timestamp"]
    return timestamp


def test_what_a_file_has_of_timestamps_is_told() -> None:
    at = rows.later(7)
    assert stamped_view(None) == {
        "state": "none",
        "state_label_vi": "Không có dấu thời gian",
        "level": None,
        "owed": None,
        "time": None,
        "archive_sha256": None,
    }
    found = stamped_view(OwnSeal(level=Level.B_LT, stamped_at=at, owed=None))
    assert (found["state"], found["level"], found["time"]) == ("stamped", "B-LT", "2026-11-21T06:05:16.123Z")
    owing = OwnSeal(level=Level.B_B, stamped_at=None, owed=Level.B_T)
    found = stamped_view(owing, state=TimestampState.WAITING)
    assert (found["state"], found["level"], found["owed"], found["time"]) == ("waiting", "B-B", "B-T", None)
    assert found["state_label_vi"] == "Đang chờ dấu thời gian"
    assert stamped_view(owing, state=TimestampState.GIVEN_UP)["state"] == "given_up"
    archive = rows.blob("archive")
    found = stamped_view(owing, state=TimestampState.STAMPED, level=Level.B_T, archive=archive, stamped_at=at)
    assert (found["state"], found["level"], found["owed"]) == ("stamped", "B-T", None)
    assert (found["time"], found["archive_sha256"]) == ("2026-11-21T06:05:16.123Z", archive.digest)


async def test_a_sent_file_is_downloaded_and_its_archive_copy_is_not_there_before_it_is(
    world: World, tmp_path: Path
) -> None:
    world.desks.register(WARD, "Phường Sài Gòn")
    (tmp_path / "a.pdf").write_bytes(PDF)
    async with world.client() as client:
        made = await client.send(metadata(), [tmp_path / "a.pdf"], "key-1")
        for archive in (False, True):
            await client.sent_attachment(made["key"], 1, tmp_path / "got", archive=archive)
            assert (tmp_path / "got").read_bytes() == PDF
        with pytest.raises(ApiProblem) as caught:
            await client.sent_attachment(made["key"], 2, tmp_path / "got")
        assert caught.value.code == "not_found"
        document = world.desks.kept[DocumentKey(made["key"])]
        owing = OwnSeal(level=Level.B_B, stamped_at=None, owed=Level.B_T)
        world.desks.kept[document.key] = replace(document, attachments=(replace(document.attachments[0], seal=owing),))
        with pytest.raises(ApiProblem) as caught:
            await client.sent_attachment(made["key"], 1, tmp_path / "got", archive=True)
        assert caught.value.code == "not_found"
