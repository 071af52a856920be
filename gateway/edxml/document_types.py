"""Types of documents (loại văn bản): both tables of Amendment 1:2022 to QCVN 102:2016, and what has no number in them.

The regulation's `Type` is the group and `TypeDetail` the number in its table (facts 1.4). Senders in the field keep to neither,
so on reading the `TypeName` is what to trust; what we write has the regulation's numbers. A type without one (the Party's own,
399-QĐ/TW, facts 6.4, and the decree's "phiếu báo") is an administrative document with number 0, which
is what others write where they have none, and its name carries it.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Group(IntEnum):
    """`DocumentType/Type`."""

    LEGAL = 1
    """Table A: legal normative documents (văn bản quy phạm pháp luật)."""
    ADMINISTRATIVE = 2
    """Table B: administrative documents (văn bản hành chính)."""


UNNUMBERED: Final = 0
"""`TypeDetail` of a type that the tables do not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """One type."""

    group: Group
    detail: int
    """Number in the group's table, or `UNNUMBERED`."""
    name: str
    """`TypeName`, as the table spells it."""
    abbreviation: str = ""
    """In a paper's symbol (`QĐ` in `12/QĐ-UBND`), by decree 30/2020 for administrative types; some have none."""
    inferred: bool = False
    """The number is not in the excerpt of the amendment that is public: it follows the list of 32 types before it."""


_LEGAL: Final = (
    *("Hiến pháp", "Luật", "Pháp lệnh", "Lệnh", "Nghị quyết", "Nghị quyết liên tịch", "Nghị định", "Quyết định"),
    *("Thông tư", "Thông tư liên tịch", "Chỉ thị của UBND", "Bộ luật"),
    "Văn bản quy phạm pháp luật của chính quyền địa phương ở đơn vị hành chính - kinh tế đặc biệt",
)
_ADMINISTRATIVE: Final = (
    ("Nghị quyết (cá biệt)", "NQ"),
    ("Quyết định (cá biệt)", "QĐ"),
    ("Chỉ thị", "CT"),
    ("Quy chế", "QC"),
    ("Quy định", "QyĐ"),
    ("Thông cáo", "TC"),
    ("Thông báo", "TB"),
    ("Hướng dẫn", "HD"),
    ("Chương trình", "CTr"),
    ("Kế hoạch", "KH"),
    ("Phương án", "PA"),
    ("Đề án", "ĐA"),
    ("Dự án", "DA"),
    ("Báo cáo", "BC"),
    ("Biên bản", "BB"),
    ("Tờ trình", "TTr"),
    ("Hợp đồng", "HĐ"),
    ("Công văn", ""),
    ("Công điện", "CĐ"),
    ("Bản ghi nhớ", "BGN"),
    ("Bản cam kết", ""),
    ("Bản thỏa thuận", "BTT"),
    ("Giấy chứng nhận", ""),
    ("Giấy ủy quyền", "GUQ"),
    ("Giấy mời", "GM"),
    ("Giấy giới thiệu", "GGT"),
    ("Giấy nghỉ phép", "GNP"),
    ("Giấy đi đường", ""),
    ("Giấy biên nhận hồ sơ", ""),
    ("Phiếu gửi", "PG"),
    ("Phiếu chuyển", "PC"),
    ("Thư công", ""),
)
_EXCERPT_END: Final = 26
"""The last number of table B in the excerpt."""
_DECREE_ONLY: Final = (("Phiếu báo", "PB"),)
_PARTY_ONLY: Final = (
    *("Cương lĩnh chính trị", "Điều lệ Đảng", "Chiến lược", "Kết luận", "Thông tri", "Tuyên bố", "Lời kêu gọi"),
    "Quy hoạch",
)
_PARTY_SHARED: Final = (
    *("Nghị quyết", "Quyết định", "Chỉ thị", "Quy chế", "Quy định", "Hướng dẫn", "Thông báo", "Thông cáo"),
    *("Báo cáo", "Kế hoạch", "Chương trình", "Đề án", "Phương án", "Dự án", "Tờ trình", "Công văn", "Biên bản"),
    *("Giấy giới thiệu", "Giấy chứng nhận", "Giấy đi đường", "Giấy nghỉ phép", "Giấy mời", "Phiếu chuyển"),
    *("Phiếu gửi", "Thư công"),
)

