"""Each program of `programs` with a good file and with tampered ones: one that accepts everything is no second opinion."""

from hashlib import sha256
from pathlib import Path

import pytest
from asn1crypto import tsp

from tests.interop.programs import Openssl, needs, nss_database, pdf_parts, pdfsig, rfc3161
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.bad_stamps import worthless
from tests.kit.certomancer.declared import (
    answer_timestamp,
    bundle,
    certificate,
    crl_of,
    ocsp_of,
    timestamp,
)
from tests.kit.pdf_byte_ranges import empty_contents, wrapped
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT
from tests.kit.pyhanko_signer import How, signed

pytestmark = pytest.mark.interop
DIGEST = sha256(b"thu").digest()


def openssl(folder: Path, anchor: str = "root", *others: str) -> Openssl:
    return Openssl(folder, anchors=[certificate(anchor)], others=[certificate(label) for label in others], at=MOMENT)


@needs("openssl")
@pytest.mark.parametrize("label", ["seal", "seal-ec", "person"])
def test_openssl_cms(label: str, tmp_path: Path) -> None:
    cms, content = pdf_parts(signed(tiny_pdf(), label, How(stamp=timestamp)))
    program = openssl(tmp_path)
    assert program.cms(cms, content), program.cms(cms, content).words
    assert not program.cms(cms, content.replace(b"Van ban", b"Van bun"))
    assert not program.cms(cms[:-3] + bytes([cms[-3] ^ 1]) + cms[-2:], content + b" ")
    assert not openssl(tmp_path, "stranger-root").cms(cms, content)


@needs("openssl")
@pytest.mark.parametrize("authority", ["stamp", "stamp-ec"])
def test_openssl_ts(authority: str, tmp_path: Path) -> None:
    program = openssl(tmp_path, "stamp-root")
    token = timestamp(DIGEST, authority=authority)
    assert program.timestamp(token, DIGEST), program.timestamp(token, DIGEST).words
    assert not program.timestamp(token, sha256(b"another").digest())
    for kind in ("forged", "of other content", "no purpose", "purpose not critical", "two purposes", "stranger"):
        assert not program.timestamp(worthless(kind, MOMENT)(DIGEST), DIGEST), kind


@needs("openssl")
def test_openssl_ocsp(tmp_path: Path) -> None:
    program = openssl(tmp_path)
    leaf, issuer = certificate("seal"), certificate("bodies")
    good = program.ocsp(ocsp_of("seal"), leaf, issuer)
    assert good, good.words
    assert not program.ocsp(ocsp_of("revoked"), certificate("revoked"), issuer)
    for bad in (
        ocsp_of("seal-ec"),
        ocsp_of("seal", responder="bodies-unfit"),
        ocsp_of("seal", responder="bodies-by-people"),
        bad_evidence.ocsp_try_later(),
        bad_evidence.ocsp_relabelled("seal", "seal-ec"),
        bad_evidence.ocsp_signed_by("seal", "authority"),
        bad_evidence.ocsp_unknown("seal"),
    ):
        assert not program.ocsp(bad, leaf, issuer)


@needs("openssl")
def test_openssl_verify(tmp_path: Path) -> None:
    """Every good certificate of the declared PKI is good by RFC 5280 to the letter, and so are its lists."""
    program, crls = openssl(tmp_path, "root", "bodies", "people"), bundle().crls[:3]
    for label in ("seal", "seal-ec", "person", "person-ec"):
        answer = program.certificate(certificate(label), crls)
        assert answer, answer.words
    for label in ("revoked", "expired", "future", "weak", "sha1", "stranger"):
        assert not program.certificate(certificate(label), crls), label
    assert not program.certificate(certificate("seal"), [crl_of("root"), bad_evidence.crl_emptied("bodies")])
    assert not program.certificate(certificate("seal"), [crl_of("root")])


@needs("pdfsig", "certutil")
def test_pdfsig(tmp_path: Path) -> None:
    """By a certificate that names no OCSP responder, and an anchor that nobody else here believes."""
    database = nss_database(tmp_path, anchors=[certificate("stranger-root")])

    def judged(data: bytes) -> bool:
        (tmp_path / "file.pdf").write_bytes(data)
        return bool(pdfsig(tmp_path / "file.pdf", database))

    pdf = signed(tiny_pdf(), "stranger")
    assert judged(pdf)
    assert not judged(pdf.replace(b"Van ban", b"Van bun"))
    assert not judged(empty_contents(pdf))
    assert not judged(tiny_pdf())
    assert not judged(signed(pdf, "inside", How(field="Second")))


@needs("pdfsig", "certutil")
def test_pdfsig_is_no_judge_of_what_a_byte_range_leaves_out(tmp_path: Path) -> None:
    """Known to differ from us, and why it is asked about digests and certificates only: a wrapped signature is valid to it."""
    database = nss_database(tmp_path, anchors=[certificate("stranger-root")])
    (tmp_path / "file.pdf").write_bytes(wrapped(signed(tiny_pdf(), "stranger")))
    assert pdfsig(tmp_path / "file.pdf", database)


@pytest.mark.parametrize("authority", ["stamp", "stamp-ec"])
def test_rfc3161_client(authority: str) -> None:
    imprint = tsp.MessageImprint({"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": DIGEST})
    request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True, "nonce": 7}).dump()
    response = answer_timestamp(request, MOMENT, authority=authority)
    anchors = [certificate("stamp-root")]
    answer = rfc3161(response, DIGEST, anchors=anchors)
    assert answer, answer.words
    assert not rfc3161(response, sha256(b"another").digest(), anchors=anchors)
    assert not rfc3161(response[:-5] + bytes([response[-5] ^ 1]) + response[-4:], DIGEST, anchors=anchors)
    assert not rfc3161(response, DIGEST, anchors=[certificate("stranger-root")])
    assert not rfc3161(answer_timestamp(request, MOMENT, authority="stamp-no-purpose"), DIGEST, anchors=anchors)
