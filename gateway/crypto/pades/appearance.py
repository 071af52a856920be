"""What a signature shows on paper, as Decree 30/2020/ND-CP, annex I lays down; pure: from what is to be shown to a drawing.

| kind             | who, on what                       | what stands there, and where                                  |
|------------------|------------------------------------|---------------------------------------------------------------|
| `PersonPicture`  | the person who signs (box 7c)      | picture of the hand signature, blue, between title and name   |
| `SealPicture`    | the body (box 8)                   | picture of the seal, red, true size, over a third of the      |
|                  |                                    | person's picture, on its left                                 |
| `AttachmentText` | the body, on an attachment in a    | number and symbol of the document, moment of signing; top     |
|                  | file by itself                     | right of the first page, no picture                           |
| `CopyText`       | the body, on an electronic copy    | form of copy, name of the body, moment of signing; same place |

Texts are upright, black, 10 points, in Tinos (`typeface`), which has the measures of Times New Roman. A moment is shown in
ISO 8601 with Vietnam's zone. A signature without any of these is invisible. Pictures are PNG with transparency (`picture`):
what they show, and in which colour, is the body's own business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.reasons import because
from gateway.crypto.pades.page import POINTS_PER_MM
from gateway.crypto.pades.picture import Picture, read_picture
from gateway.crypto.pades.typeface import composed, tinos

VIETNAM: Final = timezone(timedelta(hours=7))
TEXT_POINTS: Final = 10.0
LINE_POINTS: Final = 12.0
TEXT_WIDTH_POINTS_MAX: Final = 120 * POINTS_PER_MM
"""Longer lines are broken; nearly every body's name stands in one."""
LINES_MAX: Final = 5
"""Three lines stand in the upper margin of 20 to 25 mm (Decree 30/2020, annex I); more than five would hide the document."""
FONT: Final = "F1"
PICTURE: Final = "Im1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place on a page: millimetres from the upper left corner of what is seen of it."""

    page: int
    """Counted from 1."""
    across_mm: float
    down_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPicture:
    """The picture of a person's hand signature."""

    png: bytes
    spot: Spot | None = None
    """Of its middle, between the line of the office and the name; None: where the named field of the document stands."""
    width_mm: float | None = None
    """None: as the picture itself says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPicture:
    """The picture of a body's seal."""

    png: bytes
    spot: Spot | None = None
    """Of its middle; None: left of the person's signature, or where the named field stands."""
    beside: str = ""
    """The field of the person's signature; empty: the last visible one that is signed, else the only one there is."""
    width_mm: float | None = None
    """True size; None: as the picture itself says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentText:
    """On an attachment that is a file by itself."""

    number: str
    """Number and symbol of the document that it belongs to: `12/CV-VPTU`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyText:
    """On an electronic copy."""

    form: str
    """`Sao y`, `Sao lục` or `Trích sao`."""
    body: str
    """Whose copy it is."""


Appearance = PersonPicture | SealPicture | AttachmentText | CopyText


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is to be seen: so many points wide and high, a picture or lines of text."""

    width: float
    height: float
    picture: Picture | None = None
    lines: tuple[str, ...] = ()


def drawn(appearance: Appearance, moment: datetime) -> Drawing:
    """The drawing of an appearance at the moment of signing.

    Raises:
        SenderError: `seal.appearance` with the reason: a picture that cannot be used, letters that nobody could read.
    """
    match appearance:
        case PersonPicture() | SealPicture():
            return _picture(read_picture(appearance.png), appearance.width_mm)
        case AttachmentText():
            return _text((appearance.number, shown_moment(moment)))
        case CopyText():
            return _text((appearance.form, appearance.body, shown_moment(moment)))


def shown_moment(moment: datetime) -> str:
    """`2026-11-20T17:30:05+07:00`: day, hour and Vietnam's zone after ISO 8601."""
    return moment.astimezone(VIETNAM).replace(microsecond=0).isoformat()


def _picture(picture: Picture, width_mm: float | None) -> Drawing:
    width = picture.width_mm if width_mm is None else width_mm
    if width is None:
        raise SenderError("seal.appearance", reason=because("picture_resolution"))
    points = width * POINTS_PER_MM
    return Drawing(width=points, height=points * picture.rows / picture.columns, picture=picture)


def _text(texts: Sequence[str]) -> Drawing:
    face = tinos()
    said = [composed(text) for text in texts]
    if any(not text or len(text) > limits.SHOWN_TEXT_CHARS_MAX for text in said):
        raise SenderError("seal.appearance", reason=because("text_length", limit=limits.SHOWN_TEXT_CHARS_MAX))
    if lacking := face.lacking("".join(said)):
        raise SenderError("seal.appearance", reason=because("letters", letters=" ".join(lacking)))
    lines = tuple(line for text in said for line in _broken(text))
    if len(lines) > LINES_MAX:
        raise SenderError("seal.appearance", reason=because("text_length", limit=limits.SHOWN_TEXT_CHARS_MAX))
    return Drawing(width=max(map(line_width, lines)), height=LINE_POINTS * len(lines), lines=lines)


def _broken(text: str) -> Iterator[str]:
    """The text in lines that are not too wide, broken between words."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and line_width(longer) > TEXT_WIDTH_POINTS_MAX:
            yield line
            longer = word
        line = longer
    yield line


def line_width(line: str) -> float:
    """Points."""
    return tinos().width(line) * TEXT_POINTS / 1000


def content(drawing: Drawing, width: float, height: float) -> bytes:
    """The content stream (ISO 32000-2 clause 7.8) that shows a drawing in a frame of this size, in points.

    A picture keeps its size, in the middle of the frame; one that is larger is made to fit, and its proportions stay.
    Lines end at the frame's right side and begin at its top.
    """
    if drawing.picture is not None:
        scale = min(1.0, width / drawing.width, height / drawing.height)
        across, up = drawing.width * scale, drawing.height * scale
        matrix = (across, 0, 0, up, (width - across) / 2, (height - up) / 2)
        return b"q %b cm /%b Do Q" % (_numbers(*matrix), PICTURE.encode())
    scale = min(1.0, width / drawing.width, height / drawing.height)
    ascent = TEXT_POINTS * tinos().ascent / 1000
    shown = [b"q %b cm BT /%b %b Tf 0 g" % (_numbers(scale, 0, 0, scale, width, height), FONT.encode(), _numbers(10))]
    for number, line in enumerate(drawing.lines):
        place = _numbers(1, 0, 0, 1, -line_width(line), -ascent - LINE_POINTS * number)
        shown.append(b"%b Tm <%b> Tj" % (place, tinos().glyphs(line).hex().encode()))
    return b"\n".join((*shown, b"ET Q"))


def upright(width: float, height: float, turn: int) -> tuple[float, ...]:
    """The matrix of a form of this size that is to be seen upright on a page that is shown turned clockwise.

    A reader moves and scales what comes out into the annotation's rectangle (ISO 32000-2 clause 12.5.5).
    """
    match turn:
        case 90:
            return (0, 1, -1, 0, height, 0)
        case 180:
            return (-1, 0, 0, -1, width, height)
        case 270:
            return (0, -1, 1, 0, 0, width)
    return (1, 0, 0, 1, 0, 0)


def _numbers(*numbers: float) -> bytes:
    return b" ".join(f"{number:.4f}".rstrip("0").rstrip(".").encode() for number in numbers)
