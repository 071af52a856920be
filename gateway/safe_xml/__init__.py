"""Safe XML: the one entry for XML that somebody else wrote. No other room calls a parser.

Why a room of its own: an XML parser is a machine with many doors (DTDs, entities, encodings, processing instructions),
and two readers that leave different doors open read two different documents out of the same bytes. That difference is
what signature wrapping and comment truncation live on (CVE-2025-25291/25292). So there is one parser with every door
shut, its result is one tree, and verifier and reader are both handed that very tree.

Rules:

* UTF-8 only, XML 1.0 only; no DTD, entity, comment or processing instruction, inside the root or beside it.
* Everything is capped (`core.limits`): bytes, depth, nodes, attributes and namespace declarations of one element,
  characters of one text. The caps are checked while the file is being read, not after.
* `read_skeleton` cuts the text of each `ContentTransferEncoded` out in the same pass. What is left is small whatever
  the attachments weigh, and is what the signature covers (docs/ARCHITECTURE.md, "What the envelope signature covers").

When it fails: `SenderError` `envelope.malformed` with `reason` (a `Refusal`) and, where known, the line. Nothing of the
content is ever in an error.
"""

from gateway.safe_xml.refusal import Refusal
from gateway.safe_xml.strict import QCVN, Element, Skeleton, parse_signed, read_skeleton

__all__ = ["QCVN", "Element", "Refusal", "Skeleton", "parse_signed", "read_skeleton"]
