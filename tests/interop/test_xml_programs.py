"""Our envelopes before three XML verifiers that we did not write, and their envelopes before us: who agrees, and who need not.

What we accept, all of them must accept: else one of us canonicalises or parses wrongly. What they accept and we refuse stands
in docs/VERIFY.md with the reason.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.message import Organ
from gateway.core.validation import Indication, Level
from gateway.crypto import (
    Trust,
    prepare_slip,
    read_certificates,
    timestamp_digest,
    verify_envelope,
    verify_slip,
    with_timestamp,
)
from gateway.edxml import parse_slip, slip_of, write_skeleton, write_slip
from gateway.safe_xml import QCVN, SEAL_SLIP, read_skeleton
from tests.interop.xml_programs import PROGRAMS, needs_xml_programs, who_accepts
from tests.kit.certomancer.declared import certificate, crl_of, timestamp
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.scenario.envelope_attacks import CHANGED, CUT, MAY, MOVED, OWN_XSW, Table
from tests.scenario.test_envelope_attacks import FILES, text_files, true_letter, whole
from tests.unit.crypto import test_xades_differential as differential
from tests.unit.crypto.envelopes import signed
from tests.unit.crypto.sealing import raw_signature
from tests.unit.edxml.samples import DOCUMENT, STATUS

pytestmark = [pytest.mark.interop, needs_xml_programs(), pytest.mark.xdist_group("xml programs")]

ALL = "".join(PROGRAMS)
PAGE = Path(__file__).parents[2] / "docs" / "VERIFY.md"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "vectors"
PKI = Pki()
LEAVES = {"RSA": PKI.leaf("transport"), "EC": PKI.leaf("elliptic")}
Accepted = dict[str, dict[str, str]]
"""Of each group of files and each of its names, the letters of the programs that accept it."""
TRUST = replace(PKI.trust, authorities=(certificate("stamp-root"),), crls=(*PKI.crls, crl_of("stamp-root")))


# --- what our product signs ---------------------------------------------------------------------------------------------


def envelope(recipients: int, leaf: Leaf) -> bytes:
    to = tuple(Organ(organ_id=f"Z79.{number}", name=f"Đơn vị số {number}") for number in range(recipients))  # type: ignore[arg-type]
    parts = text_files(FILES)
    return whole(signed(write_skeleton(replace(DOCUMENT, recipients=to), parts), leaf), parts, FILES)


def slip(leaf: Leaf) -> bytes:
    parts = text_files(FILES)
    prepared = prepare_slip(write_slip(slip_of(DOCUMENT, parts)), chain=leaf.chain, moment=MOMENT)
    return prepared.filled(raw_signature(leaf, prepared.to_sign))


def made() -> Iterator[tuple[str, bytes]]:
    for key, leaf in LEAVES.items():
        for what, data in (
            ("1 recipient", envelope(1, leaf)),
            ("336 recipients", envelope(336, leaf)),
            ("status", signed(write_skeleton(STATUS, ()), leaf)),
            ("slip", slip(leaf)),
        ):
            yield f"{what}, {key}, B-B", data
            yield f"{what}, {key}, B-T", with_timestamp(data, timestamp(timestamp_digest(data), MOMENT))


def tampered(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Each signed part changed, the value, and the certificate."""
    xades = "http://uri.etsi.org/01903/v1.3.2#"
    names = ("MessageHeader", "Bussiness", "edXMLBody")
    tags = [*(f"{{{QCVN}}}{name}" for name in names), f"{{{SEAL_SLIP}}}Statement", f"{{{xades}}}SignedProperties"]
    for tag in tags:
        root = etree.fromstring(data)
        for element in root.iter(tag):
            element.set("note", "A")
            yield etree.QName(tag).localname, etree.tostring(root)
    value = re.search(rb"<ds:SignatureValue[^>]*>\s*", data)
    assert value is not None
    at = value.end() + 20
    yield "value", data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]


def ours(data: bytes) -> tuple[Indication | None, Level | None]:
    if b"<edXML" in data:
        verdict = verify_envelope(read_skeleton([data]).root, trust=TRUST, moment=MOMENT)
    else:
        verdict = verify_slip(parse_slip(data), trust=TRUST, moment=MOMENT)
    assert verdict.signature is not None
    return verdict.signature.indication, verdict.signature.details.level


def strangers() -> dict[str, bytes]:
    return {"stranger": envelope(1, Pki(name="Stranger").leaf("transport"))}


def changed() -> dict[str, bytes]:
    return {f"{name}: {part}": new for name, data in made() if "336" not in name for part, new in tampered(data)}


def attacks(*chosen: Table) -> dict[str, bytes]:
    return {name: change(true_letter()) for table in chosen for name, (change, _) in table.items()}


