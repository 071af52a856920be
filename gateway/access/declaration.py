"""The unit of work by which the configuration's keys and certificates come into force, with its audit leaf.

Run at start, and again whenever the configuration was read anew: the running service needs no restart for it.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.clock import rfc3339
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId
from gateway.core.ledgers import ApiKey, PinnedCertificate, UnitOfWork

Granted = ApiKey | PinnedCertificate
Record = Callable[[UnitOfWork, AuditEvent], str]
"""Writes the event's leaf in the unit (`Journal.record`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Who may ask from now on."""

    keys: tuple[ApiKey, ...] = ()
    certificates: tuple[PinnedCertificate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a declaration changed: ids, in order."""

    added: tuple[str, ...]
    """New, or granted again after a revocation."""
    changed: tuple[str, ...]
    revoked: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.revoked)


def declaring(grants: Grants, *, own: GatewayId, record: Record, at: datetime) -> Callable[[UnitOfWork], Changes]:
    """The unit. What is missing is revoked, and every `StoredAuthenticator` on that store heeds it after `CACHE_SECONDS`.

    Repeating it with the same grants changes nothing and writes no leaf.
    """

    def unit(uow: UnitOfWork) -> Changes:
        before = _in_force(uow)
        uow.access.declare(grants.keys, at)
        uow.access.declare_certificates(grants.certificates, at)
        after = _in_force(uow)
        changes = _compared(before, after)
        if changes:
            record(uow, _event(own, at, changes, after))
        return changes

    return unit


def _in_force(uow: UnitOfWork) -> Mapping[str, Granted]:
    granted: tuple[Granted, ...] = (*uow.access.keys(), *uow.access.certificates())
    return {one.key_id: one for one in granted if one.revoked_at is None}


def _compared(before: Mapping[str, Granted], after: Mapping[str, Granted]) -> Changes:
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(key for key in after.keys() & before.keys() if after[key] != before[key])),
        revoked=tuple(sorted(before.keys() - after.keys())),
    )


def _event(own: GatewayId, at: datetime, changes: Changes, after: Mapping[str, Granted]) -> AuditEvent:
    private: dict[str, str | int] = {
        "added": " ".join(changes.added),
        "changed": " ".join(changes.changed),
        "revoked": " ".join(changes.revoked),
        "access": _digest(after.values()),
    }
    return AuditEvent(kind=EventKind.ACCESS_DECLARED, at=at, subject=own, document=own, private=private)


def _digest(granted: Iterable[Granted]) -> str:
    """SHA-256 over everything in force, one line each by id: two logs can be compared, and nothing is given away."""
    lines = sorted(_line(one) for one in granted)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _line(one: Granted) -> str:
    secret = one.secret_digest if isinstance(one, ApiKey) else one.pin
    until = rfc3339(one.expires_at) if one.expires_at is not None else "-"
    lists = (sorted(one.organs), sorted(one.scopes), one.addresses)
    return " ".join([one.key_id, secret, *(",".join(values) or "-" for values in lists), until]) + "\n"
