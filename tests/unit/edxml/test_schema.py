"""The two schemas: what we write is valid by the strict one, and nothing else is; what is read is valid by the lax one."""

import threading
import zipfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder
from lxml import etree

from gateway.core import limits
from gateway.core.ids import OrganId
from gateway.core.message import (
    Business,
    BusinessKind,
    Code,
    DocumentMessage,
    Message,
    Organ,
    Receiver,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
    TraceHeader,
)
from gateway.edxml import Flavour, assemble, schema_faults, schema_text, validate
from gateway.edxml.namespaces import DS
from gateway.edxml.schema import CHILDREN_MAX, FAULTS_MAX, NAMESPACE_CHARS_MAX
from gateway.safe_xml import QCVN, Element, parse_foreign, parse_signed, read_foreign, read_skeleton
from tests.kit.growth import cost_ratio
from tests.kit.pki import Pki
from tests.unit.crypto.envelopes import signed
from tests.unit.edxml.samples import (
    DOCUMENT,
    FULL,
    KINDS,
    REPLACEMENT,
    STATUS,
    UPDATE,
    attachment,
    envelope,
    write_skeleton,
)

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / ".." / "shared" / "vectors" / "edxml-sdk"
LEAF = Pki().leaf("transport")
FILE_NAME = "x" * limits.ATTACHMENT_NAME_CHARS_MAX


def tree(message: Message) -> Element:
    return parse_signed(write_skeleton(message, ()))


def local(element: Element) -> str:
    return etree.QName(element).localname


def texts(root: Element, flavour: Flavour = Flavour.STRICT) -> list[str]:
    return [fault.text for fault in schema_faults(root, flavour)]


# --- what we write --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flavour", Flavour)
def test_every_kind_is_valid_with_and_without_a_signature(kind: str, flavour: Flavour) -> None:
    parts = [] if isinstance(KINDS[kind], StatusMessage) else [attachment(1, b"a"), attachment(2, b"b")]
    skeleton = write_skeleton(KINDS[kind], parts)
    with_signature = signed(skeleton, LEAF)
    assert with_signature.count(b"SignatureValue") >= 2
    whole = b"".join(
        assemble(with_signature, [(part, [data]) for part, data in zip(parts, (b"a", b"b"), strict=False)])
    )
    for data in (skeleton, with_signature, whole):
        assert schema_faults(read_skeleton([data]).root, flavour) == ()


def longest(at_most: int = 1_000_000) -> Iterator[tuple[Message, list[Any]]]:
    """Messages with every text as long, and every list as full, as it may be; or of so many entries at most."""
    many, recipients = min(limits.LIST_MAX, at_most), min(limits.RECIPIENTS_MAX, at_most)
    text = "ế" * 500
    organ = Organ(
        organ_id=OrganId(text[:35]),
        name=text[:200],
        in_charge=text,
        address=text,
        email=text[:100],
        telephone=text[:20],
        fax=text[:20],
        website=text[:100],
    )
    staff = StaffInfo(
        department=text[:200],
        department_id=text[:100],
        staff=text[:50],
        staff_id=text[:100],
        email=text[:100],
        mobile=text[:20],
    )
    answered = ResponseFor(
        organ_id=organ.organ_id, document_id=text[:200], code=text[:42], promulgation_date=DOCUMENT.promulgation_date
    )
    ids = [OrganId(f"{n:035}") for n in range(recipients)]
    hop = TraceHeader(organ_id=organ.organ_id, timestamp=datetime(9998, 12, 31, 1, 2, 3, tzinfo=UTC))
    standing: dict[str, Any] = {"reason": text, "paper": True, "staff": (staff,) * many}
    full = replace(
        FULL,
        sender=organ,
        recipients=tuple(replace(organ, organ_id=one) for one in ids),
        document_id=text[:200],
        code=Code(number="9" * 11, notation=text[:30]),
        promulgation_place=text[:50],
        type_detail=65_535,
        type_name=text[:100],
        subject=text,
        content=text,
        signer=SignerInfo(competence=text[:100], position=text[:100], full_name=text[:50]),
        page_amount=65_535,
        copies=65_535,
        response_for=(answered,) * min(limits.RESPONSES_MAX, at_most),
        to_places=(text[:150],) * many,
        sphere=text[:100],
        typist=text[:10],
        appendixes=(text,) * many,
        reply_fors=text,
        reference_codes=text,
        task_codes=(text[:100],) * many,
        application_type=text[:100],
        business=Business(**standing, document_id=text[:200]),
        hops=(hop,) * min(limits.TRACE_HEADERS_MAX - 1, at_most),
    )
    parts = [attachment(n, b"x", name=FILE_NAME) for n in range(1, min(limits.FILES_MAX, at_most) + 1)]
    yield full, parts
    assert UPDATE.business.changes is not None
    changes = replace(
        UPDATE.business.changes,
        receivers=tuple(Receiver(organ_id=one, change=ReceiverChange.ADDED) for one in ids),
    )
    yield replace(UPDATE, business=replace(UPDATE.business, document_id=text[:200], changes=changes)), []
    replaced = tuple(
        Replacement(document_id=f"{n:0200}", holders=tuple(ids if n == 0 else ids[:1])) for n in range(many)
    )
    yield replace(REPLACEMENT, business=replace(REPLACEMENT.business, replacements=replaced)), []
    status = replace(STATUS, sender=organ, response_for=answered, description=text, staff=staff)
    yield status, []


