"""Looks at the present and the past, with a judge of straw: which evidence counts, and whose answer is taken."""

import datetime as dt
from dataclasses import replace

import pytest

from gateway.core.ids import Digest
from gateway.core.validation import CertificateSeen, Indication, SubIndication
from gateway.crypto import CertificateVerdict, Evidence, Trust
from gateway.crypto.paths.past import Look, Proof, at_present, in_the_past
from tests.kit.pki import DAY, MOMENT

TRUST = Trust(anchors=())
NOTHING, SOMETHING = Evidence(), Evidence(ocsps=(b"answer",))


def seen(begin: dt.datetime, end: dt.datetime, *, anchor: bool = False) -> CertificateSeen:
    return CertificateSeen(
        digest=Digest("0" * 64),
        subject="CN=x",
        issuer="CN=y",
        serial="1",
        not_before=begin,
        not_after=end,
        key="RSA-2048",
        anchor=anchor,
    )


LONG = seen(MOMENT - 999 * DAY, MOMENT + 999 * DAY)
ANCHOR = seen(MOMENT - 9 * DAY, MOMENT - 8 * DAY, anchor=True)
TODAY = Look(trust=TRUST, moment=MOMENT, evidence=NOTHING, past=False)
GOOD = CertificateVerdict(
    indication=Indication.TOTAL_PASSED, sub_indication=None, reason="trusted", chain=(LONG, LONG, ANCHOR)
)


def bad(sub_indication: SubIndication) -> CertificateVerdict:
    return CertificateVerdict(indication=Indication.INDETERMINATE, sub_indication=sub_indication, reason="so")


def present(first: CertificateVerdict, second: CertificateVerdict) -> SubIndication | None:
    def judge(look: Look) -> CertificateVerdict:
        assert (look.moment, look.past) == (MOMENT, False)
        return second if look.evidence is SOMETHING else first

    return at_present(judge, TODAY, embedded=SOMETHING).sub_indication


def test_what_came_along_is_asked_only_where_our_store_does_not_know() -> None:
    later, revoked = SubIndication.TRY_LATER, SubIndication.REVOKED_NO_POE
    assert present(bad(revoked), GOOD) is revoked
    assert present(bad(SubIndication.OUT_OF_BOUNDS_NO_POE), GOOD) is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert present(bad(later), GOOD) is None
    assert present(bad(later), bad(revoked)) is revoked
    assert present(bad(later), bad(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)) is later


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("begin", "end"), [(-9, -3), (-1, 9)], ids=["had ended", "had not begun"])
def test_every_certificate_of_the_path_was_valid_then(place: int, begin: int, end: int) -> None:
    """signing.md 1.2 A: not even a judge that says otherwise is believed."""
    chain = list(GOOD.chain)
    chain[place] = seen(MOMENT + begin * DAY, MOMENT + end * DAY)
    proof = Proof(time=MOMENT - 2 * DAY, evidence=SOMETHING)
    found = in_the_past(lambda _: replace(GOOD, chain=tuple(chain)), TODAY, proofs=[proof])
    assert found.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert in_the_past(lambda _: GOOD, TODAY, proofs=[proof]) == GOOD


def test_a_proof_counts_only_from_before_the_certificate_ended() -> None:
    ended = replace(GOOD, chain=(seen(MOMENT - 99 * DAY, MOMENT - 10 * DAY), LONG, ANCHOR))
    asked: list[Look] = []

    def judge(look: Look) -> CertificateVerdict:
        asked.append(look)
        return ended

    def told(time: dt.datetime) -> SubIndication | None:
        proof = Proof(time=time, evidence=SOMETHING)
        return in_the_past(judge, TODAY, proofs=[proof], at=MOMENT - 20 * DAY).sub_indication

    assert told(MOMENT - 9 * DAY) is SubIndication.NO_POE
    assert told(MOMENT - 11 * DAY) is None
    assert {(look.moment, look.past) for look in asked} == {(MOMENT - 20 * DAY, True)}


def test_of_several_answers_a_revocation_is_told_before_the_first() -> None:
    answers = iter([bad(SubIndication.TRY_LATER), bad(SubIndication.REVOKED_NO_POE)])
    proofs = [Proof(time=MOMENT, evidence=NOTHING), Proof(time=MOMENT, evidence=SOMETHING)]
    found = in_the_past(lambda _: next(answers), TODAY, proofs=proofs)
    assert found.sub_indication is SubIndication.REVOKED_NO_POE
