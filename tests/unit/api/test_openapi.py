"""The document says what the service does: valid by its own standard, every example true, and a stranger's machine that
believes it (schemathesis) finds no answer that it does not announce."""

import asyncio
import copy
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from multidict import CIMultiDictProxy
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
from gateway.api.operation import Operation
from gateway.api.routes import ROUTES
from gateway.core.errors import CATALOGUE
from tests.unit.api.examples import ASKED, FILE, asked, examples, furnish, replay, row_of, written
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


def responses() -> Iterator[tuple[Operation, str, dict[str, Any]]]:
    for row in ROUTES:
        for status, response in DOCUMENT["paths"][row.path][row.method.lower()]["responses"].items():
            yield row, status, response


def test_a_key_or_a_certificate_opens_and_nothing_else_is_open() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "apiKey": "http",
        "clientCertificate": "mutualTLS",
    }
    assert all(scheme["description"] for scheme in schemes.values())
    for row in ROUTES:
        scopes = [] if row.scope is None else [row.scope.value]
        said = DOCUMENT["paths"][row.path][row.method.lower()]["security"]
        assert said == ([{"apiKey": scopes}, {"clientCertificate": scopes}] if scopes else [])


def test_every_code_of_an_operation_stands_under_its_status() -> None:
    for row, status, response in responses():
        codes = {code for code in row.codes if str(CATALOGUE[code].status) == status}
        assert all(f"- `{code}`: " in response["description"] for code in codes)
        if int(status) < 400:
            assert codes == set()
        else:
            assert codes
            assert response["description"].count("- `") == len(codes)
    for row in ROUTES:
        statuses = {status for other, status, _ in responses() if other is row}
        assert statuses >= {str(CATALOGUE[code].status) for code in row.codes}


def test_who_is_told_to_come_back_is_told_when() -> None:
    for _, status, response in responses():
        assert ("Retry-After" in response["headers"]) == (status in ("429", "503", "507"))


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
async def test_the_headers_that_are_documented_are_those_that_come(world: World, row: Operation) -> None:
    """Of a good answer, of an unchanged one, and of the refusals that every operation knows."""
    await furnish(world)
    if row.name != "submitDocument":
        await replay(world, "submitDocument")
    path = row.path.format(**ASKED[row.name].get("path", {}))
    said = {status: response["headers"].keys() for other, status, response in responses() if other is row}
    seen: dict[str, CIMultiDictProxy[str]] = {}
    for key, sent in ((None, {}), ("gwk_mute_" + "m" * 43, {}), (CITY_KEY, {"Expect": "a miracle"})):
        async with world.call(row.method, path, key=key, headers=sent) as answer:
            seen[str(answer.status)] = answer.headers
    good, _, headers = await asked(world, row.name)
    assert good == row.status
    seen[str(good)] = headers
    if row.tagged:
        async with world.call(row.method, path, headers={"If-None-Match": "*"}) as answer:
            seen[str(answer.status)] = answer.headers
    assert seen.keys() >= ({"200", "304", "417"} if row.tagged else {str(row.status), "417"})
    for status, headers in seen.items():
        ours = {name for name in DOCUMENT["components"]["headers"] if name in headers}
        assert ours == said[status] - ({"Idempotent-Replay"} - headers.keys()), status


def dates(schema: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Every (format, text) of a value whose schema names a date or a time."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if value is not None and schema.get("format") in ("date", "date-time"):
        yield schema["format"], value
    for one in schema.get("anyOf", ()):
        yield from dates(one, value) if value is not None else ()
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from dates(schema.get("properties", {}).get(name, {}), inner)
    if isinstance(value, list):
        for inner in value:
            yield from dates(schema.get("items", {}), inner)


async def test_every_time_is_rfc_3339_with_its_offset() -> None:
    answers = await examples()
    found = [
        pair
        for row in ROUTES
        if row.answer
        for pair in dates({"$ref": f"/{row.answer.__name__}"}, answers[row.name]["answer"])
    ]
    assert {kind for kind, _ in found} == {"date", "date-time"}
    assert len(found) > 20
    for kind, said in found:
        form = r"\d{4}-\d\d-\d\d" + (r"T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)" if kind == "date-time" else "")
        assert re.fullmatch(form, said), said
    named = [
        (name, member)
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member in schema.get("properties", {})
        if member == "at" or member.endswith(("_at", "_date"))
    ]
    assert len(named) >= 10
    for name, member in named:
        assert "date" in str(DOCUMENT["components"]["schemas"][name]["properties"][member]), (name, member)


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
