"""Every kind of message, by every maker that the facts know of."""

from typing import Final

from tests.kit.edxml_vectors.base import (
    ANSWERED,
    BUSINESS,
    HEADER,
    HOP,
    LETTER,
    answer,
    document,
    edited,
    element,
    letter,
)

_FULL: Final = """\
        <edXML:From>
          <edXML:OrganId>Z79.1</edXML:OrganId>
          <edXML:OrganizationInCharge>Thành phố mẫu</edXML:OrganizationInCharge>
          <edXML:OrganName>Văn phòng mẫu</edXML:OrganName>
          <edXML:OrganAdd>1 Đường mẫu &amp; 2</edXML:OrganAdd>
          <edXML:Email>vp@mau.example</edXML:Email>
          <edXML:Telephone>028 1</edXML:Telephone>
          <edXML:Fax>028 2</edXML:Fax>
          <edXML:Website>https://van-phong.mau.example</edXML:Website>
        </edXML:From>
        <edXML:To>
          <edXML:OrganId>Z79.2</edXML:OrganId>
          <edXML:OrganName>Phường mẫu</edXML:OrganName>
        </edXML:To>
        <edXML:To>
          <edXML:OrganId>Z79.3</edXML:OrganId>
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
        <edXML:Content>Họp đầu tuần</edXML:Content>
        <edXML:SignerInfo>
          <edXML:Competence>TL.</edXML:Competence>
          <edXML:Position>Chánh Văn phòng</edXML:Position>
          <edXML:FullName>Nguyễn Văn A</edXML:FullName>
        </edXML:SignerInfo>
        <edXML:DueDate>2026/12/01</edXML:DueDate>
        <edXML:OtherInfo>
          <edXML:Priority>2</edXML:Priority>
          <edXML:SphereOfPromulgation>Nội bộ</edXML:SphereOfPromulgation>
          <edXML:TyperNotation>NVA</edXML:TyperNotation>
          <edXML:PromulgationAmount>5</edXML:PromulgationAmount>
          <edXML:PageAmount>3</edXML:PageAmount>
          <edXML:ReplyFors>1</edXML:ReplyFors>
          <edXML:Direction>true</edXML:Direction>
          <edXML:ReferenceCodes>2</edXML:ReferenceCodes>
          <edXML:Appendixes>
            <edXML:Appendix>Phụ lục 1</edXML:Appendix>
            <edXML:Appendix>Phụ lục 2</edXML:Appendix>
          </edXML:Appendixes>
        </edXML:OtherInfo>
        <edXML:ResponseFor>
          <edXML:OrganId>Z79.2</edXML:OrganId>
          <edXML:Code>5/TTr-UBND</edXML:Code>
          <edXML:DocumentId>Z79.2,2026/11/01,5/TTr-UBND</edXML:DocumentId>
          <edXML:PromulgationDate>2026/11/01</edXML:PromulgationDate>
        </edXML:ResponseFor>
        <edXML:SteeringType>2</edXML:SteeringType>
        <edXML:ResponseForTask>
          <edXML:TaskCode>NV-1</edXML:TaskCode>
          <edXML:TaskCode>NV-2</edXML:TaskCode>
        </edXML:ResponseForTask>
        <edXML:ApplicationType>van-ban</edXML:ApplicationType>
        <edXML:ToPlaces>
          <edXML:Place>Như trên</edXML:Place>
          <edXML:Place>Lưu: VT</edXML:Place>
        </edXML:ToPlaces>
"""
_STAFF: Final = """\
          <edXML:StaffInfo>
            <edXML:Department>Phòng Hành chính</edXML:Department>
            <edXML:DepartmentId>HC</edXML:DepartmentId>
            <edXML:Staff>Trần Thị B</edXML:Staff>
            <edXML:StaffId>HC-2</edXML:StaffId>
            <edXML:Email>b@mau.example</edXML:Email>
            <edXML:Mobile>0900000000</edXML:Mobile>
          </edXML:StaffInfo>
"""
_END: Final = "        </edXML:Bussiness>\n"


def _business(kind: int, reason: str, *, before: str = "", after: str = "") -> str:
    return edited(
        BUSINESS,
        ("        <edXML:Bussiness>\n", f"        <edXML:Bussiness>\n{before}"),
        ("DocType>0<", f"DocType>{kind}<"),
        ("Văn bản điện tử mới", reason),
        (_END, after + _END),
    )


