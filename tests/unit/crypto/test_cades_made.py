"""How a detached signature is made and stamped, and what counts as DER."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from asn1crypto import cms, parser

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.validation import Indication, Level
from gateway.crypto import (
    add_signature_timestamp,
    digests_named,
    hash_file,
    judge_detached,
    signature_value,
    with_signature_timestamp,
)
from gateway.crypto.cades.cms import seal_attributes
from gateway.crypto.cades.der import is_der
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.detached import CONTENT, Recipe, digests_of, signed, together

PKI = Pki()
GOOD = PKI.leaf("seal")


def token_of(own_pki: Path) -> bytes:
    """A real timestamp; upon another signature, which whoever judges timestamps would see."""
    raw = cms.ContentInfo.load((own_pki / "blob-cades-T.p7s").read_bytes())
    token: bytes = raw["content"]["signer_infos"][0]["unsigned_attrs"][0]["values"][0].dump()
    return token


def test_cades_says_when_and_pades_does_not() -> None:
    digest = hashlib.sha256(CONTENT).digest()
    for signed_at, expected in (
        (None, None),
        (MOMENT.replace(microsecond=999_999), ("utc_time", MOMENT)),
        (MOMENT.astimezone(dt.timezone(dt.timedelta(hours=7))), ("utc_time", MOMENT)),
        (MOMENT.replace(year=2050), ("generalized_time", MOMENT.replace(year=2050))),
    ):
        attributes = cms.CMSAttributes.load(seal_attributes(digest, GOOD.der, signed_at=signed_at).to_sign)
        times = [one["values"][0] for one in attributes if one["type"].native == "signing_time"]
        assert [(time.name, time.native) for time in times] == ([expected] if expected else [])
        assert is_der(seal_attributes(digest, GOOD.der, signed_at=signed_at).to_sign)


@pytest.mark.parametrize("times", [1, 2])
def test_a_timestamp_goes_into_a_finished_signature_and_touches_nothing_else(times: int, own_pki: Path) -> None:
    plain, token = signed(GOOD), token_of(own_pki)
    stamped = plain
    for _ in range(times):
        stamped = add_signature_timestamp(stamped, token)
    (one,) = judge_detached(stamped, digests=digests_of(CONTENT), trust=PKI.trust, moment=MOMENT).signatures
    assert one.indication is Indication.TOTAL_PASSED
    assert one.details.level is Level.B_B, "it is upon another signature"
    assert len(one.details.timestamps) == times
    assert is_der(stamped)
    before, after = cms.ContentInfo.load(plain)["content"], cms.ContentInfo.load(stamped)["content"]
    for member in ("version", "digest_algorithms", "encap_content_info", "certificates"):
        assert before[member].dump() == after[member].dump()
    signer = after["signer_infos"][0]
    for member in ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature"):
        assert before["signer_infos"][0][member].dump() == signer[member].dump()
    assert [attribute["values"][0].dump() for attribute in signer["unsigned_attrs"]] == [token] * times


def test_a_foreign_signature_can_be_stamped_too(own_pki: Path) -> None:
    foreign = (own_pki / "blob-cades-B.p7s").read_bytes()
    stamped = add_signature_timestamp(foreign, token_of(own_pki))
    plain = cms.ContentInfo.load(foreign)["content"]["signer_infos"][0].dump()
    assert parser.parse(plain)[4] in stamped


def test_what_cannot_be_stamped_is_left_alone(own_pki: Path) -> None:
    token = token_of(own_pki)
    two = together(Recipe(leaf=GOOD), Recipe(leaf=PKI.leaf("elliptic")))
    endless = b"\x30\x80" + parser.parse(signed(GOOD))[4] + b"\0\0"
    for hostile in (b"", b"0", two, endless, signed(GOOD) + b"\0", token[:-1]):
        with pytest.raises(ValueError):
            add_signature_timestamp(hostile, token)
    for no_token in (b"", b"\0", token + b"\0"):
        with pytest.raises(ValueError):
            add_signature_timestamp(signed(GOOD), no_token)
    with pytest.raises(ValueError, match="larger"):
        add_signature_timestamp(signed(GOOD), token + bytes(limits.DETACHED_SIGNATURE_BYTES_MAX))


class Authority:
    """An authority that answers with one token, or not at all."""

    def __init__(self, token: bytes | None) -> None:
        self.token = token
        self.asked: list[bytes] = []

    async def stamp(self, digest: bytes) -> bytes:
        self.asked.append(digest)
        if self.token is None:
            raise SiteError("store.busy")
        return self.token


async def test_an_authority_is_asked_for_the_signature_value(own_pki: Path) -> None:
    authority = Authority(token_of(own_pki))
    stamped = await with_signature_timestamp(signed(GOOD), authority)
    assert authority.asked == [hashlib.sha256(signature_value(stamped)).digest()]
    assert signature_value(stamped) == signature_value(signed(GOOD))


async def test_an_authority_that_is_away_is_told() -> None:
    with pytest.raises(SiteError):
        await with_signature_timestamp(signed(GOOD), Authority(None))


def test_the_digests_that_a_signature_names(tmp_path: Path) -> None:
    both = together(Recipe(leaf=GOOD, digest="sha1"), Recipe(leaf=PKI.leaf("elliptic"), digest="sha384"))
    assert digests_named(both) == {"sha384"}
    (tmp_path / "file").write_bytes(CONTENT)
    assert hash_file(tmp_path / "file", digests_named(both)) == {"sha384": hashlib.sha384(CONTENT).digest()}


@pytest.mark.parametrize(
    ("text", "der"),
    [
        ("3000", True),
        ("0101ff", True),
        ("010100", True),
        ("010101", False),  # a BOOLEAN is 00 or FF
        ("02017f", True),
        ("020200ff", True),
        ("0202007f", False),  # a byte more than it needs
        ("0202ff80", False),
        ("0200", False),
        ("30820000", False),  # a length in more bytes than it needs
        ("308100", False),
        ("30810101", False),
        ("3080020101" + "0000", False),  # indefinite
        ("2403040101", False),  # a string in pieces
        ("3106020101020102", True),
        ("3106020102020101", False),  # a SET OF out of order
        ("30060201020201" + "01", True),
        ("3003020101" + "00", False),  # something after the end
        ("3004020101", False),
        ("1000", False),  # a SEQUENCE that holds nothing, as a primitive
        ("1f8101" + "00", False),  # a tag of two bytes
        ("a003020101", True),
        ("8000", True),
        ("", False),
        ("30", False),
        ("30" * 40, False),
        ("04" + "8180" + "00" * 128, True),
        ("04" + "820080" + "00" * 128, False),
    ],
)
def test_der_is_told_from_everything_else(text: str, der: bool) -> None:
    assert is_der(bytes.fromhex(text)) is der


def test_der_that_nests_without_end_is_none() -> None:
    nested = b""
    for _ in range(100):
        nested = parser.emit(0, 1, 16, nested)
    assert not is_der(nested)
    assert is_der(signed(GOOD))
