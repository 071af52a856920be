"""PDF signatures: our own seals, and what an attacker does to them."""

import datetime as dt
import re
from dataclasses import replace

import pytest

from gateway.core.errors import SenderError
from gateway.core.magic import MAGIC_BYTES
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict
from gateway.crypto import Freshness, Trust, certificate_digest, judge_pdf, judged_type, prepare_seal
from tests.kit.pdfs import compressed_pdf, encrypted_pdf, tiny_pdf
from tests.kit.pki import DAY, MOMENT, LeafKind, Pki, der
from tests.unit.crypto.sealing import sealed

PKI = Pki()
PASSED, UNDECIDED, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED


def judge(data: bytes, trust: Trust = PKI.trust, moment: dt.datetime = MOMENT) -> FileVerdict:
    return judge_pdf(data, trust=trust, moment=moment)


# --- our own seals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["seal", "elliptic"])
@pytest.mark.parametrize("pdf", [tiny_pdf(), compressed_pdf(), tiny_pdf(padding=50_000)])
def test_a_seal_passes_and_says_who_and_when(kind: LeafKind, pdf: bytes) -> None:
    leaf = PKI.leaf(kind)
    verdict = judge(sealed(pdf, leaf))
    assert (verdict.indication, verdict.sub_indication) == (PASSED, None)
    (signature,) = verdict.signatures
    assert signature.certificate == certificate_digest(leaf.der)
    assert signature.signer == f"Test {kind}"
    assert (signature.claimed_time, signature.covers) == (MOMENT, "whole file")


def test_a_seal_is_an_incremental_update() -> None:
    pdf = tiny_pdf()
    assert sealed(pdf, PKI.leaf("seal")).startswith(pdf)


