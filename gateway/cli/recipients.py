"""Where a document goes: codes from the command line and from a file with one code per line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.cli.errors import Failure
from gateway.cli.stdin import MARK, StandardInput
from gateway.core.limits import ORGAN_ID_CHARS_MAX, RECIPIENTS_MAX

_FILE_CHARS_MAX: Final = RECIPIENTS_MAX * (ORGAN_ID_CHARS_MAX + 200)
"""Room for a code and a remark on every line."""


def read_recipients(named: Iterable[str], file: Path | None, stdin: StandardInput) -> tuple[str, ...]:
    """Every code once, in the order given; whether a code exists is the gateway's to say.

    Raises:
        Failure: there is none, or the file is too large for a list of recipients.
        OSError: the file cannot be read.
    """
    codes = [*named, *(parse_lines(_read(file, stdin)) if file is not None else ())]
    if not codes:
        raise Failure("cli.no_recipient")
    return tuple(dict.fromkeys(codes))


def parse_lines(text: str) -> tuple[str, ...]:
    """The first word of every line; blank lines and what follows `#` are remarks."""
    words = (line.partition("#")[0].split() for line in text.removeprefix("\ufeff").splitlines())
    return tuple(line[0] for line in words if line)


def _read(file: Path, stdin: StandardInput) -> str:
    if str(file) == MARK:
        return stdin.read(4 * _FILE_CHARS_MAX, option="--to-file").decode(errors="replace")
    with file.open(encoding="utf-8", errors="replace") as opened:
        text = opened.read(_FILE_CHARS_MAX + 1)
    if len(text) > _FILE_CHARS_MAX:
        raise Failure("cli.file", path=str(file), reason=f"more than {_FILE_CHARS_MAX} characters")
    return text
