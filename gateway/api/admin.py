"""The operator's door: is it alive, is it ready, what does it count. Loopback only, plain HTTP, nothing that changes anything.

* `GET /healthz`: the event loop answers. For a watchdog: when this fails, restart.
* `GET /readyz`: every probe with its state, code and texts; 503 when one has failed or the gateway drains. For whoever sends
  traffic. Never asks a peer: a road that is closed is no reason to close another.
* `GET /metrics`: Prometheus' text format.

Whoever can open a loopback connection on this machine may read all this; there are no ids, codes of bodies or contents in
it. `listen` refuses any other address. Errors are problem documents as on the office API.
"""

import asyncio
import ipaddress
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.api.local_border import answered, json_answer
from gateway.api.metrics import MEDIA_TYPE as METRICS_TYPE
from gateway.api.metrics import PrometheusMeter
from gateway.api.problems import document
from gateway.core import limits
from gateway.core.errors import GatewayError, SenderError, SiteError
from gateway.core.health import Finding, Health, found, worst
from gateway.core.ids import Entropy, GatewayId
from gateway.core.metrics import BUILD, READY, REQUEST_SECONDS, REQUESTS, Reading, Readings
from gateway.core.ports import Probe
from gateway.http import Door, Listener, Runner, dress, serve
from gateway.observe import ask, bound_ids, explain, label, logger, new_trace_id, text

KEEPALIVE_SECONDS: Final = 15.0
SHUTDOWN_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 5.0
_log = logger("gateway.admin")


@dataclass(slots=True, kw_only=True)
class Readiness:
    """Whether the gateway has begun to stop; said here first, before anything is closed."""

    draining: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminParts:
    """Everything the admin listener is handed by whoever plugs the gateway together."""

    own: GatewayId
    probes: Sequence[Probe]
    meter: PrometheusMeter
    readings: Sequence[Readings]
    entropy: Entropy
    readiness: Readiness = field(default_factory=Readiness)


_PARTS: Final = web.AppKey("parts", AdminParts)


def refuse_exposed(host: str) -> None:
    """Refuse an address that others can reach.

    Raises:
        SiteError: `config.invalid`.
    """
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise SiteError("config.invalid", path="admin.host", reason=f"{host} is not a loopback address")


def build_admin_app(parts: AdminParts) -> web.Application:
    """The application with its three questions."""
    door = _Door(parts)
    app = web.Application(middlewares=[door.border], client_max_size=limits.KIB)
    app[_PARTS] = parts
    app.on_response_prepare.append(dress)
    app.router.add_get("/healthz", door.healthz)
    app.router.add_get("/readyz", door.readyz)
    app.router.add_get("/metrics", door.metrics)
    return app


async def listen_admin(app: web.Application, *, sock: Listener) -> Runner:
    """Serve it on a socket that is bound to a loopback address; `cleanup()` of the runner ends it.

    Raises:
        SiteError: `config.invalid` for any other address.
    """
    refuse_exposed(sock.getsockname()[0])
    door = Door(name="admin", document=document, entropy=app[_PARTS].entropy, keepalive_seconds=KEEPALIVE_SECONDS)
    return await serve(app, door, sock, shutdown_seconds=SHUTDOWN_SECONDS)


def readiness_json(own: GatewayId, findings: Sequence[Finding]) -> dict[str, Any]:
    """The body of `/readyz`, for programs and for people."""
    state = worst(tuple(findings))
    return {
        "gateway": own,
        "version": version("edoc-gateway"),
        "ready": state is not Health.FAIL,
        "state": state.value,
        "probes": [finding_json(finding) for finding in findings],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding: what was looked at, how it stands, what to do."""
    what, todo = _words(finding)
    name = label(f"check.{finding.check}")
    return {
        "check": finding.check.value,
        "check_label_vi": name.vi,
        "state": finding.health.value,
        "code": finding.code,
        "params": {name: str(value) for name, value in finding.params.items()},
        "messages": {
            "vi": {"what": what["vi"], "todo": todo["vi"]},
            "en": {"what": what["en"], "todo": todo["en"]},
        },
    }


def _words(finding: Finding) -> tuple[dict[str, str], dict[str, str]]:
    if finding.health is Health.OK:
        what = text(finding.code, finding.params)
        return {"vi": what.vi, "en": what.en}, {"vi": "", "en": ""}
    said = explain(finding.code, finding.params)
    return {"vi": said.what_vi, "en": said.what_en}, {"vi": said.todo_vi, "en": said.todo_en}


class _Door:
    """The handlers and what they are handed."""

    def __init__(self, parts: AdminParts) -> None:
        self._parts = parts
        self.border = self._border()

    def _border(self) -> Any:
        @web.middleware
        async def border(request: web.Request, handler: Handler) -> web.StreamResponse:
            resource, meter = request.match_info.route.resource, self._parts.meter
            labels = ("admin", f"{request.method} {resource.canonical}" if resource else "")
            trace_id = new_trace_id(self._parts.entropy)
            if not _is_local(request.host):
                handler = _refuse_name
            with bound_ids(trace_id=trace_id), meter.timed(REQUEST_SECONDS, *labels):
                response = await answered(request, handler, trace_id)
            meter.add(REQUESTS, *labels, str(response.status))
            return response

        return border

    async def healthz(self, _request: web.Request) -> web.Response:
        """Answered by the loop, and by nothing else."""
        return json_answer({"gateway": self._parts.own, "alive": True})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Every probe's findings; 503 when one has failed."""
        findings = await self._findings()
        members = readiness_json(self._parts.own, findings)
        return json_answer(members, status=200 if members["ready"] else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Counters, histograms, and the gauges as they are now. A gauge that cannot be read is left out, not guessed."""
        findings = await self._findings()
        read = await asyncio.gather(*(_read(source) for source in self._parts.readings))
        readings = [reading for some in read for reading in some]
        readings.append(Reading(READY, float(worst(findings) is not Health.FAIL)))
        readings.append(Reading(BUILD, 1.0, (version("edoc-gateway"), platform.python_version())))
        return web.Response(body=self._parts.meter.exposition(readings), headers={hdrs.CONTENT_TYPE: METRICS_TYPE})

    async def _findings(self) -> tuple[Finding, ...]:
        if self._parts.readiness.draining:
            return (found("probe.service.draining"),)
        return (found("probe.service.ready"), *await ask(self._parts.probes))


async def _read(source: Readings) -> Sequence[Reading]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await source()
    except (GatewayError, TimeoutError, OSError) as error:
        _log.warning("metrics.unread", why=str(error))
        return ()


def _is_local(host: str) -> bool:
    """Whether the request was made for this machine: a page elsewhere may have bent its own name to our address."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


async def _refuse_name(_request: web.Request) -> web.StreamResponse:
    raise SenderError("request.malformed", reason="Host")
