"""What the envelope signature covers (docs/ARCHITECTURE.md), clause by clause, for documents and for status messages.

Each test is named after its clause. The *seal slip*, for roads whose hub rewrites envelopes: tests/unit/edxml/test_slip.py and
tests/unit/crypto/test_xades_slip.py. Other programs' word on such files: tests/interop/test_envelope.py.
"""

import base64
import copy
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from signxml import CanonicalizationMethod, XMLSigner, methods

from gateway.core.directory import Body, BodyStatus
from gateway.core.errors import SenderError
from gateway.core.ids import GatewayId, OrganId
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import EnvelopeReading
from gateway.crypto import InlineJudge
from gateway.crypto.xades import verify as xades
from gateway.crypto.xades.form import Target
from gateway.crypto.xades.prepare import canonical
from gateway.edxml import assemble, block, write_skeleton
from gateway.evidence import FileExamination
from gateway.exchange import ExchangeRecords, judging
from gateway.exchange.duties import check_signer
from gateway.exchange.judging import read_envelope_file
from gateway.safe_xml import QCVN, read_skeleton
from tests.kit.clock import ManualClock
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.unit.crypto.envelopes import signed
from tests.unit.edxml.samples import DOCUMENT, STATUS, attachment

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
NAMES = {"h": QCVN, "ds": DS}
PKI = Pki()
LEAF = PKI.leaf("transport")
FILES = (b"thu thu nhat " * 40, b"PK\x03\x04 a table")
Element = etree._Element


def document(*files: bytes, leaf: Leaf = LEAF) -> bytes:
    parts = [attachment(at, data, name=f"{at}.txt", content_type="text/plain") for at, data in enumerate(files, 1)]
    skeleton = signed(write_skeleton(DOCUMENT, parts), leaf)
    return b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, files, strict=True)]))


LETTERS = {"document": document(*FILES), "status": signed(write_skeleton(STATUS, ()), LEAF)}
PARTS = {
    "document": {"header": "MessageHeader", "business": "Bussiness", "body": "edXMLBody"},
    "status": {"header": "MessageHeader"},
}
BOTH = pytest.mark.parametrize("kind", LETTERS)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], EnvelopeReading]:
    """The whole chain, as reception, submission and `gateway verify` use it."""

    def read_file(data: bytes) -> EnvelopeReading:
        path = tmp_path / "file.edxml"
        path.write_bytes(data)
        return read_envelope_file(path, trust=PKI.trust, moment=MOMENT)

    return read_file


Read = Callable[[bytes], EnvelopeReading]


def believed(read: Read, data: bytes) -> bool:
    try:
        reading = read(data)
    except SenderError:
        return False
    return reading.signature is not None and reading.signature.indication is Indication.TOTAL_PASSED and reading.bound


def tree(kind: str) -> Element:
    return etree.fromstring(LETTERS[kind])


def one(root: Element, path: str) -> Element:
    (found,) = root.iterfind(path, NAMES)
    return found


def signature_of(root: Element) -> Element:
    return one(root, "h:edXMLEnvelope/h:edXMLHeader/ds:Signature")


def references(root: Element) -> list[Element]:
    return signature_of(root).findall("ds:SignedInfo/ds:Reference", NAMES)


def within(element: Element, *names: str) -> bool:
    """Whether it, or what it stands in, bears one of these local names."""
    return any(etree.QName(one).localname in names for one in (element, *element.iterancestors()))


