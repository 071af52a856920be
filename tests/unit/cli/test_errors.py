from pathlib import Path

import pytest

from gateway.cli import by_hand, errors
from gateway.cli.errors import Failure, Refusal, of_bug, of_failure, of_gateway_error, of_os_error, tell
from gateway.cli.exits import Exit, exit_code
from gateway.core.errors import CATALOGUE, SenderError
from tests.unit.cli.world import printed, terminal


def test_every_code_of_the_catalogue_has_a_sensible_exit() -> None:
    for code, facts in CATALOGUE.items():
        found = exit_code(code)
        assert found not in (Exit.OK, Exit.INTERRUPTED), code
        if facts.status in (401, 403) and code.startswith("access."):
            assert found is Exit.PERMISSION, code
        if code == "internal":
            assert found is Exit.BUG
        if facts.retryable and code.startswith(("store.", "worker.")):
            assert found is Exit.UNREACHABLE, code


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("not_found", 404, Exit.NOT_FOUND),
        ("conflict.state", 409, Exit.CONFLICT),
        ("access.scope", 403, Exit.PERMISSION),
        ("seal.broken", 422, Exit.VERIFICATION),
        ("seal.missing", 422, Exit.PROBLEM),
        ("recipient.unknown", 422, Exit.PROBLEM),
        ("request.field", 422, Exit.USAGE),
        ("config.invalid", 500, Exit.CONFIGURATION),
        ("store.damaged", 500, Exit.VERIFICATION),
        ("peer.unreachable", 502, Exit.UNREACHABLE),
        ("made.up", 409, Exit.CONFLICT),
        ("", 503, Exit.UNREACHABLE),
        ("", 418, Exit.PROBLEM),
    ],
)
def test_exit_codes(code: str, status: int, expected: Exit) -> None:
    assert exit_code(code, status) is expected


def test_an_error_is_three_lines() -> None:
    shown = terminal("en")
    error = SenderError("recipient.closed", organ="H29.16", successor="H29.99")
    assert tell(of_gateway_error(error), shown) == 1
    lines = printed(shown.talk).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Error: The recipient's identification code")
    assert "H29.16" in lines[0]
    assert lines[1] == "Details: recipient.closed · organ=H29.16 · successor=H29.99"
    assert lines[2].startswith("To do: ")
    assert printed(shown.out) == ""


def test_every_failure_of_the_command_line_is_told_in_both_languages() -> None:
    usages = [f"cli.usage.{kind}" for kind in ("command", "option", "missing", "value", "extra")]
    for name, code in {**errors.FAILURES, **dict.fromkeys(usages, Exit.USAGE)}.items():
        for language in ("vi", "en"):
            shown = terminal(language)
            assert tell(of_failure(Failure(name)), shown) == code
            assert len(printed(shown.talk).splitlines()) == 3
            assert "Người dùng lệnh" not in printed(shown.talk)


def test_a_problem_document_speaks_for_itself() -> None:
    shown = terminal("vi")
    refusal = Refusal(
        422,
        {
            "code": "request.field",
            "trace_id": "ab" * 16,
            "messages": {"vi": {"what": "Có thông tin chưa hợp lệ\x1b[2J", "todo": "Sửa lại."}},
            "errors": [{"pointer": "/subject", "code": "field.required", "message_vi": "Thiếu."}, "nonsense"],
        },
    )
    assert tell(errors.of_refusal(refusal, shown), shown) == Exit.USAGE
    what, why, todo = printed(shown.talk).splitlines()
    assert what == "Lỗi: Có thông tin chưa hợp lệ[U+001B][2J"
    assert why == f"Chi tiết: request.field · status=422 · trace={'ab' * 16} · fields=/subject: Thiếu."
    assert todo == "Cần làm: Sửa lại."
    told = errors.report_json(errors.of_refusal(refusal, shown))
    assert (told["code"], told["trace_id"]) == ("request.field", "ab" * 16)
    assert (told["what_vi"], told["todo_vi"]) == ("Có thông tin chưa hợp lệ[U+001B][2J", "Sửa lại.")
    assert told["what_en"] == "The gateway answered with an error (HTTP 422)."


@pytest.mark.parametrize(
    ("code", "wish", "todo"),
    [
        ("not_found", "pause", "gateway queue list"),
        ("not_found", "void", "gateway queue list"),
        ("reason.missing", "void", "--confirm"),
        ("conflict.state", "resume", "gateway queue list"),
    ],
)
def test_an_operator_at_the_queue_is_told_what_he_can_do(code: str, wish: str, todo: str) -> None:
    members = {"code": code, "messages": {"vi": {"what": "của cơ quan", "todo": "việc của cơ quan"}}}
    shown = terminal("vi")
    refusal = Refusal(409, members, said=by_hand._said(code, wish))
    told = errors.of_refusal(refusal, shown)
    assert tell(told, shown) == exit_code(code, 409)
    assert todo in printed(shown.talk)
    assert "của cơ quan" not in printed(shown.talk)


@pytest.mark.parametrize(
    "members", [{}, {"code": 7, "messages": 3}, {"messages": {"vi": "x"}, "errors": {"a": 1}}, {"code": "x" * 10_000}]
)
def test_whatever_a_stranger_answers(members: dict[str, object]) -> None:
    shown = terminal("vi")
    assert tell(errors.of_refusal(Refusal(503, members), shown), shown) == Exit.UNREACHABLE
    assert len(printed(shown.talk).splitlines()) == 3
    assert len(printed(shown.talk)) < 5_000


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(2, "No such file", "x"), Exit.NOT_FOUND),
        (FileExistsError(17, "File exists", "x"), Exit.CONFLICT),
        (IsADirectoryError(21, "Is a directory", "x"), Exit.USAGE),
        (NotADirectoryError(20, "Not a directory", "x"), Exit.CONFLICT),
        (PermissionError(13, "Permission denied", "x"), Exit.PERMISSION),
        (OSError("strange"), Exit.PERMISSION),
    ],
)
def test_files(error: OSError, expected: Exit) -> None:
    shown = terminal()
    assert tell(of_failure(of_os_error(error)), shown) is expected


def test_a_bug_leaves_its_trace_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shown = terminal()
    with pytest.raises(ZeroDivisionError) as bug:
        raise ZeroDivisionError("of all things")
    assert tell(of_failure(of_bug(bug.value)), shown) == Exit.BUG
    (file,) = tmp_path.iterdir()
    assert str(file) in printed(shown.talk).replace("\n", "")
    assert "of all things" in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
