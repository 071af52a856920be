"""What came after a signed revision of a PDF, revision by revision, and whether it was allowed (ISO 32000-2 clause 12.8.2).

After the last signature only validation data and archive timestamps may come (EN 319 142-1 clause 5.4); before it, the next
signature. pyHanko's analysis does the work under a policy stricter than its own, which also lets the values of ordinary form
fields change, and fields appear that are empty, or as large as the page: ways to show another text (signing.md 1.2 F;
`new_fields`, `form_rules`). A certification (DocMDP) may narrow it further.
"""

from dataclasses import dataclass
from typing import Any, Final

from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)

from gateway.core.validation import Change, ChangeKind
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.coverage import whole_file
from gateway.crypto.pades.document import Document
from gateway.crypto.pades.form_rules import (
    NoActionsRule,
    NothingReplaced,
    OnlyWidgetsRule,
    PlainRectangleRule,
    SameDrawingRule,
    SameRootRule,
)
from gateway.crypto.pades.new_fields import NoEmptyFieldsRule, SameOrderRule, SmallFieldsRule
from gateway.crypto.pades.security_store import store_outline

_UPDATES: Final = ModificationLevel.LTA_UPDATES
_STRICT: Final = StandardDiffPolicy(
    global_rules=[
        SameRootRule().as_qualified(_UPDATES),
        CatalogModificationRule(),
        DocInfoRule().as_qualified(_UPDATES),
        ObjectStreamRule().as_qualified(_UPDATES),
        XrefStreamRule().as_qualified(_UPDATES),
        DSSCompareRule().as_qualified(_UPDATES),
        MetadataUpdateRule().as_qualified(_UPDATES),
    ],
    form_rule=FormUpdatingRule(
        field_rules=[
            NoEmptyFieldsRule(),
            PlainRectangleRule(),
            OnlyWidgetsRule(),
            SmallFieldsRule(),
            SameOrderRule(),
            NoActionsRule(),
            SameDrawingRule(),
            NothingReplaced(SigFieldCreationRule(), pages=True),
            NothingReplaced(SigFieldModificationRule()),
        ]
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What came after one signature."""

    changes: tuple[Change, ...]
    reason: str
    """Why the first that is not allowed is not; empty when all are."""


def difference(document: Document, signature: Any) -> Difference:
    """Everything after the revision that was signed, each revision against that one.

    After one that is not allowed the others are told against the revision before them: what that one did is not theirs too.
    """
    if whole_file(signature):
        return Difference(changes=(), reason="")
    changes: list[Change] = []
    reason = ""
    for revision in range(signature.signed_revision + 1, document.revisions):
        fault = _fault(document, signature, base=revision - 1 if reason else signature.signed_revision, to=revision)
        changes.append(Change(kind=_kind(document, revision), allowed=not fault, revision=revision + 1))
        reason = reason or fault
    return Difference(changes=tuple(changes), reason=reason)


def _fault(document: Document, signature: Any, *, base: int, to: int) -> str:
    """Why what came between two revisions is not allowed, or an empty text."""
    level = attempt(_level, document, signature, base, to)
    if isinstance(level, Trouble | SuspiciousModification):
        return f"changed after this signature: {level.reason if isinstance(level, Trouble) else level}"
    certified = signature.docmdp_level
    if level is ModificationLevel.OTHER or (certified is not None and level.value > certified.value):
        return "changed after this signature beyond what it allows"
    if level > (_UPDATES if to > document.signatures[-1].signed_revision else ModificationLevel.FORM_FILLING):
        return "changed after the last signature"
    return ""


def _level(document: Document, signature: Any, base: int, to: int) -> ModificationLevel | SuspiciousModification:
    """How far a revision goes, or why that cannot be explained."""
    resolver = document.reader.get_historical_resolver
    try:
        found = _STRICT.apply(
            resolver(base), resolver(to), field_mdp_spec=signature.fieldmdp, doc_mdp=signature.docmdp_level
        )
    except SuspiciousModification as error:
        return error
    level: ModificationLevel = found.modification_level
    return level


def _kind(document: Document, revision: int) -> ChangeKind:
    if any(one.signed_revision == revision for one in document.signatures):
        return ChangeKind.SIGNATURE
    if any(one.signed_revision == revision for one in document.timestamps):
        return ChangeKind.TIMESTAMP
    before, after = (attempt(_outline, document, at) for at in (revision - 1, revision))
    return ChangeKind.EVIDENCE if after != before and isinstance(after, tuple) and after else ChangeKind.OTHER


def _outline(document: Document, revision: int) -> tuple[object, ...]:
    return store_outline(document.store_at(revision))
