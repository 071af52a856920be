"""Files that come in pieces: over cuts and restarts, one caller's alone, and handed in as if they had come with the form."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.api.parts import PARTS
from gateway.core import large_limits, limits
from gateway.core.errors import RoadError, SenderError, SiteError
from gateway.core.ids import DocumentKey
from gateway.storage import FileUploads
from tests.unit.api.world import (
    CITY_KEY,
    MUTE_KEY,
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
    part,
    problem_of,
    running,
)

DATA = bytes(range(256)) * 1_024
DIGEST = hashlib.sha256(DATA).hexdigest()


async def begin(world: World, *, key: str = CITY_KEY, name: str = "one", size: int = len(DATA)) -> dict[str, object]:
    headers = {"Content-Type": "application/json", "Idempotency-Key": name}
    body = f'{{"size": {size}, "sha256": "{DIGEST}"}}'.encode()
    async with world.ask("POST", "/uploads", key=key, headers=headers, data=body) as answer:
        assert answer.status == 201, await answer.text()
        said: dict[str, object] = await answer.json()
        assert answer.headers["Location"] == f"/api/v1/uploads/{said['upload']}"
        return said


async def append(
    world: World, name: object, content: object, offset: int, **more: str
) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/octet-stream", "Upload-Offset": str(offset), **more}
    async with world.ask("PATCH", f"/uploads/{name}", headers=headers, data=content) as answer:
        return answer.status, await answer.json(content_type=None)


def upload_part(name: object, file: str = "bản đồ.bin") -> bytes:
    return part(f'name="upload"; filename="{file}"', str(name).encode(), "Content-Type: application/octet-stream")


async def test_in_pieces_then_named_by_a_submission(world: World) -> None:
    name = (await begin(world))["upload"]
    assert (await append(world, name, DATA[:100_000], 0))[1]["offset"] == 100_000
    async with world.ask("GET", f"/uploads/{name}") as answer:
        assert await answer.json() == {"upload": name, "size": len(DATA), "sha256": DIGEST, "offset": 100_000}
    digest = "sha-256=:" + "A" * 43 + "=:"
    status, refused = await append(world, name, DATA[100_000:], 100_000, **{"Content-Digest": digest})
    assert (status, refused["code"]) == (400, "request.digest")
    assert (await append(world, name, DATA[100_000:], 100_000))[1]["offset"] == len(DATA)
    body, headers = form(meta_part(), file_part(), upload_part(name)), {"Idempotency-Key": "k"}
    async with world.post(body, headers=headers) as first:
        assert first.status == 202, await first.text()
        document = await first.json()
    stored = world.desks.orders[DocumentKey(document["key"])].files
    assert [(file.name, file.blob.size) for file in stored] == [("cong-van.pdf", len(PDF)), ("bản đồ.bin", len(DATA))]
    assert await world.blobs.read(stored[1].blob) == DATA
    async with world.post(body, headers=headers) as again:  # the answer was lost
        assert (again.status, (await again.json())["key"]) == (202, document["key"])
        assert again.headers["Idempotent-Replay"] == "true"


async def test_who_was_accepted_hears_so_though_its_upload_could_not_be_noted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is durable and on its way: a full disk behind that is no refusal of it."""
    name = (await begin(world))["upload"]
    await append(world, name, DATA, 0)

    async def full(*_: object) -> None:
        raise SiteError("store.full")

    monkeypatch.setattr(FileUploads, "spend", full)
    async with world.post(form(meta_part(), file_part(), upload_part(name))) as answer:
        assert answer.status == 202, await answer.text()


async def test_what_came_before_a_cut_is_kept(world: World) -> None:
    name = (await begin(world))["upload"]

    async def broken() -> AsyncIterator[bytes]:
        yield DATA[:150_000]
        raise RuntimeError("the line is cut")

    with pytest.raises((RuntimeError, aiohttp.ClientError)):
        await append(world, name, broken(), 0)
    said = await begin(world)
    assert 0 < int(str(said["offset"])) <= 150_000
    offset = int(str(said["offset"]))
    assert (await append(world, name, DATA[offset:], offset))[1]["offset"] == len(DATA)


async def test_an_upload_is_its_caller_s_alone(world: World) -> None:
    name = (await begin(world))["upload"]
    for method, more in (("GET", {}), ("DELETE", {}), ("PATCH", {"data": b"x"})):
        headers = {"Content-Type": "application/octet-stream", "Upload-Offset": "0"}
        async with world.ask(method, f"/uploads/{name}", key=WARD_KEY, headers=headers, **more) as answer:
            await problem_of(answer, 404, "not_found")
        async with world.ask(method, f"/uploads/{name}", key=MUTE_KEY, headers=headers, **more) as answer:
            await problem_of(answer, 403, "access.scope")
    await append(world, name, DATA, 0)
    world.desks.register(WARD, "Phường")
    mine = meta_part(metadata(sender=WARD, recipients=[PARTY, OTHER]))
    async with world.post(form(mine, upload_part(name)), key=WARD_KEY) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/files/0/upload", "field.value")]
    assert (await begin(world, key=WARD_KEY))["offset"] == 0, "the same key of another caller is another upload"


