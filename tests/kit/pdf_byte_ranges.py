"""What an attacker does to the byte range of a signed PDF: each takes a signed file and gives another."""

import re
from collections.abc import Callable
from typing import Final

from tests.kit.pdf_updates import OTHER_TEXT


def _range(pdf: bytes) -> tuple[re.Match[bytes], tuple[int, ...]]:
    (found,) = re.finditer(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf)
    return found, tuple(int(number) for number in found.groups())


def _with_range(pdf: bytes, *numbers: int) -> bytes:
    """Other numbers in the same room."""
    found, _ = _range(pdf)
    text = b"/ByteRange [%b]" % b" ".join(b"%d" % number for number in numbers)
    start, end = found.span()
    room = re.match(rb"[^/>]*", pdf[start + 1 :])
    assert room is not None
    assert len(text) <= room.end() + 1, "no room for the numbers"
    return pdf[:start] + text.ljust(end - start) + pdf[start + max(len(text), end - start) :]


def gap_stretched(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length, second + 1, rest - 1)


def gap_begins_early(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length - 1, second, rest)


def begins_late(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first + 1, length - 1, second, rest)


def ends_early(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length, second, rest - 1)


def overlaps(pdf: bytes) -> bytes:
    _, (first, length, _, rest) = _range(pdf)
    return _with_range(pdf, first, length, length - 10, rest)


def beyond_the_end(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length, second, rest + 9)


def two_numbers(pdf: bytes) -> bytes:
    _, (first, length, *_) = _range(pdf)
    return _with_range(pdf, first, length)


def negative(pdf: bytes) -> bytes:
    _, (_, length, second, rest) = _range(pdf)
    return _with_range(pdf, -1, length, second, rest)


def no_range(pdf: bytes) -> bytes:
    return pdf.replace(b"/ByteRange", b"/ByteRagne")


def no_contents(pdf: bytes) -> bytes:
    return pdf.replace(b"/Contents <30", b"/Contenst <30")


def empty_contents(pdf: bytes) -> bytes:
    """All zeros: a signature of nothing (universal signature forgery)."""
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", pdf)
    assert found is not None
    return pdf[: found.start(1)] + b"0" * len(found[1]) + pdf[found.end(1) :]


def bytes_after_the_end(pdf: bytes) -> bytes:
    return pdf + b"% Chi 900 dong\n"


def wrapped(pdf: bytes) -> bytes:
    """Signature wrapping: the signed halves stay, moved apart, and between them stands another revision.

    The signed end still says where the cross-reference table is; moved down, it points into the gap, where a table of the
    attacker's now stands: it names a new text, and a new signature dictionary with the same Contents and other numbers.
    """
    _, (first, length, second, rest) = _range(pdf)
    table = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    trailer = pdf[pdf.index(b"trailer", table) :]
    head = pdf.rindex(b" obj", 0, length)
    number = int(pdf[pdf.rindex(b"\n", 0, head) + 1 : head].split()[0])
    text = b"4 0 obj\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (len(OTHER_TEXT), OTHER_TEXT)
    offsets = _offsets(pdf, table)
    after = table + len(trailer) + len(_table({**offsets, 4: 0, number: 0}))
    down = after + len(text) + (second - length) + 300  # where the second half begins now
    moved = {at: where + (down - second if where >= second else 0) for at, where in offsets.items()}
    names = b"/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached"
    values = (number, names, pdf[length:second], first, length, down, rest)
    gap = pdf[length:second].ljust(table - length) + _table(moved | {4: after, number: after + len(text)}) + trailer
    gap += text + b"%d 0 obj\n<< %b /Contents %b /ByteRange [%d %d %d %d] >>\nendobj\n" % values
    assert len(gap) <= down - length, "wide enough"
    return pdf[:length] + gap.ljust(down - length) + pdf[second:]


def _table(offsets: dict[int, int]) -> bytes:
    return b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % entry for entry in sorted(offsets.items()))


def _offsets(pdf: bytes, table: int) -> dict[int, int]:
    """Object number -> where it is, by the cross-reference table that begins there."""
    found, number = {}, 0
    for line in pdf[table : pdf.index(b"trailer", table)].splitlines()[1:]:
        words = line.split()
        if len(words) == 2:
            number = int(words[0])
            continue
        if words[2] == b"n":
            found[number] = int(words[0])
        number += 1
    return found


RANGES: Final[dict[str, Callable[[bytes], bytes]]] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(gap_stretched, gap_begins_early, begins_late, ends_early, overlaps, beyond_the_end, two_numbers, negative),
        *(no_range, no_contents, empty_contents, bytes_after_the_end, wrapped),
    )
}
"""What can be done to the byte range, and to what it leaves out."""
