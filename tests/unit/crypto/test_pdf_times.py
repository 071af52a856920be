"""PDFs judged with timestamps and in the past: what a file brings along must never make more of it than is proven."""

import datetime as dt
import re
import tracemalloc
from dataclasses import replace
from io import BytesIO

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from gateway.core import limits
from gateway.core.validation import (
    ChangeKind,
    Indication,
    Level,
    Outcome,
    RevocationSeen,
    RevocationStatus,
    SubIndication,
    TimestampKind,
    TimestampSeen,
)
from gateway.core.verdict import FileVerdict, SignatureVerdict
from gateway.crypto import CertificateVerdict, Policy, Trust, judge_certificate, judge_pdf
from gateway.crypto.paths.policy import AlgorithmRules, Freshness
from gateway.crypto.processes.answers import read_answer, write_answer
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT, Pki, der, rsa_key
from tests.kit.stamps import (
    crl_at,
    crls_at,
    document_stamped,
    ocsp_good,
    stamped_seal,
    with_empty_field,
    with_ocsp,
    with_store,
    with_text,
)
from tests.kit.timestamp_authority import Authority, Stamp

PKI = Pki()
TSA = Authority(PKI)
ENDED_TSA = Authority(PKI, name="Ended TSA", begin=-100 * DAY, end=-20 * DAY)
TRUST = replace(PKI.trust, authorities=(der(PKI.root),))
SEAL, EXPIRED, REVOKED = PKI.leaf("seal"), PKI.leaf("expired"), PKI.leaf("revoked")
EARLY = MOMENT - 45 * DAY
"""When the certificate was good that expired thirty days ago."""
SECOND = dt.timedelta(seconds=1)
PASSED, UNDECIDED, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED


def judge(data: bytes, trust: Trust = TRUST, moment: dt.datetime = MOMENT) -> SignatureVerdict:
    """The verdict on the first signature, which decides for a file with one."""
    return judge_pdf(data, trust=trust, moment=moment).signatures[0]


def said(verdict: SignatureVerdict) -> Indication | SubIndication:
    return verdict.sub_indication or verdict.indication


def stamps(verdict: SignatureVerdict) -> list[Indication | SubIndication]:
    return [one.sub_indication or one.indication for one in verdict.details.timestamps]


def covered(pdf: bytes, time: dt.datetime = EARLY, crls: tuple[bytes, ...] | None = None) -> bytes:
    """The PDF with evidence in its store and a DocTimeStamp over it: level B-LTA."""
    lists = crls_at(PKI, time) if crls is None else crls
    return document_stamped(with_store(pdf, certificates=[der(PKI.issuing)], crls=lists), TSA.at(time))


EXPIRED_T = stamped_seal(tiny_pdf(), EXPIRED, TSA.at(EARLY))
EXPIRED_LTA = covered(EXPIRED_T)


# --- timestamps that prove nothing ------------------------------------------------------------------------------------


def test_a_token_of_an_authority_that_nobody_trusts_is_told_and_not_believed() -> None:
    stranger = Authority(Pki(name="Stranger"))
    verdict = judge(stamped_seal(tiny_pdf(), SEAL, stranger.at(MOMENT - DAY)))
    assert (said(verdict), stamps(verdict)) == (PASSED, [SubIndication.NO_CERTIFICATE_CHAIN_FOUND])
    assert (verdict.details.level, verdict.details.best_time) == (Level.B_B, MOMENT)
    expired = judge(stamped_seal(tiny_pdf(), EXPIRED, stranger.at(EARLY)))
    assert said(expired) is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_token_copied_from_another_signature_proves_nothing() -> None:
    copied = TSA.at(EARLY)(b"the value of another signature")
    verdict = judge(covered(stamped_seal(tiny_pdf(), EXPIRED, lambda _: copied), MOMENT - DAY))
    assert said(verdict) is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert stamps(verdict) == [SubIndication.HASH_FAILURE, PASSED]
    assert verdict.details.best_time == MOMENT - DAY
    good = judge(stamped_seal(tiny_pdf(), SEAL, lambda _: copied))
    assert (said(good), good.details.best_time, good.details.level) == (PASSED, MOMENT, Level.B_B)


