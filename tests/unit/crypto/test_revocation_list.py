"""Revocation lists whose entries stay bytes: whoever is asked about, the answer is the one of the whole list."""

import datetime as dt
import random
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import crl as crl_asn1
from asn1crypto import x509 as x509_asn1
from pyhanko_certvalidator.revinfo.validate_crl import find_cert_in_list

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import judge_certificate, load_trust
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.pieces import own_pieces
from gateway.crypto.paths.revocation_list import ListAbout, ListOutline, serial_of
from gateway.crypto.paths.trust_folder import read_evidence
from tests.kit.certomancer.declared import ocsp_of
from tests.kit.large_lists import FIRST_SERIAL, entry, many_entries, sequence, with_entries
from tests.kit.pki import DAY, MOMENT, Pki, rsa_key, write_chain
from tests.kit.revocation import crl, issuing_key

PKI = Pki("Large lists")
LEAF = PKI.leaf("seal")
SERIAL = LEAF.certificate.serial_number
OTHER_NAME = x509_asn1.Name.build({"common_name": "Somebody else"})
ONE_ENTRY = crl(PKI.issuing, issuing_key(PKI), {5: MOMENT - DAY})
MANY = 20_000


def extensions(*some: tuple[str, bytes, bool]) -> bytes:
    """crlEntryExtensions: OID, DER, critical."""
    return sequence(
        *(
            sequence(
                core.ObjectIdentifier(oid).dump(),
                *([core.Boolean(True).dump()] if critical else []),
                core.OctetString(value).dump(),
            )
            for oid, value, critical in some
        )
    )


def reason(code: int) -> tuple[str, bytes, bool]:
    return "2.5.29.21", bytes([0x0A, 1, code]), False


def issued_by(name: x509_asn1.Name) -> tuple[str, bytes, bool]:
    names = x509_asn1.GeneralNames([x509_asn1.GeneralName("directory_name", name)])
    return "2.5.29.29", names.dump(), True


INVALID_SINCE = ("2.5.29.24", core.GeneralizedTime(MOMENT - 9 * DAY).dump(), False)
UNKNOWN = ("1.2.3.4", b"\x05\x00", True)
PLAIN = many_entries(3)
ME = core.Integer(SERIAL).dump()
LISTS = {
    "nobody": b"",
    "not on it": PLAIN,
    "first": entry(SERIAL) + PLAIN,
    "last": PLAIN + entry(SERIAL),
    "twice": entry(SERIAL, extensions=extensions(reason(6))) + PLAIN + entry(SERIAL),
    "without extensions": PLAIN + entry(SERIAL, extensions=b""),
    "removed from the list": entry(SERIAL, extensions=extensions(reason(8))),
    "with an invalidity date": entry(SERIAL, extensions=extensions(reason(1), INVALID_SINCE)),
    "with an unknown critical extension": entry(SERIAL, extensions=extensions(UNKNOWN)),
    "with an unknown reason": entry(SERIAL, extensions=extensions(reason(7))),
    "of another issuer": entry(9, extensions=extensions(issued_by(OTHER_NAME))) + entry(SERIAL),
    "of another issuer, then of ours": entry(9, extensions=extensions(issued_by(OTHER_NAME)))
    + entry(SERIAL)
    + entry(10, extensions=extensions(issued_by(x509_asn1.Name.load(PKI.issuing.subject.public_bytes()))))
    + entry(SERIAL, extensions=extensions(reason(4))),
    "only as bytes of something else": entry(9, extensions=extensions(("1.2.3.5", b"\x04" + ME, False))),
    "only within a longer number": entry(int.from_bytes(ME + ME)),
}


def of_entries(entries: bytes) -> bytes:
    return with_entries(ONE_ENTRY, entries, issuing_key(PKI))


def asked(listed: crl_asn1.CertificateList) -> object:
    """What certvalidator finds on it about the leaf."""
    leaf = x509_asn1.Certificate.load(LEAF.der)

    def find() -> object:
        date, why = find_cert_in_list(leaf, leaf.issuer, listed, leaf.issuer)
        return date, None if why is None else why.native

    return attempt(find)


