"""Bussiness (so spelt): what a document does to an earlier one: nothing, revoke, update or replace it (facts 1.8).

Everything in it is signed. The revoked document is named by the header's `ResponseFor`; some name it by `DocumentId` here,
as an update does, and the vendor's own example names one in a new document: what is there is read, whatever the kind.
"""

from collections.abc import Iterable
from typing import Final

from gateway.core import limits
from gateway.core.ids import OrganId
from gateway.core.message import (
    Business,
    BusinessKind,
    DocumentChanges,
    Receiver,
    ReceiverChange,
    Replacement,
    StaffInfo,
)
from gateway.edxml.block import Block, local_name
from gateway.edxml.namespaces import BUSINESS_ID, PREFIX
from gateway.edxml.staff import check_staff, read_staff, write_staff
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

_NAMES: Final = frozenset(
    {
        *("DocumentId", "BussinessDocType", "BussinessDocReason", "Paper", "BussinessDocumentInfo"),
        *("ReplacementInfoList", "StaffInfo", "BusinessDocType", "BusinessDocReason", "BusinessDocumentInfo"),
    }
)
_YES: Final = frozenset({"1", "true"})
_NO: Final = frozenset({"0", "false", ""})


def write_business(writer: XmlWriter, business: Business) -> None:
    """One block, fields in the order of the vendor's software."""
    with writer.block(f"{PREFIX}:Bussiness", {"Id": BUSINESS_ID}):
        writer.leaf(f"{PREFIX}:DocumentId", business.document_id)
        writer.leaf(f"{PREFIX}:BussinessDocType", str(business.kind.value))
        writer.leaf(f"{PREFIX}:BussinessDocReason", business.reason)
        writer.leaf(f"{PREFIX}:Paper", _flag(said=business.paper))
        if business.changes is not None:
            _write_changes(writer, business.changes)
        if business.replacements:
            with writer.block(f"{PREFIX}:ReplacementInfoList"):
                for replacement in business.replacements:
                    _write_replacement(writer, replacement)
        for staff in business.staff:
            write_staff(writer, staff)


def _write_changes(writer: XmlWriter, changes: DocumentChanges) -> None:
    with writer.block(f"{PREFIX}:BussinessDocumentInfo"):
        writer.leaf(f"{PREFIX}:DocumentInfo", _flag(said=changes.metadata))
        writer.leaf(f"{PREFIX}:DocumentReceiver", _flag(said=changes.recipients))
        if changes.receivers:
            with writer.block(f"{PREFIX}:ReceiverList"):
                for receiver in changes.receivers:
                    with writer.block(f"{PREFIX}:Receiver"):
                        writer.leaf(f"{PREFIX}:OrganId", receiver.organ_id)
                        writer.leaf(f"{PREFIX}:ReceiverType", str(receiver.change.value))


def _write_replacement(writer: XmlWriter, replacement: Replacement) -> None:
    with writer.block(f"{PREFIX}:ReplacementInfo"):
        writer.leaf(f"{PREFIX}:DocumentId", replacement.document_id)
        if replacement.holders:
            with writer.block(f"{PREFIX}:OrganIdList"):
                for holder in replacement.holders:
                    writer.leaf(f"{PREFIX}:OrganId", holder)


def _flag(*, said: bool) -> str:
    return "1" if said else "0"


def read_business(trace: Block) -> Business:
    """The block in a TraceHeaderList; where there is none, the document is a new one."""
    block = trace.one("Bussiness", _right("Bussiness"))
    if block is None:
        return Business()
    block.expect(_NAMES)
    staff = map(read_staff, block.many("StaffInfo", limit=limits.LIST_MAX))
    return Business(
        kind=_read_kind(block),
        reason=block.text("BussinessDocReason", _right("BussinessDocReason")),
        paper=_read_paper(block),
        document_id=block.text("DocumentId", limit=limits.DOCUMENT_ID_CHARS_MAX),
        changes=_read_changes(block),
        replacements=_read_replacements(block),
        staff=tuple(one for one in staff if one is not None),
    )