@pytest.mark.parametrize(
    "authority",
    [
        Authority(PKI, name="Not critical", critical=False),
        Authority(PKI, name="Code", purpose=ExtendedKeyUsageOID.CODE_SIGNING),
        Authority(PKI, name="Ended TSA", begin=-100 * DAY, end=-20 * DAY),
    ],
    ids=["not critical", "code signing", "ended"],
)
def test_a_token_by_a_certificate_that_may_not_stamp_proves_nothing(authority: Authority) -> None:
    verdict = judge(stamped_seal(tiny_pdf(), SEAL, authority.at(MOMENT - 25 * DAY)))
    assert (said(verdict), verdict.details.best_time) == (PASSED, MOMENT)
    assert stamps(verdict) != [PASSED]
    again = judge(stamped_seal(tiny_pdf(), EXPIRED, authority.at(EARLY), TSA.at(MOMENT - DAY)))
    assert said(again) is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_timestamp_from_before_its_authority_began_proves_nothing() -> None:
    young = Authority(PKI, name="Young TSA", begin=-10 * DAY)
    verdict = judge(covered(stamped_seal(tiny_pdf(), EXPIRED, young.at(EARLY)), MOMENT - DAY))
    assert stamps(verdict)[0] is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert said(verdict) is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_timestamp_from_the_future_proves_nothing() -> None:
    verdict = judge(stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT + DAY)))
    assert (said(verdict), stamps(verdict)) == (PASSED, [SubIndication.TIMESTAMP_ORDER_FAILURE])


def test_without_authorities_no_timestamp_is_believed() -> None:
    trust = replace(TRUST, authorities=())
    assert said(judge(EXPIRED_LTA, trust)) is SubIndication.OUT_OF_BOUNDS_NO_POE
    verdict = judge(stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - DAY)), trust)
    assert (said(verdict), verdict.details.level, verdict.details.best_time) == (PASSED, Level.B_B, MOMENT)


def test_of_a_crowd_of_tokens_only_the_first_are_looked_at() -> None:
    crowd = [TSA.at(MOMENT - (n + 1) * SECOND) for n in range(limits.SIGNATURE_TIMESTAMPS_MAX + 2)]
    verdict = judge(stamped_seal(tiny_pdf(), SEAL, *crowd))
    assert len(verdict.details.timestamps) == limits.SIGNATURE_TIMESTAMPS_MAX
    (check,) = (one for one in verdict.details.checks if one.name == "pades.timestamps")
    assert "2 more" in check.detail


# --- archive timestamps that cover something else ---------------------------------------------------------------------