def outlined(data: bytes, *serials: bytes) -> ListAbout:
    return ListOutline.read(data).about((serial_of(x509_asn1.Certificate.load(LEAF.der)), *serials))


@pytest.mark.parametrize("kind", LISTS)
def test_the_answer_is_that_of_the_whole_list(kind: str) -> None:
    data = of_entries(LISTS[kind])
    whole = crl_asn1.CertificateList.load(data, strict=True)
    assert asked(outlined(data)) == asked(whole)
    assert asked(outlined(data, core.Integer(9).dump(), core.Integer(FIRST_SERIAL).dump())) == asked(whole)


def test_head_signature_and_bytes_are_those_of_the_list() -> None:
    data = of_entries(PLAIN)
    whole, about = crl_asn1.CertificateList.load(data), outlined(data)
    assert about.dump() == data
    assert about["tbs_cert_list"].dump() == whole["tbs_cert_list"].dump()
    assert about["signature"].native == whole["signature"].native
    for name in ("version", "signature", "issuer", "this_update", "next_update", "crl_extensions"):
        assert about["tbs_cert_list"][name].native == whole["tbs_cert_list"][name].native, name
    assert (about.issuer, about.critical_extensions) == (whole.issuer, whole.critical_extensions)
    assert about.crl_number_value.native == whole.crl_number_value.native
    assert about.authority_key_identifier == whole.authority_key_identifier


@pytest.mark.parametrize("data", [*PKI.crls, ONE_ENTRY], ids=["root", "issuing", "one"])
def test_lists_as_authorities_write_them(data: bytes) -> None:
    whole = crl_asn1.CertificateList.load(data)
    for kind in ("seal", "revoked"):
        leaf = x509_asn1.Certificate.load(PKI.leaf(kind).der)  # type: ignore[arg-type]  # both are kinds
        about = ListOutline.read(data).about((serial_of(leaf),))
        expected = find_cert_in_list(leaf, leaf.issuer, whole, leaf.issuer)
        found = find_cert_in_list(leaf, leaf.issuer, about, leaf.issuer)
        assert [getattr(one, "native", one) for one in found] == [getattr(one, "native", one) for one in expected]


def test_a_list_that_was_asked_about_nobody_says_good_of_nobody() -> None:
    (piece,) = own_pieces((of_entries(entry(SERIAL)),), ())
    assert isinstance(asked(piece.container.crl_data), Trouble)  # type: ignore[union-attr]  # it is a list
    assert asked(piece.about(()).plain.crl_data) == (None, None)  # type: ignore[union-attr]  # see above


# --- what is no list --------------------------------------------------------------------------------------------------