def test_a_second_seal_leaves_the_first_valid() -> None:
    verdict = judge(sealed(sealed(tiny_pdf(), PKI.leaf("seal")), PKI.leaf("elliptic")))
    assert [signature.indication for signature in verdict.signatures] == [PASSED, PASSED]
    assert [signature.covers for signature in verdict.signatures] == ["revision", "whole file"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", SubIndication.OUT_OF_BOUNDS_NO_POE),
        ("revoked", SubIndication.REVOKED_NO_POE),
        ("usage", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        ("weak", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
        ("demo", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    ],
)
def test_a_seal_of_a_bad_certificate_is_undecided(kind: LeafKind, expected: SubIndication) -> None:
    verdict = judge(sealed(tiny_pdf(), PKI.leaf(kind)))
    assert (verdict.indication, verdict.sub_indication) == (UNDECIDED, expected)


def test_a_stranger_s_seal_is_undecided() -> None:
    verdict = judge(sealed(tiny_pdf(), Pki(name="Stranger").leaf("seal")))
    assert (verdict.indication, verdict.sub_indication) == (UNDECIDED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_without_revocation_evidence_a_seal_is_undecided() -> None:
    verdict = judge(sealed(tiny_pdf(), PKI.leaf("seal")), replace(PKI.trust, crls=()))
    assert (verdict.indication, verdict.sub_indication) == (UNDECIDED, SubIndication.TRY_LATER)


def test_a_certificate_swapped_for_another_of_the_same_name_and_key_is_noticed() -> None:
    """ESS signing-certificate-v2: the signer named one certificate, not whichever fits."""
    leaf = PKI.leaf("seal")
    swapped = sealed(tiny_pdf(), replace(leaf, certificate=PKI.leaf("transport").certificate), chain=leaf.chain)
    assert judge(swapped).indication is UNDECIDED


# --- what an attacker does --------------------------------------------------------------------------------------------

SEALED = sealed(tiny_pdf("Chi 100 dong"), PKI.leaf("seal"))


def test_one_changed_byte_of_the_text_fails() -> None:
    verdict = judge(SEALED.replace(b"100 dong", b"900 dong"))
    assert (verdict.indication, verdict.sub_indication) == (FAILED, SubIndication.HASH_FAILURE)


def test_one_changed_byte_of_the_signature_fails() -> None:
    place = re.search(rb"/Contents <([0-9a-f]+?)0{64,}>", SEALED)
    assert place is not None
    last = place.end(1) - 20
    changed = b"1" if SEALED[last : last + 1] != b"1" else b"2"
    verdict = judge(SEALED[:last] + changed + SEALED[last + 1 :])
    assert (verdict.indication, verdict.sub_indication) == (FAILED, SubIndication.SIG_CRYPTO_FAILURE)


def test_something_hidden_in_the_padding_fails() -> None:
    end = SEALED.index(b"0000>")
    verdict = judge(SEALED[:end] + b"beef" + SEALED[end + 4 :])
    assert (verdict.indication, verdict.sub_indication) == (FAILED, SubIndication.FORMAT_FAILURE)


def update(pdf: bytes, number: int, body: bytes) -> bytes:
    """An incremental update that replaces one object (the attack is as old as the format)."""
    start = int(re.findall(rb"startxref\n(\d+)", pdf)[-1])
    size = int(re.findall(rb"/Size (\d+)", pdf)[-1])
    out = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    offset = len(out)
    out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n%d 1\n%010d 00000 n \n" % (number, offset)
    return out + b"trailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, start, xref)


def test_another_text_added_after_the_seal_is_not_passed() -> None:
    text = b"BT /F1 18 Tf 72 720 Td (Chi 900 dong) Tj ET"
    verdict = judge(update(SEALED, 4, b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text)))
    assert verdict.indication is not PASSED
    assert verdict.signatures[0].sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE


def test_bytes_after_the_end_are_not_passed() -> None:
    assert judge(SEALED + b"% more\n").indication is not PASSED
    assert judge(SEALED + SEALED).indication is not PASSED


def test_a_byte_range_with_a_larger_gap_is_not_passed() -> None:
    """The gap is stretched over bytes behind the signature, the classic byte range attack."""
    first, length, second, rest = (int(n) for n in re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", SEALED)[-1])
    old = b"/ByteRange [%d %d %d %d" % (first, length, second, rest)
    for numbers in (
        (first, length, second + 1, rest - 1),
        (first, length - 1, second, rest),
        (1, length - 1, second, rest),
    ):
        new = (b"/ByteRange [%d %d %d %d" % numbers).ljust(len(old))
        assert len(new) == len(old)
        assert judge(SEALED.replace(old, new)).indication is not PASSED


def test_an_unknown_kind_of_signature_is_not_taken_for_no_signature() -> None:
    other = SEALED.replace(b"/ETSI.CAdES.detached", b"/Acme.Stamp.detached")
    assert len(other) == len(SEALED)
    verdict = judge(other)
    assert verdict.indication is UNDECIDED


def test_too_many_signatures_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.limits.PDF_SIGNATURES_MAX", 1)
    twice = sealed(SEALED, PKI.leaf("seal"))
    assert judge(SEALED).indication is PASSED
    assert judge(twice).indication is UNDECIDED


def test_too_many_embedded_certificates_are_undecided() -> None:
    crowd = tuple(der(Pki(now=MOMENT + n * DAY).issuing) for n in range(4))
    leaf = PKI.leaf("seal")
    verdict = judge(sealed(tiny_pdf(), leaf, chain=(leaf.der, *crowd)))
    assert verdict.sub_indication is SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE


def contents() -> tuple[int, int]:
    """Where the signature's hex stands: not covered by the signature, by the nature of PDF."""
    start = SEALED.index(b"/Contents <") + len(b"/Contents <")
    return start, SEALED.index(b">", start)


@pytest.mark.parametrize("bit", [0, 5])
def test_no_flipped_byte_of_what_is_signed_ever_passes_and_none_raises(bit: int) -> None:
    start, end = contents()
    for position in range(bit, len(SEALED), 23):
        flipped = bytearray(SEALED)
        flipped[position] ^= 1 << bit
        verdict = judge(bytes(flipped))
        assert verdict.indication is not PASSED or start <= position < end, position


# Named, not numbered: a sealed file is a byte or two longer or shorter in each process (the DER of an ECDSA signature), and
# processes that collect different names run no test at all.
@pytest.mark.parametrize(
    "stop",
    [slice(0), slice(5), slice(100), slice(700), slice(len(SEALED) // 2), slice(-3)],
    ids=["empty", "5", "100", "700", "half", "all but 3"],
)
def test_truncated_files_never_raise(stop: slice) -> None:
    assert judge(SEALED[stop]).indication is not PASSED


def test_what_is_no_pdf_says_so() -> None:
    for archive in (b"PK\x03\x04....", b"PK\x03\x04 a table" + tiny_pdf()):
        assert (judge(archive).media_type, judge(archive).indication) == ("application/zip", None)
    for other in (b"", b"hello", b"%PDF", b"%pdf-1.7", bytes(MAGIC_BYTES - 4) + tiny_pdf()):
        verdict = judge(other)
        assert (verdict.media_type, verdict.indication) == ("application/octet-stream", None)


@pytest.mark.parametrize("junk", [b"\n", b"\xef\xbb\xbf", b"MZ", b"GIF89a", b"PK\x05\x06", bytes(MAGIC_BYTES - 5)])
def test_what_readers_open_as_a_pdf_is_one_and_never_passes(junk: bytes) -> None:
    """Readers look for the header in the first 1024 bytes; an unsealed letter must not slip by as a text file."""
    for pdf in (tiny_pdf(), SEALED):
        data = junk + pdf
        assert judged_type(data) == judged_type(data[:MAGIC_BYTES]) == "application/pdf"
        verdict = judge(data)
        assert (verdict.media_type, verdict.indication) == ("application/pdf", UNDECIDED)
        assert (verdict.sub_indication, verdict.signatures) == (SubIndication.FORMAT_FAILURE, ())
        with pytest.raises(SenderError) as caught:
            prepare_seal(data, room=4000, moment=MOMENT)
        assert caught.value.code == "file.unreadable"


def test_an_encrypted_file_cannot_be_judged_and_not_be_sealed() -> None:
    assert judge(encrypted_pdf()).indication is UNDECIDED
    for unreadable in (encrypted_pdf(), b"%PDF-1.7 and nothing more", b"no pdf"):
        with pytest.raises(SenderError) as caught:
            prepare_seal(unreadable, room=4000, moment=MOMENT)
        assert caught.value.code == "file.unreadable"


def test_old_evidence_that_the_policy_lets_pass_is_told() -> None:
    lenient = replace(PKI.trust.policy, freshness=Freshness(crl_seconds_max=60, stale_passes=True))
    verdict = judge(SEALED, trust=replace(PKI.trust, policy=lenient))
    assert verdict.indication is PASSED
    assert "too old" in verdict.reason