def _right(name: str) -> str:
    """The name as it should be spelt, with one s less; `Block.one` notes which of the two it was."""
    return name.replace("Buss", "Bus", 1)


def _read_kind(block: Block) -> BusinessKind:
    """A kind that nobody knows is an error: whatever was done, it would not be what the sender wants."""
    found = block.one("BussinessDocType", _right("BussinessDocType"))
    text = found.own_text() if found else ""
    if found is None or not text:
        block.findings.note("number", block.path_of("BussinessDocType"), value=text)
        return BusinessKind.NEW
    digit = text.lstrip("0") or "0"
    if digit in {str(kind.value) for kind in BusinessKind}:
        return BusinessKind(int(digit))
    found.findings.malformed("value", found.path)
    return BusinessKind.NEW


def _read_paper(block: Block) -> bool:
    """0 or 1; one public program takes it for the number of pages that follow, so any more are a paper too."""
    paper = block.number("Paper", default=0)
    if paper not in {0, 1}:
        block.findings.note("number", block.path_of("Paper"), value=paper)
    return paper > 0


def _read_changes(block: Block) -> DocumentChanges | None:
    """All blocks together: the vendor's software has a list of them, each with lists of receivers."""
    blocks = [
        info
        for name in ("BussinessDocumentInfo", _right("BussinessDocumentInfo"))
        for info in block.many(name, limit=limits.LIST_MAX)
    ]
    for info in blocks:
        info.expect({"DocumentInfo", "DocumentReceiver", "ReceiverList"})
        if info.element is not None and local_name(info.element) != "BussinessDocumentInfo":
            info.findings.note("spelling", info.path)
    flags = [(_read_flag(info, "DocumentInfo"), _read_flag(info, "DocumentReceiver")) for info in blocks]
    changes = DocumentChanges(
        metadata=any(metadata for metadata, _ in flags),
        recipients=any(recipients for _, recipients in flags),
        receivers=_read_receivers(block, blocks),
    )
    return changes if changes != DocumentChanges() else None


def _read_flag(block: Block, name: str) -> bool:
    text = block.text(name)
    if text.lower() not in _YES | _NO:
        block.findings.note("number", block.path_of(name), value=text)
    return text.lower() in _YES


def _read_receivers(business: Block, infos: Iterable[Block]) -> tuple[Receiver, ...]:
    """Every receiver once: one that is added and removed would be whichever the reader likes."""
    blocks: list[Block] = []
    for info in infos:
        for listed in info.many("ReceiverList", limit=limits.LIST_MAX):
            listed.expect({"Receiver"})
            blocks += listed.many("Receiver", limit=limits.RECIPIENTS_MAX)
    path = business.path_of("BussinessDocumentInfo/ReceiverList/Receiver")
    if len(blocks) > limits.RECIPIENTS_MAX:
        business.findings.malformed("count", path)
    receivers = tuple(map(_read_receiver, blocks[: limits.RECIPIENTS_MAX]))
    if len({receiver.organ_id for receiver in receivers}) < len(receivers):
        business.findings.malformed("duplicate", path)
    return receivers


def _read_receiver(block: Block) -> Receiver:
    block.expect({"OrganId", "ReceiverType"})
    change = block.number("ReceiverType", default=-1)
    if change not in set(ReceiverChange):
        block.findings.malformed("value", block.path_of("ReceiverType"))
    return Receiver(
        organ_id=OrganId(block.need_text("OrganId", limit=limits.ORGAN_ID_CHARS_MAX)),
        change=ReceiverChange(change) if change in set(ReceiverChange) else ReceiverChange.REMOVED,
    )


