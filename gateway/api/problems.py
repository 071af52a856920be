"""Problem details (RFC 9457): the one form of every error, whoever raised it, in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web

from gateway.core.errors import AccessError, GatewayError, SenderError, SiteError
from gateway.core.ports import Allowance
from gateway.observe import explain, text

MEDIA_TYPE: Final = "application/problem+json"
ERRORS_MAX: Final = 100
"""Field errors that are listed; a hostile body could make thousands."""
POINTER_CHARS_MAX: Final = 200
RETRY_AFTER_SECONDS: Final = 5

_CODE_OF_STATUS: Final = {
    404: "not_found",
    408: "request.timeout",
    413: "size.limit",
    415: "request.media_type",
    431: "size.limit",
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


def problem(error: GatewayError, *, status: int, instance: str, trace_id: str) -> dict[str, Any]:
    """The members of the problem document. What went wrong inside stays inside: a SiteError shows no parameters."""
    said = explain(error.code, {} if isinstance(error, SiteError) else error.params)
    return {
        "type": f"/problems/{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": said.what_vi,
        "instance": instance[:POINTER_CHARS_MAX],
        "code": error.code,
        "turn": error.facts.turn.value,
        "todo": said.todo_vi,
        "messages": {
            "vi": {"what": said.what_vi, "todo": said.todo_vi},
            "en": {"what": said.what_en, "todo": said.todo_en},
        },
        "errors": [_field(one) for one in _field_errors(error)],
        "trace_id": trace_id,
        "retryable": error.facts.retryable,
    }


def headers_of(error: GatewayError) -> dict[str, str]:
    """What goes into the head: how to authenticate (RFC 9110 11.6.1), when to come back (10.2.3)."""
    if error.facts.status == HTTPStatus.UNAUTHORIZED:
        return {hdrs.WWW_AUTHENTICATE: 'Bearer realm="gateway"'}
    if error.facts.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {hdrs.RETRY_AFTER: str(RETRY_AFTER_SECONDS)}
    if error.facts.status == HTTPStatus.TOO_MANY_REQUESTS:
        return {hdrs.RETRY_AFTER: str(error.params["seconds"])}
    return {}


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """The bucket as draft-ietf-httpapi-ratelimit-headers (revisions 08 to 11) says it.

    q quota, w window in seconds, r remaining, t seconds until it is full again.
    """
    return {
        "RateLimit-Policy": f'"{allowance.policy}";q={allowance.quota};w={allowance.window_seconds}',
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


def _field(error: FieldError) -> dict[str, str]:
    words = text(error.code, error.params)
    return {
        "pointer": error.pointer[:POINTER_CHARS_MAX],
        "code": error.code,
        "message_vi": words.vi,
        "message_en": words.en,
    }
