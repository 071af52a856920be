"""The operator's door: alive, ready, counted; loopback only; nothing that names anybody."""

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.access import Share, SharedListener, open_listener
from gateway.api import (
    AdminParts,
    PrometheusMeter,
    Readiness,
    ServiceProbe,
    build_admin_app,
    listen_admin,
    refuse_exposed,
)
from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, Health, found
from gateway.core.ids import GatewayId
from gateway.core.metrics import CATALOGUE, DEAD_LETTERS, EVENTS, QUEUE_ITEMS, MetricKind, Reading
from tests.kit.clock import ManualClock

OWN = GatewayId("here.example")


class Told:
    """A probe that finds what it is told to find."""

    check = Check.DISK

    def __init__(self) -> None:
        self.code = "probe.disk.room"

    async def look(self) -> tuple[Finding, ...]:
        if self.code == "bug":
            raise ZeroDivisionError
        return (found(self.code, percent="12.0", path="/state"),)


class Desk:
    """The listener with what it is handed."""

    def __init__(self) -> None:
        self.probe, self.meter, self.readiness = Told(), PrometheusMeter(), Readiness()
        self.url = ""

    async def readings(self) -> Sequence[Reading]:
        return [
            Reading(DEAD_LETTERS, 3),
            Reading(QUEUE_ITEMS, 2, ("document",)),
            Reading(QUEUE_ITEMS, 5, ("transfer",)),
        ]

    async def unreadable(self) -> Sequence[Reading]:
        raise SiteError("store.busy")

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path) as answer:
            return answer.status, answer.content_type, await answer.text()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as made:
        yield made


def bound(host: str) -> SharedListener:
    return open_listener(host, 0, share=Share(), clock=ManualClock())


@asynccontextmanager
async def opened() -> AsyncIterator[Desk]:
    desk = Desk()
    parts = AdminParts(
        own=OWN,
        probes=(desk.probe,),
        meter=desk.meter,
        readings=(desk.readings, desk.unreadable),
        entropy=secrets.token_bytes,
        readiness=desk.readiness,
    )
    runner = await listen_admin(build_admin_app(parts), sock=bound("127.0.0.1"))
    desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield desk
    finally:
        await runner.cleanup()


async def test_alive_says_the_loop_and_asks_nobody(desk: Desk) -> None:
    desk.probe.code = "bug"
    status, kind, _ = await desk.ask("/healthz")
    assert (status, kind) == (200, "application/json")


@pytest.mark.parametrize(
    ("code", "status", "state"),
    [("probe.disk.room", 200, "ok"), ("probe.disk.filling", 200, "warn"), ("probe.disk.full", 503, "fail")],
)
async def test_ready_lists_every_probe_in_three_states_and_two_languages(
    desk: Desk, code: str, status: int, state: str
) -> None:
    desk.probe.code = code
    async with aiohttp.ClientSession() as session, session.get(desk.url + "/readyz") as answer:
        members = await answer.json()
    assert (answer.status, members["state"], members["ready"]) == (status, state, status == 200)
    service, disk = members["probes"]
    assert service["code"] == "probe.service.ready"
    assert (disk["check"], disk["state"], disk["code"]) == ("disk", state, code)
    assert "12.0" in disk["messages"]["vi"]["what"]
    assert bool(disk["messages"]["en"]["todo"]) == (state != "ok")


async def test_a_gateway_that_stops_is_not_ready_whatever_its_probes_say(desk: Desk) -> None:
    desk.readiness.draining = True
    status, _, said = await desk.ask("/readyz")
    assert status == 503
    assert "probe.service.draining" in said
    assert "gateway_ready 0.0" in (await desk.ask("/metrics"))[2]


async def test_metrics_are_prometheus_text_with_the_gauges_of_now(desk: Desk) -> None:
    desk.meter.add(EVENTS, "accepted", by=7)
    status, kind, said = await desk.ask("/metrics")
    assert (status, kind) == (200, "text/plain")
    for line in (
        'gateway_events_total{event="accepted"} 7.0',
        "gateway_dead_letters 3.0",
        'gateway_queue_items{kind="document"} 2.0',
        'gateway_queue_items{kind="transfer"} 5.0',
        "gateway_ready 1.0",
    ):
        assert line in said.splitlines()
    assert re.search(r'gateway_build_info\{python="3[0-9.]+",version="[0-9.]+"\} 1.0', said)


async def test_what_is_wrong_is_a_problem_document(desk: Desk) -> None:
    assert (await desk.ask("/nothing"))[:2] == (404, "application/problem+json")
    assert (await desk.ask("/readyz", "POST"))[:2] == (405, "application/problem+json")
    desk.probe.code = "bug"
    status, kind, said = await desk.ask("/readyz")
    assert (status, kind) == (500, "application/problem+json")
    assert "ZeroDivision" not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
async def test_no_address_that_others_can_reach(host: str) -> None:
    with pytest.raises(SiteError):
        refuse_exposed(host)
    parts = AdminParts(own=OWN, probes=(), meter=PrometheusMeter(), readings=(), entropy=secrets.token_bytes)
    with bound("0.0.0.0") as sock, pytest.raises(SiteError):
        await listen_admin(build_admin_app(parts), sock=sock)


@pytest.mark.parametrize(
    "name", ["gateway.example.vn", "127.0.0.1.example.vn", "192.0.2.7:9443", "[2001:db8::1]:1", ""]
)
async def test_a_page_that_bent_its_name_to_our_address_learns_nothing(desk: Desk, name: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{desk.url}/healthz", headers={"Host": name}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("name", ["localhost", "localhost:9443", "127.0.0.1:9443", "[::1]:9443", "[::1]"])
async def test_a_name_of_this_machine_is_answered(desk: Desk, name: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{desk.url}/healthz", headers={"Host": name}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_loopback_it_is(host: str) -> None:
    refuse_exposed(host)


async def test_the_doctor_reads_what_the_service_says(desk: Desk) -> None:
    url = desk.url + "/readyz"
    assert [f.code for f in await ServiceProbe(url, own=OWN).look()] == ["probe.service.ready"]
    desk.probe.code = "probe.disk.full"
    (finding,) = await ServiceProbe(url, own=OWN).look()
    assert (finding.check, finding.code, finding.health) == (Check.SERVICE, "probe.disk.full", Health.FAIL)
    assert finding.params["path"] == "/state"
    (other,) = await ServiceProbe(url, own=GatewayId("other.example")).look()
    assert other.code == "probe.service.foreign"


def test_no_metric_has_a_label_that_could_be_an_id() -> None:
    closed = {
        *(
            "listener",
            "route",
            "status",
            "event",
            "road",
            "outcome",
            "result",
            "kind",
            "role",
            "version",
            "python",
            "reason",
            "state",
            "why",
            "class",
        ),
    }
    assert {label for metric in CATALOGUE for label in metric.labels} <= closed
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert metric.name.startswith("gateway_")
        assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