LEGAL: Final = tuple(DocumentType(group=Group.LEGAL, detail=detail, name=name) for detail, name in enumerate(_LEGAL, 1))
"""Table A."""
ADMINISTRATIVE: Final = tuple(
    DocumentType(
        group=Group.ADMINISTRATIVE,
        detail=detail,
        name=name,
        abbreviation=abbreviation,
        inferred=detail > _EXCERPT_END,
    )
    for detail, (name, abbreviation) in enumerate(_ADMINISTRATIVE, 1)
)
"""Table B."""
DECREE: Final = tuple(
    DocumentType(group=Group.ADMINISTRATIVE, detail=UNNUMBERED, name=name, abbreviation=abbreviation)
    for name, abbreviation in _DECREE_ONLY
)
"""What decree 30/2020 art. 7 has and table B does not."""
PARTY: Final = tuple(DocumentType(group=Group.ADMINISTRATIVE, detail=UNNUMBERED, name=name) for name in _PARTY_ONLY)
"""What only the Party issues."""

_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
"""Huyền, sắc, ngã, hỏi, nặng, decomposed: the other marks belong to the letter."""


def by_name(name: str, *, group: Group | None = None) -> DocumentType | None:
    """The type of that name, however it is written: case, spaces, "hoà" for "hòa", or no accents at all.

    Some names stand in both tables, for instance "Quyết định". Without a group they are the administrative ones: those are what
    offices send every day, and their own rules call them so, without the table's "(cá biệt)".
    """
    plain = _letters(name)
    bare = _without_marks(plain)
    for one in (group,) if group else (Group.ADMINISTRATIVE, Group.LEGAL):
        found = _BY_NAME[one].get(_words(plain)) or (_BY_BARE_NAME[one].get(bare) if plain == bare else None)
        if found:
            return found
    return None


def name_of(group: int, detail: int) -> str | None:
    """What the tables call the type of these two numbers; None where they have none."""
    return _BY_NUMBER.get((group, detail))


def party_types() -> tuple[DocumentType, ...]:
    """Every type of the Party's documents, with the number of the administrative one that bears the same name."""
    shared = (by_name(name) for name in _PARTY_SHARED)
    return (*PARTY, *(one for one in shared if one is not None))


def _letters(text: str) -> str:
    """Without case, and with one space between words."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _words(plain: str) -> str:
    """Each word with its tone behind it: where in the word it is put is a matter of taste ("hoà", "hòa")."""
    return " ".join(map(_word, plain.split()))


def _word(word: str) -> str:
    letters = unicodedata.normalize("NFD", word)
    tones = "".join(letter for letter in letters if letter in _TONES)
    return unicodedata.normalize("NFC", "".join(letter for letter in letters if letter not in _TONES)) + tones


def _without_marks(plain: str) -> str:
    letters = unicodedata.normalize("NFD", plain.replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _spellings(one: DocumentType) -> Iterable[str]:
    """With and without the bracket that the table puts behind a name."""
    plain = _letters(one.name)
    return dict.fromkeys((plain, plain.partition(" (")[0]))


def _index(group: Group, *, bare: bool) -> Mapping[str, DocumentType]:
    types = LEGAL if group is Group.LEGAL else (*ADMINISTRATIVE, *DECREE, *PARTY)
    form = _without_marks if bare else _words
    return MappingProxyType({form(spelling): one for one in types for spelling in _spellings(one)})


_BY_NAME: Final = MappingProxyType({group: _index(group, bare=False) for group in Group})
_BY_BARE_NAME: Final = MappingProxyType({group: _index(group, bare=True) for group in Group})
_BY_NUMBER: Final = MappingProxyType({(one.group.value, one.detail): one.name for one in (*LEGAL, *ADMINISTRATIVE)})
