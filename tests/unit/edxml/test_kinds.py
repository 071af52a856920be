"""Every kind of document, field by field: what stands on the wire, what is read of others' ways, what is not written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.ids import OrganId
from gateway.core.message import (
    ORDINARY,
    Business,
    BusinessKind,
    DocumentChanges,
    DocumentMessage,
    Message,
    Organ,
    Receiver,
    ReceiverChange,
    Replacement,
    StaffInfo,
    StatusMessage,
    SteeringType,
    TraceHeader,
)
from gateway.edxml import Severity, validate
from gateway.safe_xml import QCVN, Element, parse_signed
from tests.unit.edxml.samples import (
    DOCUMENT,
    FULL,
    KINDS,
    OLD,
    REPLACEMENT,
    REVOCATION,
    STAFF,
    STATUS,
    UPDATE,
    envelope,
    read,
    write_skeleton,
)

VECTORS = Path(__file__).parents[3] / ".." / "shared" / "vectors" / "edxml-sdk"


def tree(message: Message) -> Element:
    return parse_signed(write_skeleton(message, ()))


def lines(element: Element) -> list[str]:
    """Names with texts, in order; a block by its name alone."""
    return [
        f"{etree.QName(one).localname}={one.text}" if len(one) == 0 else etree.QName(one).localname
        for one in element.iter()
        if one is not element
    ]


def at(root: Element, name: str, index: int = 0) -> Element:
    return list(root.iter(f"{{{QCVN}}}{name}"))[index]


def written(message: Message, change: Callable[[Element], object]) -> bytes:
    root = tree(message)
    change(root)
    return etree.tostring(root)


def put(root: Element, parent: str, xml: str, *, index: int = 0) -> None:
    """More elements in the first block of that name, in front."""
    fragment = etree.fromstring(f'<x xmlns="{QCVN}">{xml}</x>')
    for place, child in enumerate(fragment):
        at(root, parent).insert(index + place, child)


def drop(root: Element, name: str, index: int = 0) -> None:
    element = at(root, name, index)
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def say(root: Element, name: str, text: str, index: int = 0) -> None:
    at(root, name, index).text = text


def spell(root: Element, name: str) -> None:
    for element in list(root.iter(f"{{{QCVN}}}{name}")):
        element.tag = f"{{{QCVN}}}{name.replace('Buss', 'Bus')}"


def document(data: bytes) -> DocumentMessage:
    message = read(data).message
    assert isinstance(message, DocumentMessage)
    return message


def notes(data: bytes) -> list[tuple[str, str]]:
    found = read(data).findings
    assert {finding.severity for finding in found} <= {Severity.NOTE}
    return [(finding.code, finding.path) for finding in found]


# --- writing -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_without_a_finding(kind: str) -> None:
    reading = read(write_skeleton(KINDS[kind], ()))
    assert (reading.message, reading.findings) == (KINDS[kind], ())


def test_an_ordinary_document_has_the_bytes_it_always_had() -> None:
    business = at(tree(DOCUMENT), "TraceHeaderList")
    assert lines(business) == [
        *("Bussiness", "BussinessDocType=0", "BussinessDocReason=Văn bản điện tử mới", "Paper=0"),
        *("TraceHeader", "OrganId=Z79.VPTU", "Timestamp=2026/11/21 00:30:05"),
    ]


def test_every_field_stands_where_the_vendor_puts_it() -> None:
    header = at(tree(FULL), "MessageHeader")
    names = [etree.QName(child).localname for child in header]
    assert names[names.index("SignerInfo") :] == [
        *("SignerInfo", "DueDate", "OtherInfo", "ResponseFor", "ResponseFor", "SteeringType", "ResponseForTask"),
        *("ApplicationType", "ToPlaces"),
    ]
    assert lines(at(header, "OtherInfo")) == [
        *("Priority=2", "SphereOfPromulgation=Liên thông", "TyperNotation=TVC", "PromulgationAmount=2"),
        *("PageAmount=3", "ReplyFors=5/UBND-VP", "Direction=true", "ReferenceCodes=7/CV-VPTU"),
        *("Appendixes", "Appendix=Phụ lục 1", "Appendix=Phụ lục 2"),
    ]
    assert [at(header, name).text for name in ("DueDate", "SteeringType", "ApplicationType")] == [
        *("2026/12/01", "2", "QLVB"),
    ]
    assert lines(at(header, "ToPlaces")) == ["Place=Như trên", "Place=Lưu: VT"]
    assert lines(at(header, "ResponseForTask")) == ["TaskCode=N1", "TaskCode=N2"]


def test_the_sender_s_own_trace_stands_before_the_hubs() -> None:
    assert [lines(entry) for entry in at(tree(FULL), "TraceHeaderList").iter(f"{{{QCVN}}}TraceHeader")] == [
        ["OrganId=Z79.VPTU", "Timestamp=2026/11/21 00:30:05"],
        ["OrganId=001.00.20.TT2", "Timestamp=2026/11/21 01:00:00"],
        [],
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (REVOCATION, ["BussinessDocType=1", "BussinessDocReason=Thu hồi văn bản điện tử", "Paper=0"]),
        (
            UPDATE,
            [
                *(f"DocumentId={OLD}", "BussinessDocType=2", "BussinessDocReason=Cập nhật văn bản điện tử", "Paper=0"),
                *("BussinessDocumentInfo", "DocumentInfo=1", "DocumentReceiver=1", "ReceiverList"),
                *("Receiver", "OrganId=H41", "ReceiverType=0", "Receiver", "OrganId=H14", "ReceiverType=1"),
                *("StaffInfo", "Department=Phòng Văn thư", "DepartmentId=VT", "Staff=Nguyễn Thị C", "StaffId=7"),
                *("Email=c@vptu.demo.internal", "Mobile=0912 000 001"),
            ],
        ),
        (
            REPLACEMENT,
            [
                *("BussinessDocType=3", "BussinessDocReason=Văn bản thay thế", "Paper=0", "ReplacementInfoList"),
                *("ReplacementInfo", f"DocumentId={OLD}", "OrganIdList", "OrganId=H41", "OrganId=H14"),
                *("ReplacementInfo", "DocumentId=Z79.VPTU,2026/11/02,6/CV/VPTU"),
            ],
        ),
    ],
    ids=["revoke", "update", "replace"],
)
def test_a_business_is_written_as_the_vendor_does(message: Message, expected: list[str]) -> None:
    business = at(tree(message), "Bussiness")
    assert (lines(business), business.get("Id")) == (expected, "business")


def test_a_year_before_1000_has_four_digits() -> None:
    assert at(tree(replace(DOCUMENT, due_date=date(999, 1, 2))), "DueDate").text == "0999/01/02"


# --- reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are absent")
def test_every_field_of_the_vendor_s_own_file_is_read() -> None:
    message = document((VECTORS / "built-edoc.edxml").read_bytes())
    assert (message.due_date, message.sphere, message.typist) == (date(2026, 11, 21), "Liên thông", "TVC")
    assert (message.copies, message.page_amount, message.direction) == (1, 2, False)
    assert (message.steering_type, message.task_codes, message.application_type) == (SteeringType.NONE, ("T1",), "app")
    assert (message.to_places, message.appendixes, message.hops) == (("Như trên",), (), ())
    assert message.business == replace(
        ORDINARY,
        staff=(
            StaffInfo(department="P", department_id="P1", staff="Nguyen", staff_id="N1", email="e@x.vn", mobile="09"),
        ),
    )
    in_the_header = [one for one in notes((VECTORS / "built-edoc.edxml").read_bytes()) if one[0] != "attachment.cid"]
    assert in_the_header == []
    assert notes((VECTORS / "built-status.edxml").read_bytes()) == []


def test_a_file_without_a_business_is_a_new_document_of_which_nothing_is_said() -> None:
    for name in ("Bussiness", "TraceHeaderList"):
        data = written(DOCUMENT, lambda root, name=name: drop(root, name))
        assert document(data).business == Business()


@pytest.mark.parametrize("kind", ["revoke", "update", "replace"])
def test_the_right_spelling_is_read_and_noted(kind: str) -> None:
    def respell(root: Element) -> None:
        for name in ("Bussiness", "BussinessDocType", "BussinessDocReason", "BussinessDocumentInfo"):
            spell(root, name)

    data = written(KINDS[kind], respell)
    assert read(data).message == KINDS[kind]
    found = notes(data)
    assert {code for code, _ in found} == {"spelling"}
    assert ("spelling", "TraceHeaderList/Bussiness") in found
    assert len(found) == (4 if kind == "update" else 3)


@pytest.mark.parametrize("text", ["1", "01", " 1 "])
def test_what_is_revoked_may_be_named_in_either_place(text: str) -> None:
    def change(root: Element) -> None:
        say(root, "BussinessDocType", text)
        put(root, "Bussiness", f"<DocumentId>{OLD}</DocumentId>")

    business = document(written(DOCUMENT, change)).business
    assert (business.kind, business.document_id) == (BusinessKind.REVOKE, OLD)
    assert document(written(REVOCATION, lambda _: None)).business.document_id == ""


def test_a_document_id_in_a_new_document_is_read_too() -> None:
    """The vendor's own example of a new document has one."""
    data = written(DOCUMENT, lambda root: put(root, "Bussiness", f"<DocumentId>{OLD}</DocumentId>"))
    assert document(data).business == replace(ORDINARY, document_id=OLD)
    assert notes(data) == []


