"""What a signature or an archive timestamp of a PDF covers (ISO 32000-2 clause 12.8.1): everything up to its revision's end.

The byte range may leave out one thing only: the signature's own Contents, in hex, with zeros as padding.
"""

from typing import Any, Final

from asn1crypto import parser
from pyhanko.sign.validation.status import SignatureCoverageLevel

from gateway.core.validation import SubIndication
from gateway.crypto.duty import failed, undecided
from gateway.crypto.pades.document import Document

_END: Final = b"%%EOF"
_TAIL_BYTES: Final = 1024
"""Where the end of the file is looked for: the strict reader has looked no further for it."""


def token_of(signature: Any) -> bytes:
    """The DER that stands in Contents, without its padding."""
    contents: bytes = signature.pkcs7_content
    return contents[: parser.peek(contents)]


def check_coverage(document: Document, signature: Any) -> None:
    """The range begins at the beginning, leaves out the signature alone, and ends where its revision ends.

    Raises:
        UnmetDuty: FORMAT_FAILURE.
    """
    first, length, second, _ = (int(number) for number in signature.byte_range)
    gap = document.data[length:second]
    contents: bytes = signature.pkcs7_content
    padding = contents[len(token_of(signature)) :]
    if first != 0 or gap.lower() != b"<" + contents.hex().encode() + b">" or padding.strip(b"\0"):
        raise failed(SubIndication.FORMAT_FAILURE, "the byte range leaves out more than the signature itself")
    signature.coverage = signature.evaluate_signature_coverage()
    if signature.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        raise failed(SubIndication.FORMAT_FAILURE, "the byte range does not cover a whole revision")


def check_end(document: Document, signature: Any) -> None:
    """Nothing stands after the end of the file, and nothing after the signature that belongs to no revision.

    Raises:
        UnmetDuty: SIG_CONSTRAINTS_FAILURE.
    """
    _, _, second, rest = (int(number) for number in signature.byte_range)
    latest = signature.signed_revision == document.revisions - 1
    trailing = latest and document.data[second + rest :].strip()
    if trailing or not document.data[-_TAIL_BYTES:].rstrip().endswith(_END):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "bytes after the end that belong to no revision")


def whole_file(signature: Any) -> bool:
    """Whether nothing was added since."""
    return bool(signature.coverage == SignatureCoverageLevel.ENTIRE_FILE)
