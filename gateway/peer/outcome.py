"""From an HTTP answer to what the sending side may conclude: the table of docs/PROTOCOL.md, section 7. Pure.

The rule behind every line: what is not a word of this protocol says nothing about the transfer, so it is Indeterminate.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

from gateway.core import limits
from gateway.core.carrying import (
    Answered,
    CarryResult,
    Indeterminate,
    TellResult,
    Told,
    TransferRefused,
    TryLater,
    Unknown,
    Unreachable,
)
from gateway.core.errors import CATALOGUE
from gateway.peer.wire import PROBLEM_TYPE, RECEIPT_TYPE, has_jws_form

PROBLEM_BYTES_MAX: Final = 16 * limits.KIB

_CODE = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){0,2}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_PATIENCE = frozenset({429, 503})
_NOT_KNOWN: Final = {404: "not_found", 405: "request.method"}
"""How a gateway answers that takes no envelope in pieces: it takes none that large, either."""
_OF_ONE: Final = frozenset({"envelope.undecided", "registry.behind", "scanner.undecided", "upload.limit"})
"""Codes that put off one transfer: the road is good, others need not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete HTTP answer, its body cut to one byte more than the largest we would take."""

    status: int
    media_type: str
    """Without parameters, lower case."""
    retry_after: str
    """The header's value, or empty."""
    body: bytes
    offset: str = ""
    """The header `Upload-Offset`, or empty."""


def conclude_carry(reply: Reply) -> CarryResult:
    """What the answer to a POST means."""
    if reply.status == 200:
        return _receipt(reply)
    code = _code(reply)
    if code == "peer.unpinned":
        return Unreachable(code)
    if reply.status in _PATIENCE:
        return TryLater(code or f"status {reply.status}", _seconds(reply.retry_after), road=code not in _OF_ONE)
    if code in CATALOGUE and CATALOGUE[code].retryable and reply.status < 500:
        return TryLater(code, _seconds(reply.retry_after), road=False)
    if code and 400 <= reply.status < 500:
        return TransferRefused(code if code in CATALOGUE else "peer.refused", code)
    return Indeterminate(code or f"status {reply.status}")


def conclude_piece(reply: Reply) -> CarryResult:
    """What it means when a peer does not go on taking an envelope in pieces. Nothing was handed over yet."""
    code = _code(reply)
    if code == "upload.offset":
        return TryLater(code, None, road=False)
    if reply.status in _NOT_KNOWN and code in _NOT_KNOWN.values():
        return TransferRefused("size.limit", "takes no envelope in pieces")
    return conclude_carry(reply)


def conclude_inquiry(reply: Reply) -> CarryResult | Unknown:
    """What the answer to a GET means. A refusal of the question is no refusal of the transfer."""
    if reply.status == 200:
        return _receipt(reply)
    code = _code(reply)
    if reply.status == 404 and code == "not_found":
        return Unknown()
    if code == "peer.unpinned":
        return Unreachable(code)
    if reply.status in _PATIENCE:
        return TryLater(code or f"status {reply.status}", _seconds(reply.retry_after))
    return Indeterminate(code or f"status {reply.status}")


def conclude_notice(reply: Reply) -> TellResult:
    """What the answer to a gap notice means. A gateway of before knows no notices: it is told again when it may know them."""
    if reply.status == 204:
        return Told()
    code = _code(reply)
    if code == "peer.unpinned":
        return Unreachable(code)
    if reply.status in _PATIENCE:
        return TryLater(code or f"status {reply.status}", _seconds(reply.retry_after), road=code not in _OF_ONE)
    if code == "not_found" or (code in CATALOGUE and CATALOGUE[code].retryable and reply.status < 500):
        return TryLater(code, _seconds(reply.retry_after), road=False)
    if code and 400 <= reply.status < 500:
        return TransferRefused(code if code in CATALOGUE else "peer.refused", code)
    return Indeterminate(code or f"status {reply.status}")


def conclude_question(reply: Reply) -> CarryResult:
    """What the answer to a restored gateway's question means. A gateway of before knows none: it is asked again later."""
    if reply.status == 200:
        return _receipt(reply)
    told = conclude_notice(reply)
    return Indeterminate("status 204 to a question") if isinstance(told, Told) else told


def _receipt(reply: Reply) -> Answered | Indeterminate:
    if reply.media_type == RECEIPT_TYPE and has_jws_form(reply.body):
        return Answered(reply.body)
    return Indeterminate("status 200 without a receipt")


def _code(reply: Reply) -> str:
    """The code of a problem document, or an empty text when the answer is none. The peer's prose is not taken over."""
    if reply.media_type != PROBLEM_TYPE or len(reply.body) > PROBLEM_BYTES_MAX:
        return ""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    code = document.get("code") if isinstance(document, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _seconds(value: str) -> float | None:
    """`Retry-After` in seconds; the date form is not used between gateways. No peer can put us off for ever."""
    return min(float(value), limits.BACKOFF_CAP_SECONDS) if _SECONDS.fullmatch(value) else None
