"""`gateway edxml pack --template`: a filled-in META of each kind, which packs as it is; comments in the reader's language."""

import textwrap
from types import MappingProxyType
from typing import Final

from gateway.cli.exits import Exit
from gateway.cli.output import Terminal

_COMMENT_COLUMNS: Final = 98
_COMMENT: Final = "cli.edxml.meta."
_ANSWERED: Final = (
    "cli.edxml.meta.organ_id",
    'organ_id = "Z79.UBND"',
    "cli.edxml.meta.document_id",
    'document_id = "Z79.UBND,2026/11/01,5/UBND-VP"',
    "cli.edxml.meta.answered_code",
    'code = "5/UBND-VP"',
    "promulgation_date = 2026-11-01",
)
_STAFF: Final = (
    'staff = "Nguyễn Thị B"',
    'department = "Phòng Hành chính - Lưu trữ"',
    'email = "van-thu@example.vn"',
    'mobile = "0900000000"',
)
_HEAD: Final = (
    "cli.edxml.meta.code",
    'code = { number = "12", notation = "CV/VPTU" }',
    "cli.edxml.meta.promulgation",
    'promulgation_place = "Thành phố Hồ Chí Minh"',
    "promulgation_date = 2026-11-20",
    "cli.edxml.meta.type",
    "document_type = 2",
    "type_detail = 18",
    'type_name = "Công văn"',
    "cli.edxml.meta.subject",
    'subject = "Về việc chuẩn bị hội nghị giao ban tháng 12"',
    "cli.edxml.meta.content",
    'content = "Đề nghị các cơ quan chuẩn bị báo cáo và cử người dự họp."',
    "cli.edxml.meta.priority",
    'priority = "urgent"',
    "cli.edxml.meta.due_date",
    "due_date = 2026-11-30",
    "cli.edxml.meta.pages",
    "page_amount = 2",
    "copies = 1",
    "cli.edxml.meta.to_places",
    'to_places = ["Thường trực Thành ủy (để báo cáo)", "Lưu: VT"]',
    "cli.edxml.meta.steering_type",
    'steering_type = "none"',
    "cli.edxml.meta.appendixes",
    'appendixes = ["Phụ lục 1: Chương trình hội nghị"]',
    "cli.edxml.meta.made_up",
    '# document_id = "Z79.VPTU,2026/11/20,12/CV/VPTU"',
    "# created_at = 2026-11-20T08:30:00+07:00",
    "",
    "cli.edxml.meta.sender",
    "[sender]",
    'organ_id = "Z79.VPTU"',
    'name = "Văn phòng Thành ủy Thành phố Hồ Chí Minh"',
    'in_charge = "Thành ủy Thành phố Hồ Chí Minh"',
    'email = "vptu@example.vn"',
    "",
    "cli.edxml.meta.recipients",
    "[[recipients]]",
    'organ_id = "Z79.UB.25747"',
    'name = "Ủy ban nhân dân Phường Thủ Dầu Một"',
    "",
    "[[recipients]]",
    'organ_id = "Z79.DU.25747"',
    "",
    "cli.edxml.meta.signer",
    "[signer]",
    'competence = "T/L BAN THƯỜNG VỤ"',
    'position = "Chánh Văn phòng"',
    'full_name = "Nguyễn Văn A"',
)
_BUSINESS: Final = MappingProxyType(
    {
        "new": (
            "cli.edxml.meta.response_for",
            "[[response_for]]",
            *_ANSWERED,
        ),
        "revoke": (
            "cli.edxml.meta.revoked",
            "[[response_for]]",
            "cli.edxml.meta.organ_id",
            'organ_id = "Z79.VPTU"',
            "cli.edxml.meta.document_id",
            'document_id = "Z79.VPTU,2026/11/19,11/CV/VPTU"',
            'code = "11-CV/VPTU"',
            "promulgation_date = 2026-11-19",
            "",
            "cli.edxml.meta.business",
            "[business]",
            'kind = "revoke"',
            'reason = "Ban hành nhầm"',
        ),
        "update": (
            "cli.edxml.meta.business",
            "[business]",
            'kind = "update"',
            'reason = "Bổ sung nơi nhận"',
            "cli.edxml.meta.paper",
            "paper = false",
            "cli.edxml.meta.updated",
            'document_id = "Z79.VPTU,2026/11/19,11/CV/VPTU"',
            "cli.edxml.meta.changes",
            "[business.changes]",
            "metadata = true",
            "recipients = true",
            "",
            "[[business.changes.receivers]]",
            'organ_id = "Z79.DU.25747"',
            'change = "added"',
        ),
        "replace": (
            "cli.edxml.meta.business",
            "[business]",
            'kind = "replace"',
            'reason = "Thay thế do sai thời gian họp"',
            "",
            "cli.edxml.meta.replacements",
            "[[business.replacements]]",
            'document_id = "Z79.VPTU,2026/11/19,11/CV/VPTU"',
            'holders = ["Z79.UB.25747", "Z79.DU.25747"]',
        ),
    }
)
_BUSINESS_STAFF: Final = ("", "cli.edxml.meta.staff", "[[business.staff]]", *_STAFF)
_STATUS: Final = (
    "cli.edxml.meta.status_type",
    'type = "status"',
    "cli.edxml.meta.status",
    'status = "03"',
    "cli.edxml.meta.description",
    'description = "Đã tiếp nhận"',
    "cli.edxml.meta.timestamp",
    "# timestamp = 2026-11-21T08:30:00+07:00",
    "",
    "cli.edxml.meta.status_sender",
    "[sender]",
    'organ_id = "Z79.VPTU"',
    'name = "Văn phòng Thành ủy Thành phố Hồ Chí Minh"',
    "",
    "cli.edxml.meta.status_for",
    "[response_for]",
    *_ANSWERED,
    "",
    "cli.edxml.meta.staff",
    "[staff]",
    *_STAFF,
)
_KINDS: Final = MappingProxyType(
    {
        "new": "cli.edxml.meta.kind_new",
        "revoke": "cli.edxml.meta.kind_revoke",
        "update": "cli.edxml.meta.kind_update",
        "replace": "cli.edxml.meta.kind_replace",
        "status": "cli.edxml.meta.kind_status",
    }
)


def template(terminal: Terminal, kind: str) -> int:
    """Print the example; with `--json` as one value, for who wants to read it by program."""
    text = text_of(terminal, kind)
    if terminal.json:
        terminal.value({"template": kind, "toml": text})
    else:
        terminal.out.file.write(text)
    return Exit.OK


def text_of(terminal: Terminal, kind: str) -> str:
    """The example as TOML."""
    business = () if kind == "status" else ("", *_BUSINESS[kind], *(() if kind == "new" else _BUSINESS_STAFF))
    lines = _STATUS if kind == "status" else (*_HEAD, *business)
    head = ("cli.edxml.meta.head", _KINDS[kind], "")
    return "".join(f"{shown}\n" for line in (*head, *lines) for shown in _shown(terminal, line))


def _shown(terminal: Terminal, line: str) -> list[str]:
    if not line.startswith(_COMMENT):
        return [line]
    return textwrap.wrap(terminal.text(line), _COMMENT_COLUMNS, initial_indent="# ", subsequent_indent="# ")
