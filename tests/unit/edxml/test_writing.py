"""What we write: form, order, prefixes, and what is refused before it is written."""

import base64
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.core.free_texts import free_texts, with_texts
from gateway.core.ids import OrganId
from gateway.core.message import Code, Organ, SignerInfo, StaffInfo
from gateway.edxml import assemble, validate
from gateway.edxml import write_skeleton as edxml_skeleton
from gateway.safe_xml import QCVN, Element, parse_signed
from tests.unit.edxml.samples import DOCUMENT, FILES, STATUS, attachment, attachments, envelope, write_skeleton

VECTORS = Path(__file__).parents[3] / ".." / "shared" / "vectors" / "edxml-sdk"
DS = "http://www.w3.org/2000/09/xmldsig#"
EDXML = f"{{{QCVN}}}"


def document_tree() -> Element:
    return parse_signed(write_skeleton(DOCUMENT, attachments(*FILES)))


def names(element: Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


def find(root: Element, path: str) -> Element:
    found = root.find("/".join(EDXML + step for step in path.split("/")))
    assert found is not None
    return found


def test_the_same_message_becomes_the_same_bytes() -> None:
    assert write_skeleton(DOCUMENT, attachments(*FILES)) == write_skeleton(DOCUMENT, attachments(*FILES))


def test_utf_8_with_a_declaration_and_composed_as_given() -> None:
    data = write_skeleton(DOCUMENT, ())
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    assert "Văn phòng Thành ủy" in data.decode()


def test_root_has_the_default_namespace_and_the_envelope_declares_the_prefix() -> None:
    root = document_tree()
    assert (root.tag, root.prefix, root.nsmap) == (f"{EDXML}edXML", None, {None: QCVN})
    assert root[0].nsmap == {None: QCVN, "edXML": QCVN}
    prefixes = {element.prefix for element in root[0].iter() if etree.QName(element).namespace == QCVN}
    assert prefixes == {"edXML"}


def test_the_signed_parts_carry_their_ids() -> None:
    ids = {etree.QName(element).localname: element.get("Id") for element in document_tree().iter() if element.get("Id")}
    assert ids == {"MessageHeader": "header", "Bussiness": "business", "edXMLBody": "body"}
    status = parse_signed(write_skeleton(STATUS, ()))
    assert [etree.QName(element).localname for element in status.iter() if element.get("Id")] == ["MessageHeader"]


def test_a_document_stands_in_the_order_of_the_vendor() -> None:
    header = find(document_tree(), "edXMLEnvelope/edXMLHeader")
    assert names(header) == ["MessageHeader", "TraceHeaderList"]
    assert names(header[0]) == [
        *("From", "To", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content"),
        *("SignerInfo", "OtherInfo", "ResponseFor", "ResponseFor"),
    ]
    assert names(header[1]) == ["Bussiness", "TraceHeader"]
    texts = [child.text for child in header[1].iter() if child.text and child.text.strip()]
    assert texts == ["0", "Văn bản điện tử mới", "0", "Z79.VPTU", "2026/11/21 00:30:05"]


def shape(element: Element) -> dict[str, list[str]]:
    """For every block its children's names in order, without repetitions."""
    blocks: dict[str, list[str]] = {}
    for block in element.iter():
        if len(block):
            blocks.setdefault(etree.QName(block).localname, list(dict.fromkeys(names(block))))
    return blocks


def is_subsequence(ours: list[str], theirs: list[str]) -> bool:
    rest: Iterator[str] = iter(theirs)
    return all(name in rest for name in ours)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are absent")
@pytest.mark.parametrize(("vector", "kind"), [("built-edoc", "document"), ("built-status", "status")])
def test_every_block_agrees_with_a_file_by_the_vendors_software(vector: str, kind: str) -> None:
    theirs = shape(parse_signed((VECTORS / f"{vector}.edxml").read_bytes()))
    data = envelope() if kind == "document" else write_skeleton(STATUS, ())
    for block, children in shape(parse_signed(data)).items():
        known = [name for name in children if name not in {"DigestMethod", "DigestValue"}]
        assert is_subsequence(known, theirs[block]), block


def test_a_status_message_has_a_header_and_nothing_else() -> None:
    root = parse_signed(write_skeleton(STATUS, ()))
    envelope_element = find(root, "edXMLEnvelope")
    assert (names(root), names(envelope_element), names(envelope_element[0])) == (
        ["edXMLEnvelope"],
        ["edXMLHeader"],
        ["MessageHeader"],
    )
    header = envelope_element[0][0]
    assert names(header) == ["From", "ResponseFor", "StaffInfo", "StatusCode", "Description", "Timestamp"]
    assert (header[3].text, header[5].text) == ("02", "2026/11/21 08:02:03")


def test_empty_optional_fields_are_left_out() -> None:
    bare = replace(
        DOCUMENT,
        content="",
        signer=SignerInfo(),
        page_amount=None,
        response_for=(),
        promulgation_place="",
        type_name="",
    )
    root = parse_signed(write_skeleton(bare, ()))
    written = {etree.QName(element).localname for element in root.iter()}
    assert not written & {"Content", "SignerInfo", "PageAmount", "ResponseFor", "Place", "TypeName"}
    assert all(element.text or len(element) for element in root.iter() if "Manifest" not in element.tag)


def test_the_manifest_binds_each_file_by_its_sha_256() -> None:
    manifest = find(document_tree(), "edXMLEnvelope/edXMLBody/edXMLManifest")
    assert manifest.get("version") == "1.0"
    assert len(manifest) == len(FILES)
    for position, (reference, data) in enumerate(zip(manifest, FILES, strict=True), 1):
        assert names(reference) == ["ContentId", "ContentType", "AttachmentName", "DigestMethod", "DigestValue"]
        assert reference[0].text == f"cid:file-{position}"
        assert reference[3].tag == f"{{{DS}}}DigestMethod"
        assert reference[3].get("Algorithm") == "http://www.w3.org/2001/04/xmlenc#sha256"
        assert base64.b64decode(reference[4].text or "") == sha256(data).digest()


# --- assembly --------------------------------------------------------------------------------------------------------


def test_the_splice_touches_nothing_of_the_skeleton() -> None:
    skeleton = write_skeleton(DOCUMENT, attachments(*FILES))
    whole = envelope()
    head, tail = skeleton[: skeleton.rindex(b"</edXML>")], skeleton[skeleton.rindex(b"</edXML>") :]
    assert whole.startswith(head)
    assert whole.endswith(tail)
    signed = find(parse_signed(skeleton), "edXMLEnvelope")
    assert etree.tostring(find(parse_signed(whole), "edXMLEnvelope"), method="c14n") == etree.tostring(
        signed, method="c14n"
    )


def test_attachments_look_as_the_vendor_writes_them() -> None:
    encoded = find(parse_signed(envelope()), "AttachmentEncoded")
    assert (encoded.prefix, len(encoded)) == (None, len(FILES))
    for position, (element, data) in enumerate(zip(encoded, FILES, strict=True), 1):
        assert names(element) == ["ContentId", "AttachmentName", "ContentType", "ContentTransferEncoded"]
        assert [child.prefix for child in element] == [None, None, None, "edXML"]
        assert [child.text for child in element][:2] == [f"cid:file-{position}", f"Văn bản {position} <&>.pdf"]
        assert (element[3].text or "").encode() == base64.b64encode(data)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 1000])
