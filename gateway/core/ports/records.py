"""What the exchange can prove: conductors meet only through ports."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.core.directory import Snapshot
from gateway.core.ids import Digest
from gateway.core.model import Attachment, Metadata, ReceiptLine, TransferSlip
from gateway.core.verdict import EnvelopeReading, FileVerdict, ForeignReading, SignatureVerdict


class Records(Protocol):
    """The exchange's knowledge of its own formats, for the conductor of evidence: conductors meet only through ports."""

    def check_receipt(self, receipt: bytes, slip: TransferSlip, snapshot: Snapshot) -> tuple[ReceiptLine, ...]:
        """Every line of a receipt, its signature, claims and proofs checked against the slip and the registry.

        Raises:
            PeerError: `peer.receipt`.
        """
        ...

    def read_envelope(self, path: Path, moment: datetime) -> EnvelopeReading:
        """A stored envelope, parsed, verified and its files judged. Pure and importable, so a `Judge` can run it.

        Raises:
            SenderError: it cannot be read.
        """
        ...

    def read_foreign(self, path: Path, moment: datetime) -> ForeignReading:
        """What a tolerant reading makes of an envelope; raises as `read_envelope`."""
        ...

    def judge_signature(self, path: Path, moment: datetime) -> SignatureVerdict | None:
        """What the signature of an envelope says of its header alone, whatever its files are; None without a signature.

        Raises:
            SenderError: not even that can be read.
        """
        ...

    def request_digest(self, metadata: Metadata, attachments: Sequence[Attachment]) -> Digest:
        """What the log says of an order with these metadata and files as they were handed in."""
        ...

    def judge_file(self, path: Path, moment: datetime) -> FileVerdict:
        """The verdict on one stored file."""
        ...
