"""The envelope signature: what it must survive, and every way of wrapping and tampering we could think of."""

import copy
import datetime as dt
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import EnvelopeVerdict, certificate_digest, prepare_envelope, verify_envelope
from gateway.safe_xml import parse_signed, read_skeleton
from tests.kit.pki import MOMENT, LeafKind, Pki
from tests.unit.crypto.envelopes import DS, NS, document, signed, status

PKI = Pki()
LEAF = PKI.leaf("transport")
SIGNED = signed(document(), LEAF)
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ALL_PARTS = {"header", "business", "body"}
Element = etree._Element


def tree(data: bytes = SIGNED) -> Element:
    return read_skeleton([data]).root


def verify(root: Element) -> EnvelopeVerdict:
    """Judge it as it would come over the wire: written out and parsed again."""
    return verify_envelope(read_skeleton([etree.tostring(root)]).root, trust=PKI.trust, moment=MOMENT)


def find(root: Element, name: str, namespace: str = NS) -> Element:
    found = root.find(f".//{{{namespace}}}{name}")
    assert found is not None
    return found


# --- good ones --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["transport", "elliptic", "seal"])
@pytest.mark.parametrize(
    ("skeleton", "parts"),
    [
        (document(), {"header", "business", "body"}),
        (document(30), {"header", "business", "body"}),
        (status(), {"header"}),
    ],
)
def test_a_signed_envelope_passes(kind: LeafKind, skeleton: bytes, parts: set[str]) -> None:
    leaf = PKI.leaf(kind)
    verdict = verify(tree(signed(skeleton, leaf)))
    assert verdict.signature is not None
    assert (verdict.signature.indication, verdict.signature.reason) == (Indication.TOTAL_PASSED, "trusted")
    assert verdict.signed == parts
    assert verdict.certificate == leaf.der
    assert verdict.signature.certificate == certificate_digest(leaf.der)
    assert verdict.signature.claimed_time == MOMENT
    assert verdict.signature.covers == " ".join(sorted(parts))


def test_the_same_input_gives_the_same_octets_to_sign() -> None:
    first, second = (prepare_envelope(document(), chain=LEAF.chain, moment=MOMENT) for _ in range(2))
    assert first == second


def test_the_signature_is_the_last_child_of_the_header() -> None:
    header = find(tree(), "edXMLHeader")
    assert header[-1].tag == f"{{{DS}}}Signature"


def test_no_signature_is_no_verdict() -> None:
    verdict = verify(parse_signed(document()))
    assert verdict == EnvelopeVerdict(signature=None, certificate=None, signed=frozenset())


def append_trace(root: Element) -> None:
    trace = find(root, "TraceHeaderList")
    entry = etree.SubElement(trace, f"{{{NS}}}TraceHeader")
    etree.SubElement(entry, f"{{{NS}}}OrganId").text = "001.00.20.TT2"


def rename_trace_list(root: Element) -> None:
    find(root, "TraceHeaderList").set("version", "2.0")


def fill_attachment(root: Element) -> None:
    find(root, "ContentTransferEncoded").text = "AAAA"


def other_prefixes_outside(root: Element) -> None:
    find(root, "TraceHeaderList").set("{urn:hub}note", "seen")


@pytest.mark.parametrize("change", [append_trace, rename_trace_list, fill_attachment, other_prefixes_outside])
def test_what_hubs_may_do_leaves_it_valid(change: Callable[[Element], None]) -> None:
    root = tree()
    change(root)
    verdict = verify(root)
    assert verdict.signature is not None
    assert verdict.signature.indication is Indication.TOTAL_PASSED


# --- changed content --------------------------------------------------------------------------------------------------


def change_subject(root: Element) -> None:
    find(root, "Subject").text = "Về việc khác"


def change_recipient(root: Element) -> None:
    find(find(root, "To"), "OrganId").text = "Z79.99"


def change_business(root: Element) -> None:
    find(root, "BussinessDocType").text = "1"


def change_manifest_digest(root: Element) -> None:
    find(find(root, "edXMLManifest"), "DigestValue", DS).text = "BBBB"


def change_signing_time(root: Element) -> None:
    find(root, "SigningTime", XADES).text = "2020-01-01T00:00:00Z"


def add_recipient(root: Element) -> None:
    header = find(root, "MessageHeader")
    header.append(copy.deepcopy(find(root, "To")))


def change_space(root: Element) -> None:
    find(root, "MessageHeader").text = "\n"


def add_attribute(root: Element) -> None:
    find(root, "Subject").set("lang", "vi")


def change_key_info(root: Element) -> None:
    certificates = find(root, "X509Data", DS)
    certificates.append(copy.deepcopy(certificates[0]))