_OLD: Final = "          <edXML:DocumentId>Z79.1,2026/11/18,9/TB-VP</edXML:DocumentId>\n"
_REVOKED: Final = """\
        <edXML:ResponseFor>
          <edXML:OrganId>Z79.1</edXML:OrganId>
          <edXML:Code>9/TB-VP</edXML:Code>
          <edXML:DocumentId>Z79.1,2026/11/18,9/TB-VP</edXML:DocumentId>
          <edXML:PromulgationDate>2026/11/18</edXML:PromulgationDate>
        </edXML:ResponseFor>
"""
_RECEIVERS: Final = """\
          <edXML:BussinessDocumentInfo>
            <edXML:DocumentInfo>1</edXML:DocumentInfo>
            <edXML:DocumentReceiver>1</edXML:DocumentReceiver>
            <edXML:ReceiverList>
              <edXML:Receiver>
                <edXML:OrganId>Z79.3</edXML:OrganId>
                <edXML:ReceiverType>0</edXML:ReceiverType>
              </edXML:Receiver>
              <edXML:Receiver>
                <edXML:OrganId>Z79.4</edXML:OrganId>
                <edXML:ReceiverType>1</edXML:ReceiverType>
              </edXML:Receiver>
            </edXML:ReceiverList>
          </edXML:BussinessDocumentInfo>
"""
_REPLACED: Final = """\
          <edXML:ReplacementInfoList>
            <edXML:ReplacementInfo>
              <edXML:DocumentId>Z79.1,2026/11/18,9/TB-VP</edXML:DocumentId>
              <edXML:OrganIdList>
                <edXML:OrganId>Z79.2</edXML:OrganId>
                <edXML:OrganId>Z79.3</edXML:OrganId>
              </edXML:OrganIdList>
            </edXML:ReplacementInfo>
            <edXML:ReplacementInfo>
              <edXML:DocumentId>Z79.1,2026/11/19,10/TB-VP</edXML:DocumentId>
            </edXML:ReplacementInfo>
          </edXML:ReplacementInfoList>
"""
_BOUND: Final = (
    '          <ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
    ' Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>\n'
    '          <ds:DigestValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
    "{digest}</ds:DigestValue>\n"
)


def bound(digest: str) -> str:
    """What binds a file to the manifest: base64 of its SHA-256."""
    return _BOUND.format(digest=digest)


def _regulation_order() -> str:
    """The order of the regulation's numbering: DocumentId last, nơi nhận and ResponseFor before SteeringType."""
    text = document(LETTER, header=_FULL, trace=HOP + BUSINESS)
    moved = element("DocumentId", "Z79.1,2026/11/20,12/TB-VP")
    places = text[text.index("        <edXML:ToPlaces>") : text.index("      </edXML:MessageHeader>")]
    text = edited(text, (moved, ""), (places, ""))
    text = edited(text, ("        <edXML:OtherInfo>\n", f"{places}        <edXML:OtherInfo>\n"))
    return edited(text, ("      </edXML:MessageHeader>\n", f"{moved}      </edXML:MessageHeader>\n"))


def _answer_in_other_order() -> str:
    """As a C# writer has it: From, StatusCode, Description, Timestamp, StaffInfo (facts 1.10)."""
    text = answer("03", "Đã tiếp nhận")
    staff = text[text.index("        <edXML:StaffInfo>") : text.index("        <edXML:StatusCode>")]
    text = edited(text, (staff, ""))
    return edited(text, ("      </edXML:MessageHeader>\n", f"{staff}      </edXML:MessageHeader>\n"))


_ONE_TO: Final = "        <edXML:To>\n          <edXML:OrganId>Z79.1</edXML:OrganId>\n        </edXML:To>\n"
_STATUSES: Final = {
    "01": "Đã đến",
    "02": "Gửi nhầm nơi nhận",
    "03": "Đã tiếp nhận",
    "04": "Phân công",
    "05": "Đang xử lý",
    "06": "Hoàn thành",
    "15": "Đồng ý lấy lại",
    "16": "Từ chối lấy lại",
}