@pytest.fixture(scope="module")
def longest_trees() -> list[Element]:
    return [parse_signed(write_skeleton(message, parts)) for message, parts in longest()]


def test_whatever_may_be_written_is_valid_up_to_its_bounds(longest_trees: list[Element]) -> None:
    assert [schema_faults(root, Flavour.STRICT) for root in longest_trees] == [()] * 4


UNBOUNDED = {"ContentType"}
"""Names of media types are held to another rule than a length."""


def test_one_more_letter_in_any_text_is_too_many_by_the_schema_too() -> None:
    """So the numbers of the schema are those of `core.limits`; dates, flags and codes are of their form and of no other."""
    seen: set[tuple[str, str]] = set()
    for root in [parse_signed(write_skeleton(message, parts)) for message, parts in longest(2)]:
        for element in root.iter(f"{{{QCVN}}}*"):
            parent = element.getparent()
            about = (local(parent) if parent is not None else "", local(element))
            if len(element) or not element.text or about in seen or local(element) in UNBOUNDED:
                continue
            seen.add(about)
            was, element.text = element.text, f"{element.text}x"
            assert {text.partition(":")[0] for text in texts(root)} == {local(element)}, about
            element.text = was
    assert len(seen) >= 71


def test_one_more_entry_in_any_list_is_too_many_by_the_schema_too(longest_trees: list[Element]) -> None:
    lists = [
        *("To", "ResponseFor", "TaskCode", "Appendix", "TraceHeader", "Receiver", "ReplacementInfo", "Reference"),
        *("StaffInfo",),
    ]
    for name in (*lists, "ToPlaces/Place", "OrganIdList/OrganId"):
        path = "/".join(f"{{{QCVN}}}{step}" for step in name.split("/"))
        found = {root: root.findall(f".//{path}") for root in longest_trees}
        root, entries = max(found.items(), key=lambda item: len(item[1]))
        last = entries[0]
        parent = last.getparent()
        assert parent is not None
        more = etree.fromstring(etree.tostring(last))
        parent.insert(parent.index(last) + 1, more)
        assert len(texts(root)) == 1, (name, texts(root))
        parent.remove(more)
        assert texts(root) == []


