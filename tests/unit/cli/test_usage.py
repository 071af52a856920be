"""A line that was typed wrong is told in the reader's language."""

import json

import pytest
from typer import TyperException

from gateway.cli import main
from gateway.cli.errors import of_failure
from gateway.cli.exits import Exit
from gateway.cli.usage import of_usage


@pytest.mark.parametrize(
    ("line", "said", "detail", "hint"),
    [
        (("bogus",), "Không có lệnh 'bogus'.", "command · name='bogus'", ""),
        (("inbx",), "Không có lệnh 'inbx'.", "command · name='inbx' · near=inbox", "có phải: inbox"),
        (("audit",), "Chưa nêu lệnh.", "command_missing", ""),
        (("inbox", "--bogus"), "Không có tùy chọn --bogus.", "option · name=--bogus", ""),
        (("inbox", "--limt"), "Không có tùy chọn --limt.", "option · name=--limt · near=--limit", "có phải: --limit"),
        (("inbox", "--jsno"), "Không có tùy chọn --jsno.", "option · name=--jsno · near=--json", "có phải: --json"),
        (("inbox", "-x"), "Không có tùy chọn -x.", "option · name=-x", ""),
        (("get",), "Thiếu 'MÃ'.", "missing · name='MÃ'", ""),
        (("send", "x.pdf"), "Thiếu '--from'.", "missing · name='--from'", ""),
        (
            *(("inbox", "--limit", "0"), "Giá trị của '--limit' không hợp lệ."),
            *("value · name='--limit' · allowed=1…200", "dùng được: 1…200"),
        ),
        (("inbox", "--after", "x"), "Giá trị của '--after' không hợp lệ.", "value · name='--after' · allowed=0…", "0…"),
        (("--lang", "fr", "inbox"), "Giá trị của '--lang' không hợp lệ.", "name='--lang' · allowed=vi, en", "vi, en"),
        (("completion", "tcsh"), "Giá trị của 'bash|zsh|fish' không hợp lệ.", "allowed=bash, zsh, fish", "bash, zsh"),
        (("inbox", "--after"), "Tùy chọn '--after' cần một giá trị.", "value_missing · name='--after'", ""),
        (("trace", "k", "--verbose=1"), "Tùy chọn '--verbose' không nhận giá trị.", "name='--verbose'", ""),
        (("inbox", "2", "x"), "Thừa tham số: 2 x.", "extra · name=2 x", ""),
    ],
)
def test_typers_sentences_in_vietnamese(
    line: tuple[str, ...], said: str, detail: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    what, why, todo = capsys.readouterr().err.splitlines()
    assert what == f"Lỗi: {said}"
    assert why.startswith("Chi tiết: cli.usage.")
    assert detail in why
    assert todo.startswith("Cần làm: Xem cách viết bằng --help rồi gõ lại")
    assert hint in todo
    assert not todo.endswith(").") or hint
    assert "Invalid" not in why + todo
    assert "such" not in why + todo


def test_a_sentence_we_do_not_know_is_kept() -> None:
    failure = of_usage(TyperException("Something\n\tnew."))
    assert (failure.message_id, dict(failure.params)) == ("cli.usage", {"said": "Something new."})


def test_a_file_that_may_not_be_read_is_no_mistake_of_the_line() -> None:
    """6, as docs/CLI.md has it, and not 2."""
    failure = of_usage(TyperException("Invalid value for 'TỆP': File 'thư mời.pdf' is not readable."))
    report = of_failure(failure)
    assert (report.code, report.exit) == ("cli.file", Exit.PERMISSION)
    assert report.what.vi.startswith("Không dùng được tệp thư mời.pdf (")


def test_a_program_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bogus", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "error": {
            "code": "cli.usage.command",
            "what_vi": "Không có lệnh 'bogus'.",
            "what_en": "There is no command 'bogus'.",
            "detail": "cli.usage.command · name='bogus'",
            "todo_vi": "Xem cách viết bằng --help rồi gõ lại.",
            "todo_en": "Look it up with --help and type it again.",
            "trace_id": None,
        }
    }
    assert len(said.err.splitlines()) == 3
