"""`gateway edxml unpack`: every file under a harmless name and byte-equal, or nothing at all."""

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli import written as writing
from gateway.cli.edxml.stores import beside
from tests.unit.cli.envelopes import META, PDF, Capture, changed, left_in, packed, told, written
from tests.unit.cli.world import stdin
from tests.unit.edxml import samples


def as_base64(data: bytes) -> bytes:
    return base64.b64encode(data)


def zipped(data: bytes, name: str = "x.txt") -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return into.getvalue()


def unbound(data: bytes) -> bytes:
    """The envelope without digests, as other systems write them."""
    kept = [line for line in data.splitlines(keepends=True) if b"ds:Digest" not in line]
    return b"".join(kept)


def wrapped(folder: Path, capsys: Capture) -> Path:
    """As the vendor's software makes it: a text in a ZIP that is declared as one."""
    path = packed(folder, capsys, written(folder, "so lieu.txt", b"mot hai ba"))
    path.write_bytes(unbound(path.read_bytes()))
    return changed(
        path, (b"text/plain", b"application/zip"), (as_base64(b"mot hai ba"), as_base64(zipped(b"mot hai ba")))
    )


def test_files_come_back_byte_equal_with_the_message(tmp_path: Path, capsys: Capture) -> None:
    letter, other = written(tmp_path, "công văn.pdf", PDF), written(tmp_path, "b.bin", bytes(range(256)) * 9000)
    path = packed(tmp_path, capsys, letter, other)
    report = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "new" / "out")
    out = tmp_path / "new" / "out"
    assert left_in(out) == ["b.bin", "công văn.pdf", "message.json"]
    assert (out / "công văn.pdf").read_bytes() == PDF
    assert (out / "b.bin").read_bytes() == other.read_bytes()
    assert report["sound"] is True
    assert [one["sha256"] for one in report["files"]] == [
        hashlib.sha256(file.read_bytes()).hexdigest() for file in (letter, other)
    ]
    assert [one["path"] for one in report["files"]] == [str(out / "công văn.pdf"), str(out / "b.bin")]
    again = packed(tmp_path, capsys, letter, other, meta=(out / "message.json").read_text("utf-8"), name="b.edxml")
    assert again.read_bytes() == path.read_bytes()


def test_standard_input_and_paths_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF))
    stdin(monkeypatch, path.read_bytes())
    assert main(["edxml", "unpack", "-", "-d", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "out" / name) for name in ("message.json", "a.pdf")]


def test_names_are_harmless_and_no_two_alike(tmp_path: Path, capsys: Capture) -> None:
    files = [written(tmp_path, name, name.encode()) for name in ("message.json", "A.pdf", "a.PDF")]
    told(capsys, "edxml", "unpack", packed(tmp_path, capsys, *files), "-d", tmp_path / "out")
    assert left_in(tmp_path / "out") == ["A.pdf", "a (2).PDF", "message (2).json", "message.json"]
    assert json.loads((tmp_path / "out" / "message.json").read_text("utf-8"))["type"] == "edoc"


def test_a_path_for_a_name_leads_nowhere(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF))
    changed(path, (b"AttachmentName>a.pdf", b"AttachmentName>../../a.pdf"))
    error = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", code=4)["error"]
    assert (error["code"], [field["code"] for field in error["fields"]]) == ("cli.edxml.unsound", ["attachment.name"])
    assert not (tmp_path / "out").exists()
    told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", "--despite-errors", code=4)
    assert left_in(tmp_path / "out") == ["_.._a.pdf", "message.json"]


# --- a ZIP around a file -------------------------------------------------------------------------------------------------


def test_one_wrapping_is_taken_off_or_left_on(tmp_path: Path, capsys: Capture) -> None:
    path = wrapped(tmp_path, capsys)
    (one,) = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out")["files"]
    assert (tmp_path / "out" / "so lieu.txt").read_bytes() == b"mot hai ba"
    assert (one["wrapped"], one["size"]) == (True, 10)
    assert one["carried"]["sha256"] == hashlib.sha256(zipped(b"mot hai ba")).hexdigest()
    told(capsys, "edxml", "unpack", path, "-d", tmp_path / "carried", "--as-carried")
    assert left_in(tmp_path / "carried") == ["message.json", "so lieu.txt.zip"]
    assert zipfile.is_zipfile(tmp_path / "carried" / "so lieu.txt.zip")


# --- nothing, or all -----------------------------------------------------------------------------------------------------


def damaged(folder: Path, capsys: Capture) -> Path:
    path = packed(folder, capsys, written(folder, "a.pdf", PDF), written(folder, "b.pdf", PDF + b"!"))
    return changed(path, (as_base64(PDF), as_base64(PDF[:-1] + b"?")))


