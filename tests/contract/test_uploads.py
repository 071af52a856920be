"""Uploads as files: what counts as there, what survives, what is refused, and that none is taken for what it is not."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core import large_limits
from gateway.core.errors import Conflict, GatewayError, NotFound, PeerError, SenderError, SiteError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.core.ports import UploadId
from gateway.storage import FileBlobs, FileUploads, open_blobs, open_uploads
from tests.kit.clock import ManualClock

DATA = bytes(range(256)) * 4_096
OURS = UploadId(owner="peer/party.example", name="one")


def ref_of(data: bytes) -> BlobRef:
    return BlobRef(digest=Digest(hashlib.sha256(data).hexdigest()), size=len(data))


async def pieces(*chunks: bytes | BaseException) -> AsyncIterator[bytes]:
    for chunk in chunks:
        if isinstance(chunk, BaseException):
            raise chunk
        yield chunk


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return open_blobs(tmp_path / "blobs")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def uploads(tmp_path: Path, blobs: FileBlobs, clock: ManualClock) -> FileUploads:
    return again(tmp_path, clock)


def again(folder: Path, clock: ManualClock, *, disk: int = 1 << 40) -> FileUploads:
    """As the next process finds them."""
    return open_uploads(folder / "blobs", clock=clock, disk=lambda _: disk)


def names(folder: Path) -> set[str]:
    return {path.suffix for path in (folder / "blobs" / "uploads").iterdir()}


async def code_of(work: object) -> str:
    with pytest.raises(GatewayError) as refused:
        await work  # type: ignore[misc]
    return refused.value.code


async def test_a_file_in_pieces_is_the_file(blobs: FileBlobs, uploads: FileUploads, tmp_path: Path) -> None:
    whole = ref_of(DATA)
    assert (await uploads.begin(OURS, whole)).offset == 0
    assert (await uploads.append(OURS, 0, pieces(DATA[:10], DATA[10:700_000]))).offset == 700_000
    assert (await uploads.append(OURS, 700_000, pieces(DATA[700_000:]))).offset == len(DATA)
    with blobs.lease() as lease:
        assert await uploads.take(OURS, lease) == whole
        assert await uploads.take(OURS, lease) == whole  # the answer was lost
        assert await blobs.read(whole) == DATA
        assert blobs.path(whole).stat().st_mode & 0o777 == 0o600
    await uploads.drop(OURS)
    assert await uploads.find(OURS) is None
    assert names(tmp_path) == set()
    assert await blobs.read(whole) == DATA


async def test_what_came_before_a_cut_is_kept_also_by_the_next_process(
    uploads: FileUploads, tmp_path: Path, clock: ManualClock
) -> None:
    await uploads.begin(OURS, ref_of(DATA), mark="m")
    with pytest.raises(ConnectionResetError):
        await uploads.append(OURS, 0, pieces(DATA[:300_000], ConnectionResetError()))
    assert (await uploads.begin(OURS, ref_of(DATA), mark="m")).offset == 300_000
    later = again(tmp_path, clock)
    assert (await later.begin(OURS, ref_of(DATA), mark="m")).offset == 300_000
    assert (await later.append(OURS, 300_000, pieces(DATA[300_000:]))).offset == len(DATA)


async def test_who_is_cancelled_leaves_what_came(uploads: FileUploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_limits, "UPLOAD_BUSY_SECONDS", 0.1)
    await uploads.begin(OURS, ref_of(DATA))
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield DATA[:400_000]
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(uploads.append(OURS, 0, slow()))
    await begun.wait()
    assert await code_of(uploads.append(OURS, 0, pieces(DATA))) == "upload.busy"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = await uploads.find(OURS)
    assert found is not None
    assert found.offset == 400_000
    assert (await uploads.append(OURS, 400_000, pieces(DATA[400_000:]))).offset == len(DATA)


async def test_bytes_that_a_power_cut_left_behind_the_note_do_not_count(
    uploads: FileUploads, tmp_path: Path, clock: ManualClock, blobs: FileBlobs
) -> None:
    await uploads.begin(OURS, ref_of(DATA))
    await uploads.append(OURS, 0, pieces(DATA[:1_000]))
    (part,) = (tmp_path / "blobs" / "uploads").glob("*.part")
    with part.open("ab") as file:
        file.write(bytes(5_000))
    later = again(tmp_path, clock)
    assert (await later.append(OURS, 1_000, pieces(DATA[1_000:]))).offset == len(DATA)
    with blobs.lease() as lease:
        assert await later.take(OURS, lease) == ref_of(DATA)


@pytest.mark.parametrize("harm", ["no note", "no bytes", "fewer bytes", "nonsense", "another's note"])
async def test_what_is_not_whole_after_a_crash_is_begun_anew(
    uploads: FileUploads, tmp_path: Path, clock: ManualClock, harm: str
) -> None:
    await uploads.begin(OURS, ref_of(DATA))
    await uploads.append(OURS, 0, pieces(DATA[:1_000]))
    (part,), (note,) = ((tmp_path / "blobs" / "uploads").glob(f"*.{kind}") for kind in ("part", "json"))
    if harm == "no note":
        note.unlink()
    elif harm == "no bytes":
        part.unlink()
    elif harm == "fewer bytes":
        part.write_bytes(DATA[:999])
    elif harm == "nonsense":
        note.write_text("[1]")
    else:
        note.write_text(note.read_text().replace("party", "other"))
    later = again(tmp_path, clock)
    assert names(tmp_path) == set()
    assert (await later.begin(OURS, ref_of(DATA))).offset == 0


async def test_other_bytes_than_announced_are_no_file(uploads: FileUploads, blobs: FileBlobs) -> None:
    whole = ref_of(DATA)
    await uploads.begin(OURS, whole)
    wrong = bytes(len(DATA))
    assert await code_of(uploads.append(OURS, 0, pieces(wrong))) == "upload.digest"
    assert (await uploads.begin(OURS, whole)).offset == 0
    with blobs.lease() as lease:
        assert await code_of(uploads.take(OURS, lease)) == "upload.incomplete"
    assert (await uploads.append(OURS, 0, pieces(DATA))).offset == len(DATA)


@pytest.mark.parametrize("error", [SenderError("request.digest"), PeerError("transfer.digest")])
async def test_of_a_piece_that_was_changed_on_its_way_nothing_is_kept(
    uploads: FileUploads, error: GatewayError
) -> None:
    await uploads.begin(OURS, ref_of(DATA))
    await uploads.append(OURS, 0, pieces(DATA[:1_000]))
    assert await code_of(uploads.append(OURS, 1_000, pieces(b"x" * 600_000, error))) == error.code
    assert (await uploads.begin(OURS, ref_of(DATA))).offset == 1_000
    assert (await uploads.append(OURS, 1_000, pieces(DATA[1_000:]))).offset == len(DATA)


async def test_only_there_and_only_so_much_is_written(uploads: FileUploads) -> None:
    await uploads.begin(OURS, ref_of(DATA))
    await uploads.append(OURS, 0, pieces(DATA[:1_000]))
    for offset in (0, 999, 1_001):
        assert await code_of(uploads.append(OURS, offset, pieces(DATA))) == "upload.offset"
    assert await code_of(uploads.append(OURS, 1_000, pieces(DATA[1_000:], b"more"))) == "upload.offset"
    assert (await uploads.begin(OURS, ref_of(DATA))).offset <= len(DATA)


async def test_an_upload_is_its_owner_s_alone(uploads: FileUploads) -> None:
    await uploads.begin(OURS, ref_of(DATA), mark="m")
    stranger = UploadId(owner="peer/other.example", name="one")
    assert await uploads.find(stranger) is None
    with pytest.raises(NotFound):
        await uploads.append(stranger, 0, pieces(DATA))
    for whole, mark in ((ref_of(b"x"), "m"), (ref_of(DATA), "other")):
        with pytest.raises(Conflict, match=r"upload\.conflict"):
            await uploads.begin(OURS, whole, mark=mark)


async def test_a_blob_that_was_taken_is_not_written_into_by_a_later_upload(
    uploads: FileUploads, blobs: FileBlobs, tmp_path: Path, clock: ManualClock
) -> None:
    await uploads.begin(OURS, ref_of(DATA))
    await uploads.append(OURS, 0, pieces(DATA))
    with blobs.lease() as lease:
        await uploads.take(OURS, lease)
        note = next((tmp_path / "blobs" / "uploads").glob("*.json"))
        text = note.read_text().replace(f'"offset": {len(DATA)}', '"offset": 0')
        note.write_text(text.replace("true", "false"))
        later = again(tmp_path, clock)
        await later.append(OURS, 0, pieces(b"other bytes"))
        assert await blobs.read(ref_of(DATA)) == DATA


async def test_their_number_and_their_share_of_the_disk_are_bounded(tmp_path: Path, clock: ManualClock) -> None:
    open_blobs(tmp_path / "blobs")
    whole = BlobRef(digest=Digest("0" * 64), size=100)

    def named(owner: str, number: int) -> UploadId:
        return UploadId(owner=owner, name=str(number))

    uploads = again(tmp_path, clock, disk=100 * 1_000)
    for number in range(large_limits.UPLOADS_PER_OWNER_MAX):
        await uploads.begin(named("a", number), whole)
    with pytest.raises(SiteError, match=r"upload\.limit"):
        await uploads.begin(named("a", 99), whole)
    large = BlobRef(digest=Digest("1" * 64), size=20_000)
    await uploads.begin(named("b", 1), large)  # more than its half, but its only one
    with pytest.raises(SiteError, match=r"upload\.limit"):
        await uploads.begin(named("b", 2), whole)
    with pytest.raises(SiteError, match=r"upload\.limit"):
        await uploads.begin(named("c", 1), large)  # a quarter of the disk is full
    await uploads.drop(named("b", 1))
    await uploads.begin(named("c", 1), large)


async def test_what_was_handed_in_needs_no_room_and_is_the_same_again(
    uploads: FileUploads, blobs: FileBlobs, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_limits, "UPLOADS_SPENT_MAX", 2)
    monkeypatch.setattr(large_limits, "UPLOADS_PER_OWNER_MAX", 1)
    ids = [replace(OURS, name=str(number)) for number in range(4)]
    with blobs.lease() as lease:
        for one in ids:
            await uploads.begin(one, ref_of(DATA))
            await uploads.append(one, 0, pieces(DATA))
            assert await uploads.take(one, lease) == ref_of(DATA)
            await uploads.spend(one)
        assert names(tmp_path) == {".json"}
        later = again(tmp_path, clock)
        for known in (uploads, later):
            assert [await known.find(one) is not None for one in ids] == [False, False, True, True]
            assert await known.take(ids[3], lease) == ref_of(DATA)
            assert await code_of(known.append(ids[3], len(DATA), pieces(b""))) == "upload.offset"
    clock.advance(large_limits.UPLOAD_IDLE_SECONDS_MAX + 1)
    await uploads.tidy()
    assert names(tmp_path) == set()


async def test_what_nobody_goes_on_with_is_forgotten(uploads: FileUploads, clock: ManualClock, tmp_path: Path) -> None:
    await uploads.begin(OURS, ref_of(DATA))
    await uploads.append(OURS, 0, pieces(DATA[:1_000]))
    clock.advance(large_limits.UPLOAD_IDLE_SECONDS_MAX - 1)
    await uploads.append(OURS, 1_000, pieces(DATA[1_000:2_000]))
    clock.advance(large_limits.UPLOAD_IDLE_SECONDS_MAX - 1)
    await uploads.tidy()
    assert await uploads.find(OURS) is not None
    clock.advance(2)
    await uploads.tidy()
    assert await uploads.find(OURS) is None
    assert names(tmp_path) == set()


async def test_much_in_one_piece_counts_by_and_by(uploads: FileUploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_limits, "UPLOAD_FLUSH_BYTES", 400_000)
    await uploads.begin(OURS, ref_of(DATA))
    seen = []

    async def watched() -> AsyncIterator[bytes]:
        for at in range(0, len(DATA), 300_000):
            found = await uploads.find(OURS)
            assert found is not None
            seen.append(found.offset)
            yield DATA[at : at + 300_000]

    await uploads.append(OURS, 0, watched())
    assert seen == [0, 0, 600_000, 600_000]
