"""The promises of the port `Sealer`, on every implementation: with processes as in service, and inline as in worlds."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import OrganId
from gateway.core.ports import Judge, Sealer
from gateway.core.validation import Indication, Level
from gateway.crypto import (
    FileSealer,
    InlineHolder,
    InlineJudge,
    JudgePool,
    KeyHolder,
    KeyHolderPool,
    KeyRef,
    certificate_digest,
    hash_file,
    judge_detached,
    judge_pdf,
    verify_envelope,
)
from gateway.safe_xml import read_skeleton
from tests.kit.clock import StandingClock
from tests.kit.pdfs import encrypted_pdf, tiny_pdf
from tests.kit.pki import DAY, MOMENT, Leaf, LeafKind, Pki, write_key
from tests.kit.timestamp_authority import Authority, NearAuthority
from tests.unit.crypto.envelopes import document, status

PKI = Pki()
OFFICE = OrganId("Z79.1")
KINDS: Mapping[str, LeafKind] = {
    "Z79.1": "seal",
    "Z79.2": "elliptic",
    "Z79.3": "revoked",
    "Z79.4": "expired",
    "Z79.5": "usage",
}
MISMATCHED = OrganId("Z79.6")
NO_FILE = OrganId("Z79.7")


@dataclass
class SteppedClock:
    """Stands still until a test moves it."""

    moment: dt.datetime = field(default=MOMENT)
    seconds: float = 100.0

    def now(self) -> dt.datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class World:
    sealer: Sealer
    clock: SteppedClock
    folder: Path

    def pdf(self, data: bytes) -> Path:
        path = self.folder / "document.pdf"
        path.write_bytes(data)
        return path


def leaves() -> dict[str, Leaf]:
    return {organ: PKI.leaf(kind, organ_id=organ) for organ, kind in KINDS.items()}


@pytest.fixture(params=["inline", "processes"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    keys = {organ: write_key(tmp_path / f"{organ}.pem", leaf.key) for organ, leaf in leaves().items()}
    refs = {OrganId(organ): KeyRef(key_id=organ, chain=leaf.chain) for organ, leaf in leaves().items()}
    refs[MISMATCHED] = KeyRef(key_id="Z79.1", chain=PKI.leaf("seal", organ_id=MISMATCHED).chain)
    refs[NO_FILE] = KeyRef(key_id="nowhere", chain=PKI.leaf("seal", organ_id=OFFICE).chain)
    keys["nowhere"] = tmp_path / "nowhere.pem"
    clock = SteppedClock()
    async with AsyncExitStack() as stack:
        judge: Judge = InlineJudge()
        holder: KeyHolder = InlineHolder(keys=keys)
        if request.param == "processes":
            judges, holders = JudgePool(size=1, preload=()), KeyHolderPool(keys=keys)
            for pool in (judges, holders):
                await pool.start()
                stack.push_async_callback(pool.close)
            judge, holder = judges, holders
        sealer = FileSealer(
            judge=judge,
            holder=holder,
            seals=refs,
            transports=refs,
            trust=PKI.trust,
            clock=clock,
            authority=NearAuthority(StandingClock(MOMENT), Authority(PKI, issuer="issuing").token),
        )
        yield World(sealer, clock, tmp_path)


async def test_it_knows_whose_seal_was_entrusted(world: World) -> None:
    assert world.sealer.entrusted(OFFICE)
    assert not world.sealer.entrusted(OrganId("Z79.99"))


@pytest.mark.parametrize("organ", ["Z79.1", "Z79.2"])
async def test_a_seal_is_good_and_the_body_s_own(world: World, organ: str) -> None:
    pdf = tiny_pdf(padding=20_000)
    sealed = (await world.sealer.seal(world.pdf(pdf), OrganId(organ))).pdf
    assert sealed.startswith(pdf)
    verdict = judge_pdf(sealed, trust=PKI.trust, moment=MOMENT)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert [signature.certificate for signature in verdict.signatures] == [certificate_digest(leaves()[organ].der)]


@pytest.mark.parametrize("organ", ["Z79.1", "Z79.2"])
@pytest.mark.parametrize("skeleton", [document(), document(336), status()])
async def test_a_signed_envelope_is_good_and_the_body_s_own(world: World, organ: str, skeleton: bytes) -> None:
    signed = await world.sealer.sign_envelope(skeleton, OrganId(organ))
    verdict = verify_envelope(read_skeleton([signed]).root, trust=PKI.trust, moment=MOMENT)
    assert verdict.signature is not None
    assert verdict.signature.indication is Indication.TOTAL_PASSED
    assert verdict.certificate == leaves()[organ].der


@pytest.mark.parametrize("organ", ["Z79.1", "Z79.2"])
@pytest.mark.parametrize("data", [b"PK\3\4 minutes", b"", bytes(3_000_000)])
async def test_a_detached_signature_is_good_and_the_body_s_own(world: World, organ: str, data: bytes) -> None:
    path = world.pdf(data)
    signed = await world.sealer.sign_detached(path, OrganId(organ))
    assert path.read_bytes() == data
    verdict = judge_detached(signed, digests=hash_file(path, {"sha256"}), trust=PKI.trust, moment=MOMENT)
    assert verdict.indication is Indication.TOTAL_PASSED
    (signature,) = verdict.signatures
    assert signature.certificate == certificate_digest(leaves()[organ].der)
    assert signature.claimed_time == MOMENT


async def test_what_cannot_be_read_or_is_too_large_gets_no_signature(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SenderError) as caught:
        await world.sealer.sign_detached(world.folder / "absent", OFFICE)
    assert caught.value.code == "file.unreadable"
    monkeypatch.setattr(limits, "DETACHED_CONTENT_BYTES_MAX", 3)
    with pytest.raises(SenderError) as caught:
        await world.sealer.sign_detached(world.pdf(b"four"), OFFICE)
    assert caught.value.code == "size.limit"


async def test_what_was_owed_is_paid_without_a_key_and_only_adds(world: World) -> None:
    sealed = await world.sealer.seal(world.pdf(tiny_pdf()), OFFICE)
    assert (sealed.level, sealed.owed, sealed.stamped_at) == (Level.B_B, None, None)
    settled = await world.sealer.settle(world.pdf(sealed.pdf), OrganId("Z79.99"), Level.B_T)
    assert (settled.level, settled.owed, settled.stamped_at) == (Level.B_T, None, MOMENT)
    assert settled.pdf.startswith(sealed.pdf)
    assert settled.pdf.count(b"/DocTimeStamp") == 1
    with pytest.raises(SenderError) as caught:
        await world.sealer.settle(world.pdf(tiny_pdf()), OFFICE, Level.B_T)
    assert caught.value.code == "file.unreadable"


async def test_one_flipped_byte_after_sealing_fails(world: World) -> None:
    sealed = (await world.sealer.seal(world.pdf(tiny_pdf("100 dong")), OFFICE)).pdf
    verdict = judge_pdf(sealed.replace(b"100 dong", b"900 dong"), trust=PKI.trust, moment=MOMENT)
    assert verdict.indication is Indication.TOTAL_FAILED


async def test_an_unknown_body_has_no_key(world: World) -> None:
    with pytest.raises(SiteError) as caught:
        await world.sealer.seal(world.pdf(tiny_pdf()), OrganId("Z79.99"))
    assert caught.value.code == "key.missing"
    with pytest.raises(SiteError) as caught:
        await world.sealer.sign_envelope(document(), OrganId("Z79.99"))
    assert caught.value.code == "key.missing"


@pytest.mark.parametrize(
    ("organ", "code", "reason"),
    [
        ("Z79.3", "key.certificate", "own_revoked"),
        ("Z79.4", "key.certificate", "own_expired"),
        ("Z79.5", "key.certificate", "own_usage"),
        (MISMATCHED, "key.missing", "no_pair"),
        (NO_FILE, "key.missing", "enoent"),
    ],
)
async def test_it_never_signs_with_a_bad_key_of_its_own(world: World, organ: str, code: str, reason: str) -> None:
    pdf = world.pdf(tiny_pdf())
    with pytest.raises(SiteError) as sealing:
        await world.sealer.seal(pdf, OrganId(organ))
    with pytest.raises(SiteError) as signing:
        await world.sealer.sign_envelope(document(), OrganId(organ))
    with pytest.raises(SiteError) as beside:
        await world.sealer.sign_detached(pdf, OrganId(organ))
    for caught in (sealing, signing, beside):
        assert caught.value.code == code
        assert reason in str(caught.value.params["reason"])


async def test_its_certificate_is_judged_again_after_a_minute(world: World) -> None:
    await world.sealer.sign_envelope(status(), OFFICE)
    world.clock.moment += 400 * DAY
    await world.sealer.sign_envelope(status(), OFFICE)
    world.clock.seconds += 61
    with pytest.raises(SiteError) as caught:
        await world.sealer.sign_envelope(status(), OFFICE)
    assert caught.value.code == "key.certificate"


@pytest.mark.parametrize("data", [b"no pdf", b"", encrypted_pdf(), tiny_pdf()[:300]])
async def test_what_cannot_be_sealed_is_the_sender_s_turn(world: World, data: bytes) -> None:
    with pytest.raises(SenderError) as caught:
        await world.sealer.seal(world.pdf(data), OFFICE)
    assert caught.value.code == "file.unreadable"


async def test_a_file_over_the_limit_is_not_sealed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.pdf(b"%PDF-" + bytes(limits.FILE_BYTES_MAX))
    with pytest.raises(SenderError) as caught:
        await world.sealer.seal(path, OFFICE)
    assert caught.value.code == "size.limit"


async def test_a_document_that_was_changed_after_an_earlier_seal_gets_no_second_one(world: World) -> None:
    sealed = (await world.sealer.seal(world.pdf(tiny_pdf("100 dong")), OFFICE)).pdf
    with pytest.raises(SenderError) as caught:
        await world.sealer.seal(world.pdf(sealed.replace(b"100 dong", b"900 dong")), OFFICE)
    assert caught.value.code == "file.unreadable"


async def test_what_is_no_skeleton_is_refused(world: World) -> None:
    for hostile in (b"<!DOCTYPE x []><edXML/>", await world.sealer.sign_envelope(status(), OFFICE)):
        with pytest.raises(SenderError) as caught:
            await world.sealer.sign_envelope(hostile, OFFICE)
        assert caught.value.code == "envelope.malformed"
