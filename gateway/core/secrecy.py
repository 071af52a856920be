"""Marks of secrecy in plain texts: what this channel must not carry.

The format has no field for secrecy because it is not for state secrets (QCVN 102:2016/BTTTT, scope), so a mark can only
turn up in a text: the subject, the place, the name of a file. A mark is looked for where marks are written (alone,
in brackets, after "Độ mật:", set off at the beginning or the end), never inside a sentence or a name: "bảo mật", "mật khẩu",
"bí mật nhà nước", "phường Mật Sơn", "Nguyễn Văn Mật" and "TS. Mật" are ordinary words of ordinary documents. This is a net
under the offices' own duty, not a classifier.

It is written in many ways: composed or not, with the letters of another alphabet that look the same, set wide ("M Ậ T"),
with letters nobody sees in between; all are read as what a person sees. Without its diacritics "mat" is an eye, a face or
the name of a company. So in a text that has diacritics only the spelling with them is a mark; in one that has none,
"TOI MAT" and "TUYET MAT" are, where marks are written, and "MAT" in capitals when it stands alone, in brackets at the
beginning or the end, or after "do mat:".
"""

import re
import unicodedata
from typing import Final

from gateway.core.plain_text import without_unseen

_MARKS: Final = {
    "tuyệtmật": "Tuyệt mật", "tốimật": "Tối mật", "mật": "Mật", "tuyetmat": "Tuyệt mật", "toimat": "Tối mật", "mat": "Mật",
}  # fmt: skip
"""Law on the protection of state secrets (29/2018/QH14), art. 8: the three degrees."""

# Letters of other alphabets that look like those of the marks (UTS 39, confusables), and other spellings of "đ".
_ALIKE: Final = str.maketrans(
    "МТУОІАЕΜΤΥΟΙΑΕмтуоіаеοιαυτμɑıᴍᴛᴏɪᴜʏᴇᴀÐðƉɖ",
    "MTYOIAEMTYOIAEmtyoiaeoiautmaimtoiuyeaĐđĐđ",
)
_LETTERS: Final = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ"
_VIETNAMESE: Final = re.compile(f"[ -~{_LETTERS}{_LETTERS.upper()}]*")
"""Composed, and no letter of another alphabet: seen as it stands."""
_ANY_ALIKE: Final = re.compile(f"[{''.join(map(chr, _ALIKE))}]")

# Names of files join words with a dash or an underscore: "bảo-mật.pdf" and "mật_khẩu.xlsx" are words, not marks.
# So do hepatobiliary departments: "Khoa Gan - Mật".
_NOT_AFTER: Final = r"(?<!\bgan - )(?<!\bgan – )" + "".join(
    rf"(?<!\b{word}[-_])(?<!_{word}[-_])" for word in ("bảo", "bí", "cơ", "thân", "gan")
)
_NOT_BEFORE: Final = r"(?![-_](?:khẩu|mã|độ|ong|thiết|vụ|danh|thư|hiệu|lệnh|nghị|đàm|mía)(?![^\W_]))"


def _wide(word: str) -> str:
    """The word as it is, or with one space, dot or dash between each two letters."""
    return f"(?:{word}|{'[ .·_-]'.join(word)})"


_MARK: Final = (
    rf"(?<![^\W_]){_NOT_AFTER}(?P<mark>(?:{_wide('tuyệt')}|{_wide('tối')})[ _-]{_wide('mật')}|{_wide('mật')})"
    rf"(?![^\W_]){_NOT_BEFORE}"
)
_BARE_MARK: Final = rf"(?<![^\W_])(?P<mark>(?:{_wide('tuyet')}|{_wide('toi')})[ _-]{_wide('mat')})(?![^\W_])"
_BETWEEN: Final = re.compile("[ .·_-]")
_EXTENSION: Final = r"(?:\.[a-z0-9]{1,5})?"
_COPY: Final = r"(?:[ _-]*(?:\(\d{1,3}\)|\d{1,3}))?"
"""What file managers and browsers put behind the name of a copy."""
_PAPER: Final = r"(?:\d{1,3}\.\s*|copy of\s+)?(?:(?:tài liệu|văn bản|công văn|hỏa tốc|khẩn)\s+)?"
_URGENT: Final = r"(?:[\s,]+(?:khẩn|thượng khẩn|hỏa tốc))?"


