"""The one table of the office API: method, path, scope, handler. What has no row here does not exist; nothing is public."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.api import directory, documents, inbox
from gateway.api.gate import postpone_continue
from gateway.api.parts import PREFIX
from gateway.core.model import Scope


@dataclass(frozen=True, slots=True)
class Row:
    """One operation and the scope a key needs for it."""

    method: str
    path: str
    scope: Scope
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


ROUTES: Final = (
    Row("POST", "/documents", Scope.SEND, documents.submit),
    Row("GET", "/documents/{key}", Scope.READ, documents.show),
    Row("GET", "/documents/{key}/deliveries", Scope.READ, documents.deliveries),
    Row("GET", "/documents/{key}/history", Scope.READ, documents.history),
    Row("POST", "/documents/{key}:release", Scope.SEND, documents.release),
    Row("GET", "/inbox", Scope.READ, inbox.listing),
    Row("GET", "/inbox/{key}", Scope.READ, inbox.show),
    Row("GET", "/inbox/{key}/history", Scope.READ, inbox.history),
    Row("GET", "/inbox/{key}/content", Scope.READ, inbox.content),
    Row("GET", "/inbox/{key}/attachments/{position}", Scope.READ, inbox.attachment),
    Row("POST", "/inbox/{key}:accept", Scope.ACT, inbox.accept),
    Row("POST", "/inbox/{key}:refuse", Scope.ACT, inbox.refuse),
    Row("GET", "/organizations/{organ_id}", Scope.READ, directory.organization),
    Row("GET", "/me", Scope.READ, directory.me),
)


def scopes() -> dict[tuple[str, str], Scope]:
    """{(method, whole path): scope}, for the gate."""
    return {(row.method, PREFIX + row.path): row.scope for row in ROUTES}


def register(router: web.UrlDispatcher) -> None:
    """Make the rows known to aiohttp."""
    for row in ROUTES:
        router.add_route(row.method, PREFIX + row.path, row.handler, expect_handler=postpone_continue)
