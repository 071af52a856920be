"""Problem details (RFC 9457): the one form of every error, whoever raised it, in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

import pydantic_core

from gateway.api.models import FieldProblem, Messages, Problem, Words
from gateway.core.errors import AccessError, GatewayError, SenderError, SiteError
from gateway.core.fields import FieldFault, faults_of, naming
from gateway.core.ports import Allowance
from gateway.http import retry_after
from gateway.observe import explain, text

ERRORS_MAX: Final = 100
"""Field errors that are listed; a hostile body could make thousands."""
POINTER_CHARS_MAX: Final = 200
_OF_READING: Final = {"request.field": "request.field.todo.read", "request.malformed": "request.malformed.todo.read"}
"""What to do next where nothing could have been stored: ids of texts."""


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
        self.errors = _bounded(errors)
        super().__init__("request.field", field=naming(error.pointer or "/" for error in errors))


def _bounded(errors: Sequence[FieldError]) -> tuple[FieldError, ...]:
    if len(errors) <= ERRORS_MAX:
        return tuple(errors)
    return (*errors[:ERRORS_MAX], FieldError(pointer="", code="field.more", params={"limit": ERRORS_MAX}))


def problem(error: GatewayError, *, instance: str, trace_id: str, reads: bool = False) -> Problem:
    """The problem document. What went wrong inside stays inside: a SiteError shows no parameters.

    `reads`: the request only looked at something, so it is not told that nothing was stored.
    """
    said = explain(error.code, {} if isinstance(error, SiteError) else error.params)
    if reads and error.code in _OF_READING:
        todo = text(_OF_READING[error.code])
        said = replace(said, todo_vi=todo.vi, todo_en=todo.en)
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
        errors=tuple(field_problem(one) for one in _field_errors(error)),
        trace_id=trace_id,
        retryable=error.facts.retryable,
        retry_after=retry_after(error),
    )


def document(error: GatewayError, instance: str, trace_id: str, *, reads: bool = False) -> bytes:
    """The same, as it is sent."""
    return pydantic_core.to_json(problem(error, instance=instance, trace_id=trace_id, reads=reads))


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
    if faults := faults_of(error):
        return _bounded([_of_desk(fault) for fault in faults])
    if error.code == "request.field" and "field" in error.params:
        # A desk that says no more than which one it is.
        return (_of_desk(FieldFault(path=str(error.params["field"]), code="field.value")),)
    return ()


def _of_desk(fault: FieldFault) -> FieldError:
    """What a desk found: it names the field by its dotted path."""
    return FieldError(pointer=pointer(fault.path), code=fault.code, params=fault.params)


def pointer(path: str) -> str:
    """`recipients[3].name` as a JSON pointer, `/recipients/3/name`."""
    return "/" + path.replace("[", ".").replace("]", "").replace(".", "/")


def field_problem(error: FieldError) -> FieldProblem:
    """One thing that is wrong with one field, in words."""
    words = text(error.code, error.params)
    return FieldProblem(
        pointer=_whole(error.pointer[:POINTER_CHARS_MAX]), code=error.code, message_vi=words.vi, message_en=words.en
    )


def _whole(shown: str) -> str:
    """A text that UTF-8 can carry: half a surrogate pair, which only a broken request brings, is shown as its escape."""
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
