"""Saying: what an office writes to another in a status message, and the outgoing row that carries it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.core.errors import SenderError
from gateway.core.fields import FieldFault
from gateway.core.ids import Digest, DocumentKey
from gateway.core.limits import REASON_CHARS_MAX
from gateway.core.message import StatusMessage
from gateway.core.model import Document
from gateway.core.plain_text import first_unseen
from gateway.core.secrecy import find_mark
from gateway.core.states import DocumentState, MessageKind
from gateway.exchange.desk import Desk
from gateway.exchange.fields import check_fields

_SEPARATING: Final = re.compile(r"[\s%]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who says it, and the trace of the request."""

    principal: str
    trace_id: str


def said_words(reason: str, *, limit: int = REASON_CHARS_MAX) -> str:
    """The words of an office as they are sent: one line, NFC.

    Raises:
        SenderError: `reason.missing`, `request.field`, `secrecy.marked`.
    """
    words = unicodedata.normalize("NFC", " ".join(reason.split()))
    if not words:
        raise SenderError("reason.missing")
    check_fields(_faults(words, limit))
    if mark := find_mark(words):
        raise SenderError("secrecy.marked", mark=mark)
    return words


def _faults(words: str, limit: int) -> Iterator[FieldFault]:
    if len(words) > limit:
        yield FieldFault(path="reason", code="field.too_long", params={"limit": limit})
    if unseen := first_unseen(words):
        yield FieldFault(path="reason", code="field.characters", params={"codepoint": unseen})


def status_row(status: StatusMessage, *, about: Digest, by: Speaker, desk: Desk, part: str = "") -> Document:
    """The outgoing row of a status message. It has no DocumentId of its own: the row's name is made from its parts.

    `about`: digest of the envelope that it speaks of. `part`: what tells it from another one with the same parts.
    """
    answered, now = status.response_for, desk.clock.now()
    # A stranger chose the DocumentId: what separates the parts must not be in it, or two answers could have one name.
    about_id = _SEPARATING.sub(lambda found: quote(found[0]), answered.document_id)
    name = " ".join(filter(None, ("status", status.status, answered.organ_id, about_id, part)))
    return Document(
        key=DocumentKey(desk.new_key()),
        kind=MessageKind.STATUS,
        sender=status.sender.organ_id,
        document_id=name,
        state=DocumentState.ACCEPTED,
        reason="",
        reason_params=(),
        metadata=None,
        status=status,
        attachments=(),
        may_seal=False,
        principal=by.principal,
        idempotency_key=name,
        request_digest=about,
        envelope=None,
        accepted_at=now,
        changed_at=now,
        trace_id=by.trace_id,
        last_leaf="",
    )
