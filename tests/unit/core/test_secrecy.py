"""Marks of secrecy: where marks stand they are found, in ordinary sentences they are not."""

import unicodedata

import pytest

from gateway.core.secrecy import find_mark
from tests.kit.growth import cost_ratio

MARKED = {
    "Mật": "Mật",
    "mật (1).pdf": "Mật",
    "MẬT 01.pdf": "Mật",
    "Copy of TỐI MẬT.docx": "Tối mật",
    "1.MẬT.pdf": "Mật",
    "TÀI LIỆU MẬT": "Mật",
    "Văn bản tuyệt mật": "Tuyệt mật",
    "HỎA TỐC MẬT": "Mật",
    "MẬT KHẨN": "Mật",
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
    "M Ậ T": "Mật",
    "T U Y Ệ T   M Ậ T": "Tuyệt mật",
    "T.Ố.I M.Ậ.T - Báo cáo": "Tối mật",
    "\u041cẬ\u0422": "Mật",
    "\u039c\u0410\u0302\u0323\u03a4": "Mật",
    "(\u03a4\u041e\u0302\u0301\u0406 \u041cẬT) Báo cáo": "Tối mật",
    "TU\u0423\u0415\u0302\u0323T MẬT": "Tuyệt mật",
    "M\u034fA\u0323\u034f\u0302T": "Mật",
    "M\u3164Ậ\uffa0T": "Mật",
    "MẬT\tBáo cáo; Mật": "Mật",
    "𝐌Ậ𝐓": "Mật",
    "TOI MAT": "Tối mật",
    "tuyet-mat.pdf": "Tuyệt mật",
    "bao-cao_TOI_MAT.pdf": "Tối mật",
    "(TUYET MAT) Bao cao tinh hinh": "Tuyệt mật",
    "Do mat: Toi mat": "Tối mật",
    "Do mat: mat": "Mật",
    "MAT": "Mật",
    "MAT.pdf": "Mật",
    "[MAT] Bao cao": "Mật",
    "12-CV-TU (MAT).pdf": "Mật",
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
    "Hội nghị khoa học Gan - Mật",
    "Khoa Ngoại gan-mật",
    "Bệnh viện: khoa Gan – Mật",
    "gan_mật.pdf",
    "Mật, sáp ong và phấn hoa",
    "Văn bản mật mã",
    "Tài liệu mật độ dân cư",
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
    "Nguyễn Văn Mật",
    "NGUYỄN THỊ MẬT",
    "TS. Mật",
    "Ng. V. Mật",
    "KT. CHỦ TỊCH, TS.Mật",
    "Phường Mật Sơn",
    "Mật Sơn, ngày 02 tháng 02",
    "Xã Mật Ninh - huyện Quảng Ninh",
    "Trưởng phòng Bảo mật",
    "Cục Cơ yếu - Bảo mật thông tin",
    "Phó Trưởng ban Mật mã",
    "mat.jpg",
    "mat truoc.pdf",
    "MAT TRUOC.PDF",
    "CONG TY CO PHAN MAT",
    "Công ty cổ phần MAT (MAT)",
    "Toi mat giay phep lai xe",
    "SFRF/MAT+abc==",
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
    assert find_mark("m ậ t x" * 100_000, "m\u200bậ" * 100_000, "toi mat a " * 100_000) is None
    assert find_mark("(MAT" * 100_000, "- mat." * 100_000, "\n".join(["bảo mật"] * 50_000)) is None


@pytest.mark.parametrize("run", ["-" * 1_000, "-=" * 500, "_." * 500, "…" * 1_000])
def test_a_mark_behind_and_before_a_long_line_is_found(run: str) -> None:
    assert {find_mark(f"{run}mật"), find_mark(f"mật{run}"), find_mark(f"{run}mật{run}")} == {"Mật"}
    assert find_mark(f"Về {run} [tối mật] {run}") == "Tối mật"


def test_a_line_of_dashes_costs_no_more_than_a_line_of_letters() -> None:
    dashes, letters = "-" * 500_000 + "mậtx", "x" * 500_000 + "mậtx"
    assert find_mark(dashes) is None
    assert cost_ratio(lambda: find_mark(dashes), lambda: find_mark(letters)) < 2  # looked at one by one: 7
