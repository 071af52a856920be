"""Types of documents: the regulation's two tables, and names as people write them."""

import unicodedata

import pytest

from gateway.edxml import document_types
from gateway.edxml.document_types import ADMINISTRATIVE, DECREE, LEGAL, PARTY, Group, by_name, name_of, party_types

EVERY = (*LEGAL, *ADMINISTRATIVE, *DECREE, *PARTY)


def test_the_tables_are_as_long_as_the_regulation_s() -> None:
    assert ([one.detail for one in LEGAL], [one.detail for one in ADMINISTRATIVE]) == (
        list(range(1, 14)),
        list(range(1, 33)),
    )
    assert {one.detail for one in (*DECREE, *PARTY)} == {0}
    assert [one.detail for one in EVERY if one.inferred] == [27, 28, 29, 30, 31, 32]


def test_the_decree_abbreviates_its_29_types() -> None:
    """Two of them have none: công văn and thư công; table B has four that the decree has not."""
    abbreviated = [one.abbreviation for one in (*ADMINISTRATIVE, *DECREE) if one.abbreviation]
    assert len(abbreviated) == len(set(abbreviated)) == 27
    without = {one.name for one in ADMINISTRATIVE if not one.abbreviation}
    assert without == {
        "Công văn",
        "Thư công",
        "Bản cam kết",
        "Giấy chứng nhận",
        "Giấy đi đường",
        "Giấy biên nhận hồ sơ",
    }


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_every_type_is_found_by_its_name(one: document_types.DocumentType) -> None:
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFD", one.name.replace("đ", "d").replace("Đ", "D"))
        if not unicodedata.combining(letter)
    )
    for spelling in (
        one.name,
        one.name.upper(),
        f"  {one.name.lower()}\t",
        unicodedata.normalize("NFD", one.name),
        bare,
    ):
        assert by_name(spelling, group=one.group) is one, spelling


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("Công văn", (2, 18)),
        ("CÔNG  VĂN", (2, 18)),
        ("cong van", (2, 18)),
        ("Bản thoả thuận", (2, 22)),
        ("Giấy uỷ quyền", (2, 24)),
        ("giấy ủy quyền", (2, 24)),
        ("Quyết định", (2, 2)),
        ("Quyết định (cá biệt)", (2, 2)),
        ("Nghị định", (1, 7)),
        ("Kết luận", (2, 0)),
        ("Phiếu báo", (2, 0)),
    ],
)
def test_a_name_is_found_as_people_write_it(name: str, numbers: tuple[int, int]) -> None:
    found = by_name(name)
    assert found is not None
    assert (found.group, found.detail) == numbers


@pytest.mark.parametrize("name", ["", " ", "Công vặn", "công văn khẩn", "Thư", "18", "công vǎn"])
def test_another_name_is_none(name: str) -> None:
    assert by_name(name) is None


def test_a_name_of_both_tables_is_the_administrative_one_unless_asked() -> None:
    legal = by_name("Quyết định", group=Group.LEGAL)
    assert legal is not None
    assert (legal.group, legal.detail) == (Group.LEGAL, 8)
    assert by_name("Công văn", group=Group.LEGAL) is None


def test_no_two_names_of_a_group_are_taken_for_each_other() -> None:
    """Not even without accents: two types that differ by them alone would be one."""
    for group in Group:
        of_group = [one for one in EVERY if one.group is group]
        found = [by_name(one.name, group=group) for one in of_group]
        assert found == of_group


def test_numbers_have_names_and_the_unnumbered_have_none() -> None:
    assert [name_of(one.group, one.detail) for one in (*LEGAL, *ADMINISTRATIVE)] == [
        one.name for one in (*LEGAL, *ADMINISTRATIVE)
    ]
    assert [name_of(*numbers) for numbers in ((2, 0), (1, 14), (2, 33), (18, 0), (3, 1), (2, -1))] == [None] * 6


def test_the_party_has_33_types() -> None:
    types = party_types()
    assert len({one.name for one in types}) == len(types) == 33
    assert {one.group for one in types} == {Group.ADMINISTRATIVE}
