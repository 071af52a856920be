"""Levels B-B to B-LTA and renewal: the walk, what is owed when somebody does not answer, and what is refused."""

import asyncio
import datetime as dt
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import OrganId
from gateway.core.sealed import SealedFile
from gateway.core.validation import Indication, Level
from gateway.crypto import (
    AttachmentText,
    Evidence,
    FileSealer,
    InlineHolder,
    InlineJudge,
    KeyRef,
    PdfSigner,
    SealOrder,
    Trust,
    evidence_for,
    judge_pdf,
    last_timestamp,
    prepare_document_timestamp,
    prepare_dss,
    token_chain,
)
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from tests.kit.certomancer.declared import chain, ocsp_of
from tests.kit.clock import StandingClock
from tests.kit.pdfs import encrypted_pdf, tiny_pdf
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der, write_key
from tests.kit.timestamp_authority import Authority, NearAuthority
from tests.unit.crypto.sealing import raw_signature, sealed

PKI = Pki(name="Levels")
TRUST = replace(PKI.trust, authorities=PKI.trust.anchors)
TSA = Authority(PKI, issuer="issuing")
LATER = MOMENT + dt.timedelta(seconds=1)


class Signing:
    """A signer over key files in this process, and a PDF."""

    def __init__(self, folder: Path, authority: NearAuthority | None, leaf: Leaf | None = None) -> None:
        self.leaf = leaf or PKI.leaf("seal")
        self.path = folder / "document.pdf"
        self.path.write_bytes(tiny_pdf())
        holder = InlineHolder(keys={"seal": write_key(folder / "key.pem", self.leaf.key)})
        self.signer = PdfSigner(judge=InlineJudge(), holder=holder, clock=StandingClock(LATER), authority=authority)

    def sign(self, order: SealOrder, trust: Trust | None = TRUST) -> SealedFile:
        return asyncio.run(
            self.signer.sign(self.path, KeyRef(key_id="seal", chain=self.leaf.chain), order, trust=trust)
        )

    def renew(self, pdf: bytes) -> bytes:
        self.path.write_bytes(pdf)
        return asyncio.run(self.signer.renew(self.path, trust=TRUST))


def authority(answers: int | None = None, *, wrong: bool = False) -> NearAuthority:
    return NearAuthority(StandingClock(MOMENT), TSA.token, answers, wrong)


def passes(pdf: bytes) -> bool:
    return judge_pdf(pdf, trust=TRUST, moment=LATER).indication is Indication.TOTAL_PASSED


def store_of(pdf: bytes) -> DocumentSecurityStore:
    return DocumentSecurityStore.read_dss(PdfFileReader(BytesIO(pdf)))


def kinds(pdf: bytes) -> list[bytes]:
    return re.findall(rb"/Type /(Sig|DocTimeStamp)\b", pdf)


@pytest.mark.parametrize("kind", ["seal", "elliptic"])
@pytest.mark.parametrize("level", list(Level))
def test_every_level_is_reached_and_passes(tmp_path: Path, level: Level, kind: str) -> None:
    asked = authority()
    signing = Signing(tmp_path, asked, PKI.leaf(kind))  # type: ignore[arg-type]
    found = signing.sign(SealOrder(level=level))
    assert (found.level, found.owed, found.why) == (level, None, None)
    assert found.pdf.startswith(tiny_pdf())
    assert passes(found.pdf)
    assert len(asked.asked) == {Level.B_B: 0, Level.B_LTA: 2}.get(level, 1)
    assert kinds(found.pdf) == [b"Sig", *([b"DocTimeStamp"] if level is Level.B_LTA else [])]


def test_the_store_holds_the_paths_of_signer_and_authority_and_their_crls(tmp_path: Path) -> None:
    store = store_of(Signing(tmp_path, authority()).sign(SealOrder(level=Level.B_LT)).pdf)
    held = {certificate.dump() for certificate in store.load_certs()}
    wanted = (PKI.root, PKI.issuing, PKI.leaf("seal").certificate, TSA.certificate)
    assert held == {der(one) for one in wanted}
    assert {bytes(one.get_object().data) for one in store.crls} == set(PKI.crls)


