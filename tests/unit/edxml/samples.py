"""Messages and files to write and read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from gateway import edxml
from gateway.core.ids import Digest, OrganId
from gateway.core.message import (
    Business,
    BusinessKind,
    Code,
    DocumentChanges,
    DocumentMessage,
    Message,
    Organ,
    Priority,
    Receiver,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
    SteeringType,
    TraceHeader,
)
from gateway.core.model import Attachment, BlobRef
from gateway.core.states import BusinessStatus
from gateway.edxml import Flavour, Reading, assemble, read_message, schema_faults
from gateway.safe_xml import parse_signed, read_skeleton

FILES = (b"%PDF-1.7 the letter", b"PK\x03\x04 a table", b"")

SENDER = Organ(
    organ_id=OrganId("Z79.VPTU"),
    name="Văn phòng Thành ủy",
    in_charge="Thành ủy",
    address="127 Trương Định & 8 <B>",
    email="vptu@demo.internal",
    telephone="028 1",
    fax="028 2",
    website="https://vptu.demo.internal",
)

DOCUMENT = DocumentMessage(
    sender=SENDER,
    recipients=(
        Organ(organ_id=OrganId("Z79.DU.26734"), name="Đảng ủy Phường Sài Gòn", in_charge="Thành ủy"),
        Organ(organ_id=OrganId("Z79.UB.26734")),
    ),
    document_id="Z79.VPTU,2026/11/20,12/CV/VPTU",
    code=Code(number="12", notation="CV/VPTU"),
    promulgation_place="Thành phố Hồ Chí Minh",
    promulgation_date=date(2026, 11, 20),
    document_type=2,
    type_detail=18,
    type_name="Công văn",
    subject='Về việc "trao đổi" văn bản <điện tử> & ký số',
    content="Dòng một\nDòng hai",
    signer=SignerInfo(competence="T/L", position="Chánh Văn phòng", full_name="Nguyễn Văn A"),
    priority=Priority.VERY_URGENT,
    page_amount=3,
    response_for=(
        ResponseFor(
            organ_id=OrganId("Z79.UBND"),
            document_id="Z79.UBND,2026/11/01,5/UBND-VP",
            code="5/UBND-VP",
            promulgation_date=date(2026, 11, 1),
        ),
        ResponseFor(organ_id=OrganId("H29"), document_id="x"),
    ),
    created_at=datetime(2026, 11, 20, 17, 30, 5, tzinfo=UTC),
)

STATUS = StatusMessage(
    sender=Organ(organ_id=OrganId("Z79.UB.26734"), name="Ủy ban nhân dân Phường Sài Gòn"),
    response_for=ResponseFor(
        organ_id=OrganId("Z79.VPTU"),
        document_id=DOCUMENT.document_id,
        code="12-CV/VPTU",
        promulgation_date=date(2026, 11, 20),
    ),
    status=BusinessStatus.REFUSED,
    description="Gửi nhầm nơi nhận",
    timestamp=datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC),
    staff=StaffInfo(staff="Trần Thị B"),
)

STAFF = StaffInfo(
    department="Phòng Văn thư",
    department_id="VT",
    staff="Nguyễn Thị C",
    staff_id="7",
    email="c@vptu.demo.internal",
    mobile="0912 000 001",
)
OLD = "Z79.VPTU,2026/11/01,5/CV/VPTU"
FULL = replace(
    DOCUMENT,
    due_date=date(2026, 12, 1),
    to_places=("Như trên", "Lưu: VT"),
    steering_type=SteeringType.STEERING,
    sphere="Liên thông",
    typist="TVC",
    copies=2,
    appendixes=("Phụ lục 1", "Phụ lục 2"),
    reply_fors="5/UBND-VP",
    direction=True,
    reference_codes="7/CV-VPTU",
    task_codes=("N1", "N2"),
    application_type="QLVB",
    business=Business(reason="Văn bản điện tử mới", paper=True, staff=(STAFF, StaffInfo(staff="Lê Văn D"))),
    hops=(
        TraceHeader(organ_id=OrganId("001.00.20.TT2"), timestamp=datetime(2026, 11, 20, 18, 0, tzinfo=UTC)),
        TraceHeader(organ_id=OrganId(""), timestamp=None),
    ),
)
"""A new document with every field there is."""
REVOCATION = replace(DOCUMENT, business=Business(kind=BusinessKind.REVOKE, reason="Thu hồi văn bản điện tử"))
UPDATE = replace(
    DOCUMENT,
    business=Business(
        kind=BusinessKind.UPDATE,
        reason="Cập nhật văn bản điện tử",
        document_id=OLD,
        changes=DocumentChanges(
            metadata=True,
            recipients=True,
            receivers=(
                Receiver(organ_id=OrganId("H41"), change=ReceiverChange.REMOVED),
                Receiver(organ_id=OrganId("H14"), change=ReceiverChange.ADDED),
            ),
        ),
        staff=(STAFF,),
    ),
)
REPLACEMENT = replace(
    DOCUMENT,
    business=Business(
        kind=BusinessKind.REPLACE,
        reason="Văn bản thay thế",
        replacements=(
            Replacement(document_id=OLD, holders=(OrganId("H41"), OrganId("H14"))),
            Replacement(document_id="Z79.VPTU,2026/11/02,6/CV/VPTU"),
        ),
    ),
)
KINDS: dict[str, Message] = {
    "new": DOCUMENT,
    "full": FULL,
    "revoke": REVOCATION,
    "update": UPDATE,
    "replace": REPLACEMENT,
    "status": replace(STATUS, staff=STAFF),
}


def write_skeleton(message: Message, parts: Sequence[Attachment]) -> bytes:
    """What the writer makes, and the strict schema finds nothing in it: every test that writes sees to that too."""
    skeleton = edxml.write_skeleton(message, parts)
    assert schema_faults(parse_signed(skeleton), Flavour.STRICT) == ()
    return skeleton


def attachment(position: int, data: bytes, *, name: str = "", content_type: str = "application/pdf") -> Attachment:
    blob = BlobRef(digest=Digest(sha256(data).hexdigest()), size=len(data))
    return Attachment(
        position=position, name=name or f"Văn bản {position} <&>.pdf", content_type=content_type, blob=blob
    )


def attachments(*files: bytes) -> tuple[Attachment, ...]:
    return tuple(attachment(position, data) for position, data in enumerate(files, 1))


def envelope(message: DocumentMessage = DOCUMENT, files: Sequence[bytes] = FILES, **changes: Any) -> bytes:
    """A whole, unsigned envelope."""
    parts = attachments(*files)
    skeleton = write_skeleton(replace(message, **changes), parts)
    whole = b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, files, strict=True)]))
    assert schema_faults(read_skeleton([whole]).root, Flavour.STRICT) == ()
    return whole


def read(data: bytes) -> Reading:
    return read_message(read_skeleton([data]))
