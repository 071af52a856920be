"""Requests that mean no good, or were built by somebody in a hurry."""

import asyncio
import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core import limits
from gateway.core.states import DocumentState
from tests.unit.api.test_gate import raw
from tests.unit.api.world import (
    BOUNDARY,
    CITY_KEY,
    PDF,
    World,
    codes,
    file_part,
    form,
    meta_part,
    metadata,
    part,
    problem_of,
    running,
)

GOOD = form(meta_part(), file_part())


async def test_the_good_form_is_good(world: World) -> None:
    async with world.post(GOOD) as answer:
        assert answer.status == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n" + GOOD,
        b"preamble\r\n" + GOOD,
        GOOD + b"epilogue",
        GOOD + b"\r\n" + GOOD,
        GOOD.replace(b"--\r\n", b"-X\r\n"),
        GOOD[: -len(BOUNDARY) - 6],
        GOOD[:100],
        meta_part() + file_part(),
        GOOD.replace(b"\r\n", b"\n"),
        form(meta_part()).replace(BOUNDARY.encode(), b"another"),
        form(part("", b"{}")),
        form(b"--" + BOUNDARY.encode() + b"\r\n\r\n{}\r\n"),
        form(part('name="metadata"; name="file"', b"{}")),
        form(part('name="metadata', b"{}")),
        form(part('name="metadata"', b"{}", "Content-Disposition: form-data; name=file")),
        form(part('name="metadata"', b"{}", " folded: x")),
        form(part('name="metadata"', b"{}", "no colon")),
        form(part('name="metadata"', b"{}", "X-Nul: a\x00b")),
        form(part('name="metadata"', b"{}", "X-Long: " + "x" * 9_000)),
        form(meta_part(), part('name="file"; filename="\xff.pdf"', b"x").replace(b"\xc3\xbf", b"\xff")),
        form(meta_part(b"{")),
        form(meta_part(b"\xff\xfe")),
        form(meta_part(b"[" * 100_000)),
        form(meta_part(json.dumps(metadata())[:-1].encode() + b', "subject": "twice"}'), file_part()),
    ],
)
async def test_a_broken_form_is_refused_and_stores_nothing(world: World, body: bytes) -> None:
    async with world.post(body) as answer:
        await problem_of(answer, 400, "request.malformed")
    assert world.desks.kept == {}


@pytest.mark.parametrize(
    ("content_type", "status", "code"),
    [
        ("application/json", 415, "request.media_type"),
        ("multipart/mixed; boundary=b0unDary", 415, "request.media_type"),
        ("multipart/form-data", 400, "request.malformed"),
        ("multipart/form-data; boundary=", 400, "request.malformed"),
        ('multipart/form-data; boundary=""', 400, "request.malformed"),
        ("multipart/form-data; boundary=" + "b" * 71, 400, "request.malformed"),
        ("multipart/form-data; boundary=b0unDary; boundary=x", 400, "request.malformed"),
        ('multipart/form-data; boundary="b\\"x"', 400, "request.malformed"),
    ],
)
async def test_the_content_type_must_be_right(world: World, content_type: str, status: int, code: str) -> None:
    async with world.post(GOOD, headers={"Content-Type": content_type}) as answer:
        await problem_of(answer, status, code)


@pytest.mark.parametrize(
    "body",
    [
        form(file_part(), meta_part()),
        form(part('name="other"', b"x"), meta_part()),
    ],
)
async def test_metadata_come_first(world: World, body: bytes) -> None:
    async with world.post(body) as answer:
        members = await problem_of(answer, 422, "request.field")
    assert codes(members) == [("/metadata", "field.metadata_first")]
    assert members["errors"][0]["message_en"].startswith("The part metadata must be the first")


async def test_a_form_without_anything_lacks_its_metadata(world: World) -> None:
    async with world.post(form()) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/metadata", "field.required")]


async def test_one_mistake_is_one_error(world: World) -> None:
    """A list whose only row is wrong is not too short as well."""
    for given, expected in (
        (["x x"], [("/recipients/0", "field.organ_id")]),
        (["x x", 5], [("/recipients/0", "field.organ_id"), ("/recipients/1", "field.type")]),
        ([], [("/recipients", "field.too_short")]),
    ):
        async with world.post(form(meta_part(metadata(recipients=given)), file_part())) as answer:
            assert codes(await problem_of(answer, 422, "request.field")) == expected


