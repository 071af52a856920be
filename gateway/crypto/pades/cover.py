"""How much of a page the fields may cover that come to a signed PDF: what verifier and signer ask alike.

A signature field is shown over the page, and its picture may be opaque: one as large as the page is another page. Whether a
picture hides a text nobody can tell without drawing both, so the bound is one of area, and by what the reader sees: a share of
the visible part of the page, whatever its size or unit. The shares stand in `core.limits`, with what Decree 30/2020/ND-CP asks
for. Fields that the earlier signer had signed are his: where they stand, and how large they are, he has seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler
from pyhanko.sign.fields import enumerate_sig_fields

from gateway.core.limits import ADDED_FIELD_PAGE_PERCENT_MAX, ADDED_FIELDS_PAGE_PERCENT_MAX
from gateway.crypto.pades.entry import entry
from gateway.crypto.pades.page import Box, Page, box_of, pages


@dataclass(frozen=True, slots=True)
class Excess:
    """More of a page is covered than may be."""

    page: int
    """Counted from 1."""
    percent: int
    """What is allowed."""
    together: bool
    """Whether it is all fields together, each of which would be small enough."""


def excess_on(page: Page, boxes: Sequence[Box]) -> Excess | None:
    """Whether boxes that come to a page, in the page's own space, cover too much of it; what they share counts twice."""
    whole = page.shown.width * page.shown.height
    shares = [100 * box.width * box.height / whole for box in boxes]
    if max(shares, default=0) > ADDED_FIELD_PAGE_PERCENT_MAX:
        return Excess(page.number, ADDED_FIELD_PAGE_PERCENT_MAX, together=False)
    if sum(shares) > ADDED_FIELDS_PAGE_PERCENT_MAX:
        return Excess(page.number, ADDED_FIELDS_PAGE_PERCENT_MAX, together=True)
    return None


def excess_between(old: PdfHandler, new: PdfHandler) -> Excess | None:
    """Whether the signature fields that one state of a document has, and an earlier one has not, cover too much of a page.

    Raises:
        ValueError: of pages or rectangles that nobody can measure; and whatever pyHanko throws.
    """
    added = added_boxes(old, new)
    if not added:
        return None
    found = (excess_on(page, boxes_on(page, added)) for page in pages(new))
    return next((excess for excess in found if excess is not None), None)


def added_boxes(old: PdfHandler, new: PdfHandler) -> dict[generic.Reference, Box]:
    """The rectangles of the widgets that came, as far as they are visible."""
    known = {name for name, _, _ in enumerate_sig_fields(old)}
    added = (field for name, _, field in enumerate_sig_fields(new) if name not in known)
    boxes = ((widget, box_of(sides)) for widget, sides in _rectangles(added))
    return {widget: box for widget, box in boxes if box.width * box.height > 0}


def boxes_on(page: Page, boxes: dict[generic.Reference, Box]) -> list[Box]:
    """Those that a page shows: a widget says itself where it stands, but it is the page that lists it (clause 12.5.2)."""
    leaf: Any = page.reference.get_object()
    listed = entry(leaf, "/Annots", ())
    shown = {one.reference for one in listed if isinstance(one, generic.IndirectObject)}
    return [box for widget, box in boxes.items() if widget in shown]


def _rectangles(fields: Iterable[Any]) -> Iterator[tuple[generic.Reference, Any]]:
    """A field may be its own widget, or have some under it (ISO 32000-2 clause 12.7.4.1)."""
    for field in fields:
        found = field.get_object()
        kids = entry(found, "/Kids", ())
        for one in (field, *kids):
            sides = entry(one.get_object(), "/Rect")
            if sides is not None:
                yield one.reference, sides
