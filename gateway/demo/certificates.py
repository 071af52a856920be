"""Certificates and revocation lists of the development PKI (RFC 5280), built from the plan's profiles. No files here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.demo.plan import AuthorityProfile, LeafKind, LeafProfile, PkiPlan, Subject

LOOPBACK: Final = IPv4Address("127.0.0.1")

_EXTENDED: Final = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a leaf certificate is for: fills the placeholders of its subject. A gateway has no code, a body no DNS name."""

    name: str = ""
    organ_id: str = ""
    gateway: str = ""


class Issuer:
    """An authority of the development PKI: its key, its certificate, and what it issues at one moment."""

    def __init__(self, *, plan: PkiPlan, key: RSAPrivateKey, certificate: x509.Certificate, moment: datetime) -> None:
        self.certificate = certificate
        self._plan = plan
        self._key = key
        self._moment = moment.replace(microsecond=0)

    @classmethod
    def self_signed(cls, *, plan: PkiPlan, key: RSAPrivateKey, moment: datetime) -> Self:
        """The root."""
        draft = _draft(plan, plan.root, holder=Holder(), public_key=key.public_key(), moment=moment)
        draft = draft.issuer_name(distinguished_name(plan.root.subject, Holder()))
        draft = _authority(draft, plan.root)
        return cls(plan=plan, key=key, certificate=draft.sign(key, SHA256()), moment=moment)

    def subordinate(self, key: RSAPrivateKey) -> "Issuer":
        """The issuing authority under this root."""
        draft = self._child(self._plan.issuing, Holder(), key.public_key())
        certificate = _authority(draft, self._plan.issuing).sign(self._key, SHA256())
        return Issuer(plan=self._plan, key=key, certificate=certificate, moment=self._moment)

    def leaf(self, kind: LeafKind, holder: Holder, public_key: RSAPublicKey) -> x509.Certificate:
        """A certificate for a gateway or a body."""
        profile = self._plan.leaf(kind)
        draft = self._child(profile, holder, public_key)
        draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        return _purposes(draft, profile, holder).sign(self._key, SHA256())

    def revocation_list(self, profile: AuthorityProfile) -> x509.CertificateRevocationList:
        """An empty list, number 1: the demo revokes nothing, but a path without a list is INDETERMINATE."""
        draft = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(self._moment - timedelta(minutes=self._plan.backdate_minutes))
            .next_update(self._moment + timedelta(days=profile.crl_days))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(self._key_identifier(), critical=False)
        )
        return draft.sign(self._key, SHA256())

    def _child(
        self, profile: AuthorityProfile | LeafProfile, holder: Holder, public_key: RSAPublicKey
    ) -> x509.CertificateBuilder:
        draft = _draft(self._plan, profile, holder=holder, public_key=public_key, moment=self._moment)
        return draft.issuer_name(self.certificate.subject).add_extension(self._key_identifier(), critical=False)

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        subject_key = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key)


def new_key(bits: int) -> RSAPrivateKey:
    """A fresh RSA key with the usual exponent."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def distinguished_name(subject: Subject, holder: Holder) -> x509.Name:
    """The subject with its placeholders filled, in the order of X.520 from the country down."""
    values = {"name": holder.name, "organ_id": holder.organ_id, "gateway": holder.gateway}
    parts = (
        (NameOID.COUNTRY_NAME, subject.country),
        (NameOID.ORGANIZATION_NAME, subject.organization),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, subject.organizational_unit),
        (NameOID.ORGANIZATION_IDENTIFIER, subject.organization_identifier),
        (NameOID.COMMON_NAME, subject.common_name),
    )
    return x509.Name([x509.NameAttribute(oid, text.format_map(values)) for oid, text in parts if text is not None])


def _draft(
    plan: PkiPlan,
    profile: AuthorityProfile | LeafProfile,
    *,
    holder: Holder,
    public_key: RSAPublicKey,
    moment: datetime,
) -> x509.CertificateBuilder:
    """What every certificate has; the policy marks it as the demo's."""
    moment = moment.replace(microsecond=0)
    policy = x509.PolicyInformation(x509.ObjectIdentifier(plan.policy_oid), None)
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .subject_name(distinguished_name(profile.subject, holder))
        .not_valid_before(moment - timedelta(minutes=plan.backdate_minutes))
        .not_valid_after(moment + timedelta(days=profile.days))
        .public_key(public_key)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_key_usage(frozenset(profile.key_usage)), critical=True)
        .add_extension(x509.CertificatePolicies([policy]), critical=False)
    )


def _authority(draft: x509.CertificateBuilder, profile: AuthorityProfile) -> x509.CertificateBuilder:
    return draft.add_extension(x509.BasicConstraints(ca=True, path_length=profile.path_length), critical=True)


def _purposes(draft: x509.CertificateBuilder, profile: LeafProfile, holder: Holder) -> x509.CertificateBuilder:
    """Extended key usage where the profile has one; the names a TLS peer may be reached by."""
    if profile.extended_key_usage:
        usages = x509.ExtendedKeyUsage([_EXTENDED[usage] for usage in profile.extended_key_usage])
        draft = draft.add_extension(usages, critical=False)
    if holder.gateway:
        names = x509.SubjectAlternativeName([x509.DNSName(holder.gateway), x509.IPAddress(LOOPBACK)])
        draft = draft.add_extension(names, critical=False)
    return draft


def _key_usage(names: frozenset[str]) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digitalSignature" in names,
        content_commitment="nonRepudiation" in names,
        key_cert_sign="keyCertSign" in names,
        crl_sign="cRLSign" in names,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
