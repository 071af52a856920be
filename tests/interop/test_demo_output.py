"""What the demo leaves behind, looked at with programs we did not write: xmlsec1, pdfsig, openssl."""

import base64
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

Demo = tuple[Path, subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.interop, pytest.mark.slow]

QCVN = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
SIGNED_IDS = (
    f"{QCVN}:MessageHeader",
    f"{QCVN}:Bussiness",
    f"{QCVN}:edXMLBody",
    "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
    "http://www.w3.org/2000/09/xmldsig#:KeyInfo",
)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def test_the_demo_ends_well_and_says_so_in_one_line(demo: Demo) -> None:
    _, done = demo
    assert done.returncode == 0, done.stderr
    line = done.stdout.strip().splitlines()[-1]
    assert re.fullmatch(
        r"DEMO OK deliveries=6/6 receipts=6/6 statuses=2/2 replies=1/1 audit=verified leaves=\d+ seconds=\d+", line
    )


# --- the envelope, by xmlsec1 ------------------------------------------------------------------------------------------


def xmlsec(folder: Path, envelope: Path) -> tuple[int, str]:
    ids = [part for name in SIGNED_IDS for part in ("--id-attr:Id", name)]
    trust = ("--trusted-pem", folder / "pki/ca/root.crt", "--untrusted-pem", folder / "pki/ca/issuing.crt")
    strict = ("--enabled-key-data", "x509", "--enabled-reference-uris", "same-doc")
    return run("xmlsec1", "--verify", *strict, *trust, *ids, envelope)


@needs("xmlsec1")
def test_xmlsec1_verifies_the_envelope_with_all_its_references(demo: Demo) -> None:
    folder, _ = demo
    code, said = xmlsec(folder, folder / "letter.edxml")
    assert code == 0, said
    assert "References (ok/all): 5/5" in said


@needs("xmlsec1")
@pytest.mark.parametrize("what", ["Subject", "OrganId", "BussinessDocType", "DigestValue"])
def test_xmlsec1_refuses_an_envelope_with_one_changed_byte(demo: Demo, tmp_path: Path, what: str) -> None:
    folder, _ = demo
    data = (folder / "letter.edxml").read_bytes()
    at = data.index(b">", data.index(f"{what}>".encode())) + 1
    changed = tmp_path / "changed.edxml"
    changed.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert xmlsec(folder, changed)[0] != 0


@needs("xmlsec1")
def test_a_hub_may_add_its_trace_and_the_signature_holds(demo: Demo, tmp_path: Path) -> None:
    folder, _ = demo
    data = (folder / "letter.edxml").read_bytes()
    trace = b"<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader>"
    changed = tmp_path / "traced.edxml"
    changed.write_bytes(data.replace(b"</edXML:TraceHeaderList>", trace + b"</edXML:TraceHeaderList>", 1))
    assert xmlsec(folder, changed)[0] == 0


# --- the letter, by pdfsig -----------------------------------------------------------------------------------------------


@needs("pdfsig")
def test_pdfsig_finds_the_seal_valid_and_over_the_whole_document(demo: Demo) -> None:
    folder, _ = demo
    _, said = run("pdfsig", folder / "letter.pdf")
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert "Z79.VPTU" in said


@needs("pdfsig")
def test_pdfsig_finds_it_no_longer_valid_after_one_flipped_byte(demo: Demo, tmp_path: Path) -> None:
    folder, _ = demo
    data = bytearray((folder / "letter.pdf").read_bytes())
    data[len(data) // 3] ^= 1
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(data)
    _, said = run("pdfsig", changed)
    assert "Signature is Valid." not in said


# --- certificates and the checkpoint, by openssl ---------------------------------------------------------------------------


@needs("openssl")
def test_openssl_verifies_the_chain_of_every_kind_of_certificate_with_revocation(demo: Demo) -> None:
    pki = demo[0] / "pki"
    lists = [part for name in ("root", "issuing") for part in ("-CRLfile", pki / f"party/trust/crls/{name}.crl")]
    for certificate in (
        pki / "party/keys/transport/Z79.VPTU.crt",
        pki / "party/keys/seal/Z79.VPTU.crt",
        pki / "government/keys/tls.crt",
    ):
        code, said = run(
            *("openssl", "verify", "-x509_strict", "-crl_check_all", *lists),
            *("-CAfile", pki / "ca/root.crt", "-untrusted", pki / "ca/issuing.crt", certificate),
        )
        assert code == 0, said


@needs("openssl")
def test_openssl_verifies_the_signature_of_both_gateways_checkpoints(demo: Demo, tmp_path: Path) -> None:
    """The signed bytes are the note's text; the signature line has the key's hash (4 bytes) and then the signature."""
    for side in ("party", "government"):
        database = sqlite3.connect(f"file:{demo[0]}/{side}/state/gateway.db?mode=ro", uri=True)
        (note,) = database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        database.close()
        text, _, line = note.rpartition("\n\n")
        (tmp_path / "text").write_text(text + "\n", encoding="utf-8")
        (tmp_path / "signature").write_bytes(base64.b64decode(line.split(" ")[2])[4:])
        public = tmp_path / "log.pub"
        key = demo[0] / "pki" / side / "keys" / "log.pem"
        assert run("openssl", "pkey", "-in", key, "-pubout", "-out", public)[0] == 0
        verify = ("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in")
        code, said = run(*verify, tmp_path / "text", "-sigfile", tmp_path / "signature")
        assert code == 0, said
        (tmp_path / "text").write_text(text.replace("audit", "audi7") + "\n", encoding="utf-8")
        assert run(*verify, tmp_path / "text", "-sigfile", tmp_path / "signature")[0] != 0
