"""Marks of secrecy in plain texts: what this channel must not carry.

The format has no field for secrecy because it is not for state secrets (QCVN 102:2016/BTTTT, scope), so a mark can only
turn up in a text: the subject, the summary, the name of a file. A mark is looked for where marks are written (alone,
in brackets, after "Độ mật:", set off at the beginning or the end), never inside a sentence: "bảo mật", "mật khẩu" and
"bí mật nhà nước" are ordinary words of ordinary documents. Without its diacritics no word is a mark ("mat" is an eye,
"mát" is cool). This is a net under the offices' own duty, not a classifier.
"""

import re
import unicodedata
from typing import Final

_MARKS: Final = {"tuyệt mật": "Tuyệt mật", "tối mật": "Tối mật", "mật": "Mật"}
"""Law on the protection of state secrets (29/2018/QH14), art. 8: the three degrees."""

# Names of files join words with a dash or an underscore: "bảo-mật.pdf" and "mật_khẩu.xlsx" are words, not marks.
_NOT_AFTER: Final = "".join(rf"(?<!\b{word}[-_])(?<!_{word}[-_])" for word in ("bảo", "bí", "cơ", "thân"))
_NOT_BEFORE: Final = r"(?![-_](?:khẩu|mã|độ|ong|thiết|vụ|danh|thư|hiệu|lệnh|nghị|đàm|mía)(?![^\W_]))"
_MARK: Final = rf"(?<![^\W_]){_NOT_AFTER}(?P<mark>(?:(?:tuyệt|tối)[ _-])?mật)(?![^\W_]){_NOT_BEFORE}"
_EXTENSION: Final = r"(?:\.[a-z0-9]{1,5})?"
_PLACES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^[\W_]*{_MARK}[\W_]*$",
        rf"[(\[{{<«【]\s*{_MARK}\s*[)\]}}>»】]",
        rf"(?<!\w)[đð]ộ mật\s*[:=–—-]\s*{_MARK}",
        rf"^[\W_]*{_MARK}\s*[-–—:.,;|/_]",
        rf"[-–—:.;|/_]\s*{_MARK}{_EXTENSION}[\W_]*$",
    )
)


def find_mark(*texts: str) -> str | None:
    """The first mark of secrecy that one of the texts bears (`Mật`, `Tối mật` or `Tuyệt mật`), or None."""
    for text in texts:
        for line in text.splitlines():
            folded = _fold(line)
            for place in _PLACES:
                if found := place.search(folded):
                    return _MARKS[re.sub("[_-]", " ", found["mark"])]
    return None


def _fold(line: str) -> str:
    """One spelling for all: composed, lower case, plain spaces, without invisible letters (soft hyphen, zero width)."""
    visible = "".join(char for char in line if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().split())