async def test_what_is_dropped_is_gone(world: World) -> None:
    name = (await begin(world))["upload"]
    async with world.ask("DELETE", f"/uploads/{name}") as answer:
        assert (answer.status, (await answer.json())["offset"]) == (200, 0)
    async with world.ask("GET", f"/uploads/{name}") as answer:
        await problem_of(answer, 404, "not_found")


async def test_what_is_being_written_is_not_said_to_be_dropped(world: World) -> None:
    name, go_on = (await begin(world))["upload"], asyncio.Event()
    uploads = world.app[PARTS].uploads
    assert isinstance(uploads, FileUploads)

    async def slowly() -> AsyncIterator[bytes]:
        yield DATA[:1_000]
        await go_on.wait()
        yield DATA[1_000:]

    writing = asyncio.create_task(append(world, name, slowly(), 0))
    async with asyncio.timeout(30):
        while not uploads._busy:
            await asyncio.sleep(0.01)
    async with world.ask("DELETE", f"/uploads/{name}") as answer:
        await problem_of(answer, 409, "upload.busy")
    go_on.set()
    assert (await writing)[1]["offset"] == len(DATA)
    async with world.ask("DELETE", f"/uploads/{name}") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("name", ["", "x" * 32, "0" * 32, "0" * 5_000, "../../etc/passwd"])
async def test_no_other_name_is_an_upload(world: World, name: str) -> None:
    async with world.post(form(meta_part(), upload_part(name))) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == [("/files/0/upload", "field.value")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "request.malformed"),
        (b"{}", "request.field"),
        (b'{"size": 0, "sha256": "' + b"0" * 64 + b'"}', "request.field"),
        (b'{"size": 1, "sha256": "' + b"G" * 64 + b'"}', "request.field"),
        (b'{"size": 1, "sha256": "' + b"0" * 64 + b'", "name": "x"}', "request.field"),
        (b'{"size": %d, "sha256": "%b"}' % (limits.FILE_BYTES_MAX + 1, b"0" * 64), "size.limit"),
    ],
)
async def test_what_is_announced_is_checked(world: World, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    async with world.ask("POST", "/uploads", headers=headers, data=body) as answer:
        assert (await answer.json())["code"] == code


async def test_an_upload_counts_against_the_bounds_of_a_document(tmp_path: Path) -> None:
    async with running(tmp_path, document_bytes=len(DATA) + 100, file_bytes=len(DATA)) as world:
        name = (await begin(world))["upload"]
        await append(world, name, DATA, 0)
        async with world.post(form(meta_part(), file_part(), upload_part(name))) as answer:
            await problem_of(answer, 413, "size.limit")


async def test_the_client_brings_a_large_file_up_and_goes_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES_MAX", 1_000)
    monkeypatch.setattr(large_limits, "UPLOAD_PIECE_BYTES", 100_000)
    small, large = tmp_path / "thu.pdf", tmp_path / "ban do.bin"
    small.write_bytes(PDF)
    large.write_bytes(DATA)
    async with world.client() as client:
        asked, whole = [], client._ask

        async def cut(method: str, path: str, **more: object) -> object:
            asked.append(method)
            if asked.count("PATCH") == 2 and method == "PATCH":
                raise RoadError("peer.unreachable")
            return await whole(method, path, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(client, "_ask", cut)
        with pytest.raises(RoadError):
            await client.send(metadata(), [small, large], "k")
        document = await client.send(metadata(), [small, large], "k")
    assert asked == ["POST", "PATCH", "PATCH", "POST", "PATCH", "PATCH", "POST"]
    files = world.desks.orders[DocumentKey(document["key"])].files
    assert [await world.blobs.read(file.blob) for file in files] == [PDF, DATA]


async def test_keys_that_differ_only_in_their_last_letter_are_two_uploads(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES_MAX", 1_000)
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    first.write_bytes(DATA)
    second.write_bytes(DATA[1:])
    key = "k" * (limits.IDEMPOTENCY_KEY_CHARS_MAX - 1)
    async with world.client() as client:
        code = {"number": "13", "notation": "CV/VPTU"}
        documents = [
            await client.send(metadata(), [first], f"{key}1"),
            await client.send(metadata(code=code), [second], f"{key}2"),
        ]
    sizes = [world.desks.orders[DocumentKey(one["key"])].files[0].blob.size for one in documents]
    assert sizes == [len(DATA), len(DATA) - 1]


async def test_a_file_that_becomes_shorter_while_it_is_sent_ends_the_upload(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_limits, "UPLOAD_PIECE_BYTES", 100_000)
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    async with world.client() as client, asyncio.timeout(30):
        whole = client._ask

        async def shortening(method: str, path_: str, **more: object) -> object:
            path.write_bytes(DATA[:100_000])
            return await whole(method, path_, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(client, "_ask", shortening)
        with pytest.raises(SenderError) as refused:
            await client.upload(path, "k")
    assert refused.value.code == "upload.digest"


async def test_a_piece_beyond_the_end_is_told_where_the_upload_stands(world: World) -> None:
    """Not that the file is too large: nobody has to make it smaller."""
    upload = await begin(world)
    for offset in (len(DATA) + 1, 10**15 - 1):
        status, said = await append(world, upload["upload"], b"x", offset)
        assert (status, said["code"]) == (409, "upload.offset")