def shared_samples() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((SHARED / "own-xsw").glob("*.xml"))}


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Accepted:
    """Who accepts what, for all the files of this page at once."""
    groups = {
        "made": dict(made()),
        "changed": changed(),
        "stranger": strangers(),
        "may": may(),
        "wrapping": attacks(OWN_XSW),
        "attacks": attacks(CHANGED, MOVED, CUT),
        "shared": shared_samples(),
    }
    files = {f"{group}/{name}": data for group, members in groups.items() for name, data in members.items()}
    signers, anchors = [leaf.der for leaf in LEAVES.values()], list(PKI.trust.anchors)
    others = list(PKI.trust.intermediates)
    if SHARED.is_dir():
        signers.append(shared_certificate("person"))
        anchors.append(shared_certificate("root"))
        others.append(shared_certificate("interm"))
    folder = tmp_path_factory.mktemp("xml")
    found = who_accepts(files, folder, signers=signers, anchors=anchors, others=others, at=MOMENT)
    return {group: {name: found[f"{group}/{name}"] for name in members} for group, members in groups.items()}


def shared_certificate(name: str) -> bytes:
    return read_certificates(SHARED / "own-pki" / f"{name}.cert.pem")[0]


def test_what_our_product_signs_is_good_to_all(accepted: Accepted) -> None:
    files = dict(made())
    for name, data in files.items():
        assert ours(data) == (Indication.TOTAL_PASSED, Level.B_T if name.endswith("B-T") else Level.B_B), name
    assert accepted["made"] == dict.fromkeys(files, ALL)


def test_what_was_changed_is_good_to_none(accepted: Accepted) -> None:
    files = changed()
    assert len(files) > 40
    for name, data in files.items():
        assert ours(data)[0] is Indication.TOTAL_FAILED, name
    assert accepted["changed"] == dict.fromkeys(files, "")


def test_whose_certificate_it_is_is_asked_by_two(accepted: Accepted) -> None:
    """A stranger's good signature: xml-security-c is asked about canonical forms and values only."""
    assert accepted["stranger"] == {"stranger": "C"}


# --- what we accept, whoever changed it ----------------------------------------------------------------------------------


def may() -> dict[str, bytes]:
    """Files that hubs may have rewritten, and those that a change of any few bytes left good."""
    files = {name: change(true_letter()) for name, change in MAY.items()}
    for kind in differential.FILES_SIGNED:
        for how in differential.HOW:
            files |= {f"{kind} {how} {at}": data for at, data in differential.passed(kind, how).items()}
    return files


def test_what_we_accept_all_accept(accepted: Accepted) -> None:
    assert len(accepted["may"]) > len(MAY), "some changes are outside of what is signed"
    assert accepted["may"] == dict.fromkeys(may(), ALL)


# --- what they accept and we refuse ---------------------------------------------------------------------------------------


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n#")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def letters(cell: str) -> str:
    return "" if cell == "none" else cell.replace(" ", "")


def somebody(found: dict[str, str]) -> dict[str, str]:
    return {name: who for name, who in found.items() if who}


def test_the_page_says_who_accepts_the_samples_of_wrapping(accepted: Accepted) -> None:
    """Attacks of the same names upon envelopes of ours and, where they are at hand, upon a foreign one."""
    told = {name.strip("`"): (letters(foreign), letters(edxml)) for name, foreign, edxml, _ in rows("### Wrapping")}
    assert somebody({name: edxml for name, (_, edxml) in told.items()}) == somebody(accepted["wrapping"])
    assert told.keys() <= OWN_XSW.keys()
    assert all(any(who) for who in told.values())
    if SHARED.is_dir():
        assert somebody({name: foreign for name, (foreign, _) in told.items()}) == somebody(accepted["shared"])


def test_the_page_names_every_other_attack_that_somebody_accepts(accepted: Accepted) -> None:
    told = [(name.strip(), letters(who)) for who, _, names in rows("### Other attacks") for name in names.split(";")]
    assert len(told) == len(dict(told)), "each once"
    assert dict(told) == somebody(accepted["attacks"])


def test_the_page_gives_a_reason_for_each() -> None:
    assert all(why for *_, why in rows("### Wrapping"))
    assert all(why for _, why, _ in rows("### Other attacks"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared vectors are not here")
def test_none_of_the_shared_files_is_accepted_by_us() -> None:
    """So none of them has to be asked for the other way round; of our own attacks test_envelope_attacks says the same."""
    trust = Trust(
        anchors=(shared_certificate("root"),),
        intermediates=(shared_certificate("interm"),),
        crls=tuple((SHARED / "own-pki" / "crls" / f"{name}.crl").read_bytes() for name in ("root", "interm")),
    )
    looked_at = 0
    for path in sorted(SHARED.rglob("*.xml")) + sorted(SHARED.rglob("*.edxml")):
        try:
            root = read_skeleton([path.read_bytes()]).root
        except SenderError:
            continue
        for verify in (verify_envelope, verify_slip):
            signature = verify(root, trust=trust, moment=MOMENT).signature
            looked_at += signature is not None
            assert signature is None or signature.indication is not Indication.TOTAL_PASSED, path
    assert looked_at > 20
