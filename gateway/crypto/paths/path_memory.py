"""Certificate paths that were found good, kept for as long as nothing that they were judged by can have changed.

The same certificate signs thousands of envelopes, and walking its path again, with every revocation list read anew, was two
fifths of a judge's time. Whether a path is good follows from four things: the certificate, the certificates that came along,
whom we believe (`Trust`, revocation lists included), and the moment. The first two are the key, byte for byte; the third
owns the memory (one for each `Trust`, so another bundle begins with an empty one); for the moment, every time at which the
answer could turn is known beforehand: beginnings and ends of validity, issue and next issue of revocation lists, dates of
revocation. Between two of these *turns* the answer is the same, so a good path is remembered with the two turns around the
moment it was judged at, and served only between them, a margin left out on both sides.

Why this is safe in a judge, which reads strangers' files: only `judge_certificate` writes here, and what it writes is its own
finding about the very bytes it was asked about; nothing that a file claims is kept, and one file can at most push others out
(`PATHS_MAX`). Only good paths are kept: whatever else was found is found again. Usage, strength and the mark of a demo are
looked at each time. A judge whose code was taken over can forge verdicts with or without this memory, until it is replaced
(`judge`); its memory dies with it and is shared with no other process.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final, Generic, TypeVar

T = TypeVar("T")

PATHS_MAX: Final = 2_000
"""Remembered at most; each takes about 300 bytes. More than the bodies that write to one gateway in a day."""
TOLERANCE: Final = timedelta(seconds=1)
"""By how much the path validator itself bends each of these times."""
MARGIN: Final = timedelta(seconds=5)

_EVER: Final = datetime.max.replace(tzinfo=UTC)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

assert TOLERANCE < MARGIN


@dataclass(frozen=True, slots=True)
class _Span(Generic[T]):
    after: datetime
    before: datetime
    found: T


class PathMemory(Generic[T]):
    """Good paths to the anchors of one `Trust`, with what was found. Readers and writers may be in any thread."""

    def __init__(self, turns: Iterable[datetime] | None, *, limit: int = PATHS_MAX) -> None:
        self._turns = None if turns is None else sorted(set(turns))
        """When answers can turn because of the `Trust` itself; None: that is not known, and nothing is remembered."""
        self._limit = limit
        self._spans: OrderedDict[bytes, _Span[T]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._spans)

    def recall(self, key: bytes, moment: datetime) -> T | None:
        """What was found of this path, if it is known to be good at this moment; None: it has to be walked."""
        with self._lock:
            span = self._spans.get(key)
            if span is None or not span.after < moment < span.before:
                return None
            self._spans.move_to_end(key)
            return span.found

    def keep(self, key: bytes, moment: datetime, found: T, *, turns: Sequence[datetime]) -> None:
        """Remember a path that was found good at this moment; `turns`: those of the certificates that came with it."""
        if self._turns is None:
            return
        place = bisect_right(self._turns, moment)
        near = (*self._turns[max(place - 1, 0) : place + 1], *turns)
        after = max((turn for turn in near if turn <= moment), default=_NEVER) + MARGIN
        before = min((turn for turn in near if turn > moment), default=_EVER) - MARGIN
        if not after < moment < before:
            return
        with self._lock:
            self._spans[key] = _Span(after, before, found)
            self._spans.move_to_end(key)
            while len(self._spans) > self._limit:
                self._spans.popitem(last=False)


def path_key(leaf: bytes, others: Sequence[bytes]) -> bytes:
    """One name for a certificate and those that came along, in their order: digests of fixed length, so none is ambiguous."""
    return sha256(b"".join(sha256(der).digest() for der in (leaf, *others))).digest()
