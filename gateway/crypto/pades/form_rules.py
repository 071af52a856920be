"""What may not happen to the form of a signed PDF, beside what pyHanko's analysis refuses by itself (ISO 32000-2 clause 12.7).

Two ways to show another text were left open by it:

1. A new field counts as invisible when pyHanko cannot work out the area of its rectangle, and an invisible one may come after
   the last signature. It cannot when a number of the rectangle stands elsewhere in the file (an indirect reference), or when
   there is a number too many; readers can, and show its picture all the same, over the page.
2. /DA, /DR, /Q and /NeedAppearances of the form may change. They are how readers draw fields of text: in white, or in a font
   whose figures are others.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, FloatObject, NumberObject
from pyhanko.sign.diff_analysis import FieldMDPRule, FormUpdate, ModificationLevel, SuspiciousModification
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext, FieldComparisonSpec

_SIGNATURE: Final = "/Sig"
_SIDES: Final = 4
_DRAWN_BY: Final = ("/DA", "/DR", "/Q", "/NeedAppearances")


class PlainRectangleRule(FieldMDPRule):
    """Approves nothing by itself: it goes beside the rules that ask whether a field can be seen."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: nobody can say whether a field that was added, or signed, can be seen.
        """
        for name, spec in context.field_specs.items():
            if _added_or_signed(spec) and not all(map(_plain, _widgets(spec.new_field))):
                raise SuspiciousModification(f"the rectangle of the field {name} is not four numbers")
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
                if _value(old, key) != _value(new, key):
                    raise SuspiciousModification(f"{key} of the form was changed")
        yield from ()


def _added_or_signed(spec: FieldComparisonSpec) -> bool:
    old, new = spec.old_field, spec.new_field
    return new is not None and (old is None or ("/V" in new and "/V" not in old))


def _widgets(field: Any) -> Iterable[Any]:
    """The field, which may be its own widget, and those under it."""
    kids = field["/Kids"] if isinstance(field, DictionaryObject) and "/Kids" in field else ()
    return (field, *(kid.get_object() for kid in kids))


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


def _value(form: Any, key: str) -> Any:
    """What stands there, wherever it stands; None: nothing."""
    return form[key] if key in form else None  # noqa: SIM401 - what it names, where `get` gives the reference
