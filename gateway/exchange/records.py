"""Records: what the exchange lets the conductor of evidence ask of it (port `Records`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.core.directory import Snapshot
from gateway.core.ids import Digest
from gateway.core.model import Attachment, Metadata, ReceiptLine, TransferSlip
from gateway.core.sizes import LARGEST
from gateway.core.verdict import EnvelopeReading, FileVerdict, ForeignReading, SignatureVerdict
from gateway.crypto import Trust
from gateway.exchange import receipts
from gateway.exchange.asked import request_digest
from gateway.exchange.judging import judge_envelope_signature, judge_pdf_file, read_envelope_file, read_foreign_file


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRecords:
    """Knows receipts and envelopes; picklable, so that its methods can be run by a judge."""

    trust: Trust
    judge_all: bool = False
    """The files of an envelope that is not believed, too."""

    def check_receipt(self, receipt: bytes, slip: TransferSlip, snapshot: Snapshot) -> tuple[ReceiptLine, ...]:
        """See `Records.check_receipt`."""
        return receipts.check(receipt, slip, snapshot)

    def read_envelope(self, path: Path, moment: datetime) -> EnvelopeReading:
        """See `Records.read_envelope`."""
        return read_envelope_file(path, trust=self.trust, moment=moment, judge_all=self.judge_all, sizes=LARGEST)

    def read_foreign(self, path: Path, moment: datetime) -> ForeignReading:
        """See `Records.read_foreign`."""
        return read_foreign_file(path, trust=self.trust, moment=moment)

    def judge_signature(self, path: Path, moment: datetime) -> SignatureVerdict | None:
        """See `Records.judge_signature`."""
        return judge_envelope_signature(path, trust=self.trust, moment=moment)

    def request_digest(self, metadata: Metadata, attachments: Sequence[Attachment]) -> Digest:
        """See `Records.request_digest`."""
        return request_digest(metadata, attachments)

    def judge_file(self, path: Path, moment: datetime) -> FileVerdict:
        """See `Records.judge_file`."""
        return judge_pdf_file(path, trust=self.trust, moment=moment)
