"""Revocation: every kind of evidence, from the store and embedded, and what follows from several pieces together."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import crl as crl_asn1
from asn1crypto import x509 as x509_asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA224, SHA256
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import AuthorityInformationAccessOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator import errors as path_errors

from gateway.core.validation import Indication, RevocationStatus, SubIndication
from gateway.crypto import CertificateVerdict, Evidence, Freshness, Policy, Trust, judge_certificate
from gateway.crypto.edge import finish
from gateway.crypto.paths import path as walk
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der, ec_key, rsa_key
from tests.kit.revocation import crl, delegated, issuing_key, itself, response
from tests.kit.stamps import crl_at

PKI = Pki("Revocation")
LEAF = PKI.leaf("seal")
SERIAL = LEAF.certificate.serial_number
ROOT_CRL = PKI.crls[0]
HOUR = DAY / 24
BARE = replace(PKI.trust, crls=(ROOT_CRL,))
"""Without anything about leaves."""
GOOD, LATER, REVOKED = None, SubIndication.TRY_LATER, SubIndication.REVOKED_NO_POE
HOLD = x509.ReasonFlags.certificate_hold


def listing(serials: dict[int, dt.datetime] | None = None, **how: Any) -> bytes:
    return crl(PKI.issuing, issuing_key(PKI), serials, **how)


def judged(
    trust: Trust = BARE,
    *,
    crls: tuple[bytes, ...] = (),
    ocsps: tuple[bytes, ...] = (),
    moment: dt.datetime = MOMENT,
    past: bool = False,
    leaf: Leaf = LEAF,
) -> CertificateVerdict:
    evidence = Evidence(crls=crls, ocsps=ocsps)
    return judge_certificate(leaf.der, trust=trust, moment=moment, evidence=evidence, past=past)


def both_ways(*ocsps: bytes, crls: tuple[bytes, ...] = ()) -> CertificateVerdict:
    """The verdict by evidence of the store, which is the one by the same evidence embedded."""
    stored = judged(replace(BARE, crls=(*BARE.crls, *crls), ocsps=ocsps))
    embedded = judged(crls=crls, ocsps=ocsps)
    assert (stored.indication, stored.sub_indication) == (embedded.indication, embedded.sub_indication)
    assert {one.source for one in stored.revocation if one.kind} <= {"store"}
    if embedded.revocation and embedded.revocation[0].kind:
        assert embedded.revocation[0].source == "embedded"
    return stored


# --- OCSP -----------------------------------------------------------------------------------------------------------------


def test_a_good_response_is_told_with_all_that_is_known_of_it() -> None:
    verdict = both_ways(response(PKI, LEAF))
    assert verdict.indication is Indication.TOTAL_PASSED
    mine, above = verdict.revocation
    assert [one.digest for one in verdict.chain[:2]] == [mine.certificate, above.certificate]
    assert (mine.status, mine.kind, mine.source) == (RevocationStatus.GOOD, "ocsp", "store")
    assert (mine.issued_at, mine.next_update) == (MOMENT - HOUR, MOMENT + DAY)
    assert (mine.age_seconds, mine.revoked_at) == (3600, None)
    assert (above.status, above.kind, above.age_seconds) == (RevocationStatus.GOOD, "crl", 86_400)


@pytest.mark.parametrize(
    ("ocsp", "expected"),
    [
        (response(PKI, LEAF, status=OCSPCertStatus.REVOKED), REVOKED),
        (response(PKI, LEAF, status=OCSPCertStatus.UNKNOWN), LATER),
        (response(PKI, LEAF, following=-HOUR / 2), LATER),
        (response(PKI, LEAF, following=None), LATER),
        (response(PKI, LEAF, following=None, issued=-HOUR / 4), GOOD),
        (response(PKI, LEAF, issued=HOUR), LATER),
        (response(PKI, PKI.leaf("transport")), LATER),
        (response(PKI, LEAF, responder=itself(Pki("Stranger"))), LATER),
        (response(PKI, LEAF, responder=delegated(Pki("Stranger"))), LATER),
        (response(PKI, LEAF, responder=delegated(PKI, purpose=False)), LATER),
        (response(PKI, LEAF, responder=delegated(PKI)), GOOD),
        (response(PKI, LEAF, responder=delegated(PKI, nocheck=False)), LATER),
        (response(PKI, LEAF, status=OCSPCertStatus.REVOKED, revoked=HOUR), GOOD),
        (response(PKI, LEAF)[:-4] + b"beef", LATER),
        (b"\x30\x03\x0a\x01\x06", LATER),  # unauthorized: an answer without a response
    ],
    ids=[
        *("revoked", "unknown", "stale", "no next update", "no next update but young", "from the future"),
        *("for another certificate", "by a stranger", "by a stranger's responder", "without the purpose"),
        *("delegated, nocheck", "delegated, itself unchecked", "revoked later", "forged", "no answer"),
    ],
)
def test_a_response_counts_as_rfc_6960_says(ocsp: bytes, expected: SubIndication | None) -> None:
    assert both_ways(ocsp).sub_indication is expected


def test_a_responder_that_must_be_checked_is() -> None:
    responder = delegated(PKI, nocheck=False)
    good = response(PKI, LEAF, responder=responder)
    other = listing(
        issued=MOMENT - 2 * DAY
    )  # the leaf itself is to be judged by OCSP alone: it is on this list, on hold
    assert judged(replace(BARE, crls=(ROOT_CRL, other), ocsps=(good,))).sub_indication is GOOD
    gone = listing({responder.certificate.serial_number: MOMENT - DAY}, issued=MOMENT - 2 * HOUR)
    verdict = judged(replace(BARE, crls=(ROOT_CRL, gone), ocsps=(good,)))
    assert verdict.indication is Indication.TOTAL_PASSED, "the list says good of the leaf"
    assert verdict.revocation[0].kind == "crl", "and the revoked responder is not believed"


def test_revoked_later_is_told_though_it_is_no_fault() -> None:
    verdict = both_ways(response(PKI, LEAF, status=OCSPCertStatus.REVOKED, revoked=HOUR))
    assert verdict.indication is Indication.TOTAL_PASSED
    assert (verdict.revocation[0].status, verdict.revocation[0].revoked_at) == (RevocationStatus.GOOD, MOMENT + HOUR)


def test_garbage_that_came_along_proves_nothing_and_spoils_nothing() -> None:
    good = response(PKI, LEAF)
    for junk in (b"", b"junk", b"\x30\x80", good[:40], bytes(200)):
        assert judged(ocsps=(junk, good), crls=(junk,)).indication is Indication.TOTAL_PASSED
        assert judged(ocsps=(junk,), crls=(junk,)).sub_indication is LATER


def test_what_we_have_ourselves_is_told_as_ours_though_it_came_along_too() -> None:
    verdict = judged(PKI.trust, crls=PKI.crls)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert {one.source for one in verdict.revocation} == {"store"}


def test_garbage_in_our_own_store_is_not_overlooked() -> None:
    verdict = judged(replace(BARE, ocsps=(b"junk", response(PKI, LEAF))))
    assert verdict.indication is Indication.INDETERMINATE


def test_too_much_evidence_is_not_even_looked_at() -> None:
    verdict = judged(ocsps=(response(PKI, LEAF),) * 65)
    assert verdict.sub_indication is SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE


# --- several pieces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("good_is_newer", [True, False])
def test_revoked_for_good_is_not_outweighed_by_a_good_answer(good_is_newer: bool) -> None:
    """A stranger embeds a good OCSP response that is still in its time, and our list knows better."""
    issued = MOMENT - HOUR / 2 if good_is_newer else MOMENT - 3 * HOUR
    good = response(PKI, LEAF, issued=issued - MOMENT)
    gone = listing({SERIAL: MOMENT - 2 * HOUR}, issued=MOMENT - HOUR)
    assert judged(replace(BARE, crls=(ROOT_CRL, gone)), ocsps=(good,)).sub_indication is REVOKED
    assert both_ways(good, crls=(gone,)).sub_indication is REVOKED


def test_the_latest_word_decides_about_a_hold() -> None:
    held = listing({SERIAL: MOMENT - DAY}, reason=HOLD, issued=MOMENT - 3 * HOUR)
    assert both_ways(crls=(held,)).sub_indication is REVOKED
    released = response(PKI, LEAF, issued=-HOUR)
    assert both_ways(released, crls=(held,)).sub_indication is GOOD
    before = response(PKI, LEAF, issued=-4 * HOUR)
    assert both_ways(before, crls=(held,)).sub_indication is REVOKED
    at_once = response(PKI, LEAF, issued=-3 * HOUR)
    assert both_ways(at_once, crls=(held,)).sub_indication is REVOKED


def test_an_old_list_still_says_who_was_revoked_and_never_who_is_good() -> None:
    old = {"issued": MOMENT - 40 * DAY, "following": MOMENT - 10 * DAY}
    assert both_ways(crls=(listing({SERIAL: MOMENT - 41 * DAY}, **old),)).sub_indication is REVOKED
    verdict = both_ways(crls=(listing(**old),))
    assert (verdict.sub_indication, verdict.revocation[0].status) == (LATER, RevocationStatus.UNKNOWN)
    assert verdict.revocation[0].age_seconds == 40 * 86_400, "what was looked at is told"


def test_the_freshest_good_one_is_told() -> None:
    lists = tuple(listing(issued=MOMENT - hours * HOUR, number=hours) for hours in (5, 2, 9))
    assert both_ways(crls=lists).revocation[0].issued_at == MOMENT - 2 * HOUR


def test_a_list_of_another_issuer_says_nothing() -> None:
    stranger = Pki("Stranger")
    assert both_ways(crls=(stranger.crls[1],)).sub_indication is LATER
    forged = crl(PKI.issuing, issuing_key(stranger))
    assert both_ways(crls=(forged,)).sub_indication is LATER


def test_a_list_signed_by_its_subject_to_clear_itself_says_nothing() -> None:
    """The leaf's key signs a CRL in its issuer's name."""
    assert isinstance(LEAF.key, rsa_key("x").__class__)
    assert both_ways(crls=(crl(PKI.issuing, LEAF.key),)).sub_indication is LATER


# --- the policy -----------------------------------------------------------------------------------------------------------


def by(fresh: Freshness, **how: Any) -> CertificateVerdict:
    return judged(replace(PKI.trust, policy=Policy(freshness=fresh)), **how)


def test_evidence_older_than_the_policy_allows_does_not_count() -> None:
    assert by(Freshness(crl_seconds_max=86_400)).sub_indication is GOOD
    assert by(Freshness(crl_seconds_max=86_398)).sub_indication is LATER
    answers = replace(BARE, ocsps=(response(PKI, LEAF),))
    for seconds, expected in ((3600, GOOD), (3598, LATER)):
        policy = Policy(freshness=Freshness(ocsp_seconds_max=seconds))
        assert judged(replace(answers, policy=policy)).sub_indication is expected


def test_stale_evidence_passes_where_the_policy_says_so_and_is_told() -> None:
    verdict = by(Freshness(crl_seconds_max=60, stale_passes=True))
    assert verdict.indication is Indication.TOTAL_PASSED
    assert "too old" in verdict.reason
    assert verdict.revocation[0].age_seconds == 86_400
    lenient = Freshness(stale_passes=True)
    assert by(lenient, moment=MOMENT + 40 * DAY).indication is Indication.TOTAL_PASSED
    assert judged(replace(BARE, policy=Policy(freshness=lenient))).sub_indication is LATER, "none is not stale"
    revoked = PKI.leaf("revoked")
    assert by(lenient, leaf=revoked, moment=MOMENT + 40 * DAY).sub_indication is REVOKED


@pytest.mark.parametrize("where", ["crl", "ocsp"])
def test_evidence_signed_by_a_digest_that_is_not_allowed_does_not_count(where: str) -> None:
    if where == "crl":
        assert both_ways(crls=(listing(algorithm=SHA224()),)).sub_indication is LATER
        assert both_ways(crls=(listing(algorithm=SHA256()),)).sub_indication is GOOD
    else:
        assert both_ways(response(PKI, LEAF, algorithm=SHA224())).sub_indication is LATER


def test_a_responder_with_a_weak_key_does_not_count() -> None:
    for key in (rsa_key("short", 1024), ec.generate_private_key(ec.SECP224R1())):
        assert both_ways(response(PKI, LEAF, responder=delegated(PKI, key=key))).sub_indication is LATER
    assert both_ways(response(PKI, LEAF, responder=delegated(PKI, key=ec_key("o")))).sub_indication is GOOD


# --- the past -------------------------------------------------------------------------------------------------------------


def test_in_the_past_evidence_that_was_issued_later_counts() -> None:
    later = listing(issued=MOMENT + DAY, following=MOMENT + 2 * DAY)
    trust = replace(BARE, crls=(crl(PKI.root, rsa_key("Revocation root"), issued=MOMENT + DAY), later))
    assert judged(trust).sub_indication is LATER
    verdict = judged(trust, past=True)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert verdict.revocation[0].age_seconds == -86_400


def test_revoked_after_the_past_moment_is_not_revoked_at_it() -> None:
    gone = listing({SERIAL: MOMENT + DAY}, issued=MOMENT + 2 * DAY)
    assert judged(crls=(gone,), past=True).sub_indication is GOOD
    assert judged(crls=(gone,), moment=MOMENT + DAY, past=True).sub_indication is REVOKED
    assert judged(crls=(gone,), moment=MOMENT + 3 * DAY).sub_indication is REVOKED


def test_a_responder_that_did_not_exist_yet_may_speak_of_the_past() -> None:
    """Responders are renewed each month: judged when it spoke, not before."""
    late = response(PKI, LEAF, responder=delegated(PKI), issued=10 * DAY, following=11 * DAY)
    early = MOMENT - 25 * DAY  # the responder's certificate begins 20 days before the middle, the leaf's 30
    trust = replace(BARE, crls=(crl(PKI.root, rsa_key("Revocation root"), issued=early - DAY),))
    assert judged(trust, ocsps=(late,), moment=early).sub_indication is LATER
    assert judged(trust, ocsps=(late,), moment=early, past=True).sub_indication is GOOD
    dead = response(PKI, LEAF, responder=delegated(PKI), issued=21 * DAY, following=22 * DAY)
    assert judged(trust, ocsps=(dead,), moment=early, past=True).sub_indication is LATER


def test_a_list_issued_after_the_certificate_ended_says_nothing_about_it() -> None:
    """A list may forget who has expired (RFC 5280 section 3.3): revoked, expired and off the list must not be good."""
    leaf = PKI.leaf("expired")
    end = leaf.certificate.not_valid_after_utc
    moment = end - DAY
    root = crl(PKI.root, rsa_key("Revocation root"), issued=moment - DAY)
    trust = replace(BARE, crls=(root,))
    afterwards = listing(issued=end + 5 * DAY)
    verdict = judged(trust, crls=(afterwards,), moment=moment, past=True, leaf=leaf)
    assert verdict.sub_indication is LATER
    assert judged(trust, crls=(listing(issued=end - HOUR),), moment=moment, past=True, leaf=leaf).sub_indication is GOOD
    since = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), _generalized(moment - DAY))
    keeps = listing(issued=end + 5 * DAY, extension=since)
    assert judged(trust, crls=(keeps,), moment=moment, past=True, leaf=leaf).sub_indication is GOOD
    too_late = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), _generalized(end + DAY))
    forgets = listing(issued=end + 5 * DAY, extension=too_late)
    assert judged(trust, crls=(forgets,), moment=moment, past=True, leaf=leaf).sub_indication is LATER


def _generalized(when: dt.datetime) -> bytes:
    text = when.strftime("%Y%m%d%H%M%SZ").encode()
    return bytes([0x18, len(text)]) + text


def test_grace_asks_for_evidence_issued_long_enough_after_a_proven_time() -> None:
    asking = Policy(freshness=Freshness(grace_seconds=7200))
    root = crl(PKI.root, rsa_key("Revocation root"), issued=MOMENT + DAY)
    trust = replace(BARE, crls=(root,), policy=asking)
    for hours, expected in ((-1, LATER), (1, LATER), (3, GOOD)):
        one = listing(issued=MOMENT + hours * HOUR)
        assert judged(trust, crls=(one,), past=True).sub_indication is expected
    assert judged(replace(PKI.trust, policy=asking)).sub_indication is GOOD, "of the present nothing later can be asked"


def test_at_every_moment_the_verdict_is_what_the_dates_say() -> None:
    """Time travel over one certificate: begun, revoked, expired; with evidence of its whole life."""
    begin, end = LEAF.certificate.not_valid_before_utc, LEAF.certificate.not_valid_after_utc
    revoked = MOMENT + 20 * DAY
    evidence = (listing({SERIAL: revoked}, issued=revoked + DAY),)
    root = crl(PKI.root, rsa_key("Revocation root"), issued=end - DAY, following=end + DAY)
    trust = replace(BARE, crls=(root,))
    for moment, expected in (
        (begin - HOUR, SubIndication.OUT_OF_BOUNDS_NO_POE),
        (begin + HOUR, GOOD),
        (revoked - HOUR, GOOD),
        (revoked, REVOKED),
        (revoked + HOUR, REVOKED),
        (end - HOUR, REVOKED),
        (end + HOUR, SubIndication.OUT_OF_BOUNDS_NO_POE),
    ):
        assert judged(trust, crls=evidence, moment=moment, past=True).sub_indication is expected, moment


# --- memory ---------------------------------------------------------------------------------------------------------------


ANSWER = response(PKI, LEAF, responder=delegated(PKI), issued=-3 * DAY, following=15 * DAY)
ENDLESS = response(PKI, LEAF, responder=delegated(PKI), issued=-3 * DAY, following=40 * DAY)
"""Longer than its responder's certificate."""
GONE = response(PKI, LEAF, status=OCSPCertStatus.REVOKED, revoked=12 * DAY, issued=-4 * DAY, following=16 * DAY)