SERIAL_7, DATE = core.Integer(7).dump(), core.UTCTime(MOMENT).dump()
BROKEN = {
    "no sequence": b"\x31" + entry(7)[1:],
    "no serial number": sequence(DATE),
    "a text for a number": sequence(b"\x0c\x017", DATE),
    "an empty number": sequence(b"\x02\x00", DATE),
    "no date": sequence(SERIAL_7, extensions(reason(1))),
    "no extensions after the date": sequence(SERIAL_7, DATE, SERIAL_7),
    "something after the extensions": sequence(SERIAL_7, DATE, extensions(reason(1)), SERIAL_7),
    "cut off": entry(7)[:-1],
    "of indefinite length": b"\x30\x80" + SERIAL_7 + DATE + b"\x00\x00",
    "longer than the list": b"\x30\x84\x7f\xff\xff\xff" + SERIAL_7 + DATE,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_list_with_an_entry_that_is_none_is_no_list(kind: str) -> None:
    for entries in (PLAIN + BROKEN[kind], BROKEN[kind] + PLAIN):
        with pytest.raises(ValueError, match=r"byte|list|entries|ends"):
            ListOutline.read(of_entries(entries))


def test_bytes_after_its_end_and_no_list_at_all_are_refused() -> None:
    data = of_entries(PLAIN)
    for other in (data + b"\x00", data[:-1], b"", b"\x30", LEAF.der, b"-----BEGIN X509 CRL-----"):
        with pytest.raises(ValueError, match=r"byte|list|thisUpdate"):
            ListOutline.read(other)


def test_no_flipped_byte_hides_an_entry_and_none_raises_anything_else() -> None:
    data = of_entries(LISTS["of another issuer, then of ours"])
    compared = 0
    for position in range(len(data)):
        for bit in (0x01, 0x20, 0x80):
            flipped = bytearray(data)
            flipped[position] ^= bit
            try:
                about = outlined(bytes(flipped))
            except ValueError:
                continue
            whole = attempt(lambda data=bytes(flipped): asked(crl_asn1.CertificateList.load(data, strict=True)))
            if not isinstance(whole, Trouble):
                assert asked(about) == whole, position
                compared += 1
    assert compared > len(data) // 4


# --- verdicts ---------------------------------------------------------------------------------------------------------


def judged(*lists: bytes, moment: dt.datetime = MOMENT) -> SubIndication | Indication:
    trust = replace(PKI.trust, crls=(PKI.crls[0], *lists))
    verdict = judge_certificate(LEAF.der, trust=trust, moment=moment)
    return verdict.sub_indication or verdict.indication


def test_verdicts_by_a_large_list() -> None:
    many = many_entries(MANY)
    assert judged(of_entries(many)) is Indication.TOTAL_PASSED
    for entries in (entry(SERIAL) + many, many + entry(SERIAL)):
        assert judged(of_entries(entries)) is SubIndication.REVOKED_NO_POE
    removed = entry(SERIAL, extensions=extensions(reason(8)))
    assert judged(of_entries(many + removed)) is Indication.TOTAL_PASSED
    unknown = entry(SERIAL, extensions=extensions(UNKNOWN))
    assert judged(of_entries(many + unknown)) is SubIndication.TRY_LATER


def test_an_authority_on_the_list_of_the_one_above_it_is_found() -> None:
    root = crl(PKI.root, rsa_key(f"{PKI.name} root"), {PKI.issuing.serial_number: MOMENT - DAY})
    trust = replace(PKI.trust, crls=(root, of_entries(PLAIN)))
    verdict = judge_certificate(LEAF.der, trust=trust, moment=MOMENT)
    assert verdict.sub_indication is SubIndication.REVOKED_CA_NO_POE


def test_what_is_remembered_ends_when_an_entry_begins_to_count() -> None:
    """The dates of entries are turns of a path, though only of those that it is about."""
    soon = MOMENT + DAY / 24
    listed = crl(PKI.issuing, issuing_key(PKI), {SERIAL: soon, SERIAL + 1: MOMENT + DAY / 48})
    trust = replace(PKI.trust, crls=(PKI.crls[0], listed))
    for minutes, expected in ((-90, None), (0, None), (50, None), (61, SubIndication.REVOKED_NO_POE), (55, None)):
        verdict = judge_certificate(LEAF.der, trust=trust, moment=MOMENT + dt.timedelta(minutes=minutes))
        assert verdict.sub_indication is expected, minutes


# --- cost -------------------------------------------------------------------------------------------------------------


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_objects_are_made_of_entries_that_nobody_asks_about() -> None:
    """asn1crypto makes about 3 KB of each: 60 MB of these."""
    data = of_entries(many_entries(MANY) + entry(SERIAL))
    assert peak_of(lambda: asked(outlined(data))) < 2 * len(data) + limits.MIB
    assert peak_of(lambda: read_evidence(data, "crl")) < 2 * len(data) + limits.MIB
    assert peak_of(lambda: judged(data)) < 6 * len(data) + 4 * limits.MIB


def folder_with(folder: Path, lists: Iterable[bytes]) -> Path:
    (folder / "anchors").mkdir(parents=True)
    (folder / "crls").mkdir()
    write_chain(folder / "anchors" / "root.pem", PKI.root)
    for number, one in enumerate(lists):
        (folder / "crls" / f"{number}.crl").write_bytes(one)
    return folder


def test_a_folder_takes_a_large_list_and_no_broken_one(tmp_path: Path) -> None:
    data = of_entries(many_entries(MANY))
    assert load_trust(folder_with(tmp_path / "good", [data]), True).crls == (data,)
    with pytest.raises(SiteError, match=r"0\.crl"):
        load_trust(folder_with(tmp_path / "bad", [of_entries(PLAIN + BROKEN["no date"])]), True)


def test_all_lists_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [of_entries(many_entries(count)) for count in (100, 101, 102)]
    folder = folder_with(tmp_path / "trust", lists)
    monkeypatch.setattr(limits, "REVOCATION_LISTS_BYTES_MAX", sum(map(len, lists)))
    assert len(load_trust(folder, True).crls) == 3
    monkeypatch.setattr(limits, "REVOCATION_LISTS_BYTES_MAX", sum(map(len, lists)) - 1)
    with pytest.raises(SiteError) as caught:
        load_trust(folder, True)
    assert caught.value.code == "config.invalid"
    assert "large" in str(caught.value.params["reason"])


def test_all_responses_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path / "trust", [])
    (folder / "ocsps").mkdir()
    response = ocsp_of("seal")
    (folder / "ocsps" / "0.ocsp").write_bytes(response)
    monkeypatch.setattr(limits, "OCSP_RESPONSES_BYTES_MAX", len(response))
    assert load_trust(folder, True).ocsps == (response,)
    monkeypatch.setattr(limits, "OCSP_RESPONSES_BYTES_MAX", len(response) - 1)
    with pytest.raises(SiteError) as caught:
        load_trust(folder, True)
    assert (caught.value.code, caught.value.params["path"]) == ("config.invalid", str(folder / "ocsps"))


