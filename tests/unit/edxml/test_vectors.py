"""Every vector of `tests/vectors/edxml` through both readers: what the facts say of it is what they make of it.

`python -m tests.unit.edxml.test_vectors` writes the table of docs/EDXML.md again.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum, IntEnum
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import SenderError
from gateway.edxml import Finding, ReadAttachment, Reading, Severity, read_message, read_tolerantly
from gateway.safe_xml import read_foreign, read_skeleton
from tests.kit.edxml_vectors import FOLDER, GROUPS, vectors

PAGE = Path(__file__).parents[3] / "docs" / "EDXML.md"
BEGIN, END = "<!-- the table of vectors begins here -->\n", "<!-- the table of vectors ends here -->\n"
SDK = Path(__file__).parents[3] / ".." / "shared" / "vectors" / "edxml-sdk"
DEFAULTS = tomllib.loads((FOLDER / "expect.toml").read_text(encoding="utf-8"))
TEXTS = {"about", "source", "kind", "like", "strict", "refused", "model"}
KEYS = TEXTS | {"says", "files", "findings"}


@dataclass(frozen=True)
class Expected:
    """What the facts say of one vector."""

    name: str
    table: dict[str, Any]

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.edxml"

    @property
    def findings(self) -> list[str]:
        return sorted(chain.from_iterable(map(expanded, self.table.get("findings", ()))))


def load() -> Iterator[Expected]:
    for group in GROUPS:
        tables = tomllib.loads((FOLDER / group / "expect.toml").read_text(encoding="utf-8"))
        for name, table in tables.items():
            yield Expected(f"{group}/{name}", inherited(table, tables))


def inherited(table: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """The table over the one that it is like; a field with an empty text is taken away."""
    like = table.get("like", "letter")
    base = DEFAULTS[like] if like in DEFAULTS else inherited(group[like], group)
    says = {path: value for path, value in (base["says"] | table.get("says", {})).items() if value}
    return {"kind": base["kind"], "files": base["files"]} | table | {"says": says}


def expanded(finding: str) -> Iterator[str]:
    """`To[2-4]` is three findings."""
    if found := re.search(r"\[(\d+)-(\d+)\]", finding):
        for number in range(int(found[1]), int(found[2]) + 1):
            yield finding.replace(found[0], f"[{number}]")
    else:
        yield finding


EXPECTED = list(load())
VECTORS = pytest.mark.parametrize("vector", EXPECTED, ids=[one.name for one in EXPECTED])


def told(finding: Finding) -> str:
    words = (finding.severity.value, finding.code, finding.path, str(finding.params.get("reason", "")))
    return " ".join(filter(None, words))


def said(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every field that says something, by its path."""
    if is_dataclass(value):
        for field in fields(value):
            yield from said(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from said(one, f"{path}[{number}]")
    elif isinstance(value, bool):
        if value or path == "direction":
            yield path, str(value).lower()
    elif isinstance(value, Enum):
        yield path, value.name if isinstance(value, IntEnum) else str(value.value)
    elif isinstance(value, date):
        yield path, value.isoformat()
    elif value not in {None, ""}:
        yield path, str(value)


def shown(file: ReadAttachment) -> str:
    words = [file.name, file.content_type, file.media_type, str(file.file.size), str(file.file.digest)]
    return " | ".join([*words, *(["bound"] if file.bound else []), *(["wrapped"] if file.wrapped else [])])


def refusal(error: SenderError) -> str:
    return " ".join(str(word) for word in (error.code, error.params.get("reason"), error.params.get("element")) if word)


def tolerantly(data: bytes) -> Reading:
    return read_tolerantly(read_foreign([data]))


def strictly(data: bytes) -> Reading:
    return read_message(read_skeleton([data]))


def test_the_files_are_those_that_are_made() -> None:
    made = vectors()
    kept = {str(path.relative_to(FOLDER).with_suffix("")): path.read_bytes() for path in FOLDER.rglob("*.edxml")}
    assert kept.keys() == made.keys()
    assert [name for name, data in made.items() if kept[name] != data] == []


def test_every_file_has_its_expectation_and_every_expectation_its_file() -> None:
    assert sorted(one.name for one in EXPECTED) == sorted(vectors())
    assert [one.name for one in EXPECTED if one.table.keys() - KEYS or not one.table.get("source")] == []


@VECTORS
def test_the_tolerant_reader_says_what_the_facts_say(vector: Expected) -> None:
    data = vector.path.read_bytes()
    if "refused" in vector.table:
        with pytest.raises(SenderError) as caught:
            read_foreign([data])
        assert refusal(caught.value) == vector.table["refused"]
        return
    reading = tolerantly(data)
    assert sorted(map(told, reading.findings)) == vector.findings
    if "model" in vector.table:
        return
    assert reading.kind.value == vector.table["kind"]
    assert dict(said(reading.message)) == vector.table["says"]
    assert [shown(file) for file in reading.attachments] == vector.table["files"]


@VECTORS
def test_the_strict_reader_takes_it_or_says_why_not(vector: Expected) -> None:
    data = vector.path.read_bytes()
    refused = vector.table.get("strict") or vector.table.get("refused")
    if refused:
        with pytest.raises(SenderError) as caught:
            strictly(data)
        assert refusal(caught.value) == refused
        return
    strict, tolerant = strictly(data), tolerantly(data)
    assert strict.message == tolerant.message
    assert [(file.name, file.payload, file.bound) for file in strict.attachments] == [
        (file.name, file.payload, file.bound) for file in tolerant.attachments
    ]
    assert not [told(finding) for finding in strict.findings if finding.severity != Severity.NOTE]


@VECTORS
def test_what_was_repaired_or_refused_is_never_without_a_finding(vector: Expected) -> None:
    """Whatever the expectations say: what the strict reader does not take, the tolerant one does not pass in silence."""
    if "refused" in vector.table or not vector.table.get("strict"):
        return
    severities = {finding.severity for finding in tolerantly(vector.path.read_bytes()).findings}
    assert severities & {Severity.ERROR, Severity.REPAIRED}


@pytest.mark.parametrize("name", ["built-edoc.edxml", "built-status.edxml"])
def test_what_the_vendors_software_wrote_is_read_without_error(name: str) -> None:
    path = SDK / name
    if not path.is_file():
        pytest.skip("the shared vectors are not here")
    reading = tolerantly(path.read_bytes())
    assert [told(finding) for finding in reading.findings if finding.severity != Severity.NOTE] == []
    assert strictly(path.read_bytes()).message == reading.message
    assert [file.wrapped for file in reading.attachments] == ([False, True, True] if "edoc" in name else [])


# --- the page --------------------------------------------------------------------------------------------------------


def table() -> str:
    lines = [
        "| vector | what it is | facts | strict reader | findings of the tolerant reader |",
        "|---|---|---|---|---|",
    ]
    lines += [row(one) for one in EXPECTED]
    return "\n".join(lines) + "\n"


def row(one: Expected) -> str:
    strict = one.table.get("strict") or one.table.get("refused") or "takes it"
    findings = "<br>".join(f"`{finding}`" for finding in one.table.get("findings", ())) or "none"
    if "refused" in one.table:
        findings = "refuses it too"
    cells = (f"`{one.name}`", one.table["about"], one.table["source"], strict, findings)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def with_table(page: str) -> str:
    head, rest = page.split(BEGIN)
    return head + BEGIN + table() + END + rest.split(END)[1]


def test_the_page_shows_the_vectors() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "python -m tests.unit.edxml.test_vectors"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
