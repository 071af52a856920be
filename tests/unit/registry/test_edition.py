"""Editions of the registry: what is written can be read, what does not fit is refused with its place."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core import limits
from gateway.core.directory import BodyStatus, Snapshot
from gateway.core.errors import SiteError
from gateway.core.ids import Digest, OrganId
from gateway.registry import load_snapshot, write_snapshot
from tests.kit.growth import LINEAR_MAX, growth
from tests.unit.registry.samples import ISSUED, PARTY, STATE, body, certificate, gateway, spki

GATEWAYS = (gateway(PARTY), gateway(STATE))
CLOSED = BodyStatus.CLOSED
BODIES = (
    body("Z79.VPTU"),
    body("Z79.UB.00001", gateway=STATE, seal_certificates=(), transport_certificates=()),
    body("H09", status=CLOSED, successor=OrganId("Z79.UB.00001"), in_charge=""),
    body("Z79.L", status=BodyStatus.LOCKED),
)


def edition() -> bytes:
    return write_snapshot(epoch=7, issued_at=ISSUED, gateways=GATEWAYS, bodies=BODIES)


def load(tmp_path: Path, data: bytes) -> Snapshot:
    path = tmp_path / "registry.json"
    path.write_bytes(data)
    return load_snapshot(path, expected=Digest(sha256(data).hexdigest()))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    data = edition()
    snapshot = load(tmp_path, data)
    assert snapshot.bodies == {one.organ_id: one for one in BODIES}
    assert snapshot.gateways == {one.gateway: one for one in GATEWAYS}
    assert (snapshot.epoch, snapshot.issued_at, snapshot.digest) == (7, ISSUED, sha256(data).hexdigest())
    assert snapshot.hosts(STATE, OrganId("Z79.UB.00001"))


def test_the_bytes_do_not_depend_on_the_order_of_entries() -> None:
    turned = write_snapshot(epoch=7, issued_at=ISSUED, gateways=GATEWAYS[::-1], bodies=BODIES[::-1])
    assert turned == edition()


def test_a_snapshot_cannot_be_changed(tmp_path: Path) -> None:
    snapshot = load(tmp_path, edition())
    with pytest.raises(TypeError):
        del snapshot.bodies[OrganId("H09")]  # type: ignore[attr-defined]


def test_another_file_than_the_pinned_one_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.write_bytes(b"{ not even JSON")
    with pytest.raises(SiteError) as caught:
        load_snapshot(path, expected=Digest(sha256(edition()).hexdigest()))
    assert caught.value.code == "registry.digest"
    assert caught.value.params["actual"] == sha256(b"{ not even JSON").hexdigest()


def test_one_changed_byte_changes_the_digest(tmp_path: Path) -> None:
    data = edition()
    path = tmp_path / "registry.json"
    path.write_bytes(data.replace(b"active", b"locked", 1))
    with pytest.raises(SiteError, match=r"registry\.digest"):
        load_snapshot(path, expected=Digest(sha256(data).hexdigest()))


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"config\.invalid .*reason=enoent"):
        load_snapshot(tmp_path / "none.json", expected=Digest("0" * 64))


def test_a_file_over_the_bound_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = edition()
    monkeypatch.setattr("gateway.registry.edition.REGISTRY_BYTES_MAX", len(data))
    load(tmp_path, data)
    with pytest.raises(SiteError, match="has more than"):
        load(tmp_path, data + b"\n")


Change = Callable[[dict[str, Any]], object]

# Bodies are written in the order of their codes: H09 (closed), Z79.L (locked), Z79.UB.00001, Z79.VPTU;
# gateways: chinhquyen (STATE), dang (PARTY).
BROKEN: dict[str, tuple[Change, str, str]] = {
    "another format": (lambda e: e.update(format=2), "format", "Input should be 1"),
    "epoch zero": (lambda e: e.update(epoch=0), "epoch", "greater than or equal"),
    "epoch as text": (lambda e: e.update(epoch="7"), "epoch", "valid integer"),
    "a date without an offset": (lambda e: e.update(issued_at="2026-11-21T01:00:00"), "issued_at", "offset"),
    "a date as a number": (lambda e: e.update(issued_at=1), "issued_at", "not a date-time"),
    "an unknown field": (lambda e: e.update(comment=""), "comment", "not permitted"),
    "an unknown field of a body": (lambda e: e["bodies"][2].update(note=1), "bodies[2].note", "not permitted"),
    "a missing field": (lambda e: e["bodies"][0].pop("status"), "bodies[0].status", "required"),
    "an unknown status": (lambda e: e["bodies"][0].update(status="asleep"), "bodies[0].status", "Input should be"),
    "a code in lower case": (lambda e: e["bodies"][1].update(organ_id="z79"), "bodies[1].organ_id", "pattern"),
    "a code with a line feed": (lambda e: e["bodies"][1].update(organ_id="Z79\n"), "bodies[1].organ_id", "pattern"),
    "a code too long": (
        lambda e: e["bodies"][1].update(organ_id="Z79." + "A" * 32),
        "bodies[1].organ_id",
        "at most 35",
    ),
    "a code twice": (lambda e: e["bodies"][3].update(organ_id="H09"), "bodies[3].organ_id", "there already"),
    "no name": (lambda e: e["bodies"][3].update(name=""), "bodies[3].name", "at least 1"),
    "a name that turns around": (lambda e: e["bodies"][3].update(name="a\u202eb"), "bodies[3].name", "U+202E"),
    "a filler in it": (lambda e: e["bodies"][0].update(in_charge="a\u3164"), "bodies[0].in_charge", "U+3164"),
    "a gateway's name in two lines": (lambda e: e["gateways"][0].update(name="a\nb"), "gateways[0].name", "U+000A"),
    "a gateway nobody knows": (lambda e: e["bodies"][3].update(gateway="x.y"), "bodies[3].gateway", "no such gateway"),
    "a successor nobody knows": (
        lambda e: e["bodies"][0].update(successor="Z79.X"),
        "bodies[0].successor",
        "no such body",
    ),
    "a successor of an active code": (
        lambda e: e["bodies"][3].update(successor="H09"),
        "bodies[3].successor",
        "not closed",
    ),
    "its own successor": (lambda e: e["bodies"][0].update(successor="H09"), "bodies[0].successor", "circle"),
    "successors in a circle": (
        lambda e: (
            e["bodies"][0].update(successor="Z79.L"),
            e["bodies"][1].update(status="closed", successor="H09"),
        ),
        "bodies[0].successor",
        "circle",
    ),
    "a certificate that is none": (
        lambda e: e["bodies"][3].update(transport_certificates=["QUJD"]),
        "bodies[3].transport_certificates[0]",
        "not an X.509 certificate",
    ),
    "a certificate that is no base64": (
        lambda e: e["bodies"][3]["transport_certificates"].append("%"),
        "bodies[3].transport_certificates[1]",
        "not a base64 text",
    ),
    "nine certificates": (
        lambda e: e["bodies"][3].update(transport_certificates=e["bodies"][3]["transport_certificates"] * 9),
        "bodies[3].transport_certificates",
        "at most 8",
    ),
    "a seal in upper case": (
        lambda e: e["bodies"][3].update(seal_certificates=["AB" * 32]),
        "bodies[3].seal_certificates[0]",
        "pattern",
    ),
    "no gateway at all": (lambda e: e.update(gateways=[]), "gateways", "at least 1"),
    "a gateway twice": (
        lambda e: e["gateways"][1].update(gateway=STATE, tls_keys=["0" * 64]),
        "gateways[1].gateway",
        "there already",
    ),
    "a gateway in upper case": (
        lambda e: e["gateways"][0].update(gateway="Dang.internal"),
        "gateways[0].gateway",
        "pattern",
    ),
    "a listener without TLS": (
        lambda e: e["gateways"][0].update(url="http://a:1"),
        "gateways[0].url",
        "pattern",
    ),
    "a TLS key of two gateways": (
        lambda e: e["gateways"][1]["tls_keys"].append(e["gateways"][0]["tls_keys"][0]),
        "gateways[1].tls_keys[1]",
        "another gateway's",
    ),
    "no TLS key": (lambda e: e["gateways"][1].update(tls_keys=[]), "gateways[1].tls_keys", "at least 1"),
    "a receipt key that is none": (
        lambda e: e["gateways"][0].update(receipt_keys=["QUJD"]),
        "gateways[0].receipt_keys[0]",
        "not a public key",
    ),
    "a log key with a wrong id": (
        lambda e: e["gateways"][0]["log_keys"].__setitem__(0, e["gateways"][0]["log_keys"][0].replace("+", "+0", 1)),
        "gateways[0].log_keys[0]",
        "verifier key",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_edition_that_does_not_fit_is_refused_with_its_place(case: str, tmp_path: Path) -> None:
    change, path, problem = BROKEN[case]
    parsed = json.loads(edition())
    change(parsed)
    with pytest.raises(SiteError) as caught:
        load(tmp_path, json.dumps(parsed).encode())
    assert caught.value.code == "registry.invalid"
    assert caught.value.params["path"] == path
    assert problem in str(caught.value.params["problem"])


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"format":1}'])
def test_what_is_no_edition_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"registry\.invalid"):
        load(tmp_path, data)


def test_a_key_of_another_curve_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    spki_384 = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    wrong = gateway(PARTY, receipt_keys=(spki(f"receipt {PARTY}"), spki_384))
    with pytest.raises(SiteError, match="not a P-256 key"):
        write_snapshot(epoch=1, issued_at=ISSUED, gateways=[wrong], bodies=[])


def test_the_writer_refuses_what_the_reader_would() -> None:
    with pytest.raises(SiteError, match="no such gateway"):
        write_snapshot(epoch=1, issued_at=ISSUED, gateways=[gateway(STATE)], bodies=[body("Z79.A", gateway=PARTY)])


def chain(last: int) -> bytes:
    """An edition in which each code but the last one is closed and has the next one as its successor."""
    closed = [
        body(f"Z79.{n:05}", status=CLOSED, successor=OrganId(f"Z79.{n + 1:05}"), transport_certificates=())
        for n in range(last)
    ]
    end = body(f"Z79.{last:05}", transport_certificates=())
    return write_snapshot(epoch=1, issued_at=ISSUED, gateways=GATEWAYS, bodies=[*closed, end])


def test_a_long_chain_of_successors_is_checked_in_one_walk(tmp_path: Path) -> None:
    chains = {last: chain(last) for last in (625, 5_000)}
    assert len(load(tmp_path, chains[5_000]).bodies) == 5_001
    assert growth(lambda last: load(tmp_path, chains[last]), 625, times=8) < LINEAR_MAX


def test_338_bodies_fit_into_an_edition(tmp_path: Path) -> None:
    bodies = [body(f"Z79.UB.{n:05}", transport_certificates=(certificate("transport"),)) for n in range(338)]
    data = write_snapshot(epoch=1, issued_at=ISSUED, gateways=GATEWAYS, bodies=bodies)
    assert len(data) < limits.REGISTRY_BYTES_MAX
    assert len(load(tmp_path, data).bodies) == 338