@pytest.mark.parametrize("text", ["", "null"])
def test_a_kind_that_is_not_said_is_a_new_document_and_noted(text: str) -> None:
    data = written(DOCUMENT, lambda root: say(root, "BussinessDocType", text))
    assert document(data).business.kind is BusinessKind.NEW
    assert ("number", "TraceHeaderList/Bussiness/BussinessDocType") in notes(data)


def test_several_lists_of_replacements_and_receivers_are_one() -> None:
    def change(root: Element) -> None:
        put(root, "Bussiness", "<ReplacementInfoList><ReplacementInfo/></ReplacementInfoList>")
        put(
            root,
            "Bussiness",
            "<ReplacementInfoList><ReplacementInfo><DocumentId>x</DocumentId></ReplacementInfo></ReplacementInfoList>",
        )

    ids = [one.document_id for one in document(written(REPLACEMENT, change)).business.replacements]
    assert ids == ["x", OLD, "Z79.VPTU,2026/11/02,6/CV/VPTU"]

    more = "<Receiver><ReceiverType>1</ReceiverType><OrganId>H99</OrganId></Receiver>"
    data = written(
        UPDATE,
        lambda root: put(
            root,
            "Bussiness",
            f"<BusinessDocumentInfo><DocumentInfo>0</DocumentInfo><ReceiverList>{more}</ReceiverList></BusinessDocumentInfo>",
        ),
    )
    changes = document(data).business.changes
    assert changes is not None
    assert [(one.organ_id, one.change) for one in changes.receivers] == [
        ("H41", ReceiverChange.REMOVED),
        ("H14", ReceiverChange.ADDED),
        ("H99", ReceiverChange.ADDED),
    ]
    assert (changes.metadata, changes.recipients) == (True, True)