KINDS: Final[dict[str, str]] = {
    "new": letter(),
    "new-no-files": document(),
    "new-full": document(LETTER, header=_FULL, trace=edited(BUSINESS, (_END, _STAFF + _END)) + HOP),
    "new-regulation-order": _regulation_order(),
    "new-no-business": document(LETTER, trace=HOP),
    "new-no-trace": letter(
        (f'      <edXML:TraceHeaderList version="1.0">\n{BUSINESS}{HOP}      </edXML:TraceHeaderList>\n', "")
    ),
    "new-paper-follows": letter(("<edXML:Paper>0<", "<edXML:Paper>1<")),
    "new-soap-trace": letter(
        (
            '<edXML:TraceHeaderList version="1.0">',
            '<edXML:TraceHeaderList id="t1" version="1.0" mustUnderstand="1" actor="urn:next">',
        )
    ),
    "new-hops": document(
        LETTER, trace=BUSINESS + HOP + edited(HOP, (">Z79.1<", ">Z79.TRUC<"), ("08:30:00", "08:30:07"))
    ),
    "new-legal": letter(
        ("<edXML:Type>2<", "<edXML:Type>1<"), ("Detail>7<", "Detail>9<"), (">Thông báo<", ">Thông tư<")
    ),
    "new-party": letter(
        ("Detail>7<", "Detail>0<"),
        (">Thông báo<", ">Kết luận<"),
        ("<edXML:CodeNotation>TB-VP<", "<edXML:CodeNotation>KL/VPTU<"),
        ("Z79.1,2026/11/20,12/TB-VP", "Z79.1,2026/11/20,12-KL/VPTU"),
    ),
    "new-number-as-type": letter(("<edXML:Type>2<", "<edXML:Type>18<"), ("Detail>7<", "Detail>0<")),
    "new-response-for": document(LETTER, header=HEADER + ANSWERED.replace("Z79.1", "Z79.2") + _REVOKED),
    "revoke": document(header=HEADER + _REVOKED, trace=_business(1, "Thu hồi") + HOP),
    "revoke-by-business": document(trace=_business(1, "Thu hồi", before=_OLD) + HOP),
    "revoke-nothing": document(trace=_business(1, "Thu hồi") + HOP),
    "update": document(LETTER, trace=_business(2, "Cập nhật", before=_OLD) + HOP),
    "update-receivers": document(LETTER, trace=_business(2, "Cập nhật", before=_OLD, after=_RECEIVERS) + HOP),
    "update-nothing": document(LETTER, trace=_business(2, "Cập nhật") + HOP),
    "replace": document(LETTER, trace=_business(3, "Thay thế", after=_REPLACED) + HOP),
    "replace-nothing": document(LETTER, trace=_business(3, "Thay thế") + HOP),
    "business-unknown": document(LETTER, trace=_business(7, "Khác") + HOP),
    **{f"status-{code}": answer(code, text) for code, text in _STATUSES.items()},
    "status-13": edited(
        answer("13", "Lấy lại văn bản", answered=ANSWERED),
        (
            "<edXML:OrganId>Z79.2</edXML:OrganId>\n          <edXML:OrganName>Phường mẫu<",
            "<edXML:OrganId>Z79.1</edXML:OrganId>\n          <edXML:OrganName>Văn phòng mẫu<",
        ),
        (
            "<edXML:OrganId>Z79.1</edXML:OrganId>\n          <edXML:Code>",
            "<edXML:OrganId>Z79.2</edXML:OrganId>\n          <edXML:Code>",
        ),
    ),
    "status-other-order": _answer_in_other_order(),
    "status-one-digit": answer("1"),
    "status-no-staff": edited(
        answer(),
        (answer()[answer().index("        <edXML:StaffInfo>") : answer().index("        <edXML:StatusCode>")], ""),
    ),
    "status-unknown": answer("07", "Không rõ"),
    "status-no-time": edited(answer(), (element("Timestamp", "2026/11/20 09:00:00"), "")),
    "status-impossible-time": edited(answer(), ("2026/11/20 09:00:00", "2026/11/31 25:00:00")),
    "status-no-response": answer(answered=""),
    "status-to": edited(
        answer(),
        (
            "        <edXML:ResponseFor>",
            _ONE_TO + "        <edXML:ResponseFor>",
        ),
    ),
    "status-file": edited(
        answer(), ("</edXML>\n", f"  <AttachmentEncoded>\n{LETTER.carried()}  </AttachmentEncoded>\n</edXML>\n")
    ),
}
