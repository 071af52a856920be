"""A stranger's client: HTTP written by hand over TLS, so that a test decides about every byte and every pause."""

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gateway.core.model import TransferSlip
from tests.kit.transport import GOVERNMENT

TYPE = "application/vnd.edoc.transfer; version=1"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A complete HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"].startswith("application/problem+json")
        document = json.loads(self.body)
        assert isinstance(document, dict)
        assert document["status"] == self.status
        return document

    @property
    def code(self) -> str:
        return str(self.problem["code"])


class RawConnection:
    """One TLS connection to a peer server; several requests may follow each other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, context: ssl.SSLContext) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=GOVERNMENT))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: peer", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def answer(self) -> RawAnswer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return RawAnswer(int(head[0].split()[1]), headers, body)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> RawAnswer:
        self.send(method, path, headers, body)
        return await self.answer()

    async def ended(self) -> bool:
        """Whether the server closes the connection without another byte."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True


def path_of(slip: TransferSlip) -> str:
    """Where the transfer is posted and asked for."""
    return f"/peer/v1/transfers/{slip.transfer}"


def headers_for(body: bytes) -> dict[str, str]:
    """The headers that docs/PROTOCOL.md section 4.1 asks for."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {"Content-Type": TYPE, "Content-Length": str(len(body)), "Content-Digest": f"sha-256=:{digest}:"}
