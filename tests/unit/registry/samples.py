"""A small registry with real certificates and keys, made once per test session."""

import base64
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from gateway.core.directory import Body, BodyStatus, GatewayEntry, Snapshot
from gateway.core.ids import Digest, GatewayId, OrganId

ISSUED = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
PARTY, STATE = GatewayId("dang.demo.internal"), GatewayId("chinhquyen.demo.internal")


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(name: str) -> bytes:
    return key(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@cache
def certificate(name: str) -> bytes:
    """DER of a self-signed certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=subject,
        public_key=key(name).public_key(),
        serial_number=7,
        not_valid_before=ISSUED,
        not_valid_after=ISSUED + timedelta(days=365),
    )
    return builder.sign(key(name), hashes.SHA256()).public_bytes(Encoding.DER)


def verifier_key(origin: str, public_key: bytes) -> str:
    """C2SP signed-note: name, key id and typed key."""
    typed = b"\x01" + public_key
    key_id = sha256(origin.encode() + b"\n" + typed).hexdigest()[:8]
    return f"{origin}+{key_id}+{base64.b64encode(typed).decode()}"


def gateway(name: GatewayId, **changes: object) -> GatewayEntry:
    fields: dict[str, object] = {
        "gateway": name,
        "name": f"Cổng {name}",
        "url": f"https://{name}:8444",
        "tls_keys": (Digest(sha256(name.encode()).hexdigest()),),
        "receipt_keys": (spki(f"receipt {name}"),),
        "log_keys": (verifier_key(f"{name}/audit", sha256(name.encode()).digest()),),
    }
    return GatewayEntry(**{**fields, **changes})  # type: ignore[arg-type]


def body(code: str, **changes: object) -> Body:
    fields: dict[str, object] = {
        "organ_id": OrganId(code),
        "name": f"Đảng ủy {code}",
        "in_charge": "Thành ủy",
        "gateway": PARTY,
        "status": BodyStatus.ACTIVE,
        "successor": None,
        "transport_certificates": (certificate("transport"),),
        "seal_certificates": (Digest("ab" * 32),),
    }
    return Body(**{**fields, **changes})  # type: ignore[arg-type]


def snapshot(epoch: int, digest: str) -> Snapshot:
    """A snapshot as loaded, without a file behind it."""
    entries = {one.gateway: one for one in (gateway(PARTY), gateway(STATE))}
    return Snapshot(
        epoch=epoch,
        digest=Digest(digest * 64),
        issued_at=ISSUED,
        bodies={OrganId("Z79.A"): body("Z79.A")},
        gateways=entries,
    )
