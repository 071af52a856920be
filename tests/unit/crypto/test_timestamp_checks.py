"""Every duty of a timestamp's verdict is told, and tells the same as the verdict: the first that is not met decides it."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from gateway.core.validation import Indication, Outcome, SubIndication, TimestampKind, TimestampSeen
from gateway.crypto import Trust, judge_pdf, judge_timestamp
from gateway.crypto.processes.answers import read_answer, write_answer
from gateway.crypto.xades.signature_timestamp import with_timestamp
from gateway.observe import text
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT, Pki, der
from tests.kit.stamps import crls_at, stamped_seal, with_store
from tests.kit.timestamp_authority import Authority
from tests.unit.crypto.test_pdf_times import EARLY, EXPIRED_T, PKI, SEAL, TRUST, TSA, covered, judge, over_less
from tests.unit.crypto.test_xades_timestamp import SIGNED, XADES, judged

STAMPED = b"the value of a signature"
MET, FAILED, UNDECIDED, NOT_MADE = Outcome.MET, Outcome.FAILED, Outcome.UNDECIDED, Outcome.NOT_MADE
NAMES = ("form", "imprint", "signature", "time", "authority")
GOOD = TSA.at(MOMENT - DAY)(STAMPED)


def flipped(token: bytes) -> bytes:
    """Another byte in the value of its signature, which is its last."""
    return token[:-1] + bytes([token[-1] ^ 1])


def look(token: bytes, trust: Trust = TRUST, stamped: bytes = STAMPED) -> TimestampSeen:
    return judge_timestamp(
        token,
        kind=TimestampKind.SIGNATURE,
        digest=lambda name: hashlib.new(name, stamped).digest(),
        trust=trust,
        moment=MOMENT,
    )


def outcomes(seen: TimestampSeen) -> list[Outcome]:
    """Of the five, once it is sure that they tell what the verdict tells."""
    assert [one.duty for one in seen.checks] == [1, 2, 3, 4, 5]
    assert tuple(one.name for one in seen.checks) == tuple(f"timestamp.{name}" for name in NAMES)
    assert all(one.clause for one in seen.checks)
    found = [one.outcome for one in seen.checks]
    unmet = [one for one in seen.checks if one.outcome in {FAILED, UNDECIDED}]
    if seen.indication is Indication.TOTAL_PASSED:
        assert not unmet
        return found
    (decisive,) = unmet
    assert decisive.outcome is (FAILED if seen.indication is Indication.TOTAL_FAILED else UNDECIDED)
    assert decisive.detail == seen.reason
    assert set(found[found.index(decisive.outcome) + 1 :]) <= {NOT_MADE}
    return found


@pytest.mark.parametrize(
    ("judge_it", "expected"),
    [
        (lambda: look(GOOD), [MET] * 5),
        (lambda: look(b"no token"), [UNDECIDED, *[NOT_MADE] * 4]),
        (lambda: look(GOOD + b"\0"), [UNDECIDED, *[NOT_MADE] * 4]),
        (lambda: look(GOOD, stamped=b"something else"), [MET, FAILED, *[NOT_MADE] * 3]),
        (lambda: look(flipped(GOOD)), [MET, MET, FAILED, NOT_MADE, NOT_MADE]),
        (lambda: look(TSA.at(MOMENT + DAY)(STAMPED)), [MET, MET, MET, UNDECIDED, NOT_MADE]),
        (lambda: look(GOOD, replace(TRUST, authorities=())), [MET, MET, MET, MET, UNDECIDED]),
        (lambda: look(GOOD, replace(TRUST, crls=())), [MET, MET, MET, MET, UNDECIDED]),
    ],
    ids=["good", "no token", "bytes after it", "another imprint", "forged", "future", "stranger", "no evidence"],
)
def test_each_duty_is_told_up_to_the_one_that_decides(
    judge_it: Callable[[], TimestampSeen], expected: list[Outcome]
) -> None:
    seen = judge_it()
    assert outcomes(seen) == expected
    assert read_answer(write_answer("done", seen)) == ("done", seen), "a judge's answer carries them"


def test_each_duty_is_called_by_a_name_in_both_languages() -> None:
    for check in look(GOOD).checks:
        words = text(f"check.{check.name}")
        assert words.vi != words.en


# --- where more than the token was looked at ----------------------------------------------------------------------------


def first(pdf: bytes, at: int = 0, moment: dt.datetime = MOMENT) -> TimestampSeen:
    return judge_pdf(pdf, trust=TRUST, moment=moment).signatures[0].details.timestamps[at]


def test_of_a_pdf_they_are_told_as_of_any_file() -> None:
    good = covered(stamped_seal(tiny_pdf(), SEAL, TSA.at(MOMENT - DAY)), MOMENT - DAY)
    assert [outcomes(one) for one in judge(good).details.timestamps] == [[MET] * 5, [MET] * 5]


def test_an_authority_that_had_not_begun_is_not_told_as_a_good_one() -> None:
    """Each duty is met by itself today: what the file's own times say stands with the last, not beside five that are met."""
    young = Authority(PKI, name="Young TSA", begin=-10 * DAY)
    seen = first(stamped_seal(tiny_pdf(), SEAL, young.at(EARLY)))
    assert seen.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert outcomes(seen) == [MET, MET, MET, MET, UNDECIDED]


def test_an_archive_timestamp_over_another_range_was_put_upon_something_else() -> None:
    evident = with_store(EXPIRED_T, certificates=[der(PKI.issuing)], crls=crls_at(PKI, EARLY))
    seen = first(over_less(evident, TSA, EARLY), at=1)
    assert outcomes(seen) == [NOT_MADE, FAILED, NOT_MADE, NOT_MADE, NOT_MADE]


def test_a_token_of_an_envelope_that_is_no_base64_has_no_form() -> None:
    root = etree.fromstring(with_timestamp(SIGNED, b"token"))
    (element,) = root.iter(f"{{{XADES}}}EncapsulatedTimeStamp")
    element.text = "?"
    (seen,) = judged(etree.tostring(root)).details.timestamps
    assert outcomes(seen) == [UNDECIDED, *[NOT_MADE] * 4]


def test_strangers_are_told_by_the_same_duties() -> None:
    stranger = Authority(Pki(name="Stranger"))
    seen = first(stamped_seal(tiny_pdf(), SEAL, stranger.at(MOMENT - DAY)))
    assert outcomes(seen) == [MET, MET, MET, MET, UNDECIDED]
