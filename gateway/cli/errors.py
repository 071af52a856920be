"""Errors as a person meets them: three lines, one exit code (`exits`); with `--json` as one object, too."""

import errno
import os
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Final

from rich.text import Text

from gateway.cli.exits import Exit, exit_code
from gateway.cli.output import LANGUAGES, Terminal
from gateway.core.errors import GatewayError
from gateway.core.plain_text import shown
from gateway.core.reasons import of_os
from gateway.observe import Text as Words
from gateway.observe import explain, text

DETAIL_CHARS_MAX: Final = 2_000
_OUTPUT_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
FIELDS_MAX: Final = 10


FAILURES: Final[Mapping[str, Exit]] = MappingProxyType(
    {
        "cli.usage": Exit.USAGE,
        "cli.no_recipient": Exit.USAGE,
        "cli.send_edxml": Exit.USAGE,
        "cli.envelope_alone": Exit.USAGE,
        "cli.date": Exit.USAGE,
        "cli.instant": Exit.USAGE,
        "cli.key_name": Exit.USAGE,
        "cli.organ": Exit.USAGE,
        "cli.address": Exit.USAGE,
        "cli.url": Exit.USAGE,
        "cli.registry_digest": Exit.USAGE,
        "cli.digest": Exit.USAGE,
        "cli.folder": Exit.USAGE,
        "cli.no_trust": Exit.USAGE,
        "cli.moment": Exit.USAGE,
        "cli.report_form": Exit.USAGE,
        "cli.report_files": Exit.USAGE,
        "cli.report_signatures": Exit.USAGE,
        "cli.report_input": Exit.USAGE,
        "cli.signature_alone": Exit.USAGE,
        "cli.seal_pair": Exit.USAGE,
        "cli.stdin_twice": Exit.USAGE,
        "cli.no_input": Exit.USAGE,
        "cli.unasked": Exit.USAGE,
        "cli.prove": Exit.USAGE,
        "cli.restore": Exit.USAGE,
        "cli.void": Exit.USAGE,
        "cli.log_key": Exit.USAGE,
        "cli.key.password": Exit.USAGE,
        "cli.seal.missing": Exit.USAGE,
        "cli.seal.at": Exit.USAGE,
        "cli.seal.believed": Exit.USAGE,
        "cli.seal.unused": Exit.USAGE,
        "cli.seal.tsa": Exit.USAGE,
        "cli.certificate": Exit.CONFIGURATION,
        "cli.edxml.unreadable": Exit.USAGE,
        "cli.edxml.form": Exit.USAGE,
        "cli.edxml.status_files": Exit.USAGE,
        "cli.edxml.file_stdin": Exit.USAGE,
        "cli.edxml.json_output": Exit.USAGE,
        "cli.edxml.not_document": Exit.USAGE,
        "cli.edxml.whom": Exit.USAGE,
        "cli.edxml.reason": Exit.USAGE,
        "cli.edxml.too_large": Exit.PROBLEM,
        "cli.edxml.speaker": Exit.VERIFICATION,
        "cli.edxml.unsound": Exit.VERIFICATION,
        "cli.edxml.secret": Exit.VERIFICATION,
        "cli.edxml.not_edxml": Exit.VERIFICATION,
        "cli.edxml.unnamed": Exit.VERIFICATION,
        "cli.edxml.changed": Exit.CONFLICT,
        "cli.registry": Exit.CONFIGURATION,
        "cli.registry_other": Exit.CONFIGURATION,
        "cli.trust": Exit.CONFIGURATION,
        "cli.policy_unread": Exit.CONFIGURATION,
        "cli.trust_demo": Exit.CONFIGURATION,
        "cli.trust.password": Exit.USAGE,
        "cli.not_folder": Exit.CONFLICT,
        "cli.exists": Exit.CONFLICT,
        "cli.partly_saved": Exit.CONFLICT,
        "cli.no_file": Exit.NOT_FOUND,
        "cli.no_folder": Exit.NOT_FOUND,
        "cli.no_position": Exit.NOT_FOUND,
        "cli.sent_key": Exit.NOT_FOUND,
        "cli.file": Exit.PERMISSION,
        "cli.output": Exit.PERMISSION,
        "cli.no_key": Exit.PERMISSION,
        "cli.proof": Exit.VERIFICATION,
        "cli.proof_gap": Exit.VERIFICATION,
        "cli.unreachable": Exit.UNREACHABLE,
        "cli.no_service": Exit.UNREACHABLE,
        "cli.no_answer": Exit.UNREACHABLE,
        "cli.tls": Exit.UNREACHABLE,
        "cli.bug": Exit.BUG,
    }
)
"""What the command line itself finds; `cli.usage` stands for all its kinds (`cli.usage.option` ...). What to do next is the
text under the same id and `.todo`."""

