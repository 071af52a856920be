"""How much of a stranger's file is read, at most."""

from dataclasses import dataclass
from typing import Final

from gateway.core import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Bounds of one file; whatever is over one of them is refused while it is being read."""

    file_bytes: int = limits.ENVELOPE_BYTES_MAX
    markup_bytes: int = limits.MARKUP_BYTES_MAX
    """All but the attachments' base64."""
    payload_bytes: int = limits.FILE_BYTES_MAX
    """One attachment, decoded."""
    payloads: int = limits.PAYLOADS_MAX
    depth: int = limits.XML_DEPTH_MAX
    nodes: int = limits.XML_NODES_MAX
    """Elements, attributes and namespace declarations."""
    attributes: int = limits.XML_ATTRIBUTES_MAX
    """Attributes and namespace declarations of one element: canonicalisation pays for both."""
    namespace: int = limits.XML_NAMESPACE_CHARS_MAX
    """Characters of one namespace: canonicalisation pays for it wherever it is used."""


EXCHANGE: Final = Caps()
"""What the service takes."""
AT_HAND: Final = Caps(file_bytes=limits.HAND_ENVELOPE_BYTES_MAX, payload_bytes=limits.HAND_FILE_BYTES_MAX)
"""What a command takes whose user chose the file himself."""