def over_less(pdf: bytes, authority: Authority, time: dt.datetime) -> bytes:
    """A DocTimeStamp whose byte range ends before its revision does; the token is good for just that range."""
    data = document_stamped(pdf, authority.at(time))
    place = list(re.finditer(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", data))[-1]
    first, length, second, rest = (int(number) for number in place.groups())
    shorter = (b"/ByteRange [%d %d %d %d" % (first, length, second, rest - 40)).ljust(len(place[0]) - 1) + b"]"
    data = data[: place.start()] + shorter + data[place.end() :]
    token = authority.at(time)(data[:length] + data[second : second + rest - 40]).hex().encode()
    return data[: length + 1] + token.ljust(second - length - 2, b"0") + data[second - 1 :]


def test_an_archive_timestamp_over_another_range_proves_nothing() -> None:
    evident = with_store(EXPIRED_T, certificates=[der(PKI.issuing)], crls=crls_at(PKI, EARLY))
    verdict = judge(over_less(evident, TSA, EARLY))
    assert said(verdict) is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert stamps(verdict) == [PASSED, SubIndication.FORMAT_FAILURE]
    assert verdict.details.level is Level.B_LT


def test_an_archive_timestamp_upon_something_else_proves_nothing_and_spoils_nothing() -> None:
    wrong: Stamp = lambda _: TSA.at(EARLY)(b"another document")  # noqa: E731 - a stamp is a function
    evident = with_store(EXPIRED_T, certificates=[der(PKI.issuing)], crls=crls_at(PKI, EARLY))
    verdict = judge(document_stamped(evident, wrong))
    assert (said(verdict), stamps(verdict)[-1]) == (SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.HASH_FAILURE)
    seal = judge(document_stamped(stamped_seal(tiny_pdf(), SEAL), wrong))
    assert (said(seal), seal.details.best_time) == (PASSED, MOMENT)


def test_an_archive_timestamp_from_before_the_signature_says_nothing_of_it() -> None:
    verdict = judge(stamped_seal(document_stamped(tiny_pdf(), TSA.at(EARLY)), SEAL))
    assert (said(verdict), verdict.details.timestamps, verdict.details.best_time) == (PASSED, (), MOMENT)


# --- evidence that proves nothing -------------------------------------------------------------------------------------


def test_evidence_after_the_last_archive_timestamp_is_not_proven() -> None:
    late = with_store(
        document_stamped(EXPIRED_T, TSA.at(EARLY)), certificates=[der(PKI.issuing)], crls=crls_at(PKI, EARLY)
    )
    verdict = judge(late)
    assert (said(verdict), stamps(verdict)) == (SubIndication.OUT_OF_BOUNDS_NO_POE, [PASSED, PASSED])
    assert verdict.details.level is Level.B_LT


def test_evidence_that_was_stamped_after_the_certificate_ended_comes_too_late() -> None:
    lists = crls_at(PKI, EARLY)
    evident = with_store(EXPIRED_T, certificates=[der(PKI.issuing)], crls=lists)
    assert said(judge(document_stamped(evident, TSA.at(MOMENT - 29 * DAY)))) is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert said(judge(document_stamped(evident, TSA.at(MOMENT - 31 * DAY)))) is PASSED


def test_evidence_without_any_archive_timestamp_is_not_proven() -> None:
    evident = with_store(EXPIRED_T, certificates=[der(PKI.issuing)], crls=crls_at(PKI, EARLY))
    verdict = judge(evident)
    assert (said(verdict), verdict.details.level) == (SubIndication.OUT_OF_BOUNDS_NO_POE, Level.B_LT)


LISTS = {
    "withheld": (),
    "of the root only": (crl_at(PKI, PKI.root, EARLY),),
    "stale": (crl_at(PKI, PKI.root, EARLY), crl_at(PKI, PKI.issuing, EARLY - 9 * DAY)),
    "by another key": (
        crl_at(PKI, PKI.root, EARLY),
        crl_at(PKI, PKI.issuing, EARLY, key_name="Stranger issuing"),
    ),
    "of another issuer": (crl_at(PKI, PKI.root, EARLY), crls_at(Pki(name="Stranger"), EARLY)[1]),
    "that revokes it": (
        crl_at(PKI, PKI.root, EARLY),
        crl_at(PKI, PKI.issuing, EARLY, [(EXPIRED.certificate.serial_number, EARLY - DAY)]),
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_evidence_that_does_not_say_good_at_that_time_proves_nothing(name: str) -> None:
    rsa_key("Stranger issuing")
    verdict = judge(covered(EXPIRED_T, crls=LISTS[name]))
    expected = SubIndication.REVOKED_NO_POE if name == "that revokes it" else SubIndication.OUT_OF_BOUNDS_NO_POE
    assert said(verdict) is expected


def test_our_own_list_says_nothing_good_of_what_has_ended() -> None:
    """Today's list need not name what has expired: it must not stand in for the evidence that is missing."""
    verdict = judge(covered(EXPIRED_T, crls=(crl_at(PKI, PKI.root, EARLY),)))
    assert said(verdict) is SubIndication.OUT_OF_BOUNDS_NO_POE


@pytest.mark.parametrize("past", [False, True])
def test_what_our_store_says_was_revoked_is_not_made_good_by_what_came_along(past: bool) -> None:
    """Our store has no list of the root, so it decides nothing by itself; the file brings one, and a kind OCSP response.

    The path validator takes a good response for an answer and never looks at our list.
    """
    gone, good = with_ocsp(PKI, REVOKED), with_ocsp(PKI, SEAL)
    then = MOMENT - (20 * DAY if past else DAY)
    since = then - DAY
    ours = replace(
        TRUST, crls=(crl_at(PKI, PKI.issuing, since, [(gone.certificate.serial_number, since)], lasts=30 * DAY),)
    )
    for leaf, expected in ((gone, SubIndication.REVOKED_NO_POE), (good, PASSED)):
        pdf = stamped_seal(tiny_pdf(), leaf, TSA.at(then))
        root = (crl_at(PKI, PKI.root, then, lasts=DAY if past else 9 * DAY),)
        kind = ocsp_good(PKI, leaf, then, lasts=DAY if past else 9 * DAY)
        trust = ours if not past else replace(ours, crls=(*ours.crls, crl_at(PKI, PKI.root, then)))
        # The timestamp's own path needs the root's list as well: it comes along.
        verdict = judge(
            with_store(pdf, crls=(*root, crl_at(PKI, PKI.root, MOMENT - DAY, lasts=9 * DAY)), ocsps=[kind]), trust
        )
        assert said(verdict) is expected


@pytest.mark.parametrize("indirect", [False, True])
def test_a_forged_list_is_no_list_though_the_path_validator_takes_it(indirect: bool) -> None:
    """Two certificates of one authority came along, and a list in its name that a stranger signed (`paths.past`, duty 4)."""
    again = der(replace(PKI, now=MOMENT + DAY).issuing)
    forged = crl_at(PKI, PKI.issuing, MOMENT - DAY, lasts=9 * DAY, key_name="Stranger issuing", indirect=indirect)
    bare = replace(TRUST, crls=())
    for leaf in (SEAL, REVOKED):
        pdf = with_store(stamped_seal(tiny_pdf(), leaf), certificates=[again], crls=[forged])
        assert said(judge(pdf, bare)) is SubIndication.TRY_LATER
    lists = [forged, *crls_at(PKI, MOMENT - DAY / 2)]
    honest = with_store(stamped_seal(tiny_pdf(), SEAL), certificates=[again], crls=lists)
    assert said(judge(honest, bare)) is PASSED


def test_signed_after_it_was_revoked() -> None:
    verdict = judge(covered(stamped_seal(tiny_pdf(), REVOKED, TSA.at(MOMENT - DAY)), MOMENT - DAY))
    assert said(verdict) is SubIndication.REVOKED_NO_POE


def test_signed_before_its_certificate_began() -> None:
    """The certificate began thirty days ago, and its digest is signed: a time before that is a lie of somebody's."""
    verdict = judge(stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - 31 * DAY)))
    assert (verdict.indication, verdict.sub_indication) == (FAILED, SubIndication.NOT_YET_VALID)


def test_a_timestamp_does_not_make_a_certificate_longer() -> None:
    """signing.md 1.2 A: signed after its certificate had ended, with a timestamp that is perfectly good."""
    verdict = judge(covered(stamped_seal(tiny_pdf(), EXPIRED, TSA.at(MOMENT - 29 * DAY)), MOMENT - 29 * DAY))
    assert said(verdict) is SubIndication.OUT_OF_BOUNDS_NO_POE


# --- order ------------------------------------------------------------------------------------------------------------


def test_timestamps_out_of_order_leave_a_signature_undecided() -> None:
    signed = stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - DAY))
    assert said(judge(document_stamped(signed, TSA.at(MOMENT - DAY - 50 * SECOND)))) is PASSED
    assert said(judge(document_stamped(signed, TSA.at(MOMENT - 2 * DAY)))) is SubIndication.TIMESTAMP_ORDER_FAILURE
    content = stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - DAY), content=TSA.at(MOMENT - 3600 * SECOND))
    assert said(judge(content)) is SubIndication.TIMESTAMP_ORDER_FAILURE
    older = document_stamped(stamped_seal(tiny_pdf(), SEAL), TSA.at(MOMENT - DAY))
    assert said(judge(document_stamped(older, TSA.at(MOMENT - 2 * DAY)))) is SubIndication.TIMESTAMP_ORDER_FAILURE


