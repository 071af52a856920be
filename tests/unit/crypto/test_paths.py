"""Paths with more than one way, and with conditions: RFC 5280 section 6.1, and the policy's rules about who signs as what."""

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.validation import Indication, RevocationStatus, SignerKind, SubIndication
from gateway.crypto import (
    AlgorithmRules,
    CertificateVerdict,
    Evidence,
    Policy,
    Role,
    SignerRules,
    Trust,
    details_of,
    judge_certificate,
)
from tests.kit.pki import DAY, MOMENT, Key, der, ec_key, rsa_key
from tests.kit.revocation import crl

CHAIN = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
CONSTRAINTS = SubIndication.CHAIN_CONSTRAINTS_FAILURE
CRYPTO = SubIndication.CRYPTO_CONSTRAINTS_FAILURE
ENDED = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
Extensions = tuple[tuple[x509.ExtensionType, bool], ...]


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return der(self.certificate)

    def crl(self, revoked: dict[int, dt.datetime] | None = None, **how: Any) -> bytes:
        return crl(self.certificate, self.key, revoked, **how)

    @property
    def serial(self) -> int:
        return self.certificate.serial_number


def name(common_name: str, *more: x509.NameAttribute) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")
    return x509.Name([country, *more, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(
    subject: x509.Name,
    key: Key,
    by: Issued | None,
    *,
    ca: bool = True,
    days: tuple[int, int] = (-300, 300),
    length: int | None = None,
    extensions: Extensions = (),
    digest: Any = None,
) -> Issued:
    signer = key if by is None else by.key
    usage = ("key_cert_sign", "crl_sign") if ca else ("content_commitment",)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(MOMENT + days[0] * DAY)
        .not_valid_after(MOMENT + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(*usage), critical=True)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign(signer, digest or SHA256()), key)


def _usage(*names: str) -> x509.KeyUsage:
    kinds = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
    )
    return x509.KeyUsage(**{kind: kind in names for kind in (*kinds.split(), "encipher_only", "decipher_only")})


@cache
def root(which: str = "A") -> Issued:
    return issue(name(f"Root {which}"), ec_key(f"root {which}"), None)


def authority(common_name: str = "Sub CA", by: Issued | None = None, **how: Any) -> Issued:
    return issue(name(common_name), how.pop("key", None) or ec_key(common_name), by or root(), **how)


def leaf(by: Issued, *extensions: tuple[x509.ExtensionType, bool], **how: Any) -> Issued:
    subject = how.pop("subject", name("Somebody"))
    return issue(subject, how.pop("key", ec_key("leaf")), by, ca=False, extensions=extensions, days=(-30, 300), **how)


def trusting(*authorities: Issued, **how: Any) -> Trust:
    """Root A, these authorities as intermediates, and an empty list of everybody."""
    crls = how.pop("crls", tuple(one.crl() for one in (root(), *authorities)))
    fields = {"anchors": (root().der,), **how}
    return Trust(intermediates=tuple(one.der for one in authorities), crls=crls, **fields)


def judged(who: Issued, trust: Trust, moment: dt.datetime = MOMENT, **how: Any) -> CertificateVerdict:
    return judge_certificate(who.der, trust=trust, moment=moment, **how)


# --- the chain ------------------------------------------------------------------------------------------------------------


def test_a_plain_chain_passes_and_is_told_from_the_leaf_to_the_anchor() -> None:
    sub = authority()
    one = leaf(sub)
    trust = trusting(sub)
    verdict = judged(one, trust)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert [seen.anchor for seen in verdict.chain] == [False, False, True]
    assert [seen.certificate for seen in verdict.revocation] == [seen.digest for seen in verdict.chain[:2]]
    details = details_of(verdict, trust)
    assert (details.chain, details.revocation, details.identity) == (
        verdict.chain,
        verdict.revocation,
        verdict.identity,
    )
    assert details.policy == Policy().used


def test_a_revoked_authority_is_told_as_such() -> None:
    sub = authority()
    verdict = judged(leaf(sub), trusting(sub, crls=(root().crl({sub.serial: MOMENT - DAY}), sub.crl())))
    assert verdict.sub_indication is SubIndication.REVOKED_CA_NO_POE
    assert [one.status for one in verdict.revocation] == [RevocationStatus.REVOKED]
    assert verdict.revocation[0].revoked_at == MOMENT - DAY
    assert len(verdict.chain) == 3, "the path that was looked at is told"


