"""Sealing a PDF by itself, beside pyHanko's `sign_pdf` on the same file with the same key: in turn, in one run, on one core.

*Ours* is everything that a seal of level B-B takes: place for it in the file (`prepare_seal`), the signed attributes, the RSA
operation, the CMS, the finished bytes. The judgement that the gateway makes of each seal before it gives it out is left out:
it is verification's time, and pyHanko makes none.

*As it comes* is pyHanko's `sign_pdf` with a `SimpleSigner` made for each file out of the files of key and certificates, as its
manual shows it. *Loaded* has the signer made once and, what a `SimpleSigner` does not, the key's own object too (loading checks
an RSA key each time, which takes longer than all the rest); everything else is left as it is.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko.sign.fields import SigSeedSubFilter

from benchmarks.results import Figure
from benchmarks.signatures import PREFIX
from gateway.crypto import prepare_seal
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes

FILE_BYTES: Final = 150_000
ROUNDS: Final = 15
CALLS: Final = {"ours": 20, "as_it_comes": 1, "loaded": 2, "rsa": 50}
"""How often each runs in one of its turns."""
RATIO_MIN: Final = {"as_it_comes": 10.0, "loaded": 3.0}
_MOMENT: Final = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
_DAY: Final = dt.timedelta(days=1)


def sample_pdf(size: int) -> bytes:
    """One page with a line of text, and a stream of noise for size."""
    text = b"BT /F1 18 Tf 72 720 Td (Van ban dien tu) Tj ET"
    noise = bytes((n * 2_654_435_761 >> 13) & 0xFF for n in range(size))
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(noise), noise),
    )
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, b"".join(places))
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return bytes(out) + table + end


class KeyKept(SimpleSigner):
    """PyHanko's signer with the key loaded once and for all."""

    kept: rsa.RSAPrivateKey

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        """The signature, nothing else."""
        assert digest_algorithm == "sha256", "that is what is asked for below"
        return self.kept.sign(data, padding.PKCS1v15(), SHA256())


class Material:
    """A key (RSA-2048) with its certificate and the issuer's, in memory and as files."""

    def __init__(self, folder: Path) -> None:
        self.key: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = _certificate("Issuing CA", issuer_key, "Issuing CA", issuer_key)
        leaf = _certificate("Van phong", self.key, "Issuing CA", issuer_key)
        self.chain: Final = tuple(one.public_bytes(Encoding.DER) for one in (leaf, issuer))
        self.key_file: Final = folder / "key.pem"
        self.key_file.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.certificate_file: Final = folder / "leaf.pem"
        self.certificate_file.write_bytes(leaf.public_bytes(Encoding.PEM))
        self.issuer_file: Final = folder / "issuer.pem"
        self.issuer_file.write_bytes(issuer.public_bytes(Encoding.PEM))

    def keeping(self) -> KeyKept:
        """The same with the key loaded."""
        plain = self.signer()
        signer = KeyKept(plain.signing_cert, plain.signing_key, plain.cert_registry)
        signer.kept = self.key
        return signer

    def signer(self) -> SimpleSigner:
        """PyHanko's, out of the files."""
        signer: SimpleSigner | None = SimpleSigner.load(
            str(self.key_file), str(self.certificate_file), ca_chain_files=(str(self.issuer_file),)
        )
        assert signer is not None, "the files have just been written"
        return signer


def _certificate(name: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey) -> x509.Certificate:
    subject, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_MOMENT - _DAY)
        .not_valid_after(_MOMENT + 365 * _DAY)
        .sign(issuer_key, SHA256())
    )


def seal_ours(pdf: bytes, material: Material) -> bytes:
    """The walk of `FileSealer`, without its processes and without the judgement at its end."""
    prepared = prepare_seal(pdf, room=room_for(material.chain), moment=_MOMENT)
    attributes = seal_attributes(prepared.digest, material.chain[0])
    signature = material.key.sign(attributes.to_sign, padding.PKCS1v15(), SHA256())
    return prepared.filled(assemble(attributes, signature, material.chain))


def seal_pyhanko(pdf: bytes, make_signer: Callable[[], SimpleSigner]) -> bytes:
    """The same level through pyHanko: PAdES B-B."""
    about = PdfSignatureMetadata(field_name="Seal1", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    sealed: bytes = sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), about, signer=make_signer()).getvalue()
    return sealed


def best_of(ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds that one call of each takes: the best of its turns."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = perf_counter()
            for _ in range(CALLS[name]):
                way()
            best[name] = min(best[name], (perf_counter() - begun) / CALLS[name])
    return best


def pdf_signature_figures() -> Iterator[Figure]:
    """Milliseconds of each way, and how many times the rate of pyHanko's ours is."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-pdf-") as name:
        material, pdf = Material(Path(name)), sample_pdf(FILE_BYTES)
        loaded = material.keeping()
        best = best_of(
            {
                "ours": partial(seal_ours, pdf, material),
                "as_it_comes": partial(seal_pyhanko, pdf, material.signer),
                "loaded": partial(seal_pyhanko, pdf, lambda: loaded),
                "rsa": partial(material.key.sign, bytes(200), padding.PKCS1v15(), SHA256()),
            }
        )
    for way, seconds in best.items():
        yield Figure(id=f"{PREFIX}seal_pdf.{way}", value=_short(seconds * 1e3), unit="ms")
    for way, target in RATIO_MIN.items():
        ratio = _short(best[way] / best["ours"])
        yield Figure(id=f"{PREFIX}seal_pdf.rate_to_{way}", value=ratio, unit="ratio", target=target)


def _short(value: float) -> float:
    return float(f"{value:.3g}")
