"""Parts of a file (RFC 9110 section 14): one range of bytes; whatever else is asked for is answered with the whole."""

import re
from typing import Final

from aiohttp import hdrs, web

from gateway.core.errors import SenderError

_ONE: Final = re.compile(r"bytes[ \t]*=[ \t]*(?:([0-9]{1,15})-([0-9]{0,15})|-([0-9]{1,15}))[ \t]*", re.IGNORECASE)


def wanted_part(request: web.Request, size: int, tag: str) -> range | None:
    """The bytes that are asked for; None: all of them.

    A part is only given of the very file that the caller began with, if he says which that was (`If-Range`, by its strong
    tag; a date is none of ours). Several ranges, another unit and what cannot be read are ignored, as the standard allows.

    Raises:
        SenderError: `request.range`: the file does not reach so far.
    """
    asked = request.headers.get(hdrs.RANGE)
    if asked is None or request.method != hdrs.METH_GET:
        return None
    if request.headers.get(hdrs.IF_RANGE, tag).strip() != tag:
        return None
    found = _ONE.fullmatch(asked.strip())
    if found is None:
        return None
    first, last, tail = found.groups()
    start = int(first) if first is not None else max(0, size - int(tail))
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return None
    if start >= size:
        raise SenderError("request.range", size=size)
    return range(start, end)
