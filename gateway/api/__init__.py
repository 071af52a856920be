"""The door for offices' document systems: HTTP and JSON under `/api/v1`, and the client that speaks it.

A request passes the border (trace, problem documents, one log line), the gate (default deny: a row in `routes`, a good
key, its scope), its operation (path and query as the row says) and reaches a handler, which reads it under limits, asks a
desk of `gateway.exchange`, and answers through a model of `models`. The door decides nothing about documents.

`routes` is the one registry (with `upload_routes` and `amendment_routes`): from its rows come aiohttp's router, the tables of
gate and admission, `/openapi.json` (`openapi`) and the page for people (`page`, in one `language` at a time, written with
`markup`); the examples in both are what a test has really asked and been answered (`examples.json`).

Rules: bodies are counted, timed and hashed while they are read, and only as far as they are wanted; every error there is
leaves as a problem document (RFC 9457) in both languages (to a browser outside of the API as a `problem_page`); what is
not yours and what does not exist are one answer; no file is addressed by its digest; names and types that strangers
chose are made harmless on the way in and on the way out.

For the operator there are two more doors, which share one border (`local_border`): a listener (`admin`): alive, ready, metrics;
on loopback only, without a key, and it changes nothing. And a socket (`operator`, its other end `operator_client`) by which the
queue is changed by hand, for the service's own user alone; the kernel says who asks.

When it fails: before 202 nothing was promised, and the caller repeats with the same Idempotency-Key; files of a submission
that broke off lie in the blob store without a name; one that comes in pieces (`uploads`) is gone on with. A damaged file breaks
its download off instead of arriving whole.
"""

from gateway.api.admin import (
    AdminParts,
    Readiness,
    build_admin_app,
    finding_json,
    listen_admin,
    readiness_json,
    refuse_exposed,
)
from gateway.api.client import OfficeClient
from gateway.api.client_answers import ApiProblem
from gateway.api.client_connection import Patience
from gateway.api.metrics import PrometheusMeter
from gateway.api.operator import listen_operator, who_asks
from gateway.api.operator_client import ask_operator
from gateway.api.parts import ALWAYS, PREFIX, ApiLimits, ApiParts
from gateway.api.server import OfficeRunner, build_app, listen
from gateway.api.service_probe import ServiceProbe

__all__ = [
    "ALWAYS",
    "PREFIX",
    "AdminParts",
    "ApiLimits",
    "ApiParts",
    "ApiProblem",
    "OfficeClient",
    "OfficeRunner",
    "Patience",
    "PrometheusMeter",
    "Readiness",
    "ServiceProbe",
    "ask_operator",
    "build_admin_app",
    "build_app",
    "finding_json",
    "listen",
    "listen_admin",
    "listen_operator",
    "readiness_json",
    "refuse_exposed",
    "who_asks",
]
