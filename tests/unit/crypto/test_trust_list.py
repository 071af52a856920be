"""Our signed list of anchors: believed only when enough keys signed it, in time, and never an older one."""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.core.clock import rfc3339
from gateway.core.errors import SiteError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import (
    ListSource,
    TrustList,
    TrustSources,
    judge_certificate,
    list_file,
    parse_list,
    read_list_keys,
    read_signing_key,
    read_trust,
    remember_list,
    sign_list_bytes,
    signed_bytes,
    split_list,
)
from gateway.crypto.keys.key_reader import read_private_key
from gateway.crypto.paths.trust_list import CONTEXT, LIST_BYTES_MAX, canonical
from tests.kit.pki import DAY, MOMENT, Pki, der, write_key

PKI, PEOPLE = Pki("List"), Pki("People")
ONE, TWO, THREE = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()
Tree = dict[str, Any]


def entry(certificate: bytes, **other: object) -> Tree:
    found = {
        "name": "Cơ quan chứng thực",
        "source": "http://ca.example.vn/root.crt",
        "sha256": hashlib.sha256(certificate).hexdigest(),
        "certificate": base64.b64encode(certificate).decode(),
    }
    return {**found, **other}


def content(**other: object) -> Tree:
    found = {
        "name": "Thử nghiệm",
        "number": 7,
        "issued_at": rfc3339(MOMENT - DAY),
        "expires_at": rfc3339(MOMENT + 90 * DAY),
        "bodies": [entry(der(PKI.root))],
        "people": [entry(der(PEOPLE.root))],
        "authorities": [],
        "intermediates": [entry(der(PKI.issuing))],
    }
    return {**found, **other}


def signature(key: Any, what: Tree, *, context: bytes | None = None) -> dict[str, str]:
    signed = signed_bytes(what) if context is None else context + canonical(what)
    known, raw = sign_list_bytes(key, signed)
    return {"key": known.digest, "signature": base64.b64encode(raw).decode()}


def signed(what: Tree, *keys: Any) -> bytes:
    return list_file(what, [signature(key, what) for key in keys])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, key in (("one", ONE), ("two", TWO), ("three", THREE)):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pem").write_bytes(pem)
    return folder


@pytest.fixture
def parse(keys: Path) -> Callable[..., TrustList]:
    def parsed(data: bytes, now: dt.datetime = MOMENT) -> TrustList:
        return parse_list(data, keys=read_list_keys(keys), needed=2, now=now, path="list.json")

    return parsed


def refused(parse: Callable[..., TrustList], data: bytes, code: str, now: dt.datetime = MOMENT) -> str:
    with pytest.raises(SiteError) as caught:
        parse(data, now)
    assert caught.value.code == code
    return str(caught.value.params.get("problem", ""))


def test_two_of_three_different_keys_are_enough(parse: Callable[..., TrustList]) -> None:
    found = parse(signed(content(), ONE, TWO))
    assert (found.number, found.signers) == (7, ("one", "two"))
    assert [one.der for one in found.bodies] == [der(PKI.root)]
    assert [one.der for one in found.people] == [der(PEOPLE.root)]
    assert parse(signed(content(), THREE, ONE)).digest == found.digest


def test_what_is_signed_is_rfc_8785(parse: Callable[..., TrustList]) -> None:
    what = content(name='Thử "nghiệm" \\ €😀 \u00e9/')
    assert signed_bytes(what) == CONTEXT + rfc8785.dumps(what)
    parse(list_file(dict(reversed(what.items())), [signature(key, what) for key in (ONE, TWO)]))


def test_too_few_or_wrong_signatures_are_none(parse: Callable[..., TrustList]) -> None:
    what = content()
    other = content(number=8)
    forged = {**signature(ONE, what), "signature": base64.b64encode(bytes(64)).decode()}
    for signatures in (
        [],
        [signature(ONE, what)],
        [signature(ONE, what), signature(ONE, what)],
        [signature(ONE, what), signature(STRANGER, what)],
        [signature(ONE, what), {**signature(STRANGER, what), "key": signature(TWO, what)["key"]}],
        [signature(ONE, what), signature(TWO, other)],
        [signature(ONE, what), signature(TWO, what, context=b"")],
        [forged, signature(TWO, what)],
    ):
        refused(parse, list_file(what, signatures), "trust.unsigned")


def test_every_changed_byte_of_what_is_signed_is_noticed(parse: Callable[..., TrustList]) -> None:
    good = signed(content(), ONE, TWO)
    parse(good)
    codes = set()
    end = good.index(b'"signatures"')
    for at in range(0, end, 11):
        changed = bytes([*good[:at], good[at] ^ 1, *good[at + 1 :]])
        if json_equal(changed, good):
            continue  # white space
        with pytest.raises(SiteError) as caught:
            parse(changed)
        codes.add(caught.value.code)
    assert codes == {"trust.unsigned", "trust.invalid"}


