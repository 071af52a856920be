"""Trace ids as W3C Trace Context (Recommendation, 2021-11-23) writes them in the `traceparent` header."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.core.ids import Entropy

# Section 3.2.2: version, trace-id, parent-id, trace-flags, lower-case hex; a later version may append more fields.
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]{1,400})?")
_NO_TRACE: Final = "0" * 32
_NO_PARENT: Final = "0" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceParent:
    """The caller's place in a trace."""

    trace_id: str
    """32 lower-case hex digits, not all zero."""
    parent_id: str
    """16 lower-case hex digits, not all zero."""
    sampled: bool = True

    def header(self) -> str:
        """The value of a `traceparent` header, version 00."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"


def new_trace_id(entropy: Entropy) -> str:
    """A fresh trace id: 32 hex digits, never all zero (section 3.2.2.3)."""
    return _nonzero_hex(entropy, 16)


def new_parent_id(entropy: Entropy) -> str:
    """A fresh span id: 16 hex digits, never all zero (section 3.2.2.4)."""
    return _nonzero_hex(entropy, 8)


def parse_traceparent(header: str | None) -> TraceParent | None:
    """The caller's trace, or None: a header that is absent or wrong in any way starts a new trace (section 3.2.2.5)."""
    found = _TRACEPARENT.fullmatch(header) if header is not None else None
    if found is None:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace_id == _NO_TRACE or parent_id == _NO_PARENT:
        return None
    return TraceParent(trace_id=trace_id, parent_id=parent_id, sampled=bool(int(flags, 16) & 1))


def _nonzero_hex(entropy: Entropy, size: int) -> str:
    drawn = int.from_bytes(entropy(size))
    return f"{drawn or 1:0{2 * size}x}"
