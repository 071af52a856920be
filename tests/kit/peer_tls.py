"""A small EC PKI for peers: authorities, certificates right and wrong, and the TLS contexts of both sides."""

import hashlib
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.ids import Digest

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key and its certificate, on disk as TLS wants them."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    files: tuple[Path, Path]

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pin(self) -> Digest:
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Digest(hashlib.sha256(spki).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a certificate shall say."""

    name: str
    other_names: tuple[str, ...] = ()
    usages: tuple[x509.ObjectIdentifier, ...] = (CLIENT, SERVER)
    not_before: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    not_after: datetime = datetime(2099, 1, 1, tzinfo=UTC)

    def expired(self) -> "Order":
        return replace(self, not_after=datetime.now(UTC) - timedelta(days=1))

    def not_yet_valid(self) -> "Order":
        return replace(self, not_before=datetime.now(UTC) + timedelta(days=1))


class Authority:
    """A root that issues directly."""

    def __init__(self, folder: Path, name: str = "Peers CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key, Order(name=name))
        self.certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
            self._key, hashes.SHA256()
        )
        self.file = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:8]}.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def issue(self, order: Order | str, *, key: ec.EllipticCurvePrivateKey | None = None) -> Identity:
        """A certificate for the order, over a fresh key unless one is given."""
        order = Order(name=order) if isinstance(order, str) else order
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(order.name), self._name, key, order)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in (order.name, *order.other_names)]),
                critical=False,
            )
            .add_extension(x509.ExtendedKeyUsage(order.usages), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{certificate.serial_number:x}"
        files = (self._folder / f"{stem}.crt", self._folder / f"{stem}.key")
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Identity(key=key, certificate=certificate, files=files)


def server_context(authority: Authority, identity: Identity) -> ssl.SSLContext:
    """TLS 1.3 only, client certificate required."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    context.load_cert_chain(*identity.files)
    return context


def client_context(authority: Authority, identity: Identity | None) -> ssl.SSLContext:
    """TLS 1.3 only, the server's chain and name checked, our certificate shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(authority.file)
    if identity is not None:
        context.load_cert_chain(*identity.files)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, order: Order
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(order.not_before)
        .not_valid_after(order.not_after)
    )