def json_equal(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def test_one_key_under_two_names_is_one_key(keys: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.pem").write_bytes((keys / "one.pem").read_bytes())
    assert len(read_list_keys(tmp_path)) == 1


def test_a_list_has_its_time(parse: Callable[..., TrustList]) -> None:
    data = signed(content(), ONE, TWO)
    refused(parse, data, "trust.expired", MOMENT + 90 * DAY)
    refused(parse, data, "trust.expired", MOMENT + 900 * DAY)
    assert "future" in refused(parse, data, "trust.invalid", MOMENT - DAY - dt.timedelta(minutes=6))
    parse(data, MOMENT - DAY)
    parse(data, MOMENT + 90 * DAY - dt.timedelta(seconds=1))
    backwards = content(expires_at=rfc3339(MOMENT - 2 * DAY))
    assert "expires_at" in refused(parse, signed(backwards, ONE, TWO), "trust.invalid")


@pytest.mark.parametrize(
    ("other", "where"),
    [
        ({"bodies": []}, "bodies"),
        ({"bodies": [entry(der(PKI.root)), entry(der(PKI.root), name="again")]}, "bodies[1]: stands twice"),
        ({"people": [entry(der(PKI.root), sha256="0" * 64)]}, "people[0].sha256"),
        ({"people": [entry(b"junk")]}, "people.0.certificate"),
        ({"people": [entry(der(PKI.root), role="body")]}, "people.0.role"),
        ({"people": [entry(der(PKI.root), name="a\u202eb")]}, "people.0.name"),
        ({"number": 0}, "number"),
        ({"number": True}, "number"),
        ({"number": "7"}, "number"),
        ({"issued_at": "2026-11-21"}, "issued_at"),
        ({"surprise": 1}, "surprise"),
        ({"people": None}, "people"),
        ({"people": [entry(der(PKI.root))] * 201}, "people"),
    ],
)
def test_what_is_signed_must_be_a_list_too(other: Tree, where: str, parse: Callable[..., TrustList]) -> None:
    assert where in refused(parse, signed(content(**other), ONE, TWO), "trust.invalid")


def test_two_readers_cannot_see_two_lists(parse: Callable[..., TrustList]) -> None:
    good = signed(content(), ONE, TWO).decode()
    twice = good.replace('"number": 7', '"number": 7, "number": 7')
    assert "twice" in refused(parse, twice.encode(), "trust.invalid")
    assert "twice" in refused(parse, good.replace('"people":', '"bodies": [], "people":').encode(), "trust.invalid")
    assert "whole" in refused(parse, good.replace('"number": 7', '"number": 7.0').encode(), "trust.invalid")
    assert "whole" in refused(parse, good.replace('"number": 7', '"number": NaN').encode(), "trust.invalid")


def test_what_is_no_list_is_refused(parse: Callable[..., TrustList], tmp_path: Path) -> None:
    for junk in (b"", b"[]", b"null", b"{}", b"\xff", b'{"format": 2, "list": {}, "signatures": []}', b"[" * 100_000):
        refused(parse, junk, "trust.invalid")
    half = signed(content(), ONE, TWO).replace(b'"number": 7', b'"number": 7, "more": "\\ud800"')
    assert "surrogates" in refused(parse, half, "trust.invalid")
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (LIST_BYTES_MAX + 1))
    keys_folder = tmp_path / "keys"
    keys_folder.mkdir()
    with pytest.raises(SiteError):
        split_list(large.read_bytes(), path="large")


# --- an installation with a list --------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, keys: Path) -> TrustSources:
    PKI.write_trust(tmp_path / "trust")
    (tmp_path / "trust" / "anchors" / "0.pem").unlink()
    (tmp_path / "list.json").write_bytes(signed(content(), ONE, TWO))
    source = ListSource(file=tmp_path / "list.json", keys=keys, needed=2, memory=tmp_path / "trust-memory")
    return TrustSources(folder=tmp_path / "trust", demo=False, list=source)


def put(site: TrustSources, **other: object) -> None:
    assert site.list is not None
    site.list.file.write_bytes(signed(content(**other), ONE, TWO))


def code_of(site: TrustSources, now: dt.datetime = MOMENT) -> str:
    with pytest.raises(SiteError) as caught:
        read_trust(site, now=now)
    return caught.value.code


def test_anchors_come_from_the_list_and_evidence_from_the_folder(site: TrustSources) -> None:
    trust = read_trust(site, now=MOMENT)
    assert (trust.number, trust.anchors, trust.people) == (7, (der(PKI.root),), (der(PEOPLE.root),))
    assert trust.intermediates == (der(PKI.issuing),)
    assert set(trust.crls) == set(PKI.crls)
    leaf = PKI.leaf("seal")
    assert judge_certificate(leaf.der, trust=trust, moment=MOMENT).indication is Indication.TOTAL_PASSED


def test_anchors_in_two_places_are_refused(site: TrustSources) -> None:
    PKI.write_trust(site.folder)
    assert code_of(site) == "config.invalid"


def test_the_highest_number_is_remembered(site: TrustSources) -> None:
    assert site.list is not None
    assert site.list.memory is not None
    remember_list(site, now=MOMENT)
    remember_list(site, now=MOMENT)
    read_trust(site, now=MOMENT)
    put(site, number=6)
    assert code_of(site) == "trust.number"
    put(site, number=7, name="another")
    assert code_of(site) == "trust.number"
    put(site, number=9)
    read_trust(site, now=MOMENT)
    remember_list(site, now=MOMENT)
    put(site, number=8)
    assert code_of(site) == "trust.number"
    assert json.loads(site.list.memory.read_bytes())["number"] == 9
    assert [path.name for path in site.list.memory.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b'{"number": "9", "sha256": "0"}', b"\xff"])