# --- what is proven ---------------------------------------------------------------------------------------------------


def test_levels_and_times_of_a_seal_by_what_it_carries() -> None:
    then = MOMENT - DAY
    signed = stamped_seal(tiny_pdf(), SEAL, TSA.at(then), content=TSA.at(then - DAY))
    verdict = judge(signed)
    assert (said(verdict), verdict.details.level, verdict.details.best_time) == (PASSED, Level.B_T, then)
    assert [one.kind for one in verdict.details.timestamps] == [TimestampKind.CONTENT, TimestampKind.SIGNATURE]
    evident = judge(with_store(signed, certificates=[der(PKI.issuing)], crls=crls_at(PKI, then)))
    assert (said(evident), evident.details.level) == (PASSED, Level.B_LT)
    archived = judge(covered(signed, then))
    assert (said(archived), archived.details.level) == (PASSED, Level.B_LTA)
    assert [(one.kind, one.allowed, one.revision) for one in archived.details.changes] == [
        (ChangeKind.EVIDENCE, True, 3),
        (ChangeKind.TIMESTAMP, True, 4),
    ]


def test_an_expired_certificate_passes_by_what_was_proven_while_it_was_good() -> None:
    verdict = judge(EXPIRED_LTA)
    assert (said(verdict), verdict.details.level, verdict.details.best_time) == (PASSED, Level.B_LTA, EARLY)
    outcomes = {one.name: one.outcome for one in verdict.details.checks}
    assert outcomes.pop("pades.certificate_now") is Outcome.UNDECIDED
    assert set(outcomes.values()) == {Outcome.MET}