def test_any_cut_into_chunks_gives_the_same_base64(step: int) -> None:
    data = bytes(range(256)) * 3
    part = attachment(1, data)
    skeleton = write_skeleton(DOCUMENT, [part])
    chunks = [data[start : start + step] for start in range(0, len(data), step)]
    assert b"".join(assemble(skeleton, [(part, [b"", *chunks, b""])])) == envelope(files=[data])


def test_a_message_without_files_is_its_skeleton() -> None:
    skeleton = write_skeleton(STATUS, ())
    assert b"".join(assemble(skeleton, ())) == skeleton


def test_a_signature_with_a_closing_tag_of_another_name_does_not_confuse_the_splice() -> None:
    skeleton = write_skeleton(DOCUMENT, attachments(b"x")).replace(
        b"</edXML:edXMLHeader>", b"<S>&lt;/edXML></S></edXML:edXMLHeader>"
    )
    part = attachment(1, b"x")
    root = parse_signed(b"".join(assemble(skeleton, [(part, [b"x"])])))
    assert names(root) == ["edXMLEnvelope", "AttachmentEncoded"]


def test_a_file_that_changed_under_our_hands_is_not_sent() -> None:
    part = attachment(1, b"what was judged")
    with pytest.raises(SiteError, match=r"blob\.damaged"):
        list(assemble(write_skeleton(DOCUMENT, [part]), [(part, [b"what is there now"])]))


@pytest.mark.parametrize("skeleton", [b"", b"<a/>", b"<edXML/>", b"<edXML></edXML>more"])
def test_what_is_no_skeleton_of_ours_is_our_own_mistake(skeleton: bytes) -> None:
    with pytest.raises(AssertionError):
        list(assemble(skeleton, ()))


# --- validation ------------------------------------------------------------------------------------------------------


def test_the_samples_can_be_written() -> None:
    assert validate(DOCUMENT, attachments(*FILES)) == ()
    assert validate(STATUS) == ()


