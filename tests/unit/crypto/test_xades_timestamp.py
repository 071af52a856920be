"""XAdES B-T: tokens are put upon the value of a signature, judged, and never make a signature better than they prove."""

import hashlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.limits import SIGNATURE_TIMESTAMPS_MAX
from gateway.core.validation import Indication, Level, Outcome, SubIndication, TimestampKind, TimestampSeen
from gateway.core.verdict import SignatureVerdict
from gateway.crypto import Trust, timestamp_digest, verify_envelope, with_timestamp
from gateway.crypto.paths.policy import AlgorithmRules
from gateway.edxml import assemble, write_skeleton
from gateway.safe_xml import read_skeleton
from tests.kit.certomancer.bad_stamps import worthless
from tests.kit.certomancer.declared import bundle, timestamp
from tests.kit.pki import DAY, MOMENT, Pki
from tests.unit.crypto.envelopes import DS, document, signed, status
from tests.unit.crypto.second_opinions import XADES, signxml_accepts, xmlsec_accepts
from tests.unit.edxml.samples import DOCUMENT, FILES, attachments

PKI = Pki()
LEAF = PKI.leaf("transport")
SIGNED = signed(document(), LEAF)
LATER = MOMENT + timedelta(hours=1)
MUCH_LATER = MOMENT + 400 * DAY
"""The signer's certificate has expired, its authorities' have not."""
TRUST_FOR_LONG = replace(PKI.trust, crls=(*PKI.crls, *Pki(now=MUCH_LATER).crls))
"""Revocation lists of both times, by the same keys."""


def token(data: bytes, time: datetime = MOMENT, authority: str = "TSA") -> bytes:
    """A stand-in for RFC 3161: whose, when, over what."""
    return f"{authority}|{time.isoformat()}|{timestamp_digest(data).hex()}".encode()


@dataclass
class FakeJudge:
    """Believes the authority `TSA`; anything that it cannot read raises, as libraries do."""

    asked: int = 0

    def __call__(
        self, token: bytes, *, kind: TimestampKind, digest: Callable[[str], bytes], trust: Trust, moment: datetime
    ) -> TimestampSeen:
        self.asked += 1
        authority, time, imprint = token.decode().split("|")
        passed = authority == "TSA" and bytes.fromhex(imprint) == digest("sha256")
        sub_indication = SubIndication.NO_CERTIFICATE_CHAIN_FOUND if authority != "TSA" else SubIndication.HASH_FAILURE
        return TimestampSeen(
            kind=kind,
            indication=Indication.TOTAL_PASSED if passed else Indication.INDETERMINATE,
            sub_indication=None if passed else sub_indication,
            reason="" if passed else "not good",
            time=datetime.fromisoformat(time),
            authority=authority,
        )


def judged(data: bytes, *, moment: datetime = LATER, **rest: Any) -> SignatureVerdict:
    root = read_skeleton([data]).root
    asked: dict[str, Any] = {"trust": TRUST_FOR_LONG, "judge_timestamp": FakeJudge(), **rest}
    verdict = verify_envelope(root, moment=moment, **asked).signature
    assert verdict is not None
    return verdict


# --- putting it in -------------------------------------------------------------------------------------------------------


def test_what_is_stamped_is_the_canonical_signature_value() -> None:
    value = etree.fromstring(SIGNED).find(f".//{{{DS}}}SignatureValue")
    assert value is not None
    canonical = f'<ds:SignatureValue xmlns:ds="{DS}">{value.text}</ds:SignatureValue>'.encode()
    assert etree.tostring(value, method="c14n", exclusive=True) == canonical
    assert timestamp_digest(SIGNED) == hashlib.sha256(canonical).digest()


def whole_envelope() -> bytes:
    parts = attachments(*FILES)
    skeleton = signed(write_skeleton(DOCUMENT, parts), LEAF)
    return b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, FILES, strict=True)]))


@pytest.mark.parametrize("data", [SIGNED, signed(status(), LEAF), whole_envelope()])
def test_nothing_else_is_touched(data: bytes) -> None:
    once = with_timestamp(data, b"one")
    twice = with_timestamp(once, b"two")
    added = etree.fromstring(twice).find(f".//{{{XADES}}}UnsignedProperties")
    assert added is not None
    tokens = [b64decode(element.text or "") for element in added.iter(f"{{{XADES}}}EncapsulatedTimeStamp")]
    assert tokens == [b"one", b"two"], "in the order in which they came"
    begin, end = twice.index(b"<xades:UnsignedProperties"), twice.index(b"</xades:QualifyingProperties>")
    assert twice[:begin] + twice[end:] == data


