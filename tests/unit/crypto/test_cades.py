"""Detached signatures over any file: the shared vectors by their EXPECT.md, our own, and what an attacker does to them."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core, tsp, x509

from gateway.core import limits
from gateway.core.validation import (
    Indication,
    Level,
    Outcome,
    SubIndication,
    TimestampKind,
    TimestampSeen,
)
from gateway.core.verdict import FileVerdict
from gateway.crypto import (
    AlgorithmRules,
    Freshness,
    JudgePool,
    Trust,
    certificate_digest,
    digests_named,
    digests_named_by_file,
    hash_file,
    judge_detached,
    judge_detached_file,
)
from gateway.crypto.cades.timestamped import add_signature_timestamp
from gateway.observe import text
from tests.kit.pki import DAY, MOMENT, LeafKind, Pki, der
from tests.kit.timestamp_authority import Authority
from tests.unit.crypto.detached import CONTENT, Attributes, Recipe, digests_of, signed, together

PKI = Pki()
GOOD = PKI.leaf("seal")
OTHER = PKI.leaf("seal", organ_id="H29.17")
VECTOR_MOMENT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
Rules = tuple[tuple[str, dt.date | None], ...]
PASSED, UNDECIDED, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED


def judge(
    signature: bytes, content: bytes | None = CONTENT, trust: Trust = PKI.trust, moment: dt.datetime = MOMENT
) -> FileVerdict:
    digests = None if content is None else digests_of(content)
    return judge_detached(signature, digests=digests, trust=trust, moment=moment)


def found(verdict: FileVerdict) -> tuple[Indication | None, SubIndication | None]:
    return verdict.indication, verdict.sub_indication


# --- the policy ---------------------------------------------------------------------------------------------------------


def allowing(digests: Rules = (("sha256", None),), mechanisms: Rules = (("rsassa_pkcs1v15", None),)) -> Trust:
    """Everything in the path of the signer is by RSASSA-PKCS1-v1_5 with SHA-256."""
    rules = replace(PKI.trust.policy.algorithms, digests=digests, mechanisms=mechanisms)
    return replace(PKI.trust, policy=replace(PKI.trust.policy, algorithms=rules))


@pytest.mark.parametrize(
    "recipe", [Recipe(leaf=GOOD, digest="sha512"), Recipe(leaf=GOOD, pss=True)], ids=["digest", "mechanism"]
)
def test_what_the_policy_does_not_allow_is_no_signature(recipe: Recipe) -> None:
    assert found(judge(recipe.cms())) == (PASSED, None)
    verdict = judge(recipe.cms(), trust=allowing())
    assert found(verdict) == (UNDECIDED, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
    assert verdict.signatures[0].details.policy == PKI.trust.policy.used


def test_what_has_ended_counts_where_a_timestamp_proves_that_it_was_used_before() -> None:
    ended = allowing(digests=(("sha256", None), ("sha512", (MOMENT - 10 * DAY).date())))
    trust = replace(ended, authorities=(der(PKI.root),))
    plain = Recipe(leaf=GOOD, digest="sha512").cms()
    assert found(judge(plain, trust=trust)) == (UNDECIDED, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)
    value = cms.ContentInfo.load(plain)["content"]["signer_infos"][0]["signature"].native
    for days, expected in ((20, PASSED), (5, UNDECIDED)):
        token = Authority(PKI).at(MOMENT - days * DAY)(value)
        assert judge(add_signature_timestamp(plain, token), trust=trust).indication is expected


def test_the_verdict_names_the_policy_and_says_when_it_let_old_evidence_pass() -> None:
    policy = replace(PKI.trust.policy, freshness=Freshness(crl_seconds_max=60, stale_passes=True))
    (one,) = judge(signed(GOOD), trust=replace(PKI.trust, policy=policy)).signatures
    assert (one.indication, one.details.policy) == (PASSED, policy.used)
    assert "too old" in one.reason


# --- the shared vectors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "level"),
    [("blob-cades-B.p7s", Level.B_B), ("blob-cades-T.p7s", Level.B_B), ("blob-attached.p7m", Level.B_B)],
)
def test_the_shared_files_get_their_verdicts(name: str, level: Level, own_pki: Path, own_trust: Trust) -> None:
    signature = (own_pki / name).read_bytes()
    digests = hash_file(own_pki / "blob.bin", digests_named(signature))
    verdict = judge_detached(signature, digests=digests, trust=own_trust, moment=VECTOR_MOMENT)
    assert found(verdict) == (PASSED, None)
    (one,) = verdict.signatures
    assert one.details.level is level
    assert one.covers == "whole file"
    assert one.details.algorithms == ("SHA-256", "RSASSA-PKCS1-v1_5")
    assert [check.duty for check in one.details.checks] == list(range(1, 14))
    looked = {check.name: check.outcome for check in one.details.checks}
    stamps = looked.pop("cades.timestamps")
    assert set(looked.values()) == {Outcome.MET}
    assert stamps is (Outcome.UNDECIDED if name == "blob-cades-T.p7s" else Outcome.NOT_MADE), (
        "one from the future, or none"
    )
    assert all(check.clause for check in one.details.checks)
    for changed in (b"", (own_pki / "blob.bin").read_bytes() + b"\n", b"another"):
        again = judge_detached(signature, digests=digests_of(changed), trust=own_trust, moment=VECTOR_MOMENT)
        assert found(again) == (FAILED, SubIndication.HASH_FAILURE)


def test_its_level_is_what_its_timestamp_is_worth(own_pki: Path, own_trust: Trust) -> None:
    """The shared files were stamped in the evening of that day; at noon the stamp is one from the future."""
    signature, evening = (own_pki / "blob-cades-T.p7s").read_bytes(), VECTOR_MOMENT + dt.timedelta(hours=8)
    digests = hash_file(own_pki / "blob.bin", digests_named(signature))
    (one,) = judge_detached(signature, digests=digests, trust=own_trust, moment=evening).signatures
    assert (one.indication, one.details.level) == (PASSED, Level.B_T)
    stranger = replace(own_trust, authorities=PKI.trust.anchors)
    (one,) = judge_detached(signature, digests=digests, trust=stranger, moment=evening).signatures
    assert (one.indication, one.details.level) == (PASSED, Level.B_B)


def test_an_attached_signature_is_judged_over_its_own_content_and_says_so(own_pki: Path, own_trust: Trust) -> None:
    signature = (own_pki / "blob-attached.p7m").read_bytes()
    verdict = judge_detached(signature, digests=None, trust=own_trust, moment=VECTOR_MOMENT)
    assert found(verdict) == (PASSED, None)
    assert verdict.signatures[0].covers == "content inside"


def test_without_revocation_evidence_nothing_passes(own_pki: Path, own_trust: Trust) -> None:
    signature = (own_pki / "blob-cades-B.p7s").read_bytes()
    digests = hash_file(own_pki / "blob.bin", digests_named(signature))
    verdict = judge_detached(signature, digests=digests, trust=replace(own_trust, crls=()), moment=VECTOR_MOMENT)
    assert found(verdict) == (UNDECIDED, SubIndication.TRY_LATER)


def test_every_check_has_its_text_in_both_languages() -> None:
    (one,) = judge(signed(GOOD)).signatures
    for check in one.details.checks:
        words = text(f"check.{check.name}")
        assert words.vi != words.en
        assert "check." not in words.vi + words.en


# --- our own ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["seal", "elliptic"])
def test_what_the_house_signs_is_good_and_told(kind: LeafKind) -> None:
    leaf = PKI.leaf(kind)
    verdict = judge(signed(leaf))
    assert found(verdict) == (PASSED, None)
    (one,) = verdict.signatures
    assert one.certificate == certificate_digest(leaf.der)
    assert one.signer == f"Test {kind}"
    assert one.claimed_time == MOMENT
    assert one.details.level is Level.B_B
    assert one.details.best_time == MOMENT


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_each_digest_and_mechanism_of_the_list(digest: str) -> None:
    for recipe in (
        Recipe(leaf=GOOD, digest=digest),
        Recipe(leaf=GOOD, digest=digest, pss=True),
        Recipe(leaf=PKI.leaf("elliptic"), digest=digest),
        Recipe(leaf=GOOD, digest=digest, algorithm="rsassa_pkcs1v15"),
    ):
        signature = recipe.cms()
        assert digests_named(signature) == {digest}
        assert found(judge(signature)) == (PASSED, None)


def test_a_signature_without_a_claimed_time_is_good_and_of_no_baseline_level() -> None:
    verdict = judge(Recipe(leaf=GOOD, signing_time=False).cms())
    assert found(verdict) == (PASSED, None)
    assert (verdict.signatures[0].details.level, verdict.signatures[0].claimed_time) == (None, None)


def test_a_signer_named_by_key_identifier_is_found(own_pki: Path, own_trust: Trust) -> None:
    raw = cms.ContentInfo.load((own_pki / "blob-cades-B.p7s").read_bytes())
    signer = raw["content"]["signer_infos"][0]
    serial = signer["sid"].chosen["serial_number"].native
    certificates = [choice.chosen for choice in raw["content"]["certificates"]]
    (leaf,) = (one for one in certificates if one.serial_number == serial)
    digests = hash_file(own_pki / "blob.bin", {"sha256"})
    for identifier, verdict in ((leaf.key_identifier, PASSED), (b"\1" * 20, UNDECIDED)):
        signer["sid"] = cms.SignerIdentifier(name="subject_key_identifier", value=identifier)
        again = judge_detached(raw.dump(), digests=digests, trust=own_trust, moment=VECTOR_MOMENT)
        assert again.indication is verdict


def test_several_signers_are_judged_each_and_the_worst_decides() -> None:
    both = together(Recipe(leaf=GOOD), Recipe(leaf=OTHER, digest="sha512"))
    assert digests_named(both) == {"sha256", "sha512"}
    verdict = judge(both)
    assert found(verdict) == (PASSED, None)
    assert [one.certificate for one in verdict.signatures] == [
        certificate_digest(leaf.der) for leaf in sorted((GOOD, OTHER), key=lambda leaf: _place(both, leaf.der))
    ]
    mixed = judge(together(Recipe(leaf=GOOD), Recipe(leaf=PKI.leaf("revoked"))))
    assert found(mixed) == (UNDECIDED, SubIndication.REVOKED_NO_POE)
    assert sorted(one.indication for one in mixed.signatures) == [UNDECIDED, PASSED]


def _place(signature: bytes, der: bytes) -> int:
    serial = x509.Certificate.load(der).serial_number
    infos = cms.ContentInfo.load(signature)["content"]["signer_infos"]
    return [info["sid"].chosen["serial_number"].native for info in infos].index(serial)


# --- attacks and mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sub_indication"),
    [
        ("revoked", SubIndication.REVOKED_NO_POE),
        ("expired", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("future", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("usage", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("purpose", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("demo", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("weak", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    ],
)
def test_a_certificate_that_must_not_sign_is_undecided(kind: LeafKind, sub_indication: SubIndication) -> None:
    assert found(judge(signed(PKI.leaf(kind)))) == (UNDECIDED, sub_indication)


def test_a_stranger_s_certificate_leads_to_no_anchor() -> None:
    verdict = judge(signed(Pki(name="Stranger").leaf("seal")))
    assert found(verdict) == (UNDECIDED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def twice(name: str) -> Callable[[Attributes], object]:
    return lambda attributes: attributes.append(next(one for one in attributes if one[0] == name))


def two_values(name: str) -> Callable[[Attributes], object]:
    def change(attributes: Attributes) -> None:
        values = next(values for kind, values in attributes if kind == name)
        values.append(values[0] if name != "message_digest" else b"\0" * 32)

    return change


def protected_otherwise(attributes: Attributes) -> None:
    protection = cms.CMSAlgorithmProtection(
        {"digest_algorithm": {"algorithm": "sha512"}, "signature_algorithm": {"algorithm": "sha512_rsa"}}
    )
    attributes.append(("cms_algorithm_protection", [protection]))


def ess_by(**members: Any) -> Callable[[Attributes], object]:
    """signing-certificate-v2 with other members of its first identifier."""

    def change(attributes: Attributes) -> None:
        one = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(GOOD.der).digest(), **members})
        attributes[:] = [pair for pair in attributes if pair[0] != "signing_certificate_v2"]
        attributes.append(("signing_certificate_v2", [tsp.SigningCertificateV2({"certs": [one]})]))

    return change


def only_the_old_ess(attributes: Attributes) -> None:
    old = tsp.SigningCertificate({"certs": [{"cert_hash": hashlib.sha1(GOOD.der).digest()}]})
    attributes.append(("signing_certificate", [old]))


FORMAT, CONSTRAINTS = SubIndication.FORMAT_FAILURE, SubIndication.SIG_CONSTRAINTS_FAILURE
CRYPTO, NO_SIGNER = SubIndication.CRYPTO_CONSTRAINTS_FAILURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND
MISTAKES: dict[str, tuple[Recipe, Indication, SubIndication]] = {
    "no signing-certificate-v2": (Recipe(leaf=GOOD, ess=False), UNDECIDED, CONSTRAINTS),
    "the old signing-certificate": (Recipe(leaf=GOOD, ess=False, change=only_the_old_ess), UNDECIDED, CONSTRAINTS),
    "names another certificate": (Recipe(leaf=GOOD, named=OTHER), UNDECIDED, NO_SIGNER),
    "names it by SHA-1": (
        Recipe(
            leaf=GOOD,
            change=ess_by(hash_algorithm={"algorithm": "sha1"}, cert_hash=hashlib.sha1(GOOD.der).digest()),
        ),
        UNDECIDED,
        CRYPTO,
    ),
    "names another serial number": (
        Recipe(
            leaf=GOOD,
            change=ess_by(
                issuer_serial={
                    "issuer": [x509.GeneralName("directory_name", x509.Certificate.load(GOOD.der).issuer)],
                    "serial_number": 7,
                }
            ),
        ),
        UNDECIDED,
        NO_SIGNER,
    ),
    "signing-certificate-v2 twice": (Recipe(leaf=GOOD, change=twice("signing_certificate_v2")), UNDECIDED, FORMAT),
    "no content-type": (Recipe(leaf=GOOD, content_type=None), UNDECIDED, FORMAT),
    "another content-type": (Recipe(leaf=GOOD, content_type="signed_data"), UNDECIDED, FORMAT),
    "content-type twice": (Recipe(leaf=GOOD, change=twice("content_type")), UNDECIDED, FORMAT),
    "message-digest twice": (Recipe(leaf=GOOD, change=twice("message_digest")), UNDECIDED, FORMAT),
    "message-digest of two values": (Recipe(leaf=GOOD, change=two_values("message_digest")), UNDECIDED, FORMAT),
    "no message-digest": (Recipe(leaf=GOOD, change=lambda a: a.pop(0)), UNDECIDED, FORMAT),
    "no signed attributes": (Recipe(leaf=GOOD, change=lambda a: a.clear()), UNDECIDED, CONSTRAINTS),
    "attributes in another order": (Recipe(leaf=GOOD, reorder=True), UNDECIDED, FORMAT),
    "protected algorithms are others": (Recipe(leaf=GOOD, change=protected_otherwise), UNDECIDED, CONSTRAINTS),
    "SHA-1": (Recipe(leaf=GOOD, digest="sha1"), UNDECIDED, CRYPTO),
    "SHA-1 in the signature alone": (Recipe(leaf=GOOD, algorithm="sha1_rsa"), UNDECIDED, CRYPTO),
    "DSA": (Recipe(leaf=GOOD, algorithm="sha256_dsa"), UNDECIDED, CRYPTO),
    "another digest in the signature": (
        Recipe(leaf=GOOD, algorithm="sha512_rsa"),
        FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_signer_info_that_is_wrong_never_passes(mistake: str) -> None:
    recipe, indication, sub_indication = MISTAKES[mistake]
    verdict = judge(recipe.cms(chain=[*GOOD.chain, OTHER.der]))
    assert found(verdict) == (indication, sub_indication), verdict.reason
    (one,) = verdict.signatures
    outcomes = [check.outcome for check in one.details.checks]
    assert len(outcomes) == 13
    stopped = next(at for at, outcome in enumerate(outcomes) if outcome is not Outcome.MET)
    assert outcomes[stopped] is (Outcome.FAILED if indication is FAILED else Outcome.UNDECIDED)
    assert set(outcomes[stopped + 1 :]) <= {Outcome.NOT_MADE}


def test_the_signature_of_another_key_under_a_good_certificate_is_forged() -> None:
    forged = Recipe(leaf=replace(GOOD, key=OTHER.key)).cms()
    assert found(judge(forged)) == (FAILED, SubIndication.SIG_CRYPTO_FAILURE)


def test_a_key_of_another_kind_than_the_algorithm_s_is_undecided() -> None:
    verdict = judge(Recipe(leaf=PKI.leaf("elliptic"), algorithm="sha256_rsa").cms())
    assert verdict.indication is UNDECIDED


def test_the_signer_s_certificate_must_have_come_along() -> None:
    verdict = judge(Recipe(leaf=GOOD).cms(chain=[OTHER.der]))
    assert found(verdict) == (UNDECIDED, NO_SIGNER)
    assert found(judge(Recipe(leaf=GOOD).cms(chain=[]))) == (UNDECIDED, NO_SIGNER)


def test_the_signer_info_and_the_attribute_must_mean_the_same_certificate() -> None:
    """The same key certified twice: whom the signer meant is in the attribute, and the SignerInfo must not say another."""
    verdict = judge(Recipe(leaf=GOOD, sid=lambda _: _sid_of(OTHER.der)).cms(chain=[GOOD.der, OTHER.der]))
    assert found(verdict) == (UNDECIDED, NO_SIGNER)


def _sid_of(der: bytes) -> cms.SignerIdentifier:
    certificate = x509.Certificate.load(der)
    return cms.SignerIdentifier(
        name="issuer_and_serial_number",
        value=cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number}),
    )


def test_content_inside_must_be_the_file_beside() -> None:
    attached = Recipe(leaf=GOOD).cms(inside=CONTENT)
    assert found(judge(attached)) == (PASSED, None)
    assert found(judge(attached, None)) == (PASSED, None)
    assert found(judge(attached, b"another")) == (FAILED, SubIndication.HASH_FAILURE)
    swapped = Recipe(leaf=GOOD).cms(inside=b"another")
    assert found(judge(swapped)) == (FAILED, SubIndication.HASH_FAILURE)
    assert found(judge(swapped, None)) == (FAILED, SubIndication.HASH_FAILURE)
    empty = Recipe(leaf=GOOD, content=b"").cms(inside=b"")
    assert found(judge(empty, None)) == (PASSED, None)
    assert found(judge(empty)) == (FAILED, SubIndication.HASH_FAILURE)


def test_a_detached_signature_alone_and_a_digest_that_was_not_made_are_undecided() -> None:
    assert found(judge(signed(GOOD), None)) == (UNDECIDED, SubIndication.SIGNED_DATA_NOT_FOUND)
    verdict = judge_detached(signed(GOOD), digests={"sha512": b""}, trust=PKI.trust, moment=MOMENT)
    assert found(verdict) == (UNDECIDED, SubIndication.SIGNED_DATA_NOT_FOUND)


def test_a_timestamp_token_is_no_signature_over_a_file(own_pki: Path, own_trust: Trust) -> None:
    raw = cms.ContentInfo.load((own_pki / "blob-cades-T.p7s").read_bytes())
    token = raw["content"]["signer_infos"][0]["unsigned_attrs"][0]["values"][0].dump()
    verdict = judge_detached(token, digests=None, trust=own_trust, moment=VECTOR_MOMENT)
    assert found(verdict) == (UNDECIDED, FORMAT)


def test_counts_are_bounded() -> None:
    many = [Recipe(leaf=PKI.leaf("seal", organ_id=f"H29.{n}")).signer_info() for n in range(2)]
    raw = cms.ContentInfo.load(signed(GOOD))
    raw["content"]["signer_infos"] = many * (limits.DETACHED_SIGNERS_MAX // 2) + many[:1]
    assert found(judge(raw.dump())) == (UNDECIDED, FORMAT)
    raw["content"]["signer_infos"] = []
    assert found(judge(raw.dump())) == (UNDECIDED, FORMAT)
    crowd = [PKI.leaf("seal", common_name=f"Someone {n}").der for n in range(limits.EMBEDDED_CERTIFICATES_MAX + 1)]
    verdict = judge(Recipe(leaf=GOOD).cms(chain=crowd))
    assert found(verdict) == (UNDECIDED, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
    large = signed(GOOD) + bytes(limits.DETACHED_SIGNATURE_BYTES_MAX)
    assert found(judge(large)) == (UNDECIDED, FORMAT)


def test_bytes_after_the_end_and_other_things_are_undecided() -> None:
    good = signed(GOOD)
    enveloped = cms.ContentInfo({"content_type": "data", "content": b"x"}).dump()
    for hostile in (b"", b"\0", b"0", good + b"\0", good[:-1], enveloped, CONTENT, b"\x30\x80" + good, b"0" * 10_000):
        assert found(judge(hostile)) == (UNDECIDED, FORMAT)
        assert digests_named(hostile) <= {"sha256"}


def test_no_flipped_byte_passes() -> None:
    """Bytes that nothing signs may be any (a version, an unused certificate): whatever passes says the same as before."""
    good = signed(GOOD, chain=(GOOD.der,))
    honest = judge(good)
    for position in range(len(good)):
        for bit in (0x01, 0x80):
            changed = good[:position] + bytes([good[position] ^ bit]) + good[position + 1 :]
            verdict = judge(changed)
            assert verdict.indication in {PASSED, UNDECIDED, FAILED}
            if verdict.indication is PASSED:
                assert [one.certificate for one in verdict.signatures] == [honest.signatures[0].certificate]


# --- timestamps -------------------------------------------------------------------------------------------------------


def seen_at(moment: dt.datetime | None, indication: Indication = PASSED) -> TimestampSeen:
    return TimestampSeen(
        kind=TimestampKind.SIGNATURE, indication=indication, sub_indication=None, reason="", time=moment, authority="A"
    )


def test_timestamps_are_judged_by_whoever_is_handed_in(own_pki: Path, own_trust: Trust) -> None:
    signature = (own_pki / "blob-cades-T.p7s").read_bytes()
    digests = hash_file(own_pki / "blob.bin", digests_named(signature))
    asked: list[tuple[str, str]] = []

    def judged(token: bytes, **about: Any) -> TimestampSeen:
        value = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]["signature"].native
        info = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed
        imprint = info["message_imprint"]
        name = imprint["hash_algorithm"]["algorithm"].native
        assert about["digest"](name) == imprint["hashed_message"].native == hashlib.new(name, value).digest()
        asked.append((about["kind"], name))
        return seen_at(VECTOR_MOMENT - DAY)

    verdict = judge_detached(signature, digests=digests, trust=own_trust, moment=VECTOR_MOMENT, judge_timestamp=judged)
    assert found(verdict) == (PASSED, None)
    assert asked == [("signature", "sha256")]
    assert verdict.signatures[0].details.best_time == VECTOR_MOMENT - DAY
    assert [seen.authority for seen in verdict.signatures[0].details.timestamps] == ["A"]


@pytest.mark.parametrize("bad", [seen_at(MOMENT - DAY, FAILED), seen_at(MOMENT - DAY, UNDECIDED), seen_at(None)])
def test_a_bad_timestamp_proves_nothing_and_harms_nothing(bad: TimestampSeen, own_pki: Path, own_trust: Trust) -> None:
    signature = (own_pki / "blob-cades-T.p7s").read_bytes()
    verdict = judge_detached(
        signature,
        digests=hash_file(own_pki / "blob.bin", digests_named(signature)),
        trust=own_trust,
        moment=VECTOR_MOMENT,
        judge_timestamp=lambda token, **about: bad,
    )
    assert found(verdict) == (PASSED, None)
    assert verdict.signatures[0].details.best_time == VECTOR_MOMENT


@pytest.mark.parametrize(
    ("seen", "outcome", "detail"),
    [
        ((), Outcome.NOT_MADE, "there is none"),
        ((seen_at(MOMENT - DAY),), Outcome.MET, ""),
        ((replace(seen_at(MOMENT - DAY, FAILED), reason="forged"),), Outcome.UNDECIDED, "None: forged"),
        ((seen_at(MOMENT), replace(seen_at(None, FAILED), reason="forged")), Outcome.MET, "None: forged"),
    ],
    ids=["none", "good", "bad", "one of two"],
)
def test_timestamps_have_a_check_of_their_own(seen: tuple[TimestampSeen, ...], outcome: Outcome, detail: str) -> None:
    """Found: they, the algorithms and the certificate were three duties under one check."""
    coming = iter(seen)
    unsigned = [("signature_time_stamp_token", [_token()] * len(seen))] if seen else []
    (one,) = judge_detached(
        Recipe(leaf=GOOD, unsigned=unsigned).cms(),
        digests=digests_of(CONTENT),
        trust=PKI.trust,
        moment=MOMENT,
        judge_timestamp=lambda token, **_: next(coming),
    ).signatures
    stamps, policy, certificate = one.details.checks[-3:]
    assert (stamps.duty, stamps.name, stamps.outcome, stamps.detail) == (11, "cades.timestamps", outcome, detail)
    assert (policy.outcome, certificate.outcome, one.indication) == (Outcome.MET, Outcome.MET, PASSED)


def test_algorithms_and_certificate_have_a_check_each() -> None:
    ended = AlgorithmRules(digests=(("sha256", (MOMENT - DAY).date()),))
    strict = replace(PKI.trust, policy=replace(PKI.trust.policy, algorithms=ended))
    for trust, expected in (
        (strict, ("cades.policy", [Outcome.NOT_MADE, Outcome.UNDECIDED, Outcome.NOT_MADE])),
        (replace(PKI.trust, crls=()), ("cades.certificate", [Outcome.NOT_MADE, Outcome.MET, Outcome.UNDECIDED])),
    ):
        (one,) = judge(signed(GOOD), trust=trust).signatures
        last = one.details.checks[-3:]
        (unmet,) = (check.name for check in last if check.outcome is Outcome.UNDECIDED)
        assert (unmet, [check.outcome for check in last]) == expected


def test_what_is_no_timestamp_is_told_and_proves_nothing() -> None:
    stamped = Recipe(leaf=GOOD, unsigned=[("signature_time_stamp_token", [_token()])]).cms()
    (one,) = judge(stamped).signatures
    assert one.indication is Indication.TOTAL_PASSED
    assert [seen.indication for seen in one.details.timestamps] == [Indication.INDETERMINATE]
    assert one.details.best_time == MOMENT


def test_timestamps_are_few() -> None:
    crowd = [("signature_time_stamp_token", [_token()] * (limits.SIGNATURE_TIMESTAMPS_MAX + 1))]
    assert found(judge(Recipe(leaf=GOOD, unsigned=crowd).cms())) == (UNDECIDED, FORMAT)


def test_one_from_a_clock_a_little_ahead_of_ours_proves_that_it_is_there_now() -> None:
    stamped = Recipe(leaf=GOOD, unsigned=[("signature_time_stamp_token", [_token()])]).cms()
    ahead = seen_at(MOMENT + dt.timedelta(seconds=30))
    (one,) = judge_detached(
        stamped, digests=digests_of(CONTENT), trust=PKI.trust, moment=MOMENT, judge_timestamp=lambda token, **_: ahead
    ).signatures
    assert (one.indication, one.details.best_time) == (PASSED, MOMENT)


def test_one_from_before_the_certificate_began_contradicts_it() -> None:
    """The same as of PDF files and envelopes: test_best_time."""
    stamped = Recipe(leaf=GOOD, unsigned=[("signature_time_stamp_token", [_token()])]).cms()
    before = seen_at(MOMENT - 9_999 * DAY)
    verdict = judge_detached(
        stamped, digests=digests_of(CONTENT), trust=PKI.trust, moment=MOMENT, judge_timestamp=lambda token, **_: before
    )
    assert found(verdict) == (FAILED, SubIndication.NOT_YET_VALID)


def _token() -> cms.ContentInfo:
    return cms.ContentInfo({"content_type": "data", "content": core.OctetString(b"no token")})


# --- files and processes ----------------------------------------------------------------------------------------------


async def test_a_judge_judges_files(tmp_path: Path) -> None:
    content, signature = tmp_path / "minutes.docx", tmp_path / "minutes.docx.p7s"
    content.write_bytes(CONTENT)
    signature.write_bytes(signed(GOOD))
    pool = JudgePool(size=1, preload=("gateway.crypto.cades.verify",))
    await pool.start()
    try:
        digests = hash_file(content, await pool.run(digests_named_by_file, signature))
        verdict = await pool.run(judge_detached_file, signature, digests=digests, trust=PKI.trust, moment=MOMENT)
    finally:
        await pool.close()
    assert verdict == judge_detached(signature.read_bytes(), digests=digests, trust=PKI.trust, moment=MOMENT)
    assert found(verdict) == (PASSED, None)


def test_a_file_is_hashed_in_pieces_by_what_holds(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    data = bytes(range(256)) * 10_000
    path.write_bytes(data)
    assert hash_file(path, {"sha256", "sha512", "md5"}) == {
        name: hashlib.new(name, data).digest() for name in ("sha256", "sha512")
    }