async def test_a_value_that_is_none_of_a_list_hears_the_list(world: World) -> None:
    async with world.post(form(meta_part(metadata(priority="1", document_type=3)), file_part())) as answer:
        members = await problem_of(answer, 422, "request.field")
    said = {error["pointer"]: error["message_en"] for error in members["errors"]}
    assert "(allowed: normal, urgent, very_urgent, immediate, immediate_at_time)" in said["/priority"]
    assert "(allowed: 1, 2)" in said["/document_type"]
    async with world.ask("GET", "/documents?state=asleep") as answer:
        members = await problem_of(answer, 422, "request.field")
    assert f"(chỉ nhận: {', '.join(DocumentState)})" in members["errors"][0]["message_vi"]
    assert "lưu" not in members["todo"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (form(meta_part()), "/files", "field.required"),
        (form(meta_part(), meta_part(), file_part()), "/metadata", "field.unknown"),
        (form(meta_part(), file_part(), part('name="extra"', b"x")), "/extra", "field.unknown"),
        (form(meta_part(), part('name="file"', PDF)), "/files/0/name", "field.file_name"),
    ],
)
async def test_other_parts_are_refused(world: World, body: bytes, pointer: str, code: str) -> None:
    async with world.post(body) as answer:
        members = await problem_of(answer, 422, "request.field")
    assert codes(members) == [(pointer, code)]
    assert world.desks.kept == {}


@pytest.mark.parametrize(
    "disposition",
    [
        'filename="../../etc/passwd"',
        'filename="/etc/passwd"',
        'filename="C:\\\\Windows\\\\a.pdf"',
        'filename=".."',
        "filename*=UTF-8''a.pdf%E2%80%8B",
        'filename=""',
        'filename="  "',
        "filename*=UTF-8''a%0d%0aSet-Cookie:%20x.pdf",
        "filename*=UTF-8''a%00.pdf",
        "filename*=UTF-8''%ff.pdf",
        "filename*=latin-1''a.pdf",
        "filename*=UTF-8''fdp.%E2%80%AEexe",
        "filename=\"a.pdf\"; filename*=UTF-8''..%2fa.pdf",
        f'filename="{"x" * 256}"',
    ],
)
async def test_a_name_is_a_name_and_nothing_else(world: World, disposition: str) -> None:
    async with world.post(form(meta_part(), part(f'name="file"; {disposition}', PDF))) as answer:
        members = await problem_of(answer, 422, "request.field")
    assert codes(members) == [("/files/0/name", "field.file_name")]
    assert world.blobs.names() == []


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename*=UTF-8''c%C3%B4ng%20v%C4%83n.pdf", "công văn.pdf"),
        ('filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ("filename=plain.pdf", "plain.pdf"),
        (f'filename="{"x" * 255}"', "x" * 255),
    ],
)
async def test_names_as_libraries_write_them(world: World, disposition: str, name: str) -> None:
    async with world.post(form(meta_part(), part(f'name="file"; {disposition}', PDF))) as answer:
        assert answer.status == 202
        assert [file["name"] for file in (await answer.json())["attachments"]] == [name]


async def test_the_type_of_a_part_has_a_form(world: World) -> None:
    async with world.post(form(meta_part(), file_part(content_type="text html"))) as answer:
        members = await problem_of(answer, 422, "request.field")
    assert codes(members) == [("/files/0/content_type", "field.value")]
    async with world.post(form(part('name="metadata"', b"{}", "Content-Type: text/plain"))) as answer:
        await problem_of(answer, 415, "request.media_type")


# --- fields


async def test_every_wrong_field_is_listed(world: World) -> None:
    wrong: dict[str, Any] = {
        "sender": "z79",
        "recipients": ["Z79.01", "Z79.01"],
        "code": {"number": "1/2", "notation": "x" * 31},
        "promulgation_place": " ",
        "promulgation_date": "21/11/2026",
        "subject": "a\u202eb",
        "document_type": 3,
        "type_detail": "18",
        "content": "đ" * 501,
        "signer": {"full_name": 5, "position": "a\u3164b"},
        "priority": "1",
        "page_amount": 65_536,
        "response_for": [{"document_id": "x", "code": "x" * 43}],
        "a/b~c": 1,
    }
    async with world.post(form(meta_part(wrong), file_part())) as answer:
        members = await problem_of(answer, 422, "request.field")
    assert sorted(codes(members)) == sorted(
        [
            ("/sender", "field.organ_id"),
            ("/recipients", "field.duplicate"),
            ("/code/number", "field.value"),
            ("/code/notation", "field.too_long"),
            ("/promulgation_place", "field.required"),
            ("/promulgation_date", "field.date"),
            ("/subject", "field.characters"),
            ("/document_type", "field.value"),
            ("/type_detail", "field.type"),
            ("/content", "field.too_long"),
            ("/signer/full_name", "field.type"),
            ("/signer/position", "field.characters"),
            ("/priority", "field.value"),
            ("/page_amount", "field.range"),
            ("/response_for/0/organ_id", "field.required"),
            ("/response_for/0/code", "field.too_long"),
            ("/a~1b~0c", "field.unknown"),
        ]
    )
    turned = next(error for error in members["errors"] if error["pointer"] == "/subject")
    assert "U+202E" in turned["message_vi"]
    assert "U+202E" in turned["message_en"]
    assert "500" in next(error["message_vi"] for error in members["errors"] if error["pointer"] == "/content")


