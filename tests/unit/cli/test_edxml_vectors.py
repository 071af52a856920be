"""`gateway edxml inspect` of every vector prints what the facts say is to be found in it."""

import json
import re

import pytest

from gateway.cli import main
from tests.unit.cli.envelopes import Capture
from tests.unit.edxml.test_vectors import VECTORS, Expected

_PRINTED = re.compile(r"^  . (?:(?P<path>[^ :]+(?: [^ :]+)*): )?.* \[(?P<code>[a-z0-9_.]+)\]$")


def without_reason(finding: str) -> str:
    """`error attachment.archive Attachment[1] zip_ratio` without its last word."""
    severity, code, *rest = finding.split()
    return " ".join([severity, code, *rest[:1]]) if code == "attachment.archive" else finding


@VECTORS
def test_inspect_prints_the_expected_findings(vector: Expected, capsys: Capture) -> None:
    told = run(vector, capsys, "--json")
    expected = sorted(map(without_reason, vector.findings))
    if "refused" in vector.table:
        assert told[0] == 4
        reason = vector.table["refused"].split()[1]
        error = json.loads(told[1])["error"]
        assert error["code"] == "cli.edxml.not_edxml"
        assert error["detail"].endswith(f" reason={reason}")
        return
    findings = json.loads(told[1])["findings"]
    assert sorted(" ".join(filter(None, (one["severity"], one["code"], one["path"]))) for one in findings) == expected
    assert told[0] == (4 if any(one.startswith("error ") for one in expected) else 0)


@VECTORS
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_clerk_is_told_each_of_them_in_words(vector: Expected, language: str, capsys: Capture) -> None:
    _, printed = run(vector, capsys, "--lang", language)
    if "refused" in vector.table:
        return
    found = [line for line in printed.splitlines() if _PRINTED.match(line)]
    assert sorted(re.findall(r"\[([a-z0-9_.]+)\]$", "\n".join(found), re.MULTILINE)) == sorted(
        finding.split()[1] for finding in vector.findings
    )


def run(vector: Expected, capsys: Capture, *more: str) -> tuple[int, str]:
    code = main(["edxml", "inspect", str(vector.path), *more])
    return code, capsys.readouterr().out
