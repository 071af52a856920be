"""`gateway apikey`: what it prints is a configuration, and the key in it opens."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.access import StoredAuthenticator, secret_digest
from gateway.audit import sequence
from gateway.cli import main
from gateway.config import Config, load_config
from gateway.core.grants import ApiKey
from gateway.core.ids import Digest, OrganId
from gateway.core.principal import Presented, Scope
from gateway.storage import open_memory
from tests.kit.clock import START, ManualClock

EXAMPLE = Path(__file__).parents[3] / "config" / "gateway.example.toml"
LINE = (
    "apikey",
    "--name",
    'QLVB "phường"',
    "--organ",
    "Z79.B",
    "--organ",
    "Z79.A",
    "--scope",
    "send",
    "--scope",
    "read",
)
EXPIRY = ("--expires-at", "2027-12-31T23:59:59+07:00")


def configured(folder: Path, table: str) -> Config:
    """The example's configuration with the printed table pasted at its end."""
    head, _, _ = EXAMPLE.read_text(encoding="utf-8").partition("# One table for each API key")
    path = folder / "gateway.toml"
    path.write_text(head + table, encoding="utf-8")
    return load_config(path)


def test_the_key_comes_first_and_the_table_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, *EXPIRY]) == 0
    said = capsys.readouterr()
    shown, _, table = said.out.partition("\n\n")
    (entry,) = configured(tmp_path, table).access.keys
    assert entry.sha256 == secret_digest(shown)
    assert (entry.name, entry.organs, entry.scopes) == ('QLVB "phường"', ("Z79.A", "Z79.B"), (Scope.READ, Scope.SEND))
    assert entry.expires_at == datetime(2027, 12, 31, 16, 59, 59, tzinfo=UTC)
    assert shown.removeprefix(f"gwk_{entry.id}_") not in table
    assert "chỉ hiện một lần" in said.err
    assert shown not in said.err


async def test_the_key_opens_once_its_table_is_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    (entry,) = configured(tmp_path, made["toml"]).access.keys
    assert (entry.id, entry.expires_at) == (made["key_id"], None)
    row = ApiKey(
        key_id=entry.id,
        name=entry.name,
        secret_digest=Digest(entry.sha256),
        organs=frozenset(map(OrganId, entry.organs)),
        scopes=frozenset(entry.scopes),
        expires_at=entry.expires_at,
        revoked_at=None,
    )
    store = open_memory(sequencer=sequence)
    await store.transact(lambda uow: uow.access.declare([row], START))
    authenticator = StoredAuthenticator(store=store, clock=ManualClock(), read_certificate=lambda _der: None)
    principal = await authenticator.authenticate(Presented(key=made["key"]))
    await store.close()
    assert principal is not None
    assert principal.organs == {"Z79.A", "Z79.B"}
    assert principal.may(Scope.SEND)
    assert not principal.may(Scope.SEAL)


def test_every_key_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    keys = set()
    for _ in range(3):
        assert main([*LINE, "--json"]) == 0
        keys.add(json.loads(capsys.readouterr().out)["key"])
    assert len(keys) == 3


@pytest.mark.parametrize("name", ['a\\"b]', "'''", "x = 1 # y", "Ủy ban", "\\u007f", "𝄞"])
def test_any_name_that_is_taken_reads_back(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apikey", "--name", name, "--organ", "Z79", "--scope", "act", "--json"]) == 0
    (entry,) = tomllib.loads(json.loads(capsys.readouterr().out)["toml"])["access"]["keys"]
    assert entry["name"] == name


@pytest.mark.parametrize(
    "changed",
    [
        ("--name", ""),
        ("--name", "x" * 201),
        ("--name", "hai\ndòng"),
        ("--name", "\u202egnod"),
        ("--name", "\x7f"),
        ("--name", "\udcff"),
        ("--organ", "phuong"),
        ("--organ", "Z79." + "A" * 40),
        ("--scope", "everything"),
        ("--address", "10.0.0.1/8"),
        ("--address", "anywhere"),
        ("--address", ""),
        ("--expires-at", "2027-12-31"),
        ("--expires-at", "2027-12-31T23:59:59"),
        ("--expires-at", "0001-01-01T00:00:00+14:00"),
        ("--expires-at", "ngày mai"),
    ],
)
def test_what_no_configuration_would_take_is_refused(
    changed: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LINE, *changed]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["Lỗi", "Chi tiết", "Cần làm"]


@pytest.mark.parametrize("missing", ["--name", "--organ", "--scope"])
def test_a_key_needs_a_name_a_body_and_a_scope(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = zip(LINE[1::2], LINE[2::2], strict=True)
    assert main(["apikey", *(word for pair in pairs if pair[0] != missing for word in pair)]) == 2
    assert "\\n" not in capsys.readouterr().err


def test_a_key_may_be_bound_to_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8", "192.0.2.7")
    assert main([*LINE, *(word for text in given for word in ("--address", text)), "--json"]) == 0
    (entry,) = configured(tmp_path, json.loads(capsys.readouterr().out)["toml"]).access.keys
    assert entry.addresses == ("10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32")


def test_more_ranges_than_the_configuration_takes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    many = [word for number in range(65) for word in ("--address", f"10.0.0.{number}")]
    assert main([*LINE, *many]) == 2
    assert "64" in capsys.readouterr().err


def test_a_new_key_needs_no_restart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE]) == 0
    assert "không cần khởi động lại" in capsys.readouterr().err