@pytest.mark.parametrize(
    "change",
    [
        change_subject,
        change_recipient,
        change_business,
        change_manifest_digest,
        change_signing_time,
        add_recipient,
        change_space,
        add_attribute,
        change_key_info,
    ],
)
def test_a_changed_part_fails(change: Callable[[Element], None]) -> None:
    root = tree()
    change(root)
    verdict = verify(root)
    assert verdict.signature is not None
    assert verdict.signature.indication is Indication.TOTAL_FAILED
    assert verdict.signature.sub_indication is SubIndication.HASH_FAILURE
    assert verdict.signed == frozenset()


def test_a_changed_value_fails() -> None:
    root = tree()
    value = find(root, "SignatureValue", DS)
    assert value.text is not None
    value.text = ("A" if value.text[0] != "A" else "B") + value.text[1:]
    signature = verify(root).signature
    assert signature is not None
    assert (signature.indication, signature.sub_indication) == (
        Indication.TOTAL_FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
    )


# --- wrapping and confusion -------------------------------------------------------------------------------------------


def evil(part: Element) -> Element:
    forged = copy.deepcopy(part)
    for subject in forged.iter(f"{{{NS}}}Subject"):
        subject.text = "EVIL"
    return forged


def original_in_object(root: Element) -> None:
    """XSW 1: the signed header moves into ds:Object, a forged one takes its place."""
    header = find(root, "MessageHeader")
    forged = evil(header)
    forged.set("Id", "evil")
    header.addprevious(forged)
    etree.SubElement(find(root, "Signature", DS), f"{{{DS}}}Object").append(header)


def original_in_trace(root: Element) -> None:
    """XSW 2: the signed header moves to where nothing is signed."""
    header = find(root, "MessageHeader")
    forged = evil(header)
    del forged.attrib["Id"]
    header.addprevious(forged)
    find(root, "TraceHeader").append(header)


def original_in_forged(root: Element) -> None:
    """XSW 3: the forged header carries the signed one inside."""
    header = find(root, "MessageHeader")
    forged = evil(header)
    forged.set("Id", "evil")
    header.getparent().replace(header, forged)  # type: ignore[union-attr]
    forged.append(header)


def duplicate_id(root: Element) -> None:
    """XSW 4: two headers with one Id."""
    header = find(root, "MessageHeader")
    header.addprevious(evil(header))


def duplicate_id_other_case(root: Element) -> None:
    """Id and ID and xml:id are looked up one after the other by verifiers."""
    find(root, "TraceHeader").set("ID", "header")


def duplicate_xml_id(root: Element) -> None:
    find(root, "Attachment").set("{http://www.w3.org/XML/1998/namespace}id", "body")


def header_in_another_namespace(root: Element) -> None:
    """The vendor's reader matches by local name."""
    other = etree.Element("{urn:other}MessageHeader")
    find(root, "MessageHeader").addprevious(other)


def second_business_spelt_right(root: Element) -> None:
    """Readers take Business for Bussiness: an unsigned one must not slip in beside the signed one."""
    other = etree.SubElement(find(root, "TraceHeaderList"), f"{{{NS}}}Business")
    etree.SubElement(other, f"{{{NS}}}BusinessDocType").text = "1"


def second_envelope(root: Element) -> None:
    root.append(copy.deepcopy(root[0]))


def second_header_block(root: Element) -> None:
    header = find(root, "edXMLHeader")
    header.addprevious(etree.Element(header.tag))


def second_signature(root: Element) -> None:
    """XSW 5."""
    signature = find(root, "Signature", DS)
    signature.addnext(copy.deepcopy(signature))


def second_signature_elsewhere(root: Element) -> None:
    other = copy.deepcopy(find(root, "Signature", DS))
    for element in other.iter():
        for name in [name for name in element.attrib if str(name) == "Id"]:
            element.set(name, f"x{element.get(name)}")
    find(root, "Attachment").append(other)


def signature_moved(root: Element) -> None:
    find(root, "TraceHeaderList").append(find(root, "Signature", DS))


def signature_not_last(root: Element) -> None:
    find(root, "edXMLHeader").insert(0, find(root, "Signature", DS))


def reference_removed(root: Element) -> None:
    info = find(root, "SignedInfo", DS)
    info.remove(info[3])


def properties_reference_removed(root: Element) -> None:
    info = find(root, "SignedInfo", DS)
    info.remove(info[-2])


def reference_doubled(root: Element) -> None:
    info = find(root, "SignedInfo", DS)
    info[2].addnext(copy.deepcopy(info[2]))


def reference_outside(root: Element) -> None:
    find(root, "Reference", DS).set("URI", "http://127.0.0.1:9/")


