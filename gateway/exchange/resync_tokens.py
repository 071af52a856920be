"""What two gateways say to each other after one of them was restored: a question and a page, each a JWS of a receipt key.

The question names what is asked for: which transfers to us do you hold our receipt for (from a moment on, after a key), and
which of them do we want again. The page answers that very question: it bears its digest, so it can stand for no other.
docs/PROTOCOL.md section 6b is the contract.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints

from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError, PeerError
from gateway.core.ids import KEY, Digest, GatewayId, TransferKey
from gateway.core.limits import NOTE_BYTES_MAX
from gateway.core.ports import Signer
from gateway.core.restore_limits import RESYNC_BYTES_MAX, RESYNC_PAGE_TRANSFERS
from gateway.core.resync import Wanted
from gateway.crypto import RESYNC_PAGE_TYPE, RESYNC_TYPE, verify_jws
from gateway.exchange.claims import Claims, Key, Moment, One, Sha256, Text, Whole, read_claims, sign_claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a restored gateway asks one peer."""

    origin: GatewayId
    destination: GatewayId
    issued_at: datetime
    number: int
    """Of the restore (`Reopening`)."""
    log: str
    """Name of the log that is closed."""
    kept: int
    """How many of its leaves are still there: all further ones are lost."""
    since: datetime
    after: str
    """A page after this transfer; empty: from the first on."""
    page: bool
    """Whether a page is wanted at all."""
    again: tuple[TransferKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a peer answers."""

    origin: GatewayId
    destination: GatewayId
    question: Digest
    lines: tuple[Wanted, ...]
    following: str
    """Where the next page begins; empty: there is none."""
    checkpoint: str
    """The newest of the asking gateway's log among those receipts, or empty."""
    unknown: tuple[TransferKey, ...]
    """Of what was to come again, what is not here."""


_Place = Annotated[str, StringConstraints(pattern=f"^({KEY.pattern})?$")]
_Keys = Annotated[tuple[Key, ...], Field(max_length=RESYNC_PAGE_TRANSFERS)]


class _Question(Claims):
    version: One
    origin: Text
    destination: Text
    issued_at: Moment
    number: Annotated[int, Field(ge=1, lt=10**12)]
    log: Text
    kept: Whole
    since: Moment
    after: _Place
    page: bool
    again: _Keys


class _Line(Claims):
    transfer: Key
    receipt: Sha256


class _Page(Claims):
    version: One
    origin: Text
    destination: Text
    question: Sha256
    lines: Annotated[tuple[_Line, ...], Field(max_length=RESYNC_PAGE_TRANSFERS)]
    following: _Place
    checkpoint: Annotated[str, StringConstraints(max_length=NOTE_BYTES_MAX)]
    unknown: _Keys


_Said = TypeVar("_Said", bound=Claims)


async def write_question(question: Question, signer: Signer) -> bytes:
    """The question as a JWS."""
    claims = {
        "version": 1,
        "origin": question.origin,
        "destination": question.destination,
        "issued_at": rfc3339(question.issued_at),
        "number": question.number,
        "log": question.log,
        "kept": question.kept,
        "since": rfc3339(question.since),
        "after": question.after,
        "page": question.page,
        "again": list(question.again),
    }
    return await sign_claims(claims, signer, kind=RESYNC_TYPE)


def read_question(token: bytes, *, origin: GatewayId, own: GatewayId, snapshot: Snapshot) -> Question:
    """A question by this gateway to us.

    Raises:
        PeerError: `transfer.malformed`, `transfer.not_ours`, `peer.unpinned`, `size.limit`.
    """
    said = _read(token, _Question, RESYNC_TYPE, by=origin, snapshot=snapshot)
    if said.origin != origin or said.destination != own:
        raise PeerError("transfer.not_ours")
    return Question(
        origin=origin,
        destination=own,
        issued_at=parse_rfc3339(said.issued_at),
        number=said.number,
        log=said.log,
        kept=said.kept,
        since=parse_rfc3339(said.since),
        after=said.after,
        page=said.page,
        again=tuple(map(TransferKey, said.again)),
    )


async def write_page(page: Page, signer: Signer) -> bytes:
    """The page as a JWS."""
    claims = {
        "version": 1,
        "origin": page.origin,
        "destination": page.destination,
        "question": page.question,
        "lines": [{"transfer": line.transfer, "receipt": line.receipt} for line in page.lines],
        "following": page.following,
        "checkpoint": page.checkpoint,
        "unknown": list(page.unknown),
    }
    return await sign_claims(claims, signer, kind=RESYNC_PAGE_TYPE)


def read_page(token: bytes, *, asked: bytes, origin: GatewayId, own: GatewayId, snapshot: Snapshot) -> Page:
    """The answer of a peer to the question that it was `asked`.

    Raises:
        PeerError: as `read_question`.
    """
    said = _read(token, _Page, RESYNC_PAGE_TYPE, by=origin, snapshot=snapshot)
    if said.origin != origin or said.destination != own or said.question != digest_of(asked):
        raise PeerError("transfer.not_ours")
    return Page(
        origin=origin,
        destination=own,
        question=Digest(said.question),
        lines=tuple(Wanted(transfer=TransferKey(line.transfer), receipt=Digest(line.receipt)) for line in said.lines),
        following=said.following,
        checkpoint=said.checkpoint,
        unknown=tuple(map(TransferKey, said.unknown)),
    )


def check_course(question: Question, page: Page) -> None:
    """A page goes on from where its question stood: otherwise one that goes back would be asked for ever again.

    Raises:
        PeerError: `transfer.malformed`.
    """
    named = [question.after, *(line.transfer for line in page.lines)]
    forward = all(before < after for before, after in pairwise(named))
    if not forward or (page.following and page.following < named[-1]):
        raise PeerError("transfer.malformed", reason="page")


def digest_of(token: bytes) -> Digest:
    """By which a page names its question, and a line a receipt."""
    return Digest(sha256(token).hexdigest())


def _read(token: bytes, form: type[_Said], kind: str, *, by: GatewayId, snapshot: Snapshot) -> _Said:
    entry = snapshot.gateways.get(by)
    if entry is None:
        raise PeerError("peer.unpinned")
    if len(token) > RESYNC_BYTES_MAX:
        raise PeerError("size.limit", what="resync", limit=RESYNC_BYTES_MAX)
    try:
        return read_claims(verify_jws(token, entry.receipt_keys, kind=kind).payload, form)
    except (GatewayError, ValueError, RecursionError) as error:
        raise PeerError("transfer.malformed", reason="resync") from error
