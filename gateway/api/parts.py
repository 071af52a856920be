"""What the office API is made of: the desks and ports it is handed, its limits, and what a request carries along."""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from aiohttp import web

from gateway.api.query import Query
from gateway.core import limits
from gateway.core.ids import Entropy, OrganId
from gateway.core.ports import Allowance, Authenticator, Blobs, Intake, Meter, RateLimiter, Uploads
from gateway.core.principal import Principal
from gateway.core.sizes import Sizes
from gateway.exchange import AmendmentDesk, EventDesk, QueryDesk, RecallDesk, ReleaseDesk, StatusDesk, SubmissionDesk
from gateway.observe import UNMEASURED


class RoomForAll:
    """Implements `gateway.core.ports.Intake` where nobody watches disk and queue: tests and seeded worlds."""

    def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
        """See `Intake.admit`."""


ALWAYS: Final[Intake] = RoomForAll()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """Bounds of a request. They are counted while reading: `client_max_size` of aiohttp does not see a stream."""

    file_bytes: int = limits.FILE_BYTES_MAX
    document_bytes: int = limits.DOCUMENT_BYTES_MAX
    request_bytes: int = limits.REQUEST_BYTES_MAX
    envelope_bytes: int = limits.ENVELOPE_BYTES_MAX
    metadata_bytes: int = limits.METADATA_BYTES_MAX
    header_bytes: int = limits.HEADER_BYTES_MAX
    files: int = limits.FILES_MAX
    idle_seconds: float = limits.BODY_IDLE_SECONDS_MAX
    body_seconds: float = limits.BODY_SECONDS_MAX
    head_seconds: float = limits.HEAD_SECONDS_MAX
    stall_seconds: float = limits.ANSWER_STALL_SECONDS_MAX

    @classmethod
    def of(cls, sizes: Sizes) -> "ApiLimits":
        """The usual bounds, for documents of such sizes."""
        return cls(
            file_bytes=sizes.file_bytes,
            document_bytes=sizes.document_bytes,
            request_bytes=sizes.request_bytes,
            envelope_bytes=sizes.envelope_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """Everything the office API is handed by whoever plugs the gateway together."""

    submission: SubmissionDesk
    queries: QueryDesk
    statuses: StatusDesk
    releases: ReleaseDesk
    recalls: RecallDesk
    amendments: AmendmentDesk
    authenticator: Authenticator
    rate_limiter: RateLimiter
    blobs: Blobs
    uploads: Uploads
    entropy: Entropy
    events: EventDesk
    intake: Intake = ALWAYS
    meter: Meter = UNMEASURED
    limits: ApiLimits = ApiLimits()


@runtime_checkable
class Noticed(Protocol):
    """A connection that notices when the other side leaves."""

    gone: asyncio.Event


PREFIX: Final = "/api/v1"
READING: Final = frozenset({"GET", "HEAD"})
"""Methods that only look."""

PARTS: Final = web.AppKey("parts", ApiParts)

PRINCIPAL: Final = web.RequestKey("principal", Principal)
"""Set by the gate: who asks. Not there on a public route."""
ALLOWANCE: Final = web.RequestKey("allowance", Allowance)
"""Set by the gate: the bucket that the caller is told about."""
QUERY: Final = web.RequestKey("query", Query)
"""Set by the operation: what stood behind the question mark, read as its row says."""
TRACE_ID: Final = web.RequestKey("trace_id", str)
REQUEST_ID: Final = web.RequestKey("request_id", str)
STARTED: Final = web.RequestKey("started", bool)
"""Set once the head of the answer is out: from then on no other answer can be given."""
