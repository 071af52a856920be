"""The doors of a running gateway: the office API and the peer listener, each with its port, its share and its TLS context.

A part of the composition root (docs/adr/0006): it hands the conductors to the doors, which know no instrument.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from gateway.access import StoredAuthenticator, TokenBucketLimiter, open_listener
from gateway.api import ApiLimits, ApiParts, build_app
from gateway.api import listen as listen_office
from gateway.core.metrics import CONNECTIONS, CONNECTIONS_CLOSED, Reading
from gateway.crypto import RollingContext, client_certificate
from gateway.exchange import (
    AmendmentAnswers,
    BusinessStatuses,
    Events,
    Queries,
    Recalls,
    Reception,
    Release,
    ResyncAnswers,
    Submission,
)
from gateway.material import Material
from gateway.peer import build_peer_app
from gateway.peer import listen as listen_peer
from gateway.rooms import Rooms

REQUEST_SECONDS: Final = 7.0
"""aiohttp waits this long for requests in flight, cancels them, and waits as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The two listeners for others, and the TLS contexts they shake hands with."""

    office: web.AppRunner
    peer: web.AppRunner
    office_tls: RollingContext
    peer_tls: RollingContext

    @property
    def office_port(self) -> int:
        """The office API's."""
        return int(self.office.addresses[0][1])

    @property
    def peer_port(self) -> int:
        """The peer listener's."""
        return int(self.peer.addresses[0][1])

    async def readings(self) -> list[Reading]:
        """Open connections."""
        doors = (("office", self.office), ("peer", self.peer))
        return [Reading(CONNECTIONS, len(door.server.connections), (name,)) for name, door in doors if door.server]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerDesks:
    """Who answers peers."""

    reception: Reception
    resync: ResyncAnswers


async def open_doors(
    material: Material, rooms: Rooms, peers: PeerDesks, events: Events, stack: AsyncExitStack
) -> Doors:
    """Both listeners, taking calls."""
    config, desk = material.config, rooms.desk
    peer_app = build_peer_app(
        reception=peers.reception,
        resync=peers.resync,
        directory=desk.directory,
        blobs=desk.blobs,
        own=desk.own,
        entropy=desk.entropy,
        intake=rooms.intake,
        meter=desk.meter,
        sizes=desk.sizes,
        uploads=rooms.uploads,
    )
    office_tls, peer_tls = RollingContext(material.office), RollingContext(material.peer_server)
    section, api = config.peer, config.office_api
    closed = partial(partial, desk.meter.add, CONNECTIONS_CLOSED)
    bound = open_listener(section.host, section.port, share=section.share(), clock=desk.clock, count=closed("peer"))
    peer = await listen_peer(peer_app, sock=bound, ssl_context=peer_tls.front, shutdown_seconds=REQUEST_SECONDS)
    stack.push_async_callback(peer.cleanup)
    office_app = build_app(
        ApiParts(
            submission=Submission(desk=desk),
            queries=Queries(desk=desk),
            statuses=BusinessStatuses(desk=desk),
            releases=Release(desk=desk),
            recalls=Recalls(desk=desk),
            amendments=AmendmentAnswers(desk=desk),
            events=events,
            authenticator=StoredAuthenticator(
                store=desk.store, clock=desk.clock, read_certificate=partial(client_certificate, demo=config.demo)
            ),
            rate_limiter=TokenBucketLimiter(config.limits.rates(), clock=desk.clock),
            blobs=desk.blobs,
            entropy=desk.entropy,
            intake=rooms.intake,
            meter=desk.meter,
            uploads=rooms.uploads,
            limits=ApiLimits.of(desk.sizes),
        )
    )
    bound = open_listener(api.host, api.port, share=api.share(), clock=desk.clock, count=closed("office"))
    office = await listen_office(office_app, sock=bound, ssl_context=office_tls.front, shutdown_seconds=REQUEST_SECONDS)
    stack.push_async_callback(office.cleanup)
    return Doors(office=office, peer=peer, office_tls=office_tls, peer_tls=peer_tls)
