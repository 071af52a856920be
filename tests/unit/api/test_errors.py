"""Every row of the API's error table by a request that is answered with it; and the table is the one in docs/API.md."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.api.parts import PARTS
from gateway.api.routes import ROUTES
from gateway.core.directory import BodyStatus
from gateway.core.errors import CATALOGUE, Conflict, GatewayError, SenderError, SiteError
from gateway.core.model import InboxEntry
from gateway.observe import explain, label
from tests.unit.api.world import (
    MUTE_KEY,
    PARTY,
    PDF,
    WARD,
    WARD_KEY,
    World,
    file_part,
    form,
    meta_part,
    metadata,
    part,
    problem_of,
    running,
)

GOOD = form(meta_part(), file_part())
API_PAGE = Path(__file__).parents[3] / "docs" / "API.md"
BEGIN, END = "<!-- errors: begin (made from the registry; a test compares) -->", "<!-- errors: end -->"
Answer = Any


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[World]:
    """A world with bounds that a test can reach."""
    async with running(tmp_path, idle_seconds=0.1, file_bytes=4_000, files=2) as world:
        yield world


async def arrived(world: World) -> InboxEntry:
    return await world.desks.deliver(PARTY, ("a.pdf", "application/pdf", PDF), sender=WARD)


def failing(world: World, verb: str, error: BaseException) -> None:
    """What this verb of the desks says: a judge, a disk or a database behind it has failed."""

    async def fail(*given: object, **named: object) -> None:
        raise error

    setattr(world.desks, verb, fail)


# --- one request for each code


async def malformed(world: World) -> Answer:
    return world.post(b"nonsense")


async def encoding(world: World) -> Answer:
    return world.post(GOOD, headers={"Content-Encoding": "gzip"})


async def expectation(world: World) -> Answer:
    return world.ask("GET", "/me", headers={"Expect": "a miracle"})


async def headers(world: World) -> Answer:
    return world.ask("GET", "/me", headers={f"X-{n}": "x" * 4_000 for n in range(5)})


async def no_key(world: World) -> Answer:
    return world.ask("GET", "/me", key=None)


async def scope(world: World) -> Answer:
    return world.ask("GET", "/me", key=MUTE_KEY)


async def organ(world: World) -> Answer:
    return world.post(GOOD, key=WARD_KEY)


async def method(world: World) -> Answer:
    return world.ask("DELETE", "/me")


async def unknown(world: World) -> Answer:
    return world.ask("GET", "/nowhere")


async def wrong_field(world: World) -> Answer:
    return world.ask("GET", "/inbox?limit=0")


async def too_large(world: World) -> Answer:
    return world.post(form(meta_part(), file_part(content=b"x" * 4_001)))


async def too_many(world: World) -> Answer:
    return world.post(form(meta_part(), *(file_part(f"{n}.pdf") for n in range(3))))


async def too_slow(world: World) -> Answer:
    async def stopping() -> AsyncIterator[bytes]:
        yield GOOD[:200]
        await asyncio.sleep(2)

    return world.post(stopping())


async def wrong_digest(world: World) -> Answer:
    return world.post(GOOD, headers={"Content-Digest": "sha-256=:" + "A" * 43 + "=:"})


async def no_idempotency_key(world: World) -> Answer:
    return world.post(GOOD, headers={"Idempotency-Key": ""})


async def media_type(world: World) -> Answer:
    return world.post(GOOD, headers={"Content-Type": "text/plain"})


async def empty_file(world: World) -> Answer:
    return world.post(form(meta_part(), file_part(content=b"")))


async def secrecy(world: World) -> Answer:
    return world.post(form(meta_part(metadata(secrecy="Mật")), file_part()))


async def unknown_sender(world: World) -> Answer:
    del world.desks.bodies[PARTY]
    return world.post(GOOD)


async def closed_sender(world: World) -> Answer:
    world.desks.bodies[PARTY] = replace(world.desks.bodies[PARTY], status=BodyStatus.CLOSED)
    return world.post(GOOD)


async def other_content(world: World) -> Answer:
    async with world.post(GOOD, headers={"Idempotency-Key": "k"}) as first:
        assert first.status == 202
    return world.post(form(meta_part(metadata(subject="khác")), file_part()), headers={"Idempotency-Key": "k"})


async def same_number(world: World) -> Answer:
    async with world.post(GOOD) as first:
        assert first.status == 202
    return world.post(GOOD)


async def no_envelope(world: World) -> Answer:
    return world.post(b"<nonsense/>", headers={"Content-Type": "application/xml"})


async def stale(world: World) -> Answer:
    entry = await arrived(world)
    return world.ask("POST", f"/inbox/{entry.key}:accept", headers={"If-Match": '"another"'})


async def accepted_before(world: World) -> Answer:
    entry = await arrived(world)
    async with world.ask("POST", f"/inbox/{entry.key}:accept") as first:
        assert first.status == 200
    return refuse(world, entry, "x")


async def no_reason(world: World) -> Answer:
    return refuse(world, await arrived(world), " ")


async def nothing_asked(world: World) -> Answer:
    return act(world, await arrived(world), "agree")


async def given_back(world: World) -> Answer:
    entry = await world.desks.ask_back(await arrived(world), "Gửi nhầm")
    async with act(world, entry, "agree") as first:
        assert first.status == 200
    return world.ask("GET", f"/inbox/{entry.key}/content")


def act(world: World, entry: InboxEntry, verb: str) -> Answer:
    headers = {"Content-Type": "application/json"}
    return world.ask("POST", f"/inbox/{entry.key}:{verb}", headers=headers, data=b"{}")


async def damaged_file(world: World) -> Answer:
    entry = await arrived(world)
    world.blobs.path(entry.attachments[0].blob).unlink()
    return world.ask("GET", f"/inbox/{entry.key}/attachments/1")


async def beyond_the_file(world: World) -> Answer:
    entry = await arrived(world)
    return world.ask("GET", f"/inbox/{entry.key}/attachments/1", headers={"Range": "bytes=1000000-"})


def begin(world: World, content: bytes, sha256: str = "") -> Answer:
    """Begin an upload; the same key each time."""
    said = {"size": len(content), "sha256": sha256 or hashlib.sha256(content).hexdigest()}
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    return world.ask("POST", "/uploads", headers=headers, data=json.dumps(said).encode())


async def upload(world: World, content: bytes, sha256: str = "") -> str:
    async with begin(world, content, sha256) as begun:
        assert begun.status == 201
        return str((await begun.json())["upload"])


def append(world: World, name: str, content: bytes, offset: int = 0) -> Answer:
    headers = {"Content-Type": "application/octet-stream", "Upload-Offset": str(offset)}
    return world.ask("PATCH", f"/uploads/{name}", headers=headers, data=content)


async def another_upload(world: World) -> Answer:
    await upload(world, PDF)
    return begin(world, PDF + b"x")


async def wrong_offset(world: World) -> Answer:
    return append(world, await upload(world, PDF), PDF[1:], 1)


async def wrong_file(world: World) -> Answer:
    return append(world, await upload(world, PDF, "0" * 64), PDF)


async def incomplete(world: World) -> Answer:
    name = await upload(world, PDF)
    return world.post(form(meta_part(), part('name="upload"; filename="a.pdf"', name.encode())))


async def busy_upload(world: World) -> Answer:
    name = await upload(world, PDF)
    failing_uploads(world, "append", Conflict("upload.busy"))
    return append(world, name, PDF)


async def no_room(world: World) -> Answer:
    failing_uploads(world, "begin", SiteError("upload.limit"))
    return begin(world, PDF)


def failing_uploads(world: World, verb: str, error: BaseException) -> None:
    async def fail(*given: object, **named: object) -> None:
        raise error

    setattr(world.app[PARTS].uploads, verb, fail)


def refuse(world: World, entry: InboxEntry, reason: str) -> Answer:
    data = json.dumps({"reason": reason}).encode()
    return world.ask("POST", f"/inbox/{entry.key}:refuse", headers={"Content-Type": "application/json"}, data=data)


def looking(error: BaseException) -> Callable[[World], Awaitable[Answer]]:
    """Looking at the inbox, when this is what the database says."""

    async def ask(world: World) -> Answer:
        failing(world, "inbox", error)
        return world.ask("GET", "/inbox")

    return ask


def sending(error: GatewayError) -> Callable[[World], Awaitable[Answer]]:
    """Handing a document in, when this is what those behind the desk say."""

    async def ask(world: World) -> Answer:
        failing(world, "submit", error)
        return world.post(GOOD)

    return ask


def calling_back(error: GatewayError) -> Callable[[World], Awaitable[Answer]]:
    """Calling a document back, when this is what the recall desk says."""

    async def ask(world: World) -> Answer:
        failing(world, "recall", error)
        key = (await arrived(world)).key
        headers = {"Content-Type": "application/json"}
        return world.ask("POST", f"/documents/{key}:recall", headers=headers, data=b'{"reason": "x"}')

    return ask


def sending_envelope(error: GatewayError) -> Callable[[World], Awaitable[Answer]]:
    """Handing a finished envelope in, when this is what the judge says of it."""

    async def ask(world: World) -> Answer:
        failing(world, "submit_envelope", error)
        return world.post(b"<edXML/>", headers={"Content-Type": "application/xml"})

    return ask


PRODUCERS: dict[str, Callable[[World], Awaitable[Answer]]] = {
    "request.malformed": malformed,
    "request.encoding": encoding,
    "request.expectation": expectation,
    "size.headers": headers,
    "rate.limit": looking(SenderError("rate.limit", seconds=17)),
    "rate.volume": sending(SenderError("rate.volume", seconds=17)),
    "internal": looking(RuntimeError("boom")),
    "access.no_key": no_key,
    "access.scope": scope,
    "access.organ": organ,
    "store.busy": looking(SiteError("store.busy")),
    "store.damaged": looking(SiteError("store.damaged", what="pages")),
    "store.failing": looking(SiteError("store.failing", reason="Input/output error")),
    "store.full": sending(SiteError("store.full")),
    "queue.full": sending(SiteError("queue.full")),
    "queue.share": sending(SenderError("queue.share", seconds=17)),
    "request.method": method,
    "request.field": wrong_field,
    "not_found": unknown,
    "size.limit": too_large,
    "count.limit": too_many,
    "request.timeout": too_slow,
    "request.digest": wrong_digest,
    "precondition.failed": stale,
    "request.idempotency_key": no_idempotency_key,
    "request.media_type": media_type,
    "file.empty": empty_file,
    "file.not_pdf": sending(SenderError("file.not_pdf", file="a.pdf")),
    "secrecy.marked": secrecy,
    "sender.unknown": unknown_sender,
    "sender.closed": closed_sender,
    "conflict.idempotency": other_content,
    "conflict.document_id": same_number,
    "conflict.state": accepted_before,
    "conflict.at_work": calling_back(Conflict("conflict.at_work")),
    "conflict.restored": calling_back(Conflict("conflict.restored", state="held")),
    "reason.missing": no_reason,
    "amendment.none": nothing_asked,
    "amendment.unknown": sending_envelope(SenderError("amendment.unknown", document_id="x")),
    "entry.recalled": given_back,
    "blob.damaged": damaged_file,
    "request.range": beyond_the_file,
    "upload.conflict": another_upload,
    "upload.offset": wrong_offset,
    "upload.digest": wrong_file,
    "upload.incomplete": incomplete,
    "upload.busy": busy_upload,
    "upload.limit": no_room,
    "envelope.malformed": no_envelope,
    "envelope.signature": sending_envelope(SenderError("envelope.signature", reason="digest")),
    "envelope.unsigned": sending_envelope(SenderError("envelope.unsigned")),
    "envelope.kind": sending_envelope(SenderError("envelope.kind")),
    "envelope.attachments": sending_envelope(SenderError("envelope.attachments", reason="unbound")),
    "worker.busy": sending_envelope(SiteError("worker.busy")),
    "worker.died": sending_envelope(SiteError("worker.died")),
    "worker.killed": sending_envelope(SenderError("worker.killed", reason="memory")),
}


def documented() -> set[str]:
    return {code for row in ROUTES for code in row.codes} | {"request.method"}


def test_every_documented_error_has_its_request() -> None:
    assert documented() == PRODUCERS.keys()


@pytest.mark.parametrize("code", PRODUCERS)
async def test_an_error_by_request(small: World, code: str) -> None:
    facts = CATALOGUE[code]
    async with await PRODUCERS[code](small) as answer:
        members = await problem_of(answer, facts.status, code)
        assert "Date" in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-Id"]
        assert ("WWW-Authenticate" in answer.headers) == (facts.status == 401)
        waits = {503: 5, 429: 17, 507: 60}.get(facts.status)
        assert answer.headers.get("Retry-After") == (None if waits is None else str(waits))
        assert members["retry_after"] == waits
    assert (members["turn"], members["retryable"]) == (facts.turn.value, facts.retryable)
    assert len(members["trace_id"]) == 32
    assert members["instance"].startswith("/")
    assert bool(members["errors"]) == (code == "request.field")
    async with small.call("GET", members["type"], key=None) as explained:
        assert explained.status == 200
        assert code in await explained.text()


async def test_what_never_became_a_request_is_a_problem_with_all_its_headers(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    text = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    head, _, body = text.partition("\r\n\r\n")
    names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:]}
    assert names >= {"content-type", "date", "cache-control", "x-request-id", "x-content-type-options"}
    assert (json.loads(body)["code"], len(json.loads(body)["trace_id"])) == ("size.headers", 32)


# --- the table in docs/API.md


def table() -> str:
    """The documented table; print it with `python -m tests.unit.api.test_errors`."""
    lines = ["| code | HTTP | whose turn | again? | what happened |", "|---|---|---|---|---|"]
    for code in sorted(documented(), key=lambda code: (CATALOGUE[code].status, code)):
        facts, said = CATALOGUE[code], explain(code)
        turn = label(f"turn.{facts.turn}")
        again = "yes" if facts.retryable else "no"
        lines.append(
            f"| `{code}` | {facts.status} | {turn.vi} / {turn.en} | {again} | {said.what_vi} / {said.what_en} |"
        )
    return "\n".join(lines)


def test_the_error_table_of_the_page_is_the_registry_s() -> None:
    page = API_PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == table()


def put_table() -> None:
    page = API_PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    API_PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    put_table()