def test_nothing_of_other_authorities_goes_into_the_store(tmp_path: Path) -> None:
    other = Pki(name="Other").trust
    trust = replace(
        TRUST,
        anchors=(*TRUST.anchors, *other.anchors),
        intermediates=(*other.intermediates, *TRUST.intermediates),
        crls=(*other.crls, *TRUST.crls),
    )
    store = store_of(Signing(tmp_path, authority()).sign(SealOrder(level=Level.B_LT), trust).pdf)
    assert {bytes(one.get_object().data) for one in store.crls} == set(PKI.crls)


def test_a_renewed_authority_goes_along_with_all_its_certificates() -> None:
    older = replace(PKI, now=PKI.now - DAY)  # the same names and keys, other certificates
    held = Evidence(certificates=(der(older.root), der(older.issuing), der(PKI.root), der(Pki(name="Other").root)))
    found = evidence_for(PKI.leaf("seal").chain, held)
    assert set(found.certificates) == {*PKI.leaf("seal").chain, der(PKI.root), der(older.root), der(older.issuing)}


def test_an_ocsp_response_is_found_by_the_certificate_that_it_speaks_of() -> None:
    held = Evidence(ocsps=(ocsp_of("seal"), ocsp_of("person")))
    assert evidence_for(chain("seal"), held).ocsps == (ocsp_of("seal"),)


def test_without_an_authority_the_timestamp_is_owed_or_the_signature_refused(tmp_path: Path) -> None:
    for silent in (None, authority(0)):
        signing = Signing(tmp_path, silent)
        found = signing.sign(SealOrder(level=Level.B_LTA))
        assert (found.level, found.owed) == (Level.B_B, Level.B_LTA)
        assert found.why is not None
        assert found.why.code == "timestamp.unavailable"
        assert passes(found.pdf)
        with pytest.raises(SiteError) as caught:
            signing.sign(SealOrder(level=Level.B_T, insist=True))
        assert caught.value.code == "timestamp.unavailable"


def test_an_authority_that_goes_away_half_way_leaves_the_level_that_was_reached(tmp_path: Path) -> None:
    found = Signing(tmp_path, authority(1)).sign(SealOrder(level=Level.B_LTA))
    assert (found.level, found.owed) == (Level.B_LT, Level.B_LTA)
    assert passes(found.pdf)
    assert kinds(found.pdf) == [b"Sig"]


def test_a_timestamp_of_something_else_is_none(tmp_path: Path) -> None:
    found = Signing(tmp_path, authority(wrong=True)).sign(SealOrder(level=Level.B_T))
    assert (found.level, found.owed) == (Level.B_B, Level.B_T)


def test_without_evidence_no_long_term_level_is_claimed(tmp_path: Path) -> None:
    signing = Signing(tmp_path, authority())
    blind = replace(TRUST, crls=())
    with pytest.raises(SenderError):  # the judge at the end does not pass it either
        signing.sign(SealOrder(level=Level.B_LT), blind)
    found = signing.sign(SealOrder(level=Level.B_LT), None)
    assert (found.level, found.owed) == (Level.B_T, Level.B_LT)
    with pytest.raises(SiteError) as caught:
        signing.sign(SealOrder(level=Level.B_LT, insist=True), None)
    assert caught.value.code == "seal.evidence"


def test_renewal_adds_evidence_and_a_timestamp_and_may_be_repeated(tmp_path: Path) -> None:
    signing = Signing(tmp_path, authority())
    for level in (Level.B_T, Level.B_LT, Level.B_LTA):
        signing.path.write_bytes(tiny_pdf())
        before = signing.sign(SealOrder(level=level)).pdf
        once = signing.renew(before)
        twice = signing.renew(once)
        assert once.startswith(before)
        assert twice.startswith(once)
        assert kinds(twice).count(b"DocTimeStamp") == kinds(before).count(b"DocTimeStamp") + 2
        assert passes(twice)
        assert token_chain(last_timestamp(twice))[0] == der(TSA.certificate)


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
def test_what_is_owed_is_paid_later_without_any_key(tmp_path: Path, level: Level) -> None:
    before = Signing(tmp_path, authority(0)).sign(SealOrder(level=level))
    assert before.owed is level
    later = Signing(tmp_path, authority())
    later.path.write_bytes(
        sealed(before.pdf, PKI.leaf("elliptic"))
    )  # somebody signed in between: his evidence is needed, too
    between = later.path.read_bytes()
    paid = asyncio.run(
        PdfSigner(judge=InlineJudge(), holder=None, clock=StandingClock(LATER), authority=authority()).settle(
            later.path, level, trust=TRUST
        )
    )
    assert (paid.level, paid.owed) == (level, None)
    assert paid.pdf.startswith(between)
    assert kinds(paid.pdf) == [b"Sig", b"Sig", b"DocTimeStamp", *([b"DocTimeStamp"] if level is Level.B_LTA else [])]
    assert passes(paid.pdf)
    if level is not Level.B_T:
        held = {certificate.dump() for certificate in store_of(paid.pdf).load_certs()}
        assert {PKI.leaf("seal").der, PKI.leaf("elliptic").der} < held


