"""A small PKI in memory for every room's tests: a root, an issuing authority, CRLs, and leaves good and bad.

Keys are made once per process (`rsa_key` keeps them); EC leaves cost nothing. The PKI lives around `MOMENT`, so tests
judge at a moment of their own and never at the wall clock, except `Pki(now=...)` for those that run real services.
"""

import datetime as dt
import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.crypto import DEMO_POLICY_OID, Trust

MOMENT = dt.datetime(2026, 11, 21, 12, 0, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
REVOKED_SERIALS = range(0x52_0000, 0x52_0100)
"""Every leaf of the kind `revoked` bears one of these serial numbers, and the CRL lists them all."""

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LeafKind = Literal[
    "seal", "transport", "tls", "expired", "future", "revoked", "usage", "purpose", "mail", "weak", "demo", "elliptic"
]


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of that name, made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A P-256 key of that name, made once."""
    return ec.generate_private_key(ec.SECP256R1())


def der(certificate: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def spki(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def write_key(path: Path, key: Key, mode: int = 0o600) -> Path:
    """The key as an unencrypted PKCS#8 PEM file."""
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(mode)
    return path


def write_chain(path: Path, *certificates: x509.Certificate) -> Path:
    path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
    return path


@dataclass(frozen=True)
class Leaf:
    """A certificate of an end entity with its key and the certificates above it."""

    key: Key
    certificate: x509.Certificate
    issuing: x509.Certificate

    @property
    def der(self) -> bytes:
        return der(self.certificate)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificate and its issuer's, DER."""
        return der(self.certificate), der(self.issuing)


@dataclass(frozen=True)
class Pki:
    """One hierarchy. `name` tells hierarchies apart; `now` is the middle of its life."""

    name: str = "Test"
    now: dt.datetime = MOMENT

    @cached_property
    def root(self) -> x509.Certificate:
        key = rsa_key(f"{self.name} root")
        return self._sign(
            self._builder(f"{self.name} Root CA", key, 3650).issuer_name(_name(f"{self.name} Root CA")), 1, key
        )

    @cached_property
    def issuing(self) -> x509.Certificate:
        builder = self._builder(f"{self.name} Issuing CA", rsa_key(f"{self.name} issuing"), 1825)
        return self._sign(builder.issuer_name(self.root.subject), 0, rsa_key(f"{self.name} root"))

    @cached_property
    def crls(self) -> tuple[bytes, ...]:
        """CRL of the root (empty) and of the issuing authority (with every leaf of the kind `revoked`)."""
        return self.crl(self.root, rsa_key(f"{self.name} root")), self.crl(
            self.issuing, rsa_key(f"{self.name} issuing"), *REVOKED_SERIALS
        )

    def crl(self, issuer: x509.Certificate, key: rsa.RSAPrivateKey, *serials: int) -> bytes:
        """A CRL that ran yesterday and runs for thirty days."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(self.now - DAY)
            .next_update(self.now + 30 * DAY)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for serial in serials:
            gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self.now - 2 * DAY).build()
            builder = builder.add_revoked_certificate(gone)
        return der(builder.sign(key, SHA256()))

    @cached_property
    def trust(self) -> Trust:
        return Trust(anchors=(der(self.root),), intermediates=(der(self.issuing),), crls=self.crls, demo=False)

    def leaf(self, kind: LeafKind, *, common_name: str = "", organ_id: str = "H29.16") -> Leaf:
        """A leaf of a kind; the same arguments give the same certificate. `organ_id` empty: it names no code."""
        return _leaf(self, kind, common_name or f"{self.name} {kind}", organ_id)

    def write_trust(self, folder: Path) -> Path:
        """The folder that `load_trust` reads."""
        for name, blobs in (
            ("anchors", [self.root.public_bytes(Encoding.PEM)]),
            ("intermediates", [self.issuing.public_bytes(Encoding.PEM)]),
            ("crls", list(self.crls)),
        ):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number, blob in enumerate(blobs):
                (folder / name / f"{number}{'.crl' if name == 'crls' else '.pem'}").write_bytes(blob)
        return folder

    def _builder(self, common_name: str, key: Key, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - days * DAY / 2)
            .not_valid_after(self.now + days * DAY / 2)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder, length: int, key: rsa.RSAPrivateKey) -> x509.Certificate:
        return (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )


@cache
def _leaf(pki: Pki, kind: LeafKind, common_name: str, organ_id: str) -> Leaf:
    key: Key = (
        ec_key(f"{pki.name} {kind} {organ_id}")
        if kind == "elliptic"
        else rsa_key(f"{pki.name} {kind} {organ_id}", 1024 if kind == "weak" else 2048)
    )
    issuing_key = rsa_key(f"{pki.name} issuing")
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            *([x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organ_id)] if organ_id else []),
            x509.NameAttribute(NameOID.COMMON_NAME, ("DEMO " if kind == "demo" else "") + common_name),
        ]
    )
    begin = {"expired": -60, "future": 30}.get(kind, -30)
    serial = x509.random_serial_number()
    if kind == "revoked":
        serial = REVOKED_SERIALS[zlib.crc32(f"{common_name} {organ_id}".encode()) % len(REVOKED_SERIALS)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(pki.issuing.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(pki.now + begin * DAY)
        .not_valid_after(pki.now + (begin + (365 if kind != "expired" else 30)) * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing_key.public_key()), critical=False)
    )
    for extension, critical in _extensions(kind):
        builder = builder.add_extension(extension, critical=critical)
    return Leaf(key, builder.sign(issuing_key, SHA256()), pki.issuing)


def _extensions(kind: LeafKind) -> list[tuple[x509.ExtensionType, bool]]:
    tls = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    match kind:
        case "tls":
            names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName("gateway.test")])
            return [(_usage("digital_signature"), True), (tls, False), (names, False)]
        case "transport" | "elliptic":
            return [(_usage("digital_signature"), True)]
        case "usage":
            return [(_usage("key_encipherment"), True)]
        case "purpose":
            server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            return [(_usage("digital_signature"), True), (server, False)]
        case "mail":  # as Vietnamese authorities issue to whoever signs
            mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION])
            return [(_usage("digital_signature"), True), (mail, False)]
        case "demo":
            policy = x509.PolicyInformation(x509.ObjectIdentifier(DEMO_POLICY_OID), None)
            return [(_usage("content_commitment"), True), (x509.CertificatePolicies([policy]), False)]
    return [(_usage("content_commitment"), True)]


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _usage(*names: str) -> x509.KeyUsage:
    kinds = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{kind: kind in names for kind in kinds})
