"""What the vectors are made of: one letter, one answer, and the files they carry; a vector is one of these with an edit."""

import base64
from dataclasses import dataclass
from typing import Final

QCVN: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
PDF: Final = b"%PDF-1.7\n% one line\n%%EOF\n"
TEXT: Final = "Danh sách kèm theo\n".encode()

HEADER: Final = """\
        <edXML:From>
          <edXML:OrganId>Z79.1</edXML:OrganId>
          <edXML:OrganizationInCharge>Thành phố mẫu</edXML:OrganizationInCharge>
          <edXML:OrganName>Văn phòng mẫu</edXML:OrganName>
        </edXML:From>
        <edXML:To>
          <edXML:OrganId>Z79.2</edXML:OrganId>
          <edXML:OrganName>Phường mẫu</edXML:OrganName>
        </edXML:To>
        <edXML:DocumentId>Z79.1,2026/11/20,12/TB-VP</edXML:DocumentId>
        <edXML:Code>
          <edXML:CodeNumber>12</edXML:CodeNumber>
          <edXML:CodeNotation>TB-VP</edXML:CodeNotation>
        </edXML:Code>
        <edXML:PromulgationInfo>
          <edXML:Place>Thành phố mẫu</edXML:Place>
          <edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate>
        </edXML:PromulgationInfo>
        <edXML:DocumentType>
          <edXML:Type>2</edXML:Type>
          <edXML:TypeDetail>7</edXML:TypeDetail>
          <edXML:TypeName>Thông báo</edXML:TypeName>
        </edXML:DocumentType>
        <edXML:Subject>Về lịch họp giao ban</edXML:Subject>
        <edXML:OtherInfo>
          <edXML:Priority>0</edXML:Priority>
        </edXML:OtherInfo>
"""
BUSINESS: Final = """\
        <edXML:Bussiness>
          <edXML:BussinessDocType>0</edXML:BussinessDocType>
          <edXML:BussinessDocReason>Văn bản điện tử mới</edXML:BussinessDocReason>
          <edXML:Paper>0</edXML:Paper>
        </edXML:Bussiness>
"""
HOP: Final = """\
        <edXML:TraceHeader>
          <edXML:OrganId>Z79.1</edXML:OrganId>
          <edXML:Timestamp>2026/11/20 08:30:00</edXML:Timestamp>
        </edXML:TraceHeader>
"""
ANSWERED: Final = """\
        <edXML:ResponseFor>
          <edXML:OrganId>Z79.1</edXML:OrganId>
          <edXML:Code>12/TB-VP</edXML:Code>
          <edXML:DocumentId>Z79.1,2026/11/20,12/TB-VP</edXML:DocumentId>
          <edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate>
        </edXML:ResponseFor>
"""
ANSWER: Final = """\
        <edXML:From>
          <edXML:OrganId>Z79.2</edXML:OrganId>
          <edXML:OrganName>Phường mẫu</edXML:OrganName>
        </edXML:From>
{answered}        <edXML:StaffInfo>
          <edXML:Department>Văn phòng</edXML:Department>
          <edXML:Staff>Trần Thị B</edXML:Staff>
          <edXML:Mobile>0900000000</edXML:Mobile>
        </edXML:StaffInfo>
        <edXML:StatusCode>{code}</edXML:StatusCode>
        <edXML:Description>{description}</edXML:Description>
        <edXML:Timestamp>2026/11/20 09:00:00</edXML:Timestamp>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One attached file, as the manifest lists it and as it is carried."""

    data: bytes = PDF
    name: str = "thong-bao.pdf"
    type: str = "application/pdf"
    listed_type: str = "application/zip"
    """The vendor's software writes this of every file (facts 1.9)."""
    id: str = "cid:a1"
    listed_id: str = ""
    """Where it is another than `id`."""
    text: str | None = None
    """Instead of the base64 of the data."""
    digest: str = ""
    """Elements that bind the file (`bound`)."""

    def reference(self) -> str:
        """The entry of the manifest."""
        return (
            "        <edXML:Reference>\n"
            f"          <edXML:ContentId>{self.listed_id or self.id}</edXML:ContentId>\n"
            f"          <edXML:ContentType>{self.listed_type}</edXML:ContentType>\n"
            f"          <edXML:AttachmentName>{self.name}</edXML:AttachmentName>\n{self.digest}"
            "        </edXML:Reference>\n"
        )

    def carried(self) -> str:
        """The file itself."""
        text = base64.b64encode(self.data).decode() if self.text is None else self.text
        return (
            "    <Attachment>\n"
            f"      <ContentId>{self.id}</ContentId>\n"
            f"      <AttachmentName>{self.name}</AttachmentName>\n"
            f"      <ContentType>{self.type}</ContentType>\n"
            f'      <edXML:ContentTransferEncoded xmlns:edXML="{QCVN}">{text}</edXML:ContentTransferEncoded>\n'
            "    </Attachment>\n"
        )


LETTER: Final = File()


def document(*files: File, header: str = HEADER, trace: str = BUSINESS + HOP) -> str:
    """A letter in the layout and order of the vendor's software."""
    references = "".join(file.reference() for file in files)
    carried = "".join(file.carried() for file in files)
    encoded = f"  <AttachmentEncoded>\n{carried}  </AttachmentEncoded>\n" if files else ""
    return (
        f'{DECLARATION}<edXML xmlns="{QCVN}">\n'
        f'  <edXML:edXMLEnvelope xmlns:edXML="{QCVN}">\n'
        f"    <edXML:edXMLHeader>\n      <edXML:MessageHeader>\n{header}      </edXML:MessageHeader>\n"
        f'      <edXML:TraceHeaderList version="1.0">\n{trace}      </edXML:TraceHeaderList>\n'
        "    </edXML:edXMLHeader>\n    <edXML:edXMLBody>\n"
        f'      <edXML:edXMLManifest version="1.0">\n{references}      </edXML:edXMLManifest>\n'
        f"    </edXML:edXMLBody>\n  </edXML:edXMLEnvelope>\n{encoded}</edXML>\n"
    )


def answer(code: str = "01", description: str = "Đã đến", *, answered: str = ANSWERED) -> str:
    """A status message in the layout and order of the vendor's software."""
    header = ANSWER.format(code=code, description=description, answered=answered)
    return (
        f'{DECLARATION}<edXML xmlns="{QCVN}">\n'
        f'  <edXML:edXMLEnvelope xmlns:edXML="{QCVN}">\n'
        f"    <edXML:edXMLHeader>\n      <edXML:MessageHeader>\n{header}      </edXML:MessageHeader>\n"
        "    </edXML:edXMLHeader>\n  </edXML:edXMLEnvelope>\n</edXML>\n"
    )


def edited(text: str, *edits: tuple[str, str]) -> str:
    """The text with each old part, which MUST stand in it exactly once, exchanged for a new one."""
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        text = text.replace(old, new)
    return text


def letter(*edits: tuple[str, str]) -> str:
    """The letter with one PDF, edited."""
    return edited(document(LETTER), *edits)


def element(name: str, text: str) -> str:
    """One element of a header, on a line."""
    return f"        <edXML:{name}>{text}</edXML:{name}>\n"
