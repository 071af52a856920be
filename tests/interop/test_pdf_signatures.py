"""PDF signatures of every level and look, by programs we did not write: openssl, pdfsig, qpdf, mutool; and pyHanko."""

import asyncio
import re
import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.registry import SimpleTrustManager

from gateway.core.validation import Level
from gateway.crypto import (
    AttachmentText,
    CopyText,
    InlineHolder,
    InlineJudge,
    KeyRef,
    PdfSigner,
    PersonPicture,
    SealOrder,
    SealPicture,
    Spot,
    load_trust,
)
from tests.kit.pictures import hand_signature, seal
from tests.kit.pki import LeafKind, der, write_key
from tests.kit.signing_desk import SigningDesk

pytestmark = pytest.mark.interop

LETTER = Path(__file__).parents[2] / "config" / "demo" / "cong-van.pdf"
PERSON = SealOrder(
    appearance=PersonPicture(png=hand_signature(), spot=Spot(page=3, across_mm=155, down_mm=158)), level=Level.B_T
)
ORDERS: dict[str, list[tuple[LeafKind, SealOrder]]] = {
    "B-B": [("seal", SealOrder())],
    "B-B elliptic": [("elliptic", SealOrder())],
    "B-T": [("seal", SealOrder(level=Level.B_T))],
    "B-LT": [("seal", SealOrder(level=Level.B_LT))],
    "B-LTA": [("seal", SealOrder(level=Level.B_LTA))],
    "renewed": [("seal", SealOrder(level=Level.B_LTA))],
    "attachment": [("seal", SealOrder(appearance=AttachmentText(number="128/QĐ-VPTU")))],
    "copy": [("seal", SealOrder(appearance=CopyText(form="Sao y", body="Đảng ủy Phường Bến Nghé")))],
    "person and body": [
        ("elliptic", PERSON),
        ("seal", SealOrder(appearance=SealPicture(png=seal()), level=Level.B_LTA)),
    ],
}


@dataclass(frozen=True)
class Made:
    """A signed file, and what it was signed with."""

    desk: SigningDesk
    pdf: Path
    name: str

    @property
    def data(self) -> bytes:
        return self.pdf.read_bytes()

    @property
    def root(self) -> Path:
        path = self.desk.folder / "root.pem"
        path.write_bytes(self.desk.pki.root.public_bytes(Encoding.PEM))
        return path


@pytest.fixture(scope="module", params=ORDERS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("signed")
    desk = SigningDesk.furnished(folder)
    pdf = folder / "signed.pdf"
    pdf.write_bytes(LETTER.read_bytes())
    for number, (kind, order) in enumerate(ORDERS[request.param]):
        leaf = desk.leaf(kind)
        holder = InlineHolder(keys={"key": write_key(folder / f"{number}.pem", leaf.key)})
        signer = PdfSigner(judge=InlineJudge(), holder=holder, clock=desk.clock, authority=desk.authority)
        key = KeyRef(key_id="key", chain=leaf.chain)
        done = asyncio.run(signer.sign(pdf, key, order, trust=load_trust(desk.trust, demo=False)))
        assert done.owed is None
        pdf.write_bytes(done.pdf)
    if request.param == "renewed":
        pdf.write_bytes(asyncio.run(signer.renew(pdf, trust=load_trust(desk.trust, demo=False))))
    return Made(desk, pdf, request.param)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def taken_out(made: Made) -> list[tuple[str, Path, Path]]:
    """Each signature's kind, CMS and signed bytes, by the plain text of the file: no library's opinion."""
    found, data = [], made.data
    for number, place in enumerate(re.finditer(rb"/Contents <([0-9a-f]+)>", data)):
        whole = data[data.rindex(b" obj", 0, place.start()) : data.index(b"endobj", place.end())]
        kind, ranges = re.search(rb"/Type /(Sig|DocTimeStamp)\b", whole), re.search(rb"/ByteRange \[([0-9 ]+)\]", whole)
        assert kind is not None
        assert ranges is not None
        _, first, second, rest = map(int, ranges[1].split())
        der = bytes.fromhex(place[1].decode())
        assert der[:2] == b"\x30\x82", "a CMS of more than 255 and less than 65536 bytes"
        cms, signed = made.desk.folder / f"{number}.cms", made.desk.folder / f"{number}.tbs"
        cms.write_bytes(der[: 4 + int.from_bytes(der[2:4])])
        signed.write_bytes(data[:first] + data[second : second + rest])
        found.append((kind[1].decode(), cms, signed))
    return found


@needs("openssl")
def test_openssl_finds_every_cms_good_as_cades_and_no_other_content(made: Made) -> None:
    signatures = [one for one in taken_out(made) if one[0] == "Sig"]
    assert len(signatures) == len(ORDERS[made.name])
    for _, cms, signed in signatures:
        command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(cms)]
        trusted = ["-CAfile", str(made.root), "-purpose", "any", "-out", str(made.desk.folder / "out")]
        code, said = run(*command, "-content", signed, *trusted)
        assert code == 0, said
        assert "CAdES Verification successful" in said
        spoiled = made.desk.folder / "spoiled"
        spoiled.write_bytes(signed.read_bytes()[:-1] + b"?")
        code, said = run(*command, "-content", spoiled, *trusted)
        assert code != 0


