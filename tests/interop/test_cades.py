"""Detached signatures before other judges: openssl's `cms -verify -cades` and pyHanko's own validator, ours beside them."""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import cms, x509
from asn1crypto.keys import PrivateKeyInfo
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.sign import SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from gateway.core.validation import Indication, Level
from gateway.crypto import judge_detached, read_certificates, with_signature_timestamp
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.unit.crypto.detached import CONTENT, Recipe, digests_of, signed, together

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "own-pki"
PKI = Pki(name="Interop")
GOOD, OTHER = PKI.leaf("seal"), PKI.leaf("seal", organ_id="H29.17")


@dataclass(frozen=True)
class Case:
    """A signature, the content beside it, and who must refuse it."""

    signature: bytes
    content: bytes = CONTENT
    ours: bool = False
    openssl: bool = False
    pyhanko: bool = False


GOOD_CASES = {
    "RSA": Case(signed(GOOD), ours=True, openssl=True, pyhanko=True),
    "EC": Case(signed(PKI.leaf("elliptic")), ours=True, openssl=True, pyhanko=False),
    "SHA-512": Case(Recipe(leaf=GOOD, digest="sha512").cms(), ours=True, openssl=True, pyhanko=True),
    "PSS": Case(Recipe(leaf=GOOD, pss=True).cms(), ours=True, openssl=True, pyhanko=True),
}
"""pyHanko is asked for nonRepudiation, which the EC leaf has not: digitalSignature is enough for us (`SEAL_USAGES`)."""
BAD_CASES = {
    "another content": Case(signed(GOOD), content=b"another"),
    "an empty content": Case(signed(GOOD), content=b""),
    "another key": Case(Recipe(leaf=replace(GOOD, key=OTHER.key)).cms()),
    "another certificate named": Case(Recipe(leaf=GOOD, named=OTHER).cms()),
    # All are refused by us. Where another judge is content, it asks for less: openssl knows no policy on algorithms, key sizes
    # and usages here, pyHanko none on signing-certificate-v2; both take attributes in the order in which they came.
    "no signing-certificate-v2": Case(Recipe(leaf=GOOD, ess=False).cms(), pyhanko=True),
    "SHA-1": Case(Recipe(leaf=GOOD, digest="sha1").cms(), openssl=True),
    "expired": Case(signed(PKI.leaf("expired"))),
    "revoked": Case(signed(PKI.leaf("revoked"))),
    "not for signing": Case(signed(PKI.leaf("usage")), openssl=True),
    "for TLS servers": Case(signed(PKI.leaf("purpose")), openssl=True),
    "RSA-1024": Case(signed(PKI.leaf("weak")), openssl=True),
    "a stranger's": Case(signed(Pki(name="Stranger").leaf("seal"))),
    "two signers, one revoked": Case(together(Recipe(leaf=GOOD), Recipe(leaf=PKI.leaf("revoked")))),
    "attributes out of order": Case(Recipe(leaf=GOOD, reorder=True).cms(), openssl=True, pyhanko=True),
}
CASES = GOOD_CASES | BAD_CASES


@pytest.mark.parametrize("name", CASES)
def test_our_verdict(name: str) -> None:
    case = CASES[name]
    verdict = judge_detached(case.signature, digests=digests_of(case.content), trust=PKI.trust, moment=MOMENT)
    assert (verdict.indication is Indication.TOTAL_PASSED) is case.ours


