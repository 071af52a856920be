"""Every attack of the tables against the whole chain: refused, and by what the table says; what may be done is accepted.

`judging.read_envelope_file` is what reception, submission and `gateway verify` all ask; then comes the real reception of a
whole gateway.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.ids import TransferKey
from gateway.core.message import Organ
from gateway.core.model import Attachment
from gateway.core.validation import Indication
from gateway.edxml import assemble, write_skeleton
from gateway.exchange.judging import read_envelope_file
from gateway.exchange.messages import document_message
from gateway.safe_xml import read_skeleton
from tests.kit.exchange_world import World
from tests.kit.pki import MOMENT, Pki
from tests.scenario.envelope_attacks import CHANGED, CUT, MAY, MOVED, OWN_XSW, Change, Letter
from tests.scenario.test_trouble import arrived, prepared, receive, ub
from tests.unit.crypto.envelopes import signed
from tests.unit.edxml.samples import DOCUMENT, attachment

PKI = Pki()
FILES = ("thư thứ nhất".encode(), b"PK\x03\x04 a table")
OWN_SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "own-xsw"
SUBJECTS = ("Về việc gửi văn bản", "Về việc khác")
ATTACKS = {**OWN_XSW, **CHANGED, **MOVED, **CUT}
CODES = {
    "xml": "malformed",
    "reader": "malformed",
    "files": "attachments",
    "signature": "signature",
    "frame": "signature",
}
"""Part of the chain and the code that reception answers with."""
EARLIER = {"another kind of business": "malformed"}
"""Attacks that reception answers before it looks at the signature: nobody here can do what they ask, whoever asks."""
READER = frozenset({"duplicate", "missing"})
"""Reasons of `envelope.malformed` that edXML gives; the others are safe XML's."""


@cache
def true_letter() -> Letter:
    first, second = (
        true_envelope(subject, files) for subject, files in zip(SUBJECTS, (FILES, FILES[::-1]), strict=True)
    )
    return Letter(data=first, other=second)


def true_envelope(subject: str, files: tuple[bytes, ...]) -> bytes:
    parts = text_files(files)
    skeleton = signed(write_skeleton(replace(DOCUMENT, subject=subject), parts), PKI.leaf("transport"))
    return whole(skeleton, parts, files)


def text_files(files: tuple[bytes, ...]) -> list[Attachment]:
    return [attachment(at, data, name=f"{at}.txt", content_type="text/plain") for at, data in enumerate(files, 1)]


def whole(skeleton: bytes, parts: list[Attachment], files: tuple[bytes, ...]) -> bytes:
    return b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, files, strict=True)]))


def refuser(path: Path, data: bytes, *, judge_all: bool) -> str:
    """Which part of the chain refuses a file, and its reason; empty when it is believed, files and all."""
    path.write_bytes(data)
    try:
        reading = read_envelope_file(path, trust=PKI.trust, moment=MOMENT, judge_all=judge_all)
    except SenderError as error:
        reason = str(error.params["reason"])
        part = {"envelope.malformed": "reader" if reason in READER else "xml", "envelope.attachments": "files"}[
            error.code
        ]
        return f"{part}: {reason}"
    if reading.signature is None:
        return "signature: none"
    if reading.signature.indication is not Indication.TOTAL_PASSED:
        frame = reading.signature.reason.removeprefix("outside the signed parts: ")
        return f"frame: {frame}" if frame != reading.signature.reason else f"signature: {frame}"
    assert reading.bound
    assert [file.data for file in reading.files] == list(FILES)
    return ""


@pytest.mark.parametrize("judge_all", [False, True])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_the_unchanged_file_is_not(attack: str, judge_all: bool, tmp_path: Path) -> None:
    letter, (change, refused_by) = true_letter(), ATTACKS[attack]
    assert change(letter) != letter.data, "an attack changes something"
    assert refuser(tmp_path / "changed.edxml", change(letter), judge_all=judge_all) == refused_by
    assert refuser(tmp_path / "true.edxml", letter.data, judge_all=judge_all) == ""


@pytest.mark.parametrize("case", MAY)
def test_what_may_be_done_on_the_way_is_accepted(case: str, tmp_path: Path) -> None:
    assert refuser(tmp_path / "carried.edxml", MAY[case](true_letter()), judge_all=True) == ""