@pytest.mark.parametrize("bad", [b"[]", b"1", b"null", b'"x"'])
async def test_metadata_are_an_object(world: World, bad: bytes) -> None:
    async with world.post(form(meta_part(bad), file_part())) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("", "field.type")]


async def test_the_list_of_errors_is_bounded(world: World) -> None:
    many = metadata() | {f"unknown{n}": "x" for n in range(5_000)}
    async with world.post(form(meta_part(many), file_part())) as answer:
        members = await problem_of(answer, 422, "request.field")
        assert int(answer.headers["Content-Length"]) < 64 * limits.KIB
    assert len(members["errors"]) == 101
    assert members["errors"][-1]["code"] == "field.more"


@pytest.mark.parametrize("count", [0, limits.RECIPIENTS_MAX, limits.RECIPIENTS_MAX + 1])
async def test_recipients_are_bounded(world: World, count: int) -> None:
    given = metadata(recipients=[f"Z79.{n}" for n in range(count)])
    async with world.post(form(meta_part(given), file_part())) as answer:
        if count == limits.RECIPIENTS_MAX:
            assert answer.status == 202
        else:
            members = await problem_of(answer, 422, "request.field")
            assert codes(members) == [("/recipients", "field.too_long" if count else "field.too_short")]


# --- sizes and times


@pytest.mark.parametrize("more", [0, 1])
async def test_one_file_to_the_byte(tmp_path: Path, more: int) -> None:
    async with (
        running(tmp_path, file_bytes=10_000) as world,
        world.post(form(meta_part(), file_part("a.pdf", b"x" * (10_000 + more)))) as answer,
    ):
        if more:
            members = await problem_of(answer, 413, "size.limit")
            assert "a.pdf" in members["detail"]
            assert "10000" in members["detail"]
            assert world.blobs.names() == []
        else:
            assert answer.status == 202


@pytest.mark.parametrize("more", [0, 1])
async def test_all_files_together_to_the_byte(tmp_path: Path, more: int) -> None:
    files = (file_part("a", b"a" * 6_000), file_part("b", b"b" * (4_000 + more)))
    async with (
        running(tmp_path, file_bytes=8_000, document_bytes=10_000) as world,
        world.post(form(meta_part(), *files)) as answer,
    ):
        if more:
            members = await problem_of(answer, 413, "size.limit")
            assert "10000" in members["detail"]
            assert world.desks.kept == {}
        else:
            assert answer.status == 202


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("more", [0, 1])
async def test_the_whole_request_to_the_byte(tmp_path: Path, more: int, announced: bool) -> None:
    async def chunked() -> AsyncIterator[bytes]:
        yield GOOD

    async with (
        running(tmp_path, request_bytes=len(GOOD) - more) as world,
        world.post(GOOD if announced else chunked()) as answer,
    ):
        if more:
            await problem_of(answer, 413, "size.limit")
        else:
            assert answer.status == 202


@pytest.mark.parametrize("more", [0, 1])
async def test_metadata_to_the_byte(tmp_path: Path, more: int) -> None:
    content = json.dumps(metadata()).encode()
    padded = content + b" " * (1_000 - len(content) + more)
    async with (
        running(tmp_path, metadata_bytes=1_000) as world,
        world.post(form(meta_part(padded), file_part())) as answer,
    ):
        if more:
            members = await problem_of(answer, 413, "size.limit")
            assert "metadata" in members["detail"]
        else:
            assert answer.status == 202


@pytest.mark.parametrize("count", [3, 4])
async def test_the_number_of_files(tmp_path: Path, count: int) -> None:
    async with (
        running(tmp_path, files=3) as world,
        world.post(form(meta_part(), *(file_part(f"{n}.pdf") for n in range(count)))) as answer,
    ):
        if count > 3:
            await problem_of(answer, 422, "count.limit")
        else:
            assert answer.status == 202


