"""Programs and libraries we did not write, each as one small function: what does it say about this file?

An `Answer` is true when the program accepts, and carries its words; what is accepted is decided by the words and the exit code
together, since pdfsig and `openssl ocsp` end with 0 whatever they found. Certificates, lists and responses go in as DER.
"""

import base64
import re
import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.x509 import load_der_x509_certificate
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a program accepts, and what it said."""

    accepted: bool
    words: str

    def __bool__(self) -> bool:
        return self.accepted


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where one of these is not installed."""
    absent = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(absent), reason=f"{', '.join(absent)} not installed")


def run(*command: str | Path) -> tuple[int, str]:
    """Exit code, and all it said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def run_lines(*command: str | Path, lines: Sequence[str]) -> tuple[int, list[str], str]:
    """The same for a program that reads lines and answers each with a line: exit code, answers, and what else it said."""
    done = subprocess.run(
        [str(part) for part in command],
        input="\n".join(lines).encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode(errors="replace")


def pem(ders: Sequence[bytes], label: str = "CERTIFICATE") -> bytes:
    """Any number of DER objects as one PEM file."""
    blocks = []
    for der in ders:
        body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
        blocks.append(f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    return "".join(blocks).encode()


def pdf_parts(pdf: bytes, which: int = -1) -> tuple[bytes, bytes]:
    """The CMS and the signed bytes of one signature or document timestamp, cut out by hand."""
    ranges = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf)
    first, length, second, rest = (int(number) for number in ranges[which])
    contents = bytes.fromhex(pdf[length + 1 : second - 1].decode())
    return _der(contents), pdf[first : first + length] + pdf[second : second + rest]


def _der(padded: bytes) -> bytes:
    """The first DER object without the zeros after it (X.690 clause 8.1.3)."""
    count = padded[1] & 0x7F if padded[1] & 0x80 else 0
    size = int.from_bytes(padded[2 : 2 + count]) if count else padded[1]
    return padded[: 2 + count + size]


class Openssl:
    """`openssl` at a moment, with anchors and other certificates; files in a folder of the test."""

    def __init__(self, folder: Path, *, anchors: Sequence[bytes], others: Sequence[bytes] = (), at: datetime) -> None:
        self._folder = folder
        self._others = tuple(others)
        self._anchors = self._file("anchors.pem", pem(anchors))
        self._at = ("-attime", str(int(at.timestamp())))

    def cms(self, cms: bytes, content: bytes) -> Answer:
        """A detached CMS; `-cades` checks signing-certificate-v2 too. Key usage and revocation are not looked at."""
        command = ("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any")
        files = ("-in", self._file("cms.der", cms), "-content", self._file("content", content))
        code, said = run(*command, *files, *self._trust("-certfile"), *self._at, "-out", "/dev/null")
        return Answer(code == 0 and "Verification successful" in said, said)

    def timestamp(self, token: bytes, digest: bytes) -> Answer:
        """A token (ContentInfo) over that digest."""
        files = ("-token_in", "-in", self._file("token.der", token), "-digest", digest.hex())
        code, said = run("openssl", "ts", "-verify", *files, *self._trust("-untrusted"), *self._at)
        return Answer(code == 0 and "Verification: OK" in said, said)

    def ocsp(self, response: bytes, certificate: bytes, issuer: bytes) -> Answer:
        """Whether the response is by who may speak, and says that the certificate is good."""
        leaf, above = self._file("leaf.pem", pem([certificate])), self._file("issuer.pem", pem([issuer]))
        asked = ("-sha256", "-issuer", above, "-cert", leaf, "-respin", self._file("ocsp.der", response))
        slack = (
            "-validity_period",
            str(10**9),
            "-no_nonce",
        )  # it compares with its own clock: how old is not asked here
        code, said = run("openssl", "ocsp", *asked, *slack, *self._trust("-verify_other"), *self._at)
        return Answer(code == 0 and "Response verify OK" in said and f"{leaf}: good" in said, said)

    def certificate(self, certificate: bytes, crls: Sequence[bytes]) -> Answer:
        """A path with every revocation list, by RFC 5280 to the letter and with keys of today."""
        lists = ("-crl_check_all", "-CRLfile", self._file("crls.pem", pem(crls, "X509 CRL")))
        strict = ("-x509_strict", "-auth_level", "2")
        leaf = self._file("leaf.pem", pem([certificate]))
        code, said = run("openssl", "verify", *strict, *lists, *self._trust("-untrusted"), *self._at, leaf)
        return Answer(code == 0 and ": OK" in said, said)

    def _trust(self, option: str) -> tuple[str | Path, ...]:
        anchors: tuple[str | Path, ...] = ("-CAfile", self._anchors)
        return (*anchors, option, self._file("others.pem", pem(self._others))) if self._others else anchors

    def _file(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path


def nss_database(folder: Path, *, anchors: Sequence[bytes], others: Sequence[bytes] = ()) -> str:
    """A new NSS database that trusts these anchors, for `pdfsig`; needs `certutil` (libnss3-tools)."""
    where = f"sql:{folder}"
    assert run("certutil", "-N", "-d", where, "--empty-password")[0] == 0
    for number, der in enumerate((*anchors, *others)):
        file = folder / f"{number}.der"
        file.write_bytes(der)
        trust = "CT,C,C" if number < len(anchors) else ",,"
        code, said = run("certutil", "-A", "-d", where, "-n", f"c{number}", "-t", trust, "-i", file)
        assert code == 0, said
    return where


def pdfsig(pdf: Path, database: str) -> Answer:
    """Whether every signature is valid and by a certificate that the database trusts.

    Certificates that name an OCSP responder need one that answers: else they are of "unknown issue" to it, as is every one
    with `-no-ocsp`, and the second one of a file (22.12).
    """
    code, said = run("pdfsig", "-nssdir", database, pdf)
    signatures = [one for one in said.split("Signature #")[1:] if "ETSI.RFC3161" not in one]  # it judges no timestamp
    good = [
        "Signature Validation: Signature is Valid." in one and "Certificate Validation: Certificate is Trusted." in one
        for one in signatures
    ]
    return Answer(code == 0 and bool(good) and all(good), said)


def rfc3161(response: bytes, digest: bytes, *, anchors: Sequence[bytes], others: Sequence[bytes] = ()) -> Answer:
    """rfc3161-client on a whole response over that digest; at its own clock, revocation not looked at."""
    builder = VerifierBuilder()
    for der in anchors:
        builder = builder.add_root_certificate(load_der_x509_certificate(der))
    for der in others:
        builder = builder.add_intermediate_certificate(load_der_x509_certificate(der))
    try:
        return Answer(builder.build().verify(decode_timestamp_response(response), digest), "verified")
    except (VerificationError, ValueError) as error:
        return Answer(False, str(error))
