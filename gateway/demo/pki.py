"""Makes the development PKI that certs/pki.toml declares, in a fresh folder.

    <folder>/ca/           root and issuing authority: keys and certificates
    <folder>/party/        the Party gateway: keys/{tls,receipt,log}.pem, keys/transport, keys/seal, and
                           trust/{anchors,intermediates,crls}
    <folder>/clients/      the sending body's system: <code>.pem and <code>.crt, for the office API
    <folder>/government/   the same for the government gateway

Files and modes are the work of `layout`, keys in numbers that of `workshop`, the certificates themselves that of
`certificates`. The result carries the public halves, for the registry.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.ids import GatewayId, OrganId
from gateway.demo.certificates import Holder, Issuer, new_key
from gateway.demo.layout import (
    AuthorityFiles,
    GatewayFiles,
    certificate_of,
    make_folders,
    write_certificates,
    write_key,
    write_revocation_list,
)
from gateway.demo.plan import LeafKind, PkiPlan
from gateway.demo.workshop import Order, Progress, Workshop, fill_orders
from gateway.demo.world import DemoBody, DemoWorld

PROCESSES_MAX: Final = 8
INLINE_ORDERS_MAX: Final = 24
"""Up to this many keys (1.5 s) starting processes (0.8 s each) is not worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMaterial:
    """One gateway: its files, and the public halves that the registry pins."""

    files: GatewayFiles
    tls_certificate: bytes
    """DER."""
    receipt_key: bytes
    """SubjectPublicKeyInfo, DER."""
    log_key: bytes
    """SubjectPublicKeyInfo, DER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPki:
    """The development PKI as made. Certificates are DER."""

    folder: Path
    root: Path
    """The root's certificate (PEM): what the demo's own clients trust."""
    gateways: Mapping[GatewayId, GatewayMaterial]
    transport: Mapping[OrganId, bytes]
    seals: Mapping[OrganId, bytes]
    """Only the bodies that seal."""
    clients: Mapping[OrganId, bytes]
    """Only the sending body."""


def make_pki(
    folder: Path, world: DemoWorld, *, plan: PkiPlan, moment: datetime, on_progress: Progress | None = None
) -> DemoPki:
    """Make all that the two gateways of `world` need, in `folder`, which must not exist; `moment` is the time of issue.

    A big world takes one process per core; `on_progress` hears (keys done, keys in all).

    Raises:
        FileExistsError: the folder exists.
    """
    ca = AuthorityFiles(folder / "ca")
    sides = {world.party: GatewayFiles(folder / "party"), world.government: GatewayFiles(folder / "government")}
    clients = folder / "clients"
    make_folders((folder, *ca.folders(), clients))
    for files in sides.values():
        make_folders(files.folders())
    _make_authorities(ca, sides.values(), plan=plan, moment=moment)
    orders = [*_orders(world, sides), _client_order(world, clients)]
    filled = fill_orders(
        Workshop(plan=plan, issuing_key=ca.issuing_key, moment=moment),
        orders,
        processes=_processes(len(orders)),
        on_progress=on_progress or (lambda _done, _total: None),
    )
    tls = _certificates(filled, "tls")
    return DemoPki(
        folder=folder,
        root=certificate_of(ca.root_key),
        gateways=MappingProxyType({gateway: _material(files, tls[gateway]) for gateway, files in sides.items()}),
        transport=MappingProxyType({OrganId(who): der for who, der in _certificates(filled, "transport").items()}),
        seals=MappingProxyType({OrganId(who): der for who, der in _certificates(filled, "seal").items()}),
        clients=MappingProxyType({OrganId(who): der for who, der in _certificates(filled, "client").items()}),
    )


def _make_authorities(ca: AuthorityFiles, sides: Iterable[GatewayFiles], *, plan: PkiPlan, moment: datetime) -> None:
    """Root and issuing authority with their lists; every gateway gets its own copy of what it is to trust."""
    root_key, issuing_key = new_key(plan.root.rsa_bits), new_key(plan.issuing.rsa_bits)
    root = Issuer.self_signed(plan=plan, key=root_key, moment=moment)
    issuing = root.subordinate(issuing_key)
    for path, key, issuer in ((ca.root_key, root_key, root), (ca.issuing_key, issuing_key, issuing)):
        write_key(path, key)
        write_certificates(certificate_of(path), issuer.certificate)
    root_list, issuing_list = root.revocation_list(plan.root), issuing.revocation_list(plan.issuing)
    for files in sides:
        write_certificates(files.anchors / "root.crt", root.certificate)
        write_certificates(files.intermediates / "issuing.crt", issuing.certificate)
        write_revocation_list(files.crls / "root.crl", root_list)
        write_revocation_list(files.crls / "issuing.crl", issuing_list)


def _orders(world: DemoWorld, sides: Mapping[GatewayId, GatewayFiles]) -> Iterable[Order]:
    for gateway, files in sides.items():
        yield Order(kind="tls", holder=Holder(gateway=gateway), key=files.tls_key)
    for body in world.bodies:
        yield from _body_orders(body, sides[body.gateway])


def _body_orders(body: DemoBody, files: GatewayFiles) -> Iterable[Order]:
    holder = Holder(name=body.name, organ_id=body.organ_id)
    yield Order(kind="transport", holder=holder, key=files.transport_keys / f"{body.organ_id}.pem")
    if body.seals:
        yield Order(kind="seal", holder=holder, key=files.seal_keys / f"{body.organ_id}.pem")


def _client_order(world: DemoWorld, folder: Path) -> Order:
    sender = world.sender
    holder = Holder(name=sender.name, organ_id=sender.organ_id)
    return Order(kind="client", holder=holder, key=folder / f"{sender.organ_id}.pem")


def _processes(orders: int) -> int:
    return 1 if orders <= INLINE_ORDERS_MAX else min(os.cpu_count() or 1, PROCESSES_MAX)


def _certificates(filled: Iterable[tuple[Order, bytes]], kind: LeafKind) -> dict[str, bytes]:
    """The certificates of one kind by organ id, or by gateway for TLS."""
    return {order.holder.organ_id or order.holder.gateway: der for order, der in filled if order.kind == kind}


def _material(files: GatewayFiles, tls_certificate: bytes) -> GatewayMaterial:
    """The gateway's keys that need no certificate, made and written here."""
    receipt, log = new_ec_key(SECP256R1()), Ed25519PrivateKey.generate()
    write_key(files.receipt_key, receipt)
    write_key(files.log_key, log)
    return GatewayMaterial(
        files=files,
        tls_certificate=tls_certificate,
        receipt_key=receipt.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        log_key=log.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )
