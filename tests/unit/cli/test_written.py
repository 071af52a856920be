"""What `gateway edxml` writes has its name whole, or not at all: also when it is killed, and where there are no links."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import written as writing
from gateway.cli.written import names_given, new_file
from tests.unit.cli.envelopes import META, PDF, Capture, left_in, packed, told, written


def refusing(number: int) -> Any:
    def refuse(*paths: Path) -> None:
        raise OSError(number, os.strerror(number), *map(str, paths))

    return refuse


def give_in_vain(part: Path, out: Path, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    with names_given([out], force=False) as give:
        give(part, out)
        meanwhile()
        raise KeyError


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".gateway-*.part"))


def test_who_is_killed_half_way_has_taken_no_name(tmp_path: Path, capsys: Capture) -> None:
    form, letter, out = written(tmp_path, "a.toml", META), tmp_path / "b.pdf", tmp_path / "b.edxml"
    with letter.open("wb") as file:
        file.truncate(1_900_000_000)  # far from done when it is killed
    line = [sys.executable, "-m", "gateway", "edxml", "pack", "a.toml", "b.pdf", "-o", "b.edxml"]
    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.DEVNULL) as running:
        patience = time.monotonic() + 60  # a busy machine needs ten seconds to begin
        while not any(part.stat().st_size for part in parts(tmp_path)):
            assert running.poll() is None, "it ended before it wrote anything"
            assert time.monotonic() < patience, "it wrote nothing"
            time.sleep(0.02)
        running.kill()
    (part,) = parts(tmp_path)
    assert part.stat().st_size > 0
    assert not out.exists()
    part.unlink()
    letter.write_bytes(PDF)
    told(capsys, "edxml", "pack", form, letter, "-o", out)
    assert out.read_bytes().endswith(b"</edXML>\n")


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_afterwards(
    force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "out", []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        seen.append((Path(f"/proc/self/fd/{descriptor}").resolve().suffix or "folder", out.exists()))
        sync(descriptor)

    monkeypatch.setattr(writing.os, "fsync", watched)
    with new_file(out, force=force) as file:
        file.write(b"whole")
        assert not out.exists()
    assert seen == [(".part", False), ("folder", True)]
    assert (out.read_bytes(), left_in(tmp_path)) == (b"whole", ["out"])


def test_all_files_are_on_the_disk_before_the_first_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF))
    steps: list[str] = []
    sync, link = os.fsync, os.link
    monkeypatch.setattr(writing.os, "fsync", lambda descriptor: (steps.append("fsync"), sync(descriptor)))
    monkeypatch.setattr(writing.os, "link", lambda *paths: (steps.append("link"), link(*paths)))
    told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out")
    assert steps == ["fsync", "fsync", "link", "link", "fsync"]


def test_a_name_that_somebody_takes_meanwhile_stays_his(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(FileExistsError) as caught, new_file(out, force=False):
        out.write_bytes(b"mine")
    assert caught.value.filename == str(out)
    assert (out.read_bytes(), left_in(tmp_path)) == (b"mine", ["out"])


def test_a_name_that_somebody_else_has_by_now_is_not_taken_back(tmp_path: Path) -> None:
    part, out = written(tmp_path, "part", "ours"), tmp_path / "out"

    def replaced() -> None:
        out.unlink()
        out.write_bytes(b"mine")

    with pytest.raises(KeyError):
        give_in_vain(part, out, meanwhile=replaced)
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize("number", sorted(writing._NO_LINKS))
def test_where_no_file_has_two_names_it_still_gets_one(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(writing.os, "link", refusing(number))
    with new_file(out, force=False) as file:
        file.write(b"whole")
        assert not out.exists()
    with pytest.raises(FileExistsError), new_file(out, force=False):
        pass
    assert (out.read_bytes(), left_in(tmp_path)) == (b"whole", ["out"])


def test_where_no_file_has_two_names_a_name_is_taken_back_or_left_to_whom_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, out = written(tmp_path, "part", "ours"), tmp_path / "out"
    monkeypatch.setattr(writing.os, "link", refusing(errno.EPERM))
    with pytest.raises(KeyError):
        give_in_vain(part, out)
    assert left_in(tmp_path) == []
    with pytest.raises(FileExistsError), new_file(out, force=False):
        out.write_bytes(b"mine")
    assert (out.read_bytes(), left_in(tmp_path)) == (b"mine", ["out"])
    monkeypatch.setattr(Path, "replace", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"), new_file(tmp_path / "new", force=False):
        pass
    assert left_in(tmp_path) == ["out"]


@pytest.mark.parametrize("force", [False, True])
def test_an_error_names_what_was_asked_for_and_not_the_hidden_file(
    force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(writing.os, "link", refusing(errno.EIO))
    monkeypatch.setattr(Path, "replace", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error") as caught, new_file(out, force=force):
        pass
    assert caught.value.filename == str(out)
    assert left_in(tmp_path) == []
    monkeypatch.setattr(Path, "open", refusing(errno.EACCES))
    with pytest.raises(PermissionError) as denied, new_file(out, force=force):
        pass
    assert denied.value.filename == str(out)


def test_a_folder_that_cannot_be_asked_to_keep_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every file system knows how; one that knows and fails is told."""
    sync, answers = os.fsync, iter([errno.EINVAL, errno.EIO])

    def failing(descriptor: int) -> None:
        if not Path(f"/proc/self/fd/{descriptor}").resolve().is_dir():
            return sync(descriptor)
        raise OSError(number := next(answers), os.strerror(number))

    monkeypatch.setattr(writing.os, "fsync", failing)
    with new_file(tmp_path / "out", force=False):
        pass
    with pytest.raises(OSError, match="Input/output error") as caught, new_file(tmp_path / "other", force=False):
        pass
    assert caught.value.filename == str(tmp_path)
    assert left_in(tmp_path) == ["out"]
