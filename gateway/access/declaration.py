"""The unit of work by which the configuration's keys and certificates come into force, with its audit leaf.

Run at start, and again whenever the configuration was read anew: the running service needs no restart for it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.clock import rfc3339
from gateway.core.events import AuditEvent, EventKind
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork

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
    after = _in_force((*grants.keys, *grants.certificates))

    def unit(uow: UnitOfWork) -> Changes:
        before = _in_force((*uow.access.keys(), *uow.access.certificates()))
        uow.access.declare(grants.keys, at)
        uow.access.declare_certificates(grants.certificates, at)
        changes = _compared(before, after)
        if changes:
            record(uow, _event(own, at, changes, after))
        return changes

    return unit


def _in_force(granted: tuple[Granted, ...]) -> Mapping[str, str]:
    return {one.key_id: _line(one) for one in granted if one.revoked_at is None}


def _compared(before: Mapping[str, str], after: Mapping[str, str]) -> Changes:
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(key for key in after.keys() & before.keys() if after[key] != before[key])),
        revoked=tuple(sorted(before.keys() - after.keys())),
    )


def _event(own: GatewayId, at: datetime, changes: Changes, after: Mapping[str, str]) -> AuditEvent:
    private: dict[str, str | int] = {
        "added": " ".join(changes.added),
        "changed": " ".join(changes.changed),
        "revoked": " ".join(changes.revoked),
        "access": hashlib.sha256("".join(sorted(after.values())).encode("utf-8", "surrogatepass")).hexdigest(),
    }
    return AuditEvent(kind=EventKind.ACCESS_DECLARED, at=at, subject=own, document=own, private=private)


def _line(one: Granted) -> str:
    """Everything that is granted, in one line; SHA-256 over the sorted lines is what the leaf says is in force."""
    digest = one.secret_digest if isinstance(one, ApiKey) else one.pin
    until = rfc3339(one.expires_at) if one.expires_at is not None else None
    said = [one.key_id, one.name, digest, sorted(one.organs), sorted(one.scopes), one.addresses, until]
    return json.dumps(said, ensure_ascii=False) + "\n"
