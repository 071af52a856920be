"""The signature of a seal slip: by whom, over what, and every way of wrapping it that we could think of."""

import copy
from collections.abc import Callable

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.validation import Indication, Level, Outcome, SubIndication
from gateway.core.verdict import SignatureVerdict
from gateway.crypto import (
    EnvelopeVerdict,
    prepare_envelope,
    prepare_slip,
    verify_envelope,
    verify_slip,
    with_timestamp,
)
from gateway.edxml import parse_slip, read_slip, slip_of, write_slip
from gateway.safe_xml import SEAL_SLIP
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.unit.crypto.envelopes import document
from tests.unit.crypto.envelopes import signed as signed_envelope
from tests.unit.crypto.sealing import raw_signature
from tests.unit.crypto.second_opinions import DS, XADES
from tests.unit.crypto.test_xades_timestamp import FakeJudge, token
from tests.unit.edxml.samples import DOCUMENT, FILES, attachments

PKI = Pki()
LEAF = PKI.leaf("transport")
SLIP = slip_of(DOCUMENT, attachments(*FILES))
Element = etree._Element
Change = Callable[[Element], object]


def signed(leaf: Leaf = LEAF) -> bytes:
    prepared = prepare_slip(write_slip(SLIP), chain=leaf.chain, moment=MOMENT)
    return prepared.filled(raw_signature(leaf, prepared.to_sign))


SIGNED = signed()


def judged(data: bytes) -> EnvelopeVerdict:
    return verify_slip(parse_slip(data), trust=PKI.trust, moment=MOMENT)


def verdict_of(data: bytes) -> SignatureVerdict:
    signature = judged(data).signature
    assert signature is not None
    return signature


def find(root: Element, name: str, namespace: str = SEAL_SLIP) -> Element:
    found = root.find(f".//{{{namespace}}}{name}")
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["transport", "elliptic", "seal"])
def test_a_signed_slip_passes_and_says_the_same(kind: str) -> None:
    leaf = PKI.leaf(kind)  # type: ignore[arg-type]
    data = signed(leaf)
    verdict = judged(data)
    assert verdict.signature is not None
    assert (verdict.signature.indication, verdict.signature.reason) == (Indication.TOTAL_PASSED, "trusted")
    assert (verdict.signed, verdict.certificate) == ({"statement"}, leaf.der)
    assert verdict.signature.details.level is Level.B_B
    assert read_slip(parse_slip(data)) == SLIP


def test_it_takes_a_timestamp() -> None:
    data = with_timestamp(SIGNED, token(SIGNED))
    verdict = verify_slip(parse_slip(data), trust=PKI.trust, moment=MOMENT, judge_timestamp=FakeJudge())
    assert verdict.signature is not None
    assert verdict.signature.details.level is Level.B_T


def test_an_unsigned_one_is_no_verdict() -> None:
    assert judged(write_slip(SLIP)).signature is None


def test_every_element_of_the_statement_is_signed() -> None:
    count = len(list(find(parse_slip(SIGNED), "Statement").iter()))
    assert count > 20
    for place in range(count):
        for change in ("text", "attribute"):
            root = parse_slip(SIGNED)
            element = list(find(root, "Statement").iter())[place]
            if change == "text":
                element.text = f"{element.text or ''}1"
            else:
                element.set("note", "1")
            verdict = verdict_of(etree.tostring(root))
            assert (verdict.indication, verdict.sub_indication) == (
                Indication.TOTAL_FAILED,
                SubIndication.HASH_FAILURE,
            ), element.tag


def forged(statement: Element) -> Element:
    other = copy.deepcopy(statement)
    find(other, "Subject").text = "EVIL"
    return other


def original_in_object(root: Element) -> None:
    statement = find(root, "Statement")
    other = forged(statement)
    other.set("Id", "evil")
    statement.addprevious(other)
    etree.SubElement(find(root, "Signature", DS), f"{{{DS}}}Object").append(statement)


def original_in_forged(root: Element) -> None:
    statement = find(root, "Statement")
    other = forged(statement)
    del other.attrib["Id"]
    root.replace(statement, other)
    other.append(statement)


def forged_beside(root: Element) -> None:
    statement = find(root, "Statement")
    other = forged(statement)
    other.set("Id", "other")
    statement.addprevious(other)


def forged_with_the_same_id(root: Element) -> None:
    statement = find(root, "Statement")
    statement.addprevious(forged(statement))


def forged_in_another_namespace(root: Element) -> None:
    find(root, "Statement").addprevious(etree.Element("{urn:other}Statement", Id="other"))


def whole_slip_within(root: Element) -> None:
    find(root, "Statement").addnext(copy.deepcopy(root))


def signature_first(root: Element) -> None:
    root.insert(0, find(root, "Signature", DS))


def signature_within(root: Element) -> None:
    find(root, "Statement").append(find(root, "Signature", DS))


def second_signature(root: Element) -> None:
    signature = find(root, "Signature", DS)
    signature.addnext(copy.deepcopy(signature))


