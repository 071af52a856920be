"""The demo's registry edition: what both gateways pin is what the PKI made."""

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit import VerifierKey
from gateway.config import parse_config
from gateway.core.directory import BodyStatus, Snapshot
from gateway.demo.pki import DemoPki
from gateway.demo.registry_seed import log_origin, seed_registry
from gateway.demo.world import GOVERNMENT_GATEWAY, PARTY_GATEWAY, DemoWorld
from gateway.registry import load_snapshot
from tests.unit.demo.conftest import MOMENT

URLS = {PARTY_GATEWAY: "https://127.0.0.1:18444", GOVERNMENT_GATEWAY: "https://127.0.0.1:28444"}


def seeded(world: DemoWorld, pki: DemoPki, folder: Path) -> Snapshot:
    data, digest = seed_registry(world, pki, urls=URLS, issued_at=MOMENT)
    assert digest == hashlib.sha256(data).hexdigest()
    path = folder / "registry.json"
    path.write_bytes(data)
    return load_snapshot(path, expected=digest)


def test_every_body_is_known_by_its_certificates(world: DemoWorld, pki: DemoPki, tmp_path: Path) -> None:
    snapshot = seeded(world, pki, tmp_path)
    assert list(snapshot.bodies) == sorted(body.organ_id for body in world.bodies)
    for body in world.bodies:
        found = snapshot.bodies[body.organ_id]
        assert (found.name, found.in_charge, found.gateway) == (body.name, body.in_charge, body.gateway)
        assert (found.status, found.successor) == (BodyStatus.ACTIVE, None)
        assert found.transport_certificates == (pki.transport[body.organ_id],)
        seals = (hashlib.sha256(pki.seals[body.organ_id]).hexdigest(),) if body.seals else ()
        assert found.seal_certificates == seals


def test_both_gateways_are_known_by_their_keys(world: DemoWorld, pki: DemoPki, tmp_path: Path) -> None:
    snapshot = seeded(world, pki, tmp_path)
    assert set(snapshot.gateways) == {world.party, world.government}
    for gateway, entry in snapshot.gateways.items():
        material = pki.gateways[gateway]
        leaf = x509.load_der_x509_certificate(material.tls_certificate).public_key()
        spki = leaf.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert entry.url == URLS[gateway]
        assert entry.tls_keys == (hashlib.sha256(spki).hexdigest(),)
        assert entry.receipt_keys == (material.receipt_key,)
        assert [VerifierKey.parse(key) for key in entry.log_keys] == [
            VerifierKey.of(log_origin(gateway), material.log_key)
        ]


def test_the_same_world_gives_the_same_file(world: DemoWorld, pki: DemoPki) -> None:
    first = seed_registry(world, pki, urls=URLS, issued_at=MOMENT)
    assert first == seed_registry(world, pki, urls=URLS, issued_at=MOMENT)


def test_the_logs_name_is_the_one_the_configuration_makes(tmp_path: Path) -> None:
    listener = {"certificate": "tls.crt", "key": "tls.pem"}
    tree = {
        "gateway": {"id": PARTY_GATEWAY, "state": "state"},
        "registry": {"file": "registry.json", "sha256": "0" * 64},
        "trust": {"folder": "trust"},
        "office_api": listener,
        "peer": {**listener, "anchors": "trust/anchors"},
        "keys": {"transport": "keys/transport"},
        "receipts": {"key": "keys/receipt.pem"},
        "audit": {"key": "keys/log.pem"},
    }
    assert log_origin(PARTY_GATEWAY) == parse_config(tree, file=tmp_path / "gateway.toml").log_origin