def test_evidence_among_the_signed_attributes_is_as_old_as_the_signature() -> None:
    lists = crls_at(PKI, EARLY)
    assert said(judge(stamped_seal(tiny_pdf(), EXPIRED, TSA.at(EARLY), archival=lists))) is PASSED
    assert said(judge(stamped_seal(tiny_pdf(), EXPIRED, archival=lists))) is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_certificate_that_was_revoked_later_was_good_when_it_signed() -> None:
    """Clause 5.5.4: the time of revocation is after the best signature time; no archive timestamp is asked for that."""
    verdict = judge(stamped_seal(tiny_pdf(), REVOKED, TSA.at(MOMENT - 3 * DAY)))
    assert (said(verdict), verdict.details.best_time) == (PASSED, MOMENT - 3 * DAY)


def test_an_authority_that_has_ended_is_proven_by_the_next_timestamp() -> None:
    evident = with_store(
        stamped_seal(tiny_pdf(), EXPIRED, ENDED_TSA.at(EARLY)),
        certificates=[der(PKI.issuing)],
        crls=crls_at(PKI, EARLY),
    )
    first = document_stamped(evident, ENDED_TSA.at(EARLY + SECOND))
    assert said(judge(first)) is SubIndication.OUT_OF_BOUNDS_NO_POE
    renewal = MOMENT - 31 * DAY
    renewed = document_stamped(with_store(first, crls=crls_at(PKI, renewal)), TSA.at(renewal))
    verdict = judge(renewed)
    assert (said(verdict), stamps(verdict)) == (PASSED, [PASSED, PASSED, PASSED])
    assert verdict.details.best_time == EARLY
    too_late = document_stamped(with_store(first, crls=crls_at(PKI, MOMENT - DAY)), TSA.at(MOMENT - DAY))
    assert said(judge(too_late)) is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_each_signature_is_told_by_its_own() -> None:
    later = PKI.leaf("seal", organ_id="H29.17")
    both = stamped_seal(covered(EXPIRED_T), later, TSA.at(MOMENT - DAY))
    first, second = judge_pdf(both, trust=TRUST, moment=MOMENT).signatures
    assert (said(first), said(second)) == (PASSED, PASSED)
    assert [change.kind for change in first.details.changes][-1] is ChangeKind.SIGNATURE
    assert second.details.changes == ()
    assert first.details.identity is not None
    assert second.details.identity is not None
    assert (first.details.identity.organ_id, second.details.identity.organ_id) == ("H29.16", "H29.17")
    assert (first.details.best_time, second.details.best_time) == (EARLY, MOMENT - DAY)
    assert [one.anchor for one in second.details.chain] == [False, False, True]
    assert second.details.policy == TRUST.policy.used


