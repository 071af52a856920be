"""Claims on blobs, and the leases that hold them: whose bytes may be removed, and whose not.

Blobs are content-addressed, so two requests may put the same one. Each lease holds a claim on what was put through it. A
blob is removed only if all of this holds, and the order is what makes it safe:

1. nobody holds a claim on it: it becomes a *suspect*;
2. no row names it (the database was asked after 1);
3. nobody claimed it since 1. A claim acquits a suspect, also one that was given back again meanwhile: its unit may have
   named the blob after the database was asked.

3 and the removal are one step under the lock that every claim passes, and a claim comes before the bytes get their name:
so whoever puts either acquits the blob, or names its own bytes after the removal. `keeper` asks and removes. Claims and
removals are made in threads and may wait for the disk; what the event loop calls waits for the books alone.

A lease that ends in doubt (its unit may still come to pass, and nobody will say so) leaves a mark on its blobs instead:
they are no suspects, whoever else puts and gives back the same, before a whole sweep has gone by. When there are more
marks than can be kept, every blob has one.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from threading import Lock
from types import TracebackType
from typing import Final, Protocol, Self

from gateway.core.errors import GatewayError
from gateway.core.ids import Digest
from gateway.core.ledgers import StaleStateError
from gateway.core.model import BlobRef
from gateway.core.ports import NO_UNIT

RETURNED_MAX: Final = 20_000
"""Digests that wait to be looked at (about 2 MB): more, while the database does not answer, are left to the sweep."""
DOUBTED_MAX: Final = 20_000
"""Digests in doubt that are told apart: more, and all blobs are in doubt until two whole sweeps have gone by."""
_UNDECIDED: Final = frozenset({"store.busy", "store.damaged", "store.failing"})
"""After these nobody knows whether the unit came to pass, or still will."""

Claim = Callable[[Digest], None]
"""Takes a claim; called, from any thread, when the digest is known and before the bytes get their name."""


class Claims:
    """Who holds what, in this one process (the store's lock sees to it that there is no other). For any thread."""

    def __init__(self) -> None:
        self._books = Lock()
        self._disk = Lock()
        self._held: Counter[Digest] = Counter()
        self._suspects: set[Digest] = set()
        self._returned: set[Digest] = set()
        self._doubts = _Doubts()
        self._doubts_before = _Doubts()
        self._news = asyncio.Event()

    async def returned(self) -> frozenset[Digest]:
        """Wait until leases gave something back, and take all of it: what has to be looked at."""
        await self._news.wait()
        return self.take_returned()

    def take_returned(self) -> frozenset[Digest]:
        """What leases gave back since it was last taken."""
        with self._books:
            taken, self._returned = frozenset(self._returned), set()
            self._news.clear()
        return taken

    def suspect(self, digests: Collection[Digest]) -> frozenset[Digest]:
        """Those that nobody holds or doubts; suspects from now on, until somebody claims them. One caller at a time."""
        with self._books:
            self._suspects = {digest for digest in digests if not self._is_needed(digest)}
            return frozenset(self._suspects)

    def swept(self) -> None:
        """A sweep is over: doubts that are older than the one before it are forgotten."""
        with self._books:
            self._doubts_before, self._doubts = self._doubts, _Doubts()

    def remove(self, digest: Digest, unlink: Callable[[Digest], int]) -> int | None:
        """Remove a suspect that nobody acquitted; what `unlink` returned, None when it stays. In a thread."""
        with self._disk:
            with self._books:
                if digest not in self._suspects:
                    return None
                self._suspects.discard(digest)
            return unlink(digest)

    def take(self, lease: "Lease", digest: Digest) -> None:
        """One more claim of a lease. In a thread."""
        with self._disk, self._books:
            if lease.ended:  # a thread that outlived its cancelled caller: the draft is discarded
                raise RuntimeError("a lease that has ended")
            self._suspects.discard(digest)
            lease.digests.append(digest)
            self._held[digest] += 1

    def give_back(self, lease: "Lease", *, decided: bool) -> None:
        """All claims of a lease, which has ended; `decided`: what became of its units is known."""
        with self._books:
            lease.ended = True
            for digest in lease.digests:
                self._held[digest] -= 1
                if not self._held[digest]:
                    del self._held[digest]
            if not decided:
                self._doubts.add(lease.digests)
            elif lease.digests and len(self._returned) < RETURNED_MAX:
                self._returned.update(lease.digests)
                self._news.set()

    def _is_needed(self, digest: Digest) -> bool:
        return bool(self._held[digest]) or digest in self._doubts or digest in self._doubts_before


class _Doubts:
    """Digests of which nobody knows whether a row will name them."""

    def __init__(self) -> None:
        self._digests: set[Digest] = set()
        self._all = False

    def add(self, digests: Collection[Digest]) -> None:
        self._digests.update(digests)
        if len(self._digests) > DOUBTED_MAX:
            self._all, self._digests = True, set()

    def __contains__(self, digest: Digest) -> bool:
        return self._all or digest in self._digests


class BlobWriter(Protocol):
    """A blob store as its leases use it."""

    async def write(self, chunks: AsyncIterator[bytes], *, limit: int, claim: Claim) -> BlobRef:
        """See `BlobLease.put`. MUST claim before the bytes get their name."""
        ...

    async def write_bytes(self, data: bytes, *, claim: Claim) -> BlobRef:
        """See `BlobLease.put_bytes`; the same."""
        ...


class Lease:
    """Implements `gateway.core.ports.BlobLease`, and the context that it lasts."""

    def __init__(self, writer: BlobWriter, claims: Claims, /) -> None:
        self._writer = writer
        self._claims = claims
        self.ended = False
        self.digests: list[Digest] = []

    async def put(self, chunks: AsyncIterator[bytes], *, limit: int) -> BlobRef:
        """See `BlobLease.put`."""
        return await self._writer.write(chunks, limit=limit, claim=self._claim)

    async def put_bytes(self, data: bytes) -> BlobRef:
        """See `BlobLease.put_bytes`."""
        return await self._writer.write_bytes(data, claim=self._claim)

    def _claim(self, digest: Digest) -> None:
        self._claims.take(self, digest)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._claims.give_back(self, decided=error is None or is_decided(error))


def is_decided(error: BaseException) -> bool:
    """Whether no unit of work can still come to pass that was handed in before this error came out.

    A refusal is; a cancelled caller's unit may be in the queue (unless `NO_UNIT` is noted), and a connection that was lost
    under a COMMIT tells nothing.
    """
    if any(NO_UNIT in getattr(said, "__notes__", ()) for said in (error, error.__cause__)):
        return True
    if isinstance(error, GatewayError):
        return error.code not in _UNDECIDED
    return isinstance(error, StaleStateError)
