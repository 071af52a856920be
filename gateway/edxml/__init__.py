"""edXML (QCVN 102:2016/BTTTT with Amendment 1:2022) as pure functions: write, assemble, read, validate.

An envelope is made in two strokes. `write_skeleton` writes everything but the files: header, trace, manifest with the
SHA-256 of each file. That small thing is what gets signed. `assemble` then splices the files in before the closing tag,
as a stream and without parsing, so the signed bytes stay the signed bytes and memory stays flat.

`read_message` is the way back, over the very skeleton the signature was verified on (`gateway.safe_xml.read_skeleton`).
`read_tolerantly` is the same code for files of others that a person has in hand: what the one refuses the other tells as a
finding, and it takes the ZIP off that hubs and the vendor's software wrap around files.

Rules:

* *Strict in what we write.* The order is the one the vendor's software writes; lengths and required fields are the
  regulation's and are checked all at once (`validate`); the same message always becomes the same bytes.
* *Tolerant where senders differ, never where readers could.* Order, unknown elements, missing optional fields, odd
  numbers and dates are taken as they come. But what could be read in two ways is refused: an element twice where one
  belongs, an element inside a text, a file that the manifest does not name.
* *Seen is signed.* Name, type and digest of a file are the manifest's; where the (unsigned) attachment contradicts a
  manifest that binds it, the message is refused. A name that is a path or hides what it is (`core.filename`) is no name.
* One file per message kind in `kinds/`; a new kind is a new file there and one line in `envelope` and `reading`. What several
  kinds hold, or is a noun of its own, is a file beside them (`organisation`, `business`, `trace` ...): write, read, check.
* What a document does *to another one* (revoke, update, replace) is read and written like the rest; who takes it in decides
  whether anybody here can do it.
* What we write is told to other programs by a schema (`schemas/strict.xsd`), what we read by another (`lax.xsd`); each name of
  a type of documents has its numbers in `document_types`.

When it fails: `SenderError` with `request.field` (what we were asked to write), `envelope.malformed` and
`envelope.attachments` (what we were asked to read, with a reason and the name of the element, never its content),
`size.limit`; `SiteError` `blob.damaged` when a file changes under our hands.
"""

from gateway.core.findings import Finding, Severity
from gateway.edxml import document_types
from gateway.edxml.assembly import assemble
from gateway.edxml.attachments import ReadAttachment
from gateway.edxml.claims import claim_of_type, is_called_otherwise
from gateway.edxml.declared import declared_type
from gateway.edxml.envelope import check_files, check_regulation, validate, write_skeleton
from gateway.edxml.findings import CODES
from gateway.edxml.reading import Reading, read_message, read_tolerantly, texts_in
from gateway.edxml.schema import Flavour, SchemaFault, schema_faults, schema_text
from gateway.edxml.signatures import SIGNATURES_MAX, SignatureSeen, signatures_of
from gateway.edxml.slip import (
    SLIP_NAME,
    SLIP_TYPE,
    SealSlip,
    SlipFile,
    parse_slip,
    read_slip,
    slip_differences,
    slip_of,
    slip_schema_text,
    write_slip,
)
from gateway.edxml.violations import Violation

__all__ = [
    "CODES",
    "SIGNATURES_MAX",
    "SLIP_NAME",
    "SLIP_TYPE",
    "Finding",
    "Flavour",
    "ReadAttachment",
    "Reading",
    "SchemaFault",
    "SealSlip",
    "Severity",
    "SignatureSeen",
    "SlipFile",
    "Violation",
    "assemble",
    "check_files",
    "check_regulation",
    "claim_of_type",
    "declared_type",
    "document_types",
    "is_called_otherwise",
    "parse_slip",
    "read_message",
    "read_slip",
    "read_tolerantly",
    "schema_faults",
    "schema_text",
    "signatures_of",
    "slip_differences",
    "slip_of",
    "slip_schema_text",
    "texts_in",
    "validate",
    "write_skeleton",
    "write_slip",
]