def test_an_authority_revoked_later_is_none_at_the_moment() -> None:
    sub = authority()
    lists = (root().crl({sub.serial: MOMENT + DAY}, issued=MOMENT + 2 * DAY), sub.crl(issued=MOMENT + 2 * DAY))
    trust = trusting(sub, crls=lists)
    assert judged(leaf(sub), trust, past=True).indication is Indication.TOTAL_PASSED
    assert judged(leaf(sub), trust, MOMENT + 3 * DAY).sub_indication is SubIndication.REVOKED_CA_NO_POE


@pytest.mark.parametrize("days", [(-300, -1), (1, 300)], ids=["expired", "not yet valid"])
def test_an_authority_out_of_its_time_can_be_healed_by_a_proof_of_existence(days: tuple[int, int]) -> None:
    sub = authority(days=days)
    assert judged(leaf(sub), trusting(sub)).sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_list_signed_after_its_authority_ended_says_nothing() -> None:
    sub = authority(days=(-300, 10))
    late = sub.crl(issued=MOMENT + 20 * DAY, following=MOMENT + 25 * DAY)
    good = root().crl()
    trust = trusting(sub, crls=(good, late))
    assert judged(leaf(sub), trust, past=True).sub_indication is SubIndication.TRY_LATER
    in_time = sub.crl(issued=MOMENT + 9 * DAY)
    assert judged(leaf(sub), trusting(sub, crls=(good, in_time)), past=True).indication is Indication.TOTAL_PASSED


def test_of_cross_signed_authorities_one_good_way_is_enough() -> None:
    """One key, one name, two certificates: by root A, which revoked it, and by root B."""
    key = ec_key("Cross CA")
    by_a, by_b = authority("Cross CA", root("A"), key=key), authority("Cross CA", root("B"), key=key)
    one = leaf(by_a)
    anchors = (root("A").der, root("B").der)
    revoked = root("A").crl({by_a.serial: MOMENT - DAY})
    good = (revoked, root("B").crl(), by_a.crl())
    for order in ((by_a, by_b), (by_b, by_a)):
        trust = trusting(*order, anchors=anchors, crls=good)
        verdict = judged(one, trust)
        assert verdict.indication is Indication.TOTAL_PASSED
        assert "Root B" in verdict.chain[-1].subject
        without = replace(trust, crls=(revoked, by_a.crl()))
        assert judged(one, without).sub_indication is SubIndication.TRY_LATER, "the other way may yet be known"
        lone = replace(trust, anchors=anchors[:1])
        assert judged(one, lone).sub_indication is SubIndication.REVOKED_CA_NO_POE


def test_revoked_itself_counts_more_than_any_way() -> None:
    key = ec_key("Cross CA")
    by_a, by_b = authority("Cross CA", root("A"), key=key), authority("Cross CA", root("B"), key=key)
    one = leaf(by_a)
    gone = by_a.crl({one.serial: MOMENT - DAY})
    trust = trusting(by_a, by_b, anchors=(root("A").der, root("B").der), crls=(root("A").crl(), gone))
    assert judged(one, trust).sub_indication is SubIndication.REVOKED_NO_POE


def test_path_length_is_kept() -> None:
    first = authority("First", length=0)
    second = authority("Second", first)
    assert judged(leaf(first), trusting(first)).indication is Indication.TOTAL_PASSED
    assert judged(leaf(second), trusting(first, second)).sub_indication is CHAIN


def test_name_constraints_are_kept() -> None:
    inside = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]))
    only = x509.NameConstraints(permitted_subtrees=[inside], excluded_subtrees=None)
    sub = authority("Only VN", extensions=((only, True),))
    assert judged(leaf(sub), trusting(sub)).indication is Indication.TOTAL_PASSED
    abroad = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"), x509.NameAttribute(NameOID.COMMON_NAME, "A")])
    assert judged(leaf(sub, subject=abroad), trusting(sub)).sub_indication is CHAIN


def test_an_explicit_policy_that_an_authority_asks_for_must_be_there() -> None:
    oid = x509.ObjectIdentifier("2.16.704.1.1")
    borne = x509.CertificatePolicies([x509.PolicyInformation(oid, None)])
    strict = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    sub = authority("Strict", extensions=((borne, False), (strict, True)))
    assert judged(leaf(sub, (borne, False)), trusting(sub)).indication is Indication.TOTAL_PASSED
    assert judged(leaf(sub), trusting(sub)).sub_indication is CHAIN