def test_what_cannot_be_paid_yet_is_owed_again(tmp_path: Path) -> None:
    silent, signing = Signing(tmp_path, authority(0)).signer, Signing(tmp_path, authority(1))
    signing.path.write_bytes(sealed(tiny_pdf(), PKI.leaf("seal")))
    found = asyncio.run(signing.signer.settle(signing.path, Level.B_LTA, trust=TRUST))
    assert (found.level, found.owed) == (Level.B_LT, Level.B_LTA)
    with pytest.raises(SiteError) as caught:
        asyncio.run(silent.settle(signing.path, Level.B_T, trust=TRUST))
    assert caught.value.code == "timestamp.unavailable"
    signing.path.write_bytes(tiny_pdf())
    with pytest.raises(SenderError):
        asyncio.run(signing.signer.settle(signing.path, Level.B_T, trust=TRUST))


def test_what_is_to_be_archived_says_how_far_it_came(tmp_path: Path) -> None:
    signing = Signing(tmp_path, authority())
    stamped = signing.sign(SealOrder(level=Level.B_T)).pdf
    for before in (stamped, sealed(tiny_pdf(), PKI.leaf("seal"))):
        signing.path.write_bytes(before)
        done = asyncio.run(signing.signer.archive(signing.path, trust=TRUST))
        assert (done.level, done.owed) == (Level.B_LTA, None)
        assert done.pdf.startswith(before)
        blind = asyncio.run(signing.signer.archive(signing.path, trust=replace(TRUST, crls=())))
        assert blind.level is not Level.B_LTA
        assert blind.owed is Level.B_LTA
    signing.path.write_bytes(tiny_pdf())
    with pytest.raises(SenderError) as caught:
        asyncio.run(signing.signer.archive(signing.path, trust=TRUST))
    assert caught.value.code == "seal.unsigned"


def test_what_bears_no_timestamp_cannot_be_renewed(tmp_path: Path) -> None:
    signing = Signing(tmp_path, authority())
    for pdf in (tiny_pdf(), signing.sign(SealOrder()).pdf, b"no pdf", encrypted_pdf()):
        with pytest.raises(SenderError) as caught:
            signing.renew(pdf)
        assert caught.value.code == "file.unreadable"
        signing.path.write_bytes(tiny_pdf())


@pytest.mark.parametrize("hostile", [b"", b"no pdf", encrypted_pdf(), tiny_pdf()[:300]])
def test_what_cannot_be_updated_is_refused(hostile: bytes) -> None:
    for task in (
        lambda: prepare_dss(hostile, Evidence(crls=PKI.crls)),
        lambda: prepare_document_timestamp(hostile, room=8_000),
        lambda: last_timestamp(hostile),
    ):
        with pytest.raises(SenderError) as caught:
            task()
        assert caught.value.code == "file.unreadable"


@pytest.mark.parametrize("hostile", [b"", b"\x30\x00", b"\xff" * 100, bytes(20_000), der(PKI.root)])
def test_what_is_no_token_is_refused(hostile: bytes) -> None:
    with pytest.raises(SiteError) as caught:
        token_chain(hostile)
    assert caught.value.code == "timestamp.unavailable"


def test_a_person_and_a_body_sign_in_either_order() -> None:
    person, body = PKI.leaf("elliptic"), PKI.leaf("seal")
    for first, second in ((person, body), (body, person)):
        verdict = judge_pdf(sealed(sealed(tiny_pdf(), first), second), trust=TRUST, moment=LATER)
        assert [one.indication for one in verdict.signatures] == [Indication.TOTAL_PASSED] * 2


# --- the CMS, written by hand: byte for byte what asn1crypto writes ---------------------------------------------------


