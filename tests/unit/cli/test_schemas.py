"""Every command's JSON has its documented form; docs/CLI.md has an example of each, and they have it, too."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from gateway.cli import main
from gateway.cli.audit import report_json
from gateway.cli.exits import Exit
from gateway.cli.grammar import ROWS
from tests.unit.api.world import PARTY, PDF, WARD, WARD_KEY
from tests.unit.cli import test_audit
from tests.unit.cli.schemas import FORMS, SCHEMAS, check
from tests.unit.cli.site import Site
from tests.unit.cli.world import LETTER, Office

PAGE = Path(__file__).parents[3] / "docs" / "CLI.md"
Capture = pytest.CaptureFixture[str]


def test_the_schema_is_one_and_has_every_command() -> None:
    Draft202012Validator.check_schema(SCHEMAS)
    assert {row.id for row in ROWS if row.data} <= FORMS


def test_what_is_not_documented_is_found() -> None:
    check("version", {"name": "gateway", "version": "1", "python": "3"})
    for wrong in ({"name": "gateway", "version": "1"}, {"name": "gateway", "version": "1", "python": "3", "more": 1}):
        with pytest.raises(ValidationError):
            check("version", wrong)


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("version", "version"),
        ("config_check", "config check --config {config}"),
        ("config_show", "config show --config {config}"),
        ("queue_list", "queue list --config {config}"),
        ("queue_list", "queue list --dead --config {config}"),
        ("apikey", "apikey --name x --organ H29.16 --scope read"),
        ("trust_show", "trust show --config {config}"),
        ("trust_fetch", "trust fetch --config {config}"),
        ("audit_head", "audit head --config {config}"),
        ("proof", "audit prove {document} --config {config}"),
    ],
)
def test_commands_of_a_site(site: Site, form: str, line: str, capsys: Capture) -> None:
    words = line.format(config=site.config_file, document=site.document).split()
    assert main([*words, "--json"]) == 0
    check(form, json.loads(capsys.readouterr().out))


def test_a_checked_proof(site: Site, tmp_path: Path, capsys: Capture) -> None:
    path = str(tmp_path / "proof.json")
    assert main(["audit", "prove", site.document, "--config", str(site.config_file), "-o", path]) == 0
    capsys.readouterr()
    assert main(["audit", "prove", "--check", path, "--key", site.log_key, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    check("checked_proof", told)
    check("audit_prove", told)


def test_a_configuration_with_problems(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "bad.toml").write_text('[gateway]\nid = "X"\n')
    assert main(["config", "check", "--config", str(tmp_path / "bad.toml"), "--json"]) == Exit.CONFIGURATION
    check("config_check", json.loads(capsys.readouterr().out))


def test_the_check_of_an_installation() -> None:
    check("audit_verify", report_json(test_audit.REPORT))
    check("audit_verify", report_json(test_audit.BAD))


def test_an_error(capsys: Capture) -> None:
    assert main(["bogus", "--json"]) == 2
    check("error", json.loads(capsys.readouterr().out))


async def test_commands_of_an_office(
    running: Office, letter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    async def told(*line: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert await running.run(*line, "--json") == code
        return json.loads(capsys.readouterr().out)

    running.desks.register(PARTY, "Văn phòng Thành ủy")
    running.desks.register(WARD, "Ủy ban nhân dân")
    check("dry_run", await told("send", letter, *LETTER, "--dry-run"))
    sent = await told("send", letter, *LETTER)
    check("send", sent)
    check("trace", await told("trace", sent["key"]))
    check("dry_run", await told("release", sent["key"], "--dry-run", code=7))
    check("org_show", await told("org", "show", WARD))
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    check("inbox", await told("inbox"))
    check("trace", await told("trace", entry.key))
    check("get", await told("get", entry.key, "-o", str(tmp_path / "in")))
    check("dry_run", await told("accept", entry.key, "--dry-run"))
    check("accept", await told("accept", entry.key))
    check("dry_run", await told("refuse", entry.key, "--reason", "x", "--dry-run", code=7))


def examples() -> dict[str, Any]:
    """Commands of docs/CLI.md and the JSON under each."""
    found = re.findall(r"```console\n\$ gateway ([^\n]*)\n(\{.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return {line: json.loads(data) for line, data in found}


def test_every_command_has_an_example_of_its_form_in_the_docs() -> None:
    shown = examples()
    for row in ROWS:
        if not row.data:
            continue
        mine = [data for line, data in shown.items() if line.startswith(f"{row.name} ") and "--dry-run" not in line]
        assert mine, f"docs/CLI.md has no example of {row.name} --json"
        for data in mine:
            check(row.id, data)


def test_the_docs_name_every_command_and_every_exit_code() -> None:
    page = PAGE.read_text("utf-8")
    assert [row.name for row in ROWS if f"| `{row.name}" not in page] == []
    for code in Exit:
        assert re.search(rf"^\| {code.value} \|", page, re.MULTILINE), code
