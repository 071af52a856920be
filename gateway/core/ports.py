"""Where strangers meet: few, large verbs, with the promises in MUST words (RFC 2119).

A conductor is handed these in its constructor and never learns which class stands behind them; `gateway.app` alone
plugs them together. Each port has one contract suite in `tests/contract`, run on every implementation, the fakes of
`tests/kit` included.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, ParamSpec, Protocol, TypeVar

from gateway.core.carrying import CarryResult, Unknown
from gateway.core.directory import Snapshot
from gateway.core.events import TreeHead
from gateway.core.health import Check, Finding
from gateway.core.ids import OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.metrics import Metric
from gateway.core.model import BlobRef, ReceiptLine, Transfer, TransferSlip
from gateway.core.principal import Presented, Principal
from gateway.core.verdict import EnvelopeReading, FileVerdict, ForeignReading, SignatureVerdict

T = TypeVar("T")
P = ParamSpec("P")

# --- Time ------------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time. Nobody else calls `datetime.now`, `time.monotonic` or `asyncio.sleep`."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never steps back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a simulated clock jumps instead."""
        ...


# --- The database ----------------------------------------------------------------------------------------------------


class Store(Protocol):
    """The database."""

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit of work in one transaction and return its result once that is durable.

        * MUST NOT return before the commit is on disk (fsync); MUST undo everything when `work` raises, and re-raise.
        * `work` MUST have no side effects, MUST NOT wait, MAY be run in another thread, and is short (< 20 ms).
        * Units see each other's effects in one order. One unit's failure MUST NOT undo its neighbour in a group commit.
        * Cancelling the caller does not undo a unit that has begun.

        Raises:
            SiteError: `store.busy` when the queue is full, `store.damaged` when the database cannot be trusted any more.
        """
        ...

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit that only reads, on one consistent snapshot, beside the writer. A write in it MUST fail."""
        ...

    def check_room(self) -> None:
        """Look, without waiting, whether a unit handed in now would be taken in.

        Raises:
            SiteError: `store.busy`, `store.damaged`, as `transact` would.
        """
        ...

    async def close(self) -> None:
        """Finish the units already taken, refuse new ones, close the files. MAY be called twice."""
        ...


class CommitListener(Protocol):
    """Told after each durable commit what it left behind; called from any thread and MUST return at once."""

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        """`work_added`: some item became due. `head`: the new tree head when leaves were sequenced in this commit."""
        ...


# --- Payloads --------------------------------------------------------------------------------------------------------


NO_UNIT: Final = "no unit of work was handed in"
"""Noted (PEP 678) on an error, or its cause, that ends a lease before a unit could name what was put: no doubt remains."""


class BlobLease(Protocol):
    """What one request or one step puts, until it ends."""

    async def put(self, chunks: AsyncIterator[bytes], *, limit: int) -> BlobRef:
        """Store a stream. When it returns, file and folder are fsynced; equal content is stored once.

        Raises:
            SenderError: `size.limit` when more than `limit` bytes come; nothing stays behind.
        """
        ...

    async def put_bytes(self, data: bytes) -> BlobRef:
        """Store bytes that are already in memory, with the same promise."""
        ...


class Blobs(Protocol):
    """Content-addressed bytes. Blobs never change; what is named by a row is there."""

    def lease(self) -> AbstractContextManager[BlobLease]:
        """Around everything that puts, up to the unit of work that names what was put (a lease inside another is fine).

        While it lasts nothing that was put through it is removed. When it ends, what no row names MUST be removed soon;
        but what is put, named or leased by somebody else meanwhile MUST stay. When it ends in an error after which a unit
        may still come to pass (a cancelled caller, a busy store), nothing MUST be removed but by a sweep, much later.
        """
        ...

    def path(self, ref: BlobRef) -> Path:
        """Where the blob lies, for a judge or a file answer. MUST NOT be given to a user."""
        ...

    async def read(self, ref: BlobRef) -> bytes:
        """The whole blob, its digest checked.

        Raises:
            SiteError: `blob.damaged` when it is missing or its digest is another.
        """
        ...


