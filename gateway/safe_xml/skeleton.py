"""The skeleton: an envelope without the weight of its attachments, in the two ways there are to read one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import SenderError
from gateway.safe_xml.caps import EXCHANGE, Caps
from gateway.safe_xml.cut import PAYLOAD_NAME, Cut, cut
from gateway.safe_xml.payload import Payload, Store, in_memory
from gateway.safe_xml.refusal import Refusal, refuse
from gateway.safe_xml.repair import Repair, declare_prefixes, without_junk
from gateway.safe_xml.tree import Element, parse

_REPAIRS: Final = {Refusal.COMMENT: Repair.COMMENT, Refusal.INSTRUCTION: Repair.INSTRUCTION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """The tree of an envelope, and what was cut out of it. Verifier and reader MUST use the same one."""

    root: Element
    payloads: tuple[Payload, ...]
    """One for each ContentTransferEncoded, in document order; the elements stand empty in the tree."""
    markup: bytes
    """The bytes that were parsed: the file with nothing in those elements, repaired where `repairs` says so."""
    repairs: tuple[Repair, ...] = ()
    """What had to be done before it could be read; a signature over such a file is never better than INDETERMINATE."""

    @property
    def carriers(self) -> tuple[Element, ...]:
        """The emptied elements, in the order of `payloads`."""
        return _carriers(self.root)


def parse_signed(data: bytes) -> Element:
    """The root of an XML file that a signature may cover, nothing repaired and nothing left out.

    Raises:
        SenderError: `envelope.malformed` with the `Refusal`.
    """
    if len(data) > EXCHANGE.file_bytes:
        raise refuse(Refusal.BYTES)
    return parse(data)


def read_skeleton(source: Iterable[bytes], *, store: Store = in_memory, caps: Caps = EXCHANGE) -> Skeleton:
    """The same strict parse of a file that comes in pieces, its attachments decoded into what `store` opens.

    Raises:
        SenderError: `envelope.malformed` with the `Refusal`; `size.limit` for an attachment.
    """
    markup, knife = cut(source, store=store, caps=caps)
    return _fitted(parse(markup, caps), markup, knife, ())


def parse_foreign(data: bytes, *, caps: Caps = EXCHANGE) -> tuple[Element, tuple[Repair, ...]]:
    """The root of a file that need not be quite XML, and what was repaired; never DTDs, entities or another encoding.

    Raises:
        SenderError: `envelope.malformed` with the `Refusal`.
    """
    root, _, repairs = _repaired(data, caps)
    return root, repairs


def read_foreign(source: Iterable[bytes], *, store: Store = in_memory, caps: Caps = EXCHANGE) -> Skeleton:
    """`read_skeleton`, but as tolerant as `parse_foreign`.

    Raises:
        SenderError: `envelope.malformed` with the `Refusal`; `size.limit` for an attachment.
    """
    markup, knife = cut(source, store=store, caps=caps)
    root, repaired, repairs = _repaired(markup, caps)
    stepped_over = tuple(repair for refusal, repair in _REPAIRS.items() if knife.stepped_over[refusal])
    return _fitted(root, repaired, knife, (*repairs, *stepped_over))


def _repaired(markup: bytes, caps: Caps) -> tuple[Element, bytes, tuple[Repair, ...]]:
    clean = without_junk(markup)
    repairs = (Repair.JUNK,) if len(clean) < len(markup) else ()
    try:
        return parse(clean, caps, quiet=True), clean, repairs
    except SenderError as error:
        if error.params.get("reason") != Refusal.PREFIX:
            raise
    declared = declare_prefixes(clean)
    return parse(declared, caps, quiet=True), declared, (*repairs, Repair.PREFIX)


def _fitted(root: Element, markup: bytes, knife: Cut, repairs: tuple[Repair, ...]) -> Skeleton:
    """The tree as a second witness: every element of that name stands empty, and there are as many as cuts."""
    carriers = _carriers(root)
    if len(carriers) != len(knife.payloads):
        raise refuse(Refusal.PAYLOAD)
    for carrier in carriers:
        if carrier.text or len(carrier):
            raise refuse(Refusal.PAYLOAD, line=carrier.sourceline)
    return Skeleton(root=root, payloads=tuple(knife.payloads), markup=markup, repairs=repairs)


def _carriers(root: Element) -> tuple[Element, ...]:
    return tuple(root.iter(f"{{*}}{PAYLOAD_NAME}"))