@pytest.mark.parametrize(
    ("ocsps", "fresh"),
    [
        ((ANSWER, GONE), Freshness(ocsp_seconds_max=8 * 86_400)),
        ((ANSWER, GONE), Freshness()),
        ((ENDLESS,), Freshness()),
    ],
    ids=["by age", "by dates", "by the responder"],
)
def test_memory_serves_ocsp_too_and_never_changes_a_verdict(
    ocsps: tuple[bytes, ...], fresh: Freshness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Around every turn that a response, its responder and the policy's ages bring, forwards and backwards."""
    trust = replace(BARE, ocsps=ocsps, policy=Policy(freshness=fresh))
    marks = [-20 * DAY, -4 * DAY, -3 * DAY, -DAY, 4 * DAY, 5 * DAY, 12 * DAY, 15 * DAY, 16 * DAY, 20 * DAY]
    moments = [MOMENT + mark + dt.timedelta(seconds=step) for mark in marks for step in (-3600, -6, -1, 0, 1, 6, 3600)]
    anew: dict[dt.datetime, CertificateVerdict] = {}
    for moment in moments:
        walk._known.cache_clear()
        anew[moment] = judged(trust, moment=moment)
    assert {one.indication for one in anew.values()} == {Indication.TOTAL_PASSED, Indication.INDETERMINATE}
    walk._known.cache_clear()
    walks: list[int] = []
    walking = walk._Walk
    monkeypatch.setattr(walk, "_Walk", lambda *args: walks.append(1) or walking(*args))
    for turn in (moments, moments[::-1], moments):
        for moment in turn:
            assert judged(trust, moment=moment) == anew[moment], "age and all"
    passed = sum(one.indication is Indication.TOTAL_PASSED for one in anew.values())
    assert passed > 10
    assert len(walks) < 3 * len(moments) - passed, "and it does remember"


# --- beside certvalidator's own check -------------------------------------------------------------------------------------


def _as_the_library(crls: tuple[bytes, ...], ocsps: tuple[bytes, ...], leaf: Leaf) -> bool:
    """Whether certvalidator, left to itself, finds a path with nothing revoked."""
    context = ValidationContext(
        trust_roots=[x509_asn1.Certificate.load(der(PKI.root))],
        other_certs=[x509_asn1.Certificate.load(der(PKI.issuing))],
        crls=[*BARE.crls, *crls],
        ocsps=list(ocsps),
        moment=MOMENT,
        allow_fetching=False,
        revocation_mode="require",
    )
    validator = CertificateValidator(x509_asn1.Certificate.load(leaf.der), validation_context=context)
    try:
        finish(validator.async_validate_path())
    except (path_errors.PathBuildingError, path_errors.ValidationError):
        return False
    return True


def _with_responder() -> Leaf:
    """A leaf that names an OCSP responder: without one the library looks at no response."""
    place = x509.UniformResourceIdentifier("http://ocsp.example/")
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
    builder = (
        x509.CertificateBuilder()
        .subject_name(LEAF.certificate.subject)
        .issuer_name(PKI.issuing.subject)
        .public_key(LEAF.key.public_key())
        .serial_number(0x0A1A)
        .not_valid_before(MOMENT - 30 * DAY)
        .not_valid_after(MOMENT + 300 * DAY)
    )
    for extension in LEAF.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return Leaf(LEAF.key, builder.sign(issuing_key(PKI), SHA256()), PKI.issuing)


NAMING = _with_responder()
_GONE = {NAMING.certificate.serial_number: MOMENT - 2 * HOUR}
LISTS = {
    "none": (),
    "good": (listing(issued=MOMENT - 2 * HOUR),),
    "revoked": (listing(_GONE, issued=MOMENT - HOUR),),
    "hold": (listing(_GONE, issued=MOMENT - HOUR, reason=HOLD),),
    "revoked later": (listing({NAMING.certificate.serial_number: MOMENT + HOUR}),),
    "stale": (listing(issued=MOMENT - 40 * DAY, following=MOMENT - 10 * DAY),),
    "future": (listing(issued=MOMENT + HOUR),),
    "stranger's": (Pki("Stranger").crls[1],),
    "forged": (crl(PKI.issuing, rsa_key("forger")),),
    "two": (listing(issued=MOMENT - 5 * HOUR), listing(_GONE, issued=MOMENT - HOUR)),
}
ANSWERS = {
    "none": (),
    "good": (response(PKI, NAMING, issued=-2 * HOUR),),
    "revoked": (response(PKI, NAMING, status=OCSPCertStatus.REVOKED),),
    "unknown": (response(PKI, NAMING, status=OCSPCertStatus.UNKNOWN),),
    "stale": (response(PKI, NAMING, issued=-3 * DAY, following=-DAY),),
    "delegated": (response(PKI, NAMING, responder=delegated(PKI), issued=-2 * HOUR),),
    "stranger's": (response(PKI, NAMING, responder=itself(Pki("Stranger"))),),
}
KNOWN_BETTER = {(listed, answer) for listed in ("revoked", "hold", "two") for answer in ("good", "delegated")}
"""Where the library believes a good OCSP response and does not look at the newer list that says revoked."""


def test_we_agree_with_the_library_except_where_it_overlooks_a_revocation() -> None:
    differing = set()
    for listed, crls in LISTS.items():
        for answer, ocsps in ANSWERS.items():
            ours = judged(crls=crls, ocsps=ocsps, leaf=NAMING).indication is Indication.TOTAL_PASSED
            theirs = _as_the_library(crls, ocsps, NAMING)
            assert theirs or not ours, f"we pass what the library does not: {listed}, {answer}"
            if ours != theirs:
                differing.add((listed, answer))
    assert differing == KNOWN_BETTER


# --- two lists, one signature ---------------------------------------------------------------------------------------------


def _redated(genuine: bytes, **dates: dt.datetime) -> bytes:
    """Other dates in a list, its signature left as it was."""
    changed = crl_asn1.CertificateList.load(genuine)
    for name, when in dates.items():
        changed["tbs_cert_list"][name] = x509_asn1.Time({"utc_time": when})
    changed["tbs_cert_list"]._contents = None
    return bytes(changed.dump(force=True))


def test_a_forged_list_does_not_pass_by_the_signature_of_a_genuine_one() -> None:
    """certvalidator remembers who signed a list by the bytes of the signature alone: whoever has a genuine list that is too
    old could show it together with a copy that bears today's dates, or that forgot somebody."""
    genuine = listing(issued=MOMENT - 40 * DAY, following=MOMENT - 10 * DAY)
    forged = _redated(genuine, this_update=MOMENT - HOUR, next_update=MOMENT + DAY)
    assert x509.load_der_x509_crl(forged).signature == x509.load_der_x509_crl(genuine).signature
    assert x509.load_der_x509_crl(forged).next_update_utc == MOMENT + DAY
    for crls in ((forged,), (genuine, forged), (forged, genuine)):
        assert both_ways(crls=crls).sub_indication is LATER
    older = _redated(genuine, this_update=MOMENT - 41 * DAY, next_update=MOMENT + DAY)
    assert not _as_the_library((older,), (), LEAF)
    assert _as_the_library((genuine, older), (), LEAF), (
        "the library still falls for it: when it does not, take ours out"
    )
    assert both_ways(crls=(genuine, older)).sub_indication is LATER
    held = listing({SERIAL: MOMENT - DAY}, reason=HOLD, issued=MOMENT - 3 * HOUR)
    for crls in ((held, forged), (genuine, held, forged)):
        assert both_ways(crls=crls).sub_indication is REVOKED


def test_an_anchor_that_is_not_self_signed_speaks_of_its_own() -> None:
    """An issuing authority may be the anchor itself: its own CRL counts, though the library finds no way to its signer."""
    trust = Trust(anchors=(der(PKI.issuing),), crls=(listing(),))
    verdict = judged(trust)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert [one.anchor for one in verdict.chain] == [False, True]
    gone = replace(trust, crls=(listing({SERIAL: MOMENT - DAY}),))
    assert judged(gone).sub_indication is REVOKED
    assert judged(replace(trust, crls=(crl(PKI.issuing, rsa_key("forger")),))).sub_indication is LATER
    answered = replace(trust, crls=(), ocsps=(response(PKI, LEAF, responder=delegated(PKI)),))
    assert judged(answered).indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize("indirect", [False, True])
def test_a_stranger_s_list_does_not_pass_beside_two_certificates_of_one_authority(indirect: bool) -> None:
    """certvalidator 0.33 notes the one as the list's issuer while it looks into the other, and verifies nothing."""
    root = crl_at(PKI, PKI.root, MOMENT - DAY, lasts=9 * DAY)
    forged = crl_at(PKI, PKI.issuing, MOMENT - DAY, lasts=9 * DAY, key_name="Stranger issuing", indirect=indirect)
    again = der(replace(PKI, now=MOMENT + DAY).issuing)
    bare = replace(PKI.trust, crls=())
    for leaf in (PKI.leaf("seal"), PKI.leaf("revoked")):
        shown = Evidence(certificates=(*leaf.chain[1:], again), crls=(root, forged))
        for past in (False, True):
            verdict = judge_certificate(leaf.der, trust=bare, moment=MOMENT, evidence=shown, past=past)
            assert verdict.sub_indication is SubIndication.TRY_LATER, verdict.reason
