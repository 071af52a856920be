"""What the signatures of a document allow to be added (ISO 32000-2 clauses 12.8.2.2, 12.8.2.4), asked before signing.

| an earlier signature says          | a further signature in a new field | in an empty field that it knew |
|------------------------------------|------------------------------------|--------------------------------|
| nothing (approval)                 | yes                                | yes                            |
| DocMDP P=1: no changes             | no                                 | no                             |
| DocMDP P=2 or 3: filling in fields | no                                 | yes                            |
| FieldMDP that locks the field      | no, when it locks all fields       | no                             |

P=2 and 3 let sign, not add fields; our own judge refuses a visible new field after them and bears an invisible one, other
verifiers are stricter: so neither is made. Who certifies first creates the empty fields before. What this lets through is
judged again as a whole after signing.
"""

from collections.abc import Sequence
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, MDPPerm
from pyhanko.sign.validation.pdf_embedded import read_certification_data

from gateway.core.errors import SenderError
from gateway.core.reasons import because
from gateway.crypto.pades.place import Field


def check_permitted(reader: PdfFileReader, fields: Sequence[Field], wanted: str) -> None:
    """See that a signature may be added in the field of that name; empty: in a new one.

    Raises:
        SenderError: `seal.forbidden`.
    """
    if not any(field.signed for field in fields):
        return
    certification = read_certification_data(reader)
    if certification is not None:
        _check_certification(certification.permission, wanted)
    embedded: Sequence[Any] = reader.embedded_signatures
    for signature in embedded:
        _check_certification(signature.docmdp_level, wanted)
        _check_locks(signature.fieldmdp, wanted)


def _check_certification(permission: MDPPerm | None, wanted: str) -> None:
    if permission is MDPPerm.NO_CHANGES:
        raise SenderError("seal.forbidden", reason=because("certified"))
    if permission is not None and not wanted:
        raise SenderError("seal.forbidden", reason=because("certified_fields"))


def _check_locks(locks: Any, wanted: str) -> None:
    if locks is None:
        return
    if locks.is_locked(wanted) if wanted else locks.action is FieldMDPAction.ALL:
        raise SenderError("seal.forbidden", reason=because("field_locked"))