def test_what_stands_in_texts_does_not_mislead_it() -> None:
    text = "&lt;/xades:UnsignedSignatureProperties&gt; UnsignedSignatureProperties QualifyingProperties"
    data = signed(document(subject=text), LEAF)
    stamped = with_timestamp(data, token(data))
    assert judged(stamped).details.level is Level.B_T
    assert judged(with_timestamp(stamped, token(data))).details.level is Level.B_T


@pytest.mark.parametrize("data", [document(), b"<edXML/>", SIGNED.replace(b"</edXML>", b"<![CDATA[x]]></edXML>")])
def test_what_cannot_be_stamped_is_refused(data: bytes) -> None:
    with pytest.raises(SenderError) as caught:
        with_timestamp(data, b"token")
    assert caught.value.code == "envelope.malformed"


def test_a_signature_takes_so_many_and_no_more() -> None:
    data = SIGNED
    for _ in range(SIGNATURE_TIMESTAMPS_MAX):
        data = with_timestamp(data, token(SIGNED))
    assert len(judged(data).details.timestamps) == SIGNATURE_TIMESTAMPS_MAX
    for call in (lambda: with_timestamp(data, b"x"), lambda: timestamp_digest(data)):
        with pytest.raises(SenderError):
            call()
    one = etree.fromstring(data)
    stamps = one.find(f".//{{{XADES}}}UnsignedSignatureProperties")
    assert stamps is not None
    stamps.append(etree.fromstring(etree.tostring(stamps[0])))
    judge = FakeJudge()
    verdict = judged(etree.tostring(one), judge_timestamp=judge)
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE)
    assert judge.asked == 0, "nobody makes a judge walk more paths than that"


def test_other_programs_still_accept_it() -> None:
    data = with_timestamp(SIGNED, token(SIGNED))
    assert signxml_accepts(data, LEAF.certificate)
    assert xmlsec_accepts(data, LEAF.certificate)


# --- what it is worth ----------------------------------------------------------------------------------------------------


def test_without_a_timestamp_the_best_time_is_the_moment_of_judgement() -> None:
    details = judged(SIGNED).details
    assert (details.level, details.best_time, details.timestamps) == (Level.B_B, LATER, ())
    assert {check.duty: check.outcome for check in details.checks}[10] is Outcome.NOT_MADE


def test_the_earliest_good_one_is_the_best_time() -> None:
    data = SIGNED
    for minutes in (5, 2, 9):
        data = with_timestamp(data, token(SIGNED, MOMENT + timedelta(minutes=minutes)))
    verdict = judged(data)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert (verdict.details.level, verdict.details.best_time) == (Level.B_T, MOMENT + timedelta(minutes=2))
    assert [seen.kind for seen in verdict.details.timestamps] == [TimestampKind.SIGNATURE] * 3
    assert {check.duty: check.outcome for check in verdict.details.checks}[10] is Outcome.MET


NOT_GOOD = {
    "a stranger's": token(SIGNED, authority="Stranger"),
    "over something else": token(signed(document(subject="other"), LEAF)),
    "broken": b"\x30\x80 not a token",
    "from the future": token(SIGNED, LATER + timedelta(seconds=61)),
}


@pytest.mark.parametrize("case", NOT_GOOD)
def test_one_that_is_not_good_makes_nothing_better_and_nothing_worse(case: str) -> None:
    plain, stamped = judged(SIGNED), judged(with_timestamp(SIGNED, NOT_GOOD[case]))
    assert (stamped.indication, stamped.details.level) == (Indication.TOTAL_PASSED, Level.B_B)
    assert stamped.details.best_time == plain.details.best_time == LATER
    assert len(stamped.details.timestamps) == 1
    assert {check.duty: check.outcome for check in stamped.details.checks}[10] is Outcome.UNDECIDED


@pytest.mark.parametrize("case", NOT_GOOD)
def test_a_certificate_that_is_expired_stays_so_beside_it(case: str) -> None:
    for data in (SIGNED, with_timestamp(SIGNED, NOT_GOOD[case].replace(b"2026-11-21T13", b"2028-11-21T13"))):
        verdict = judged(data, moment=MUCH_LATER)
        assert (verdict.indication, verdict.sub_indication) == (
            Indication.INDETERMINATE,
            SubIndication.OUT_OF_BOUNDS_NO_POE,
        )


