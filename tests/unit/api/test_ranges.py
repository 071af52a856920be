"""Parts of files: a download that broke off is gone on with, and is the very file in the end."""

import base64
import hashlib

import pytest

from gateway.core.model import InboxEntry
from tests.unit.api.world import PARTY, WARD, WARD_KEY, World, problem_of

DATA = bytes(range(256)) * 4_096
SIZE = len(DATA)
TAG = f'"{hashlib.sha256(DATA).hexdigest()}"'


@pytest.fixture
async def entry(world: World) -> InboxEntry:
    return await world.desks.deliver(WARD, ("bản đồ.bin", "application/octet-stream", DATA), sender=PARTY)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=500000-", (500_000, SIZE)),
        ("bytes=100-199", (100, 200)),
        ("Bytes = 100-199 ", (100, 200)),
        (f"bytes={SIZE - 1}-{SIZE + 50}", (SIZE - 1, SIZE)),
        ("bytes=-1000", (SIZE - 1_000, SIZE)),
        (f"bytes=-{SIZE * 2}", (0, SIZE)),
    ],
)
async def test_a_part_is_given(world: World, entry: InboxEntry, asked: str, part: tuple[int, int]) -> None:
    path, (start, end) = f"/inbox/{entry.key}/attachments/1", part
    async with world.ask("GET", path, key=WARD_KEY, headers={"Range": asked, "If-Range": TAG}) as answer:
        assert (answer.status, await answer.read()) == (206, DATA[start:end])
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
        assert answer.headers["Content-Length"] == str(end - start)
        assert answer.headers["ETag"] == TAG
        whole = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
        assert answer.headers["Repr-Digest"] == f"sha-256=:{whole}:"
        assert "Content-Digest" not in answer.headers, "it would be of the part"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "lines=0-1"},
        {"Range": "bytes=5-1"},
        {"Range": "bytes=-"},
        {"Range": "bytes=" + "9" * 400 + "-"},
        {"Range": "bytes=5-", "If-Range": '"another"'},
        {"Range": "bytes=5-", "If-Range": f"W/{TAG}"},
        {"Range": "bytes=5-", "If-Range": "Sat, 21 Nov 2026 06:05:09 GMT"},
    ],
)
async def test_the_whole_file_is_given(world: World, entry: InboxEntry, headers: dict[str, str]) -> None:
    async with world.ask("GET", f"/inbox/{entry.key}/attachments/1", key=WARD_KEY, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, DATA)
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
async def test_what_is_not_there_is_refused(world: World, entry: InboxEntry, asked: str) -> None:
    path = f"/inbox/{entry.key}/attachments/1"
    async with world.ask("GET", path, key=WARD_KEY, headers={"Range": asked}) as answer:
        await problem_of(answer, 416, "request.range")
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}", "whoever has all of it can tell"


async def test_a_head_knows_no_part(world: World, entry: InboxEntry) -> None:
    path = f"/inbox/{entry.key}/attachments/1"
    async with world.ask("HEAD", path, key=WARD_KEY, headers={"Range": "bytes=5-"}) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(SIZE))


async def test_parts_of_what_one_has_are_unchanged(world: World, entry: InboxEntry) -> None:
    path = f"/inbox/{entry.key}/attachments/1"
    async with world.ask("GET", path, key=WARD_KEY, headers={"Range": "bytes=5-", "If-None-Match": TAG}) as answer:
        assert answer.status == 304


async def test_a_file_that_was_cut_on_the_disk_never_ends_well(world: World, entry: InboxEntry) -> None:
    blob = world.blobs.path(entry.attachments[0].blob)
    blob.write_bytes(DATA[:-1])
    path = f"/inbox/{entry.key}/attachments/1"
    async with world.ask("GET", path, key=WARD_KEY, headers={"Range": "bytes=5-"}) as answer:
        await problem_of(answer, 500, "blob.damaged")
