"""The best signature time and the signer's certificate: the same words for PDF, envelope and detached signature."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from asn1crypto import cms

from gateway.core.ids import Digest
from gateway.core.validation import Indication, RevocationSeen, RevocationStatus, SubIndication
from gateway.core.verdict import SignatureVerdict
from gateway.crypto import (
    CertificateVerdict,
    Freshness,
    Policy,
    Trust,
    judge_detached,
    judge_pdf,
    timestamp_digest,
    verify_envelope,
    with_timestamp,
)
from gateway.crypto.cades.timestamped import add_signature_timestamp
from gateway.crypto.paths.best_time import begun
from gateway.safe_xml import read_skeleton
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der
from tests.kit.stamps import crls_at, stamped_seal
from tests.kit.timestamp_authority import Authority
from tests.unit.crypto.detached import CONTENT, digests_of
from tests.unit.crypto.detached import signed as signed_cms
from tests.unit.crypto.envelopes import document
from tests.unit.crypto.envelopes import signed as signed_envelope

PKI = Pki()
TSA = Authority(PKI)
TRUST = replace(PKI.trust, authorities=(der(PKI.root),))
ISSUED = MOMENT - DAY
"""When the lists below were."""
LISTED = replace(TRUST, crls=crls_at(PKI, ISSUED))
GRACE = replace(LISTED, policy=Policy(freshness=Freshness(grace_seconds=3600)))
HOUR = DAY / 24
PASSED, UNDECIDED, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED
Found = tuple[Indication | None, SubIndication | None]


def pdf(leaf: Leaf, at: dt.datetime | None, trust: Trust) -> SignatureVerdict:
    data = stamped_seal(tiny_pdf(), leaf) if at is None else stamped_seal(tiny_pdf(), leaf, TSA.at(at))
    return judge_pdf(data, trust=trust, moment=MOMENT).signatures[0]


def envelope(leaf: Leaf, at: dt.datetime | None, trust: Trust) -> SignatureVerdict:
    data = signed_envelope(document(), leaf)
    if at is not None:
        data = with_timestamp(data, TSA.token(timestamp_digest(data), at))
    verdict = verify_envelope(read_skeleton([data]).root, trust=trust, moment=MOMENT).signature
    assert verdict is not None
    return verdict


def detached(leaf: Leaf, at: dt.datetime | None, trust: Trust) -> SignatureVerdict:
    data = signed_cms(leaf)
    if at is not None:
        value = cms.ContentInfo.load(data)["content"]["signer_infos"][0]["signature"].native
        data = add_signature_timestamp(data, TSA.at(at)(value))
    return judge_detached(data, digests=digests_of(CONTENT), trust=trust, moment=MOMENT).signatures[0]


Kind = Callable[[Leaf, dt.datetime | None, Trust], SignatureVerdict]
every_kind = pytest.mark.parametrize("kind", [pdf, envelope, detached])


def found(verdict: SignatureVerdict) -> Found:
    return verdict.indication, verdict.sub_indication


@every_kind
def test_signed_before_the_certificate_began_is_not_yet_valid(kind: Kind) -> None:
    """EN 319 102-1 clause 5.5.4 step 4 b."""
    leaf = PKI.leaf("seal")
    begins = leaf.certificate.not_valid_before_utc
    assert found(kind(leaf, begins + HOUR, TRUST)) == (PASSED, None)
    assert found(kind(leaf, begins - HOUR, TRUST)) == (FAILED, SubIndication.NOT_YET_VALID)


@every_kind
def test_a_certificate_that_is_out_of_its_bounds_says_so_first_where_it_had_begun(kind: Kind) -> None:
    expired = PKI.leaf("expired")
    begins = expired.certificate.not_valid_before_utc
    assert found(kind(expired, begins - HOUR, TRUST)) == (FAILED, SubIndication.NOT_YET_VALID)
    assert found(kind(expired, begins + HOUR, TRUST)) == (UNDECIDED, SubIndication.OUT_OF_BOUNDS_NO_POE)
    assert found(kind(PKI.leaf("future"), MOMENT - HOUR, TRUST)) == (FAILED, SubIndication.NOT_YET_VALID)


@every_kind
def test_one_that_was_revoked_later_had_not_begun_either(kind: Kind) -> None:
    """Step 4 a."""
    revoked = PKI.leaf("revoked")
    before = revoked.certificate.not_valid_before_utc - HOUR
    assert found(kind(revoked, before, TRUST)) == (FAILED, SubIndication.NOT_YET_VALID)
    assert found(kind(revoked, MOMENT - HOUR, TRUST)) == (UNDECIDED, SubIndication.REVOKED_NO_POE)


@every_kind
def test_nothing_is_compared_with_a_certificate_of_which_nobody_knows(kind: Kind) -> None:
    leaf = PKI.leaf("seal")
    early = leaf.certificate.not_valid_before_utc - HOUR
    silent = replace(TRUST, crls=TRUST.crls[:1])
    nobody = replace(TRUST, anchors=(der(Pki(name="Stranger").root),))
    usage = PKI.leaf("usage")
    assert found(kind(leaf, early, silent)) == (UNDECIDED, SubIndication.TRY_LATER)
    assert found(kind(leaf, early, nobody)) == (UNDECIDED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    assert found(kind(usage, early, TRUST)) == (UNDECIDED, SubIndication.CHAIN_CONSTRAINTS_FAILURE)


def test_who_was_revoked_before_is_revoked_and_nothing_else() -> None:
    """A list may say that a certificate was revoked before it began."""
    gone = RevocationSeen(
        certificate=Digest("0" * 64),
        status=RevocationStatus.REVOKED,
        kind="crl",
        source="store",
        revoked_at=MOMENT - 9 * DAY,
    )
    now = CertificateVerdict(
        indication=UNDECIDED, sub_indication=SubIndication.REVOKED_NO_POE, reason="so", revocation=(gone,)
    )
    assert begun(now, begins=MOMENT, best=MOMENT - DAY) is now
    assert begun(now, begins=MOMENT, best=MOMENT - 10 * DAY).sub_indication is SubIndication.NOT_YET_VALID


@every_kind
def test_evidence_has_to_be_issued_long_enough_after_a_proven_time(kind: Kind) -> None:
    """Clause 5.2.5.4, of the present as of the past; the seal is good by lists of yesterday."""
    leaf = PKI.leaf("seal")
    assert found(kind(leaf, ISSUED - HOUR, GRACE)) == (PASSED, None)
    assert found(kind(leaf, ISSUED - HOUR / 2, GRACE)) == (UNDECIDED, SubIndication.TRY_LATER)
    assert found(kind(leaf, ISSUED + HOUR, GRACE)) == (UNDECIDED, SubIndication.TRY_LATER)
    assert found(kind(leaf, ISSUED + HOUR, LISTED)) == (PASSED, None)
    assert found(kind(leaf, None, GRACE)) == (PASSED, None), "nothing is proven"


@every_kind
def test_grace_makes_no_other_fault_of_one(kind: Kind) -> None:
    verdict = kind(PKI.leaf("usage"), ISSUED, GRACE)
    assert found(verdict) == (UNDECIDED, SubIndication.CHAIN_CONSTRAINTS_FAILURE)
