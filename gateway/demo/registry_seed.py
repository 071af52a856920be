"""The demo's registry edition: every body of the world, and both gateways with the keys they are known by."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gateway.audit import VerifierKey
from gateway.core.directory import Body, BodyStatus, GatewayEntry
from gateway.core.ids import Digest, GatewayId
from gateway.crypto import certificate_digest, spki_digest
from gateway.demo.pki import DemoPki
from gateway.demo.world import GOVERNMENT_GATEWAY, PARTY_GATEWAY, DemoBody, DemoWorld
from gateway.registry import write_snapshot

EPOCH: Final = 1
"""The demo has one edition."""

GATEWAY_NAMES: Final = MappingProxyType(
    {
        PARTY_GATEWAY: "Cổng liên thông khối Đảng (DEMO)",
        GOVERNMENT_GATEWAY: "Cổng liên thông khối chính quyền (DEMO)",
    }
)


def seed_registry(
    world: DemoWorld, pki: DemoPki, *, urls: Mapping[GatewayId, str], issued_at: datetime
) -> tuple[bytes, Digest]:
    """The edition's file and the digest that both gateways pin. `urls`: `https://host:port` of each peer listener."""
    bodies = [_body(body, pki) for body in world.bodies]
    gateways = [_gateway(gateway, pki, url=urls[gateway]) for gateway in (world.party, world.government)]
    data = write_snapshot(epoch=EPOCH, issued_at=issued_at, gateways=gateways, bodies=bodies)
    return data, Digest(hashlib.sha256(data).hexdigest())


def log_origin(gateway: GatewayId) -> str:
    """The name of a gateway's audit log, as its configuration makes it (`Config.log_origin`)."""
    return f"{gateway}/audit"


def _body(body: DemoBody, pki: DemoPki) -> Body:
    seal = pki.seals.get(body.organ_id)
    return Body(
        organ_id=body.organ_id,
        name=body.name,
        in_charge=body.in_charge,
        gateway=body.gateway,
        status=BodyStatus.ACTIVE,
        successor=None,
        transport_certificates=(pki.transport[body.organ_id],),
        seal_certificates=() if seal is None else (certificate_digest(seal),),
    )


def _gateway(gateway: GatewayId, pki: DemoPki, *, url: str) -> GatewayEntry:
    material = pki.gateways[gateway]
    return GatewayEntry(
        gateway=gateway,
        name=GATEWAY_NAMES[gateway],
        url=url,
        tls_keys=(spki_digest(material.tls_certificate),),
        receipt_keys=(material.receipt_key,),
        log_keys=(VerifierKey.of(log_origin(gateway), material.log_key).format(),),
    )