_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {"access.no_key": "cli.key_refused.todo", "not_found": "cli.not_found.todo"}
)
"""What to do next where the gateway's own advice, written for programs, does not help whoever typed a command."""


AT_HAND: Final = frozenset(
    {"file.unreadable", "key.certificate", "key.missing", "key.pin", "key.token", "timestamp.unavailable"}
)
"""What is told otherwise (`cli.hand.<code>`) where somebody signs with a key of his own: no gateway's operator has the turn,
and nothing is tried again by itself."""


class AtHand(Exception):  # noqa: N818 - an error of ours, and where it happened
    """An error of this process while a key was in somebody's hand."""

    def __init__(self, error: GatewayError, /) -> None:
        super().__init__(error.code)
        self.error: Final = error


@contextmanager
def at_hand() -> Iterator[None]:
    """What goes wrong inside is told to whoever typed the command.

    Raises:
        AtHand: an error of this process.
    """
    try:
        yield
    except GatewayError as error:
        raise AtHand(error) from error


class Failure(Exception):  # noqa: N818 - of a command, and told as one
    """Something the command line itself found wrong: an id of the catalogue and what fills it."""

    def __init__(self, message_id: str, /, **params: object) -> None:
        super().__init__(message_id)
        self.message_id: Final = message_id
        self.params: Final = MappingProxyType(params)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSaid:
    """One thing that is wrong with one field of what was handed to a command."""

    path: str
    """Dotted: `code.number`, `recipients[3].name`."""
    code: str
    """Id of the text."""
    words: Words


class FormFailure(Failure):
    """Some fields are wrong, and all of them are told."""

    def __init__(self, message_id: str, fields: tuple[FieldSaid, ...], /, **params: object) -> None:
        super().__init__(message_id, **params)
        self.fields: Final = fields


class Refusal(Exception):  # noqa: N818 - the gateway's word against ours
    """The gateway answered with a problem document (RFC 9457); `members` are its members, perhaps none.

    `said`: id of a text that tells whoever typed this command better than the gateway's own words, written for all callers.
    """

    def __init__(self, status: int, members: Mapping[str, Any], /, *, said: str = "") -> None:
        super().__init__(status)
        self.status: Final = status
        self.members: Final = members
        self.said: Final = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a person is told, what a program is told, and what the shell is told."""

    code: str
    """Stable: the gateway's code, or `cli.…` for what the command line itself found."""
    what: Words
    why: str
    todo: Words
    exit: Exit
    trace_id: str | None = None
    """Under which the gateway's log speaks of it, when the gateway said so."""
    fields: tuple[FieldSaid, ...] = ()
    """What is wrong with each field, where fields are wrong."""


def of_failure(failure: Failure) -> Report:
    """The report of what the command line found."""
    kind = "cli.usage" if failure.message_id.startswith("cli.usage.") else failure.message_id
    return Report(
        code=failure.message_id,
        what=text(failure.message_id, failure.params),
        why=details(failure.message_id, failure.params),
        todo=text(f"{kind}.todo", failure.params),
        exit=FAILURES[kind],
        fields=failure.fields if isinstance(failure, FormFailure) else (),
    )


def of_gateway_error(error: GatewayError, *, at_hand: bool = False) -> Report:
    """The report of an error of this process. `at_hand`: the key is that of whoever typed the command."""
    said = explain(f"cli.hand.{error.code}" if at_hand and error.code in AT_HAND else error.code, error.params)
    return Report(
        code=error.code,
        what=Words(vi=said.what_vi, en=said.what_en),
        why=details(error.code, error.params),
        todo=Words(vi=said.todo_vi, en=said.todo_en),
        exit=exit_code(error.code),
    )