async def test_a_body_that_stops_is_cut(tmp_path: Path) -> None:
    async def stopping() -> AsyncIterator[bytes]:
        yield GOOD[:200]
        await asyncio.sleep(2)
        yield GOOD[200:]

    async with running(tmp_path, idle_seconds=0.1) as world, world.post(stopping()) as answer:
        await problem_of(answer, 408, "request.timeout")


async def test_a_body_that_trickles_is_cut(tmp_path: Path) -> None:
    async def trickling() -> AsyncIterator[bytes]:
        for position in range(len(GOOD)):
            yield GOOD[position : position + 1]
            await asyncio.sleep(0.02)

    async with running(tmp_path, idle_seconds=5.0, body_seconds=0.2) as world, world.post(trickling()) as answer:
        await problem_of(answer, 408, "request.timeout")
    assert world.desks.kept == {}


async def test_a_body_that_breaks_off_stores_nothing(world: World) -> None:
    head = (
        f"POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {CITY_KEY}\r\nIdempotency-Key: k\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(head.encode() + f"Content-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD[:-200])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    status, _, members = await raw(world, head.encode() + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n")
    assert (status, members["code"]) == (400, "request.malformed")
    await asyncio.sleep(0.05)
    assert world.desks.kept == {}
    assert world.blobs.names() == []


# --- encodings and digests


async def test_compressed_bodies_are_refused_unread(world: World) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    async with world.post(bomb, headers={"Content-Encoding": "gzip"}) as answer:
        await problem_of(answer, 415, "request.encoding")
    async with world.post(GOOD, headers={"Content-Encoding": "identity"}) as answer:
        assert answer.status == 202


@pytest.mark.parametrize("header", ["Content-Encoding: gzip", "Content-Transfer-Encoding: base64"])
async def test_encoded_parts_are_refused(world: World, header: str) -> None:
    async with world.post(form(meta_part(), part('name="file"; filename="a"', PDF, header))) as answer:
        await problem_of(answer, 415, "request.encoding")


def digest_of(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


async def test_a_right_digest_is_accepted_over_chunks_too(world: World) -> None:
    async def chunked() -> AsyncIterator[bytes]:
        for start in range(0, len(GOOD), 77):
            yield GOOD[start : start + 77]

    async with world.post(chunked(), headers={"Content-Digest": f"md5=:AAAA:, {digest_of(GOOD)}"}) as answer:
        assert answer.status == 202


async def test_one_flipped_byte_is_found(world: World) -> None:
    flipped = bytearray(GOOD)
    flipped[GOOD.index(PDF) + 100] ^= 1
    async with world.post(bytes(flipped), headers={"Content-Digest": digest_of(GOOD)}) as answer:
        members = await problem_of(answer, 400, "request.digest")
    assert members["retryable"]
    assert world.desks.kept == {}


@pytest.mark.parametrize(
    "header",
    ["", "sha-256", "sha-256=abc", "sha-256=:!!:", "sha-256=:AAAA:", "md5=:AAAA:", "sha-256=:" + "A" * 44 + ":"],
)
async def test_a_digest_that_cannot_be_checked_is_refused(world: World, header: str) -> None:
    async with world.post(GOOD, headers={"Content-Digest": header}) as answer:
        await problem_of(answer, 400, "request.digest")
    assert world.desks.kept == {}


# --- what the reader sees must not depend on how the bytes arrive


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
async def test_chunk_borders_do_not_matter(world: World, step: int) -> None:
    tricky = b"\r\n--b0unDar\r\n--b0unDarX\r\n-\r" * 3

    async def chunked() -> AsyncIterator[bytes]:
        body = form(meta_part(), file_part("a.bin", tricky, "application/x-thing"), file_part("b.pdf", b""))
        for start in range(0, len(body), step):
            yield body[start : start + step]

    async with world.post(chunked()) as answer:
        members = await problem_of(answer, 422, "file.empty")
    assert "b.pdf" in members["detail"]
    assert hashlib.sha256(tricky).hexdigest() in world.blobs.names()


async def test_who_hangs_up_after_handing_an_envelope_in_keeps_no_judge_busy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was waiting on its behalf is given up: nobody is left to hear the answer."""
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def waiting(*_: object, **__: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            let_go.set()

    monkeypatch.setattr(world.desks, "submit_envelope", waiting)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    head = (
        f"POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {CITY_KEY}\r\nIdempotency-Key: gone-1\r\n"
        "Content-Type: application/xml\r\nContent-Length: 8\r\n\r\n<edXML/>"
    )
    writer.write(head.encode())
    async with asyncio.timeout(5):
        await begun.wait()
        writer.close()
        await let_go.wait()
    assert await reader.read() == b""
