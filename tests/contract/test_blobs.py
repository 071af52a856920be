"""The promises of the port `Blobs`."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import Digest
from gateway.core.ports import Blobs
from tests.kit.blobs import stored, streamed


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_stream_is_kept_under_its_digest(blobs: Blobs) -> None:
    chunks = [bytes([n]) * 70_000 for n in range(10)]
    data = b"".join(chunks)
    ref = await streamed(blobs, stream(*chunks), limit=len(data))
    assert (ref.digest, ref.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert await blobs.read(ref) == data
    assert blobs.path(ref).read_bytes() == data


@pytest.mark.parametrize("data", [b"", b"x", b"\x00" * 300_000])
async def test_stream_and_bytes_make_the_same_blob(blobs: Blobs, data: bytes) -> None:
    ref = await stored(blobs, data)
    assert await streamed(blobs, stream(data), limit=len(data)) == ref
    assert await streamed(blobs, stream(), limit=0) == await stored(blobs, b"")
    assert await blobs.read(ref) == data


async def test_more_than_the_limit_is_refused(blobs: Blobs) -> None:
    with pytest.raises(SenderError) as refused:
        await streamed(blobs, stream(b"x" * 600_000, b"y"), limit=600_000)
    assert refused.value.code == "size.limit"
    assert dict(refused.value.params) == {"limit": 600_000, "what": "data"}
    ref = await stored(blobs, b"")
    would_be = replace(ref, digest=Digest(hashlib.sha256(b"x" * 600_000).hexdigest()), size=600_000)
    with pytest.raises(SiteError, match=r"blob\.damaged"):
        await blobs.read(would_be)


async def test_the_error_of_a_broken_stream_comes_out(blobs: Blobs) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await streamed(blobs, broken(), limit=1_000_000)


async def test_a_size_that_does_not_fit_is_damage(blobs: Blobs) -> None:
    ref = await stored(blobs, b"hello")
    for size in (4, 6):
        with pytest.raises(SiteError, match=r"blob\.damaged"):
            await blobs.read(replace(ref, size=size))


async def test_many_at_once_also_of_the_same_content(blobs: Blobs) -> None:
    datas = [bytes([n % 5]) * 300_000 for n in range(20)]
    refs = await asyncio.gather(*(streamed(blobs, stream(data), limit=300_000) for data in datas))
    assert len(set(refs)) == 5
    assert [await blobs.read(ref) for ref in refs] == datas