def test_a_good_one_tells_when_and_does_not_make_a_certificate_longer() -> None:
    """Nothing proves that the evidence about a certificate that has ended is as old: levels LT and LTA are for that."""
    verdict = judged(with_timestamp(SIGNED, token(SIGNED)), moment=MUCH_LATER)
    assert (verdict.indication, verdict.details.best_time) == (Indication.INDETERMINATE, MOMENT)
    assert verdict.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_it_does_not_heal_what_was_wrong_when_it_was_stamped() -> None:
    """The false accept of pyHanko's engine: a certificate that had expired before the timestamp (signing.md 1.2 A)."""
    data = signed(document(), PKI.leaf("expired"))
    verdict = judged(with_timestamp(data, token(data)))
    assert (verdict.indication, verdict.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
    )
    revoked = signed(document(), PKI.leaf("revoked"))
    verdict = judged(with_timestamp(revoked, token(revoked)))
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, SubIndication.REVOKED_NO_POE)


def test_a_good_one_from_before_it_was_revoked_heals_that() -> None:
    data = signed(document(), PKI.leaf("revoked"))
    assert judged(data).sub_indication is SubIndication.REVOKED_NO_POE
    before = judged(with_timestamp(data, token(data, MOMENT - 3 * DAY)))
    assert (before.indication, before.details.best_time) == (Indication.TOTAL_PASSED, MOMENT - 3 * DAY)
    after = judged(with_timestamp(data, token(data, MOMENT - DAY)))
    assert after.sub_indication is SubIndication.REVOKED_NO_POE


@pytest.mark.parametrize("kind", ["usage", "weak", "demo"])
def test_it_heals_no_other_fault_of_a_certificate(kind: Any) -> None:
    data = signed(document(), PKI.leaf(kind))
    plain, stamped = judged(data), judged(with_timestamp(data, token(data)))
    assert (stamped.indication, stamped.sub_indication) == (plain.indication, plain.sub_indication)
    assert stamped.indication is Indication.INDETERMINATE


def test_one_from_before_the_certificate_began_contradicts_it() -> None:
    """The same as of PDF files and detached signatures: test_best_time."""
    verdict = judged(with_timestamp(SIGNED, token(SIGNED, MOMENT - 300 * DAY)))
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.NOT_YET_VALID)


def test_it_repairs_no_signature_that_is_broken() -> None:
    data = with_timestamp(SIGNED, token(SIGNED)).replace("Về việc thử".encode(), "Về việc khác".encode())
    judge = FakeJudge()
    verdict = judged(data, judge_timestamp=judge)
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE)
    assert (verdict.details.level, judge.asked) == (None, 0)


# --- the form ------------------------------------------------------------------------------------------------------------


def add(parent: str, name: str, namespace: str = XADES) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        found = root.find(f".//{{{XADES}}}{parent}")
        assert found is not None
        etree.SubElement(found, f"{{{namespace}}}{name}")

    return change


def write(name: str, *, text: str | None = None, tail: str | None = None, **attributes: str) -> Any:
    def change(root: etree._Element) -> None:
        found = next(root.iter(f"{{{XADES}}}{name}"))
        found.text = found.text if text is None else text
        found.tail = found.tail if tail is None else tail
        found.attrib.update(attributes)

    return change


def canonicalised_otherwise(root: etree._Element) -> None:
    stamp = next(root.iter(f"{{{XADES}}}SignatureTimeStamp"))
    stamp[0].set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")


def canonicalisation_left_out(root: etree._Element) -> None:
    stamp = next(root.iter(f"{{{XADES}}}SignatureTimeStamp"))
    stamp.remove(stamp[0])


MISSHAPEN = {
    "another unsigned property": add("UnsignedSignatureProperties", "CounterSignature"),
    "properties of data": add("UnsignedProperties", "UnsignedDataObjectProperties"),
    "a second block": add("QualifyingProperties", "UnsignedProperties"),
    "an include": add("SignatureTimeStamp", "Include"),
    "an element in a token": add("EncapsulatedTimeStamp", "x", "urn:x"),
    "an element in an algorithm": lambda root: etree.SubElement(
        next(root.iter(f"{{{XADES}}}SignatureTimeStamp"))[0], "{urn:x}x"
    ),
    "another canonicalisation": canonicalised_otherwise,
    "inclusive canonicalisation by silence": canonicalisation_left_out,
    "another encoding": write("EncapsulatedTimeStamp", Encoding="http://uri.etsi.org/01903/v1.2.2#BER"),
    "an attribute": write("SignatureTimeStamp", note="x"),
    "a text": write("UnsignedSignatureProperties", text="x"),
    "a text after it": write("UnsignedProperties", tail="x"),
    "an id of a part": write("SignatureTimeStamp", Id="header"),
}


@pytest.mark.parametrize("case", MISSHAPEN)
def test_the_shape_is_widened_by_this_and_nothing_else(case: str) -> None:
    root = etree.fromstring(with_timestamp(SIGNED, token(SIGNED)))
    MISSHAPEN[case](root)
    verdict = judged(etree.tostring(root))
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE)
    assert "Error" not in verdict.reason


