"""One operation of the office API, whole: from this one value come its route, its gate, its document and its page."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web
from pydantic import BaseModel

from gateway.api.parts import QUERY
from gateway.api.query import Parameter, read_query
from gateway.core.errors import NotFound
from gateway.core.ids import KEY, ORGAN_ID
from gateway.core.limits import ORGAN_ID_CHARS_MAX
from gateway.core.principal import Scope

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = dict[str, Any]

JSON: Final = "application/json"
HTML: Final = "text/html"
ANY: Final = "*/*"

HEADS_ERRORS: Final = (
    "request.malformed",
    "request.encoding",
    "request.expectation",
    "size.headers",
    "rate.limit",
    "internal",
)
"""What any request can be answered with: its head is wrong, there were too many, or we are wrong."""
GATE_ERRORS: Final = ("access.no_key", "access.scope")
STORE_ERRORS: Final = ("store.busy", "store.damaged", "store.failing")
"""What any request can be answered with that asks the database."""
BRINGING_ERRORS: Final = ("queue.full", "queue.share")
"""What may put off whoever brings documents."""
BODY_ERRORS: Final = ("size.limit", "rate.volume", "request.timeout", "request.digest")
"""What any request can be answered with whose body is read."""


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A step of a path that names something. What has another form does not exist."""

    pattern: re.Pattern[str]
    about: str
    """Id of the text."""
    chars_max: int


PATH_PARAMETERS: Final[Mapping[str, PathParameter]] = {
    "key": PathParameter(KEY, "api.path.key", 36),
    "position": PathParameter(re.compile(r"[1-9][0-9]{0,3}"), "api.path.position", 4),
    "organ_id": PathParameter(ORGAN_ID, "api.path.organ_id", ORGAN_ID_CHARS_MAX),
    "upload": PathParameter(re.compile(r"[0-9a-f]{32}"), "api.path.upload", 32),
    "code": PathParameter(re.compile(r"[a-z_]+(\.[a-z_]+)*"), "api.path.code", 40),
}
_STEP: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of the registry."""

    method: str
    path: str
    """Whole, with its prefix."""
    scope: Scope | None
    """What a key needs; None says that nobody needs a key, and has to be said."""
    handler: Handler
    name: str
    """`operationId`, and the anchor on the reference page."""
    title: str
    """Id of the text that says in a few words what it is for."""
    about: str
    """Id of the text that says what one has to know."""
    answer: type[BaseModel] | None
    """None: a file, not JSON."""
    produces: str = JSON
    status: int = 200
    query: tuple[Parameter, ...] = ()
    takes: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    """Media types of the body and what is in them; None: a file as it is."""
    idempotent: bool = False
    """Needs the header Idempotency-Key."""
    conditional: bool = False
    """Honours If-Match."""
    placed: bool = False
    """Needs the header Upload-Offset."""
    brings: bool = False
    """Brings documents, or their files: put off when too much waits already (`admission`)."""
    errors: tuple[str, ...] = ()
    """Codes that it can answer besides those that everything can (`codes`)."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the path's parameters, in order."""
        return tuple(_STEP.findall(self.path))

    @property
    def reads(self) -> bool:
        """Whether it only looks: then HEAD works too."""
        return self.method == hdrs.METH_GET

    @property
    def tagged(self) -> bool:
        """Whether its answer carries an ETag: all that is looked at, but for what only leads elsewhere."""
        return self.reads and self.status == HTTPStatus.OK

    @property
    def ranged(self) -> bool:
        """Whether a part of its answer can be asked for: of files."""
        return self.reads and self.answer is None and self.scope is not None

    @property
    def for_people(self) -> bool:
        """Whether it answers with a page; then whoever wants a page hears its refusals as a page, too."""
        return self.produces == HTML

    @property
    def codes(self) -> tuple[str, ...]:
        """Every error code that this operation can answer."""
        found = [*HEADS_ERRORS, "request.field"]  # no operation takes a query parameter that it does not know
        if self.scope is not None:
            found += GATE_ERRORS + STORE_ERRORS
        if self.steps:
            found += ("not_found",)
        if not self.reads:
            found += (*BODY_ERRORS, "store.full")
        if self.brings:
            found += BRINGING_ERRORS
        if self.conditional:
            found += ("precondition.failed",)
        if self.ranged:
            found += ("request.range",)
        return tuple(dict.fromkeys([*found, *self.errors]))

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Check the path and the query, then let the handler work.

        Raises:
            NotFound: a step of the path is nothing that could be there.
            InvalidRequest: the query is not what the row says.
        """
        for name in self.steps:
            given, wanted = request.match_info[name], PATH_PARAMETERS[name]
            if len(given) > wanted.chars_max or not wanted.pattern.fullmatch(given):
                raise NotFound("not_found")
        request[QUERY] = read_query(request.query, self.query)
        return await self.handler(request)