def test_a_leaf_that_issues_is_no_authority() -> None:
    sub = authority()
    one = leaf(sub)
    below = leaf(one)
    trust = trusting(sub, crls=(root().crl(), sub.crl(), one.crl()))
    assert judged(below, trust, evidence=Evidence(certificates=(one.der,))).sub_indication is CHAIN


def test_an_unknown_critical_extension_stops_the_path() -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00")
    sub = authority()
    assert judged(leaf(sub, (odd, False)), trusting(sub)).indication is Indication.TOTAL_PASSED
    assert judged(leaf(sub, (odd, True)), trusting(sub)).sub_indication is CHAIN


# --- algorithms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        rsa_key("short authority", 1024),
        ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=["RSA-1024", "P-224", "secp256k1"],
)
def test_a_weak_key_is_refused_wherever_it_stands(key: Key) -> None:
    sub = authority("Weak CA", key=key)
    assert judged(leaf(sub), trusting(sub)).sub_indication is CRYPTO
    good = authority()
    assert judged(leaf(good, key=key), trusting(good)).sub_indication is CRYPTO


def test_an_algorithm_may_be_used_until_its_last_day() -> None:
    sub = authority()
    one = leaf(sub)
    today = MOMENT.date()
    for until, expected in ((today, None), (today - DAY, ENDED)):
        for rules in (
            AlgorithmRules(digests=(("sha256", until),)),
            AlgorithmRules(mechanisms=(("ecdsa", until),)),
            AlgorithmRules(curves=(("secp256r1", until),)),
        ):
            trust = trusting(sub, policy=Policy(algorithms=rules))
            assert judged(one, trust).sub_indication is expected
            if expected is None:
                assert judged(one, trust, MOMENT + DAY / 2 - dt.timedelta(seconds=1)).sub_indication is None
                assert judged(one, trust, MOMENT + DAY / 2).sub_indication is ENDED, "memory knows the day's end"
            else:
                assert judged(one, trust, MOMENT - DAY, past=True).sub_indication is None, "in the past it was allowed"


def test_sizes_may_have_different_dates() -> None:
    rules = AlgorithmRules(rsa_bits=((2048, (MOMENT - DAY).date()), (3072, None)))
    sub = authority()
    for bits, expected in ((2048, ENDED), (3072, None)):
        key: rsa.RSAPrivateKey = rsa_key(f"dated {bits}", bits)
        assert judged(leaf(sub, key=key), trusting(sub, policy=Policy(algorithms=rules))).sub_indication is expected


def test_what_the_list_does_not_name_is_refused_in_the_middle_of_a_path() -> None:
    sub = authority("Other digest", digest=SHA384())
    rules = AlgorithmRules(digests=(("sha256", None),))
    assert judged(leaf(sub), trusting(sub)).sub_indication is None
    assert judged(leaf(sub), trusting(sub, policy=Policy(algorithms=rules))).sub_indication is CRYPTO


# --- bodies and persons ---------------------------------------------------------------------------------------------------

ESIGN, ESEAL = "0.4.0.1862.1.6.1", "0.4.0.1862.1.6.2"
BODY_SUBJECT = name("Office", x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "H29.16"))


def qc(*kinds: str) -> tuple[x509.ExtensionType, bool]:
    def tlv(tag: int, *parts: bytes) -> bytes:
        content = b"".join(parts)
        assert len(content) < 128
        return bytes([tag, len(content)]) + content

    def oid(dotted: str) -> bytes:
        first, second, *rest = map(int, dotted.split("."))
        octets = [40 * first + second]
        for arc in rest:
            chunk = [arc & 0x7F]
            while arc := arc >> 7:
                chunk.insert(0, 0x80 | (arc & 0x7F))
            octets += chunk
        return tlv(6, bytes(octets))

    statement = tlv(0x30, oid("0.4.0.1862.1.6"), tlv(0x30, *map(oid, kinds)))
    compliance = tlv(0x30, oid("0.4.0.1862.1.1"))
    value = tlv(0x30, compliance, statement)
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), value), False


def apart(sub: Issued, people: Issued) -> Trust:
    crls = (root("A").crl(), root("B").crl(), sub.crl(), people.crl())
    return trusting(sub, people, anchors=(root("A").der,), people=(root("B").der,), crls=crls)


SEALS, PEOPLE = authority("Seals CA"), authority("People CA", root("B"))