REQUIRED = [
    *(
        "edXMLEnvelope",
        "edXMLHeader",
        "MessageHeader",
        "From",
        "OrganId",
        "DocumentId",
        "Code",
        "CodeNumber",
        "CodeNotation",
    ),
    *("PromulgationInfo", "PromulgationDate", "DocumentType", "Type", "TypeDetail", "Subject", "OtherInfo", "Priority"),
    *("Bussiness", "BussinessDocType", "Paper", "DocumentInfo", "DocumentReceiver", "Receiver", "ReceiverType"),
    *("edXMLManifest", "ContentId", "AttachmentName"),
]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_required_is_required_by_the_schema_too(name: str) -> None:
    root = read_skeleton([envelope(replace(FULL, business=UPDATE.business), [b"x"])]).root
    for element in list(root.iter(f"{{{QCVN}}}{name}"))[:2]:
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    assert schema_faults(root, Flavour.STRICT) != ()


@pytest.mark.parametrize("name", ["To", "ResponseFor", "StatusCode", "Timestamp"])
def test_what_a_status_message_must_have(name: str) -> None:
    message: Message = DOCUMENT if name == "To" else STATUS
    root = tree(message)
    for element in list(root.iter(f"{{{QCVN}}}{name}")):
        if local(element.getparent()) == "MessageHeader":  # type: ignore[arg-type]
            element.getparent().remove(element)  # type: ignore[union-attr]
    assert schema_faults(root, Flavour.STRICT) != ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_and_the_names_are_strict_in_every_block(kind: str) -> None:
    """Two neighbours of different names in any block, turned around; and a stranger in any block."""
    root = tree(KINDS[kind])
    turned = 0
    for block in list(root.iter(f"{{{QCVN}}}*")):
        for first, second in zip(list(block), list(block)[1:], strict=False):
            if first.tag != second.tag:
                first.addprevious(second)
                assert schema_faults(root, Flavour.STRICT) != (), (local(block), local(first))
                assert schema_faults(root, Flavour.LAX) == ()
                second.addprevious(first)
                turned += 1
        if len(block):
            stranger = etree.SubElement(block, f"{{{QCVN}}}Token")
            assert schema_faults(root, Flavour.STRICT) != (), local(block)
            assert schema_faults(root, Flavour.LAX) == ()
            block.remove(stranger)
    assert schema_faults(root, Flavour.STRICT) == ()
    assert turned >= 12


@pytest.mark.parametrize(
    ("element", "name", "value"),
    [
        *(("MessageHeader", "Id", value) for value in (None, "Header", "body")),
        *(("Bussiness", "Id", value) for value in (None, "b")),
        *(("edXMLBody", "Id", value) for value in (None, "header")),
        *(("TraceHeaderList", "version", value) for value in (None, "2.0")),
        ("From", "Id", "header"),
        ("Subject", "lang", "vi"),
    ],
)
def test_ids_and_versions_are_what_they_are(element: str, name: str, value: str | None) -> None:
    root = tree(DOCUMENT)
    (found,) = root.iter(f"{{{QCVN}}}{element}")
    if value is None:
        del found.attrib[name]
    else:
        found.set(name, value)
    assert len(schema_faults(root, Flavour.STRICT)) == 1
    assert schema_faults(root, Flavour.LAX) == ()


def test_only_a_signature_may_stand_behind_the_trace_and_only_one() -> None:
    root = parse_signed(signed(write_skeleton(DOCUMENT, ()), LEAF))
    (header,) = root.iter(f"{{{QCVN}}}edXMLHeader")
    assert local(header[-1]) == "Signature"
    header.append(etree.fromstring(etree.tostring(header[-1])))
    assert len(schema_faults(root, Flavour.STRICT)) == 1
    header.remove(header[-1])
    header.insert(1, header[-1])
    assert len(schema_faults(root, Flavour.STRICT)) == 1


def test_a_reference_has_both_halves_of_its_digest() -> None:
    for name in ("DigestMethod", "DigestValue"):
        root = parse_signed(write_skeleton(DOCUMENT, [attachment(1, b"x")]))
        (half,) = root.iter(f"{{{DS}}}{name}")
        half.getparent().remove(half)  # type: ignore[union-attr]
        assert len(schema_faults(root, Flavour.STRICT)) == 1


