"""Conditional requests (RFC 9110 section 13): strong entity tags, `If-None-Match` on looking, `If-Match` on acting."""

import base64
import hashlib
import re
from typing import Final

from aiohttp import hdrs, web

from gateway.core.errors import Conflict

_TAGS: Final = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*')
_TAG: Final = re.compile(r'((?:W/)?)("[^"]*")')


def tag_of(content: bytes) -> str:
    """The strong tag of these bytes: two answers have one tag exactly when they are byte for byte the same."""
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:18]).decode("ascii")}"'


def is_unchanged(request: web.Request, tag: str) -> bool:
    """Whether the caller has this very content already: the answer is 304. A header that cannot be read is none."""
    header = request.headers.get(hdrs.IF_NONE_MATCH, "")
    return header.strip() == "*" or tag in [strong for _, strong in _tags(header)]


def require_match(request: web.Request, *tags: str) -> None:
    """Let an action go on when it was decided on what there is now, or when the caller did not ask for that.

    `tags`: of what there is, and of what differs from it in nothing that a decision could rest on.

    Raises:
        Conflict: `precondition.failed`; also when the header cannot be read, for it was sent to be obeyed.
    """
    header = request.headers.get(hdrs.IF_MATCH)
    if header is None or header.strip() == "*":
        return
    if not {strong for weak, strong in _tags(header) if not weak} & {*tags}:
        raise Conflict("precondition.failed")


def not_modified(tag: str) -> web.Response:
    """304: what you have is what there is."""
    return web.Response(status=304, headers={hdrs.ETAG: tag})


def _tags(header: str) -> list[tuple[str, str]]:
    """(`W/` or nothing, the tag with its quotes) of a list; empty when it has another form."""
    return _TAG.findall(header) if _TAGS.fullmatch(header) else []
