"""What we read: tolerant where senders differ, closed where readers could differ."""

import base64
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.ids import OrganId
from gateway.core.message import Code, DocumentMessage, Organ, Priority, SignerInfo, StatusMessage
from gateway.core.plain_text import first_unseen, is_blank
from gateway.core.states import BusinessStatus, MessageKind
from gateway.edxml import Reading, read_message
from gateway.safe_xml import EXCHANGE, QCVN, Element, read_skeleton
from tests.unit.edxml.samples import DOCUMENT, FILES, STATUS, envelope, read, write_skeleton

VECTORS = Path(__file__).parents[3] / ".." / "shared" / "vectors" / "edxml-sdk"
DS = "http://www.w3.org/2000/09/xmldsig#"


def document(reading: Reading) -> DocumentMessage:
    assert isinstance(reading.message, DocumentMessage)
    return reading.message


# --- there and back --------------------------------------------------------------------------------------------------


def test_a_document_comes_back_as_it_was_written() -> None:
    reading = read(envelope())
    assert (reading.kind, reading.message) == (MessageKind.DOCUMENT, DOCUMENT)
    assert [(file.position, file.payload.read(), file.bound) for file in reading.attachments] == [
        (position, data, True) for position, data in enumerate(FILES, 1)
    ]
    assert [(file.name, file.content_type) for file in reading.attachments] == [
        (f"Văn bản {position} <&>.pdf", "application/pdf") for position in (1, 2, 3)
    ]
    assert [(file.digest, file.size) for file in reading.attachments] == [
        (sha256(data).hexdigest(), len(data)) for data in FILES
    ]
    assert reading.all_bound


def test_a_status_message_comes_back_as_it_was_written() -> None:
    reading = read(write_skeleton(STATUS, ()))
    assert (reading.kind, reading.message, reading.attachments) == (MessageKind.STATUS, STATUS, ())


plain = st.characters(exclude_categories=["C", "Zl", "Zp"]).filter(lambda letter: first_unseen(letter) is None)
text = st.text(plain, max_size=50).map(lambda value: value.strip(" "))
running = st.text(plain | st.sampled_from("\t\n"), max_size=50).map(lambda value: value.strip(" \t\n"))
required = text.filter(lambda value: not is_blank(value))
organs = st.builds(
    Organ, organ_id=required.map(lambda value: OrganId(value[:35].strip(" \t\r\n"))), name=text, address=text
)


@settings(max_examples=60)
@given(
    st.builds(
        replace,
        st.just(DOCUMENT),
        sender=organs,
        recipients=st.lists(organs, min_size=1, max_size=4, unique_by=lambda one: one.organ_id).map(tuple),
        subject=required,
        content=running,
        promulgation_place=text,
        signer=st.builds(SignerInfo, position=text),
        priority=st.sampled_from(Priority),
        page_amount=st.none() | st.integers(0, 65_535),
        promulgation_date=st.dates(date(1930, 1, 1), date(2026, 11, 21)),
    ),
    st.lists(st.binary(max_size=100), max_size=3),
)
def test_any_message_that_can_be_written_comes_back(message: DocumentMessage, files: list[bytes]) -> None:
    reading = read(envelope(message, files))
    assert reading.message == message
    assert [file.payload.read() for file in reading.attachments] == files


def test_a_reading_and_its_errors_can_travel_between_processes() -> None:
    reading = read(envelope())
    assert pickle.loads(pickle.dumps(reading)) == reading


