"""Names of files: what may travel, and what a disguised name says when it is looked at without its disguise."""

import unicodedata

import pytest

from gateway.core.filename import is_file_name, is_media_type, plain_name
from gateway.core.limits import FILE_NAME_CHARS_MAX

GOOD = [
    "công văn số 12.pdf",
    unicodedata.normalize("NFD", "Quyết định.pdf"),
    'a "b" <&>.docx',
    ".hidden",
    "a",
    "báo cáo (1)… tuần 3.xlsx",
    "x" * FILE_NAME_CHARS_MAX,
    "..a",
    "文書.pdf",
]
BAD = {
    "nothing": "",
    "white space": " \t",
    "here": ".",
    "above": "..",
    "dots and spaces": ". .",
    "a path": "../../etc/passwd",
    "a path of Windows": "..\\a.exe",
    "a drive": "C:a.exe",
    "a stream": "a.txt:b.exe",
    "space before": " a.pdf",
    "space behind": "a.pdf ",
    "a space of another kind behind": "a.pdf\u00a0",
    "too long": "x" * (FILE_NAME_CHARS_MAX + 1),
    "the other direction": "../../\u202eexe.fdp",
    "the other direction alone": "a\u202efdp.exe",
    "an isolate": "a\u2066b.pdf",
    "a mark of direction": "a.pdf\u200f",
    "an Arabic mark of direction": "a.pdf\u061c",
    "a space without width": "a.p\u200bdf",
    "a joiner": "a\u200d.pdf",
    "a mark of byte order": "\ufeffa.pdf",
    "a soft hyphen": "a\u00ad.pdf",
    "a tag": "a\U000e0041.pdf",
    "a line break": "a\nb.pdf",
    "a line separator": "a\u2028.pdf",
    "a paragraph separator": "a\u2029.pdf",
    "a null": "a\x00.pdf",
    "a control of C1": "a\x85.pdf",
    "half a pair": "a\ud800.pdf",
    "no character": "a\uffff.pdf",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_name_is_a_name(name: str) -> None:
    assert is_file_name(name)


@pytest.mark.parametrize("case", BAD)
def test_what_is_a_path_or_hides_something_is_no_name(case: str) -> None:
    assert not is_file_name(BAD[case])


def test_the_length_is_the_caller_s_when_another_rule_counts() -> None:
    assert is_file_name("x" * 500, limit=500)
    assert not is_file_name("x" * 501, limit=500)


@pytest.mark.parametrize(
    "text",
    [
        "application/pdf",
        "Application/PDF",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "x/y+z",
    ],
)
def test_a_type_is_a_type(text: str) -> None:
    assert is_media_type(text)


@pytest.mark.parametrize(
    "text",
    ["", "pdf", "a/", "/b", "a/b/c", "text/html\u2028x", "text/html\nX-A: b", "text/ht ml", " a/b", "a/b ", "ä/b",
     "text/plain; charset=utf-8", "a/" + "b" * 65, "K/\u212a"],
)  # fmt: skip
def test_what_is_no_type_is_none(text: str) -> None:
    assert not is_media_type(text)


@pytest.mark.parametrize(
    "name",
    [
        "a.pdf",
        "A.PDF",
        "a.pdf\u200f",
        "a.p\u200bdf",
        "a.pdf.",
        " a.pdf ",
        "a.pdf\u00a0. .",
        "a.pdf\x00",
        "\ufeffa.pdf\u2028",
        "a.ｐｄｆ",
    ],
)
def test_without_its_disguise_a_name_says_what_it_is(name: str) -> None:
    assert plain_name(name) == "a.pdf"
