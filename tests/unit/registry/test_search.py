"""Search for bodies, as people type."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.directory import Body, BodyStatus, Snapshot
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.registry import BodyIndex
from gateway.registry.search import fold

NAMES = {
    "H50.01": "Ủy ban nhân dân phường Bến Nghé",
    "H50.02": "Đảng ủy phường Đakao",
    "H50.03": "Sở Giáo dục và Đào tạo",
    "H50.10": "ỦY BAN NHÂN DÂN XÃ ĐÔNG HÒA",
    "K01.ub": "Văn phòng",
}


def index(names: dict[str, str]) -> BodyIndex:
    bodies = {
        OrganId(code): Body(
            organ_id=OrganId(code),
            name=name,
            in_charge="",
            gateway=GatewayId("g"),
            status=BodyStatus.ACTIVE,
            successor=None,
            transport_certificates=(),
            seal_certificates=(),
        )
        for code, name in reversed(names.items())
    }
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    return BodyIndex(Snapshot(epoch=1, digest=Digest("0" * 64), issued_at=moment, bodies=bodies, gateways={}))


def found(text: str, *, after: str | None = None, limit: int = 10) -> Sequence[str]:
    bodies = index(NAMES).search(text, after=None if after is None else OrganId(after), limit=limit)
    return [body.organ_id for body in bodies]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("uy ban nhan dan", ["H50.01", "H50.10"]),
        ("Ủy Ban", ["H50.01", "H50.10"]),
        (unicodedata.normalize("NFD", "ủy ban"), ["H50.01", "H50.10"]),
        ("  uy \t ban\nnhan  ", ["H50.01", "H50.10"]),
        ("dang", ["H50.02"]),
        ("ĐÀO TẠO", ["H50.03"]),
        ("dao", ["H50.03"]),
        ("đakao", ["H50.02"]),
        ("h50", ["H50.01", "H50.02", "H50.03", "H50.10"]),
        ("UB", ["K01.ub"]),
        ("H50.01 Uy", []),
        ("nghe dang", []),
        ("nothing", []),
        ("%", []),
        ("", list(NAMES)),
        (" ", list(NAMES)),
        ("\u0301", list(NAMES)),
    ],
)
def test_marks_case_and_composition_do_not_matter(text: str, codes: list[str]) -> None:
    assert found(text) == codes


def test_pages_go_by_code_after_a_code_that_need_not_be_there() -> None:
    assert found("h50", limit=2) == ["H50.01", "H50.02"]
    assert found("h50", after="H50.02", limit=2) == ["H50.03", "H50.10"]
    assert found("h50", after="H50.0") == ["H50.01", "H50.02", "H50.03", "H50.10"]
    assert found("", after="H50.03", limit=1) == ["H50.10"]
    assert found("", after="Z") == []
    assert found("h50", after="H50.10") == []


@given(
    st.lists(st.text(alphabet="aáàđĐ bB\n\u0301", max_size=8), max_size=8),
    st.text(alphabet="aáđ bB\n", max_size=3),
    st.integers(1, 4),
)
def test_it_finds_what_a_plain_search_finds(names: list[str], text: str, limit: int) -> None:
    bodies = {f"C{number}": name for number, name in enumerate(names)}
    expected = [code for code, name in bodies.items() if fold(text) in fold(name) or fold(text) in fold(code)]
    pages: list[str] = []
    while True:
        after = OrganId(pages[-1]) if pages else None
        page = [body.organ_id for body in index(bodies).search(text, after=after, limit=limit)]
        if not page:
            break
        pages += page
    assert pages == expected