@pytest.mark.skipif(not OWN_SAMPLES.is_dir(), reason="the shared vectors are not here")
def test_the_first_table_is_the_shared_samples_of_wrapping() -> None:
    assert {path.stem for path in OWN_SAMPLES.glob("*.xml")} == OWN_XSW.keys()


# --- in pieces ---------------------------------------------------------------------------------------------------------


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def outcome(source: Iterable[bytes]) -> object:
    """All that the cut and the parser make of a file; of what is no base64, only that."""
    try:
        skeleton = read_skeleton(source)
    except SenderError as error:
        return error.code, dict(error.params)
    files = [payload.sound and payload.read() for payload in skeleton.payloads]
    return etree.tostring(skeleton.root), skeleton.markup, files


@pytest.mark.parametrize("size", [1, 2, 7, 13, 97])
def test_no_attack_is_another_one_for_coming_in_pieces(size: int) -> None:
    """A tag, a reference, a section or a letter of several bytes may be split wherever the network splits it."""
    letter = true_letter()
    for name, change in {**{name: change for name, (change, _) in ATTACKS.items()}, **MAY}.items():
        if name == "attrs-20000" and size < 97:
            continue
        data = change(letter)
        assert outcome(in_pieces(data, size)) == outcome([data]), name


# --- a whole gateway -----------------------------------------------------------------------------------------------------


async def own_letter(world: World, subject: str, files: tuple[bytes, ...], *, by: str = "") -> bytes:
    """A true envelope of the world's sender, or one that another body of its gateway has signed."""
    (document,) = await world.party.store.read(lambda uow: uow.documents.page(None, 1))
    parts = text_files(files)
    message = document_message(document, world.party.directory.current())
    message = replace(message, subject=subject, recipients=(*message.recipients, Organ(organ_id=ub(world, 1))))
    sealer = world.party.desk.sealer
    return whole(await sealer.sign_envelope(write_skeleton(message, parts), by or world.sender), parts, files)  # type: ignore[arg-type]


def numbered(number: int) -> TransferKey:
    return TransferKey(f"01900000-0000-7000-8000-{number:012}")


async def test_reception_refuses_every_attack_and_takes_the_unchanged_file(world: World) -> None:
    transfer, _ = await prepared(world)
    first, second = [
        await own_letter(world, subject, files) for subject, files in zip(SUBJECTS, (FILES, FILES[::-1]), strict=True)
    ]
    letter = Letter(data=first, other=second)
    answers = {}
    for number, (name, (change, _)) in enumerate(ATTACKS.items()):
        answers[name] = await receive(world, transfer, change(letter), transfer=numbered(number))
    codes = {name: CODES[why.split(":")[0]] for name, (_, why) in ATTACKS.items()} | EARLIER
    assert answers == {name: [("refused", f"envelope.{code}")] for name, code in codes.items()}
    assert await arrived(world.government, ub(world)) == 0
    assert await receive(world, transfer, letter.data, transfer=numbered(len(ATTACKS))) == [("received", "")]
    assert await arrived(world.government, ub(world)) == 1


async def test_reception_takes_no_other_body_s_signature(world: World) -> None:
    """A good signature by a body whose key the registry knows: but not for this From."""
    transfer, _ = await prepared(world)
    other = next(ward for ward in world.wards if ".DU." in ward)
    forged = await own_letter(world, SUBJECTS[0], FILES, by=other)
    assert await receive(world, transfer, forged, transfer=numbered(1)) == [("refused", "envelope.signature")]
    true = await own_letter(world, SUBJECTS[0], FILES)
    assert await receive(world, transfer, true, transfer=numbered(2)) == [("received", "")]


@pytest.mark.parametrize("case", [case for case in MAY if case != "nothing"])
async def test_reception_takes_what_may_be_done_on_the_way(world: World, case: str) -> None:
    transfer, _ = await prepared(world)
    true = await own_letter(world, SUBJECTS[0], FILES)
    change: Change = MAY[case]
    assert await receive(world, transfer, change(Letter(data=true, other=true))) == [("received", "")]
