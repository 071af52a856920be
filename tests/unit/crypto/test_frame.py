"""What stands outside the signed parts: nothing but the trace of hubs and the files, so that no reader finds more."""

import copy
from collections.abc import Callable

import pytest
from lxml import etree

from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import SignatureVerdict
from gateway.crypto import verify_envelope
from gateway.edxml import assemble, write_skeleton
from gateway.safe_xml import read_skeleton
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.envelopes import DS, NS, document, signed, status
from tests.unit.edxml.samples import DOCUMENT, FILES, STATUS, attachments

PKI = Pki()
LEAF = PKI.leaf("transport")
XADES = "http://uri.etsi.org/01903/v1.3.2#"
SIGNED = signed(document(), LEAF)
STATUS_SIGNED = signed(status(), LEAF)
Element = etree._Element
Change = Callable[[Element], object]


def verdict_of(data: bytes, *changes: Change) -> SignatureVerdict:
    root = read_skeleton([data]).root
    for change in changes:
        change(root)
    whole = read_skeleton([etree.tostring(root)]).root
    verdict = verify_envelope(whole, trust=PKI.trust, moment=MOMENT).signature
    assert verdict is not None
    return verdict


def at(root: Element, name: str, namespace: str = NS) -> Element:
    found = root.find(f".//{{{namespace}}}{name}")
    assert found is not None, name
    return found


def put(name: str, text: str = "", *, into: str, namespace: str = NS, before: str = "") -> Change:
    """An element more in that place, at its end or before another element."""

    def change(root: Element) -> None:
        new = etree.Element(f"{{{namespace}}}{name}")
        new.text = text
        if before:
            at(root, before).addprevious(new)
        else:
            (root if into == "edXML" else at(root, into)).append(new)

    return change


def write(name: str, *, text: str = "", tail: str = "", namespace: str = NS) -> Change:
    def change(root: Element) -> None:
        element = root if name == "edXML" else at(root, name, namespace)
        if text:
            element.text = text
        if tail:
            element.tail = tail

    return change


def mark(name: str, attribute: str, *, namespace: str = NS) -> Change:
    return lambda root: (root if name == "edXML" else at(root, name, namespace)).set(attribute, "x")


def drop(name: str) -> Change:
    def change(root: Element) -> None:
        element = at(root, name)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def twice(name: str) -> Change:
    return lambda root: at(root, name).addnext(copy.deepcopy(at(root, name)))


def foreign_file(root: Element) -> None:
    """A file under the root that no manifest binds, for readers that look for Attachment anywhere."""
    hidden = etree.SubElement(etree.SubElement(root, "Foo"), "{urn:x}Attachment")
    for name, text in (("ContentId", "cid:1"), ("AttachmentName", "a.pdf"), ("ContentTransferEncoded", "QUJD")):
        etree.SubElement(hidden, f"{{{NS}}}{name}").text = text


def nested_file(root: Element) -> None:
    first = at(root, "Attachment")
    first.append(copy.deepcopy(first))


def business_in_a_trace(root: Element) -> None:
    etree.SubElement(etree.SubElement(at(root, "TraceHeader"), f"{{{NS}}}X"), f"{{{NS}}}To")