def of_refusal(refusal: Refusal, terminal: Terminal) -> Report:
    """The report of a problem document: the gateway's own words where it gave some, and everything to ask it about."""
    members, code = refusal.members, str(refusal.members.get("code", ""))
    trace = members.get("trace_id")
    facts = {"status": refusal.status, "trace": trace, "fields": _fields(members.get("errors"), terminal)}
    what = _words(members, "what", text("cli.refused", {"status": refusal.status}))
    todo = text(_ADVICE[code]) if code in _ADVICE else _words(members, "todo", text("cli.refused.todo"))
    if refusal.said:
        what, todo = text(refusal.said), text(f"{refusal.said}.todo")
    return Report(
        code=code or f"http.{refusal.status}",
        what=what,
        why=details(code or f"HTTP {refusal.status}", facts),
        todo=todo,
        exit=exit_code(code, refusal.status),
        trace_id=None if trace is None else str(trace),
    )


def _words(members: Mapping[str, Any], part: str, instead: Words) -> Words:
    """One part of what the gateway says, in each language that it speaks."""
    messages = members.get("messages")
    found = {}
    for language in LANGUAGES:
        said = messages.get(language) if isinstance(messages, Mapping) else None
        found[language] = said.get(part) if isinstance(said, Mapping) else None
    return Words(vi=str(found["vi"] or instead.vi), en=str(found["en"] or instead.en))


def _fields(errors: object, terminal: Terminal) -> str:
    """Which fields are wrong, in words."""
    if not isinstance(errors, list):
        return ""
    rows = [row for row in errors[:FIELDS_MAX] if isinstance(row, Mapping)]
    return "; ".join(f"{row.get('pointer', '')}: {row.get(f'message_{terminal.language}', '')}" for row in rows)


def of_os_error(error: OSError) -> Failure:
    """A file that is not there, or not for us; of all files only our own output has no name."""
    path, reason = error.filename or "", of_os(error)
    if not path and error.errno in _OUTPUT_ERRNOS:
        return Failure("cli.output", reason=reason)
    if isinstance(error, FileNotFoundError):
        return Failure("cli.no_file", path=path)
    if isinstance(error, FileExistsError):
        return Failure("cli.exists", path=path)
    if isinstance(error, IsADirectoryError):
        return Failure("cli.folder", path=path)
    if isinstance(error, NotADirectoryError):
        return Failure("cli.not_folder", path=path)
    return Failure("cli.file", path=path, reason=reason)


def of_bug(error: BaseException) -> Failure:
    """A fault of our own: the trace goes into a file of its own, the person gets its id."""
    bug = token_hex(4)
    descriptor, path = tempfile.mkstemp(prefix=f"gateway-{bug}-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(traceback.format_exception(error))
    return Failure("cli.bug", bug=bug, path=path)


def details(code: str, params: Mapping[str, object]) -> str:
    """The line for whoever is asked for help: the code and what it was about."""
    return " · ".join([code, *(f"{name}={value}" for name, value in params.items() if value not in ("", None))])


def tell(report: Report, terminal: Terminal) -> int:
    """Print the three lines, and behind the first one a line for each field that is wrong; the exit code."""
    lines = (
        (terminal.text("cli.line.what"), terminal.choose(report.what), "bold red"),
        (terminal.text("cli.line.why"), report.why, ""),
        (terminal.text("cli.line.todo"), terminal.choose(report.todo), ""),
    )
    for head, line, style in lines:
        terminal.talk.print(Text.assemble((f"{head} ", style or "bold"), _shown(line)), soft_wrap=True)
        if style:
            for field in report.fields:
                terminal.note(f"  {field.path}{': ' if field.path else ''}{terminal.choose(field.words)}")
    return report.exit


def report_json(report: Report) -> dict[str, Any]:
    """The report for programs: what stands in the lines, in both languages; `fields` only where some are wrong."""
    fields = [
        {"path": field.path, "code": field.code, "message_vi": field.words.vi, "message_en": field.words.en}
        for field in report.fields
    ]
    return {
        "code": report.code,
        "what_vi": _shown(report.what.vi),
        "what_en": _shown(report.what.en),
        "detail": _shown(report.why),
        "todo_vi": _shown(report.todo.vi),
        "todo_en": _shown(report.todo.en),
        "trace_id": report.trace_id,
    } | ({"fields": fields} if fields else {})


def _shown(line: str) -> str:
    plain = shown(line)
    return plain if len(plain) <= DETAIL_CHARS_MAX else plain[:DETAIL_CHARS_MAX] + "…"