def test_of_a_file_that_does_not_hold_together_nothing_is_saved(tmp_path: Path, capsys: Capture) -> None:
    path = damaged(tmp_path, capsys)
    (tmp_path / "there").mkdir()
    for folder in ("there", "not/there"):
        error = told(capsys, "edxml", "unpack", path, "-d", tmp_path / folder, code=4)["error"]
        assert [(field["path"], field["code"]) for field in error["fields"]] == [("Attachment[1]", "attachment.digest")]
    assert left_in(tmp_path / "there") == []
    assert not (tmp_path / "not").exists()


def test_whoever_asks_for_it_by_name_gets_what_can_be_read(tmp_path: Path, capsys: Capture) -> None:
    path = damaged(tmp_path, capsys)
    assert told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", "--force", code=4)["error"]  # that is not it
    report = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", "--despite-errors", code=4)
    assert report["sound"] is False
    assert [one["bound"] for one in report["files"]] == [False, True]
    assert left_in(tmp_path / "out") == ["a.pdf", "b.pdf", "message.json"]


def test_what_is_there_is_left_alone_unless_forced(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF), written(tmp_path, "b.pdf", PDF))
    out = tmp_path / "out"
    out.mkdir()
    elsewhere = written(tmp_path, "elsewhere", "mine")
    (out / "b.pdf").symlink_to(elsewhere)
    assert told(capsys, "edxml", "unpack", path, "-d", out, code=7)["error"]["code"] == "cli.exists"
    assert left_in(out) == ["b.pdf"]
    told(capsys, "edxml", "unpack", path, "-d", out, "--force")
    assert left_in(out) == ["a.pdf", "b.pdf", "message.json"]
    assert elsewhere.read_bytes() == b"mine"
    assert not (out / "b.pdf").is_symlink()


def test_a_file_that_ends_half_way_leaves_nothing(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF * 100_000))
    path.write_bytes(path.read_bytes()[:-5000])
    error = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out" / "in", code=4)["error"]
    assert error["code"] == "cli.edxml.not_edxml"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_disk_that_fails_half_way_leaves_nothing(
    nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF), written(tmp_path, "b.pdf", PDF))
    link, calls = writing.os.link, iter(range(1, 9))

    def failing(part: Path, target: Path) -> None:
        if next(calls) == nth:
            raise OSError(28, "No space left on device", str(part))
        link(part, target)

    monkeypatch.setattr(writing.os, "link", failing)
    error = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", code=6)["error"]
    assert error["code"] == "cli.file"
    assert str(tmp_path / "out" / ("message.json", "a.pdf", "b.pdf")[nth - 1]) in error["what_en"]
    assert not (tmp_path / "out").exists()


def test_a_status_message_has_only_its_words(tmp_path: Path, capsys: Capture) -> None:
    main(["edxml", "pack", "--template", "--kind", "status"])
    path = packed(tmp_path, capsys, meta=capsys.readouterr().out)
    report = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out")
    assert (report["type"], report["files"]) == ("status", [])
    assert json.loads((tmp_path / "out" / "message.json").read_text("utf-8"))["status"] == "03"


def test_a_file_where_the_folder_should_be(tmp_path: Path, capsys: Capture) -> None:
    path = written(tmp_path, "a.edxml", samples.envelope())
    assert told(capsys, "edxml", "unpack", path, "-d", path, code=7)["error"]["code"] == "cli.not_folder"


def test_a_folder_where_a_file_should_be_leaves_all_as_it_was(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF), written(tmp_path, "b.pdf", PDF))
    (tmp_path / "out" / "b.pdf").mkdir(parents=True)
    error = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", "--force", code=2)["error"]
    assert error["code"] == "cli.folder"
    assert left_in(tmp_path / "out") == ["b.pdf"]


def test_who_is_told_to_end_while_the_hidden_folder_is_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chance on a busy machine: it was there before anybody was to remove it."""
    make = os.mkdir

    def made_and_told(path: str, mode: int = 0o777) -> None:
        make(path, mode)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "mkdir", made_and_told)
    with pytest.raises(KeyboardInterrupt), beside(tmp_path):
        pass
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", [["unpack", "-", "-d", "out/in"], ["pack", "a.toml", "b.pdf", "-o", "b.edxml"]])
def test_who_is_told_to_end_leaves_nothing(command: list[str], number: int, tmp_path: Path) -> None:
    written(tmp_path, "a.toml", META)
    with (tmp_path / "b.pdf").open("wb") as file:
        file.truncate(1_900_000_000)  # far from done when it is told to end, and no byte of it on the disk
    before = left_in(tmp_path)
    line = [sys.executable, "-m", "gateway", "edxml", *command]
    with subprocess.Popen(line, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        for _ in range(3_000):
            if list(tmp_path.glob("**/.gateway-*")):
                break
            time.sleep(0.02)
        assert left_in(tmp_path) != before
        running.send_signal(number)
        assert running.wait(60) == 130
    assert left_in(tmp_path) == before