HIDDEN: dict[str, Change] = {
    "a recipient beside the signed header": put("To", into="edXMLHeader", before="TraceHeaderList"),
    "a subject beside the signed header": put("Subject", "EVIL", into="edXMLHeader", before="TraceHeaderList"),
    "a sender in the envelope": put("From", into="edXMLEnvelope"),
    "a response in the trace list": put("ResponseFor", into="TraceHeaderList"),
    "a status in the trace list": put("StatusCode", "06", into="TraceHeaderList"),
    "a status in a trace": put("StatusCode", "06", into="TraceHeader"),
    "a name in a trace": put("OrganName", into="TraceHeader"),
    "two codes in a trace": lambda root: [etree.SubElement(at(root, "TraceHeader"), f"{{{NS}}}OrganId") for _ in "12"],
    "an element deep in a trace": business_in_a_trace,
    "a trace of another namespace": put("TraceHeader", into="TraceHeaderList", namespace="urn:x"),
    "a trace in the header": put("TraceHeader", into="edXMLHeader", before="TraceHeaderList"),
    "a note of a hub": put("Note", into="TraceHeaderList", namespace="urn:hub"),
    "a file nobody bound": foreign_file,
    "a file in a file": nested_file,
    "a file in the envelope": put("Attachment", into="edXMLEnvelope"),
    "a list of files twice": twice("AttachmentEncoded"),
    "files of another namespace": put("AttachmentEncoded", into="edXML", namespace="urn:x"),
    "something among the files": put("Foo", into="AttachmentEncoded"),
    "a field of a file that is none": put("Subject", into="Attachment"),
    "a name of a file twice": twice("AttachmentName"),
    "a file without a name": drop("AttachmentName"),
    "a file without a type": drop("ContentType"),
    "a file without bytes": drop("ContentTransferEncoded"),
    "a description that nobody signed": put("Description", "Thay the van ban cu", into="Attachment"),
    "a second type that nobody signed": put("MimeType", "text/html", into="Attachment"),
    "an element in a file's name": put("b", into="AttachmentName"),
    "an inclusion": put("include", into="AttachmentEncoded", namespace="http://www.w3.org/2001/XInclude"),
    "an inclusion in the trace": put("include", into="TraceHeaderList", namespace="http://www.w3.org/2001/XInclude"),
    "text in the root": write("edXML", text="Kính gửi"),
    "text in the envelope": write("edXMLEnvelope", text="x"),
    "text after the envelope": write("edXMLEnvelope", tail="x"),
    "text in the trace list": write("TraceHeaderList", text="x"),
    "text after a trace": write("TraceHeader", tail="x"),
    "text between files": write("Attachment", tail="x"),
    "text after a file's name": write("AttachmentName", tail="x"),
    "a space that is no white space of XML": write("edXMLHeader", text="\u00a0"),
    "an attribute of the root": mark("edXML", "Id"),
    "a base of the root": mark("edXML", "{http://www.w3.org/XML/1998/namespace}base"),
    "an attribute of the header": mark("edXMLHeader", "actor"),
    "an attribute of a file": mark("Attachment", "href"),
    "an attribute of a file's bytes": mark("ContentTransferEncoded", "encoding"),
    "text after the signed header": write("MessageHeader", tail="x"),
    "text after the signed body": write("edXMLBody", tail="x"),
    "text after the signed business": write("Bussiness", tail="x"),
}


IN_THE_SIGNATURE: dict[str, Change] = {
    "text after the signature": write("Signature", tail="x", namespace=DS),
    "text in the signature": write("Signature", text="x", namespace=DS),
    "an attribute of the signature": mark("Signature", "note", namespace=DS),
    "an attribute of its value": mark("SignatureValue", "note", namespace=DS),
    "text in its object": write("Object", text="x", namespace=DS),
    "text after its object": write("Object", tail="x", namespace=DS),
    "an attribute of its object": mark("Object", "MimeType", namespace=DS),
    "text in the qualifying properties": write("QualifyingProperties", text="x", namespace=XADES),
    "text after the signed properties": write("SignedProperties", tail="x", namespace=XADES),
    "an attribute of the qualifying properties": mark("QualifyingProperties", "note", namespace=XADES),
}
"""What nobody signs in a signature: its form knows none of it (`form.check_shape`)."""


@pytest.mark.parametrize("case", HIDDEN)
def test_what_no_signature_covers_and_no_hub_may_add_is_not_passed(case: str) -> None:
    verdict = verdict_of(SIGNED, HIDDEN[case])
    assert (verdict.indication, verdict.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    ), verdict
    assert verdict.reason.startswith("outside the signed parts: ")
    assert verdict.covers == "body business header", "the signed parts themselves are intact"


@pytest.mark.parametrize("name", ["Subject", "To", "Attachment", "ContentTransferEncoded", "TraceHeader"])
def test_nowhere_in_the_file_can_an_element_be_hidden(name: str) -> None:
    """Wherever it is put, under every element in turn; only a trace in the list of traces is a hub's right."""
    places = len(list(read_skeleton([SIGNED]).root.iter()))
    for place in range(places):
        root = read_skeleton([SIGNED]).root
        parent = list(root.iter())[place]
        etree.SubElement(parent, f"{{{NS}}}{name}")
        verdict = verify_envelope(root, trust=PKI.trust, moment=MOMENT).signature
        allowed = name == "TraceHeader" and etree.QName(parent).localname == "TraceHeaderList"
        assert verdict is not None
        assert (verdict.indication is Indication.TOTAL_PASSED) is allowed, parent.tag