def reference_elsewhere(root: Element) -> None:
    find(root, "Reference", DS).set("URI", "#other")


def id_gone(root: Element) -> None:
    del find(root, "Statement").attrib["Id"]


def id_of_other_case(root: Element) -> None:
    root.set("ID", "statement")


def weak_method(root: Element) -> None:
    find(root, "SignatureMethod", DS).set("Algorithm", f"{DS}rsa-sha1")


def text_in_the_signature(root: Element) -> None:
    find(root, "QualifyingProperties", XADES).text = "x"


ATTACKS: tuple[Change, ...] = (
    *(original_in_object, original_in_forged, forged_beside, forged_with_the_same_id, forged_in_another_namespace),
    *(whole_slip_within, signature_first, signature_within, second_signature, reference_elsewhere, id_gone),
    *(id_of_other_case, weak_method, text_in_the_signature),
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_wrapped_and_confused_slips_fail(attack: Change) -> None:
    root = parse_slip(SIGNED)
    attack(root)
    data = etree.tostring(root)
    verdict = judged(data)
    assert verdict.signature is not None
    assert verdict.signature.indication is Indication.TOTAL_FAILED
    assert "Error" not in verdict.signature.reason
    assert verdict.signed == frozenset()


def moved_into_the_signature(root: Element) -> None:
    find(root, "Object", DS).append(find(root, "Statement"))


def something_before(root: Element) -> None:
    root.insert(0, etree.Element(f"{{{SEAL_SLIP}}}Note"))


def in_another_namespace(root: Element) -> None:
    find(root, "Statement").tag = "{urn:other}Statement"


def root_within(root: Element) -> None:
    etree.SubElement(find(root, "Object", DS), f"{{{SEAL_SLIP}}}SealSlip")


def statement_gone(root: Element) -> None:
    root.remove(find(root, "Statement"))


PLACES: dict[str, tuple[Change, str]] = {
    "moved into the signature": (moved_into_the_signature, "Statement is not in its place"),
    "something before it": (something_before, "Statement is not in its place"),
    "of another namespace": (in_another_namespace, "Statement is not in its place"),
    "without its Id": (id_gone, "Statement does not bear its Id"),
    "a root within": (root_within, "more than one SealSlip"),
    "gone": (statement_gone, "not one Statement"),
    "twice": (forged_beside, "not one Statement"),
    "an Id twice": (id_of_other_case, "two elements with one id"),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_statement_has_its_place(case: str) -> None:
    change, reason = PLACES[case]
    root = parse_slip(SIGNED)
    change(root)
    assert verdict_of(etree.tostring(root)).reason == reason


BESIDE: dict[str, Change] = {
    "an element": lambda root: find(root, "Statement").addnext(etree.Element(f"{{{SEAL_SLIP}}}Note")),
    "an attribute": lambda root: root.set("note", "x"),
    "a text": lambda root: setattr(root, "text", "x"),
    "a text after the statement": lambda root: setattr(find(root, "Statement"), "tail", "x"),
}


@pytest.mark.parametrize("case", BESIDE)
def test_nothing_stands_beside_what_is_signed(case: str) -> None:
    root = parse_slip(SIGNED)
    BESIDE[case](root)
    verdict = judged(etree.tostring(root))
    assert verdict.signature is not None
    assert (verdict.signature.indication, verdict.signature.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    assert {check.duty: check.outcome for check in verdict.signature.details.checks}[9] is Outcome.UNDECIDED


def test_a_stranger_s_slip_is_not_trusted() -> None:
    verdict = verdict_of(signed(Pki(name="Stranger").leaf("transport")))
    assert (verdict.indication, verdict.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )


def test_the_signature_of_another_slip_does_not_fit() -> None:
    root, other = parse_slip(SIGNED), parse_slip(SIGNED)
    find(other, "DocumentId").text = "another"
    other.replace(find(other, "Signature", DS), copy.deepcopy(find(root, "Signature", DS)))
    assert verdict_of(etree.tostring(other)).sub_indication is SubIndication.HASH_FAILURE


def test_a_slip_is_no_envelope_and_an_envelope_is_no_slip() -> None:
    envelope = parse_slip(signed_envelope(document(), LEAF))
    for verdict in (
        verify_envelope(parse_slip(SIGNED), trust=PKI.trust, moment=MOMENT),
        verify_slip(envelope, trust=PKI.trust, moment=MOMENT),
    ):
        assert verdict.signature is not None
        assert verdict.signature.indication is Indication.INDETERMINATE
    for prepare, data in ((prepare_slip, document()), (prepare_envelope, write_slip(SLIP)), (prepare_slip, SIGNED)):
        with pytest.raises(SenderError):
            prepare(data, chain=LEAF.chain, moment=MOMENT)
    with pytest.raises(SenderError) as caught:
        prepare_slip(write_slip(SLIP).replace(b"SealSlip", b"Slip"), chain=LEAF.chain, moment=MOMENT)
    assert caught.value.params["reason"] == "the root is not SealSlip"