# --- what we read ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are absent")
@pytest.mark.parametrize("vector", ["built-edoc", "built-status"])
def test_files_by_the_vendors_software_are_valid_by_the_lax_schema_alone(vector: str) -> None:
    root = read_skeleton([(VECTORS / f"{vector}.edxml").read_bytes()]).root
    assert schema_faults(root, Flavour.LAX) == ()
    assert schema_faults(root, Flavour.STRICT) != ()


def test_the_lax_schema_takes_any_order_any_attribute_and_anything_unknown() -> None:
    data = f"""1212<?xml version="1.0"?><edXML xmlns="{QCVN}" a="b"><!-- x --><Foo/><x xmlns="urn:x"><y/></x>
      <AttachmentEncoded><Attachment><ContentTransferEncoded c="d">QUJD</ContentTransferEncoded></Attachment>
      </AttachmentEncoded>
      <edXMLEnvelope><edXMLBody/><edXMLHeader><Signature><Reference URI=""><b/></Reference></Signature>text
      <TraceHeaderList id="1"/><MessageHeader><Subject lang="vi"/><StatusCode>99</StatusCode><Code>1</Code></MessageHeader>
      </edXMLHeader></edXMLEnvelope></edXML>"""
    assert schema_faults(read_foreign([data.encode()]).root, Flavour.LAX) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: root.set("x", "y"), []),
        (lambda root: etree.SubElement(next(root.iter(f"{{{QCVN}}}Subject")), "b"), ["Subject: cvc-complex-type-2-2"]),
        (
            lambda root: setattr(next(root.iter(f"{{{QCVN}}}Subject")), "text", "x" * 4_001),
            ["Subject: cvc-maxlength-valid"],
        ),
    ],
)
def test_what_the_lax_schema_does_not_take(change: Any, expected: list[str]) -> None:
    root = tree(DOCUMENT)
    change(root)
    assert texts(root, Flavour.LAX)[:1] == expected


def test_another_root_is_valid_by_neither() -> None:
    for flavour in Flavour:
        (fault,) = schema_faults(parse_signed(b"<a/>"), flavour)
        assert (fault.line, fault.text) == (1, "a: cvc-elt-1")


# --- faults ---------------------------------------------------------------------------------------------------------------


def test_a_fault_names_the_place_and_what_belongs_there_and_says_nothing_of_the_content() -> None:
    secret = "tuyet-mat"
    data = write_skeleton(DOCUMENT, ()).replace(
        b"<edXML:SignerInfo>",
        f'<edXML:SignerInfo><q:Foo xmlns:q="urn:{secret}">{secret}</q:Foo>'.encode(),
    )
    root = parse_signed(data)
    for name in ("Subject", "Type", "CodeNumber", "PromulgationDate"):
        next(root.iter(f"{{{QCVN}}}{name}")).text = secret * 60
    next(root.iter(f"{{{QCVN}}}MessageHeader")).set("Id", secret)
    next(root.iter(f"{{{QCVN}}}From")).set("{urn:x}kept", secret)
    found = schema_faults(root, Flavour.STRICT)
    assert secret not in repr(found)
    assert [fault.text for fault in found] == [
        "MessageHeader@Id: cvc-au",
        "From@kept: cvc-complex-type-3-2-1",
        "CodeNumber: cvc-maxlength-valid",
        "PromulgationDate: cvc-pattern-valid",
        "Type: cvc-enumeration-valid",
        "Subject: cvc-maxlength-valid",
        "Foo: element-content (expected: Competence, Position, FullName)",
    ]
    assert [fault.line for fault in found] == sorted(fault.line for fault in found)
    bare = tree(DOCUMENT)
    (subject,) = bare.iter(f"{{{QCVN}}}Subject")
    subject.getparent().remove(subject)  # type: ignore[union-attr]
    assert texts(bare) == ["Content: element-content (expected: Subject)"]


