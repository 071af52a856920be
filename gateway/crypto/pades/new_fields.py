"""Signature fields that are added to a signed PDF: only together with the signature in them.

pyHanko lets an empty field be added between two signatures, picture and all. Its picture may cover the page: what the next
signer then signs, and what every reader shows, is no longer what the first one signed (Mainka, Mladenov, Rohlmann: "Shadow
Attacks" and "Breaking the Specification: PDF Certification", both 2021).
"""

from collections.abc import Iterator

from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.sign.diff_analysis import FieldMDPRule, FormUpdate, ModificationLevel, SuspiciousModification
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext


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