def test_a_changed_file_still_says_who_signed_it_and_when() -> None:
    verdict = judge(with_text(EXPIRED_LTA, b"BT /F1 18 Tf (900) Tj ET"))
    assert said(verdict) is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert (verdict.details.changes[-1].kind, verdict.details.changes[-1].allowed) == (ChangeKind.OTHER, False)
    assert verdict.details.identity is not None
    assert verdict.details.best_time == EARLY
    broken = judge(EXPIRED_LTA.replace(b"Van ban", b"Van bac"))
    outcomes = [one.outcome for one in broken.details.checks]
    assert outcomes == [Outcome.MET] * 5 + [Outcome.FAILED] + [Outcome.NOT_MADE] * 6


# --- policy -----------------------------------------------------------------------------------------------------------


def test_an_algorithm_that_has_ended_counts_where_it_is_proven_that_it_was_used_before() -> None:
    """ECDSA: the certificates, lists and timestamps around it are RSA, and go on."""
    listed = (("rsassa_pkcs1v15", None), ("ecdsa", (MOMENT - 5 * DAY).date()))
    trust = replace(TRUST, policy=Policy(algorithms=AlgorithmRules(mechanisms=listed)))
    leaf = PKI.leaf("elliptic")
    assert said(judge(stamped_seal(tiny_pdf(), leaf), trust)) is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    late = stamped_seal(tiny_pdf(), leaf, TSA.at(MOMENT - 4 * DAY))
    assert said(judge(late, trust)) is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    early = stamped_seal(tiny_pdf(), leaf, TSA.at(MOMENT - 6 * DAY))
    assert said(judge(early, trust)) is PASSED
    never = replace(TRUST, policy=Policy(algorithms=AlgorithmRules(mechanisms=listed[:1])))
    assert said(judge(early, never)) is SubIndication.CRYPTO_CONSTRAINTS_FAILURE


def test_a_digest_algorithm_that_has_ended_or_never_was_listed() -> None:
    seal = stamped_seal(tiny_pdf(), SEAL)
    ended = AlgorithmRules(digests=(("sha256", (MOMENT - 5 * DAY).date()),))
    trust = replace(TRUST, policy=Policy(algorithms=ended))
    assert said(judge(seal, trust)) is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    never = replace(TRUST, policy=Policy(algorithms=AlgorithmRules(digests=(("sha512", None),))))
    assert said(judge(seal, never)) is SubIndication.CRYPTO_CONSTRAINTS_FAILURE


def test_a_grace_time_asks_for_evidence_from_after_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """The evidence that is used says when it was issued: ours ran yesterday, so a signature of today has to wait."""

    def judged(der_: bytes, *, trust: Trust, **kwargs: object) -> CertificateVerdict:
        verdict = judge_certificate(der_, trust=trust, **kwargs)  # type: ignore[arg-type]
        if not verdict.chain:
            return verdict
        seen = RevocationSeen(
            certificate=verdict.chain[0].digest,
            status=RevocationStatus.GOOD,
            kind="crl",
            source="store",
            issued_at=MOMENT - DAY,
        )
        return replace(verdict, revocation=(seen,))

    monkeypatch.setattr("gateway.crypto.pades.verify.judge_certificate", judged)
    trust = replace(TRUST, policy=Policy(freshness=Freshness(grace_seconds=3600)))
    assert said(judge(stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - 2 * DAY)), trust)) is PASSED
    young = stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - DAY))
    assert said(judge(young, trust)) is SubIndication.TRY_LATER
    assert said(judge(young)) is PASSED


# --- hostile files ----------------------------------------------------------------------------------------------------


def contents_of_last(pdf: bytes) -> tuple[int, int]:
    place = list(re.finditer(rb"/Contents <([0-9a-f]+)>", pdf))[-1]
    return place.start(1), place.end(1)


def test_no_flipped_byte_under_an_archive_timestamp_ever_passes_and_none_raises() -> None:
    start, end = contents_of_last(EXPIRED_LTA)
    assert said(judge(EXPIRED_LTA)) is PASSED
    for position in range(0, len(EXPIRED_LTA), 307):
        flipped = bytearray(EXPIRED_LTA)
        flipped[position] ^= 1
        verdict = judge_pdf(bytes(flipped), trust=TRUST, moment=MOMENT)
        assert verdict.indication is not PASSED or start <= position < end, position


