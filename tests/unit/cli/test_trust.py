"""`gateway trust`: the ceremony of a list from its folder to the gateway, and fetching for an office without a network."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.cli import main
from gateway.cli.exits import Exit
from gateway.observe import SystemClock
from tests.kit.trust_lists import ListFolder, make_list
from tests.unit.cli.schemas import check
from tests.unit.cli.site import Site

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def listed(site: Site, tmp_path: Path) -> ListFolder:
    return make_list(tmp_path / "lists", site.trust, now=SystemClock().now())


@pytest.fixture
def told(capsys: Capture) -> Any:
    def run(*line: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert main([*map(str, line), "--json"]) == code
        captured = capsys.readouterr()
        found = json.loads(captured.out)
        return found.get("error", found)

    return run


def test_a_list_is_drafted_signed_by_two_and_checked(site: Site, listed: ListFolder, tmp_path: Path, told: Any) -> None:
    draft, once, twice = (tmp_path / f"{name}.json" for name in ("draft", "once", "twice"))
    drafted = told("trust", "draft", site.trust, "--name", "Gốc", "--number", 9, "-o", draft)
    check("trust_draft", drafted)
    assert told("trust", "check", draft, "--keys", listed.keys, code=Exit.VERIFICATION)["code"] == "trust.unsigned"
    signed = told("trust", "sign", draft, "--key", listed.one, "-o", once)
    check("trust_sign", signed)
    assert told("trust", "check", once, "--keys", listed.keys, code=Exit.VERIFICATION)["code"] == "trust.unsigned"
    told("trust", "check", once, "--keys", listed.keys, "--signatures", 1)
    told("trust", "sign", once, "--key", listed.one, "-o", once, "--force")
    assert told("trust", "check", once, "--keys", listed.keys, code=Exit.VERIFICATION)["code"] == "trust.unsigned"
    told("trust", "sign", once, "--key", listed.two, "-o", twice)
    said = told("trust", "check", twice, "--keys", listed.keys)
    check("trust_check", said)
    assert (said["number"], said["signers"], said["sha256"]) == (9, ["one", "two"], signed["sha256"])
    assert {one["role"] for one in said["certificates"]} >= {"bodies", "intermediates"}


def test_a_file_is_not_written_over_unasked(listed: ListFolder, tmp_path: Path, told: Any) -> None:
    before = listed.file.read_bytes()
    error = told("trust", "sign", listed.file, "--key", listed.one, "-o", listed.file, code=Exit.CONFLICT)
    assert error["code"] == "cli.exists"
    assert listed.file.read_bytes() == before


def test_a_key_with_a_password_needs_its_file(listed: ListFolder, tmp_path: Path, told: Any) -> None:
    key = load_pem_private_key(listed.one.read_bytes(), None)
    locked, secret = tmp_path / "locked.pem", tmp_path / "password"
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption("mật".encode())))
    secret.write_text("mật\n", "utf-8")
    line = ("trust", "sign", listed.file, "--key", locked, "-o", tmp_path / "out.json")
    assert told(*line, code=Exit.USAGE)["code"] == "cli.trust.password"
    told(*line, "--password-file", secret)
    secret.write_text("sai")
    assert told(*line, "--force", "--password-file", secret, code=Exit.CONFIGURATION)["code"] == "key.missing"


@pytest.fixture
def with_list(site: Site, listed: ListFolder) -> Site:
    """The site with its anchors in the list."""
    text = site.config_file.read_text("utf-8")
    section = f'[trust]\nlist = "{listed.file}"\nlist_keys = "{listed.keys}"\n'
    other = site.config_file.with_name("listed.toml")
    folder = listed.file.parent / "trust"
    shutil.copytree(site.trust, folder)
    shutil.rmtree(folder / "anchors")
    lines = [line for line in text.splitlines() if not line.startswith("folder =")]
    other.write_text("\n".join(lines).replace("[trust]", f'{section}folder = "{folder}"'), "utf-8")
    return Site(
        folder=site.folder, config_file=other, document=site.document, unsigned=site.unsigned, log_key=site.log_key
    )


def test_a_configuration_with_a_list_shows_it_and_tells_what_is_wrong_with_it(
    with_list: Site, listed: ListFolder, told: Any
) -> None:
    shown = told("trust", "show", "--config", with_list.config_file)
    check("trust_show", shown)
    assert shown["number"] == 7
    assert shown["policy"]["name"] == "edoc-gateway"
    assert {one["role"] for one in shown["certificates"]} >= {"bodies", "intermediates"}
    assert shown["evidence"]
    told("config", "check", "--config", with_list.config_file)
    listed.file.write_bytes(listed.file.read_bytes().replace(b'"number": 7', b'"number": 8'))
    error = told("trust", "show", "--config", with_list.config_file, code=Exit.VERIFICATION)
    assert error["code"] == "trust.unsigned"
    told("config", "check", "--config", with_list.config_file, code=Exit.CONFIGURATION)


def test_what_is_fetched_from_a_mirror_is_shown(site: Site, tmp_path: Path, told: Any) -> None:
    first, *_ = sorted((site.trust / "crls").iterdir())
    (tmp_path / "bad.crl").write_bytes(b"<html>")
    sources = "".join(
        f'\n[[revocation.sources]]\nurl = "http://ca.example/{path.name}"\nmirror = "{path}"\n'
        for path in (first, tmp_path / "bad.crl")
    )
    other = site.config_file.with_name("fetching.toml")
    store = tmp_path / "store"
    text = site.config_file.read_text("utf-8")
    other.write_text(f'{text}\n[revocation]\nstore = "{store}"\n{sources}', "utf-8")
    fetched = told("trust", "fetch", "--config", other, code=Exit.PROBLEM)
    check("trust_fetch", fetched)
    assert [one["result"] for one in fetched["sources"]] == ["new", "failed"]
    assert [one["result"] for one in told("trust", "fetch", "--config", other, code=Exit.PROBLEM)["sources"]] == [
        "same",
        "failed",
    ]
    assert len(list((store / "crls").iterdir())) == 1