# --- files by the vendor's software ----------------------------------------------------------------------------------


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are absent")
def test_a_document_by_the_vendors_software_is_read() -> None:
    reading = read((VECTORS / "built-edoc.edxml").read_bytes())
    message = document(reading)
    assert (message.sender.organ_id, message.sender.website) == ("H29.1.1", "w")
    assert [(one.organ_id, one.name) for one in message.recipients] == [("H29.1.2", "UBND B")]
    assert (message.document_id, message.code.text()) == ("H29.1.1,2025/07/01,12/CV-UBND", "12/CV-UBND")
    assert (message.document_type, message.type_detail, message.type_name) == (18, 0, "Công văn")
    assert (message.promulgation_place, message.promulgation_date) == ("TP.HCM", date(2026, 11, 21))
    assert (message.signer.full_name, message.page_amount, message.priority) == ("Nguyễn A", 2, Priority.NORMAL)
    assert message.response_for[0].code == "1/X"
    assert message.created_at == datetime(2026, 11, 21, 12, 10, 37, tzinfo=UTC)
    assert [(file.name, file.content_type, file.payload.read()[:4]) for file in reading.attachments] == [
        ("a.pdf", "application/pdf", b"%PDF"),
        ("b.txt", "application/zip", b"PK\x03\x04"),
        ("c.xlsx", "application/zip", b"PK\x03\x04"),
    ]
    assert not reading.all_bound


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are absent")
def test_a_status_message_by_the_vendors_software_is_read() -> None:
    message = read((VECTORS / "built-status.edxml").read_bytes()).message
    assert isinstance(message, StatusMessage)
    assert (message.sender.organ_id, message.response_for.organ_id) == ("H29.1.2", "H29.1.1")
    assert (message.status, message.description, message.staff and message.staff.staff) == (
        BusinessStatus.ARRIVED,
        "Đã đến",
        "Nguyen",
    )
    assert message.timestamp == datetime(2026, 11, 21, 12, 10, 38, tzinfo=UTC)


# --- tolerance -------------------------------------------------------------------------------------------------------


