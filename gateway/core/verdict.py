"""What the examination of a signature found, in the words of ETSI EN 319 102-1 (section 5.1.3). Never a bool."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.core.findings import Finding, Severity
from gateway.core.ids import Digest
from gateway.core.message import Message
from gateway.core.states import MessageKind
from gateway.core.validation import Indication, SignatureDetails, SubIndication

NO_DETAILS: Final = SignatureDetails()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureVerdict:
    """One signature: who made it, over what, and what we may conclude."""

    indication: Indication
    sub_indication: SubIndication | None
    reason: str
    """One English sentence for the technical part of a report; never shown alone to a clerk."""
    certificate: Digest | None
    """SHA-256 of the signer's certificate (DER); None when no signer could be found."""
    signer: str
    """Common name of the signer's certificate, or an empty text."""
    claimed_time: datetime | None
    """What the signer says; not proven by anything."""
    covers: str
    """`whole file`, `revision`, or the Ids of the signed XML parts."""
    details: SignatureDetails = NO_DETAILS
    """What a report tells beside the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """One file: is it what it says, and what do its signatures say together?

    `indication` is None for a file that carries no signature (or is of a kind that cannot).
    """

    media_type: str
    """By the magic of the bytes: `application/pdf`, `application/zip`, or `application/octet-stream`."""
    indication: Indication | None
    sub_indication: SubIndication | None
    signatures: tuple[SignatureVerdict, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFile:
    """One attachment of an envelope, decoded and judged."""

    position: int
    name: str
    content_type: str
    digest: Digest
    size: int
    place: tuple[int, int]
    """Where its text stands in the envelope (`safe_xml.decoded`): from byte, to byte."""
    data: bytes | None
    """All of it, unless it did not fit into `large_limits.KEPT_BYTES_MAX` beside the files before it."""
    verdict: FileVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeReading:
    """Everything a judge found in an envelope."""

    kind: MessageKind
    message: Message
    files: tuple[JudgedFile, ...]
    signature: SignatureVerdict | None
    """None when the envelope carries no signature."""
    certificate: bytes | None
    """DER of the certificate that made the signature."""
    bound: bool
    """Every attachment's digest stands in the (signed) manifest and fits."""
    secrecy: str
    """A mark of secrecy found in the header's texts or the file names, else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """One attachment of an envelope that was read tolerantly."""

    name: str
    verdict: FileVerdict
    """Of its own signatures: they speak of its bytes, whatever was around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReading:
    """What can be read of an envelope that the exchange does not take. Nothing here is believed for an envelope's signature."""

    files: tuple[ForeignFile, ...]
    findings: tuple[Finding, ...]

    @property
    def repaired(self) -> bool:
        """Whether it had to be repaired to be read: its bytes are not those that anybody signed."""
        return any(one.severity is Severity.REPAIRED for one in self.findings)


def worst(verdicts: tuple[SignatureVerdict, ...]) -> SignatureVerdict | None:
    """The verdict that decides for the file: one failed signature fails it, one undecided one leaves it undecided."""
    order = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
    return min(verdicts, key=lambda v: order.index(v.indication), default=None)
