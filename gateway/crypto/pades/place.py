"""Where on which page a signature is shown (Decree 30/2020/ND-CP, annex I): beside the person's, top right, or as asked.

What already stands in the document comes first: a field that is named has its place, and nothing else is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler
from pyhanko.sign.fields import enumerate_sig_fields

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.reasons import because
from gateway.crypto.pades.appearance import Appearance, AttachmentText, CopyText, Drawing, SealPicture, Spot
from gateway.crypto.pades.entry import entry
from gateway.crypto.pades.page import POINTS_PER_MM, Box, Page, box_around, box_of, pages

OVERLAP: Final = 1 / 3
"""Of the person's picture, under the seal (annex I, box 8)."""
MARGIN_RIGHT: Final = 15 * POINTS_PER_MM
"""The right margin of a document is 15 to 20 mm (annex I)."""
MARGIN_TOP: Final = 6 * POINTS_PER_MM
"""The upper margin is 20 to 25 mm: three lines stand in it, and printers reach them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rectangle on a page, as it is seen."""

    page: Page
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A signature field of a document."""

    name: str
    signed: bool
    widget: Any
    """The dictionary of its annotation."""
    reference: generic.Reference
    """Of the annotation."""
    number: int
    """Of the object; the later a field was made, the larger."""


def fields_of(handler: PdfHandler) -> tuple[Field, ...]:
    """The signature fields of a document in the order of its form.

    Raises:
        ValueError: more than we look at.
    """
    found: list[Field] = []
    for name, value, reference in enumerate_sig_fields(handler):
        if len(found) == limits.PDF_SIGNATURES_MAX:
            raise ValueError(f"more than {limits.PDF_SIGNATURES_MAX} signature fields")
        field = reference.get_object()
        kids = entry(field, "/Kids", ())
        apart = len(kids) == 1  # the annotation apart from the field (ISO 32000-2 clause 12.7.4.1)
        annotation = kids.raw_get(0).reference if apart else reference.reference
        found.append(
            Field(
                name=name,
                signed=value is not None,
                widget=kids[0] if apart else field,
                reference=annotation,
                number=annotation.idnum,
            )
        )
    return tuple(found)


def place_of(appearance: Appearance, drawing: Drawing, handler: PdfHandler, fields: Sequence[Field]) -> Place:
    """Where a new field for this appearance belongs.

    Raises:
        SenderError: `seal.appearance` with the reason: no such page, no signature to stand beside, no room there.
    """
    if isinstance(appearance, AttachmentText | CopyText):
        return _checked(_top_right(drawing, next(pages(handler))))
    if appearance.spot is not None:
        return _checked(_at(appearance.spot, drawing, handler))
    if isinstance(appearance, SealPicture):
        return _checked(_beside(appearance.beside, drawing, handler, fields))
    raise SenderError("seal.appearance", reason=because("no_spot"))


def place_in_document(field: Field, handler: PdfHandler) -> Place | None:
    """Where a field stands; None: it is invisible."""
    own = _rectangle(field)
    if own is None:
        return None
    page = next((page for page in pages(handler) if _bears(page, field)), None)
    return None if page is None else Place(page=page, box=page.to_seen(own))


def _rectangle(field: Field) -> Box | None:
    box = box_of(field.widget["/Rect"]) if "/Rect" in field.widget else None
    return box if box is not None and box.width > 0 and box.height > 0 else None


def _bears(page: Page, field: Field) -> bool:
    leaf: Any = page.reference.get_object()
    annotations = entry(leaf, "/Annots", ())
    return any(isinstance(one, generic.IndirectObject) and one.reference == field.reference for one in annotations)


def _top_right(drawing: Drawing, page: Page) -> Place:
    right, top = page.seen.right - MARGIN_RIGHT, page.seen.top - MARGIN_TOP
    return Place(page=page, box=Box(right - drawing.width, top - drawing.height, right, top))


def _at(spot: Spot, drawing: Drawing, handler: PdfHandler) -> Place:
    page = next((page for page in pages(handler) if page.number == spot.page), None)
    if page is None:
        raise SenderError("seal.appearance", reason=because("no_page", page=spot.page))
    middle = spot.across_mm * POINTS_PER_MM, page.seen.top - spot.down_mm * POINTS_PER_MM
    return Place(page=page, box=box_around(middle, drawing.width, drawing.height))


def _beside(name: str, drawing: Drawing, handler: PdfHandler, fields: Sequence[Field]) -> Place:
    """Left of the person's signature, over a third of it, at its height."""
    person = _person(name, fields)
    theirs = None if person is None else place_in_document(person, handler)
    if theirs is None:
        raise SenderError("seal.appearance", reason=because("no_person"))
    right = theirs.box.left + theirs.box.width * OVERLAP
    middle = right - drawing.width / 2, theirs.box.middle[1]
    return Place(page=theirs.page, box=box_around(middle, drawing.width, drawing.height))


def _person(name: str, fields: Sequence[Field]) -> Field | None:
    """The field of the person's signature: the named one; else the last that is signed, or the only one that is not."""
    visible = [field for field in fields if _rectangle(field) is not None]
    if name:
        return next((field for field in visible if field.name == name), None)
    signed = sorted((field for field in visible if field.signed), key=lambda field: field.number)
    if signed:
        return signed[-1]
    return visible[0] if len(visible) == 1 else None


def _checked(place: Place) -> Place:
    if not place.page.seen.holds(place.box):
        raise SenderError("seal.appearance", reason=because("outside", page=place.page.number))
    return place
