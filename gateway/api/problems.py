"""Problem details (RFC 9457): the one form of every error, whoever raised it, in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from gateway.api.models import FieldProblem, Messages, Problem, Words
from gateway.core.errors import AccessError, GatewayError, SenderError, SiteError
from gateway.core.ports import Allowance
from gateway.observe import explain, text

MEDIA_TYPE: Final = "application/problem+json"
ERRORS_MAX: Final = 100
"""Field errors that are listed; a hostile body could make thousands."""
POINTER_CHARS_MAX: Final = 200
WAITS: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: 5,
    HTTPStatus.TOO_MANY_REQUESTS: 5,
    HTTPStatus.INSUFFICIENT_STORAGE: 60,
}
"""Seconds to wait where nothing better is known: a disk is not emptied in five."""

_CODE_OF_STATUS: Final = {
    404: "not_found",
    408: "request.timeout",
    413: "size.limit",
    415: "request.media_type",
    417: "request.expectation",
    431: "size.headers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing that is wrong with one field."""

    pointer: str
    """JSON pointer (RFC 6901) into the metadata, or `/files/0/name`, `/query/limit`."""
    code: str
    """Id of the text: `field.required` ..."""
    params: Mapping[str, object] = field(default_factory=dict)


class InvalidRequest(SenderError):  # noqa: N818 - what the request is
    """Some fields are wrong; all of them are listed."""

    def __init__(self, errors: Sequence[FieldError], /) -> None:
        self.errors = tuple(errors[:ERRORS_MAX])
        super().__init__("request.field", field=", ".join(error.pointer or "/" for error in self.errors[:5]))
        if len(errors) > ERRORS_MAX:
            self.errors += (FieldError(pointer="", code="field.more", params={"limit": ERRORS_MAX}),)


def from_http(error: web.HTTPException) -> GatewayError:
    """The error of ours that says what aiohttp wanted to say."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SiteError("internal")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return SenderError("request.method", method=error.method)
    code = _CODE_OF_STATUS.get(error.status, "request.malformed")
    return SenderError(code, reason=HTTPStatus(error.status).phrase, what="request")


def problem(error: GatewayError, *, instance: str, trace_id: str) -> Problem:
    """The problem document. What went wrong inside stays inside: a SiteError shows no parameters."""
    said = explain(error.code, {} if isinstance(error, SiteError) else error.params)
    return Problem(
        type=f"/problems/{error.code}",
        title=HTTPStatus(error.facts.status).phrase,
        status=error.facts.status,
        detail=_whole(said.what_vi),
        instance=_whole(instance[:POINTER_CHARS_MAX]),
        code=error.code,
        turn=error.facts.turn,
        todo=_whole(said.todo_vi),
        messages=Messages(
            vi=Words(what=_whole(said.what_vi), todo=_whole(said.todo_vi)),
            en=Words(what=_whole(said.what_en), todo=_whole(said.todo_en)),
        ),
        errors=tuple(_field(one) for one in _field_errors(error)),
        trace_id=trace_id,
        retryable=error.facts.retryable,
        retry_after=retry_after(error),
    )


def retry_after(error: GatewayError) -> int | None:
    """Seconds after which it is worth trying again, for what passes by itself; the error may know better than we."""
    if error.facts.status not in WAITS:
        return None
    known = error.params.get("seconds")
    return known if isinstance(known, int) else WAITS[HTTPStatus(error.facts.status)]


def headers_of(error: GatewayError) -> dict[str, str]:
    """What goes into the head: how to authenticate (RFC 9110 11.6.1), when to come back (10.2.3)."""
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: MEDIA_TYPE}
    if error.facts.status == HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="gateway"'
    if (seconds := retry_after(error)) is not None:
        headers[hdrs.RETRY_AFTER] = str(seconds)
    return headers


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """The bucket as draft-ietf-httpapi-ratelimit-headers (revisions 08 to 11) says it.

    q quota, qu its unit where it is not requests, w window in seconds, r remaining, t seconds until it is full again.
    """
    unit = ';qu="content-bytes"' if allowance.policy == "bytes" else ""
    return {
        "RateLimit-Policy": f'"{allowance.policy}";q={allowance.quota}{unit};w={allowance.window_seconds}',
        "RateLimit": f'"{allowance.policy}";r={allowance.remaining};t={allowance.reset_seconds}',
    }


def is_ours(error: GatewayError) -> bool:
    """Whether our operator has to look: everything that is neither the caller's doing nor passing."""
    return isinstance(error, SiteError) and not error.facts.retryable


def is_denial(error: GatewayError) -> bool:
    """Whether somebody was not let in."""
    return isinstance(error, AccessError)


def _field_errors(error: GatewayError) -> tuple[FieldError, ...]:
    if isinstance(error, InvalidRequest):
        return error.errors
    if error.code == "request.field" and "field" in error.params:
        # A desk found it: it names the field by its dotted path.
        return (FieldError(pointer="/" + str(error.params["field"]).replace(".", "/"), code="field.value"),)
    return ()


def _field(error: FieldError) -> FieldProblem:
    words = text(error.code, error.params)
    return FieldProblem(
        pointer=_whole(error.pointer[:POINTER_CHARS_MAX]), code=error.code, message_vi=words.vi, message_en=words.en
    )


def _whole(shown: str) -> str:
    """A text that UTF-8 can carry: half a surrogate pair, which only a broken request brings, is shown as its escape."""
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
