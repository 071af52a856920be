"""The publisher: the in-process signer of checkpoints, and the first witness of its own log.

Order is everything. Leaves and head are committed; then

1. the new head must grow out of the last checkpoint in the signer's *own* memory, by a consistency proof from stored nodes;
2. the checkpoint is signed;
3. the memory is durable;
4. only then the checkpoint is published, and whoever waits for it (receipts) goes on.

A signature that left the house before 3 could be forgotten in a crash, and the next one would fork the log. What is not
consistent ends the signing for good: a person has to look.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.checkpoint import Checkpoint, format_checkpoint, open_checkpoint
from gateway.audit.errors import AuditError, ProofError
from gateway.audit.memory import CheckpointMemory
from gateway.audit.note import VerifierKey, sign_note
from gateway.audit.proof import InclusionProof, prove_covered
from gateway.audit.tree import consistency_path, consistency_positions, root_at, root_positions, verify_consistency
from gateway.core.disk_errors import FAILING
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import CHECKPOINT_IDLE_SECONDS, CHECKPOINT_RETRY_SECONDS
from gateway.core.log import Log
from gateway.core.ports import Clock, Signer, Store
from gateway.observe import logger

PROVEN_LEAVES_MAX: Final = 2_000
"""Proven in one reading unit, or those of one who waits: some 10 ms."""
PLACED_SECONDS: Final = 10.0
"""Leaves are placed right after the commit that left them; a store that is in trouble gets this long."""
PLACED_LOOK_SECONDS: Final = 0.05
"""Looked again for leaves that are not placed yet: another node's sequencer tells nobody here."""

_log = logger(__name__)

