"""No key signs before its own certificate was found good; why not, and what to do, is said in both languages."""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.errors import SiteError, Turn
from gateway.core.ids import OrganId
from gateway.core.reasons import Reason
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import FileSealer, InlineHolder, InlineJudge, KeyRef, Trust
from gateway.crypto.keys import own_certificate
from gateway.crypto.paths.certificates import CertificateVerdict
from gateway.observe import explain, text
from tests.kit.clock import ManualClock
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der, write_key
from tests.unit.crypto.envelopes import status

PKI, OTHER = Pki(), Pki("Stranger")
OFFICE = OrganId("Z79.1")


class NeverHolder:
    """A holder that must not be asked."""

    async def sign(self, key_id: str, data: bytes) -> bytes:
        raise AssertionError("asked to sign with a bad certificate")


def authority() -> KeyRef:
    return KeyRef(key_id="authority", chain=(der(PKI.issuing), der(PKI.root)))


def of(leaf: Leaf) -> KeyRef:
    return KeyRef(key_id="own", chain=leaf.chain)


def without_crls(trust: Trust) -> Trust:
    return dataclasses.replace(trust, crls=())


def with_stale_crls(trust: Trust) -> Trust:
    """Lists that ran out yesterday."""
    old = Pki(now=MOMENT - 31 * DAY)
    old.__dict__["root"], old.__dict__["issuing"] = PKI.root, PKI.issuing
    return dataclasses.replace(trust, crls=old.crls)


def as_is(trust: Trust) -> Trust:
    return trust


def without_authority(trust: Trust) -> Trust:
    return dataclasses.replace(trust, anchors=OTHER.trust.anchors, intermediates=(), crls=OTHER.trust.crls)


BAD: dict[str, tuple[Callable[[], KeyRef], Callable[[Trust], Trust], str, str]] = {
    "expired": (lambda: of(PKI.leaf("expired")), as_is, "own_expired", "renew"),
    "not yet valid": (lambda: of(PKI.leaf("future")), as_is, "own_early", "wait_or_clock"),
    "revoked": (lambda: of(PKI.leaf("revoked")), as_is, "own_revoked", "replace_revoked"),
    "wrong key usage": (lambda: of(PKI.leaf("usage")), as_is, "own_usage", "right_usage"),
    "wrong purpose": (lambda: of(PKI.leaf("purpose")), as_is, "own_usage", "right_usage"),
    "a gateway's own TLS certificate": (lambda: of(PKI.leaf("tls")), as_is, "own_usage", "right_usage"),
    "weak": (lambda: of(PKI.leaf("weak")), as_is, "own_weak", "new_key"),
    "demo": (lambda: of(PKI.leaf("demo")), as_is, "own_demo", "right_certificate"),
    "an authority's": (authority, as_is, "own_authority", "right_certificate"),
    "a stranger's": (lambda: of(OTHER.leaf("seal")), as_is, "own_stranger", "bring_authority"),
    "its authority is not trusted": (
        lambda: of(PKI.leaf("seal")),
        without_authority,
        "own_stranger",
        "bring_authority",
    ),
    "no revocation list": (lambda: of(PKI.leaf("seal")), without_crls, "own_unknown", "bring_evidence"),
    "stale revocation list": (lambda: of(PKI.leaf("seal")), with_stale_crls, "own_unknown", "bring_evidence"),
}


def sealer(key: KeyRef, trust: Trust, holder: object) -> FileSealer:
    return FileSealer(
        judge=InlineJudge(),
        holder=holder,  # type: ignore[arg-type]
        seals={OFFICE: key},
        transports={OFFICE: key},
        trust=trust,
        clock=ManualClock(MOMENT),
    )


@pytest.mark.parametrize("case", BAD)
async def test_a_key_with_a_bad_certificate_is_never_asked_to_sign(case: str, tmp_path: Path) -> None:
    make, trusted, reason, remedy = BAD[case]
    own = sealer(make(), trusted(PKI.trust), NeverHolder())
    (tmp_path / "document.pdf").write_bytes(tiny_pdf())
    with pytest.raises(SiteError) as sealing:
        await own.seal(tmp_path / "document.pdf", OFFICE)
    with pytest.raises(SiteError) as signing:
        await own.sign_envelope(status(), OFFICE)
    for caught in (sealing.value, signing.value):
        assert (caught.code, caught.facts.turn, caught.facts.retryable) == ("key.certificate", Turn.OPERATOR, False)
        assert caught.params["reason"] == Reason(f"why.{reason}")
        assert caught.params["remedy"] == Reason(f"why.{remedy}")


async def test_a_good_one_signs(tmp_path: Path) -> None:
    """The same world, so that the cases above are refused for their certificate and for nothing else."""
    leaf = PKI.leaf("seal")
    holder = InlineHolder(keys={"own": write_key(tmp_path / "own.pem", leaf.key)})
    own = sealer(of(leaf), PKI.trust, holder)
    (tmp_path / "document.pdf").write_bytes(tiny_pdf())
    assert (await own.seal(tmp_path / "document.pdf", OFFICE)).pdf
    assert await own.sign_envelope(status(), OFFICE)


@pytest.mark.parametrize("case", BAD)
def test_what_to_do_is_said_in_both_languages(case: str) -> None:
    _, _, reason, remedy = BAD[case]
    params = {"key": "seal:Z79.1", "reason": Reason(f"why.{reason}"), "remedy": Reason(f"why.{remedy}")}
    told = explain("key.certificate", params)
    assert text(f"why.{reason}").vi in told.what_vi
    assert text(f"why.{reason}").en in told.what_en
    assert text(f"why.{remedy}").vi in told.todo_vi
    assert text(f"why.{remedy}").en in told.todo_en
    assert "seal:Z79.1" in told.what_vi
    assert re.search("[à-ỹđ]", text(f"why.{remedy}").vi)


@pytest.mark.parametrize("sub", [None, *SubIndication])
def test_every_sub_indication_stops_the_key(sub: SubIndication | None) -> None:
    """Also those that today's judge never gives for a certificate, and none at all."""
    verdict = CertificateVerdict(indication=Indication.INDETERMINATE, sub_indication=sub, reason="so")
    with pytest.raises(SiteError) as caught:
        own_certificate.insist_on_own(verdict, PKI.leaf("seal").der, key_id="k", moment=MOMENT)
    assert caught.value.code == "key.certificate"
    assert str(sub) in str(caught.value.params["found"])


def test_the_clock_is_named_for_what_is_not_valid_yet() -> None:
    verdict = CertificateVerdict(
        indication=Indication.INDETERMINATE, sub_indication=SubIndication.OUT_OF_BOUNDS_NO_POE, reason="early"
    )
    leaf = PKI.leaf("seal")
    begin = leaf.certificate.not_valid_before_utc
    for moment, word in ((begin - dt.timedelta(seconds=1), "own_early"), (begin, "own_expired")):
        with pytest.raises(SiteError) as caught:
            own_certificate.insist_on_own(verdict, leaf.der, key_id="k", moment=moment)
        assert caught.value.params["reason"] == Reason(f"why.{word}")