def _places(mark: str) -> tuple[re.Pattern[str], ...]:
    """Where a mark is written: alone, in brackets, after its label, at the beginning, at the end.

    A dot sets off the end of a sentence: not that of an abbreviation ("TS.", "Ng. V.").
    """
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"^[\W_]*{_PAPER}{mark}{_URGENT}{_COPY}{_EXTENSION}[\W_]*$",
            rf"[(\[{{<«【]\s*{mark}\s*[)\]}}>»】]",
            rf"(?<!\w)[đd][ộo] m[ậa]t\s*[:=–—-]\s*{mark}",
            rf"^[\W_]*{mark}\s*[-–—:.;|/_]",
            rf"(?:[-–—:;|/_]|(?<=[^\W_]{{4}})\.)\s*{mark}{_EXTENSION}[\W_]*$",
        )
    )


_PLACES: Final = _places(_MARK)
_BARE_PLACES: Final = (
    *_places(_BARE_MARK),
    re.compile(r"(?<!\w)do mat\s*[:=–—-]\s*(?P<mark>mat)(?![^\W_])"),
)
_CAPITALS: Final = re.compile(
    rf"^[\W_]*MAT{_EXTENSION.replace('a-z', 'A-Za-z')}[\W_]*$"
    r"|^\W*[(\[{<«【]\s*MAT\s*[)\]}>»】]|[(\[{<«【]\s*MAT\s*[)\]}>»】](?:\.[A-Za-z0-9]{1,5})?\W*$"
)
_LONG_RUN: Final = re.compile(r"(?<![\W_])[\W_]{41,}")
"""Eight million dashes say no more than forty, and took seven seconds."""
_HINT: Final = re.compile(r"m\W?[aậ]\W?t|m_[aậ]_t")
"""Nothing else is worth a closer look: most texts are done with here."""


def find_mark(*texts: str) -> str | None:
    """The first mark of secrecy that one of the texts bears (`Mật`, `Tối mật` or `Tuyệt mật`), or None."""
    for text in dict.fromkeys(texts):  # an envelope for 168 bodies says the same thing very often
        for line in text.splitlines():
            if found := _mark_in(line):
                return found
    return None


def _mark_in(line: str) -> str | None:
    if line.isascii() and "m" not in line and "M" not in line:
        return None
    seen = _seen(line)
    if not _HINT.search(seen.casefold()):
        return None
    seen = _LONG_RUN.sub(lambda run: run[0][:20] + run[0][-20:], seen)
    folded = seen.casefold()
    for place in _PLACES if _has_diacritics(folded) else _BARE_PLACES:
        if found := place.search(folded):
            return _MARKS[_BETWEEN.sub("", found["mark"])]
    return _MARKS["mat"] if not _has_diacritics(folded) and _CAPITALS.search(seen) else None


def _seen(line: str) -> str:
    """What a person sees, in one spelling: plain spaces, no invisible letters, Latin letters, composed."""
    visible = " ".join(without_unseen(" ".join(line.split())).split())
    if visible.isascii() or _VIETNAMESE.fullmatch(visible):
        return visible
    decomposed = unicodedata.normalize("NFKD", visible)
    latin = decomposed.translate(_ALIKE) if _ANY_ALIKE.search(decomposed) else decomposed
    return unicodedata.normalize("NFC", latin)


def _has_diacritics(text: str) -> bool:
    return "đ" in text or any(map(unicodedata.combining, unicodedata.normalize("NFD", text)))