@needs("openssl")
def test_openssl_finds_every_document_timestamp_good(made: Made) -> None:
    stamps = [one for one in taken_out(made) if one[0] == "DocTimeStamp"]
    archived = sum(order.level is Level.B_LTA for _, order in ORDERS[made.name])
    assert len(stamps) == archived + (made.name == "renewed")
    for _, token, signed in stamps:
        command = ["openssl", "ts", "-verify", "-token_in", "-in", str(token), "-CAfile", str(made.root)]
        code, said = run(*command, "-data", signed)
        assert code == 0, said
        assert "Verification: OK" in said
        code, said = run(*command, "-data", made.root)
        assert code != 0


@needs("openssl")
def test_openssl_finds_the_timestamp_over_the_signature_good(made: Made) -> None:
    checked = 0
    for kind, path, _ in taken_out(made):
        if kind != "Sig":
            continue
        (signer,) = asn1_cms.ContentInfo.load(path.read_bytes())["content"]["signer_infos"]
        if signer["unsigned_attrs"].native is None:
            continue
        token, value = made.desk.folder / "token", made.desk.folder / "value"
        token.write_bytes(signer["unsigned_attrs"][0]["values"][0].dump())
        value.write_bytes(signer["signature"].native)
        code, said = run(*("openssl", "ts", "-verify", "-token_in", "-in", token, "-data", value), "-CAfile", made.root)
        assert code == 0, said
        checked += 1
    assert checked == sum(order.level is not Level.B_B for _, order in ORDERS[made.name])


@needs("pdfsig")
def test_pdfsig_finds_every_signature_valid(made: Made) -> None:
    _, said = run("pdfsig", "-nocert", made.pdf)
    assert said.count("Signature is Valid.") == len(ORDERS[made.name]), said
    assert said.count("Signature Type: ETSI.CAdES.detached") == len(ORDERS[made.name])


@needs("qpdf")
def test_qpdf_finds_nothing_wrong_with_the_file(made: Made) -> None:
    code, said = run("qpdf", "--check", made.pdf)
    assert code == 0, said
    assert "No syntax or stream encoding errors found" in said


@needs("mutool")
def test_mutool_finds_every_signature_valid(made: Made) -> None:
    """A security store or another signature after one is an edit to mutool, and it says that the signature is valid."""
    _, said = run("mutool", "sign", "-v", made.pdf)
    good = re.findall(r"The document is unchanged since signing|The signature is valid but there have been edits", said)
    assert len(good) == len(ORDERS[made.name]), said
    if ORDERS[made.name][-1][1].level in (Level.B_B, Level.B_T):
        assert good[-1] == "The document is unchanged since signing"


def test_pyhanko_finds_the_archive_level_good(made: Made) -> None:
    """Its own long-term validation, with nothing but what stands in the file and our anchor."""
    if made.name not in ("B-LTA", "renewed"):
        pytest.skip("no archive timestamp")
    root = asn1_x509.Certificate.load(der(made.desk.pki.root))
    rule = RevocationCheckingPolicy(
        RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    )
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[root]), revinfo_policy=CertRevTrustPolicy(rule)
    )
    spec = SignatureValidationSpec(
        policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation"}),
    )
    signature = PdfFileReader(BytesIO(made.data)).embedded_signatures[0]
    found = asyncio.run(ades_lta_validation(signature, PdfSignatureValidationSpec(spec)))
    assert found.ades_subindic is AdESPassed.OK, found.failure_msg
    assert found.oldest_evidence_record_timestamp is not None
