"""Large files for tests: made, and handed in."""

import hashlib
import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.kit.real_network import RealNetwork

MIB = 1024 * 1024
BOUNDARY = "-" * 20 + "large"


def write_large(path: Path, size: int, *, seed: int = 4) -> str:
    """A file that nothing compresses, no piece of it like another; its SHA-256."""
    block = random.Random(seed).randbytes(MIB)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(-(-size // MIB)):
            turn = number * 7919 % MIB
            piece = (block[turn:] + block[:turn])[: size - number * MIB]
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def allow(real: RealNetwork, mib: int) -> None:
    """Both gateways take documents of that size from their next start on."""
    for side in real.network.sides.values():
        with side.config.open("a", encoding="utf-8") as config:
            config.write(f"\n[limits]\nfile_mib = {mib}\ndocument_mib = {mib + 20}\n")


async def hand_in(real: RealNetwork, path: Path, metadata: dict[str, Any], key: str) -> dict[str, Any]:
    """One form over TLS, the file streamed; the document that was accepted."""
    office = real.network.offices[real.sender]
    url = f"{real.network.sides[office.side].url}/api/v1/documents"
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
        f"{json.dumps(metadata)}\r\n--{BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()

    async def body() -> AsyncIterator[bytes]:
        yield head
        for piece in _pieces(path):
            yield piece
        yield tail

    headers = {
        "Authorization": f"Bearer {office.api_key}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(head) + path.stat().st_size + len(tail)),
        "Idempotency-Key": key,
    }
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session,
        session.post(url, headers=headers, data=body(), ssl=real.network.client_context()) as response,
    ):
        answer: dict[str, Any] = await response.json(content_type=None)
        assert response.status == 202, answer
    return answer


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(MIB):
            yield piece
