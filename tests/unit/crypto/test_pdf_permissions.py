"""Fields that stand ready, and what earlier signatures forbid: refused before any key is asked, or judged good afterwards."""

from io import BytesIO

import pytest
from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
)
from pyhanko_certvalidator.registry import SimpleCertificateStore

from gateway.core.errors import SenderError
from gateway.core.validation import Indication
from gateway.crypto import PersonPicture, SealPicture, Spot, judge_pdf, prepare_document_timestamp, prepare_seal
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from tests.kit.pdfs import tiny_pdf
from tests.kit.pictures import hand_signature, seal
from tests.kit.pki import MOMENT, Leaf, Pki, der
from tests.unit.crypto.sealing import raw_signature, sealed

PKI = Pki()
LEAF = PKI.leaf("seal")


def signed(pdf: bytes, field: str = "", leaf: Leaf = LEAF, **appearance: object) -> bytes:
    prepared = prepare_seal(pdf, room=room_for(leaf.chain), moment=MOMENT, field=field, **appearance)  # type: ignore[arg-type]
    attributes = seal_attributes(prepared.digest, leaf.der)
    return prepared.filled(assemble(attributes, raw_signature(leaf, attributes.to_sign), leaf.chain))


def verdicts(pdf: bytes) -> list[Indication]:
    verdict = judge_pdf(pdf, trust=PKI.trust, moment=MOMENT)
    return [one.indication for one in verdict.signatures]


def with_fields(*specs: SigFieldSpec) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(tiny_pdf()))
    for spec in specs:
        append_signature_field(writer, spec)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


PERSON, BODY = SigFieldSpec("NguoiKy", box=(300, 300, 420, 350)), SigFieldSpec("CoQuan", box=(220, 270, 320, 380))


def certified(pdf: bytes, field: str, permission: MDPPerm | None, lock: FieldMDPSpec | None = None) -> bytes:
    """Signed by pyHanko, as another program would: a certification, or with locked fields."""
    chain = SimpleCertificateStore()
    chain.register(x509.Certificate.load(der(PKI.issuing)))
    key = LEAF.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = SimpleSigner(x509.Certificate.load(LEAF.der), keys.PrivateKeyInfo.load(key), chain)
    about = PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=permission is not None,
        docmdp_permissions=permission or MDPPerm.FILL_FORMS,
    )
    spec = SigFieldSpec(field, field_mdp_spec=lock) if lock else None
    return sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), about, signer, new_field_spec=spec).getvalue()


def refused(pdf: bytes, field: str = "") -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        prepare_seal(pdf, room=8_000, moment=MOMENT, field=field)
    return caught.value.code, str(caught.value.params["reason"])


def test_the_named_empty_field_is_used_and_no_other_is_made() -> None:
    pdf = signed(with_fields(PERSON, BODY), "NguoiKy")
    assert verdicts(pdf) == [Indication.TOTAL_PASSED]
    both = signed(pdf, "CoQuan", PKI.leaf("elliptic"), appearance=SealPicture(png=seal()))
    assert verdicts(both) == [Indication.TOTAL_PASSED] * 2
    assert both.count(b"/T (NguoiKy)") >= 1
    assert b"(Seal1)" not in both
    assert b"(Signature1)" not in both


def test_a_new_field_beside_empty_ones_passes() -> None:
    assert verdicts(signed(with_fields(PERSON, BODY))) == [Indication.TOTAL_PASSED]


@pytest.mark.parametrize(
    ("field", "reason"), [("Khac", "no_field"), ("NguoiKy", "field_signed"), ("NguoiKy.1", "no_field")]
)
def test_a_field_that_is_not_there_or_signed_is_refused(field: str, reason: str) -> None:
    pdf = signed(with_fields(PERSON, BODY), "NguoiKy")
    assert refused(pdf, field) == ("seal.field", reason)


def test_a_picture_in_a_field_that_nobody_sees_is_refused() -> None:
    pdf = with_fields(SigFieldSpec("An"))
    with pytest.raises(SenderError) as caught:
        signed(pdf, "An", appearance=PersonPicture(png=hand_signature()))
    assert (caught.value.code, str(caught.value.params["reason"])) == ("seal.appearance", "field_invisible")
    assert verdicts(signed(pdf, "An")) == [Indication.TOTAL_PASSED]


@pytest.mark.parametrize("permission", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
def test_after_a_certification_only_existing_fields_are_signed(permission: MDPPerm) -> None:
    pdf = certified(with_fields(PERSON, BODY), "NguoiKy", permission)
    assert refused(pdf) == ("seal.forbidden", "certified_fields")
    assert verdicts(signed(pdf, "CoQuan")) == [Indication.TOTAL_PASSED] * 2


def test_after_a_certification_without_changes_nothing_is_signed() -> None:
    pdf = certified(with_fields(PERSON, BODY), "NguoiKy", MDPPerm.NO_CHANGES)
    assert refused(pdf) == ("seal.forbidden", "certified")
    assert refused(pdf, "CoQuan") == ("seal.forbidden", "certified")
    prepare_document_timestamp(pdf, room=8_000)  # an archive timestamp is no change of the document


def test_a_locked_field_is_not_signed() -> None:
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, ["CoQuan"])
    pdf = certified(with_fields(PERSON, BODY), "Khoa", None, lock)
    assert refused(pdf, "CoQuan") == ("seal.forbidden", "field_locked")
    assert verdicts(signed(pdf, "NguoiKy")) == [Indication.TOTAL_PASSED] * 2
    every = certified(with_fields(PERSON, BODY), "Khoa", None, FieldMDPSpec(FieldMDPAction.ALL))
    assert refused(every) == refused(every, "CoQuan") == ("seal.forbidden", "field_locked")


def test_an_approval_forbids_nothing() -> None:
    assert verdicts(signed(sealed(tiny_pdf(), PKI.leaf("elliptic")))) == [Indication.TOTAL_PASSED] * 2


def test_what_the_table_of_permissions_refuses_would_not_have_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal is no whim: signed all the same, the first signature would be worth nothing."""
    monkeypatch.setattr("gateway.crypto.pades.prepare.check_permitted", lambda *_: None)
    seen = SealPicture(png=seal(), spot=Spot(page=1, across_mm=100, down_mm=200))
    for permission in (MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS):
        pdf = certified(with_fields(PERSON, BODY), "NguoiKy", permission)
        assert verdicts(signed(pdf, appearance=seen))[0] is not Indication.TOTAL_PASSED
    every = certified(with_fields(PERSON, BODY), "Khoa", None, FieldMDPSpec(FieldMDPAction.ALL))
    assert verdicts(signed(every, "CoQuan"))[0] is not Indication.TOTAL_PASSED


def test_a_visible_person_after_the_body_s_seal_passes() -> None:
    first = signed(tiny_pdf(), appearance=SealPicture(png=seal(), spot=Spot(page=1, across_mm=100, down_mm=200)))
    second = signed(
        first, appearance=PersonPicture(png=hand_signature(), spot=Spot(page=1, across_mm=140, down_mm=200))
    )
    assert verdicts(second) == [Indication.TOTAL_PASSED] * 2
