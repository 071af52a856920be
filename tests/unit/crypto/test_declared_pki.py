"""Every certificate of the declared PKI, judged; negatives first. And: what its services answer is what others understand."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from asn1crypto import cms, tsp
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl
from cryptography.x509.ocsp import OCSPCertStatus, load_der_ocsp_response

from gateway.core.errors import SiteError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import CertificateVerdict, Evidence, Trust, judge_certificate, load_trust
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.declared import (
    CRLS,
    architecture,
    bundle,
    certificate,
    chain,
    crl_of,
    leaf,
    ocsp_of,
    parsed,
    timestamp,
)
from tests.kit.certomancer.keys import missing
from tests.kit.certomancer.tokens import info_of
from tests.kit.pki import DAY, MOMENT

REFUSED_AUTHORITIES = ("limited-authority", "deeper-authority", "weak-authority")
EVERY_CRL = (*CRLS, *REFUSED_AUTHORITIES)
GENERAL = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
WEAK = SubIndication.CRYPTO_CONSTRAINTS_FAILURE
CONSTRAINTS = SubIndication.CHAIN_CONSTRAINTS_FAILURE
NO_CHAIN = SubIndication.NO_CERTIFICATE_CHAIN_FOUND

REFUSED = {
    "revoked": {SubIndication.REVOKED_NO_POE},
    "revoked-later": {SubIndication.REVOKED_NO_POE},
    "expired": {SubIndication.OUT_OF_BOUNDS_NO_POE},
    "future": {SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.NOT_YET_VALID},
    "wrong-usage": {CONSTRAINTS},
    "no-usage": {CONSTRAINTS},
    "wrong-purpose": {CONSTRAINTS},
    "weak": {WEAK},
    "odd-curve": {WEAK},
    "sha1": {WEAK},
    "bodies": {CONSTRAINTS},  # an authority as signer
    "outside": {GENERAL, CONSTRAINTS},
    "too-deep": {GENERAL, CONSTRAINTS},
    "under-revoked": {GENERAL, SubIndication.REVOKED_CA_NO_POE},
    "under-expired": {GENERAL, SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.TRY_LATER},
    "under-weak": {WEAK},
    "under-person": {GENERAL, CONSTRAINTS, SubIndication.TRY_LATER},
    "looped": {NO_CHAIN},
    "stranger": {NO_CHAIN},
    "impostor-seal": {NO_CHAIN},
    "stamp": {NO_CHAIN, CONSTRAINTS},
    "ocsp-bodies": {CONSTRAINTS, SubIndication.TRY_LATER},
}
"""What a correct verifier may say; it may never be TOTAL-PASSED."""


def judged(label: str, trust: Trust | None = None, moment: dt.datetime = MOMENT) -> CertificateVerdict:
    believed = trust or bundle(crls=EVERY_CRL).trust
    others = chain(label)[1:] if label != "looped" else tuple(map(certificate, ("loop-round", "loop-back")))
    return judge_certificate(certificate(label), trust=believed, moment=moment, evidence=Evidence(certificates=others))


@pytest.mark.parametrize("label", REFUSED)
def test_a_certificate_that_may_not_sign_is_refused(label: str) -> None:
    verdict = judged(label)
    assert verdict.indication is Indication.INDETERMINATE
    assert verdict.sub_indication in REFUSED[label], verdict.reason


@pytest.mark.parametrize("label", ["seal", "seal-ec", "person", "person-ec", "inside"])
def test_a_certificate_that_may_sign_passes(label: str) -> None:
    verdict = judged(label)
    assert verdict.indication is Indication.TOTAL_PASSED, verdict.reason


@pytest.mark.parametrize(
    ("label", "moment"),
    [
        ("revoked", dt.datetime(2025, 5, 31, tzinfo=dt.UTC)),
        ("revoked-later", dt.datetime(2026, 5, 31, tzinfo=dt.UTC)),
        ("expired", dt.datetime(2021, 6, 1, tzinfo=dt.UTC)),
        ("future", dt.datetime(2031, 6, 1, tzinfo=dt.UTC)),
    ],
)
def test_in_its_own_days_it_was_good(label: str, moment: dt.datetime) -> None:
    verdict = judged(label, bundle(moment).trust, moment)
    assert verdict.indication is Indication.TOTAL_PASSED, verdict.reason


def test_a_cross_certificate_leads_to_the_newer_root() -> None:
    crls = (crl_of("newer-root"), crl_of("bodies"))
    newer = Trust(anchors=(certificate("newer-root"),), crls=crls)
    assert judged("seal", newer).indication is not Indication.TOTAL_PASSED
    crossed = replace(newer, intermediates=(certificate("bodies-cross"),))
    assert judged("seal", crossed).indication is Indication.TOTAL_PASSED


# --- revocation: withheld, stale, forged, by others -------------------------------------------------------------------

BODIES_LISTS: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "withheld": tuple,
    "stale": lambda: (crl_of("bodies", MOMENT - 30 * DAY),),
    "of tomorrow": lambda: (crl_of("bodies", MOMENT + 2 * DAY),),
    "emptied": lambda: (bad_evidence.crl_emptied("bodies"),),
    "by an impostor": lambda: (bad_evidence.crl_by_impostor(),),
    "of another authority": lambda: (crl_of("people"),),
    "of authorities only": lambda: (bad_evidence.crl_of_authorities_only("bodies"),),
}


@pytest.mark.parametrize("kind", BODIES_LISTS)
@pytest.mark.parametrize("label", ["seal", "revoked"])
def test_no_list_that_must_not_count_makes_a_certificate_good(label: str, kind: str) -> None:
    believed = replace(bundle().trust, crls=(crl_of("root"), *BODIES_LISTS[kind]()))
    verdict = judged(label, believed)
    assert verdict.indication is not Indication.TOTAL_PASSED, verdict.reason


@pytest.mark.parametrize("kind", BODIES_LISTS)
def test_beside_the_good_list_it_does_no_harm_and_hides_nothing(kind: str) -> None:
    believed = replace(bundle().trust, crls=(*BODIES_LISTS[kind](), *bundle().crls))
    assert judged("seal", believed).indication is Indication.TOTAL_PASSED
    assert judged("revoked", believed).sub_indication is SubIndication.REVOKED_NO_POE


def test_a_list_with_an_unknown_reason_is_a_broken_file_and_not_a_crash(tmp_path: Path) -> None:
    """Found by fuzzing: RFC 5280 section 5.3.1 ends at 10, and asn1crypto meets 22 with a KeyError."""
    good = crl_of("bodies")
    reason = bytes.fromhex("0603551d1504030a0101")  # extension cRLReason, keyCompromise
    assert good.count(reason) == 1
    for name, der in (("anchors/root.pem", certificate("root")), ("crls/bodies.crl", good)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(der)
    assert load_trust(tmp_path, demo=False).crls == (good,)
    (tmp_path / "crls/bodies.crl").write_bytes(good.replace(reason, reason[:-1] + bytes([22])))
    with pytest.raises(SiteError) as caught:
        load_trust(tmp_path, demo=False)
    assert caught.value.code == "config.invalid"


# --- the PKI itself ---------------------------------------------------------------------------------------------------


def test_every_key_that_is_declared_is_here() -> None:
    assert missing() == []


def test_every_certificate_is_made_and_read_by_another_library() -> None:
    labels = [str(label) for label in architecture()._cert_specs]
    assert len(labels) > 50
    for label in labels:
        assert list(load_der_x509_certificate(certificate(label)).extensions), label


def test_lists_and_answers_travel_in_time() -> None:
    early, late = dt.datetime(2026, 5, 1, tzinfo=dt.UTC), dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    serial = parsed("revoked-later").serial_number
    listed = [
        load_der_x509_crl(crl_of("bodies", at)).get_revoked_certificate_by_serial_number(serial) for at in (early, late)
    ]
    assert [one is not None for one in listed] == [False, True]
    answers = [load_der_ocsp_response(ocsp_of("revoked-later", at)) for at in (early, late)]
    assert [one.certificate_status for one in answers] == [OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED]
    assert [one.this_update_utc for one in answers] == [early, late]


def test_a_timestamp_says_what_it_was_asked_to() -> None:
    digest = sha256(b"thu").digest()
    token = timestamp(digest, MOMENT)
    info = tsp.TSTInfo.load(info_of(token))
    assert info["message_imprint"]["hashed_message"].native == digest
    assert info["gen_time"].native == MOMENT
    signer = cms.ContentInfo.load(token)["content"]["signer_infos"][0]
    kinds = {attribute["type"].native for attribute in signer["signed_attrs"]}
    assert "signing_certificate_v2" in kinds


ANSWERS: dict[str, Callable[[], bytes]] = {
    "try later": bad_evidence.ocsp_try_later,
    "relabelled": lambda: bad_evidence.ocsp_relabelled("revoked", "seal"),
    "signed by another": lambda: bad_evidence.ocsp_signed_by("revoked", "authority"),
    "unknown": lambda: bad_evidence.ocsp_unknown("seal"),
    "without an end": lambda: bad_evidence.ocsp_without_next_update("seal"),
    "unfit responder": lambda: ocsp_of("seal", responder="bodies-unfit"),
    "responder of another authority": lambda: ocsp_of("seal", responder="bodies-by-people"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_bad_answers_are_well_formed_all_the_same(kind: str) -> None:
    """What is wrong with them is what they say: a reader that stops at the form would prove nothing."""
    load_der_ocsp_response(ANSWERS[kind]())


def test_a_list_without_an_end_is_one() -> None:
    found = load_der_x509_crl(bad_evidence.crl_without_next_update("bodies"))
    assert found.next_update_utc is None
    assert found.is_signature_valid(leaf("bodies").key.public_key())