def test_what_the_standard_allows_is_taken() -> None:
    root = etree.fromstring(with_timestamp(SIGNED, token(SIGNED)))
    write("SignatureTimeStamp", Id="stamp-1")(root)
    write("EncapsulatedTimeStamp", Id="token-1", Encoding="http://uri.etsi.org/01903/v1.2.2#DER")(root)
    for element in root.iter(f"{{{XADES}}}EncapsulatedTimeStamp"):
        element.text = f"\n {element.text} \n"
    assert judged(etree.tostring(root)).details.level is Level.B_T


def test_a_token_that_is_no_base64_is_broken_and_no_more() -> None:
    root = etree.fromstring(with_timestamp(SIGNED, token(SIGNED)))
    write("EncapsulatedTimeStamp", text="?")(root)
    verdict = judged(etree.tostring(root))
    (seen,) = verdict.details.timestamps
    assert (verdict.indication, seen.sub_indication) == (Indication.TOTAL_PASSED, SubIndication.FORMAT_FAILURE)


def test_a_judge_that_stumbles_has_proven_nothing() -> None:
    def stumbles(*_: Any, **__: Any) -> TimestampSeen:
        raise KeyError("math domain error")

    verdict = judged(with_timestamp(SIGNED, token(SIGNED)), judge_timestamp=stumbles)
    assert (verdict.indication, verdict.details.level) == (Indication.TOTAL_PASSED, Level.B_B)
    assert replace(verdict.details.timestamps[0], reason="").indication is Indication.INDETERMINATE


# --- real tokens, of the declared PKI --------------------------------------------------------------------------------------

BOTH = replace(TRUST_FOR_LONG, authorities=bundle().authorities, crls=(*TRUST_FOR_LONG.crls, *bundle().crls))


def really(data: bytes, *, moment: datetime = MOMENT, trust: Trust = BOTH) -> SignatureVerdict:
    verdict = verify_envelope(read_skeleton([data]).root, trust=trust, moment=moment).signature
    assert verdict is not None
    return verdict


def test_a_real_token_is_believed() -> None:
    verdict = really(with_timestamp(SIGNED, timestamp(timestamp_digest(SIGNED), MOMENT - timedelta(hours=2))))
    (seen,) = verdict.details.timestamps
    assert (seen.indication, seen.reason) == (Indication.TOTAL_PASSED, "trusted")
    assert (verdict.indication, verdict.details.level) == (Indication.TOTAL_PASSED, Level.B_T)
    assert verdict.details.best_time == MOMENT - timedelta(hours=2)


def test_a_clock_that_is_a_little_ahead_proves_what_is_here() -> None:
    ahead = with_timestamp(SIGNED, timestamp(timestamp_digest(SIGNED), MOMENT + timedelta(seconds=30)))
    verdict = really(ahead)
    assert (verdict.details.level, verdict.details.best_time) == (Level.B_T, MOMENT)


@pytest.mark.parametrize("kind", ["forged", "of other data", "stranger", "truncated"])
def test_a_real_token_with_one_thing_wrong_is_worth_nothing(kind: str) -> None:
    """The other things that can be wrong are the business of `judge_timestamp` and its tests."""
    digest = timestamp_digest(SIGNED)
    good = timestamp(digest, MOMENT)
    flawed = good[: len(good) // 2] if kind == "truncated" else worthless(kind, MOMENT)(digest)
    verdict = really(with_timestamp(SIGNED, flawed))
    (seen,) = verdict.details.timestamps
    assert seen.indication is not Indication.TOTAL_PASSED
    assert (verdict.indication, verdict.details.level) == (Indication.TOTAL_PASSED, Level.B_B)
    assert verdict.details.best_time == MOMENT


def test_without_anchors_of_authorities_no_token_is_believed() -> None:
    stamped = with_timestamp(SIGNED, timestamp(timestamp_digest(SIGNED), MOMENT))
    assert really(stamped, trust=PKI.trust).details.level is Level.B_B


def test_what_is_stamped_holds_when_an_algorithm_ends() -> None:
    ended = replace(AlgorithmRules(), mechanisms=(("rsassa_pkcs1v15", (MOMENT - DAY).date()), ("ecdsa", None)))
    trust = replace(BOTH, policy=replace(BOTH.policy, algorithms=ended))
    assert really(SIGNED, trust=trust).sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    data = with_timestamp(SIGNED, token(SIGNED, MOMENT - 2 * DAY))
    assert judged(data, moment=MOMENT, trust=trust).indication is Indication.TOTAL_PASSED