@pytest.mark.parametrize(
    ("who", "kind", "fault"),
    [
        (leaf(SEALS), SignerKind.BODY, None),
        (leaf(PEOPLE), SignerKind.PERSON, None),
        (leaf(SEALS, qc(ESEAL)), SignerKind.BODY, None),
        (leaf(PEOPLE, qc(ESIGN)), SignerKind.PERSON, None),
        (leaf(SEALS, qc(ESIGN)), SignerKind.BODY, CONSTRAINTS),
        (leaf(PEOPLE, qc(ESEAL)), SignerKind.PERSON, CONSTRAINTS),
        (leaf(PEOPLE, qc(ESIGN, ESEAL)), SignerKind.PERSON, None),
    ],
)
def test_where_anchors_are_apart_they_decide(who: Issued, kind: SignerKind, fault: SubIndication | None) -> None:
    verdict = judged(who, apart(SEALS, PEOPLE))
    assert verdict.identity is not None
    assert (verdict.identity.kind, verdict.sub_indication) == (kind, fault)


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (leaf(SEALS), SignerKind.UNKNOWN),
        (leaf(SEALS, subject=BODY_SUBJECT), SignerKind.BODY),
        (leaf(SEALS, qc(ESEAL)), SignerKind.BODY),
        (leaf(SEALS, qc(ESIGN), subject=BODY_SUBJECT), SignerKind.PERSON),
        (leaf(SEALS, qc(ESIGN, ESEAL)), SignerKind.UNKNOWN),
    ],
)
def test_under_an_anchor_for_both_the_certificate_says_who(who: Issued, kind: SignerKind) -> None:
    for people in ((), (root().der,)):
        verdict = judged(who, trusting(SEALS, people=people))
        assert verdict.indication is Indication.TOTAL_PASSED
        assert verdict.identity is not None
        assert verdict.identity.kind is kind


def test_with_roles_apart_anchors_of_bodies_are_none_for_persons() -> None:
    policy = Policy(roles_apart=True)
    assert judged(leaf(SEALS, qc(ESIGN)), trusting(SEALS, policy=policy)).sub_indication is CONSTRAINTS
    assert judged(leaf(SEALS, qc(ESEAL)), trusting(SEALS, policy=policy)).indication is Indication.TOTAL_PASSED


def test_of_a_person_other_things_may_be_asked_than_of_a_body() -> None:
    policy = Policy(person=SignerRules(usages=frozenset({"digital_signature"})))
    trust = replace(apart(SEALS, PEOPLE), policy=policy)
    assert judged(leaf(SEALS), trust).indication is Indication.TOTAL_PASSED
    assert judged(leaf(PEOPLE), trust).sub_indication is CONSTRAINTS
    mail = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    narrow = Policy(person=SignerRules(purposes=frozenset({"client_auth"})))
    assert judged(leaf(PEOPLE, mail), replace(trust, policy=narrow)).sub_indication is CONSTRAINTS
    assert judged(leaf(SEALS, mail), replace(trust, policy=narrow)).indication is Indication.TOTAL_PASSED


def test_certificate_policies_are_asked_for_and_tell_persons_from_bodies() -> None:
    person, body = "2.16.704.9.1", "2.16.704.9.2"

    def under(oid: str) -> tuple[x509.ExtensionType, bool]:
        return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None)]), False

    policy = Policy(
        body=SignerRules(certificate_policies=frozenset({body})),
        person=SignerRules(certificate_policies=frozenset({person})),
    )
    trust = trusting(SEALS, policy=policy)
    for oid, kind in ((person, SignerKind.PERSON), (body, SignerKind.UNKNOWN)):
        verdict = judged(leaf(SEALS, under(oid)), trust)
        assert verdict.indication is Indication.TOTAL_PASSED
        assert verdict.identity is not None
        assert verdict.identity.kind is kind
    for odd in (leaf(SEALS), leaf(SEALS, under("2.16.704.9.3"))):
        assert judged(odd, trust).sub_indication is CONSTRAINTS


def test_a_broken_qc_statement_is_no_pass() -> None:
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), b"\x30\x05junk")
    assert judged(leaf(SEALS, (broken, False)), trusting(SEALS)).indication is Indication.INDETERMINATE


def test_a_timestamp_authority_needs_its_own_anchor() -> None:
    stamping = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
    one = leaf(SEALS, stamping)
    assert judged(one, trusting(SEALS), role=Role.TIMESTAMP).indication is Indication.INDETERMINATE
    trust = trusting(SEALS, authorities=(root().der,))
    verdict = judged(one, trust, role=Role.TIMESTAMP)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert verdict.identity is not None
    assert verdict.identity.kind is SignerKind.AUTHORITY
    assert judged(one, trust).sub_indication is CONSTRAINTS
