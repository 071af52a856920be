"""Signatures: of what kind they are, to be shown; nothing here says whether they hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gateway.edxml.block import local_name
from gateway.edxml.namespaces import DS
from gateway.safe_xml import Element

_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_NAMES: Final = frozenset({"Signature", "DigitalSignature"})
"""The second is another sender's name, and has always been empty (facts 2.1)."""
_REFERENCES_MAX: Final = 50
SIGNATURES_MAX: Final = 50
"""A hostile file has as many as elements; beyond one, more of them say nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureSeen:
    """A signature as it stands there."""

    form: str
    """`xades`, `xmldsig`, `foreign` (of XML Signature's shape, in another namespace) or `empty`."""
    references: tuple[str, ...]
    """What it says that it covers: ids (`#header`); an empty text is the whole file."""


def signatures_of(root: Element) -> tuple[SignatureSeen, ...]:
    """The signatures in the markup of a file, none of them inside another, in their order; one more than are shown, at most."""
    return tuple(_seen(element) for element in islice(_elements(root), SIGNATURES_MAX + 1))


def _elements(root: Element) -> Iterator[Element]:
    for element in root.iter(*(f"{{*}}{name}" for name in _NAMES)):
        if not any(local_name(above) in _NAMES for above in element.iterancestors()):
            yield element


def _seen(element: Element) -> SignatureSeen:
    references = [one.get("URI", "") for one in islice(element.iter("{*}Reference"), _REFERENCES_MAX)]
    if not len(element):
        return SignatureSeen(form="empty", references=())
    if str(element.tag) != f"{{{DS}}}Signature":
        return SignatureSeen(form="foreign", references=tuple(references))
    is_xades = next(element.iter(f"{{{_XADES}}}QualifyingProperties"), None) is not None
    return SignatureSeen(form="xades" if is_xades else "xmldsig", references=tuple(references))