def organ(**changes: str) -> dict[str, Any]:
    return {"sender": replace(DOCUMENT.sender, **changes)}


INVALID: dict[str, tuple[dict[str, Any], str, str]] = {
    "no sender": (organ(organ_id=""), "sender.organ_id", "required"),
    "a sender too long": (organ(organ_id="Z79." + "A" * 32), "sender.organ_id", "length"),
    "a name too long": (organ(name="x" * 201), "sender.name", "length"),
    "a control character": (organ(address="a\x0bb"), "sender.address", "character"),
    "no recipient": ({"recipients": ()}, "recipients", "required"),
    "a recipient twice": (
        {"recipients": (Organ(organ_id=OrganId("H29")), Organ(organ_id=OrganId("H29")))},
        "recipients[1].organ_id",
        "duplicate",
    ),
    "too many recipients": (
        {"recipients": tuple(Organ(organ_id=OrganId(f"H29.{n}")) for n in range(limits.RECIPIENTS_MAX + 1))},
        "recipients",
        "count",
    ),
    "no document id": ({"document_id": " "}, "document_id", "required"),
    "no number": ({"code": Code(number="", notation="CV")}, "code.number", "required"),
    "a number too long": ({"code": Code(number="1" * 12, notation="CV")}, "code.number", "length"),
    "no notation": ({"code": Code(number="1", notation="\t")}, "code.notation", "required"),
    "a place too long": ({"promulgation_place": "x" * 51}, "promulgation_place", "length"),
    "no date": ({"promulgation_date": None}, "promulgation_date", "required"),
    "the day after tomorrow": ({"promulgation_date": date(2026, 11, 23)}, "promulgation_date", "future"),
    "the last day there is": ({"promulgation_date": date(9999, 12, 31)}, "promulgation_date", "future"),
    "the first day there is": ({"promulgation_date": date(1, 1, 1)}, "promulgation_date", "past"),
    "a number of two parts": ({"code": Code(number="1/2", notation="CV")}, "code.number", "value"),
    "a notation of two words": ({"code": Code(number="1", notation="C V")}, "code.notation", "value"),
    "a subject in two lines": ({"subject": "a\nb"}, "subject", "character"),
    "a subject that turns around": ({"subject": "a\u202eb"}, "subject", "character"),
    "a subject nobody sees": ({"subject": "\u3164\u2800"}, "subject", "required"),
    "a place with a filler": ({"promulgation_place": "a\u115fb"}, "promulgation_place", "character"),
    "a return in running text": ({"content": "a\rb"}, "content", "character"),
    "an answered id in two lines": (
        {"response_for": (replace(DOCUMENT.response_for[0], document_id="H29,\n1"),)},
        "response_for[0].document_id",
        "character",
    ),
    "a type nobody has": ({"document_type": 18}, "document_type", "value"),
    "no type detail": ({"type_detail": -1}, "type_detail", "value"),
    "no subject": ({"subject": ""}, "subject", "required"),
    "a subject too long": ({"subject": "x" * 501}, "subject", "length"),
    "a lone surrogate": ({"subject": "a\ud800"}, "subject", "character"),
    "a noncharacter": ({"content": "a\ufffe"}, "content", "character"),
    "a full name too long": ({"signer": SignerInfo(full_name="x" * 51)}, "signer.full_name", "length"),
    "pages beyond the format": ({"page_amount": 65_536}, "page_amount", "value"),
    "an answer to nothing": (
        {"response_for": (replace(DOCUMENT.response_for[0], document_id=""),)},
        "response_for[0].document_id",
        "required",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_field_that_breaks_the_regulation_is_named(case: str) -> None:
    changes, path, code = INVALID[case]
    message = replace(DOCUMENT, **changes)
    assert [(violation.path, violation.code) for violation in validate(message)] == [(path, code)]
    with pytest.raises(SenderError) as caught:
        write_skeleton(message, ())
    assert caught.value.code == "request.field"
    assert caught.value.params["field"] == f"{path}: {code}"


def test_today_in_vietnam_is_not_the_future() -> None:
    # 20 November 17:30 UTC is the 21st in Vietnam; one day more is for clocks that differ.
    for day in (21, 22):
        assert validate(replace(DOCUMENT, promulgation_date=date(2026, 11, day))) == ()


def test_running_text_has_lines() -> None:
    assert validate(replace(DOCUMENT, content="a\n\tb")) == ()
    assert validate(replace(STATUS, description="a\n\tb")) == ()


def test_an_answer_gives_a_stranger_s_document_id_back_as_it_came() -> None:
    """What arrived with an odd name can be answered all the same: the sender knows it by no other."""
    answered = replace(STATUS.response_for, document_id="H29,\u200b2026/11/21,1/CV")
    assert validate(replace(STATUS, response_for=answered)) == ()
    unwritable = replace(STATUS.response_for, document_id="a\x01")
    assert [one.path for one in validate(replace(STATUS, response_for=unwritable))] == ["response_for.document_id"]


def test_everything_is_said_at_once() -> None:
    message = replace(DOCUMENT, subject="", content="\x00", code=Code(number="1" * 12, notation=""))
    found = {(violation.path, violation.code): dict(violation.params) for violation in validate(message)}
    assert found == {
        ("code.number", "length"): {"limit": 11, "actual": 12},
        ("code.notation", "required"): {},
        ("subject", "required"): {},
        ("content", "character"): {"codepoint": "U+0000"},
    }


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"description": "x" * 501}, "description"),
        ({"description": "\x1b"}, "description"),
        ({"staff": StaffInfo(staff="\x00")}, "staff.staff"),
        ({"response_for": replace(STATUS.response_for, organ_id=OrganId(""))}, "response_for.organ_id"),
    ],
)
def test_a_status_message_is_checked_too(changes: dict[str, Any], path: str) -> None:
    assert [violation.path for violation in validate(replace(STATUS, **changes))] == [path]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "required"),
        ("a\x00.pdf", "character"),
        ("x" * 501, "length"),
        ("\ud83d.pdf", "character"),
        ("../a.pdf", "value"),
        ("a.pdf\u200f", "character"),
        ("a\u202efdp.exe", "character"),
        ("..", "value"),
    ],
)
def test_the_name_of_a_file_is_checked_too(name: str, code: str) -> None:
    part = replace(attachment(1, b"x"), name=name)
    assert [(one.path, one.code) for one in validate(DOCUMENT, [part])] == [("attachments[0].name", code)]
    with pytest.raises(SenderError, match=r"attachments\[0\]\.name"):
        write_skeleton(DOCUMENT, [part])