@pytest.mark.parametrize("name", CASES)
def test_openssl_agrees_or_is_known_to_check_less(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    trust = PKI.root.public_bytes(Encoding.PEM) + _pem_crls(tmp_path, PKI.crls)
    assert _openssl(tmp_path, case.signature, case.content, trust, ["-crl_check_all"]) is case.openssl


@pytest.mark.parametrize("name", CASES)
async def test_pyhanko_agrees_or_is_known_to_check_less(name: str) -> None:
    case = CASES[name]
    assert await _pyhanko(case.signature, case.content, MOMENT) is case.pyhanko


async def test_a_stamped_signature_is_good_to_all(tmp_path: Path) -> None:
    stamped = await with_signature_timestamp(signed(GOOD), _Authority(PKI.leaf("seal", common_name="Authority")))
    assert _openssl(tmp_path, stamped, CONTENT, PKI.root.public_bytes(Encoding.PEM))
    assert not _openssl(tmp_path, stamped, CONTENT + b"\n", PKI.root.public_bytes(Encoding.PEM))
    verdict = judge_detached(stamped, digests=digests_of(CONTENT), trust=PKI.trust, moment=MOMENT)
    assert verdict.indication is Indication.TOTAL_PASSED
    token = cms.ContentInfo.load(stamped)["content"]["signer_infos"][0]["unsigned_attrs"][0]["values"][0]
    imprint = token["content"]["encap_content_info"]["content"].parsed["message_imprint"]["hashed_message"].native
    value = cms.ContentInfo.load(stamped)["content"]["signer_infos"][0]["signature"].native
    assert imprint == hashlib.sha256(value).digest()


async def test_what_pyhanko_signs_is_good_to_us() -> None:
    signer, when = _signer(GOOD), PdfCMSSignedAttributes(signing_time=MOMENT)
    for detached in (True, False):
        made = await signer.async_sign_general_data(
            BytesIO(CONTENT), "sha256", detached=detached, use_cades=True, signed_attr_settings=when
        )
        digests = digests_of(CONTENT) if detached else None
        verdict = judge_detached(made.dump(), digests=digests, trust=PKI.trust, moment=MOMENT)
        assert verdict.indication is Indication.TOTAL_PASSED
        assert verdict.signatures[0].details.level is Level.B_B


@pytest.mark.parametrize("name", ["blob-cades-B.p7s", "blob-cades-T.p7s"])
def test_openssl_agrees_on_the_shared_files(name: str, tmp_path: Path) -> None:
    if not VECTORS.is_dir():
        pytest.skip("the shared vectors are not here")
    root, content = (VECTORS / "root.cert.pem").read_bytes(), (VECTORS / "blob.bin").read_bytes()
    assert read_certificates(VECTORS / "root.cert.pem")
    assert _openssl(tmp_path, (VECTORS / name).read_bytes(), content, root)
    assert not _openssl(tmp_path, (VECTORS / name).read_bytes(), content + b"!", root)


# --- the judges --------------------------------------------------------------------------------------------------------


def _openssl(folder: Path, signature: bytes, content: bytes, root: bytes, more: Sequence[str | Path] = ()) -> bool:
    for name, data in (("signature", signature), ("content", content), ("root.pem", root)):
        (folder / name).write_bytes(data)
    command: list[str | Path] = [
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", folder / "signature"),
        *("-content", folder / "content", "-CAfile", folder / "root.pem", "-purpose", "any", *more),
        *("-attime", str(int(MOMENT.timestamp())), "-out", folder / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ("CAdES Verification successful" in done.stderr) is (done.returncode == 0)
    return done.returncode == 0


def _pem_crls(folder: Path, crls: Sequence[bytes]) -> bytes:
    found = []
    for der in crls:
        (folder / "crl.der").write_bytes(der)
        command = ["openssl", "crl", "-inform", "DER", "-in", folder / "crl.der"]
        found.append(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)
    return b"".join(found)


async def _pyhanko(signature: bytes, content: bytes, moment: datetime) -> bool:
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(der) for der in PKI.trust.anchors],
        other_certs=[x509.Certificate.load(der) for der in PKI.trust.intermediates],
        crls=list(PKI.crls),
        moment=moment,
        allow_fetching=False,
        revocation_mode="require",
    )
    try:
        status = await async_validate_detached_cms(
            BytesIO(content),
            cms.ContentInfo.load(signature)["content"],
            signer_validation_context=context,
            key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation"}),
        )
    except (SignatureValidationError, ValueError):
        return False
    return bool(status.bottom_line)


def _signer(leaf: Leaf) -> SimpleSigner:
    store = SimpleCertificateStore()
    store.register_multiple(x509.Certificate.load(der) for der in leaf.chain)
    key = leaf.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(
        signing_cert=x509.Certificate.load(leaf.der), signing_key=PrivateKeyInfo.load(key), cert_registry=store
    )


class _Authority:
    """pyHanko's timestamper: what it says of time is nobody's business here."""

    def __init__(self, leaf: Leaf) -> None:
        key = leaf.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._stamper = DummyTimeStamper(x509.Certificate.load(leaf.der), PrivateKeyInfo.load(key), fixed_dt=MOMENT)

    async def stamp(self, digest: bytes) -> bytes:
        token: bytes = (await self._stamper.async_timestamp(digest, "sha256")).dump()
        return token
