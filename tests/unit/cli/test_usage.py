"""A line that was typed wrong is told in the reader's language."""

import json

import pytest

from gateway.cli import main
from gateway.cli.usage import of_usage


@pytest.mark.parametrize(
    ("line", "said", "detail"),
    [
        (("bogus",), "Không có lệnh 'bogus'.", "No such command 'bogus'."),
        (("inbx",), "Không có lệnh 'inbx'.", "Did you mean 'inbox'?"),
        (("audit",), "Chưa nêu lệnh.", "Missing command."),
        (("inbox", "--bogus"), "Không có tùy chọn --bogus.", "No such option: --bogus"),
        (("inbox", "-x"), "Không có tùy chọn -x.", "No such option: -x"),
        (("get",), "Thiếu 'MÃ'.", "Missing argument 'MÃ'."),
        (("refuse", "k"), "Thiếu '--reason'.", "Missing option '--reason'."),
        (("inbox", "--limit", "0"), "Giá trị của '--limit' không hợp lệ.", "Invalid value for '--limit'"),
        (("inbox", "--after", "x"), "Giá trị của '--after' không hợp lệ.", "Invalid value for '--after'"),
        (("inbox", "--after"), "Tùy chọn '--after' cần một giá trị.", "requires an argument."),
        (("trace", "k", "--verbose=1"), "Tùy chọn '--verbose' không nhận giá trị.", "does not take a value."),
        (("inbox", "2", "x"), "Thừa tham số: 2 x.", "Got unexpected extra argument(s) (2 x)"),
    ],
)
def test_typers_sentences_in_vietnamese(
    line: tuple[str, ...], said: str, detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    what, why, todo = capsys.readouterr().err.splitlines()
    assert what == f"Lỗi: {said}"
    assert detail in why
    assert todo == "Cần làm: Xem cách viết bằng --help rồi gõ lại."


def test_a_sentence_we_do_not_know_is_kept() -> None:
    failure = of_usage("Something\n\tnew.")
    assert (failure.message_id, failure.why) == ("cli.usage", "Something new.")


def test_a_program_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bogus", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "error": {
            "code": "cli.usage.command",
            "what_vi": "Không có lệnh 'bogus'.",
            "what_en": "There is no command 'bogus'.",
            "detail": "No such command 'bogus'.",
            "todo_vi": "Xem cách viết bằng --help rồi gõ lại.",
            "todo_en": "Look it up with --help and type it again.",
            "trace_id": None,
        }
    }
    assert len(said.err.splitlines()) == 3
