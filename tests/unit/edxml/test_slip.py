"""The seal slip as a noun and as a file: round trip, every difference found and named, nothing read but what we would write."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.ids import Digest, OrganId
from gateway.core.limits import SEAL_SLIP_BYTES_MAX
from gateway.core.message import (
    Business,
    BusinessKind,
    Code,
    DocumentChanges,
    DocumentMessage,
    Organ,
    Replacement,
)
from gateway.core.model import Attachment, BlobRef
from gateway.edxml import (
    SealSlip,
    SlipFile,
    assemble,
    parse_slip,
    read_message,
    read_slip,
    slip_differences,
    slip_of,
    slip_schema_text,
    write_skeleton,
    write_slip,
)
from gateway.safe_xml import SEAL_SLIP, parse_signed, read_skeleton
from tests.unit.edxml.samples import DOCUMENT, FILES, attachments

ATTACHED = tuple(attachments(*FILES))
SLIP = slip_of(DOCUMENT, ATTACHED)
KINDS = {
    "new": DOCUMENT,
    "revoke": replace(DOCUMENT, business=Business(kind=BusinessKind.REVOKE, reason="x")),
    "update": replace(
        DOCUMENT,
        business=Business(
            kind=BusinessKind.UPDATE, reason="x", document_id="Z79.VPTU,old", changes=DocumentChanges(metadata=True)
        ),
    ),
    "replace": replace(
        DOCUMENT,
        business=Business(
            kind=BusinessKind.REPLACE,
            reason="x",
            replacements=(Replacement(document_id="old-1"), Replacement(document_id="old-2")),
        ),
    ),
}
OLD = {
    "new": (),
    "revoke": tuple(answered.document_id for answered in DOCUMENT.response_for),
    "update": ("Z79.VPTU,old",),
    "replace": ("old-1", "old-2"),
}


def schema() -> etree.XMLSchema:
    return etree.XMLSchema(parse_signed(slip_schema_text()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_says_what_the_document_says(kind: str) -> None:
    slip = slip_of(KINDS[kind], ATTACHED)
    assert slip.old_document_ids == OLD[kind]
    assert read_slip(parse_slip(write_slip(slip))) == slip
    assert schema().validate(parse_slip(write_slip(slip)))
    assert slip_differences(slip, KINDS[kind], ATTACHED) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_it_equals_the_envelope_that_was_written_carried_and_read(kind: str) -> None:
    skeleton = write_skeleton(KINDS[kind], ATTACHED)
    data = b"".join(assemble(skeleton, [(part, [content]) for part, content in zip(ATTACHED, FILES, strict=True)]))
    reading = read_message(read_skeleton([data]))
    assert isinstance(reading.message, DocumentMessage)
    arrived = tuple(
        Attachment(
            position=file.position,
            name=file.name,
            content_type=file.content_type,
            blob=BlobRef(digest=file.payload.digest, size=file.payload.size),
        )
        for file in reading.attachments
    )
    assert slip_differences(slip_of(KINDS[kind], ATTACHED), reading.message, arrived) == ()


def other_file(position: int, **changes: object) -> tuple[Attachment, ...]:
    changed = [replace(file, **changes) if at == position else file for at, file in enumerate(ATTACHED)]  # type: ignore[arg-type]
    return tuple(changed)


def message(**changes: object) -> Callable[[], tuple[DocumentMessage, tuple[Attachment, ...]]]:
    return lambda: (replace(DOCUMENT, **changes), ATTACHED)  # type: ignore[arg-type]


def files(*changed: Attachment) -> Callable[[], tuple[DocumentMessage, tuple[Attachment, ...]]]:
    return lambda: (DOCUMENT, changed)


TO = DOCUMENT.recipients
DIFFERENT = {
    "sender": message(sender=replace(DOCUMENT.sender, organ_id=OrganId("Z79.X"))),
    "recipients[1]": message(recipients=(Organ(organ_id=OrganId("Z79.X")), TO[1])),
    "recipients[2]": message(recipients=TO[:1]),
    "recipients[3]": message(recipients=(*TO, Organ(organ_id=OrganId("Z79.X")))),
    "recipients[1] recipients[2]": message(recipients=TO[::-1]),
    "document_id": message(document_id="another"),
    "code.number": message(code=Code(number="13", notation="CV/VPTU")),
    "code.notation": message(code=Code(number="12", notation="QĐ/VPTU")),
    "date": message(promulgation_date=date(2026, 11, 19)),
    "subject": message(subject="Về việc khác"),
    "document_type": message(document_type=1),
    "type_detail": message(type_detail=19),
    "type_name": message(type_name="Quyết định"),
    "business_kind old_document_ids[1] old_document_ids[2]": message(business=Business(kind=BusinessKind.REVOKE)),
    "business_kind old_document_ids[1]": message(business=Business(kind=BusinessKind.UPDATE, document_id="old")),
    "created_at": message(created_at=DOCUMENT.created_at + timedelta(seconds=1)),
    "files[1].name": files(*other_file(0, name="khác.pdf")),
    "files[2].size": files(*other_file(1, blob=replace(ATTACHED[1].blob, size=1))),
    "files[2].digest": files(*other_file(1, blob=replace(ATTACHED[1].blob, digest=Digest("0" * 64)))),
    "files[3].name files[3].size files[3].digest": files(*ATTACHED[:2]),
    "files[4].name files[4].size files[4].digest": files(*ATTACHED, ATTACHED[0]),
}


@pytest.mark.parametrize("paths", DIFFERENT)
def test_every_field_that_differs_is_named_and_no_other(paths: str) -> None:
    said, attached = DIFFERENT[paths]()
    assert slip_differences(SLIP, said, attached) == tuple(paths.split())


def test_every_field_of_a_slip_is_compared() -> None:
    """A field that is added one day and not compared would be a hole: the table above has each."""
    named = {path.partition("[")[0].partition(".")[0] for paths in DIFFERENT for path in paths.split()}
    assert named | {"profile"} == set(SealSlip.__dataclass_fields__)
    file = {path.rpartition(".")[2] for paths in DIFFERENT for path in paths.split() if path.startswith("files")}
    assert file == set(SlipFile.__dataclass_fields__)


def test_an_old_document_s_id_is_compared() -> None:
    slip = slip_of(KINDS["update"], ATTACHED)
    other = replace(KINDS["update"], business=replace(KINDS["update"].business, document_id="another"))
    assert slip_differences(slip, other, ATTACHED) == ("old_document_ids[1]",)


def test_an_envelope_without_a_date_differs_and_a_slip_of_it_is_not_made() -> None:
    dateless = replace(DOCUMENT, promulgation_date=None)
    assert slip_differences(SLIP, dateless, ATTACHED) == ("date",)
    with pytest.raises(SenderError):
        slip_of(dateless, ATTACHED)


# --- strictly ------------------------------------------------------------------------------------------------------------


def replaced(old: str, new: str) -> bytes:
    data = write_slip(SLIP).decode()
    assert old in data
    return data.replace(old, new, 1).encode()


NOT_A_SLIP = {
    "another root": replaced("<SealSlip", "<Slip").replace(b"</SealSlip", b"</Slip"),
    "another namespace": replaced(SEAL_SLIP, "urn:edoc-gateway:seal-slip:2"),
    "another profile": replaced("<Profile>1<", "<Profile>2<"),
    "no profile": replaced("<Profile>1</Profile>", ""),
    "an element in no namespace": replaced("<Subject>", '<Subject xmlns="">'),
    "an unknown element": replaced("<Created>", "<Note>x</Note><Created>"),
    "an element twice": replaced("<Type>2</Type>", "<Type>2</Type><Type>2</Type>"),
    "another order": replaced("<Type>2</Type>", "").replace(b"<Created>", b"<Type>2</Type><Created>"),
    "a file before the rest": replaced("<Created>", "<File></File><Created>"),
    "an element in a text": replaced("<Profile>1", "<Profile>1<b/>"),
    "an attribute": replaced("<Profile>", '<Profile x="1">'),
    "a text between": replaced("</Profile>", "</Profile>x"),
    "a text before": replaced("<Profile>", "x<Profile>"),
    "an empty element": replaced("<Created>", "<OldDocumentId></OldDocumentId><Created>"),
    "a number written otherwise": replaced("<Type>2<", "<Type>02<"),
    "a number with space": replaced("<Type>2<", "<Type> 2<"),
    "no number": replaced("<Type>2<", "<Type>x<"),
    "a number that is not ASCII": replaced("<Type>2<", "<Type>٢<"),
    "a kind that is none": replaced("<BusinessKind>0<", "<BusinessKind>4<"),
    "a date written otherwise": replaced("<Date>2026-11-20<", "<Date>20261120<"),
    "a time of another zone": replaced("17:30:05Z", "17:30:05+00:00"),
    "a time with more": replaced("17:30:05Z", "17:30:05.0Z"),
    "a digest in upper case": replaced(SLIP.files[0].digest, SLIP.files[0].digest.upper()),
    "a digest cut short": replaced(SLIP.files[0].digest, SLIP.files[0].digest[:-1]),
    "a file without a size": replaced(f"<Size>{SLIP.files[0].size}</Size>", ""),
    "a negative zero": replaced("<Type>2<", "<Type>-0<"),
}


@pytest.mark.parametrize("case", NOT_A_SLIP)
def test_nothing_is_read_but_what_we_would_have_written(case: str) -> None:
    with pytest.raises(SenderError) as caught:
        read_slip(parse_slip(NOT_A_SLIP[case]))
    assert caught.value.code == "envelope.malformed"
    assert not schema().validate(parse_signed(NOT_A_SLIP[case])), "the schema says the same"


def test_white_space_between_elements_says_nothing() -> None:
    """A hub that carries a file does not touch it; but nothing hangs on how it is indented."""
    flat = b"".join(line.strip() for line in write_slip(SLIP).splitlines())
    assert read_slip(parse_slip(flat)) == SLIP


def test_a_slip_has_its_size() -> None:
    with pytest.raises(SenderError):
        parse_slip(write_slip(SLIP) + b" " * SEAL_SLIP_BYTES_MAX)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=40).filter(
    lambda text: text.strip(" \t\r\n") == text
)


@given(texts=st.tuples(*(TEXTS,) * 6), number=st.integers(min_value=-1), moment=st.datetimes())
def test_whatever_it_says_comes_back(texts: tuple[str, ...], number: int, moment: datetime) -> None:
    slip = replace(
        SLIP,
        document_id=texts[0],
        code=Code(number=texts[1], notation=texts[2]),
        subject=texts[3],
        type_name=texts[4],
        files=(SlipFile(name=texts[5], size=abs(number), digest=Digest("ab" * 32)),),
        document_type=number,
        created_at=moment.replace(tzinfo=UTC, microsecond=0),
        date=moment.date(),
    )
    assert read_slip(parse_slip(write_slip(slip))) == slip
