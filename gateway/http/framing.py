"""What of a request's head two programs on one road could read differently, beyond what aiohttp refuses by itself.

aiohttp refuses two lengths, a length beside a coding, folded lines, bare line feeds, a missing or a second Host, and more (the
table is `tests/unit/http/test_conformance.py`). Here stands what it lets pass.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from gateway.core.errors import SenderError

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def check_framing(request: web.BaseRequest) -> None:
    """Refuse what could be meant for somebody else, or ends elsewhere than we think.

    Raises:
        SenderError: `request.malformed`, `request.encoding`, `request.expectation`, `request.method`.
    """
    coding = request.headers.get(hdrs.TRANSFER_ENCODING)
    if coding is not None and coding.strip().lower() != "chunked":
        raise SenderError("request.encoding")  # aiohttp undoes the chunks, and nobody the rest (RFC 9112 section 6.1)
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise SenderError("request.expectation")
    host = request.headers.get(hdrs.HOST)
    if host is not None and not _HOST.fullmatch(host):
        raise SenderError("request.malformed", reason="Host")
    if request.method == hdrs.METH_CONNECT:
        raise SenderError("request.method", method=request.method, allowed="GET, POST")
    if not request.raw_path.startswith("/") and request.raw_path != "*" and _authority(request.raw_path) != host:
        raise SenderError("request.malformed", reason="Host")


def _authority(target: str) -> str | None:
    """Of a request target in absolute form: where it says it goes (RFC 9112 section 3.2.2)."""
    try:
        return urlsplit(target).netloc
    except ValueError:
        return None


def is_last(request: web.BaseRequest) -> bool:
    """Whether what follows it on the connection might be another protocol: no upgrade is ever accepted (RFC 9110 7.8)."""
    return hdrs.UPGRADE in request.headers


async def postpone_continue(request: web.Request) -> None:
    """Expect handler of every route: `100 Continue` waits until who asks is known to be good and the size to be right.

    RFC 9110 section 10.1.1: a server may answer with a final status instead; whoever reads the body says 100 first.
    """


async def say_continue(request: web.BaseRequest) -> None:
    """Ask for the body, if the other side waits to be asked."""
    if hdrs.EXPECT in request.headers:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the interim answer is not the beginning of the final one