# --- Keys and judgement ----------------------------------------------------------------------------------------------


class Signer(Protocol):
    """Signs bytes with one key it guards. Which algorithm it is, the key's owner knows."""

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        ...

    async def sign(self, data: bytes) -> bytes:
        """The signature over `data`, in the form of the algorithm (RSA PKCS#1 v1.5, Ed25519: RFC 8032, ECDSA: DER)."""
        ...


class Sealer(Protocol):
    """Holds the keys of bodies: seals that were entrusted to this gateway, and transport keys for envelopes."""

    def entrusted(self, organ: OrganId) -> bool:
        """Whether that body has entrusted its seal to this gateway."""
        ...

    async def seal(self, pdf: Path, organ: OrganId) -> bytes:
        """The PDF with the body's PAdES B-B seal added as an incremental update. MUST check its own certificate first.

        The private key MUST live in a process that never parses the document.

        Raises:
            SiteError: `key.missing`; SenderError: `file.unreadable`, `worker.killed`.
        """
        ...

    async def sign_envelope(self, skeleton: bytes, organ: OrganId) -> bytes:
        """The envelope skeleton (attachments cut out) with the body's XAdES signature as house.md lays down.

        Raises:
            SiteError: `key.missing`.
        """
        ...


class Judge(Protocol):
    """A place where a function may look at a stranger's file: a killable process without keys and without network."""

    def on_behalf(self, whose: str) -> "Judge":
        """For the files of a body, a key or a peer. These MUST take turns, however many files each of them brings."""
        ...

    async def run(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a pure, importable function there; MUST NOT begin it once its caller has gone. What it returns or raises.

        MUST bound CPU, memory and time (`limits.JUDGE_*`); a killed task fails alone and its process is replaced.

        Raises:
            SenderError: `worker.killed`, with the bound it hit.
            SiteError: `worker.busy`: too many wait.
        """
        ...


class PublishedCheckpoint(Protocol):
    """A signed tree head that is durable."""

    @property
    def size(self) -> int:
        """Leaves it covers."""
        ...

    @property
    def note(self) -> str:
        """C2SP signed note."""
        ...


class Checkpoints(Protocol):
    """The signer of the audit log, as those see it who wait for a checkpoint."""

    async def covering(self, size: int) -> PublishedCheckpoint:
        """The newest checkpoint once one of at least `size` leaves is signed and durable.

        Raises:
            SiteError: `audit.inconsistent` when the signer refuses to sign (its memory says otherwise).
        """
        ...


# --- The registry and the road ---------------------------------------------------------------------------------------


class Directory(Protocol):
    """The registry in force."""

    def current(self) -> Snapshot:
        """The active snapshot: one object per edition, so a caller keeps a consistent view as long as it holds it."""
        ...


class Transport(Protocol):
    """Carries one transfer to one destination gateway. Outcomes are data; it raises only for our own mistakes."""

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        """Hand over the slip and the envelope's bytes. Carrying the same transfer again MUST be harmless."""
        ...

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        """Ask what became of a transfer whose answer was lost, without sending the payload."""
        ...


# --- Who asks --------------------------------------------------------------------------------------------------------


class Authenticator(Protocol):
    """Turns what a caller shows into who it is."""

    async def authenticate(self, presented: Presented) -> Principal | None:
        """The principal of what is presented, or None: unknown, wrong, expired, revoked and out of place are not told apart.

        Where a key is presented it alone decides, and MUST be good: a certificate beside it neither helps nor adds
        anything. Without one, the certificate decides; its validity MUST be looked at on every call.

        MUST take the same path (and about the same time) for an unknown key id as for a wrong secret, and MUST honour
        a revocation within 60 s. MUST NOT admit from an address outside the credential's list.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How one bucket stands after a request: what the caller is told in `RateLimit` and `Retry-After`."""

    policy: str
    """Whose bucket: `key`, `address` or `failures`; `bytes`: what a key hands in."""
    quota: int
    """Requests (or bytes) that a full bucket holds."""
    window_seconds: int
    """An empty bucket is full again after this long."""
    remaining: int
    reset_seconds: int
    """The bucket is full again after this long."""
    wait_seconds: int
    """0: admitted, and counted. Else refused, not counted, and one request may be made after this long."""


class RateLimiter(Protocol):
    """Counts requests and holds back who makes too many. Never waits."""

    def pass_address(self, address: str) -> Allowance:
        """One request from an address by somebody who is not known."""
        ...

    def fail_address(self, address: str) -> Allowance:
        """One failed authentication from an address."""
        ...

    def pass_principal(self, key_id: str) -> Allowance:
        """One request of a principal."""
        ...

    def hand_in(self, key_id: str, size: int) -> Allowance:
        """So many bytes of a principal, before they are read where their number is known; refused as a whole or not at all."""
        ...

    def at_once(self, key_id: str) -> AbstractContextManager[bool]:
        """A request of a principal while it is being served; False when it has too many of them already."""
        ...


# --- What the exchange can prove -------------------------------------------------------------------------------------


class Records(Protocol):
    """The exchange's knowledge of its own formats, for the conductor of evidence: conductors meet only through ports."""

    def check_receipt(self, receipt: bytes, slip: TransferSlip, snapshot: Snapshot) -> tuple[ReceiptLine, ...]:
        """Every line of a receipt, its signature, claims and proofs checked against the slip and the registry.

        Raises:
            PeerError: `peer.receipt`.
        """
        ...

    def read_envelope(self, path: Path, moment: datetime) -> EnvelopeReading:
        """A stored envelope, parsed, verified and its files judged. Pure and importable, so a `Judge` can run it.

        Raises:
            SenderError: it cannot be read.
        """
        ...

    def read_foreign(self, path: Path, moment: datetime) -> ForeignReading:
        """What a tolerant reading makes of an envelope; raises as `read_envelope`."""
        ...

    def judge_signature(self, path: Path, moment: datetime) -> SignatureVerdict | None:
        """What the signature of an envelope says of its header alone, whatever its files are; None without a signature.

        Raises:
            SenderError: not even that can be read.
        """
        ...

    def judge_file(self, path: Path, moment: datetime) -> FileVerdict:
        """The verdict on one stored file."""
        ...


# --- What the operator is told ---------------------------------------------------------------------------------------


class Probe(Protocol):
    """One room's answer to the question whether it is well: for `/readyz`, and for `gateway doctor`."""

    @property
    def check(self) -> Check:
        """What it looks at."""
        ...

    async def look(self) -> tuple[Finding, ...]:
        """What it finds now: at least one finding, all of its own check, the worst of them first.

        * MUST report what it looks at as a finding and MUST NOT raise for it; MUST NOT ask a peer, unless it is a probe of
          peers, which nobody's readiness may depend on.
        * MUST NOT change anything that lasts. MAY be asked again and again, and by two at once.
        * Findings MUST NOT hold content or secrets: paths, counts, dates, ids of keys.
        """
        ...


class Meter(Protocol):
    """Counts and measures what `gateway.core.metrics` lists."""

    def add(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Count. MAY be called from any thread; MUST return at once and MUST NOT raise for a metric of the catalogue.

        Labels MUST come from closed vocabularies: never an id, never the code of a body.
        """
        ...

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """One measurement; with the same promises."""
        ...

    def timed(self, metric: Metric, *labels: str) -> AbstractContextManager[object]:
        """Measure the seconds of a block, also when it raises."""
        ...


class Intake(Protocol):
    """Whether there is room for more, on the disk and in the store's queue: asked by the doors before they read a body."""

    def admit(self, *, document: bool) -> None:
        """Say yes, or raise; `document`: a new document is to be taken in, and not only an answer to one that is here.

        MUST NOT wait. Refuses new documents first, everything that writes last (reliability.md B2.5).

        Raises:
            SiteError: `store.full`; `store.busy`, `store.damaged`, as `Store.transact` would.
        """
        ...