@pytest.mark.parametrize("kind", ["seal", "elliptic"])
def test_the_cms_is_der_and_reads_as_it_was_meant(kind: str) -> None:
    leaf = PKI.leaf(kind)  # type: ignore[arg-type]
    attributes = seal_attributes(bytes(32), leaf.der)
    signature = raw_signature(leaf, attributes.to_sign)
    # In place of a token: asn1crypto takes a minute to write a whole one again, twice as long for each level that is nested.
    token = cms.ContentInfo({"content_type": "data", "content": bytes(500)}).dump()
    for timestamp in (b"", token):
        written = assemble(attributes, signature, leaf.chain, timestamp=timestamp)
        assert len(written) <= room_for(leaf.chain, timestamped=bool(timestamp))
        read = cms.ContentInfo.load(written, strict=True)
        read.native  # noqa: B018 - parse all of it
        assert read.dump(force=True) == written
        (signer,) = read["content"]["signer_infos"]
        assert signer["signature"].native == signature
        assert signer["sid"].chosen["serial_number"].native == leaf.certificate.serial_number
        assert {one.chosen.dump() for one in read["content"]["certificates"]} == set(leaf.chain)
        assert signer["signed_attrs"].untag().dump() == attributes.to_sign
        assert {one["type"].native for one in signer["signed_attrs"]} == {
            *("content_type", "message_digest", "signing_certificate_v2", "cms_algorithm_protection")
        }
        stamps = [one["values"][0].dump() for one in signer["unsigned_attrs"]] if timestamp else []
        assert stamps == ([token] if timestamp else [])


class Doubting(InlineJudge):
    """Finds level B-T and no more in whatever it judges."""

    async def run(self, task: Any, *args: Any, **kwargs: Any) -> Any:
        found = await super().run(task, *args, **kwargs)
        if task is not judge_pdf:
            return found
        less = [replace(one, details=replace(one.details, level=Level.B_T)) for one in found.signatures]
        return replace(found, signatures=tuple(less))


@pytest.mark.parametrize("stamped", [False, True])
def test_the_level_for_the_archive_is_what_the_judge_found(tmp_path: Path, stamped: bool) -> None:
    """Found by reading: of a file without any timestamp the level was told that had been tried for."""
    signing = Signing(tmp_path, authority())
    found = signing.sign(SealOrder(level=Level.B_T if stamped else Level.B_B))
    signing.path.write_bytes(found.pdf)
    for judge, level, owed in ((InlineJudge(), Level.B_LTA, None), (Doubting(), Level.B_T, Level.B_LTA)):
        signer = PdfSigner(judge=judge, holder=None, clock=StandingClock(LATER), authority=authority())
        archived = asyncio.run(signer.archive(signing.path, trust=TRUST))
        assert (archived.level, archived.owed) == (level, owed)


def test_a_token_that_would_not_fit_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.limits.TIMESTAMP_ROOM_BYTES", 1_000)
    found = Signing(tmp_path, authority()).sign(SealOrder(level=Level.B_T))
    assert (found.level, found.owed) == (Level.B_B, Level.B_T)


def test_a_judge_that_swaps_the_document_on_the_way_to_a_higher_level_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sealed(tiny_pdf("another text"), PKI.leaf("seal"))
    monkeypatch.setattr("gateway.crypto.pades.signing.prepare_dss", lambda *_: other)
    with pytest.raises(SenderError) as caught:
        Signing(tmp_path, authority()).sign(SealOrder(level=Level.B_LT))
    assert caught.value.code == "file.unreadable"


async def test_the_sealer_of_the_service_seals_at_any_level_and_with_any_look(tmp_path: Path) -> None:
    organ, leaf = OrganId("H29.16"), PKI.leaf("seal")
    ref = KeyRef(key_id="seal", chain=leaf.chain)
    sealer = FileSealer(
        judge=InlineJudge(),
        holder=InlineHolder(keys={"seal": write_key(tmp_path / "key.pem", leaf.key)}),
        seals={organ: ref},
        transports={},
        trust=TRUST,
        clock=StandingClock(LATER),
        authority=authority(),
    )
    path = tmp_path / "annex.pdf"
    path.write_bytes(tiny_pdf())
    order = SealOrder(level=Level.B_LTA, appearance=AttachmentText(number="12/CV-VPTU"))
    found = await sealer.seal_as(path, organ, order)
    assert (found.level, found.owed) == (Level.B_LTA, None)
    assert b"+Tinos" in found.pdf
    assert passes(found.pdf)
    plain = (await sealer.seal(path, organ)).pdf
    assert (kinds(plain), passes(plain)) == ([b"Sig"], True)
