"""Why a file is refused before anybody looks at what it says."""

from enum import StrEnum

from gateway.core.errors import SenderError


class Refusal(StrEnum):
    """The `reason` of an `envelope.malformed` that safe XML raises: stable words, no content."""

    EMPTY = "empty"
    BYTES = "bytes"
    """The file is larger than its cap."""
    MARKUP = "markup"
    """Its markup alone, without the attachments, is."""
    ENCODING = "encoding"
    """Not UTF-8, or not XML 1.0."""
    DOCTYPE = "doctype"
    COMMENT = "comment"
    INSTRUCTION = "instruction"
    JUNK = "junk"
    """Something other than an element at the beginning."""
    DEPTH = "depth"
    NODES = "nodes"
    ATTRIBUTES = "attributes"
    TEXT = "text"
    """One text, attribute or name longer than the parser's bound."""
    SYNTAX = "syntax"
    """Not well-formed."""
    PREFIX = "prefix"
    """A prefix without a declaration."""
    PAYLOAD = "payload"
    """Something other than text inside a ContentTransferEncoded."""
    PAYLOADS = "payloads"
    """More attachments than their cap."""


def refuse(reason: Refusal, *, line: int | None = None) -> SenderError:
    """The error to raise; `line` (from 1) only where it helps to find the place."""
    place = {} if line is None else {"line": line}
    return SenderError("envelope.malformed", reason=reason.value, **place)
