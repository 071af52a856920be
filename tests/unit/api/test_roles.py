"""The role matrix (security.md 12), written out: whoever adds an operation has to say here, too, who may use it."""

import pytest

from gateway.access import SCOPES
from gateway.api.operation import Operation
from gateway.api.parts import PREFIX
from gateway.api.routes import ROUTES, methods
from gateway.core.principal import Principal
from tests.unit.api.test_gate import UNKNOWN
from tests.unit.api.world import CITY_KEY, MUTE_KEY, PARTY, World, problem_of

MATRIX = {
    "read": {
        "GET /api/v1/documents",
        "GET /api/v1/documents/{key}",
        "GET /api/v1/documents/{key}/deliveries",
        "GET /api/v1/documents/{key}/notices",
        "GET /api/v1/documents/{key}/attachments/{position}",
        "GET /api/v1/documents/{key}/history",
        "GET /api/v1/inbox",
        "GET /api/v1/inbox/{key}",
        "GET /api/v1/inbox/{key}/history",
        "GET /api/v1/inbox/{key}/content",
        "GET /api/v1/inbox/{key}/attachments/{position}",
        "GET /api/v1/events",
        "GET /api/v1/organizations",
        "GET /api/v1/organizations/{organ_id}",
        "GET /api/v1/me",
    },
    "send": {
        "POST /api/v1/documents",
        "POST /api/v1/documents/{key}:release",
    },
    "act": {
        "POST /api/v1/inbox/{key}:accept",
        "POST /api/v1/inbox/{key}:refuse",
    },
    "seal": set[str](),
    None: {
        "GET /openapi.json",
        "GET /docs",
        "GET /problems/{code}",
        "GET /",
    },
}


def address(row: Operation) -> str:
    return row.path.format(key=UNKNOWN, position=1, organ_id="Z79", code="not_found")


def test_the_registry_is_this_table() -> None:
    found: dict[str | None, set[str]] = {scope: set() for scope in (*SCOPES, None)}
    for row in ROUTES:
        found[row.scope].add(f"{row.method} {row.path}")
    assert found == MATRIX
    assert sum(map(len, MATRIX.values())) == len(ROUTES)
    assert len({row.name for row in ROUTES}) == len(ROUTES)


def test_the_registry_is_all_that_is_registered(world: World) -> None:
    registered = {
        (route.method, route.resource.canonical) for route in world.app.router.routes() if route.resource is not None
    }
    assert registered == {(method, row.path) for row in ROUTES for method in methods(row)}
    assert len(world.app.router.routes()) == len(registered)


def test_everything_but_the_documentation_has_the_prefix() -> None:
    assert {row.path for row in ROUTES if not row.path.startswith(PREFIX)} == {
        "/openapi.json",
        "/docs",
        "/problems/{code}",
        "/",
    }


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
async def test_each_scope_at_each_operation(world: World, row: Operation) -> None:
    """Each scope alone passes exactly where the table says; HEAD is looked at like GET."""
    wanted = next(scope for scope, calls in MATRIX.items() if f"{row.method} {row.path}" in calls)
    for method in methods(row):
        for scope in SCOPES:
            world.keys.principals[scope] = Principal(
                key_id=scope, name="", organs=frozenset({PARTY}), scopes=frozenset({scope})
            )
            async with world.call(method, address(row), key=scope) as answer:
                passed = answer.status not in (401, 403)
            assert passed == (wanted in (scope, None)), (method, scope)
        for key in (None, "gwk_city_" + "x" * 43, MUTE_KEY):
            async with world.call(method, address(row), key=key) as answer:
                if wanted is None:
                    assert answer.status == (404 if row.path == "/" else 200)  # a page for browsers alone
                    continue
                assert answer.status == (403 if key == MUTE_KEY else 401)
                assert ("WWW-Authenticate" in answer.headers) == (key != MUTE_KEY)
                if method != "HEAD":
                    members = await problem_of(
                        answer, answer.status, "access.scope" if key == MUTE_KEY else "access.no_key"
                    )
                    assert key != MUTE_KEY or wanted in members["detail"]
        async with world.call(method, address(row), key=CITY_KEY) as answer:
            assert answer.status not in (401, 403)
