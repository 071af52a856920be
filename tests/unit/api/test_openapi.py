"""The document says what the service does: valid by its own standard, every example true, and a stranger's machine that
believes it (schemathesis) finds no answer that it does not announce."""

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.api import models
from gateway.api.openapi import describe
from gateway.api.routes import ROUTES
from tests.unit.api.examples import ASKED, FILE, examples, furnish, replay, row_of, written
from tests.unit.api.world import CITY_KEY, PARTY, World, running

DOCUMENT = describe(ROUTES)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


class Service:
    """The real application on a real port, in a thread of its own: schemathesis does not know asyncio."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._url: Future[str] = Future()
        self._stop: asyncio.Event | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> str:
        self._thread.start()
        return self._url.result(10)

    def __exit__(self, *_: object) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with running(self._folder) as world:
            await furnish(world)
            await replay(world, "submitDocument")
            self._url.set_result(world.url)
            await self._stop.wait()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Service(tmp_path_factory.mktemp("service")) as url:
        yield url


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_a_machine_that_believes_the_document(case: schemathesis.Case, service: str) -> None:
    # What a machine can only guess: the digest of its own bytes, whom the key acts for; and it has no time to wait.
    if case.headers:
        case.headers.pop("Content-Digest", None)
    if "wait" in (case.query or {}):
        case.query["wait"] = 0
    if isinstance(case.body, dict) and isinstance(case.body.get("metadata"), dict):
        case.body["metadata"]["sender"] = PARTY
    ask(case, service)


def ask(case: schemathesis.Case, service: str) -> None:
    case.call_and_validate(base_url=service, headers={"Authorization": f"Bearer {CITY_KEY}"}, checks=CHECKS)


@pytest.mark.parametrize(
    "lie",
    [
        lambda schemas: schemas["Me"]["properties"]["name"].update(type="integer"),
        lambda schemas: schemas["Me"]["required"].append("shoe_size"),
    ],
)
def test_a_lie_in_the_document_is_found(service: str, lie: Callable[[Any], None]) -> None:
    document = copy.deepcopy(DOCUMENT)
    lie(document["components"]["schemas"])
    operation = schemathesis.openapi.from_dict(document)["/api/v1/me"]["GET"]
    ask(SCHEMA["/api/v1/me"]["GET"].Case(), service)
    with pytest.raises(FailureGroup):
        ask(operation.Case(), service)


def test_the_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    validate(DOCUMENT)


def test_every_operation_is_in_it_and_nothing_else() -> None:
    found = {
        (method.upper(), path, operation["operationId"])
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }
    assert found == {(row.method, row.path, row.name) for row in ROUTES}


async def test_it_is_served_as_it_is_made(world: World) -> None:
    async with world.call("GET", "/openapi.json", key=None) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        assert await answer.json() == DOCUMENT
        tag = answer.headers["ETag"]
    async with world.call("GET", "/openapi.json", key=None, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


# --- examples


async def test_every_documented_example_is_what_really_happens() -> None:
    assert FILE.read_text(encoding="utf-8") == written(await examples()), "run `python -m tests.unit.api.examples`"


def test_every_operation_has_its_example() -> None:
    assert {row.name for row in ROUTES} | {"problem"} == ASKED.keys()


@pytest.mark.parametrize("name", [name for name in ASKED if row_of(name).answer or name == "problem"])
async def test_every_answer_of_an_example_passes_its_model(name: str) -> None:
    answer = (await examples())[name]["answer"]
    model: Any = models.Problem if name == "problem" else row_of(name).answer
    assert model.model_validate(answer).model_dump(mode="json") == answer