@pytest.mark.parametrize(
    ("xml", "paper", "noted"),
    [("0", False, False), ("1", True, False), ("3", True, True), ("", False, True), ("x", False, True)],
)
def test_a_paper_follows_or_not(xml: str, *, paper: bool, noted: bool) -> None:
    data = written(DOCUMENT, lambda root: say(root, "Paper", xml))
    assert document(data).business.paper is paper
    assert notes(data) == ([("number", PAPER)] if noted else [])


PAPER = "TraceHeaderList/Bussiness/Paper"
HEADER = "MessageHeader"
TRACE = "TraceHeaderList"


def test_a_paper_beside_the_business_says_nothing() -> None:
    """No signature covers it there."""
    data = written(DOCUMENT, lambda root: put(root, "TraceHeaderList", "<Paper>1</Paper>"))
    assert (document(data).business.paper, notes(data)) == (False, [])


NOTED: dict[str, tuple[Callable[[Element], object], list[tuple[str, str]], dict[str, Any]]] = {
    "steering 0": (lambda root: say(root, "SteeringType", "0"), [], {"steering_type": None}),
    "steering 7": (
        lambda root: say(root, "SteeringType", "7"),
        [("number", f"{HEADER}/SteeringType")],
        {"steering_type": None},
    ),
    "steering in words": (
        lambda root: say(root, "SteeringType", "không"),
        [("number", f"{HEADER}/SteeringType")],
        {"steering_type": None},
    ),
    "a haste nobody knows": (
        lambda root: say(root, "Priority", "9"),
        [("number", f"{HEADER}/OtherInfo/Priority")],
        {"priority": 0},
    ),
    "fewer than no copies": (
        lambda root: say(root, "PromulgationAmount", "-2"),
        [("number", f"{HEADER}/OtherInfo/PromulgationAmount")],
        {"copies": None},
    ),
    "copies in words": (
        lambda root: say(root, "PromulgationAmount", "hai"),
        [("number", f"{HEADER}/OtherInfo/PromulgationAmount")],
        {"copies": None},
    ),
    "a direction in capitals": (lambda root: say(root, "Direction", "FALSE"), [], {"direction": False}),
    "a direction that is none": (
        lambda root: say(root, "Direction", "đi"),
        [("number", f"{HEADER}/OtherInfo/Direction")],
        {"direction": None},
    ),
    "an impossible date": (
        lambda root: say(root, "DueDate", "2014/02/30"),
        [("date", f"{HEADER}/DueDate")],
        {"due_date": None},
    ),
    "an impossible day of promulgation": (
        lambda root: say(root, "PromulgationDate", "hôm qua"),
        [("date", f"{HEADER}/PromulgationInfo/PromulgationDate")],
        {"promulgation_date": None},
    ),
    "an empty date": (lambda root: say(root, "DueDate", " "), [], {"due_date": None}),
    "the word null": (
        lambda root: say(root, "TyperNotation", "null"),
        [("null", f"{HEADER}/OtherInfo/TyperNotation")],
        {"typist": ""},
    ),
    "an empty place": (lambda root: say(root, "Place", "", 1), [], {"to_places": ("Lưu: VT",)}),
    "references with elements in them": (
        lambda root: put(root, "ReplyFors", "<Code>1</Code>"),
        [("unknown", f"{HEADER}/OtherInfo/ReplyFors/Code")],
        {"reply_fors": ""},
    ),
    "an answer to a document without an id": (
        lambda root: put(root, "MessageHeader", "<ResponseFor><OrganId>H1</OrganId></ResponseFor>"),
        [("missing", f"{HEADER}/ResponseFor[1]/DocumentId")],
        {},
    ),
    "an answer to nothing": (lambda root: put(root, "MessageHeader", "<ResponseFor> </ResponseFor>"), [], {}),
    "nobody to ask": (lambda root: put(root, "Bussiness", "<StaffInfo/>"), [], {}),
    "a hub without a time": (
        lambda root: say(root, "Timestamp", "mai", 1),
        [("date", f"{TRACE}/TraceHeader[2]/Timestamp")],
        {"hops": (TraceHeader(organ_id=OrganId("001.00.20.TT2"), timestamp=None), FULL.hops[1])},
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_odd_is_noted_and_read_in_the_one_way_there_is(case: str) -> None:
    change, expected, fields = NOTED[case]
    data = written(FULL, change)
    assert (document(data), notes(data)) == (replace(FULL, **fields), expected)


BLOCKS = [
    *("MessageHeader", "From", "To", "Code", "PromulgationInfo", "DocumentType", "SignerInfo", "OtherInfo"),
    *("ResponseFor", "ResponseForTask", "ToPlaces", "Appendixes", "TraceHeaderList", "TraceHeader", "Bussiness"),
    "StaffInfo",
]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, FULL) for name in BLOCKS),
        *((name, UPDATE) for name in ("BussinessDocumentInfo", "ReceiverList", "Receiver")),
        *((name, REPLACEMENT) for name in ("ReplacementInfoList", "ReplacementInfo", "OrganIdList")),
        *((name, replace(STATUS, staff=STAFF)) for name in ("MessageHeader", "From", "ResponseFor", "StaffInfo")),
    ],
)
def test_an_element_that_nobody_knows_is_noted_in_every_block(name: str, message: Message) -> None:
    data = written(message, lambda root: put(root, name, "<Token>x</Token>"))
    reading = read(data)
    assert reading.message == message
    assert [(found.code, found.severity) for found in reading.findings] == [("unknown", Severity.NOTE)]
    assert reading.findings[0].path.rpartition("/")[2] == "Token"
    assert name in reading.findings[0].path


