"""What somebody has at hand who signs PDFs by the command line: a key, its certificate, whom to believe, an authority."""

import datetime as dt
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.core.validation import Level
from gateway.crypto import InlineHolder, InlineJudge, KeyRef, PdfSigner, SealOrder, load_trust
from tests.kit.clock import StandingClock
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import Leaf, LeafKind, Pki, write_chain, write_key
from tests.kit.timestamp_authority import Authority, NearAuthority, served


@dataclass(frozen=True)
class SigningDesk:
    """Everything in one folder; the PKI is as old as the test."""

    folder: Path
    pki: Pki
    clock: StandingClock
    """Stands still when the desk was furnished."""
    stamps: Authority
    organ_id: str = "H29.16"

    @classmethod
    def furnished(cls, folder: Path, kind: LeafKind = "seal", *, organ_id: str = "H29.16") -> "SigningDesk":
        """With a key of that kind, whose certificate names that body; empty: none."""
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        pki = Pki(name="Desk", now=now)
        desk = cls(folder, pki, StandingClock(now), Authority(pki, issuer="issuing"), organ_id)
        pki.write_trust(desk.trust)
        (desk.trust / "authorities").mkdir()
        (desk.trust / "authorities" / "root.pem").write_bytes(pki.root.public_bytes(Encoding.PEM))
        leaf = desk.leaf(kind)
        write_key(desk.key, leaf.key)
        write_chain(desk.certificate, leaf.certificate)
        return desk

    def leaf(self, kind: LeafKind = "seal") -> Leaf:
        return self.pki.leaf(kind, organ_id=self.organ_id)

    @property
    def authority(self) -> NearAuthority:
        """Without a network."""
        return NearAuthority(self.clock, self.stamps.token)

    def served(self) -> AbstractAsyncContextManager[str]:
        """The same on loopback: its address."""
        return served(self.clock, self.stamps.answer)

    @property
    def key(self) -> Path:
        return self.folder / "body.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "body.crt"

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    @property
    def stamped_file(self) -> Path:
        """Where `stamped` puts it."""
        return self.folder / "stamped.pdf"

    async def stamped(self) -> Path:
        """A file that bears a timestamp."""
        path = self.stamped_file
        path.write_bytes(tiny_pdf())
        holder = InlineHolder(keys={"key": self.key}, own_files=True)
        signer = PdfSigner(judge=InlineJudge(), holder=holder, clock=self.clock, authority=self.authority)
        key = KeyRef(key_id="key", chain=self.leaf().chain)
        order = SealOrder(level=Level.B_T, insist=True)
        done = await signer.sign(path, key, order, trust=load_trust(self.trust, demo=False))
        path.write_bytes(done.pdf)
        return path