def test_there_are_never_more_faults_than_anybody_reads() -> None:
    root = tree(replace(DOCUMENT, recipients=tuple(Organ(organ_id=OrganId(f"H{n}")) for n in range(300))))
    for element in root.iter(f"{{{QCVN}}}OrganId"):
        element.text = ""
    assert len(schema_faults(root, Flavour.STRICT)) == FAULTS_MAX


def test_a_namespace_without_end_is_a_fault_by_itself() -> None:
    """The library writes it into every message."""
    long = "urn:" + "x" * NAMESPACE_CHARS_MAX
    root = tree(DOCUMENT)
    etree.SubElement(root, f"{{{long}}}a")
    for flavour in Flavour:
        assert texts(root, flavour) == ["namespace: length"]


def test_more_neighbours_than_any_block_has_are_a_fault_by_themselves() -> None:
    """The library counts a bad element's neighbours for each of its messages: that many bad ones took more than a minute."""
    bad = b"<Subject><b/></Subject>"
    for count, expected in ((CHILDREN_MAX, FAULTS_MAX), (CHILDREN_MAX + 1, 1), (99_000, 1)):
        root = parse_signed(f'<edXML xmlns="{QCVN}">'.encode() + b"\n".join([bad] * count) + b"</edXML>")
        assert len(schema_faults(root, Flavour.LAX)) == expected
    assert texts(root, Flavour.LAX) == ["edXML: count"]


def test_many_threads_at_once_have_each_its_own_faults() -> None:
    trees = [tree(replace(DOCUMENT, recipients=(Organ(organ_id=OrganId(f"H{n}")),))) for n in range(8)]
    for n, root in enumerate(trees):
        for element in list(root.iter(f"{{{QCVN}}}Place", f"{{{QCVN}}}Subject"))[: n % 3]:
            element.text = ""
    expected = [schema_faults(root, Flavour.STRICT) for root in trees]
    assert len({len(faults) for faults in expected}) == 3
    found: dict[int, set[object]] = {n: set() for n in range(8)}

    def look(n: int) -> None:
        for _ in range(50):
            found[n].add(schema_faults(trees[n], Flavour.STRICT))

    threads = [threading.Thread(target=look, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(8)] == [{faults} for faults in expected]


# --- the files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", Flavour)
def test_a_schema_is_given_away_as_a_file(flavour: Flavour) -> None:
    root = etree.fromstring(schema_text(flavour))
    assert root.get("targetNamespace") == QCVN
    assert root.find(".//{http://www.w3.org/2001/XMLSchema}documentation") is not None


def test_the_schemas_are_in_the_wheel(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as opened:
        for flavour in Flavour:
            assert opened.read(f"gateway/edxml/schemas/{flavour.value}.xsd") == schema_text(flavour)


def test_every_element_of_the_model_is_declared_by_both() -> None:
    """A field that is added to the model one day is added to the schemas that day: `longest` leaves none empty."""
    for message, _ in longest():
        assert validate(message) == ()
    (full, _), *_ = longest()
    assert isinstance(full, DocumentMessage)
    empty = [field.name for field in fields(full) if getattr(full, field.name) in ("", None, ())]
    assert empty == ["claims"]
    assert is_dataclass(full)
    assert full.business.kind is BusinessKind.NEW


def test_what_is_in_scope_everywhere_is_looked_at_once() -> None:
    def nested(prefixes: int) -> Element:
        levels = ("".join(f' xmlns:p{level}_{n}="u"' for n in range(prefixes)) for level in range(50))
        opened = "".join(f"<x{declared}>" for declared in levels)
        inside = f"<y>{'<z/>' * 1_900}</y>" * 5
        root, _ = parse_foreign(f"<edXML>{opened}{inside}{'</x>' * 50}</edXML>".encode())
        return root

    few, many = nested(1), nested(62)
    assert schema_faults(many, Flavour.LAX)
    assert cost_ratio(lambda: schema_faults(many, Flavour.LAX), lambda: schema_faults(few, Flavour.LAX)) < 3
