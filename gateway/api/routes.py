"""The one table of the office API: method, path, scope, handler. What has no row here does not exist; nothing is public."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.api import directory, documents, inbox
from gateway.api.gate import postpone_continue
from gateway.api.parts import PREFIX


@dataclass(frozen=True, slots=True)
class Row:
    """One operation and the scope a key needs for it."""

    method: str
    path: str
    scope: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


ROUTES: Final = (
    Row("POST", "/documents", "send", documents.submit),
    Row("GET", "/documents/{key}", "read", documents.show),
    Row("GET", "/documents/{key}/deliveries", "read", documents.deliveries),
    Row("GET", "/documents/{key}/history", "read", documents.history),
    Row("GET", "/inbox", "read", inbox.listing),
    Row("GET", "/inbox/{key}", "read", inbox.show),
    Row("GET", "/inbox/{key}/history", "read", inbox.history),
    Row("GET", "/inbox/{key}/content", "read", inbox.content),
    Row("GET", "/inbox/{key}/attachments/{position}", "read", inbox.attachment),
    Row("POST", "/inbox/{key}:accept", "act", inbox.accept),
    Row("POST", "/inbox/{key}:refuse", "act", inbox.refuse),
    Row("GET", "/organizations/{organ_id}", "read", directory.organization),
    Row("GET", "/me", "read", directory.me),
)


def scopes() -> dict[tuple[str, str], str]:
    """{(method, whole path): scope}, for the gate."""
    return {(row.method, PREFIX + row.path): row.scope for row in ROUTES}


def register(router: web.UrlDispatcher) -> None:
    """Make the rows known to aiohttp."""
    for row in ROUTES:
        router.add_route(row.method, PREFIX + row.path, row.handler, expect_handler=postpone_continue)
