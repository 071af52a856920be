"""What senders put into a header: spellings, gaps, words that mean nothing, dates that never were."""

from typing import Final

from tests.kit.edxml_vectors.base import BUSINESS, HEADER, HOP, LETTER, QCVN, document, edited, element, letter

_TO: Final = HEADER[HEADER.index("        <edXML:To>") : HEADER.index("        <edXML:DocumentId>")]
_FROM: Final = HEADER[: HEADER.index("        <edXML:To>")]
_CODE: Final = HEADER[HEADER.index("        <edXML:Code>") : HEADER.index("        <edXML:PromulgationInfo>")]
_PROMULGATED: Final = HEADER[
    HEADER.index("        <edXML:PromulgationInfo>") : HEADER.index("        <edXML:DocumentType>")
]
_TYPE: Final = HEADER[HEADER.index("        <edXML:DocumentType>") : HEADER.index("        <edXML:Subject>")]
_OTHER: Final = HEADER[HEADER.index("        <edXML:OtherInfo>") :]
_SUBJECT: Final = element("Subject", "Về lịch họp giao ban")
_ID: Final = "Z79.1,2026/11/20,12/TB-VP"
_END: Final = "      </edXML:MessageHeader>\n"
_UUID: Final = "6f1f8f9e-2f57-4f0e-9d0b-3c1f0f6f7a10"
_ANOTHER: Final = f'      <MessageHeader xmlns="urn:x">\n{HEADER.replace("Z79.2", "Z79.9")}      </MessageHeader>\n'


def _with(*elements: str) -> str:
    """The letter with more at the end of its header."""
    return letter((_END, "".join(elements) + _END))