def reference_with_xpointer(root: Element) -> None:
    find(root, "Reference", DS).set("URI", "#xpointer(id('header'))")


def reference_with_two_hashes(root: Element) -> None:
    find(root, "Reference", DS).set("URI", "##header")


def xpath_transform(root: Element) -> None:
    transforms = find(root, "Transforms", DS)
    added = etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(added, f"{{{DS}}}XPath").text = "false()"


def transform_removed(root: Element) -> None:
    transforms = find(root, "Transforms", DS)
    transforms.remove(transforms[0])


def inclusive_prefixes(root: Element) -> None:
    etree.SubElement(find(root, "Transform", DS), f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList="edXML")


def inclusive_canonicalisation(root: Element) -> None:
    find(root, "CanonicalizationMethod", DS).set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")


def hmac_confusion(root: Element) -> None:
    find(root, "SignatureMethod", DS).set("Algorithm", f"{DS}hmac-sha1")


def weak_method(root: Element) -> None:
    find(root, "SignatureMethod", DS).set("Algorithm", f"{DS}rsa-sha1")


def weak_digest(root: Element) -> None:
    find(root, "DigestMethod", DS).set("Algorithm", f"{DS}sha1")


def two_signed_infos(root: Element) -> None:
    info = find(root, "SignedInfo", DS)
    info.addprevious(copy.deepcopy(info))


def element_in_digest(root: Element) -> None:
    info = find(root, "SignedInfo", DS)
    etree.SubElement(find(info, "DigestValue", DS), f"{{{DS}}}X")


def key_name_added(root: Element) -> None:
    etree.SubElement(find(root, "KeyInfo", DS), f"{{{DS}}}KeyName").text = "evil"


def key_value_added(root: Element) -> None:
    key_value = etree.SubElement(find(root, "KeyInfo", DS), f"{{{DS}}}KeyValue")
    etree.SubElement(key_value, f"{{{DS}}}RSAKeyValue")


def certificate_swapped(root: Element) -> None:
    find(root, "X509Certificate", DS).text = b64encode(PKI.leaf("seal").der).decode()


def manifest_added(root: Element) -> None:
    etree.SubElement(find(root, "Object", DS), f"{{{DS}}}Manifest")


def properties_of_another(root: Element) -> None:
    find(root, "QualifyingProperties", XADES).set("Target", "#other")


def signature_without_id(root: Element) -> None:
    del find(root, "Signature", DS).attrib["Id"]


def body_without_id(root: Element) -> None:
    del find(root, "edXMLBody").attrib["Id"]


def body_moved_up(root: Element) -> None:
    root.append(find(root, "edXMLBody"))


def body_removed(root: Element) -> None:
    find(root, "edXMLEnvelope").remove(find(root, "edXMLBody"))


def header_removed(root: Element) -> None:
    find(root, "edXMLHeader").remove(find(root, "MessageHeader"))


def value_removed(root: Element) -> None:
    find(root, "SignatureValue", DS).text = None


@pytest.mark.parametrize(
    "attack",
    [
        original_in_object,
        original_in_trace,
        original_in_forged,
        duplicate_id,
        duplicate_id_other_case,
        duplicate_xml_id,
        header_in_another_namespace,
        second_business_spelt_right,
        second_envelope,
        second_header_block,
        second_signature,
        second_signature_elsewhere,
        signature_moved,
        signature_not_last,
        reference_removed,
        properties_reference_removed,
        reference_doubled,
        reference_outside,
        reference_with_xpointer,
        reference_with_two_hashes,
        xpath_transform,
        transform_removed,
        inclusive_prefixes,
        inclusive_canonicalisation,
        hmac_confusion,
        weak_method,
        weak_digest,
        two_signed_infos,
        element_in_digest,
        key_name_added,
        key_value_added,
        certificate_swapped,
        manifest_added,
        properties_of_another,
        signature_without_id,
        body_without_id,
        body_moved_up,
        body_removed,
        header_removed,
        value_removed,
    ],
)
def test_wrapped_and_confused_envelopes_fail(attack: Callable[[Element], None]) -> None:
    root = tree()
    attack(root)
    verdict = verify(root)
    assert verdict.signature is not None
    assert verdict.signature.indication is Indication.TOTAL_FAILED
    assert "Error" not in verdict.signature.reason, "a library stumbled where a duty should have looked"
    assert verdict.signed == frozenset()


def test_a_part_added_beside_a_status_signature_is_noticed() -> None:
    root = tree(signed(status(), LEAF))
    envelope = find(root, "edXMLEnvelope")
    etree.SubElement(envelope, f"{{{NS}}}edXMLBody", Id="body")
    signature = verify(root).signature
    assert signature is not None
    assert (signature.indication, signature.reason) == (Indication.TOTAL_FAILED, "a part is not signed")


