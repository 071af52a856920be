"""The plan: one route or one refusal for every recipient, in the order of the recipients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.core.directory import Body, BodyStatus, Snapshot
from gateway.core.ids import GatewayId, OrganId
from gateway.routing.successor import active_successor

HOSTED: Final = "registry.hosted"
"""Reason of a route: the registry says that gateway hosts the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One recipient's copy goes to one gateway."""

    recipient: OrganId
    destination: GatewayId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One recipient cannot be served; `code` is an error code of the catalogue."""

    recipient: OrganId
    code: str
    successor: OrganId | None
    """For a closed code: the active body that took over, if the registry knows one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one edition of the registry says of a set of recipients."""

    routes: tuple[Route, ...]
    refusals: tuple[Refusal, ...]
    epoch: int
    """Of the edition that was asked."""
    at: datetime
    """When it was asked."""

    def by_destination(self) -> Mapping[GatewayId, tuple[Route, ...]]:
        """The routes grouped by gateway: one transfer each. Routes keep the order of the recipients.

        Gateways come in one order whatever that of the recipients: two documents then number their streams, and wait for
        each other's rows, in the same order.
        """
        groups: dict[GatewayId, list[Route]] = {}
        for route in self.routes:
            groups.setdefault(route.destination, []).append(route)
        return {destination: tuple(groups[destination]) for destination in sorted(groups)}


def plan(*, recipients: Sequence[OrganId], snapshot: Snapshot, moment: datetime) -> Plan:
    """Decide for every recipient where its copy goes, or why it goes nowhere. No recipient may be named twice."""
    assert len(set(recipients)) == len(recipients), "a recipient is named twice"
    decisions = [_decide(recipient, snapshot) for recipient in recipients]
    return Plan(
        routes=tuple(decision for decision in decisions if isinstance(decision, Route)),
        refusals=tuple(decision for decision in decisions if isinstance(decision, Refusal)),
        epoch=snapshot.epoch,
        at=moment,
    )


def _decide(recipient: OrganId, snapshot: Snapshot) -> Route | Refusal:
    body = snapshot.body(recipient)
    if body is None:
        return Refusal(recipient=recipient, code="recipient.unknown", successor=None)
    if body.status is BodyStatus.ACTIVE:
        return Route(recipient=recipient, destination=body.gateway, reason=HOSTED)
    return _refuse(body, snapshot)


def _refuse(body: Body, snapshot: Snapshot) -> Refusal:
    if body.status is BodyStatus.LOCKED:
        return Refusal(recipient=body.organ_id, code="recipient.locked", successor=None)
    return Refusal(recipient=body.organ_id, code="recipient.closed", successor=active_successor(body, snapshot))