def changed(data: bytes, change: Callable[[Element], object]) -> bytes:
    """The envelope after a change to its tree."""
    root = etree.fromstring(data)
    change(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def at(root: Element, name: str, index: int = 0) -> Element:
    return list(root.iter(f"{{{QCVN}}}{name}"))[index]


def drop(element: Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def rename(element: Element, name: str) -> None:
    element.tag = f"{{{QCVN}}}{name}"


def add(parent: Element, name: str, text: str = "", *, namespace: str = QCVN, index: int = 0) -> None:
    child = etree.Element(f"{{{namespace}}}{name}")
    child.text = text
    parent.insert(index, child)


def set_text(element: Element, text: str) -> None:
    element.text = text


def reverse(element: Element) -> None:
    element[:] = list(element)[::-1]


def test_the_order_of_elements_does_not_matter() -> None:
    def turn(root: Element) -> None:
        for name in (
            "MessageHeader",
            "From",
            "Code",
            "PromulgationInfo",
            "OtherInfo",
            "TraceHeaderList",
            "edXMLHeader",
        ):
            reverse(at(root, name))
        for name in ("Reference", "Attachment"):
            for element in list(root.iter(f"{{{QCVN}}}{name}")):
                reverse(element)
        reverse(at(root, "AttachmentEncoded"))
        reverse(root)

    reading = read(changed(envelope(), turn))
    expected = replace(DOCUMENT, recipients=DOCUMENT.recipients[::-1], response_for=DOCUMENT.response_for[::-1])
    assert reading.message == expected
    assert [file.payload.read() for file in reading.attachments] == list(FILES)


TOLERATED: dict[str, Callable[[Element], object]] = {
    "an unknown element": lambda root: add(at(root, "MessageHeader"), "SteeringType"),
    "an unknown element of another namespace": lambda root: add(at(root, "From"), "Token", "x", namespace="urn:x"),
    "a signature": lambda root: add(at(root, "edXMLHeader"), "Signature", namespace=DS, index=2),
    "Business spelt right": lambda root: (
        rename(at(root, "Bussiness"), "Business"),
        rename(at(root, "BussinessDocType"), "BusinessDocType"),
    ),
    "Manifest for edXMLManifest": lambda root: rename(at(root, "edXMLManifest"), "Manifest"),
    "white space around texts": lambda root: [
        set_text(element, f"\n\t {element.text} ")
        for element in root.iter()
        if element.text and len(element) == 0 and etree.QName(element).localname != "Content"
    ],
    "cid: only in the manifest": lambda root: [
        set_text(element, (element.text or "").removeprefix("cid:"))
        for attachment in root.iter(f"{{{QCVN}}}Attachment")
        for element in attachment.iter(f"{{{QCVN}}}ContentId")
    ],
    "cid: twice": lambda root: [
        set_text(element, f"cid:{element.text}") for element in root.iter(f"{{{QCVN}}}ContentId")
    ],
    "an empty ResponseFor": lambda root: add(at(root, "MessageHeader"), "ResponseFor"),
    "base64 in lines": lambda root: set_text(
        at(root, "ContentTransferEncoded"), base64.encodebytes(FILES[0]).decode().replace("\n", "\r\n  ")
    ),
    "the attachments without namespace": lambda root: [
        setattr(element, "tag", etree.QName(element).localname)
        for element in list(at(root, "AttachmentEncoded").iter())
        if etree.QName(element).localname != "ContentTransferEncoded"
    ],
}


@pytest.mark.parametrize("case", TOLERATED)
def test_a_harmless_difference_changes_nothing(case: str) -> None:
    reading = read(changed(envelope(), TOLERATED[case]))
    assert reading.message == DOCUMENT
    assert [file.payload.read() for file in reading.attachments] == list(FILES)


def test_a_poor_document_is_read_with_defaults() -> None:
    def strip(root: Element) -> None:
        for name in ("Code", "DocumentType", "SignerInfo", "OtherInfo", "TraceHeaderList", "edXMLBody", "Subject"):
            drop(at(root, name))
        drop(at(root, "AttachmentEncoded"))

    message = document(read(changed(envelope(), strip)))
    assert (message.code, message.signer, message.subject) == (Code(number="", notation=""), SignerInfo(), "")
    assert (message.document_type, message.type_detail, message.priority, message.page_amount) == (2, -1, 0, None)
    assert message.created_at == datetime(2026, 11, 19, 17, 0, tzinfo=UTC)  # the day of promulgation in Vietnam


@pytest.mark.parametrize("value", ["", "x", "9", "-1", "1e3", "９", "1" * 400])
def test_an_odd_number_falls_back_to_its_default(value: str) -> None:
    message = document(read(changed(envelope(), lambda root: set_text(at(root, "Priority"), value))))
    assert message.priority is Priority.NORMAL


@pytest.mark.parametrize("value", ["", "2014/02/30", "2026-11-20", "20/11/2026", "0000/01/01", "2026/11/20 08:00:00"])
def test_an_impossible_date_is_no_date(value: str) -> None:
    message = document(read(changed(envelope(), lambda root: set_text(at(root, "PromulgationDate"), value))))
    assert message.promulgation_date is None


@pytest.mark.parametrize(("text", "status"), [("1", "01"), ("01", "01"), ("3", "03"), ("13", "13"), (" 02 ", "02")])
def test_a_status_code_is_read_with_one_digit_or_two(text: str, status: str) -> None:
    data = changed(write_skeleton(STATUS, ()), lambda root: set_text(at(root, "StatusCode"), text))
    message = read(data).message
    assert isinstance(message, StatusMessage)
    assert message.status == status


# --- refusals --------------------------------------------------------------------------------------------------------


def refusal(data: bytes) -> tuple[str, str, object]:
    with pytest.raises(SenderError) as caught:
        read(data)
    error = pickle.loads(pickle.dumps(caught.value))
    return error.code, str(error.params.get("reason", "")), error.params.get("element")


def second(name: str, *, namespace: str = QCVN) -> Callable[[Element], object]:
    """A second element of that name beside the first, in front of it."""

    def change(root: Element) -> None:
        first = at(root, name)
        parent = first.getparent()
        assert parent is not None
        copy = etree.fromstring(etree.tostring(first))
        copy.tag = f"{{{namespace}}}{name}"
        parent.insert(0, copy)

    return change


MALFORMED: dict[str, tuple[Callable[[Element], object], str, str]] = {
    "no envelope": (lambda root: drop(at(root, "edXMLEnvelope")), "missing", "edXMLEnvelope"),
    "an envelope of another namespace": (
        lambda root: setattr(at(root, "edXMLEnvelope"), "tag", "{http://www.go.vn/eDoc}edXMLEnvelope"),
        "namespace",
        "edXMLEnvelope",
    ),
    "no header": (lambda root: drop(at(root, "edXMLHeader")), "missing", "edXMLHeader"),
    "no message header": (lambda root: drop(at(root, "MessageHeader")), "missing", "MessageHeader"),
    "no sender": (lambda root: drop(at(root, "From")), "missing", "From"),
    "a sender without a code": (lambda root: set_text(at(root, "OrganId"), " "), "missing", "OrganId"),
    "a code too long": (lambda root: set_text(at(root, "OrganId"), "H" * 36), "length", "OrganId"),
    "no recipient": (lambda root: [drop(at(root, "To")) for _ in range(2)], "missing", "To"),
    "a recipient twice": (second("To"), "duplicate", "To"),
    "too many recipients": (
        lambda root: [add(at(root, "MessageHeader"), "To") for _ in range(limits.RECIPIENTS_MAX + 1)],
        "count",
        "To",
    ),
    "no document id": (lambda root: set_text(at(root, "DocumentId"), ""), "missing", "DocumentId"),
    "a document id too long": (lambda root: set_text(at(root, "DocumentId"), "x" * 201), "length", "DocumentId"),
    "a subject without end": (lambda root: set_text(at(root, "Subject"), "x" * 4_001), "length", "Subject"),
    "an element inside a text": (lambda root: add(at(root, "Subject"), "b"), "mixed", "Subject"),
    "no time at all": (
        lambda root: (drop(at(root, "TraceHeader")), drop(at(root, "PromulgationInfo"))),
        "missing",
        "TraceHeader",
    ),
    "a business that nobody knows": (
        lambda root: set_text(at(root, "BussinessDocType"), "4"),
        "value",
        "BussinessDocType",
    ),
    "a business that is no number": (
        lambda root: set_text(at(root, "BussinessDocType"), "x"),
        "value",
        "BussinessDocType",
    ),
    "both kinds in one": (lambda root: add(at(root, "MessageHeader"), "StatusCode", "01"), "kind", "StatusCode"),
    "a digest that is none": (
        lambda root: set_text(next(iter(root.iter(f"{{{DS}}}DigestValue"))), "AAAA"),
        "value",
        "DigestValue",
    ),
    "a digest that is no base64": (
        lambda root: set_text(next(iter(root.iter(f"{{{DS}}}DigestValue"))), "%%%%"),
        "value",
        "DigestValue",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_cannot_be_read_in_one_way_only_is_refused(case: str) -> None:
    change, reason, element = MALFORMED[case]
    assert refusal(changed(envelope(), change)) == ("envelope.malformed", reason, element)


@pytest.mark.parametrize("namespace", [QCVN, "urn:evil"])
@pytest.mark.parametrize(
    "name",
    [
        *(
            "edXMLEnvelope",
            "edXMLHeader",
            "MessageHeader",
            "TraceHeaderList",
            "Bussiness",
            "edXMLBody",
            "edXMLManifest",
        ),
        *("From", "DocumentId", "Code", "CodeNumber", "Subject", "PromulgationInfo", "OtherInfo", "AttachmentEncoded"),
    ],
)
def test_a_second_element_where_one_belongs_is_refused_in_whatever_namespace(name: str, namespace: str) -> None:
    assert refusal(changed(envelope(), second(name, namespace=namespace))) == ("envelope.malformed", "duplicate", name)


def test_both_spellings_of_business_at_once_are_refused() -> None:
    data = changed(envelope(), lambda root: add(at(root, "TraceHeaderList"), "Business"))
    assert refusal(data) == ("envelope.malformed", "duplicate", "Bussiness")


ATTACHMENTS: dict[str, tuple[Callable[[Element], object], str]] = {
    "one missing": (lambda root: drop(at(root, "Attachment", 1)), "missing"),
    "all missing": (lambda root: drop(at(root, "AttachmentEncoded")), "missing"),
    "one extra": (lambda root: drop(at(root, "Reference", 1)), "extra"),
    "no manifest": (lambda root: drop(at(root, "edXMLBody")), "extra"),
    "one twice": (second("Attachment"), "duplicate"),
    "a reference twice": (second("Reference"), "duplicate"),
    "swapped": (
        lambda root: (
            set_text(at(root, "ContentTransferEncoded", 0), base64.b64encode(FILES[1]).decode()),
            set_text(at(root, "ContentTransferEncoded", 1), base64.b64encode(FILES[0]).decode()),
        ),
        "digest",
    ),
    "changed": (
        lambda root: set_text(at(root, "ContentTransferEncoded"), base64.b64encode(FILES[0] + b"\n").decode()),
        "digest",
    ),
    "renamed": (lambda root: set_text(at(root, "AttachmentName", 3), "lệnh.exe"), "label"),
    "of another type": (lambda root: set_text(at(root, "ContentType", 3), "text/html"), "label"),
    "no payload": (lambda root: drop(at(root, "ContentTransferEncoded")), "empty"),
    "a payload outside": (lambda root: add(root, "ContentTransferEncoded", "QUJD"), "extra"),
    "a payload in the header": (lambda root: add(at(root, "MessageHeader"), "ContentTransferEncoded"), "extra"),
    "junk in base64": (lambda root: set_text(at(root, "ContentTransferEncoded"), "QUJ*D"), "base64"),
    "letters beyond ASCII": (lambda root: set_text(at(root, "ContentTransferEncoded"), "QUJĐ"), "base64"),
    "base64 cut short": (lambda root: set_text(at(root, "ContentTransferEncoded"), "QUJDR"), "base64"),
    "padding in the middle": (lambda root: set_text(at(root, "ContentTransferEncoded"), "QQ==QUJD"), "base64"),
    "a digest by SHA-1": (
        lambda root: next(iter(root.iter(f"{{{DS}}}DigestMethod"))).set("Algorithm", f"{DS}sha1"),
        "digest_method",
    ),
    "a digest without a method": (
        lambda root: drop(next(iter(root.iter(f"{{{DS}}}DigestMethod")))),
        "digest_method",
    ),
}


@pytest.mark.parametrize("case", ATTACHMENTS)
def test_files_that_are_not_those_of_the_manifest_are_refused(case: str) -> None:
    change, reason = ATTACHMENTS[case]
    assert refusal(changed(envelope(), change))[:2] == ("envelope.attachments", reason)


def label(name: str, text: str) -> Callable[[Element], object]:
    """The first file's name or type, changed in the manifest and in the attachment alike."""

    def change(root: Element) -> None:
        for block in ("Reference", "Attachment"):
            set_text(next(iter(at(root, block).iter(f"{{{QCVN}}}{name}"))), text)

    return change


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("AttachmentName", "../../\u202eexe.fdp", "name"),
        ("AttachmentName", "..", "name"),
        ("AttachmentName", "C:a.exe", "name"),
        ("AttachmentName", "a.pdf\u200f", "name"),
        ("AttachmentName", "a\u2028.pdf", "name"),
        ("AttachmentName", "a\tb.pdf", "name"),
        ("AttachmentName", "a\u200b.pdf", "name"),
        ("AttachmentName", "", "name"),
        ("ContentType", "text/html\u2028x", "type"),
        ("ContentType", "text/html\nX-A: b", "type"),
        ("ContentType", "pdf", "type"),
    ],
)
@pytest.mark.parametrize("bound", [True, False])
def test_a_name_that_is_a_path_or_hides_something_is_refused(name: str, text: str, reason: str, *, bound: bool) -> None:
    def change(root: Element) -> None:
        label(name, text)(root)
        if not bound:
            for element in list(root.iter(f"{{{DS}}}DigestMethod", f"{{{DS}}}DigestValue")):
                drop(element)

    assert refusal(changed(envelope(), change))[:2] == ("envelope.attachments", reason)


def test_the_longest_name_of_the_regulation_is_read() -> None:
    name = "x" * limits.ATTACHMENT_NAME_CHARS_MAX
    assert read(changed(envelope(), label("AttachmentName", name))).attachments[0].name == name


def test_a_file_without_a_type_is_read() -> None:
    assert read(changed(envelope(), label("ContentType", ""))).attachments[0].content_type == ""


def test_a_manifest_without_digests_is_read_and_said_to_bind_nothing() -> None:
    def strip(root: Element) -> None:
        for element in list(root.iter(f"{{{DS}}}DigestMethod", f"{{{DS}}}DigestValue")):
            drop(element)

    reading = read(changed(envelope(), strip))
    assert not reading.all_bound
    assert {file.bound for file in reading.attachments} == {False}


def test_one_file_without_a_digest_unbinds_the_whole() -> None:
    def strip(root: Element) -> None:
        for name in ("DigestMethod", "DigestValue"):
            drop(next(iter(root.iter(f"{{{DS}}}{name}"))))

    reading = read(changed(envelope(), strip))
    assert [file.bound for file in reading.attachments] == [False, True, True]
    assert not reading.all_bound


def test_a_status_message_carries_no_files() -> None:
    body = etree.tostring(at(etree.fromstring(envelope()), "edXMLBody"))
    files = etree.tostring(at(etree.fromstring(envelope()), "AttachmentEncoded"))

    def attach(root: Element) -> None:
        at(root, "edXMLEnvelope").append(etree.fromstring(body))
        root.append(etree.fromstring(files))

    assert refusal(changed(write_skeleton(STATUS, ()), attach))[:2] == ("envelope.attachments", "extra")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("StatusCode", "07", "value"),
        ("StatusCode", "", "missing"),
        ("StatusCode", "done", "value"),
        ("Timestamp", "hôm qua", "value"),
        ("Timestamp", "0001/01/01 00:00:00", "value"),
        ("Timestamp", "", "missing"),
    ],
)
def test_a_status_message_must_say_what_and_when(name: str, text: str, reason: str) -> None:
    data = changed(write_skeleton(STATUS, ()), lambda root: set_text(at(root, name), text))
    assert refusal(data) == ("envelope.malformed", reason, name)