def test_the_sender_s_time_is_its_own_first_that_says_one() -> None:
    def change(root: Element) -> None:
        put(
            root,
            "TraceHeaderList",
            "<TraceHeader><OrganId>hub</OrganId><Timestamp>2027/01/01 00:00:00</Timestamp></TraceHeader>"
            "<TraceHeader><OrganId>Z79.VPTU</OrganId></TraceHeader>",
            index=1,
        )

    hub = TraceHeader(organ_id=OrganId("hub"), timestamp=datetime(2026, 12, 31, 17, tzinfo=UTC))
    silent = TraceHeader(organ_id=OrganId("Z79.VPTU"), timestamp=None)
    assert document(written(FULL, change)) == replace(FULL, hops=(hub, silent, *FULL.hops))


def test_without_a_trace_of_the_sender_the_first_time_there_is_counts_and_no_hub_is_lost() -> None:
    data = written(FULL, lambda root: drop(root, "TraceHeader"))
    assert document(data) == replace(FULL, created_at=datetime(2026, 11, 20, 18, 0, tzinfo=UTC))


ERRORS: dict[str, tuple[Message, Callable[[Element], object], str, str]] = {
    "a kind nobody knows": (UPDATE, lambda root: say(root, "BussinessDocType", "4"), "value", "BussinessDocType"),
    "a kind in words": (UPDATE, lambda root: say(root, "BussinessDocType", "thu hồi"), "value", "BussinessDocType"),
    "a kind below all": (UPDATE, lambda root: say(root, "BussinessDocType", "-1"), "value", "BussinessDocType"),
    "two kinds": (
        UPDATE,
        lambda root: put(root, "Bussiness", "<BusinessDocType>0</BusinessDocType>"),
        "duplicate",
        "BussinessDocType",
    ),
    "a receiver neither added nor removed": (
        UPDATE,
        lambda root: say(root, "ReceiverType", "2"),
        "value",
        "ReceiverType",
    ),
    "a receiver of whom nothing is said": (UPDATE, lambda root: drop(root, "ReceiverType"), "value", "ReceiverType"),
    "nobody added": (UPDATE, lambda root: drop(at(root, "Receiver"), "OrganId"), "missing", "OrganId"),
    "one added and removed": (
        UPDATE,
        lambda root: put(
            root,
            "ReceiverList",
            "<Receiver><OrganId>H41</OrganId><ReceiverType>1</ReceiverType></Receiver>",
        ),
        "duplicate",
        "Receiver",
    ),
    "too many receivers": (
        UPDATE,
        lambda root: put(
            root,
            "Bussiness",
            "".join(
                f"<BussinessDocumentInfo><ReceiverList><Receiver><OrganId>{n}</OrganId><ReceiverType>1</ReceiverType>"
                "</Receiver></ReceiverList>"
                "<ReceiverList>"
                + "".join(
                    f"<Receiver><OrganId>{n}-{m}</OrganId><ReceiverType>1</ReceiverType></Receiver>" for m in range(500)
                )
                + "</ReceiverList></BussinessDocumentInfo>"
                for n in range(2)
            ),
        ),
        "count",
        "Receiver",
    ),
    "nothing replaced": (
        REPLACEMENT,
        lambda root: drop(at(root, "ReplacementInfo"), "DocumentId"),
        "missing",
        "DocumentId",
    ),
    "too many replaced": (
        REPLACEMENT,
        lambda root: put(
            root,
            "Bussiness",
            "<ReplacementInfoList>"
            + "".join(f"<ReplacementInfo><DocumentId>{n}</DocumentId></ReplacementInfo>" for n in range(99))
            + "</ReplacementInfoList>",
        ),
        "count",
        "ReplacementInfo",
    ),
    "too many to ask": (
        UPDATE,
        lambda root: put(root, "Bussiness", "<StaffInfo/>" * 100),
        "count",
        "StaffInfo",
    ),
    "too many places": (FULL, lambda root: put(root, "ToPlaces", "<Place/>" * 99), "count", "Place"),
    "too many hubs": (FULL, lambda root: put(root, "TraceHeaderList", "<TraceHeader/>" * 98), "count", "TraceHeader"),
    "two dates": (FULL, lambda root: put(root, "MessageHeader", "<DueDate/>"), "duplicate", "DueDate"),
    "a date with an element in it": (FULL, lambda root: put(root, "DueDate", "<b/>"), "mixed", "DueDate"),
    "two appendixes": (FULL, lambda root: put(root, "OtherInfo", "<Appendixes/>"), "duplicate", "Appendixes"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_can_be_read_in_two_ways_is_an_error(case: str) -> None:
    message, change, reason, element = ERRORS[case]
    read(written(message, lambda _: None))
    with pytest.raises(SenderError) as caught:
        read(written(message, change))
    assert (caught.value.code, caught.value.params) == ("envelope.malformed", {"reason": reason, "element": element})


# --- what is not written -------------------------------------------------------------------------------------------------


def about(business: Business, **changes: Any) -> dict[str, Any]:
    return {"business": replace(business, **changes)}


def changed(**fields: Any) -> dict[str, Any]:
    assert UPDATE.business.changes is not None
    return about(UPDATE.business, changes=replace(UPDATE.business.changes, **fields))


ONE = Replacement(document_id=OLD)
H1 = OrganId("H1")
ADDED = Receiver(organ_id=H1, change=ReceiverChange.ADDED)
BEFORE = datetime(1929, 12, 31, tzinfo=UTC)

INVALID: dict[str, tuple[DocumentMessage, dict[str, Any], list[tuple[str, str]]]] = {
    "a revocation of nothing": (REVOCATION, {"response_for": ()}, [("response_for", "required")]),
    "an update of nothing": (UPDATE, about(UPDATE.business, document_id=""), [("business.document_id", "required")]),
    "a replacement of nothing": (
        REPLACEMENT,
        about(REPLACEMENT.business, replacements=()),
        [("business.replacements", "required")],
    ),
    "a new document that changes one": (
        UPDATE,
        about(UPDATE.business, kind=BusinessKind.NEW),
        [("business.changes", "value")],
    ),
    "a new document that replaces one": (
        REPLACEMENT,
        about(REPLACEMENT.business, kind=BusinessKind.NEW),
        [("business.replacements", "value")],
    ),
    "a revocation that changes and replaces": (
        REVOCATION,
        about(REVOCATION.business, changes=DocumentChanges(metadata=True), replacements=(ONE,)),
        [("business.changes", "value"), ("business.replacements", "value")],
    ),
    "a change of nothing": (
        UPDATE,
        about(UPDATE.business, changes=DocumentChanges()),
        [("business.changes", "required")],
    ),
    "receivers of an unchanged list": (
        UPDATE,
        changed(recipients=False),
        [("business.changes.recipients", "required")],
    ),
    "a receiver twice": (
        UPDATE,
        changed(receivers=(ADDED, replace(ADDED, change=ReceiverChange.REMOVED))),
        [("business.changes.receivers[1].organ_id", "duplicate")],
    ),
    "a receiver twice to a reader": (
        UPDATE,
        changed(receivers=(ADDED, replace(ADDED, organ_id=OrganId("H1 ")))),
        [("business.changes.receivers[1].organ_id", "duplicate")],
    ),
    "a receiver without a code": (
        UPDATE,
        changed(receivers=(replace(ADDED, organ_id=OrganId("")),)),
        [("business.changes.receivers[0].organ_id", "required")],
    ),
    "too many receivers": (
        UPDATE,
        changed(receivers=tuple(replace(ADDED, organ_id=OrganId(str(n))) for n in range(limits.RECIPIENTS_MAX + 1))),
        [("business.changes.receivers", "count")],
    ),
    "a document replaced twice": (
        REPLACEMENT,
        about(REPLACEMENT.business, replacements=(ONE, ONE)),
        [("business.replacements[1].document_id", "duplicate")],
    ),
    "a replaced document without a name": (
        REPLACEMENT,
        about(REPLACEMENT.business, replacements=(Replacement(document_id=""),)),
        [("business.replacements[0].document_id", "required")],
    ),
    "a holder twice": (
        REPLACEMENT,
        about(REPLACEMENT.business, replacements=(replace(ONE, holders=(H1, H1)),)),
        [("business.replacements[0].holders[1]", "duplicate")],
    ),
    "a holder without a code": (
        REPLACEMENT,
        about(REPLACEMENT.business, replacements=(replace(ONE, holders=(OrganId(""),)),)),
        [("business.replacements[0].holders[0]", "required")],
    ),
    "too many replaced": (
        REPLACEMENT,
        about(
            REPLACEMENT.business,
            replacements=tuple(Replacement(document_id=str(n)) for n in range(limits.LIST_MAX + 1)),
        ),
        [("business.replacements", "count")],
    ),
    "a reason too long": (DOCUMENT, about(ORDINARY, reason="x" * 501), [("business.reason", "length")]),
    "nobody to ask": (DOCUMENT, about(ORDINARY, staff=(StaffInfo(staff=" "),)), [("business.staff[0]", "required")]),
    "a telephone too long": (
        DOCUMENT,
        about(ORDINARY, staff=(STAFF, replace(STAFF, mobile="0" * 21))),
        [("business.staff[1].mobile", "length")],
    ),
    "too many to ask": (DOCUMENT, about(ORDINARY, staff=(STAFF,) * 101), [("business.staff", "count")]),
    "a sphere too long": (DOCUMENT, {"sphere": "x" * 101}, [("sphere", "length")]),
    "a typist too long": (DOCUMENT, {"typist": "x" * 11}, [("typist", "length")]),
    "references too long": (
        DOCUMENT,
        {"reply_fors": "x" * 501, "reference_codes": "x" * 501},
        [("reply_fors", "length"), ("reference_codes", "length")],
    ),
    "copies beyond the format": (DOCUMENT, {"copies": 65_536}, [("copies", "value")]),
    "fewer than no copies": (DOCUMENT, {"copies": -1}, [("copies", "value")]),
    "an empty place": (DOCUMENT, {"to_places": ("a", "")}, [("to_places[1]", "required")]),
    "a place too long": (DOCUMENT, {"to_places": ("x" * 151,)}, [("to_places[0]", "length")]),
    "too many places": (DOCUMENT, {"to_places": ("x",) * 101}, [("to_places", "count")]),
    "an empty appendix": (DOCUMENT, {"appendixes": (" ",)}, [("appendixes[0]", "required")]),
    "an appendix too long": (DOCUMENT, {"appendixes": ("x" * 501,)}, [("appendixes[0]", "length")]),
    "too many appendixes": (DOCUMENT, {"appendixes": ("x",) * 101}, [("appendixes", "count")]),
    "an empty task": (DOCUMENT, {"task_codes": ("",)}, [("task_codes[0]", "required")]),
    "a task too long": (DOCUMENT, {"task_codes": ("x" * 101,)}, [("task_codes[0]", "length")]),
    "too many tasks": (DOCUMENT, {"task_codes": ("x",) * 101}, [("task_codes", "count")]),
    "an application too long": (DOCUMENT, {"application_type": "x" * 101}, [("application_type", "length")]),
    "too many hubs": (DOCUMENT, {"hops": (FULL.hops[0],) * 100}, [("hops", "count")]),
    "a hub too long": (
        DOCUMENT,
        {"hops": (replace(FULL.hops[0], organ_id=OrganId("x" * 36)),)},
        [("hops[0].organ_id", "length")],
    ),
    "a hub with half a second": (
        DOCUMENT,
        {"hops": (TraceHeader(organ_id=H1, timestamp=DOCUMENT.created_at.replace(microsecond=1)),)},
        [("hops[0].timestamp", "value")],
    ),
    "half a second": (DOCUMENT, {"created_at": DOCUMENT.created_at.replace(microsecond=1)}, [("created_at", "value")]),
    "a time of nowhere": (
        DOCUMENT,
        {"created_at": DOCUMENT.created_at.replace(tzinfo=None)},
        [("created_at", "value")],
    ),
    "a time before all offices": (
        DOCUMENT,
        {"created_at": BEFORE, "promulgation_date": date(1930, 1, 1)},
        [("created_at", "value")],
    ),
    "the word null": (DOCUMENT, {"subject": "null"}, [("subject", "value")]),
    "the word null to a reader": (DOCUMENT, {"content": "\n null\t"}, [("content", "value")]),
    "the word null for a code": (
        DOCUMENT,
        {"recipients": (Organ(organ_id=OrganId("null")),)},
        [("recipients[0].organ_id", "value")],
    ),
    "the word null for a hub": (
        DOCUMENT,
        {"hops": (TraceHeader(organ_id=OrganId("null"), timestamp=None),)},
        [("hops[0].organ_id", "value")],
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_field_that_breaks_a_rule_is_named(case: str) -> None:
    message, changes, expected = INVALID[case]
    assert validate(message) == ()
    broken = replace(message, **changes)
    assert [(one.path, one.code) for one in validate(broken)] == expected
    with pytest.raises(SenderError) as caught:
        envelope(broken, ())
    assert caught.value.params["field"] == ", ".join(f"{path}: {code}" for path, code in expected)


def test_everything_is_said_at_once() -> None:
    message = replace(
        DOCUMENT,
        response_for=(),
        copies=-1,
        to_places=("",),
        business=Business(kind=BusinessKind.REVOKE, reason="null", changes=DocumentChanges(), replacements=(ONE, ONE)),
    )
    assert {(one.path, one.code) for one in validate(message)} == {
        ("response_for", "required"),
        ("copies", "value"),
        ("to_places[0]", "required"),
        ("business.reason", "value"),
        ("business.changes", "value"),
        ("business.changes", "required"),
        ("business.replacements", "value"),
        ("business.replacements[1].document_id", "duplicate"),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"staff": StaffInfo()}, [("staff", "required")]),
        ({"timestamp": STATUS.timestamp.replace(microsecond=1)}, [("timestamp", "value")]),
        ({"timestamp": STATUS.timestamp.replace(tzinfo=None)}, [("timestamp", "value")]),
        ({"description": "null"}, [("description", "value")]),
        ({"response_for": replace(STATUS.response_for, document_id="null")}, [("response_for.document_id", "value")]),
    ],
)
def test_a_status_message_is_held_to_the_same(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    broken: StatusMessage = replace(STATUS, **changes)
    assert [(one.path, one.code) for one in validate(broken)] == expected


def test_nobody_to_ask_in_a_status_message_is_nobody() -> None:
    data = written(STATUS, lambda root: (drop(root, "Staff"), say(root, "StaffInfo", " ")))
    message = read(data).message
    assert message == replace(STATUS, staff=None)