HEADERS: Final[dict[str, str]] = {
    # spelling and names
    "business-spelt-right": document(LETTER, trace=BUSINESS.replace("Bussiness", "Business") + HOP),
    "unknown-element": _with(element("SoTrang", "3"), element("GhiChu", "Nội bộ")),
    "unknown-in-organ": letter(
        (
            "</edXML:OrganName>\n        </edXML:To>",
            "</edXML:OrganName>\n          <edXML:MaCu>1</edXML:MaCu>\n        </edXML:To>",
        )
    ),
    "unknown-namespace": _with('        <GhiChu xmlns="urn:x">x</GhiChu>\n'),
    # nothing, said in words
    "null-words": letter(
        (">Thành phố mẫu</edXML:OrganizationInCharge>", ">null</edXML:OrganizationInCharge>"),
        (">Thành phố mẫu</edXML:Place>", ">null</edXML:Place>"),
    ),
    "null-due-date": _with(element("DueDate", "null")),
    "null-organ": letter((">Z79.2<", ">null<")),
    "trace-null": document(
        LETTER,
        trace=BUSINESS
        + HOP
        + edited(HOP, (">Z79.1<", ">null<"))
        + edited(HOP, ("          <edXML:OrganId>Z79.1</edXML:OrganId>\n", "")),
    ),
    "empty-elements": _with(
        "        <edXML:ResponseFor />\n", "        <edXML:Content/>\n", "        <edXML:ToPlaces/>\n"
    ),
    "empty-response-for": _with(
        "        <edXML:ResponseFor>\n          <edXML:OrganId/>\n          <edXML:Code/>\n"
        "          <edXML:DocumentId></edXML:DocumentId>\n"
        "          <edXML:PromulgationDate/>\n        </edXML:ResponseFor>\n"
    ),
    "response-for-no-id": _with(
        "        <edXML:ResponseFor>\n  ", element("Code", "5/TB-VP"), "        </edXML:ResponseFor>\n"
    ),
    "empty-organ-id": letter((">Z79.2<", "><")),
    # numbers
    "empty-numbers": letter(
        ("<edXML:Type>2<", "<edXML:Type><"),
        ("Detail>7<", "Detail><"),
        (
            "<edXML:Priority>0</edXML:Priority>",
            "<edXML:Priority/>\n          <edXML:PromulgationAmount/>\n          <edXML:PageAmount></edXML:PageAmount>",
        ),
        (_END, "        <edXML:SteeringType/>\n" + _END),
    ),
    "words-for-numbers": letter(("<edXML:Priority>0<", "<edXML:Priority>Hỏa tốc<"), ("Detail>7<", "Detail>TB<")),
    "steering-nothing": _with(element("SteeringType", "0")),
    "steering-words": _with(element("SteeringType", "chỉ đạo")),
    "priority-unknown": letter(("<edXML:Priority>0<", "<edXML:Priority>9<")),
    "page-amount-huge": letter(
        ("</edXML:Priority>", "</edXML:Priority>\n          <edXML:PageAmount>70000</edXML:PageAmount>")
    ),
    "direction-words": letter(
        ("</edXML:Priority>", "</edXML:Priority>\n          <edXML:Direction>có</edXML:Direction>")
    ),
    # what is missing
    "no-organ-name": letter(("          <edXML:OrganName>Phường mẫu</edXML:OrganName>\n", "")),
    "no-type-detail": letter(("          <edXML:TypeDetail>7</edXML:TypeDetail>\n", "")),
    "no-document-type": letter((_TYPE, "")),
    "no-other-info": letter((_OTHER, "")),
    "no-code": letter((_CODE, "")),
    "no-promulgation": letter((_PROMULGATED, "")),
    "no-promulgation-no-trace": edited(document(LETTER, trace=BUSINESS), (_PROMULGATED, "")),
    "no-subject": letter((_SUBJECT, "")),
    "no-document-id": letter((element("DocumentId", _ID), "")),
    "no-to": letter((_TO, "")),
    "no-from": letter((_FROM, "")),
    "no-header": letter((document().split("<edXML:edXMLHeader>\n")[1].split("      <edXML:TraceHeaderList")[0], "")),
    # what is there twice
    "to-twice": letter((_TO, _TO + _TO)),
    "subject-twice": letter((_SUBJECT, _SUBJECT + element("Subject", "Về việc khác"))),
    "from-twice": letter((_FROM, _FROM + _FROM.replace("Z79.1", "Z79.9"))),
    "two-message-headers": letter(
        (
            "      <edXML:TraceHeaderList",
            f"      <edXML:MessageHeader>\n{HEADER.replace('Z79.2', 'Z79.9')}{_END}      <edXML:TraceHeaderList",
        )
    ),
    "two-message-headers-two-namespaces": letter(
        (
            "      <edXML:TraceHeaderList",
            _ANOTHER + "      <edXML:TraceHeaderList",
        )
    ),
    "both-spellings": document(
        LETTER, trace=BUSINESS + BUSINESS.replace("Bussiness", "Business").replace("DocType>0<", "DocType>1<") + HOP
    ),
    "two-envelopes": letter(
        ("  </edXML:edXMLEnvelope>\n", f'  </edXML:edXMLEnvelope>\n  <edXMLEnvelope xmlns="{QCVN}"/>\n')
    ),
    # texts
    "element-in-text": letter((">Về lịch họp giao ban<", ">Về lịch <b>họp</b> giao ban<")),
    "white-space": letter(
        (">Phường mẫu<", ">\n\t  Phường mẫu \t<"), (">12</edXML:CodeNumber>", "> 12 </edXML:CodeNumber>")
    ),
    "long-subject": letter((">Về lịch họp giao ban<", f">{'Về lịch họp. ' * 40}<")),
    "too-long-subject": letter((">Về lịch họp giao ban<", f">{'a' * 4001}<")),
    "code-letters": letter(
        (">12</edXML:CodeNumber>", ">74fass22</edXML:CodeNumber>"), (",12/TB-VP<", ",74fass22/TB-VP<")
    ),
    "code-long": letter(
        (">12</edXML:CodeNumber>", ">BINTEST123456</edXML:CodeNumber>"), (",12/TB-VP<", ",BINTEST123456/TB-VP<")
    ),
    "long-website": letter(
        (
            "</edXML:OrganName>\n        </edXML:To>",
            f"</edXML:OrganName>\n          <edXML:Website>https://{'x' * 100}.example</edXML:Website>\n        </edXML:To>",
        )
    ),
    "control-letters": letter((">Về lịch họp giao ban<", ">Về lịch \u202epọh<")),
    # DocumentId
    "document-id-uuid": letter((_ID, _UUID)),
    "document-id-other": letter((_ID, "VB-2026-000012")),
    "document-id-impossible-date": letter((_ID, "Z79.1,2014/02/30,12/TB-VP")),
    "document-id-other-organ": letter((_ID, "Z79.9,2026/11/20,12/TB-VP")),
    "document-id-other-date": letter((_ID, "Z79.1,2026/11/19,12/TB-VP")),
    "document-id-other-code": letter((_ID, "Z79.1,2026/11/20,13/TB-VP")),
    "document-id-long": letter((_ID, f"Z79.1,2026/11/20,{'1' * 200}")),
    # dates
    "date-impossible": letter(("Date>2026/11/20<", "Date>2014/02/30<")),
    "date-iso": letter(("Date>2026/11/20<", "Date>2026-11-20<")),
    "date-vietnamese": letter(("Date>2026/11/20<", "Date>20/11/2026<")),
    "date-short": letter(("Date>2026/11/20<", "Date>2026/1/5<"), (_ID, "Z79.1,2026/01/05,12/TB-VP")),
    "date-future": letter(("Date>2026/11/20<", "Date>2027/11/20<"), (_ID, "Z79.1,2027/11/20,12/TB-VP")),
    "due-date-impossible": _with(element("DueDate", "2026/13/01")),
    "trace-time-impossible": letter(("2026/11/20 08:30:00", "2026/11/20 8 giờ 30")),
    # secrecy: the format is not for it
    "secret-subject": letter((">Về lịch họp giao ban<", ">MẬT - Về lịch họp giao ban<")),
    "top-secret-content": _with(element("Content", "Độ mật: Tối mật")),
    "secret-unknown-element": _with(element("DoMat", "Tuyệt mật")),
    "not-secret": letter((">Về lịch họp giao ban<", ">Về bí mật thành công và mật ong<")),
}