def test_a_memory_that_cannot_be_read_stops_everything(site: TrustSources, junk: bytes) -> None:
    assert site.list is not None
    assert site.list.memory is not None
    site.list.memory.write_bytes(junk)
    assert code_of(site) == "config.invalid"


def test_fewer_keys_than_signatures_needed_is_a_mistake(site: TrustSources, tmp_path: Path) -> None:
    assert site.list is not None
    few = tmp_path / "few"
    few.mkdir()
    (few / "one.pem").write_bytes((site.list.keys / "one.pem").read_bytes())
    source = ListSource(file=site.list.file, keys=few, needed=2)
    assert code_of(TrustSources(folder=site.folder, demo=False, list=source)) == "config.invalid"


def test_a_list_that_ends_while_we_run_lets_nothing_of_the_present_pass(site: TrustSources) -> None:
    put(site, expires_at=rfc3339(MOMENT + DAY))
    trust, leaf = read_trust(site, now=MOMENT), PKI.leaf("seal")
    assert judge_certificate(leaf.der, trust=trust, moment=MOMENT).indication is Indication.TOTAL_PASSED
    late = judge_certificate(leaf.der, trust=trust, moment=MOMENT + DAY)
    assert late.sub_indication is SubIndication.TRY_LATER
    assert judge_certificate(leaf.der, trust=trust, moment=MOMENT + DAY, past=True).sub_indication is None


def test_a_demo_anchor_needs_a_demo_installation_in_every_role(site: TrustSources) -> None:
    demo = entry(der(Pki(name="DEMO").root))
    for role in ("bodies", "people", "authorities"):
        put(site, **{role: [demo]})
        assert code_of(site) == "key.demo"


def test_keys_are_read_strictly(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "a.pem").write_bytes(b"junk")
    with pytest.raises(SiteError):
        read_list_keys(tmp_path)
    rsa = Pki("Rsa").leaf("seal").key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "a.pem").write_bytes(rsa)
    with pytest.raises(SiteError):
        read_list_keys(tmp_path)
    with pytest.raises(SiteError):
        read_list_keys(tmp_path / "absent")
    assert len(read_list_keys(keys)) == 3


def test_signing_keys_are_read_with_and_without_a_password(tmp_path: Path) -> None:
    plain = tmp_path / "plain.pem"
    plain.write_bytes(ONE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def never() -> bytes:
        raise AssertionError("asked")

    assert read_signing_key(plain, password=never).public_key() == ONE.public_key()
    locked = tmp_path / "locked.pem"
    locked.write_bytes(TWO.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    assert read_signing_key(locked, password=lambda: b"secret").public_key() == TWO.public_key()
    with pytest.raises(SiteError) as caught:
        read_signing_key(locked, password=lambda: b"wrong")
    assert caught.value.code == "key.missing"
    rsa = write_key(tmp_path / "rsa.pem", Pki("Rsa").leaf("seal").key)
    with pytest.raises(SiteError):
        read_signing_key(rsa, password=never)


# Found by fuzzing: cryptography has exceptions of its own for these, and nobody caught them.
UNKNOWN = "302a300506032b6578032100"
"""An algorithm that there is none of."""
TOO_LONG = "3030020100300506032b6570042404220420"
"""An Ed25519 key of 34 bytes, which OpenSSL refuses in a way that has no name (InternalError)."""


def armored(start: str, label: str, size: int) -> bytes:
    body = base64.encodebytes(bytes.fromhex(start) + b"\x07" * size)
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label.encode(), body, label.encode())


def test_a_public_key_of_an_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(armored(UNKNOWN, "PUBLIC KEY", 32))
    with pytest.raises(SiteError) as caught:
        read_list_keys(tmp_path)
    assert caught.value.code == "config.invalid"


@pytest.mark.parametrize("start", [TOO_LONG, "302e020100300506032b657804220420"])
def test_a_signing_key_that_openssl_cannot_name_is_refused_by_name(start: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    path.write_bytes(armored(start, "PRIVATE KEY", 32))
    path.chmod(0o600)
    with pytest.raises(SiteError) as caught:
        read_signing_key(path, password=bytes)
    assert caught.value.code == "key.missing"
    assert "\n" not in str(caught.value)
    with pytest.raises(SiteError) as caught:
        read_private_key(path, "own")
    assert caught.value.code == "key.missing"
