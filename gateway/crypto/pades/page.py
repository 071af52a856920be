"""The pages of a PDF as a person sees them: which part is shown, and which way up (ISO 32000-2 clauses 7.7.3.3, 14.11.2).

A box of a page is `seen` when it is measured in points (1/72 inch) from the lower left corner of what is shown, upright. In
the file it stands in the page's own space, whose origin may lie anywhere, whose unit may be larger, and which may be turned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler

from gateway.core import limits
from gateway.crypto.pades.entry import entry

POINTS_PER_MM: Final = 72 / 25.4
_INHERITED: Final = ("/MediaBox", "/CropBox", "/Rotate")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its left, lower, right and upper side."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def holds(self, other: "Box", *, slack: float = 0.01) -> bool:
        """Whether the other one lies inside."""
        return (
            self.left - slack <= other.left
            and self.bottom - slack <= other.bottom
            and other.right <= self.right + slack
            and other.top <= self.top + slack
        )


def box_around(middle: tuple[float, float], width: float, height: float) -> Box:
    """The rectangle of that size with that centre."""
    x, y = middle
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: where it stands in the file, and how it is shown."""

    number: int
    """Counted from 1."""
    reference: generic.Reference
    shown: Box
    """The visible part, in the page's own space: CropBox inside MediaBox."""
    turn: int
    """Degrees by which it is turned clockwise when shown: 0, 90, 180 or 270."""
    unit: float
    """UserUnit: points in one unit of the page's own space."""

    @property
    def seen(self) -> Box:
        """All that is shown."""
        width, height = self.shown.width * self.unit, self.shown.height * self.unit
        return Box(0, 0, height, width) if self.turn in (90, 270) else Box(0, 0, width, height)

    def to_own(self, seen: Box) -> Box:
        """A box that is seen, in the page's own space."""
        corners = [self._own(seen.left, seen.bottom), self._own(seen.right, seen.top)]
        return _box([side for corner in corners for side in corner])

    def to_seen(self, own: Box) -> Box:
        """A box in the page's own space, as it is seen."""
        corners = [self._seen(own.left, own.bottom), self._seen(own.right, own.top)]
        return _box([side for corner in corners for side in corner])

    def _own(self, x: float, y: float) -> tuple[float, float]:
        x, y = x / self.unit, y / self.unit
        shown = self.shown
        match self.turn:
            case 90:
                return shown.right - y, shown.bottom + x
            case 180:
                return shown.right - x, shown.top - y
            case 270:
                return shown.left + y, shown.top - x
        return shown.left + x, shown.bottom + y

    def _seen(self, x: float, y: float) -> tuple[float, float]:
        shown = self.shown
        match self.turn:
            case 90:
                across, up = y - shown.bottom, shown.right - x
            case 180:
                across, up = shown.right - x, shown.top - y
            case 270:
                across, up = shown.top - y, x - shown.left
            case _:
                across, up = x - shown.left, y - shown.bottom
        return across * self.unit, up * self.unit


def pages(handler: PdfHandler) -> Iterator[Page]:
    """The pages in order.

    Raises:
        ValueError: the page tree is none, or larger than any real one, or a page shows nothing.
    """
    for number, (reference, facts) in enumerate(_bounded(handler), 1):
        yield _page(number, reference, facts)


def leaves(handler: PdfHandler) -> Iterator[Any]:
    """The dictionaries of the pages in order, whatever they show.

    Raises:
        ValueError: the page tree is none, or larger than any real one.
    """
    for reference, _ in _bounded(handler):
        yield reference.get_object()


def _bounded(handler: PdfHandler) -> Iterator[tuple[generic.Reference, dict[str, Any]]]:
    walk = _walk(handler.root.raw_get("/Pages"), {}, set())
    for number, found in enumerate(islice(walk, limits.PDF_PAGES_MAX + 1), 1):
        if number > limits.PDF_PAGES_MAX:
            raise ValueError(f"more than {limits.PDF_PAGES_MAX} pages")
        yield found


def _walk(
    node: Any, inherited: dict[str, Any], met: set[generic.Reference]
) -> Iterator[tuple[generic.Reference, dict[str, Any]]]:
    """Every leaf of the page tree with what it has and inherits."""
    if node.reference in met:
        raise ValueError("the page tree is no tree")
    met.add(node.reference)
    found = node.get_object()
    if "/Kids" in found and entry(found, "/Type") == "/Page":  # readers show it, whatever is said to be under it
        raise ValueError("a page has pages under it")
    facts = inherited | {name: found[name] for name in _INHERITED if name in found}
    if "/Kids" not in found:
        yield node.reference, facts | {"/UserUnit": entry(found, "/UserUnit", 1)}
        return
    for child in found["/Kids"]:
        if isinstance(child, generic.IndirectObject):
            yield from _walk(child, facts, met)


def _page(number: int, reference: generic.Reference, facts: dict[str, Any]) -> Page:
    media = box_of(facts["/MediaBox"])
    crop = box_of(facts["/CropBox"]) if "/CropBox" in facts else media
    shown = Box(
        max(media.left, crop.left),
        max(media.bottom, crop.bottom),
        min(media.right, crop.right),
        min(media.top, crop.top),
    )
    unit = float(facts["/UserUnit"])
    if shown.width <= 0 or shown.height <= 0 or unit <= 0:
        raise ValueError(f"page {number} shows nothing")
    return Page(
        number=number, reference=reference, shown=shown, turn=int(facts.get("/Rotate", 0)) % 360 // 90 * 90, unit=unit
    )


def box_of(array: Any) -> Box:
    """A rectangle as a PDF writes it: any two opposite corners (ISO 32000-2 clause 7.9.5)."""
    sides = [float(array[place]) for place in range(len(array))]  # by index: an item may be a reference
    if len(sides) != 4:
        raise ValueError("a rectangle has four numbers")
    return _box(sides)


def _box(sides: list[float]) -> Box:
    return Box(min(sides[0::2]), min(sides[1::2]), max(sides[0::2]), max(sides[1::2]))
