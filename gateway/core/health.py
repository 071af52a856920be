"""What a probe finds: a closed catalogue of findings, each with the one state it means and texts in both languages.

A finding that is good says so too: whoever reads a list wants to see what was looked at. What an error of ours already
explains (`gateway.core.errors`) is found by its code, and is always a failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.core.errors import GatewayError


class Health(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    """It goes on, and somebody should look before it does not."""
    FAIL = "fail"


class Check(StrEnum):
    """What is looked at, in the order in which it is shown."""

    SERVICE = "service"
    CONFIGURATION = "configuration"
    REGISTRY = "registry"
    KEYS = "keys"
    CERTIFICATES = "certificates"
    TRUST = "trust"
    DATABASE = "database"
    LOG = "log"
    QUEUE = "queue"
    INVARIANTS = "invariants"
    SCANNER = "scanner"
    BLOBS = "blobs"
    DISK = "disk"
    CLOCK = "clock"
    PORTS = "ports"
    DESCRIPTORS = "descriptors"
    WORKERS = "workers"
    RELOAD = "reload"
    PEERS = "peers"


_OK, _WARN, _FAIL = Health.OK, Health.WARN, Health.FAIL

FINDINGS: Final = MappingProxyType(
    {
        "probe.service.ready": _OK,
        "probe.service.stopped": _WARN,
        "probe.service.foreign": _FAIL,
        "probe.service.draining": _FAIL,
        "probe.configuration.good": _OK,
        "probe.configuration.read": _OK,
        "probe.configuration.many": _FAIL,
        "probe.registry.good": _OK,
        "probe.keys.good": _OK,
        "probe.keys.mode": _FAIL,
        "probe.keys.pair": _FAIL,
        "probe.keys.stranger": _FAIL,
        "probe.keys.token": _OK,
        "probe.keys.token_tries": _WARN,
        "probe.keys.token_unseen": _WARN,
        "probe.certificates.good": _OK,
        "probe.certificates.soon": _WARN,
        "probe.certificates.early": _FAIL,
        "probe.certificates.expired": _FAIL,
        "probe.trust.good": _OK,
        "probe.trust.crl_soon": _WARN,
        "probe.trust.crl_stale": _FAIL,
        "probe.trust.crl_none": _FAIL,
        "probe.trust.crl_missing": _FAIL,
        "probe.trust.list": _OK,
        "probe.trust.list_soon": _WARN,
        "probe.trust.list_expired": _FAIL,
        "probe.trust.policy_anchor": _WARN,
        "probe.trust.fetched": _OK,
        "probe.trust.fetch_late": _WARN,
        "probe.trust.never_fetched": _WARN,
        "probe.database.good": _OK,
        "probe.database.writable": _OK,
        "probe.database.absent": _WARN,
        "probe.log.good": _OK,
        "probe.log.new": _OK,
        "probe.log.behind": _WARN,
        "probe.log.late": _FAIL,
        "probe.queue.good": _OK,
        "probe.queue.waiting": _WARN,
        "probe.queue.dead": _WARN,
        "probe.queue.stuck": _FAIL,
        "probe.queue.in_time": _OK,
        "probe.queue.late": _WARN,
        "probe.queue.late_urgent": _WARN,
        "probe.queue.none_held": _OK,
        "probe.queue.held": _WARN,
        "probe.queue.in_order": _OK,
        "probe.queue.staged": _OK,
        "probe.queue.staged_late": _WARN,
        "probe.queue.order_overdue": _WARN,
        "probe.queue.resynced": _OK,
        "probe.queue.resync": _WARN,
        "probe.queue.nothing_owed": _OK,
        "probe.queue.timestamps": _OK,
        "probe.queue.timestamps_late": _WARN,
        "probe.queue.timestamps_given_up": _WARN,
        "probe.invariants.good": _OK,
        "probe.invariants.unkept": _WARN,
        "probe.invariants.i1": _FAIL,
        "probe.invariants.i2": _FAIL,
        "probe.invariants.i3": _FAIL,
        "probe.invariants.i4": _FAIL,
        "probe.invariants.i5": _FAIL,
        "probe.invariants.i6": _FAIL,
        "probe.invariants.i7": _FAIL,
        "probe.invariants.i8": _FAIL,
        "probe.invariants.i9": _FAIL,
        "probe.invariants.i10": _FAIL,
        "probe.scanner.none": _WARN,
        "probe.scanner.demo": _OK,
        "probe.scanner.good": _OK,
        "probe.scanner.unofficial": _WARN,
        "probe.scanner.stale": _WARN,
        "probe.scanner.away": _WARN,
        "probe.blobs.good": _OK,
        "probe.blobs.absent": _WARN,
        "probe.blobs.closed": _FAIL,
        "probe.blobs.damaged": _FAIL,
        "probe.disk.room": _OK,
        "probe.disk.filling": _WARN,
        "probe.disk.full": _FAIL,
        "probe.disk.read_only": _FAIL,
        "probe.clock.good": _OK,
        "probe.clock.stepped": _WARN,
        "probe.clock.behind": _FAIL,
        "probe.ports.free": _OK,
        "probe.ports.ours": _OK,
        "probe.ports.taken": _FAIL,
        "probe.descriptors.good": _OK,
        "probe.descriptors.low": _WARN,
        "probe.workers.confined": _OK,
        "probe.workers.open": _WARN,
        "probe.reload.good": _OK,
        "probe.reload.refused": _WARN,
        "probe.reload.restart": _WARN,
        "probe.reload.slow": _WARN,
        "probe.peers.reached": _OK,
        "probe.peers.unreached": _WARN,
    }
)
"""Every finding and what it means; `probe.<check>.<word>`. Texts stand under the code, what to do under `<code>.todo`."""

TIMEOUT: Final = "probe.timeout"
"""The probe itself did not come back: a failure, whatever it looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and how it stands."""

    check: Check
    health: Health
    code: str
    params: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


def found(code: str, /, **params: object) -> Finding:
    """A finding of the catalogue."""
    return Finding(check=Check(code.split(".")[1]), health=FINDINGS[code], code=code, params=params)


def failed(check: Check, error: GatewayError) -> Finding:
    """An error of ours as a finding."""
    return Finding(check=check, health=Health.FAIL, code=error.code, params=error.params)


def timed_out(check: Check, seconds: float) -> Finding:
    """A probe that did not come back in time."""
    return Finding(check=check, health=Health.FAIL, code=TIMEOUT, params={"seconds": f"{seconds:g}"})


def worst(findings: tuple[Finding, ...]) -> Health:
    """The state of them all."""
    states = {finding.health for finding in findings}
    return next((state for state in (Health.FAIL, Health.WARN) if state in states), Health.OK)
