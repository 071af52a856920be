"""What is sent: ten kinds of document, every one of them unique, so that nothing is saved by sending it twice."""

import os
from dataclasses import dataclass
from itertools import product
from typing import Final

from benchmarks.sealing import Seal

KIB: Final = 1024
EVERYBODY: Final = 336
"""All wards' bodies of the demo: half of them on the sender's own gateway."""
SEAL_BYTES: Final = 17_000
"""What a seal (PAdES B-B, incremental update) adds to a PDF."""
ENVELOPE_BYTES: Final = 5_000
"""An envelope without its files and recipients ..."""
RECIPIENT_BYTES: Final = 320
"""... and what each recipient adds."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of document."""

    kind: str
    """`pdf`: without a seal, so the gateway seals it with the body's entrusted key. `sealed`: a PDF that its body has sealed.
    `file`: anything else."""
    size: int
    recipients: int

    @property
    def id(self) -> str:
        """`pdf-150k-336`."""
        return f"{self.kind}-{self.size // KIB}k-{self.recipients}"

    @property
    def pdf(self) -> bool:
        """Whether it is a PDF, and so sealed and judged."""
        return self.kind in {"pdf", "sealed"}

    @property
    def handed_in_bytes(self) -> int:
        """Size of the file as it is handed in."""
        return self.carried_bytes if self.kind == "sealed" else self.size

    @property
    def carried_bytes(self) -> int:
        """Size of the file as it is carried: sealed, if it is sealed."""
        return self.size + (SEAL_BYTES if self.pdf else 0)

    @property
    def envelope_bytes(self) -> int:
        """Size of the envelope, about."""
        return self.carried_bytes * 4 // 3 + ENVELOPE_BYTES + self.recipients * RECIPIENT_BYTES

    @property
    def receivers(self) -> int:
        """Gateways that receive it: the other one; with everybody addressed, the sender's own as well."""
        return 1 if self.recipients == 1 else 2

    def content(self, seal: Seal) -> tuple[str, bytes]:
        """Name and bytes of a new file of this kind; `seal`: the sending body's."""
        if self.pdf:
            plain = make_pdf(self.size)
            return "cong-van.pdf", seal(plain) if self.kind == "sealed" else plain
        return "so-lieu.bin", os.urandom(self.size)


CASES: Final = tuple(
    Case(kind, size * KIB, recipients) for recipients, size, kind in product((1, EVERYBODY), (3, 150), ("pdf", "file"))
) + tuple(Case("sealed", 150 * KIB, recipients) for recipients in (1, EVERYBODY))


def make_pdf(size: int) -> bytes:
    """A valid PDF of about that size: one page of text, and noise that no compression helps with."""
    text = b"BT /F1 14 Tf 72 720 Td (Van ban do kiem) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        _stream(text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        _stream(os.urandom(max(0, size - 900))),
    ]
    out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content)
