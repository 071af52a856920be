"""What somebody has at hand who signs PDFs by the command line: a key, its certificate, whom to believe, an authority."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.core.validation import Level
from gateway.crypto import InlineHolder, InlineJudge, KeyRef, PdfSigner, SealOrder, load_trust
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import Leaf, LeafKind, Pki, write_chain, write_key
from tests.kit.timestamps import OwnAuthority


class _Now:
    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


@dataclass(frozen=True)
class SigningDesk:
    """Everything in one folder; the PKI is as old as the test."""

    folder: Path
    pki: Pki
    authority: OwnAuthority

    @classmethod
    def furnished(cls, folder: Path, kind: LeafKind = "seal") -> "SigningDesk":
        """With a key of that kind."""
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        pki = Pki(name="Desk", now=now)
        desk = cls(folder, pki, OwnAuthority(pki, now))
        pki.write_trust(desk.trust)
        (desk.trust / "authorities").mkdir()
        (desk.trust / "authorities" / "root.pem").write_bytes(pki.root.public_bytes(Encoding.PEM))
        leaf = desk.leaf(kind)
        write_key(desk.key, leaf.key)
        write_chain(desk.certificate, leaf.certificate)
        return desk

    def leaf(self, kind: LeafKind = "seal") -> Leaf:
        return self.pki.leaf(kind)

    @property
    def key(self) -> Path:
        return self.folder / "body.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "body.crt"

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    async def stamped(self) -> Path:
        """A file that bears a timestamp."""
        path = self.folder / "stamped.pdf"
        path.write_bytes(tiny_pdf())
        holder = InlineHolder(keys={"key": self.key}, own_files=True)
        signer = PdfSigner(judge=InlineJudge(), holder=holder, clock=_Now(), authority=self.authority)
        key = KeyRef(key_id="key", chain=self.leaf().chain)
        order = SealOrder(level=Level.B_T, insist=True)
        done = await signer.sign(path, key, order, trust=load_trust(self.trust, demo=False))
        path.write_bytes(done.pdf)
        return path