Proofs = Mapping[bytes, InclusionProof]
_Found = Proofs | SiteError | None
"""What became of those who wait for proofs: None, their leaves have no place yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCheckpoint:
    """A checkpoint that is signed, in the signer's memory, and in the database."""

    size: int
    root: bytes
    note: str
    """C2SP signed note: what goes into receipts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """Leaves whose proofs somebody waits for."""

    leaves: Sequence[bytes]
    promise: "asyncio.Future[tuple[PublishedCheckpoint, Proofs]]"


class CheckpointPublisher:
    """Signs the head of the log whenever somebody waits for it, and otherwise soon."""

    def __init__(  # noqa: PLR0913 - the parts by name
        self,
        *,
        store: Store,
        signer: Signer,
        origin: str,
        memory: CheckpointMemory,
        clock: Clock,
        kept: int = 0,
        on_fatal: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        """`origin`, `kept`: of the log in force (`LogInForce`). `on_fatal`: told that the memory's disk fails."""
        self._kept = kept
        self._on_fatal = on_fatal
        self.key = VerifierKey.of(origin, signer.public_key)
        """The log's verifier key: `key.format()` is what stands in the registry."""
        self._store = store
        self._signer = signer
        self._memory = memory
        self._clock = clock
        self._signed: PublishedCheckpoint | None = None
        """What the memory holds."""
        self._published: PublishedCheckpoint | None = None
        self._failure: SiteError | None = None
        self._waiting: dict[asyncio.Future[PublishedCheckpoint], int] = {}
        self._asked: dict[_Asked, None] = {}
        """In the order in which they are served."""
        self._look_again = False
        """Whether leaves that are asked for had no place when they were looked for."""
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()

    @property
    def failure(self) -> SiteError | None:
        """Why nothing is signed any more; None while the signer is well."""
        return self._failure

    @property
    def published_size(self) -> int:
        """Leaves under the newest published checkpoint."""
        return self._published.size if self._published else 0

    def notify(self, head: TreeHead) -> None:
        """Say that the log has grown. For the loop's own thread; from another use `loop.call_soon_threadsafe`."""
        if self._signed is None or head.size > self._signed.size:
            self._changed.set()

    async def covering(self, size: int) -> PublishedCheckpoint:
        """A published checkpoint of at least `size` leaves, as soon as there is one. One checkpoint serves all who wait.

        Raises:
            SiteError: `audit.inconsistent` when signing has stopped for good; `store.busy` when `run` was cancelled.
        """
        if self._failure is not None:
            raise _again(self._failure)
        if self._published is not None and self._published.size >= size:
            return self._published
        waiter: asyncio.Future[PublishedCheckpoint] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = size
        self._wanted.set()
        self._changed.set()
        try:
            return await waiter
        finally:
            self._waiting.pop(waiter, None)

    async def proving(self, leaf_hashes: Sequence[bytes]) -> tuple[PublishedCheckpoint, Proofs]:
        """A published checkpoint that covers these leaves, and their proofs: one reading unit serves all who wait.

        Raises:
            SiteError: as `covering`; `store.busy`: no sequencer placed them in time; `store.damaged`: nodes are missing.
        """
        if self._failure is not None:
            raise _again(self._failure)
        asked = _Asked(leaves=leaf_hashes, promise=asyncio.get_running_loop().create_future())
        self._asked[asked] = None
        self._wanted.set()
        self._changed.set()
        try:
            async with asyncio.timeout(PLACED_SECONDS):
                return await asked.promise
        except TimeoutError as error:
            raise SiteError("store.busy") from error
        finally:
            self._asked.pop(asked, None)

    async def run(self) -> None:
        """Sign and publish until cancelled. A publisher runs once: after it, `covering` only says why it ended.

        Raises:
            SiteError: `audit.inconsistent`: the log does not grow out of what was signed; nothing is signed any more.
                `store.failing`: the disk of the signer's memory fails; the process has to end.
        """
        try:
            self._signed = await recall(self._memory, self.key)
            await self._advance_patiently()
            while True:
                await self._until_due()
                await self._advance_patiently()
        except SiteError as error:
            self._failure = error
            raise
        except asyncio.CancelledError:
            self._failure = SiteError("store.busy")
            raise
        finally:
            self._failure = self._failure or SiteError("internal")
            self._dismiss(self._failure)

    async def _until_due(self) -> None:
        """Return at once when somebody waits; else let the leaves of a while gather under one signature."""
        if self._look_again:
            await self._either(self._changed, PLACED_LOOK_SECONDS)
        else:
            await self._changed.wait()
        if not self._waiting and not self._asked:
            await self._either(self._wanted, CHECKPOINT_IDLE_SECONDS)
        self._changed.clear()
        self._wanted.clear()

    async def _either(self, event: asyncio.Event, seconds: float) -> None:
        """The event, or so much time."""
        happens = asyncio.ensure_future(event.wait())
        passes = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({happens, passes}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            happens.cancel()
            passes.cancel()

    async def _advance_patiently(self) -> None:
        """`_advance`, again after a pause when the store was busy or the disk full: nothing has left the house then."""
        while True:
            try:
                return await self._advance()
            except SiteError as error:
                if not error.facts.retryable:
                    raise
                _log.warning("checkpoint.delayed", reason=error.code)
            except OSError as error:
                if error.errno in FAILING:  # nobody knows what is on the disk: who starts again reads it
                    self._on_fatal(error)
                    raise SiteError("store.failing", reason=str(error)) from error
                _log.error("checkpoint.delayed", reason=str(error))
            await self._clock.sleep(CHECKPOINT_RETRY_SECONDS)

    async def _advance(self) -> None:
        signed, asked = self._signed, self._batch()

        def look(uow: UnitOfWork) -> tuple[TreeHead, int, list[_Found]]:
            head, stored_size = examine(uow.log, signed, self.key, kept=self._kept)
            return head, stored_size, _prove_each(uow, [one.leaves for one in asked], head.size)

        head, stored_size, found = await self._store.read(look)
        self._look_again = any(proofs is None for proofs in found)
        if head.size > (signed.size if signed else 0):
            signed = self._signed = await self._sign(head)
        if signed is None:
            return
        if stored_size < signed.size:
            await self._store.transact(lambda uow: _publish(uow, signed))
        self._published = signed
        for waiter, size in self._waiting.items():
            if size <= signed.size and not waiter.done():
                waiter.set_result(signed)
        self._hand_out(signed, asked, found)

    def _batch(self) -> list[_Asked]:
        """Who is served next: the first, and after it as many as their leaves allow."""
        room, batch = PROVEN_LEAVES_MAX, list[_Asked]()
        for one in self._asked:
            room -= len(one.leaves)
            if batch and room < 0:
                break
            batch.append(one)
        return batch

    def _hand_out(self, signed: PublishedCheckpoint, asked: Sequence[_Asked], found: Sequence[_Found]) -> None:
        """The proofs are of the very head that was signed. Whose leaves have no place yet is served after the others."""
        for one, proofs in zip(asked, found, strict=True):
            waits = one in self._asked  # else it has given up
            self._asked.pop(one, None)
            if proofs is None and waits:
                self._asked[one] = None
            elif proofs is not None and not one.promise.done():
                _settle(one.promise, signed, proofs)
        if self._asked and any(proofs is not None for proofs in found):
            self._changed.set()

    async def _sign(self, head: TreeHead) -> PublishedCheckpoint:
        checkpoint = Checkpoint(origin=self.key.name, size=head.size, root=head.root)
        try:
            note = await sign_note(format_checkpoint(checkpoint), key=self.key, signer=self._signer)
        except AuditError as error:
            raise SiteError("audit.inconsistent", reason=f"the signer failed its own check: {error}") from error
        await self._memory.remember(note)
        return PublishedCheckpoint(size=head.size, root=head.root, note=note)

    def _dismiss(self, error: SiteError) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(_again(error))
        for asked in self._asked:
            if not asked.promise.done():
                asked.promise.set_exception(_again(error))


async def recall(memory: CheckpointMemory, key: VerifierKey) -> PublishedCheckpoint | None:
    """What the signer remembers having signed.

    Raises:
        SiteError: `audit.inconsistent`: the memory cannot be read, or another key signed it.
    """
    note = await memory.recall()
    if note is None:
        return None
    try:
        checkpoint = open_checkpoint(note, [key])
        if checkpoint.origin != key.name:
            raise ProofError("it is of another log of ours")
    except AuditError as error:
        raise SiteError("audit.inconsistent", reason=f"the signer's memory is not its own: {error}") from error
    return PublishedCheckpoint(size=checkpoint.size, root=checkpoint.root, note=note)


def examine(log: Log, signed: PublishedCheckpoint | None, key: VerifierKey, *, kept: int = 0) -> tuple[TreeHead, int]:
    """The head, once it is known to grow out of what was signed, and the size of the checkpoint in the database.

    `kept`: checkpoints up to that size are those of a predecessor, before a restore; this signer never saw them.

    Raises:
        SiteError: `audit.inconsistent`.
    """
    head, stored = log.head(), log.checkpoint()
    try:
        if stored is not None and stored[0] > kept:
            _check_published(stored, signed, key)
        _check_growth(log, signed, head)
    except KeyError as error:
        raise SiteError("audit.inconsistent", reason="a node of the tree is missing", size=head.size) from error
    except AuditError as error:
        raise SiteError("audit.inconsistent", reason=str(error), size=head.size) from error
    return head, stored[0] if stored else 0


def _check_published(stored: tuple[int, str], signed: PublishedCheckpoint | None, key: VerifierKey) -> None:
    size, note = stored
    if signed is None or signed.size < size:
        # Publishing comes after remembering, so only a lost or restored memory can be behind the database.
        raise ProofError("the signer's memory is older than the published checkpoint")
    if signed.size == size and signed.note != note:
        published = open_checkpoint(note, [key])
        if (published.size, published.root) != (signed.size, signed.root):
            raise ProofError("the published checkpoint is not the one that was signed")


def _check_growth(log: Log, signed: PublishedCheckpoint | None, head: TreeHead) -> None:
    if signed is None or signed.size == 0:
        # RFC 6962 section 2.1.2 proves nothing from an empty tree; what can be checked is that the head is the tree's.
        if root_at(head.size, log.nodes(root_positions(head.size))) != head.root:
            raise ProofError("the head is not the root of the stored tree")
        return
    if head.size < signed.size:
        raise ProofError("the log is shorter than what was signed")
    nodes = log.nodes(consistency_positions(signed.size, head.size))
    path = consistency_path(signed.size, head.size, nodes)
    verify_consistency(old_size=signed.size, new_size=head.size, old_root=signed.root, new_root=head.root, path=path)


def _settle(
    promise: "asyncio.Future[tuple[PublishedCheckpoint, Proofs]]",
    signed: PublishedCheckpoint,
    found: Proofs | SiteError,
) -> None:
    if isinstance(found, SiteError):
        promise.set_exception(found)
    else:
        promise.set_result((signed, found))


def _prove_each(uow: UnitOfWork, asked: Sequence[Sequence[bytes]], size: int) -> list[_Found]:
    """The proofs of all who ask, from one look at the tree; a part of it that is damaged costs only those under it."""
    try:
        proofs = prove_covered(uow, [leaf for leaves in asked for leaf in leaves], size)
    except KeyError:
        return [_prove_one(uow, leaves, size) for leaves in asked]
    return [_all_of(proofs, leaves) for leaves in asked]


def _prove_one(uow: UnitOfWork, leaves: Sequence[bytes], size: int) -> _Found:
    try:
        return _all_of(prove_covered(uow, leaves, size), leaves)
    except KeyError:
        return SiteError("store.damaged", reason="a node of the tree is missing")


def _all_of(proofs: Proofs, leaves: Sequence[bytes]) -> Proofs | None:
    found = {leaf: proofs[leaf] for leaf in leaves if leaf in proofs}
    return found if len(found) == len(set(leaves)) else None


def _publish(uow: UnitOfWork, signed: PublishedCheckpoint) -> None:
    stored = uow.log.checkpoint()
    if stored is None or stored[0] < signed.size:
        uow.log.publish(signed.size, signed.note)


def _again(error: SiteError) -> SiteError:
    """A fresh copy for each caller: one exception raised in many tasks would carry all their tracebacks."""
    return SiteError(error.code, **error.params)
