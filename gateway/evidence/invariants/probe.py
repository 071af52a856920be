"""For `doctor`: do the invariants hold? The newest rows, and some more at each run, until all were looked at; then again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Final, TypeVar

from gateway.core.directory import Snapshot
from gateway.core.health import Check, Finding, found
from gateway.core.ids import DocumentKey, OrganId
from gateway.core.model import InboxEntry
from gateway.core.ports import Blobs, Clock, Store
from gateway.evidence.invariants.arrived import blobs_of_entry
from gateway.evidence.invariants.breach import FINDING_OF, Breach
from gateway.evidence.invariants.files import FileLook
from gateway.evidence.invariants.look import (
    Found,
    ReceiptCheck,
    look_at_document,
    look_at_entry,
    look_at_inbox,
    look_at_log,
    look_at_stream,
    look_at_unheld,
    look_at_waiting,
    receipt_given,
    receipts_held,
)
from gateway.evidence.invariants.sent import blobs_of
from gateway.evidence.invariants.walk import NO_DOCUMENT, NO_STREAM, Walk, WalkFile

NEWEST_ROWS: Final = 50
WALK_ROWS: Final = 50
"""Of each kind in one run; a circular to 336 bodies is one of them, and takes a few hundredths of a second."""
SECONDS_MAX: Final = 12.0
"""A run that has come to this begins nothing more; the next one goes on from there."""
PAUSE_SECONDS: Final = 1.5
"""On PostgreSQL a leaf gets its place a moment after the commit that wrote it: what does not hold is looked at again."""

T = TypeVar("T")
Look = Callable[[], Awaitable[Found]]
Pair = tuple[OrganId, OrganId]


class InvariantsProbe:
    """Reads beside the running service; writes nothing but how far it has come."""

    check: Final = Check.INVARIANTS

    def __init__(  # noqa: PLR0913 - one thing each that is looked at
        self,
        *,
        store: Store,
        blobs: Blobs,
        snapshot: Snapshot,
        check_receipt: ReceiptCheck,
        walk: Path,
        clock: Clock,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._snapshot = snapshot
        self._check_receipt = check_receipt
        self._file = WalkFile(walk)
        self._clock = clock
        self._pause = pause
        self._files = FileLook(blobs)
        self._end = inf
        self._counts = dict.fromkeys(("documents", "entries", "streams"), 0)
        self._suspects: list[Look] = []
        self._pairs: dict[Pair, None] = {}
        """Streams of the documents that were looked at, in that order: one that has lost its own row is among them."""

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        self._end = self._clock.monotonic() + SECONDS_MAX
        await self._try(partial(self._store.read, look_at_log))
        await self._waiting()
        await self._newest()
        kept = await asyncio.to_thread(self._file.write, await self._walk(await asyncio.to_thread(self._file.read)))
        findings = _findings(await self._still())
        if not kept:
            findings.append(found("probe.invariants.unkept"))
        return tuple(findings) or (found("probe.invariants.good", **self._counts),)

    # --- which -------------------------------------------------------------------------------------------------------

    async def _newest(self) -> None:
        keys, newest = await self._store.read(
            lambda uow: (uow.inspection.newest_documents(NEWEST_ROWS), uow.inbox.newest())
        )
        await self._documents(keys)
        await self._entries(await self._after(max(0, newest - NEWEST_ROWS), NEWEST_ROWS))

    async def _waiting(self) -> None:
        """What is staged; it is no more than what is missing on the road."""
        await self._try(partial(self._store.read, look_at_unheld))
        pairs = await self._store.read(lambda uow: uow.inspection.waiting_pairs(WALK_ROWS))
        await self._all("streams", [partial(self._store.read, partial(look_at_waiting, pair)) for pair in pairs])

    async def _walk(self, walk: Walk) -> Walk:
        """Go on from where the last run stopped; at the end, begin again."""
        after = walk.document or None
        page = await self._store.read(lambda uow: uow.documents.page(after, WALK_ROWS))
        done = await self._documents([document.key for document in page])
        entries = await self._after(walk.cursor, WALK_ROWS)
        seen = await self._entries(entries)
        streams = await self._store.read(lambda uow: uow.inspection.streams_after(walk.stream, WALK_ROWS))
        pairs: list[Pair] = [(one.sender, one.recipient) for one in streams]
        told = await self._streams(pairs)
        await self._streams([pair for pair in self._pairs if pair not in pairs][:WALK_ROWS])
        return Walk(
            document=_next(walk.document, [document.key for document in page], done, NO_DOCUMENT),
            cursor=_next(walk.cursor, [entry.cursor for entry in entries], seen, 0),
            stream=_next(walk.stream, pairs, told, NO_STREAM),
        )

    async def _after(self, cursor: int, rows: int) -> tuple[InboxEntry, ...]:
        return await self._store.read(lambda uow: uow.inspection.entries_after(cursor, rows))

    # --- looking -----------------------------------------------------------------------------------------------------

    async def _documents(self, keys: Sequence[DocumentKey]) -> int:
        """Look at them as long as there is time; how many."""
        return await self._all("documents", [partial(self._document, key) for key in keys])

    async def _entries(self, entries: Sequence[InboxEntry]) -> int:
        done = await self._all("entries", [partial(self._entry, entry) for entry in entries])
        for recipient in sorted({entry.recipient for entry in entries[:done]}):
            await self._try(partial(self._store.read, partial(look_at_inbox, recipient)))
        return done

    async def _streams(self, pairs: Sequence[Pair]) -> int:
        reads = [partial(self._store.read, partial(look_at_stream, pair)) for pair in pairs]
        return await self._all("streams", reads)

    async def _all(self, kind: str, looks: Sequence[Look]) -> int:
        for done, look in enumerate(looks):
            if self._clock.monotonic() > self._end:
                return done
            await self._try(look)
            self._counts[kind] += 1
        return len(looks)

    async def _document(self, key: DocumentKey) -> Found:
        sent, known = await self._store.read(partial(look_at_document, key))
        if sent is None:
            return known
        numbered = [delivery.recipient for delivery in sent.deliveries if delivery.sequence]
        self._pairs.update(dict.fromkeys((sent.document.sender, recipient) for recipient in numbered))

        def rest() -> Found:
            receipts = receipts_held(sent, self._check_receipt, self._snapshot)
            return (*known, *self._files.breaches(blobs_of(sent)), *receipts)

        return await asyncio.to_thread(rest)

    async def _entry(self, entry: InboxEntry) -> Found:
        incoming, known = await self._store.read(partial(look_at_entry, entry))

        def rest() -> Found:
            given = receipt_given(incoming, self._check_receipt, self._snapshot) if incoming is not None else ()
            return (*known, *self._files.breaches(blobs_of_entry(entry)), *given)

        return await asyncio.to_thread(rest)

    async def _try(self, look: Look) -> None:
        if await look():
            self._suspects.append(look)

    async def _still(self) -> list[Breach]:
        """What does not hold after a moment either."""
        if not self._suspects:
            return []
        await self._clock.sleep(self._pause)
        self._files.forget_faults()
        still = [breach for look in self._suspects for breach in await look()]
        return list(dict.fromkeys(still))


def _next(last: T, page: Sequence[T], done: int, first: T) -> T:
    """Where to go on: after the last one that was looked at, or from the first one again."""
    if done == len(page) < WALK_ROWS:
        return first
    return page[done - 1] if done else last


def _findings(still: Sequence[Breach]) -> list[Finding]:
    """One finding for each invariant, with the first thing of which it does not hold."""
    findings = []
    for invariant, code in FINDING_OF.items():
        of = [breach for breach in still if breach.invariant is invariant]
        if of:
            findings.append(found(code, count=len(of), what=of[0].what, why=of[0].why))
    return findings
