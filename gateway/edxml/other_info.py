"""OtherInfo: how urgent a document is, what it is about, who typed it, how many copies and pages there are (facts 1.5).

`ReplyFors` and `ReferenceCodes` are the vendor's. What is public of its software's relatives has one text in each, without
a form; where somebody puts elements into one, they are noted as unknown and read past.
"""

from typing import Final, TypedDict

from gateway.core import limits
from gateway.core.message import DocumentMessage, Priority
from gateway.edxml.block import Block
from gateway.edxml.namespaces import PREFIX
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

UNSIGNED_SHORT_MAX: Final = 65_535
"""Of numbers of copies and pages."""
_NAMES: Final = frozenset(
    {
        *("Priority", "SphereOfPromulgation", "TyperNotation", "PromulgationAmount", "PageAmount"),
        *("ReplyFors", "Direction", "ReferenceCodes", "Appendixes"),
    }
)
_NOT_A_NUMBER: Final = -1_000_000_000
"""Less than anything that `Block.number` reads: what is none, it has noted already."""
_WORDS: Final = {"true": True, "false": False}


def write_other_info(writer: XmlWriter, message: DocumentMessage) -> None:
    """One block, fields in the order of the vendor's software."""
    with writer.block(f"{PREFIX}:OtherInfo"):
        writer.leaf(f"{PREFIX}:Priority", str(message.priority.value))
        writer.leaf(f"{PREFIX}:SphereOfPromulgation", message.sphere)
        writer.leaf(f"{PREFIX}:TyperNotation", message.typist)
        writer.leaf(f"{PREFIX}:PromulgationAmount", _amount(message.copies))
        writer.leaf(f"{PREFIX}:PageAmount", _amount(message.page_amount))
        writer.leaf(f"{PREFIX}:ReplyFors", message.reply_fors)
        writer.leaf(f"{PREFIX}:Direction", "" if message.direction is None else str(message.direction).lower())
        writer.leaf(f"{PREFIX}:ReferenceCodes", message.reference_codes)
        if message.appendixes:
            with writer.block(f"{PREFIX}:Appendixes"):
                for appendix in message.appendixes:
                    writer.leaf(f"{PREFIX}:Appendix", appendix)


def _amount(amount: int | None) -> str:
    return "" if amount is None else str(amount)


class OtherInfo(TypedDict):
    """The fields of a message that stand in this block."""

    priority: Priority
    sphere: str
    typist: str
    copies: int | None
    page_amount: int | None
    reply_fors: str
    direction: bool | None
    reference_codes: str
    appendixes: tuple[str, ...]


def read_other_info(block: Block) -> OtherInfo:
    """What the block says; what it does not say is as in a message that has none."""
    block.expect(_NAMES)
    return OtherInfo(
        priority=_read_priority(block),
        sphere=block.text("SphereOfPromulgation"),
        typist=block.text("TyperNotation"),
        copies=_read_amount(block, "PromulgationAmount"),
        page_amount=_read_amount(block, "PageAmount"),
        reply_fors=_read_references(block, "ReplyFors"),
        direction=_read_direction(block),
        reference_codes=_read_references(block, "ReferenceCodes"),
        appendixes=read_texts(block.optional("Appendixes"), "Appendix"),
    )


def _read_priority(block: Block) -> Priority:
    """One of the five; any other number is noted, and says nothing of haste."""
    number = block.number("Priority", default=0)
    if number in set(Priority):
        return Priority(number)
    block.findings.note("number", block.path_of("Priority"), value=number)
    return Priority.NORMAL


def _read_amount(block: Block, name: str) -> int | None:
    """A number of copies or pages; a negative one is none."""
    if not block.has(name):
        return None
    amount = block.number(name, default=_NOT_A_NUMBER)
    if _NOT_A_NUMBER < amount < 0:
        block.findings.note("number", block.path_of(name), value=amount)
    return amount if amount >= 0 else None


def _read_direction(block: Block) -> bool | None:
    """`true` or `false`; anything else is noted and says nothing."""
    text = block.text("Direction")
    if text and text.lower() not in _WORDS:
        block.findings.note("number", block.path_of("Direction"), value=text)
    return _WORDS.get(text.lower())


def _read_references(block: Block, name: str) -> str:
    """The vendor's list of other documents, as far as it is one text."""
    found = block.one(name)
    if found is None:
        return ""
    if found.element is not None and len(found.element):
        found.expect(())
        return ""
    return found.own_text()


def read_texts(block: Block, name: str) -> tuple[str, ...]:
    """The texts of a list; an empty element says nothing."""
    block.expect({name})
    texts = (one.own_text() for one in block.many(name, limit=limits.LIST_MAX))
    return tuple(text for text in texts if text)


def check_other_info(checks: Checks, message: DocumentMessage) -> None:
    """Lengths and bounds."""
    checks.line("sphere", message.sphere, limit=limits.SPHERE_CHARS_MAX)
    checks.line("typist", message.typist, limit=limits.TYPIST_CHARS_MAX)
    checks.line("reply_fors", message.reply_fors, limit=limits.REFERENCES_CHARS_MAX)
    checks.line("reference_codes", message.reference_codes, limit=limits.REFERENCES_CHARS_MAX)
    for path, amount in (("copies", message.copies), ("page_amount", message.page_amount)):
        if amount is not None:
            checks.number(path, amount, lowest=0, highest=UNSIGNED_SHORT_MAX)
    checks.texts("appendixes", message.appendixes, limit=limits.APPENDIX_CHARS_MAX)
