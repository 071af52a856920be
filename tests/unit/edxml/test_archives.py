"""Attached files as they are: magic, one wrapping ZIP undone where that is certain, hostile archives left shut."""

import io
import sys
import tracemalloc
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import limits
from gateway.core.ids import Digest
from gateway.core.magic import OTHER, TEXT, ZIP
from gateway.core.model import PDF
from gateway.edxml.archive import DOCX, XLSX, ArchiveRefused, read_directory
from gateway.edxml.findings import Findings
from gateway.edxml.inflation import inflate
from gateway.edxml.wrapping import Contents, Label, Unwrapper
from gateway.safe_xml import AT_HAND, Caps, Payload, in_memory
from tests.unit.edxml.zips import (
    DOCX_FILE,
    ODT_FILE,
    XLSX_FILE,
    Member,
    deflated,
    make_zip,
    office,
    overlapping,
    zip64,
)
from tests.unit.edxml.zips import (
    TEXT as WORDS,
)

LETTER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
MANGLED = b"%PDF-1.3\n%" + b"\xef\xbf\xbd" * 4 + b"\n"


def payload(data: bytes) -> Payload:
    return Payload(file=io.BytesIO(data), size=len(data), digest=Digest(sha256(data).hexdigest()), sound=True)


def opened(
    data: bytes,
    *,
    name: str = "a.txt",
    kind: str = "application/zip",
    bound_to: bytes | None = None,
    caps: Caps = AT_HAND,
) -> tuple[Contents, list[tuple[str, object]]]:
    """What comes of a file, and the codes (with the reason) that are noted."""
    findings = Findings(strict=False)
    digest = None if bound_to is None else Digest(sha256(bound_to).hexdigest())
    label = Label(path="Attachment[1]", position=1, name=name, content_type=kind, declared=kind, digest=digest)
    contents = Unwrapper(in_memory, caps, findings, after=1).contents(label, payload(data))
    return contents, [(one.code, one.params.get("reason")) for one in findings.result()]


def wrapped(data: bytes, name: str = "6f1f8f9e.bin") -> bytes:
    return make_zip(Member(name=name, data=data))


UNDONE = {
    "the vendor's rule": (wrapped(WORDS), {"name": "a.txt"}, WORDS, TEXT, "attachment.zipped"),
    "an xlsx by the vendor's rule": (wrapped(XLSX_FILE), {"name": "a.xlsx"}, XLSX_FILE, XLSX, "attachment.zipped"),
    "a PDF by the vendor's rule": (wrapped(LETTER), {"name": "a.pdf"}, LETTER, PDF, "attachment.zipped"),
    "an unknown extension": (wrapped(b"\0"), {"name": "a.kmz"}, b"\0", OTHER, "attachment.zipped"),
    "a PDF in its clothes": (
        wrapped(LETTER),
        {"name": "a.pdf", "kind": "application/pdf"},
        LETTER,
        PDF,
        "attachment.rezipped",
    ),
    "a docx in its clothes": (
        wrapped(DOCX_FILE),
        {"name": "a.docx", "kind": "application/docx"},
        DOCX_FILE,
        DOCX,
        "attachment.rezipped",
    ),
    "told by its name alone": (wrapped(LETTER), {"name": "a.pdf", "kind": ""}, LETTER, PDF, "attachment.rezipped"),
    "told by the digest": (
        wrapped(LETTER),
        {"name": "a.bin", "kind": "application/x-unknown", "bound_to": LETTER},
        LETTER,
        PDF,
        "attachment.rezipped",
    ),
    "a ZIP in a ZIP, told by the digest": (
        wrapped(wrapped(WORDS)),
        {"name": "a.zip", "bound_to": wrapped(WORDS)},
        wrapped(WORDS),
        ZIP,
        "attachment.rezipped",
    ),
    "a folder beside it": (
        make_zip(Member(name="d/", data=b"", method=0), Member(name="d/a.txt")),
        {},
        WORDS,
        TEXT,
        "attachment.zipped",
    ),
    "stored": (make_zip(Member(method=0)), {}, WORDS, TEXT, "attachment.zipped"),
    "sizes behind the data": (
        make_zip(Member(flags=8), Member(name="d/", data=b"", method=0, gap=b"PK\x07\x08" + bytes(12))),
        {},
        WORDS,
        TEXT,
        "attachment.zipped",
    ),
    "wide numbers": (zip64(Member()), {}, WORDS, TEXT, "attachment.zipped"),
    "a comment": (make_zip(Member(), comment=b"made by a hub"), {}, WORDS, TEXT, "attachment.zipped"),
}