def written(root: Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


# --- the place and the form ----------------------------------------------------------------------------------------


@BOTH
def test_the_unchanged_file_is_believed(kind: str, read: Read) -> None:
    assert believed(read, LETTERS[kind])
    assert believed(read, written(tree(kind)))


@BOTH
def test_it_is_the_last_child_of_the_header(kind: str, read: Read) -> None:
    root = tree(kind)
    assert one(root, "h:edXMLEnvelope/h:edXMLHeader")[-1] is signature_of(root)
    for path in ("h:edXMLEnvelope/h:edXMLHeader", "h:edXMLEnvelope", "."):
        changed = tree(kind)
        one(changed, path).insert(0, signature_of(changed))
        assert not believed(read, written(changed))


@BOTH
def test_it_signs_by_id(kind: str) -> None:
    root = tree(kind)
    signature = signature_of(root)
    ids = {element.get("Id"): element for element in root.iter() if element.get("Id")}
    wanted = {f"#{identifier}" for identifier in PARTS[kind]}
    own = {f"#{one(signature, path).get('Id')}" for path in ("ds:KeyInfo", "ds:Object/*/*")}
    assert {reference.get("URI") for reference in references(root)} == wanted | own
    assert all(str(reference.get("URI"))[1:] in ids for reference in references(root))


@BOTH
def test_exclusive_canonicalisation_is_the_only_transform(kind: str, read: Read) -> None:
    root = tree(kind)
    assert one(signature_of(root), "ds:SignedInfo/ds:CanonicalizationMethod").get("Algorithm") == EXCLUSIVE
    for reference in references(root):
        assert [transform.get("Algorithm") for transform in reference.iterfind("ds:Transforms/*", NAMES)] == [EXCLUSIVE]
    for number in range(len(references(root))):
        for algorithm in (
            f"{DS}enveloped-signature",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            f"{EXCLUSIVE}WithComments",
        ):
            changed = tree(kind)
            one(references(changed)[number], "ds:Transforms/ds:Transform").set("Algorithm", algorithm)
            assert not believed(read, written(changed)), algorithm


@BOTH
def test_it_covers_exactly_the_parts_that_are_there(kind: str, read: Read) -> None:
    root = tree(kind)
    for identifier, name in PARTS[kind].items():
        (part,) = root.iter(f"{{{QCVN}}}{name}")
        assert part.get("Id") == identifier
    signature = read(LETTERS[kind]).signature
    assert signature is not None
    assert set(signature.covers.split()) == PARTS[kind].keys()
    for number in range(len(references(root))):
        changed = tree(kind)
        gone = references(changed)[number]
        one(signature_of(changed), "ds:SignedInfo").remove(gone)
        assert not believed(read, written(changed)), gone.get("URI")


@BOTH
def test_every_text_and_attribute_of_a_signed_part_is_signed(kind: str, read: Read) -> None:
    """Revoke, update and replace too: whatever stands in Bussiness."""
    names = (*PARTS[kind].values(), "KeyInfo", "SignedProperties", "SignedInfo")
    places = [place for place, element in enumerate(tree(kind).iter()) if within(element, *names)]
    assert len(places) > 20
    for place in places:
        assert not believed(read, written(touched(kind, place, text=True)))
        assert not believed(read, written(touched(kind, place, text=False)))


def touched(kind: str, place: int, *, text: bool) -> Element:
    """The file with one element changed: a letter more in its text, or an attribute more."""
    root = tree(kind)
    element = list(root.iter())[place]
    if text:
        element.text = f"{element.text or ''}A"
    else:
        element.set("note", "A")
    return root


# --- the files -----------------------------------------------------------------------------------------------------


def test_each_entry_of_the_manifest_carries_the_digest_of_the_decoded_bytes() -> None:
    root = tree("document")
    entries = root.findall(".//h:edXMLManifest/h:Reference", NAMES)
    carried = [base64.b64decode(element.text or "") for element in root.iter(f"{{{QCVN}}}ContentTransferEncoded")]
    assert carried == list(FILES)
    for entry, data in zip(entries, carried, strict=True):
        assert one(entry, "ds:DigestMethod").get("Algorithm") == "http://www.w3.org/2001/04/xmlenc#sha256"
        assert base64.b64decode(one(entry, "ds:DigestValue").text or "") == hashlib.sha256(data).digest()


def test_how_base64_is_written_is_outside_and_what_it_says_is_not(read: Read) -> None:
    root = tree("document")
    for element in root.iter(f"{{{QCVN}}}ContentTransferEncoded"):
        element.text = "\n" + base64.encodebytes(base64.b64decode(element.text or "")).decode()
    assert believed(read, written(root))
    for number, data in enumerate(FILES):
        changed = tree("document")
        changed.findall(".//h:ContentTransferEncoded", NAMES)[number].text = base64.b64encode(data + b" ").decode()
        assert not believed(read, written(changed))


def test_base64_never_goes_through_canonicalisation(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    sizes = [canonical_sizes(monkeypatch, read, document(bytes(size), FILES[1])) for size in (1, 3_000_000)]
    assert sizes[0] == sizes[1]


def canonical_sizes(monkeypatch: pytest.MonkeyPatch, read: Read, data: bytes) -> list[int]:
    """How many bytes were digested for each reference."""
    found: list[int] = []

    def seen(target: Target) -> bool:
        found.append(len(canonical(target.element)))
        return original(target)

    original = xades._is_unchanged
    with monkeypatch.context() as patched:
        patched.setattr(xades, "_is_unchanged", seen)
        assert believed(read, data)
    return found


def test_no_attachment_is_missing_or_extra(read: Read) -> None:
    for number in range(len(FILES)):
        missing, extra = tree("document"), tree("document")
        attachments = missing.findall(".//h:Attachment", NAMES)
        one(missing, "h:AttachmentEncoded").remove(attachments[number])
        assert not believed(read, written(missing))
        added = copy.deepcopy(extra.findall(".//h:Attachment", NAMES)[number])
        one(added, "h:ContentId").text = "cid:another"
        one(extra, "h:AttachmentEncoded").append(added)
        assert not believed(read, written(extra))
    status = tree("status")
    status.append(copy.deepcopy(one(tree("document"), "h:AttachmentEncoded")))
    assert not believed(read, written(status))


# --- what is outside -------------------------------------------------------------------------------------------------


@BOTH
def test_only_entries_of_the_trace_and_attributes_of_its_list_are_outside(kind: str, read: Read) -> None:
    signed_names = (*PARTS[kind].values(), "KeyInfo", "SignedProperties", "SignedInfo")
    for place, element in enumerate(tree(kind).iter()):
        if within(element, *signed_names):
            continue
        name = etree.QName(element).localname
        in_an_entry = within(element, "TraceHeader") and name != "TraceHeader"
        assert believed(read, written(touched(kind, place, text=True))) is in_an_entry, name
        of_the_list = name in ("TraceHeaderList", "TraceHeader")
        assert believed(read, written(touched(kind, place, text=False))) is of_the_list, name


def test_a_hub_may_append_its_entry(read: Read) -> None:
    root = tree("document")
    entry = etree.SubElement(one(root, ".//h:TraceHeaderList"), f"{{{QCVN}}}TraceHeader")
    etree.SubElement(entry, f"{{{QCVN}}}OrganId").text = "001.00.20.TT2"
    assert believed(read, written(root))
    status = tree("status")
    one(status, "h:edXMLEnvelope/h:edXMLHeader").insert(1, copy.deepcopy(one(root, ".//h:TraceHeaderList")))
    assert not believed(read, written(status)), "a Bussiness came with it that nobody signed"


# --- one skeleton ------------------------------------------------------------------------------------------------------


@BOTH
def test_verifier_and_reader_share_the_very_same_elements(
    kind: str, monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    """Not equal ones: the same objects, of one tree that was parsed once."""
    roots: list[Element] = []
    digested: dict[str, Element] = {}
    blocks: dict[str, Element] = {}
    verify, message, check, init = (
        judging.verify_envelope,
        judging.read_message,
        xades.check_references,
        block.Block.__init__,
    )

    def seen_verify(root: Element, **rest: Any) -> Any:
        roots.append(root)
        return verify(root, **rest)

    def seen_message(skeleton: Any, **rest: Any) -> Any:
        roots.append(skeleton.root)
        return message(skeleton, **rest)

    def seen_check(signature: Element, parts: Mapping[str, Element]) -> list[Target]:
        targets = check(signature, parts)
        digested.update({str(target.element.get("Id")): target.element for target in targets})
        return targets

    def seen_init(self: Any, element: Element | None, *rest: Any) -> None:
        init(self, element, *rest)
        if element is not None and element.get("Id"):
            blocks[str(element.get("Id"))] = element

    monkeypatch.setattr(judging, "verify_envelope", seen_verify)
    monkeypatch.setattr(judging, "read_message", seen_message)
    monkeypatch.setattr(xades, "check_references", seen_check)
    monkeypatch.setattr(block.Block, "__init__", seen_init)
    assert believed(read, LETTERS[kind])
    assert roots[0] is roots[1]
    assert blocks.keys() == PARTS[kind].keys()
    assert all(digested[identifier] is element for identifier, element in blocks.items())


def test_nothing_of_the_file_is_changed_but_the_text_of_its_files() -> None:
    skeleton = read_skeleton([LETTERS["document"]])
    whole = tree("document")
    for element in whole.iter(f"{{{QCVN}}}ContentTransferEncoded"):
        element.text = None
    assert etree.tostring(skeleton.root) == etree.tostring(whole)
    assert [payload.read() for payload in skeleton.payloads] == list(FILES)


# --- ids ---------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("attribute", ["Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}iD"])
def test_no_two_ids_are_equal(kind: str, attribute: str, read: Read) -> None:
    """Wherever the second one is set, a hub's own entry included."""
    for place, element in enumerate(tree(kind).iter()):
        if element.get("Id"):
            continue
        for identifier in PARTS[kind]:
            changed = tree(kind)
            list(changed.iter())[place].set(attribute, identifier)
            assert not believed(read, written(changed)), element.tag


# --- who ---------------------------------------------------------------------------------------------------------------


def body(*certificates: bytes) -> Body:
    return Body(
        organ_id=OrganId("Z79.VPTU"),
        name="Văn phòng Thành ủy",
        in_charge="",
        gateway=GatewayId("a.example"),
        status=BodyStatus.ACTIVE,
        successor=None,
        transport_certificates=certificates,
        seal_certificates=(),
    )


@BOTH
def test_the_certificate_is_the_registry_s_for_the_sender(kind: str, read: Read) -> None:
    reading = read(LETTERS[kind])
    check_signer(reading, body(LEAF.der))
    for other in (body(PKI.leaf("seal").der), body(), None):
        with pytest.raises(SenderError) as caught:
            check_signer(reading, other)
        assert caught.value.code == "envelope.signature"


def test_a_good_signature_of_a_stranger_is_not_trusted_even_where_the_registry_named_it(read: Read) -> None:
    stranger = Pki(name="Stranger").leaf("transport")
    reading = read(document(*FILES, leaf=stranger))
    assert reading.signature is not None
    assert reading.signature.indication is Indication.INDETERMINATE


# --- files of others -----------------------------------------------------------------------------------------------------


def whole_document_signature() -> bytes:
    """Really signed, as other makers' software does it: an enveloped signature over the whole file."""
    root = etree.fromstring(write_skeleton(DOCUMENT, ()))
    signer = XMLSigner(
        method=methods.enveloped, c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    )
    signature = signer.sign(root, key=LEAF.key, cert=[LEAF.certificate]).find(f"{{{DS}}}Signature")
    assert signature is not None
    one(root, "h:edXMLEnvelope/h:edXMLHeader").append(signature)
    return written(root)


def test_a_signature_over_the_whole_document_is_judged_for_what_it_is(read: Read) -> None:
    reading = read(whole_document_signature())
    assert reading.message == DOCUMENT
    assert reading.signature is not None
    assert (reading.signature.indication, reading.signature.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    assert reading.signature.covers == ""


@BOTH
def test_a_file_without_a_signature_is_unsigned(kind: str, read: Read) -> None:
    root = tree(kind)
    signature = signature_of(root)
    one(root, "h:edXMLEnvelope/h:edXMLHeader").remove(signature)
    reading = read(written(root))
    assert (reading.signature, reading.certificate) == (None, None)
    assert len(reading.files) == (len(FILES) if kind == "document" else 0)


REPAIRABLE = (
    b"1212" + LETTERS["document"],
    LETTERS["document"].replace(b"<edXML:Subject>", b"<edXML:Subject><!-- a -->"),
    LETTERS["document"].replace(b"<edXML:Subject>", b"<?a b?><edXML:Subject>"),
)


@pytest.mark.parametrize("data", REPAIRABLE)
async def test_what_had_to_be_repaired_is_never_better_than_indeterminate(
    data: bytes, read: Read, tmp_path: Path
) -> None:
    """The service takes no such file; who has one in hand is told what it says, and that no signature speaks of it."""
    with pytest.raises(SenderError) as caught:
        read(data)
    assert caught.value.code == "envelope.malformed"
    path = tmp_path / "repaired.edxml"
    path.write_bytes(data)
    records = ExchangeRecords(trust=PKI.trust, judge_all=True)
    report = await FileExamination(judge=InlineJudge(), records=records, clock=ManualClock(MOMENT)).examine(path)
    assert (report.indication, report.envelope, report.repaired) == (Indication.INDETERMINATE, None, True)
    assert [part.name for part in report.parts] == ["1.txt", "2.txt"]