def _read_replacements(business: Block) -> tuple[Replacement, ...]:
    """All lists together, as the vendor's software may write several; an empty element says nothing."""
    blocks: list[Block] = []
    for listed in business.many("ReplacementInfoList", limit=limits.LIST_MAX):
        listed.expect({"ReplacementInfo"})
        blocks += [info for info in listed.many("ReplacementInfo", limit=limits.LIST_MAX) if not info.is_empty]
    if len(blocks) > limits.LIST_MAX:
        business.findings.malformed("count", business.path_of("ReplacementInfoList/ReplacementInfo"))
    return tuple(map(_read_replacement, blocks[: limits.LIST_MAX]))


def _read_replacement(block: Block) -> Replacement:
    block.expect({"DocumentId", "OrganIdList"})
    listed = block.one("OrganIdList")
    if listed:
        listed.expect({"OrganId"})
    texts = [one.own_text() for one in listed.many("OrganId", limit=limits.RECIPIENTS_MAX)] if listed else []
    return Replacement(
        document_id=block.need_text("DocumentId", limit=limits.DOCUMENT_ID_CHARS_MAX),
        holders=tuple(OrganId(text) for text in texts if text),
    )


def check_business(checks: Checks, path: str, business: Business) -> None:
    """Lengths; each kind names what it needs, and nothing that belongs to another."""
    required = business.kind is BusinessKind.UPDATE
    checks.line(f"{path}.document_id", business.document_id, limit=limits.DOCUMENT_ID_CHARS_MAX, required=required)
    checks.line(f"{path}.reason", business.reason, limit=limits.BUSINESS_REASON_CHARS_MAX)
    if business.changes is not None:
        if business.kind is not BusinessKind.UPDATE:
            checks.add(f"{path}.changes", "value")
        _check_changes(checks, f"{path}.changes", business.changes)
    if business.replacements and business.kind is not BusinessKind.REPLACE:
        checks.add(f"{path}.replacements", "value")
    lowest = 1 if business.kind is BusinessKind.REPLACE else 0
    checks.count(f"{path}.replacements", len(business.replacements), lowest=lowest, highest=limits.LIST_MAX)
    _check_replacements(checks, f"{path}.replacements", business.replacements)
    _check_staff(checks, f"{path}.staff", business.staff)


def _check_changes(checks: Checks, path: str, changes: DocumentChanges) -> None:
    """Something was changed, and who is named as added or removed is a change of the recipients."""
    if not (changes.metadata or changes.recipients or changes.receivers):
        checks.add(path, "required")
    if changes.receivers and not changes.recipients:
        checks.add(f"{path}.recipients", "required")
    checks.count(f"{path}.receivers", len(changes.receivers), lowest=0, highest=limits.RECIPIENTS_MAX)
    checks.unique(f"{path}.receivers[{{}}].organ_id", (receiver.organ_id for receiver in changes.receivers))
    for index, receiver in enumerate(changes.receivers):
        checks.line(
            f"{path}.receivers[{index}].organ_id", receiver.organ_id, limit=limits.ORGAN_ID_CHARS_MAX, required=True
        )


def _check_replacements(checks: Checks, path: str, replacements: Iterable[Replacement]) -> None:
    replacements = tuple(replacements)
    checks.unique(f"{path}[{{}}].document_id", (one.document_id for one in replacements))
    for index, one in enumerate(replacements):
        at = f"{path}[{index}]"
        checks.line(f"{at}.document_id", one.document_id, limit=limits.DOCUMENT_ID_CHARS_MAX, required=True)
        checks.count(f"{at}.holders", len(one.holders), lowest=0, highest=limits.RECIPIENTS_MAX)
        checks.unique(f"{at}.holders[{{}}]", one.holders)
        for place, holder in enumerate(one.holders):
            checks.line(f"{at}.holders[{place}]", holder, limit=limits.ORGAN_ID_CHARS_MAX, required=True)


def _check_staff(checks: Checks, path: str, staff: tuple[StaffInfo, ...]) -> None:
    checks.count(path, len(staff), lowest=0, highest=limits.LIST_MAX)
    for index, one in enumerate(staff):
        check_staff(checks, f"{path}[{index}]", one)
