"""What may not happen to a signed PDF, beside what pyHanko's analysis refuses by itself (ISO 32000-2 clauses 7.5.5, 12.7).

Six ways to show another text were left open by it (0.38):

1. A new field counts as invisible when pyHanko cannot work out the area of its rectangle, and an invisible one may come after
   the last signature. It cannot when a number of the rectangle stands elsewhere in the file (an indirect reference), or when
   there is a number too many; readers can, and show its picture all the same, over the page.
2. /DA, /DR, /Q and /NeedAppearances of the form may change. They are how readers draw fields of text: in white, or in a font
   whose figures are others.
3. A new field may bring actions (/A, /AA): a script that runs when its page is opened, and writes upon it.
4. Whatever the /TransformParams of a new signature or timestamp name may be replaced in the same update: a page's content, too.
5. The trailer may name another object as the catalog: one that the pages use, and that is then no text any more.
6. The annotation of a new field may be of any kind. A widget is drawn inside its rectangle; a polygon, a line or a strike-out
   where its own points are, over the whole page, however small the rectangle is that says where it stands (clause 12.5.6).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, FloatObject, NumberObject, Reference
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    FieldMDPRule,
    FormUpdate,
    ModificationLevel,
    ReferenceUpdate,
    SuspiciousModification,
    WhitelistRule,
)
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext, FieldComparisonSpec
from pyhanko.sign.diff_analysis.rules_api import ApprovalType

from gateway.crypto.pades.entry import entry

_SIGNATURE: Final = "/Sig"
_WIDGET: Final = "/Widget"
_SIDES: Final = 4
_ACTIONS: Final = frozenset({"/A", "/AA"})
_DRAWN_BY: Final = ("/DA", "/DR", "/Q", "/NeedAppearances")


class NothingReplaced(FieldMDPRule):
    """Another rule, whose approvals count for objects that are new; for those that are not, only in a place that it names.

    `pages`: it has compared the dictionaries of the pages that it approves, except for their new annotations.
    """

    def __init__(self, rule: FieldMDPRule, *, pages: bool = False) -> None:
        self._rule = rule
        self._pages = pages

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve what the other one does.

        Raises:
            SuspiciousModification: of the other; or it approves that an object is replaced, wherever that is used.
        """
        for level, update in self._rule.apply(context):
            reference = update.updated_ref
            named = update.approval_type is not ApprovalType.BLANKET_APPROVE
            if not (named or context.old.is_ref_unassignable(reference) or self._is_page(context, reference)):
                raise SuspiciousModification(f"the object {reference.idnum} was replaced")
            yield level, update

    def _is_page(self, context: FieldComparisonContext, reference: Reference) -> bool:
        found = context.old(reference) if self._pages else None
        return isinstance(found, DictionaryObject) and found.get("/Type") == "/Page"


class SameRootRule(WhitelistRule):
    """Approves nothing by itself."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterator[ReferenceUpdate]:
        """Approve nothing.

        Raises:
            SuspiciousModification: the trailer names another object as the catalog.
        """
        if old.root_ref != new.root_ref:
            raise SuspiciousModification("another object is the catalog")
        yield from ()


class PlainRectangleRule(FieldMDPRule):
    """Approves nothing by itself: it goes beside the rules that ask whether a field can be seen."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: nobody can say whether a field that was added, or signed, can be seen.
        """
        for name, spec in context.field_specs.items():
            if added_or_signed(spec) and not all(map(_plain, widgets_of(spec.new_field))):
                raise SuspiciousModification(f"the rectangle of the field {name} is not four numbers")
        yield from ()


class NoActionsRule(FieldMDPRule):
    """Approves nothing by itself."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: a field that was added does something.
        """
        for name, spec in context.field_specs.items():
            if spec.old_field is None and not all(map(_ACTIONS.isdisjoint, widgets_of(spec.new_field))):
                raise SuspiciousModification(f"the field {name} was added with an action")
        yield from ()


class OnlyWidgetsRule(FieldMDPRule):
    """Approves nothing by itself: it goes beside the rules that ask by its rectangle how much a field covers."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: a field that was added, or signed, is drawn as something else than a widget.
        """
        for name, spec in context.field_specs.items():
            if added_or_signed(spec) and not all(map(_is_widget, widgets_of(spec.new_field))):
                raise SuspiciousModification(f"the field {name} is an annotation of another kind")
        yield from ()


class SameDrawingRule(FieldMDPRule):
    """Approves nothing by itself. Where all fields are signatures' there is nothing to be drawn, and no harm."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: fields that are no signatures would be drawn in another way.
        """
        if any(spec.old_field_ref and spec.field_type != _SIGNATURE for spec in context.field_specs.values()):
            old, new = (one.root["/AcroForm"] for one in (context.old, context.new))
            for key in _DRAWN_BY:
                if entry(old, key) != entry(new, key):
                    raise SuspiciousModification(f"{key} of the form was changed")
        yield from ()


def added_or_signed(spec: FieldComparisonSpec) -> bool:
    """Whether a field is new, or has a signature that it had not."""
    old, new = spec.old_field, spec.new_field
    return new is not None and (old is None or ("/V" in new and "/V" not in old))


def widgets_of(field: Any) -> Iterable[Any]:
    """The field, which may be its own widget, and those under it."""
    kids = field["/Kids"] if isinstance(field, DictionaryObject) and "/Kids" in field else ()
    return (field, *(kid.get_object() for kid in kids))


def _is_widget(widget: Any) -> bool:
    """Whether it is drawn as a widget, or, having no kind, as nothing."""
    return isinstance(widget, DictionaryObject) and entry(widget, "/Subtype", _WIDGET) == _WIDGET


def _plain(widget: Any) -> bool:
    """Whether it has no rectangle, or one of four numbers that stand in it."""
    if not isinstance(widget, DictionaryObject):
        return False
    if "/Rect" not in widget:
        return True
    sides = widget["/Rect"]
    return (
        isinstance(sides, ArrayObject)
        and len(sides) == _SIDES
        and all(isinstance(sides.raw_get(at), NumberObject | FloatObject) for at in range(_SIDES))
    )
