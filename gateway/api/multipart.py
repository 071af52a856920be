"""multipart/form-data (RFC 7578) as a stream, read strictly: no preamble, no nesting, no transfer coding, no second guess.

Tolerant readers disagree about where a part ends, and a disagreement is what an attacker needs. Whatever is not the plain
form that browsers, curl and HTTP libraries write is `request.malformed`.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gateway.api.body import Body
from gateway.core.errors import SenderError

PART_HEADER_BYTES_MAX: Final = 8 * 1024

# RFC 2046 section 5.1.1 allows these 74 letters; a space may not be the last.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_PARAMETER: Final = re.compile(r"""[ \t]*;[ \t]*([a-z0-9_-]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"\\]+))""", re.IGNORECASE)
_EXTENDED: Final = re.compile(r"(?i:utf-8)'[A-Za-z0-9-]*'([A-Za-z0-9!#$&+.^_`|~%-]*)")
_PLAIN_CODINGS: Final = frozenset({"binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The head of one part."""

    name: str
    file_name: str | None
    content_type: str
    """As declared, lower case, without parameters; empty when not declared."""


class FormReader:
    """Parts in order. The data of a part is read to its end before the next is asked for."""

    def __init__(self, body: Body, content_type: str) -> None:
        self._body = body
        self._delimiter = b"\r\n--" + _boundary(content_type).encode("ascii")
        # The first delimiter stands at the very beginning, without the line break that belongs to the others.
        self._buffer = bytearray(b"\r\n")
        self._begun = False
        self._in_data = False

    async def next(self) -> Part | None:
        """The head of the next part; None after the last, when the body has ended and its digest was right."""
        if self._in_data:
            async for _ in self.data():
                pass
        elif not self._begun and bytes(await self._take(len(self._delimiter))) != self._delimiter:
            raise _malformed("the body does not begin with the boundary")
        self._begun = True
        mark = bytes(await self._take(2))
        if mark == b"--":
            await self._end()
            return None
        if mark != b"\r\n":
            raise _malformed("boundary line")
        part = _part(await self._head())
        self._in_data = True
        return part

    async def data(self) -> AsyncIterator[bytes]:
        """The bytes of the part whose head was just read."""
        keep = len(self._delimiter) - 1
        while (found := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > keep:
                piece = bytes(self._buffer[: len(self._buffer) - keep])
                del self._buffer[: len(piece)]
                yield piece
            await self._fill()
        piece = bytes(self._buffer[:found])
        del self._buffer[: found + len(self._delimiter)]
        self._in_data = False
        if piece:
            yield piece

    async def _head(self) -> bytes:
        while (found := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > PART_HEADER_BYTES_MAX:
                raise _malformed("the head of a part is too long")
            await self._fill()
        if found > PART_HEADER_BYTES_MAX:
            raise _malformed("the head of a part is too long")
        head = bytes(self._buffer[:found])
        del self._buffer[: found + 4]
        return head

    async def _take(self, count: int) -> bytearray:
        while len(self._buffer) < count:
            await self._fill()
        taken = self._buffer[:count]
        del self._buffer[:count]
        return taken

    async def _fill(self) -> None:
        data = await self._body.chunk()
        if not data:
            raise _malformed("the body ends before its last boundary")
        self._buffer += data

    async def _end(self) -> None:
        """After the last boundary there may be one line break, and nothing else."""
        while data := await self._body.chunk():
            self._buffer += data
            if len(self._buffer) > 2:
                break
        if bytes(self._buffer) not in (b"", b"\r\n"):
            raise _malformed("bytes after the last boundary")


def parse_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """A header value with parameters: `form-data; name="file"` is (`form-data`, {`name`: `file`}).

    Raises:
        SenderError: `request.malformed` when it has another form, or names a parameter twice.
    """
    kind, parameters, position = value.partition(";")[0].strip().lower(), {}, len(value.partition(";")[0])
    while position < len(value.rstrip()):
        found = _PARAMETER.match(value, position)
        if found is None:
            raise _malformed("header parameters")
        name, quoted, plain = found.groups()
        if name.lower() in parameters:
            raise _malformed(f"parameter {name.lower()} given twice")
        parameters[name.lower()] = plain if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted)
        position = found.end()
    return kind, parameters


def _boundary(content_type: str) -> str:
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise SenderError("request.media_type", expected="multipart/form-data")
    _, parameters = parse_parameters(content_type)
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise _malformed("boundary")
    return boundary


def _part(head: bytes) -> Part:
    headers = _headers(head)
    if (
        "content-encoding" in headers
        or headers.get("content-transfer-encoding", "binary").lower() not in _PLAIN_CODINGS
    ):
        raise SenderError("request.encoding")
    kind, parameters = parse_parameters(headers.get("content-disposition", ""))
    if kind != "form-data" or "name" not in parameters:
        raise _malformed("Content-Disposition of a part")
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Part(name=parameters["name"], file_name=_file_name(parameters), content_type=content_type)


def _headers(head: bytes) -> Mapping[str, str]:
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        raise _malformed("the head of a part is not UTF-8") from None
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None or found.group(1).lower() in headers:
            raise _malformed("the head of a part")
        headers[found.group(1).lower()] = found.group(2).strip(" \t")
    return headers


def _file_name(parameters: Mapping[str, str]) -> str | None:
    """RFC 7578 section 4.2 wants plain UTF-8 in `filename`; libraries that write `filename*` (RFC 8187) are understood."""
    extended = parameters.get("filename*")
    if extended is None:
        return parameters.get("filename")
    found = _EXTENDED.fullmatch(extended)
    try:
        return unquote(found.group(1), errors="strict") if found else ""
    except UnicodeDecodeError:
        return ""


def _malformed(reason: str) -> SenderError:
    return SenderError("request.malformed", reason=reason)