def test_a_file_over_the_bound_is_refused() -> None:
    largest = max(map(len, FILES))
    assert read_message(read_skeleton([envelope()], caps=replace(EXCHANGE, payload_bytes=largest))).all_bound
    with pytest.raises(SenderError, match=r"size\.limit"):
        read_skeleton([envelope()], caps=replace(EXCHANGE, payload_bytes=largest - 1))


def test_all_files_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    total = sum(map(len, FILES))
    monkeypatch.setattr(limits, "DOCUMENT_BYTES_MAX", total)
    assert read(envelope()).all_bound
    monkeypatch.setattr(limits, "DOCUMENT_BYTES_MAX", total - 1)
    assert refusal(envelope())[0] == "size.limit"


def test_more_files_than_the_bound_are_refused() -> None:
    files = [str(n).encode() for n in range(limits.FILES_MAX)]
    assert len(read(envelope(files=files)).attachments) == limits.FILES_MAX
    data = changed(envelope(files=files), second("Reference"))
    assert refusal(data) == ("envelope.malformed", "count", "Reference")


@pytest.mark.parametrize("data", [b"<a/>", b"<edXML/>", f'<edXML xmlns="{QCVN}"/>'.encode()])
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    assert refusal(data) == ("envelope.malformed", "missing", "edXMLEnvelope")


def test_336_recipients_and_a_large_file_come_back() -> None:
    recipients = tuple(
        Organ(organ_id=OrganId(f"Z79.UB.{n:05}"), name=f"Ủy ban nhân dân Phường {n}") for n in range(336)
    )
    data = envelope(files=[bytes(1_000_000)], recipients=recipients)
    reading = read(data)
    assert document(reading).recipients == recipients
    assert reading.attachments[0].size == 1_000_000


@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_never_crashes_the_reader(data: st.DataObject) -> None:
    whole = bytearray(envelope(files=[b"abc"]))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position : position + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        reading = read(bytes(whole))
    except SenderError:
        return
    assert [file.payload.read() for file in reading.attachments] == [b"abc"]