@pytest.mark.parametrize("place", ["Subject>", "BussinessDocType>", "edXMLManifest>"])
@pytest.mark.parametrize("text", ["", "S2jDtG5n"])
def test_nobody_signs_a_place_whose_text_is_cut_out(place: str, text: str) -> None:
    """A sender could sign it empty, and whoever carries the file fill it: its text is in no digest."""
    name = b"ContentTransferEncoded"
    with_a_place = document().replace(
        f"</edXML:{place}".encode(), b"<%b></%b></edXML:%b" % (name, name, place.encode())
    )
    with pytest.raises(SenderError) as caught:
        prepare_envelope(with_a_place, chain=LEAF.chain, moment=MOMENT)
    assert caught.value.params["reason"] == "a file inside the envelope"
    root = tree()
    etree.SubElement(find(root, place.removesuffix(">")), f"{{{NS}}}{name.decode()}").text = text
    signature = verify(root).signature
    assert signature is not None
    assert (signature.indication, signature.reason) == (Indication.TOTAL_FAILED, "a file inside the envelope")


def test_an_attacker_s_own_good_signature_is_not_trusted() -> None:
    stranger = Pki(name="Stranger").leaf("transport")
    verdict = verify(tree(signed(document(subject="EVIL"), stranger)))
    assert verdict.signature is not None
    assert (verdict.signature.indication, verdict.signature.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert verdict.certificate == stranger.der


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("revoked", SubIndication.REVOKED_NO_POE),
        ("usage", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("weak", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
        ("demo", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    ],
)
def test_a_bad_certificate_leaves_it_undecided(kind: LeafKind, expected: SubIndication) -> None:
    signature = verify(tree(signed(document(), PKI.leaf(kind)))).signature
    assert signature is not None
    assert (signature.indication, signature.sub_indication) == (Indication.INDETERMINATE, expected)


def test_a_signature_over_the_whole_document_is_undecided() -> None:
    root = tree()
    find(root, "Reference", DS).set("URI", "")
    signature = verify(root).signature
    assert signature is not None
    assert (signature.indication, signature.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


@pytest.mark.parametrize("step", [3, 11])
def test_no_cut_or_flip_ever_raises_or_passes_changed_parts(step: int) -> None:
    """Whatever still parses and passes must say the same as before in every signed part."""
    wanted = [
        etree.tostring(find(tree(), name), method="c14n", exclusive=True) for name in ("MessageHeader", "edXMLBody")
    ]
    for position in range(step, len(SIGNED), 23):
        hostile = bytearray(SIGNED)
        hostile[position] ^= step
        try:
            root = read_skeleton([bytes(hostile)]).root
        except SenderError:
            continue
        verdict = verify_envelope(root, trust=PKI.trust, moment=MOMENT)
        if verdict.signature is not None and verdict.signature.indication is Indication.TOTAL_PASSED:
            now = [
                etree.tostring(find(root, name), method="c14n", exclusive=True)
                for name in ("MessageHeader", "edXMLBody")
            ]
            assert now == wanted, position


def test_the_shared_wrapping_samples_are_all_refused(own_pki: Path) -> None:
    """They are of another envelope: none may even come near a pass, and none may raise."""
    samples = sorted((own_pki.parent / "own-xsw").glob("*.xml"))
    assert samples
    for sample in samples:
        try:
            root = read_skeleton([sample.read_bytes()]).root
        except SenderError:
            continue
        verdict = verify_envelope(root, trust=PKI.trust, moment=MOMENT)
        assert verdict.signature is not None, sample.name
        assert verdict.signature.indication is not Indication.TOTAL_PASSED, sample.name


# --- preparing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "skeleton",
    [
        SIGNED,
        b"<edXML/>",
        b"not xml",
        document().replace(b' Id="header"', b""),
        document().replace(b'Id="body"', b'Id="header"'),
        document().replace(b'id="trace"', b'id="body"'),
    ],
)
def test_what_is_no_skeleton_of_the_profile_is_not_prepared(skeleton: bytes) -> None:
    with pytest.raises(SenderError) as caught:
        prepare_envelope(skeleton, chain=LEAF.chain, moment=MOMENT)
    assert caught.value.code == "envelope.malformed"


def test_the_claimed_time_is_written_in_utc() -> None:
    moment = dt.datetime(2026, 11, 21, 19, 5, 7, 123_000, tzinfo=dt.timezone(dt.timedelta(hours=7)))
    root = tree(signed(document(), LEAF, moment=moment))
    assert find(root, "SigningTime", XADES).text == "2026-11-21T12:05:07Z"
