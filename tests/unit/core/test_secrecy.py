"""Marks of secrecy: where marks stand they are found, in ordinary sentences they are not."""

import unicodedata

import pytest

from gateway.core.secrecy import find_mark

MARKED = {
    "Mật": "Mật",
    "MẬT": "Mật",
    "mật": "Mật",
    "  MẬT  ": "Mật",
    "*** TUYỆT MẬT ***": "Tuyệt mật",
    "TỐI  MẬT": "Tối mật",
    "Tối\u00a0mật": "Tối mật",
    "Tuyệt mật.": "Tuyệt mật",
    "[MẬT] Báo cáo tình hình": "Mật",
    "［ＴỐＩ ＭẬＴ］ Báo cáo": "Tối mật",
    "Báo cáo tình hình (Tối mật)": "Tối mật",
    "Báo cáo ( mật ) quý I": "Mật",
    "Báo cáo 【MẬT】": "Mật",
    "TỐI MẬT - Báo cáo tình hình": "Tối mật",
    "MẬT: về việc bố trí lực lượng": "Mật",
    "Mật. Báo cáo": "Mật",
    "MẬT, HỎA TỐC": "Mật",
    "Báo cáo tình hình - TUYỆT MẬT": "Tuyệt mật",
    "Báo cáo tình hình – Mật": "Mật",
    "Báo cáo tình hình; Mật.": "Mật",
    "Độ mật: Tuyệt mật": "Tuyệt mật",
    "Mức độ mật: MẬT": "Mật",
    "Công văn số 12, độ mật : tối mật, 03 bản": "Tối mật",
    "Ðộ mật - Mật": "Mật",
    "MẬT_bao-cao.pdf": "Mật",
    "bao-cao_TỐI MẬT.pdf": "Tối mật",
    "12-CV-TU (MẬT).pdf": "Mật",
    "tuyệt-mật_12.pdf": "Tuyệt mật",
    "bao_cao_tối_mật.pdf": "Tối mật",
    "báo-cáo-mật.pdf": "Mật",
    "MẬT.docx": "Mật",
    "M\u00adẬ\u200bT": "Mật",
    "Kính gửi các đơn vị\nTUYỆT MẬT\nNội dung": "Tuyệt mật",
}

ORDINARY = (
    "",
    "Về việc tăng cường bảo mật thông tin",
    "Hướng dẫn đổi mật khẩu hệ thống",
    "Mật khẩu, tài khoản của cán bộ",
    "MẬT KHẨU",
    "Công tác bảo vệ bí mật nhà nước năm 2026",
    "Danh mục bí mật nhà nước độ Tối mật và Tuyệt mật thuộc phạm vi quản lý",
    "Luật Bảo vệ bí mật nhà nước",
    "Mật độ dân số các phường",
    "MẬT ĐỘ XÂY DỰNG - quy hoạch phân khu",
    "Phát triển nghề nuôi ong lấy mật",
    "Mật ong rừng",
    "Sản phẩm đường, sữa, mật",
    "Độ mật: Không",
    "Độ mật: thường",
    "Độ mật: không mật",
    "Quan hệ mật thiết giữa Đảng và nhân dân",
    "Trao đổi về cơ mật viện - di tích",
    "Kỷ niệm ngày truyền thống ngành Cơ yếu (bảo mật)",
    "Chương trình bảo mật - an toàn thông tin",
    "MAT - Công ty cổ phần",
    "mat-ong.pdf",
    "Mặt trận Tổ quốc: MẶT",
    "mất - hỏng tài sản",
    "bao-mat.pdf",
    "bảo_mật_2026.pdf",
    "quy-chế-bảo-mật.pdf",
    "quy_chế_bảo_mật.pdf",
    "bảo-mật.pdf",
    "bí-mật.pdf",
    "mật-khẩu.xlsx",
    "mật_độ_dân_số.pdf",
    "an toàn-bảo mật",
)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(("text", "mark"), MARKED.items())
def test_a_mark_is_found_where_marks_are_written(text: str, mark: str, form: str) -> None:
    assert find_mark("Một dòng thường", unicodedata.normalize(form, text)) == mark  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_bears_no_mark(text: str, form: str) -> None:
    assert find_mark(unicodedata.normalize(form, text)) is None  # type: ignore[arg-type]


def test_no_text_at_all() -> None:
    assert find_mark() is None


def test_a_long_hostile_text_costs_little() -> None:
    assert find_mark("- mật a" * 100_000) is None
    assert find_mark("(" * 100_000 + " " * 100_000) is None
