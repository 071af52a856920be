"""Signature fields that are added to a signed PDF: only together with the signature in them, and not over the page.

pyHanko lets an empty field be added between two signatures, picture and all. Its picture may cover the page: what the next
signer then signs, and what every reader shows, is no longer what the first one signed (Mainka, Mladenov, Rohlmann: "Shadow
Attacks" and "Breaking the Specification: PDF Certification", both 2021).

Nor is it when the next signer is one that we believe: a field that is signed may be as large as what it stands for, and no
larger (`cover`). One that keeps its size when its page is shown smaller (NoZoom, ISO 32000-2 clause 12.5.3) has no bound.

With a field a page's list of annotations is written anew, and pyHanko compares the two as sets. What stands later in it lies
above (clause 12.5.2): in another order, or listed twice, a note that lay under another one comes to light.
"""

from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject, Reference
from pyhanko.sign.diff_analysis import FieldMDPRule, FormUpdate, ModificationLevel, SuspiciousModification
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext

from gateway.crypto.pades.cover import excess_between
from gateway.crypto.pades.entry import entry
from gateway.crypto.pades.form_rules import added_or_signed, widgets_of
from gateway.crypto.pades.page import leaves

_NO_ZOOM: Final = 1 << 3


class NoEmptyFieldsRule(FieldMDPRule):
    """Approves nothing by itself: it goes beside the rules that do."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: a field was added without a signature.
        """
        for name, spec in context.field_specs.items():
            if spec.old_field_ref is not None or spec.new_field_ref is None:
                continue
            field = spec.new_field_ref.get_object()
            if not isinstance(field, DictionaryObject) or "/V" not in field:
                raise SuspiciousModification(f"the field {name} was added without a signature")
        yield from ()


class SmallFieldsRule(FieldMDPRule):
    """Approves nothing by itself; what it compares is everything that came since the signature, whoever added it."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: fields were added that cover too much of a page, or of a page that is shown small.
        """
        for name, spec in context.field_specs.items():
            if added_or_signed(spec) and any(map(_keeps_its_size, widgets_of(spec.new_field))):
                raise SuspiciousModification(f"the field {name} keeps its size when its page is shown smaller")
        if excess := excess_between(context.old, context.new):
            what = "the fields that were added cover" if excess.together else "a field was added that covers"
            raise SuspiciousModification(f"{what} more than {excess.percent} percent of page {excess.page}")
        yield from ()


class SameOrderRule(FieldMDPRule):
    """Approves nothing by itself; only with a new field may a page list anything else than it did."""

    def apply(self, context: FieldComparisonContext) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Approve nothing.

        Raises:
            SuspiciousModification: what a page showed before is listed in another order, or more than once.
        """
        if any(spec.old_field_ref is None for spec in context.field_specs.values()):
            for number, pair in enumerate(zip(leaves(context.old), leaves(context.new), strict=True), 1):
                old, new = map(_listed, pair)
                known = set(old)
                if [one for one in new if one in known] != old:
                    raise SuspiciousModification(f"page {number} shows its annotations in another order")
        yield from ()


def _listed(page: Any) -> list[Reference]:
    return [one.reference for one in entry(page, "/Annots", ()) if isinstance(one, IndirectObject)]


def _keeps_its_size(widget: Any) -> bool:
    return "/F" in widget and bool(int(widget["/F"]) & _NO_ZOOM)
