"""Our XML signatures by a program we did not write: xmlsec1 on a document, a status message and a seal slip of ours."""

import asyncio
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.cli import main
from gateway.crypto import prepare_slip, with_timestamp
from gateway.edxml import assemble, read_message, slip_of, write_skeleton, write_slip
from gateway.safe_xml import QCVN, SEAL_SLIP, read_skeleton
from tests.kit.pki import Pki
from tests.kit.signing_desk import SigningDesk
from tests.unit.crypto.envelopes import signed
from tests.unit.crypto.sealing import raw_signature
from tests.unit.edxml.samples import DOCUMENT, STATUS, attachment, envelope

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed"),
]

FILES = (b"thu thu nhat", b"PK\x03\x04 a table")
SIGNED = {"document": ("MessageHeader", "Bussiness", "edXMLBody"), "status": ("MessageHeader",)}
"""Parts of each kind; KeyInfo and SignedProperties come to them."""
NAMES = (
    *(f"{QCVN}:{name}" for name in SIGNED["document"]),
    f"{SEAL_SLIP}:Statement",
    "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
    "http://www.w3.org/2000/09/xmldsig#:KeyInfo",
)


@cache
def pki() -> Pki:
    """It knows no other time than the clock's."""
    return Pki(now=datetime.now(UTC))


@cache
def letter(kind: str) -> bytes:
    leaf = pki().leaf("transport")
    if kind == "status":
        return signed(write_skeleton(STATUS, ()), leaf, moment=pki().now)
    parts = [attachment(at, data) for at, data in enumerate(FILES, 1)]
    skeleton = signed(write_skeleton(DOCUMENT, parts), leaf, moment=pki().now)
    return b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, FILES, strict=True)]))


def xmlsec(folder: Path, data: bytes, known: Pki | None = None) -> tuple[int, str]:
    root, file = folder / "root.crt", folder / "letter.edxml"
    root.write_bytes((known or pki()).root.public_bytes(Encoding.PEM))
    file.write_bytes(data)
    ids = [part for name in NAMES for part in ("--id-attr:Id", name)]
    strict = ("--enabled-key-data", "x509", "--enabled-reference-uris", "same-doc")
    command = ("xmlsec1", "--verify", *strict, "--trusted-pem", str(root), *ids, str(file))
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize("kind", SIGNED)
def test_xmlsec1_verifies_every_part(kind: str, tmp_path: Path) -> None:
    code, said = xmlsec(tmp_path, letter(kind))
    assert code == 0, said
    count = len(SIGNED[kind]) + 2
    assert f"References (ok/all): {count}/{count}" in said


@pytest.mark.parametrize(("kind", "part"), [(kind, part) for kind, parts in SIGNED.items() for part in parts])
def test_xmlsec1_refuses_a_part_that_was_changed(kind: str, part: str, tmp_path: Path) -> None:
    root = etree.fromstring(letter(kind))
    (element,) = root.iter(f"{{{QCVN}}}{part}")
    element.set("note", "A")
    assert xmlsec(tmp_path, etree.tostring(root))[0] != 0


def test_xmlsec1_too_leaves_the_trace_and_base64_out(tmp_path: Path) -> None:
    """The files are bound by the manifest's digests alone: what our reader checks and xmlsec1 does not."""
    root = etree.fromstring(letter("document"))
    (traces,) = root.iter(f"{{{QCVN}}}TraceHeaderList")
    etree.SubElement(traces, f"{{{QCVN}}}TraceHeader").text = "hub"
    for element in root.iter(f"{{{QCVN}}}ContentTransferEncoded"):
        element.text = f"\r\n{element.text}"
    assert xmlsec(tmp_path, etree.tostring(root))[0] == 0


# --- the same program on a timestamp and on a seal slip ---------------------------------------------------------------


def test_a_timestamp_upon_the_signature_disturbs_nobody(tmp_path: Path) -> None:
    code, said = xmlsec(tmp_path, with_timestamp(letter("document"), b"\x30\x00"))
    assert code == 0, said


def signed_slip() -> bytes:
    parts = [attachment(at, data) for at, data in enumerate(FILES, 1)]
    leaf = pki().leaf("transport")
    prepared = prepare_slip(write_slip(slip_of(DOCUMENT, parts)), chain=leaf.chain, moment=pki().now)
    return prepared.filled(raw_signature(leaf, prepared.to_sign))


def test_xmlsec1_verifies_a_seal_slip(tmp_path: Path) -> None:
    code, said = xmlsec(tmp_path, signed_slip())
    assert code == 0, said
    assert "References (ok/all): 3/3" in said


def test_xmlsec1_refuses_a_seal_slip_that_was_changed(tmp_path: Path) -> None:
    for name in ("To", "DocumentId", "Sha256", "Created"):
        root = etree.fromstring(signed_slip())
        next(root.iter(f"{{{SEAL_SLIP}}}{name}")).text = "x"
        assert xmlsec(tmp_path, etree.tostring(root))[0] != 0


# --- what `gateway edxml sign` makes ----------------------------------------------------------------------------------------


async def test_xmlsec1_verifies_what_the_command_signs_and_stamps(tmp_path: Path) -> None:
    """Envelope and slip, both at B-T: the timestamp is openssl's to judge (`test_sign`), the signature's this program's."""
    desk = SigningDesk.furnished(tmp_path, organ_id="Z79.VPTU")
    (tmp_path / "a.edxml").write_bytes(envelope(files=FILES))
    above = tmp_path / "above.pem"
    above.write_bytes(desk.pki.issuing.public_bytes(Encoding.PEM))
    own = ["--key", str(desk.key), "--cert", str(desk.certificate), "--chain", str(above), "--trust", str(desk.trust)]
    out = tmp_path / "out.edxml"
    async with desk.served() as url:
        line = ["edxml", "sign", str(tmp_path / "a.edxml"), "-o", str(out), *own, "--slip", "--tsa", url]
        assert await asyncio.to_thread(main, line) == 0
    slip = read_message(read_skeleton([out.read_bytes()])).attachments[-1].payload.read()
    for data, count in ((out.read_bytes(), 5), (slip, 3)):
        assert b"SignatureTimeStamp" in data
        code, said = xmlsec(tmp_path, data, desk.pki)
        assert code == 0, said
        assert f"References (ok/all): {count}/{count}" in said
        assert xmlsec(tmp_path, data.replace(b"DocumentId>", b"DocumentId>x", 1), desk.pki)[0] != 0