def test_a_store_full_of_rubbish_changes_nothing() -> None:
    signed = stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - DAY))
    crowd = [der(Pki(now=MOMENT + n * DAY).issuing) for n in range(30)]
    lists = [crl_at(PKI, PKI.issuing, MOMENT - n * SECOND, key_name="Stranger issuing") for n in range(70)]
    for store in (with_store(signed, certificates=crowd), with_store(signed, crls=lists)):
        verdict = judge(store)
        assert (said(verdict), verdict.details.level) == (PASSED, Level.B_T)


def test_rubbish_beside_good_evidence_does_not_spoil_it() -> None:
    crowd = [der(Pki(now=MOMENT + n * DAY).issuing) for n in range(30)]
    broken = (b"no list", PKI.crls[0][:-7], crl_at(PKI, PKI.issuing, EARLY) + b"more")
    store = with_store(EXPIRED_T, certificates=[b"", *crowd], crls=(*broken, *crls_at(PKI, EARLY)), ocsps=[b"\x30\x03"])
    assert said(judge(document_stamped(store, TSA.at(EARLY)))) is PASSED


def test_evidence_beyond_the_limits_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = crls_at(PKI, EARLY)
    assert said(judge(covered(EXPIRED_T))) is PASSED
    monkeypatch.setattr("gateway.core.limits.EVIDENCE_BYTES_MAX", sum(map(len, lists)) - 1)
    assert said(judge(covered(EXPIRED_T, crls=lists))) is SubIndication.OUT_OF_BOUNDS_NO_POE
    monkeypatch.setattr("gateway.core.limits.EVIDENCE_BYTES_MAX", 10**6)
    monkeypatch.setattr("gateway.core.limits.EVIDENCE_ITEMS_MAX", 1)
    assert said(judge(covered(EXPIRED_T, crls=lists))) is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_place_for_another_signature_is_allowed_only_before_the_first() -> None:
    """After it nobody adds one that is empty, whoever signs then: its picture may cover the page (`new_fields`)."""
    seal, other = stamped_seal(tiny_pdf(), SEAL), PKI.leaf("seal", organ_id="H29.17")
    assert said(judge(stamped_seal(seal, other))) is PASSED
    assert said(judge(stamped_seal(stamped_seal(with_empty_field(tiny_pdf()), SEAL), other))) is PASSED
    assert said(judge(with_empty_field(seal))) is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert said(judge(stamped_seal(with_empty_field(seal), other))) is SubIndication.SIG_CONSTRAINTS_FAILURE


def test_the_lists_of_a_store_may_stand_elsewhere_in_the_file() -> None:
    lists = with_store(EXPIRED_T, certificates=[der(PKI.issuing)], crls=crls_at(PKI, EARLY), apart=True)
    assert said(judge(document_stamped(lists, TSA.at(EARLY)))) is PASSED


@pytest.mark.parametrize("rubbish", [b"7", b"[1 2 3]", b"<< /Certs 9 >>", b"<< /CRLs [7 7] /Certs [3 0 R] >>"])
def test_a_store_that_is_none_is_none(rubbish: bytes) -> None:
    catalog = b"/Type /Catalog"
    plain = tiny_pdf().replace(catalog, catalog + b" /DSS " + rubbish, 1)
    offset = plain.index(b"xref\n")
    moved = len(plain) - len(tiny_pdf())
    table = re.sub(
        rb"(\d{10}) 00000 n", lambda at: b"%010d 00000 n" % (int(at[1]) + moved * (int(at[1]) > 20)), plain[offset:]
    )
    plain = plain[:offset] + re.sub(rb"startxref\n\d+", b"startxref\n%d" % offset, table)
    verdict = judge(stamped_seal(plain, SEAL, TSA.at(MOMENT - DAY)))
    assert (said(verdict), verdict.details.level) == (PASSED, Level.B_T)


