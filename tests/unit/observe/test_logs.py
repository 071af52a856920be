import asyncio
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.core.errors import SenderError
from gateway.observe import bound_ids, configure_logging, logger
from tests.kit.logs import caught_logs, logged_events

CANARY = "MAT-2b1f-canary"
KEY = "gwk_0123456789abcdef_" + "A" * 43


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    with caught_logs() as stream:
        yield stream


def test_one_event_is_one_line_of_json(stream: io.StringIO) -> None:
    logger("gateway.test").info("document.accepted", document="d-1", attempts=2)
    (line,) = logged_events(stream)
    assert list(line)[:4] == ["time", "level", "logger", "event"]
    assert (line["level"], line["logger"], line["event"]) == ("info", "gateway.test", "document.accepted")
    assert (line["document"], line["attempts"]) == ("d-1", 2)
    assert datetime.fromisoformat(str(line["time"])).tzinfo == UTC


@pytest.mark.parametrize(
    "nasty", ["a\nb", "a\r\nb", "\x1b[31m", "a\u2028b", "a\u2029b", "\x00", "\x7f", "\x85", "đ\ud800"]
)
def test_nothing_can_forge_a_second_line(stream: io.StringIO, nasty: str) -> None:
    logger("gateway.test").info(nasty, peer=nasty, **{nasty: 1})
    logging.getLogger("library").warning("said %s", nasty)
    written = stream.getvalue()
    assert written.isascii()
    assert [letter for letter in written if not letter.isprintable()] == ["\n", "\n"]
    assert len(written.split("\n")) == 3


def test_libraries_are_routed_in(stream: io.StringIO) -> None:
    with bound_ids(trace_id="t-1"):
        logging.getLogger("aiohttp.server").error("Error handling %s", "request")
    (line,) = logged_events(stream)
    assert (line["logger"], line["event"], line["trace_id"]) == ("aiohttp.server", "Error handling request", "t-1")


def test_a_library_may_say_a_dict(stream: io.StringIO) -> None:
    with bound_ids(trace_id="t-1"):
        logging.getLogger("library").warning({1: "one"})
    (line,) = logged_events(stream)
    assert (line["event"], line["trace_id"]) == ("{1: 'one'}", "t-1")


async def test_ids_are_bound_for_a_block_and_its_tasks_only(stream: io.StringIO) -> None:
    log = logger("gateway.test")

    async def child() -> None:
        log.info("inside")

    with bound_ids(trace_id="t-1", document="d-1"):
        with bound_ids(document="d-2", peer="p"):
            await asyncio.create_task(child())
        log.info("between")
    log.info("outside")
    inside, between, outside = [line for line in logged_events(stream) if line["logger"] == "gateway.test"]
    assert (inside["trace_id"], inside["document"], inside["peer"]) == ("t-1", "d-2", "p")
    assert between["document"] == "d-1"
    assert "peer" not in between
    assert "trace_id" not in outside


def test_only_ids_may_be_bound() -> None:
    with pytest.raises(AssertionError), bound_ids(subject="x"):
        pass


@dataclass
class Secretive:
    subject: str = CANARY


def test_secrets_and_content_stay_out(stream: io.StringIO) -> None:
    logger("gateway.test").info(
        "request",
        Authorization=f"Bearer {CANARY}",
        api_key=CANARY,
        secret_digest=CANARY,
        subject=CANARY,
        content=CANARY,
        nested={"X-Api-Key": CANARY, "deep": [{"password": CANARY}]},
        thing=Secretive(),
        raw=CANARY.encode(),
    )
    logger("gateway.test").info("url", url=f"https://x/?k={KEY}")
    logging.getLogger("library").info("header Authorization: Bearer %s", KEY)
    assert CANARY not in stream.getvalue()
    assert KEY[-20:] not in stream.getvalue()
    first = logged_events(stream)[0]
    assert first["thing"] == "<Secretive>"
    assert first["raw"] == f"<{len(CANARY)} bytes>"


def test_an_exception_names_its_places_and_not_what_it_choked_on(stream: io.StringIO) -> None:
    log = logger("gateway.test")
    try:
        try:
            raise ValueError(f"cannot parse {CANARY}")
        except ValueError as error:
            raise SenderError("size.limit", limit=7) from error
    except SenderError:
        log.exception("failed")
    written = stream.getvalue()
    assert CANARY not in written
    story = logged_events(stream)[0]["exception"]
    assert isinstance(story, list)
    assert [part["type"] for part in story] == ["SenderError", "ValueError"]
    assert story[0]["message"] == "size.limit limit=7"
    assert "test_an_exception_names" in story[1]["at"][-1]
    assert "message" not in story[1]


def test_exceptions_of_libraries_too(stream: io.StringIO) -> None:
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        logging.getLogger("library").error("oops", exc_info=error)
        logger("gateway.test").error("oops", exc_info=error)
    assert CANARY not in stream.getvalue()
    assert all("exception" in line for line in logged_events(stream))


def test_values_are_bounded_and_odd_ones_are_named(stream: io.StringIO) -> None:
    deep: dict[str, object] = {}
    deep["again"] = deep
    logger("gateway.test").info(
        "odd", long="x" * 100_000, deep=deep, at=datetime(2026, 11, 21, tzinfo=UTC), path=Path("/x"), nan=float("nan")
    )
    (line,) = logged_events(stream)
    assert len(str(line["long"])) < 3_000
    assert (line["at"], line["path"], line["nan"]) == ("2026-11-21T00:00:00.000Z", "/x", "nan")


def test_a_second_configuration_replaces_the_first(stream: io.StringIO) -> None:
    second = io.StringIO()
    configure_logging(stream=second, level="warning")
    logger("gateway.test").info("quiet")
    logger("gateway.test").warning("loud")
    assert stream.getvalue() == ""
    assert [line["event"] for line in logged_events(second)] == ["loud"]
