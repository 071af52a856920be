"""Messages and files to write and read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from gateway.core.ids import Digest, OrganId
from gateway.core.message import (
    Code,
    DocumentMessage,
    Organ,
    Priority,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
)
from gateway.core.model import Attachment, BlobRef
from gateway.core.states import BusinessStatus
from gateway.edxml import Reading, assemble, read_message, write_skeleton
from gateway.safe_xml import read_skeleton

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
    return b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, files, strict=True)]))


def read(data: bytes) -> Reading:
    return read_message(read_skeleton([data]))