@pytest.mark.parametrize(
    ("content_type", "code"),
    [("", "required"), ("pdf", "value"), ("text/html\u2028", "character"), ("a/b; c=d", "value")],
)
def test_the_type_of_a_file_is_checked_too(content_type: str, code: str) -> None:
    part = replace(attachment(1, b"x"), content_type=content_type)
    assert [(one.path, one.code) for one in validate(DOCUMENT, [part])] == [("attachments[0].content_type", code)]
    with pytest.raises(SenderError, match=r"attachments\[0\]\.content_type"):
        write_skeleton(DOCUMENT, [part])


def test_every_text_field_is_guarded_against_characters_xml_forbids() -> None:
    """Whatever text is added to the model one day: `write_skeleton` never makes a file that no parser takes."""
    for field in ("document_id", "promulgation_place", "type_name", "subject", "content"):
        assert [one.path for one in validate(replace(DOCUMENT, **{field: "a\x01"}))] == [field]
    for field in ("name", "in_charge", "address", "email", "telephone", "fax", "website", "organ_id"):
        assert [one.path for one in validate(replace(DOCUMENT, **organ(**{field: "a\x01"})))] == [f"sender.{field}"]
    for field in ("competence", "position", "full_name"):
        assert [one.path for one in validate(replace(DOCUMENT, signer=SignerInfo(**{field: "\x01"})))] == [
            f"signer.{field}"
        ]


@pytest.mark.parametrize("message", [DOCUMENT, STATUS], ids=["document", "status"])
def test_a_mark_of_secrecy_is_refused_wherever_it_stands(message: Any) -> None:
    for path, text in free_texts(message):
        marked = with_texts(message, lambda at, said, here=path: "Tuyệt mật" if at == here else said)
        found = [one for one in validate(marked) if one.code == "secrecy"]
        assert [(one.path, one.params) for one in found] == [(path, {"mark": "Tuyệt mật"})], text
        with pytest.raises(SenderError) as refusal:
            edxml_skeleton(marked, ())
        assert f"{path}: secrecy" in str(refusal.value.params["field"])
    assert not [one for one in validate(message) if one.code == "secrecy"]


def test_what_a_stranger_writes_of_a_body_is_not_kept() -> None:
    """Blocks are remembered, for the registry's come with each document; one of a megabyte, in a file of somebody's, is not."""
    kept: list[str] = []
    tracemalloc.start()
    try:
        for number in range(10):
            organ = Organ(organ_id=OrganId(f"Z79.{number}"), address=f"{number} Phố Mật".ljust(1_000_000))
            kept += [one.code for one in validate(replace(DOCUMENT, recipients=(organ,)))]
            del organ
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) >= 10
    assert size < 1_000_000