@pytest.mark.parametrize("case", UNDONE)
def test_one_wrapping_zip_is_taken_off(case: str) -> None:
    data, said, inside, kind, code = UNDONE[case]
    contents, noted = opened(data, **said)  # type: ignore[arg-type]  # texts and bytes as the table has them
    assert (contents.file.read(), contents.media_type, contents.wrapped) == (inside, kind, True)
    assert contents.file.digest == sha256(inside).hexdigest()
    assert noted == [(code, None)]


KEPT = {
    "a zip called zip": (wrapped(WORDS), {"name": "a.zip"}, ZIP, []),
    "a zip called zip, no type": (wrapped(WORDS), {"name": "a.zip", "kind": ""}, ZIP, []),
    "a digest that fits": (wrapped(WORDS), {"name": "a.txt", "bound_to": wrapped(WORDS)}, ZIP, ["attachment.kind"]),
    "a digest of something else": (wrapped(WORDS), {"name": "a.txt", "bound_to": b"x"}, ZIP, ["attachment.kind"]),
    "two files": (make_zip(Member(name="1"), Member(name="2")), {}, ZIP, ["attachment.kind"]),
    "no file": (make_zip(Member(name="d/", data=b"", method=0)), {}, ZIP, ["attachment.kind"]),
    "nothing": (make_zip(), {}, ZIP, ["attachment.kind"]),
    "another file than is said": (
        wrapped(b"\x89PNG\r\n\x1a\n"),
        {"name": "a.pdf", "kind": "application/pdf"},
        ZIP,
        ["attachment.kind"],
    ),
    "a file of no known kind": (
        wrapped(b"\0\1"),
        {"name": "a.txt", "kind": "text/plain"},
        ZIP,
        ["attachment.kind"],
    ),
    "a docx": (DOCX_FILE, {"name": "a.docx", "kind": "application/docx"}, DOCX, []),
    "a docx declared a ZIP": (DOCX_FILE, {"name": "a.docx"}, DOCX, []),
    "an odt": (
        ODT_FILE,
        {"name": "a.odt", "kind": "application/vnd.oasis.opendocument.text"},
        "application/vnd.oasis.opendocument.text",
        [],
    ),
    "a jar": (
        make_zip(Member(name="META-INF/MANIFEST.MF")),
        {"name": "a.jar"},
        "application/java-archive",
        [],
    ),
    "a docx of a thousand pages": (
        office("word/document.xml", *(f"word/media/{n}.png" for n in range(limits.ARCHIVE_ENTRIES_MAX))),
        {"name": "a.docx"},
        DOCX,
        [],
    ),
    "a PDF called a ZIP": (LETTER, {"name": "a.pdf"}, PDF, ["attachment.kind"]),
    "a text called a PDF": (WORDS, {"name": "a.pdf", "kind": "application/pdf"}, TEXT, ["attachment.kind"]),
    "an xlsx called a docx": (XLSX_FILE, {"name": "a.docx", "kind": ""}, XLSX, ["attachment.kind"]),
    "an old table, misspelt": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        {"name": "a.xls", "kind": "application/xsl"},
        None,
        [],
    ),
    "a text in an old encoding": (b"V\xe0o s\xe6", {"name": "a.txt", "kind": "text/plain"}, OTHER, []),
    "a PDF that was mangled": (
        MANGLED,
        {"name": "a.pdf", "kind": "application/pdf"},
        PDF,
        ["attachment.mangled"],
    ),
    "a mangled PDF in a ZIP": (
        wrapped(MANGLED),
        {"name": "a.pdf", "kind": "application/pdf"},
        ZIP,
        ["attachment.mangled", "attachment.kind"],
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_everything_else_stays_as_it_was_carried(case: str) -> None:
    data, said, kind, codes = KEPT[case]
    contents, noted = opened(data, **said)  # type: ignore[arg-type]  # texts and bytes as the table has them
    assert (contents.file.read(), contents.wrapped) == (data, False)
    assert contents.media_type == (kind or contents.media_type)
    assert [code for code, _ in noted] == codes


BOMB = Member(data=bytes(1 << 20))
HOSTILE = {
    "a bomb": (make_zip(BOMB), "zip_ratio"),
    "a bomb that says it is small": (make_zip(Member(data=bytes(1 << 20), size=100)), "zip_damaged"),
    "says it is large": (make_zip(Member(size=1 << 30)), "zip_ratio"),
    "says it is a little larger": (make_zip(Member(size=len(WORDS) + 1)), "zip_damaged"),
    "data behind the end of the data": (make_zip(Member(packed=deflated(WORDS) + b"x")), "zip_damaged"),
    "a bomb in a ZIP in a ZIP": (wrapped(wrapped(make_zip(BOMB))), "zip_nesting"),
    "overlap": (overlapping(50, WORDS), "zip_overlap"),
    "65,000 entries": (make_zip(*[Member(data=b"", method=0)] * 65_000), "zip_entries"),
    "65,535 entries said": (make_zip(Member(), count=65_535), "zip_damaged"),
    "more entries than said": (make_zip(Member(), Member(), count=1), "zip_damaged"),
    "cut short": (wrapped(WORDS)[:-5], "zip_damaged"),
    "cut in the directory": (wrapped(WORDS)[:-30], "zip_damaged"),
    "only a beginning": (b"PK\x03\x04", "zip_damaged"),
    "something behind": (wrapped(WORDS) + b"\0", "zip_damaged"),
    "two ends": (make_zip(Member(), comment=make_zip()), "zip_damaged"),
    "something between": (make_zip(Member(name="d/", data=b"", method=0), Member(gap=wrapped(WORDS))), "zip_damaged"),
    "a beginning that is another's": (
        make_zip(Member(name="d/", data=b"", method=0), Member(start=7)),
        "zip_damaged",
    ),
    "the directory elsewhere": (make_zip(Member(), shift=-1), "zip_damaged"),
    "a place beyond the end": (make_zip(Member(start=10_000)), "zip_damaged"),
    "data beyond the end": (make_zip(Member(packed_size=10_000)), "zip_damaged"),
    "encrypted": (make_zip(Member(flags=1)), "zip_encrypted"),
    "strongly encrypted": (make_zip(Member(flags=0x41)), "zip_encrypted"),
    "another method": (make_zip(Member(method=14)), "zip_method"),
    "not deflate": (make_zip(Member(packed=b"\xff\xff\xff\xff")), "zip_damaged"),
    "a wrong checksum": (make_zip(Member(checksum=1)), "zip_checksum"),
    "a way up": (make_zip(Member(name="../../x.txt")), "zip_name"),
    "an absolute name": (make_zip(Member(name="/etc/x.txt")), "zip_name"),
    "a drive": (make_zip(Member(name="C:x.txt")), "zip_name"),
    "a backslash": (make_zip(Member(name="a\\x.txt")), "zip_name"),
    "a link": (make_zip(Member(data=b"/etc/passwd", attributes=0o120777 << 16)), "zip_link"),
    "another name in front": (make_zip(Member(local_name="y.exe")), "zip_damaged"),
    "wide: no size": (make_zip(Member(size=0xFFFFFFFF)), "zip_damaged"),
    "wide: a size of 2^63": (zip64(Member(), size=1 << 63), "zip_ratio"),
    "wide: packed 2^63": (zip64(Member(), packed=1 << 63), "zip_damaged"),
    "wide: begins at 2^63": (zip64(Member(), start=1 << 63), "zip_damaged"),
    "wide: 2^63 entries": (zip64(Member(), count=1 << 63), "zip_damaged"),
    "wide: directory at 2^63": (zip64(Member(), directory=1 << 63), "zip_damaged"),
    "wide: record at 2^63": (zip64(Member(), record=1 << 63), "zip_damaged"),
    "wide: record of 2^63": (zip64(Member(), own=1 << 63), "zip_damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_stays_shut(case: str) -> None:
    data, reason = HOSTILE[case]
    contents, noted = opened(data)
    assert noted == [("attachment.archive", reason)]
    assert (contents.file.read(), contents.wrapped) == (data, False)


def test_python_s_own_library_opens_what_we_refuse() -> None:
    """Why there is a check of our own: if this fails one day, the essay of `archive` is to be changed."""
    with zipfile.ZipFile(io.BytesIO(overlapping(50, WORDS))) as archive:
        try:
            opened_all = [archive.read(entry) for entry in archive.infolist()] == [WORDS] * 50
        except zipfile.BadZipFile:  # 3.11.8 and later
            opened_all = False
    assert opened_all or sys.version_info >= (3, 11, 8)


def test_a_bomb_costs_no_memory() -> None:
    """Sixty kilobytes that inflate to sixty megabytes, honestly declared: the first look ends it."""
    data = make_zip(Member(data=bytes(64 << 20)))
    tracemalloc.start()
    _, noted = opened(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert noted == [("attachment.archive", "zip_ratio")]
    assert peak < 1 << 20


def test_inflation_goes_to_the_store_in_pieces(tmp_path: Path) -> None:
    pattern = bytes(range(256)) * 4096  # a megabyte
    source, target = tmp_path / "1", tmp_path / "2"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("x.bin", pattern * 24)
    digest = Digest(sha256(source.read_bytes()).hexdigest())
    asked: list[int] = []

    def store(position: int) -> BinaryIO:
        asked.append(position)
        return target.open("w+b")

    with source.open("rb") as file:
        carried = Payload(file=file, size=source.stat().st_size, digest=digest, sound=True)
        label = Label(
            path="Attachment[1]",
            position=1,
            name="a.bin",
            content_type="application/zip",
            declared="application/zip",
            digest=None,
        )
        tracemalloc.start()
        found = Unwrapper(store, AT_HAND, Findings(strict=False), after=3).contents(label, carried)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found.file.file.close()
    assert (found.wrapped, found.file.size, asked) == (True, len(pattern) * 24, [4])
    assert target.read_bytes() == pattern * 24
    assert peak < 1 << 20


def test_what_is_not_wanted_takes_no_room() -> None:
    kept: list[io.BytesIO] = []

    def store(_: int) -> BinaryIO:
        kept.append(io.BytesIO())
        return kept[-1]

    label = Label(
        path="Attachment[1]", position=1, name="a.txt", content_type="", declared="application/zip", digest=None
    )
    for data in (make_zip(Member(checksum=1)), wrapped(wrapped(WORDS))):
        Unwrapper(store, AT_HAND, Findings(strict=False), after=1).contents(label, payload(data))
    assert [file.getvalue() for file in kept] == [b"", b""]


def test_all_files_of_one_envelope_share_one_budget() -> None:
    caps = Caps(payload_bytes=100, file_bytes=150)
    findings = Findings(strict=False)
    unwrapper = Unwrapper(in_memory, caps, findings, after=3)
    for number, size in enumerate((101, 100, 51, 50, 1), 1):
        label = Label(
            path=f"Attachment[{number}]",
            position=number,
            name="a.bin",
            content_type="",
            declared="application/zip",
            digest=None,
        )
        unwrapper.contents(label, payload(wrapped(bytes(size))))
    assert [(one.code, one.path, one.params.get("limit")) for one in findings.result()] == [
        ("attachment.archive", "Attachment[1]", 100),
        ("attachment.zipped", "Attachment[2]", None),
        ("attachment.archive", "Attachment[3]", 50),
        ("attachment.zipped", "Attachment[4]", None),
        ("attachment.archive", "Attachment[5]", 0),
    ]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_change_to_an_archive_gives_anything_but_its_file_or_a_finding(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([wrapped(WORDS), zip64(Member()), DOCX_FILE, overlapping(3, WORDS)])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    contents, noted = opened(bytes(whole))
    assert contents.file.read() in {bytes(whole), WORDS}
    assert contents.wrapped == (("attachment.zipped", None) in noted)
    assert opened(bytes(whole))[1] == noted


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3_000), st.booleans())
def test_what_python_s_library_writes_is_read(data: bytes, deflate: bool) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        archive.writestr("x.bin", data)
    carried = payload(out.getvalue())
    directory = read_directory(carried.file, carried.size)
    entry = directory.only_file()
    assert entry is not None
    assert inflate(carried, entry, io.BytesIO(), bytes_max=3_000).read() == data
    with pytest.raises(ArchiveRefused):
        inflate(carried, entry, io.BytesIO(), bytes_max=len(data) - 1)