def test_random_lists_and_askers() -> None:
    """Numbers that are prefixes and suffixes of each other, on small lists, asked about one after the other."""
    chance = random.Random(5)
    leaf = x509_asn1.Certificate.load(LEAF.der)
    for _ in range(60):
        numbers = [chance.choice((SERIAL, SERIAL >> 8, SERIAL << 8, chance.randrange(1, 300))) for _ in range(9)]
        kinds = (b"", extensions(reason(1)), extensions(reason(6)), extensions(issued_by(OTHER_NAME)))
        data = of_entries(b"".join(entry(number, extensions=chance.choice(kinds)) for number in numbers))
        assert asked(outlined(data)) == asked(crl_asn1.CertificateList.load(data))
        dated = ListOutline.read(data).revoked_at(serial_of(leaf))
        assert (dated is None) == (SERIAL not in numbers)


@pytest.mark.parametrize(
    "broken",
    [
        entry(7, extensions=extensions(reason(7))),
        entry(7, extensions=extensions(("2.5.29.24", b"\x18\x0f20261345000000Z", False))),
        entry(7, extensions=extensions(("2.5.29.24", b"\x18\x0f20260101250000Z", False))),
        entry(7, extensions=extensions(reason(1))[:-1] + b"\x63"),
        sequence(SERIAL_7, b"\x17\x0d261345000000Z"),
        sequence(SERIAL_7, b"\x17\x0d260101996000Z"),
        sequence(SERIAL_7, b"\x18\x0f20260101000099Z"),
    ],
    ids=["reason", "day of invalidity", "hour of invalidity", "code", "day", "hour", "generalized"],
)
def test_what_an_entry_says_is_read_where_a_list_comes_in(broken: bytes) -> None:
    dated = entry(8, extensions=extensions(reason(1), INVALID_SINCE))
    same = sequence(SERIAL_7, core.GeneralizedTime(MOMENT).dump(), extensions(reason(4)))
    good = of_entries(PLAIN + dated + dated + same)
    assert read_evidence(good, "crl") == good
    for entries in (broken, PLAIN + dated + broken, broken + PLAIN):
        with pytest.raises(ValueError, match=r"."):
            read_evidence(of_entries(entries), "crl")
