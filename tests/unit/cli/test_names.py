import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.names import safe_name, safe_names
from gateway.core.filename import NAME_BYTES_MAX


@pytest.mark.parametrize(
    ("given_name", "saved"),
    [
        ("công văn.pdf", "công văn.pdf"),
        (unicodedata.normalize("NFD", "quyết định.pdf"), "quyết định.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\boot.ini", "C__boot.ini"),
        (".bashrc", "bashrc"),
        ("con.pdf", "_con.pdf"),
        ("COM\u00b9 .txt", "_COM\u00b9 .txt"),
        ("conin$", "_conin$"),
        ("console.txt", "console.txt"),
        ("a\u200b\u3164b.pdf", "a__b.pdf"),
        ("a\U000e0041.pdf", "a_.pdf"),
        ("hóa\u202efdp.exe", "hóa_fdp.exe"),
        ("a\x1b[2Jb", "a_[2Jb"),
        ("..", "file"),
        ("///", "file"),
        ("", "file"),
    ],
)
def test_a_strangers_name_stays_in_the_folder(given_name: str, saved: str) -> None:
    assert safe_name(given_name, "file") == saved


def test_a_long_name_keeps_its_suffix() -> None:
    name = safe_name("ộ" * 300 + ".pdf", "file")
    assert name.endswith("ộ.pdf")
    assert len(name.encode()) <= NAME_BYTES_MAX


def test_no_two_names_are_alike() -> None:
    assert safe_names(["a.pdf", "A.pdf", "a.pdf", "", ""]) == ("a.pdf", "A (2).pdf", "a (3).pdf", "file-4", "file-5")


@given(st.lists(st.text(max_size=300), max_size=8))
def test_whatever_they_are_called(names: list[str]) -> None:
    saved = safe_names(names)
    assert len({name.casefold() for name in saved}) == len(names)
    for name in saved:
        assert Path("folder", name).parent == Path("folder")
        assert Path(name).name == name
        assert not name.startswith(".")
        assert len(f"{name}.part".encode()) <= 255
