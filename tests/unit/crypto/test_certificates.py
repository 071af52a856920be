"""Certificates: every kind of leaf, judged."""

import datetime as dt
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.errors import SiteError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import (
    Evidence,
    Policy,
    SignerRules,
    Trust,
    certificate_digest,
    is_demo,
    judge_certificate,
    load_trust,
    organization_identifier,
    read_certificates,
    refuse_demo,
    spki_digest,
)
from tests.kit.pki import DAY, MOMENT, LeafKind, Pki, der

PKI = Pki()


def along(*certificates: bytes) -> Evidence:
    return Evidence(certificates=certificates)


@pytest.mark.parametrize("kind", ["seal", "transport", "elliptic", "mail"])
def test_good_leaves_pass(kind: LeafKind) -> None:
    verdict = judge_certificate(PKI.leaf(kind).der, trust=PKI.trust, moment=MOMENT)
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_PASSED, None)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("future", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("revoked", SubIndication.REVOKED_NO_POE),
        ("usage", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("purpose", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("tls", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("weak", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
        ("demo", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    ],
)
def test_bad_leaves_do_not(kind: LeafKind, expected: SubIndication) -> None:
    verdict = judge_certificate(PKI.leaf(kind).der, trust=PKI.trust, moment=MOMENT)
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, expected)


def test_the_usages_asked_for_decide() -> None:
    strict = frozenset({"non_repudiation"})
    asking = replace(PKI.trust, policy=Policy(body=SignerRules(usages=strict)))
    verdict = judge_certificate(PKI.leaf("transport").der, trust=asking, moment=MOMENT)
    assert verdict.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE


def test_the_first_policy_knew_no_purpose_that_is_refused() -> None:
    """A trial: a gateway's TLS certificate signed documents, for clientAuth stands in it beside serverAuth."""
    tls = PKI.leaf("tls").der
    first = Policy(version=1, body=SignerRules(refused_purposes=frozenset()))
    past = judge_certificate(tls, trust=replace(PKI.trust, policy=first), moment=MOMENT)
    assert past.indication is Indication.TOTAL_PASSED
    now = judge_certificate(tls, trust=PKI.trust, moment=MOMENT)
    assert now.reason == "extended key usage server_auth is not for signing documents"


def test_a_demo_certificate_passes_where_demo_is_accepted() -> None:
    verdict = judge_certificate(PKI.leaf("demo").der, trust=replace(PKI.trust, demo=True), moment=MOMENT)
    assert verdict.indication is Indication.TOTAL_PASSED


def test_an_authority_signs_no_documents() -> None:
    asking = replace(PKI.trust, policy=Policy(body=SignerRules(usages=frozenset({"key_cert_sign"}))))
    verdict = judge_certificate(der(PKI.issuing), trust=asking, moment=MOMENT)
    assert verdict.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE


def test_an_unknown_authority_leads_nowhere() -> None:
    stranger = Pki(name="Stranger")
    verdict = judge_certificate(
        stranger.leaf("seal").der,
        trust=PKI.trust,
        moment=MOMENT,
        evidence=along(der(stranger.issuing), der(stranger.root)),
    )
    assert verdict.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_without_revocation_evidence_nothing_is_good() -> None:
    for crls in ((), PKI.crls[:1], PKI.crls[1:]):
        verdict = judge_certificate(PKI.leaf("seal").der, trust=replace(PKI.trust, crls=crls), moment=MOMENT)
        assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, SubIndication.TRY_LATER)


def test_a_stale_crl_is_no_evidence() -> None:
    verdict = judge_certificate(PKI.leaf("seal").der, trust=PKI.trust, moment=MOMENT + 31 * DAY)
    assert verdict.sub_indication is SubIndication.TRY_LATER


def test_a_missing_intermediate_may_come_along() -> None:
    bare = replace(PKI.trust, intermediates=())
    leaf = PKI.leaf("seal")
    without = judge_certificate(leaf.der, trust=bare, moment=MOMENT)
    assert without.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    with_chain = judge_certificate(leaf.der, trust=bare, moment=MOMENT, evidence=along(*leaf.chain))
    assert with_chain.indication is Indication.TOTAL_PASSED


def test_too_many_certificates_are_not_even_tried() -> None:
    crowd = tuple(Pki().leaf("seal", common_name="the same", organ_id=f"H{n}").der for n in (10, 11, 12, 13))
    same = tuple(der(Pki(now=MOMENT + n * DAY).issuing) for n in range(4))
    assert judge_certificate(
        PKI.leaf("seal").der, trust=PKI.trust, moment=MOMENT, evidence=along(*crowd)
    ).indication is (Indication.TOTAL_PASSED)
    verdict = judge_certificate(PKI.leaf("seal").der, trust=PKI.trust, moment=MOMENT, evidence=along(*same))
    assert verdict.sub_indication is SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x80", b"\x30\x03\x02\x01\x01"])
def test_junk_is_undecided(junk: bytes) -> None:
    verdict = judge_certificate(junk, trust=PKI.trust, moment=MOMENT)
    assert verdict.indication is Indication.INDETERMINATE


def test_every_truncation_and_many_flips_never_raise() -> None:
    good = PKI.leaf("elliptic").der
    for position in range(0, len(good), 7):
        flipped = bytes([*good[:position], good[position] ^ 0x41, *good[position + 1 :]])
        for hostile in (good[:position], flipped):
            verdict = judge_certificate(hostile, trust=PKI.trust, moment=MOMENT)
            assert verdict.indication is Indication.INDETERMINATE


def test_what_a_certificate_says() -> None:
    leaf = PKI.leaf("seal", organ_id="H29.7")
    assert organization_identifier(leaf.der) == "H29.7"
    assert organization_identifier(der(PKI.root)) is None
    assert certificate_digest(leaf.der) == hashlib.sha256(leaf.der).hexdigest()
    key = leaf.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki_digest(leaf.der) == hashlib.sha256(key).hexdigest()


def test_demo_is_known_by_policy_or_by_name() -> None:
    assert is_demo(PKI.leaf("demo").der)
    assert is_demo(PKI.leaf("seal", common_name="UBND DEMO").der)
    assert not is_demo(PKI.leaf("seal", common_name="Đảng bộ DEMOS").der)
    refuse_demo(PKI.leaf("seal").der, what="seal")
    with pytest.raises(SiteError) as caught:
        refuse_demo(PKI.leaf("demo").der, what="seal")
    assert caught.value.code == "key.demo"


def test_trust_is_read_from_its_folder(tmp_path: Path) -> None:
    assert load_trust(PKI.write_trust(tmp_path), demo=False) == PKI.trust


def test_a_folder_without_anchors_or_with_rubbish_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        load_trust(tmp_path, demo=False)
    assert caught.value.code == "config.invalid"
    PKI.write_trust(tmp_path)
    (tmp_path / "crls" / "bad.crl").write_bytes(b"rubbish")
    with pytest.raises(SiteError) as caught:
        load_trust(tmp_path, demo=False)
    assert str(caught.value.params["path"]).endswith("bad.crl")


def test_a_demo_anchor_needs_a_demo_installation(tmp_path: Path) -> None:
    demo = Pki(name="DEMO")
    demo.write_trust(tmp_path)
    with pytest.raises(SiteError) as caught:
        load_trust(tmp_path, demo=False)
    assert caught.value.code == "key.demo"
    assert load_trust(tmp_path, demo=True).demo


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("person", None),
        ("organ", None),
        ("ecperson", None),
        ("revoked", SubIndication.REVOKED_NO_POE),
        ("expired", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("nonsig", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("badeku", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("weak1024", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    ],
)
def test_the_shared_certificates(name: str, expected: SubIndication | None, own_pki: Path, own_trust: Trust) -> None:
    (der_bytes,) = read_certificates(own_pki / f"{name}.cert.pem")

    moment = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    assert judge_certificate(der_bytes, trust=own_trust, moment=moment).sub_indication is expected
