"""Safe XML: the one entry for XML that somebody else wrote. No other room calls a parser.

Why a room of its own: an XML parser is a machine with many doors (DTDs, entities, encodings, processing instructions),
and two readers that leave different doors open read two different documents out of the same bytes. That difference is
what signature wrapping and comment truncation live on (CVE-2025-25291/25292). So there is one parser with every door
shut, its result is one tree, and verifier and reader are both handed that very tree.

Rules:

* UTF-8 only, XML 1.0 only; no DTD, entity, comment or processing instruction, inside the root or beside it.
* Everything is capped (`core.limits`): bytes, depth, nodes, attributes and namespace declarations of one element,
  characters of one text and of one namespace. The caps are checked while the file is being read, not after.
* `read_skeleton` cuts the text of each `ContentTransferEncoded` out of the bytes (`cut`), decodes, hashes and writes it where
  the caller says. What is left is small whatever the attachments weigh, is parsed, and is what the signature covers
  (docs/ARCHITECTURE.md, "What the envelope signature covers").
* `read_foreign` and `parse_foreign` take what real senders write and strict parsers do not: a few repairs, by name and on the
  bytes (`repair`), then the same parser and the same caps. Whoever uses their result for a verdict looks at `repairs`.

When it fails: `SenderError` `envelope.malformed` with `reason` (a `Refusal`) and, where known, the line. Nothing of the
content is ever in an error.
"""

from gateway.safe_xml.caps import AT_HAND, EXCHANGE, Caps
from gateway.safe_xml.cut import PAYLOAD_NAME, decoded
from gateway.safe_xml.payload import Payload, Store, in_memory
from gateway.safe_xml.refusal import Refusal
from gateway.safe_xml.repair import Repair
from gateway.safe_xml.skeleton import Skeleton, parse_foreign, parse_signed, read_foreign, read_skeleton
from gateway.safe_xml.tree import QCVN, SEAL_SLIP, Element

__all__ = [
    "AT_HAND",
    "EXCHANGE",
    "PAYLOAD_NAME",
    "QCVN",
    "SEAL_SLIP",
    "Caps",
    "Element",
    "Payload",
    "Refusal",
    "Repair",
    "Skeleton",
    "Store",
    "decoded",
    "in_memory",
    "parse_foreign",
    "parse_signed",
    "read_foreign",
    "read_skeleton",
]