@pytest.mark.parametrize("case", IN_THE_SIGNATURE)
def test_what_a_signature_does_not_have_in_itself_is_broken(case: str) -> None:
    verdict = verdict_of(SIGNED, IN_THE_SIGNATURE[case])
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE)
    assert verdict.reason in ("an attribute that the profile does not use", "a text where the profile has none")


def test_the_reason_says_where_and_nothing_of_the_content() -> None:
    reason = verdict_of(SIGNED, put("Ministry", "secret", into="TraceHeaderList")).reason
    assert reason == "outside the signed parts: TraceHeaderList holds an element that does not belong there"


@pytest.mark.parametrize(
    "change", [put("To", into="edXMLEnvelope"), put("Bussines", into="edXML"), write("edXMLHeader", tail="x")]
)
def test_a_status_message_hides_nothing_either(change: Change) -> None:
    assert verdict_of(STATUS_SIGNED).indication is Indication.TOTAL_PASSED
    assert verdict_of(STATUS_SIGNED, change).sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE


def test_a_stranger_s_certificate_does_not_make_a_hidden_element_a_matter_of_time() -> None:
    """A missing path asks for a second look later; a file that is not of the profile never becomes one."""
    data = signed(document(), Pki(name="Stranger").leaf("transport"))
    assert verdict_of(data).sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    changed = verdict_of(data, put("To", into="edXMLEnvelope"))
    assert changed.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE


# --- what hubs do ------------------------------------------------------------------------------------------------------


def trace(*fields: tuple[str, str], index: int = 0) -> Change:
    def change(root: Element) -> None:
        entry = etree.Element(f"{{{NS}}}TraceHeader")
        for name, text in fields:
            etree.SubElement(entry, f"{{{NS}}}{name}").text = text
        at(root, "TraceHeaderList").insert(index, entry)

    return change


def indent(root: Element) -> None:
    """White space everywhere outside the signed parts, as a hub that writes the file anew leaves it."""
    for element in (root, *(at(root, name) for name in ("edXMLEnvelope", "edXMLHeader", "TraceHeaderList"))):
        element.text = "\r\n\t "
        for child in element:
            child.tail = "\n  "


HUBS: dict[str, tuple[Change, ...]] = {
    "a trace": (trace(("OrganId", "001.00.20.TT2"), ("Timestamp", "2026/11/21 08:00:00")),),
    "a trace of literally null": (trace(("OrganId", "null"), ("Timestamp", "2026/11/21 08:00:00")),),
    "a trace without a code": (trace(("Timestamp", "2026/11/21 08:00:00")),),
    "an empty trace": (trace(),),
    "three traces, some behind": (trace(index=0), trace(("OrganId", "null"), index=2), trace(index=4)),
    "the order within a trace": (trace(("Timestamp", "2026/11/21 08:00:00"), ("OrganId", "null")),),
    "attributes of the list": (mark("TraceHeaderList", "mustUnderstand"), mark("TraceHeaderList", "actor")),
    "attributes of a trace": (mark("TraceHeader", "seen"), mark("TraceHeader", "{urn:hub}by")),
    "no trace at all": (drop("TraceHeader"),),
    "indentation": (indent,),
    "empty fields of a file": tuple(put(name, into="Attachment") for name in ("Description", "FieldName", "MimeType")),
}


@pytest.mark.parametrize("case", HUBS)
def test_what_hubs_do_still_passes(case: str) -> None:
    assert verdict_of(SIGNED, *HUBS[case]).indication is Indication.TOTAL_PASSED


def test_what_our_writer_makes_passes_with_and_without_hubs() -> None:
    parts = attachments(*FILES)
    skeleton = signed(write_skeleton(DOCUMENT, parts), LEAF)
    letter = b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, FILES, strict=True)]))
    for changes in ((), *HUBS.values()):
        assert verdict_of(letter, *changes).indication is Indication.TOTAL_PASSED
    assert verdict_of(signed(write_skeleton(STATUS, ()), LEAF)).indication is Indication.TOTAL_PASSED
    assert verdict_of(signed(write_skeleton(DOCUMENT, ()), LEAF)).indication is Indication.TOTAL_PASSED