def test_too_many_revisions_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.limits.PDF_REVISIONS_MAX", 3)
    assert judge_pdf(EXPIRED_LTA, trust=TRUST, moment=MOMENT).indication is UNDECIDED
    monkeypatch.setattr("gateway.core.limits.PDF_REVISIONS_MAX", 4)
    assert judge_pdf(EXPIRED_LTA, trust=TRUST, moment=MOMENT).indication is PASSED


# --- what is kept between files ---------------------------------------------------------------------------------------


def verdicts(trust: Trust) -> list[FileVerdict]:
    files = [EXPIRED_T, EXPIRED_LTA, stamped_seal(tiny_pdf(), REVOKED, TSA.at(MOMENT - 3 * DAY))]
    return [judge_pdf(one, trust=trust, moment=MOMENT) for one in (*files, *reversed(files))]


def test_what_is_remembered_never_changes_a_verdict() -> None:
    unseen = replace(TRUST, policy=Policy(version=77))
    cold = verdicts(unseen)
    assert verdicts(unseen) == cold
    assert cold == cold[::-1]
    revoked = crl_at(
        PKI, PKI.issuing, MOMENT - DAY, [(SEAL.certificate.serial_number, MOMENT - 2 * DAY)], lasts=9 * DAY
    )
    seal = stamped_seal(tiny_pdf(), SEAL)
    assert said(judge(seal)) is PASSED
    assert said(judge(seal, replace(TRUST, crls=(PKI.crls[0], revoked)))) is SubIndication.REVOKED_NO_POE
    assert said(judge(seal)) is PASSED


def test_everything_that_is_told_leaves_a_judge_as_plain_values() -> None:
    verdict = judge_pdf(EXPIRED_LTA, trust=TRUST, moment=MOMENT)
    assert any(isinstance(one, TimestampSeen) for one in verdict.signatures[0].details.timestamps)
    assert read_answer(write_answer("done", verdict)) == ("done", verdict)


def deflated_store(pdf: bytes, *streams: bytes) -> bytes:
    """The PDF with these, deflated, as revocation lists of a new security store."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    held = []
    for one in streams:
        stream = generic.StreamObject(stream_data=one)
        stream.compress()
        held.append(writer.add_object(stream))
    store = generic.DictionaryObject({generic.pdf_name("/CRLs"): generic.ArrayObject(held)})
    writer.root[generic.pdf_name("/DSS")] = writer.add_object(store)
    writer.update_root()
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def test_a_store_that_inflates_to_more_than_a_judge_bears_leaves_the_file_unjudged() -> None:
    seal, mebibyte = stamped_seal(tiny_pdf(), SEAL), bytes(limits.MIB)
    many = limits.EVIDENCE_INFLATED_BYTES_MAX // limits.MIB
    bomb = deflated_store(seal, *[mebibyte] * (many + 1))
    assert len(bomb) < limits.MIB
    verdict = judge_pdf(bomb, trust=TRUST, moment=MOMENT)
    assert (verdict.indication, verdict.sub_indication) == (UNDECIDED, SubIndication.FORMAT_FAILURE)
    assert "validation data of more than 32 MiB" in verdict.reason
    assert verdict.signatures == ()
    assert said(judge(deflated_store(seal, *[mebibyte] * many))) is PASSED


def test_the_stores_of_all_revisions_count_together() -> None:
    store = [bytes(limits.EVIDENCE_BYTES_MAX)] * 5
    pdf = stamped_seal(tiny_pdf(), SEAL)
    once = document_stamped(deflated_store(pdf, *store), TSA.at(MOMENT - DAY))
    assert said(judge(once)) is PASSED
    again = document_stamped(deflated_store(once, *store), TSA.at(MOMENT - DAY))
    verdict = judge_pdf(again, trust=TRUST, moment=MOMENT)
    assert (verdict.indication, verdict.sub_indication) == (UNDECIDED, SubIndication.FORMAT_FAILURE)


def test_one_stream_that_no_store_has_room_for_is_left_out_and_is_not_inflated_to_its_end() -> None:
    bomb = deflated_store(stamped_seal(tiny_pdf(), SEAL), bytes(100 * limits.MIB))
    tracemalloc.start()
    try:
        assert said(judge(bomb)) is PASSED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * limits.EVIDENCE_BYTES_MAX
