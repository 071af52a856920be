"""The configuration is strict, and the example has every key there is."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gateway.access import Rates
from gateway.config import (
    RELOADABLE,
    Config,
    LimitsSection,
    examine_config,
    fixed_changes,
    load_config,
    parse_config,
)
from gateway.core.errors import SiteError
from gateway.core.patience import DELIVERY_DEADLINE_DAYS_DEFAULT
from gateway.core.sizes import LARGEST, USUAL

EXAMPLE = Path(__file__).parents[3] / "config" / "gateway.example.toml"


def test_the_example_is_a_configuration() -> None:
    config = load_config(EXAMPLE)
    assert config.office_api.port == 8443
    assert config.registry.file == EXAMPLE.parent / "registry.json"
    assert config.gateway.state == Path("/var/lib/gateway")
    assert not config.demo


def keys_of(model: type[BaseModel], path: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        section = next((kind for kind in inner if issubclass(kind, BaseModel)), None)
        found |= keys_of(section, f"{path}{name}.") if section else {f"{path}{name}"}
    return found


def keys_in(tree: dict[str, Any], path: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in tree.items():
        tables = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
        found |= {key for one in tables for key in keys_in(one, f"{path}{name}.")} or {f"{path}{name}"}
    return found


def test_the_example_has_every_key() -> None:
    assert keys_in(tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))) == keys_of(Config)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('host = "127.0.0.1"', 'hots = "127.0.0.1"', "office_api.hots"),
        ("port = 8443", "port = 84430", "office_api.port"),
        ("judges = 2", "judges = 0", "workers.judges"),
        ('environment = "production"', 'environment = "test"', "gateway.environment"),
        ('scopes = ["read", "send"]', 'scopes = ["everything"]', "access.keys.0.scopes.0"),
        ('organs = ["Z79.VPTU"]', 'organs = ["hcm"]', "access.keys.0.organs.0"),
        ("2027-12-31T23:59:59+07:00", "2027-12-31T23:59:59", "access.keys.0.expires_at"),
        ('"10.0.0.0/8"', '"10.0.0.1/8"', "access.keys.0.addresses.0"),
        ('"10.0.0.0/8"', '"anywhere"', "access.keys.0.addresses.0"),
        ('scopes = ["read", "act"]', 'scopes = ["admin"]', "access.certificates.0.scopes.0"),
        ("requests_at_once = 32", "requests_at_once = 0", "limits.requests_at_once"),
        ("connections_per_address = 64", "connections_per_address = 501", "office_api.connections_per_address"),
        ("https://tsa.example.vn/", "ftp://tsa.example.vn/", "timestamps.urls.0"),
        ("https://tsa.example.vn/", "https://user:word@tsa.example.vn/", "timestamps.urls.0"),
        ('"http://tsa2.example.vn/tsr"', '"https://tsa.example.vn/"', "timestamps"),
        ('urls = ["https', 'urls = ["http://a/", "http://b/", "http://c/", "https', "timestamps.urls"),
        ("seconds = 5.0", "seconds = 0.0", "timestamps.seconds"),
        ("later_seconds = 180.0", "later_seconds = 1000.0", "timestamps.later_seconds"),
        ('level = "B-T"', 'level = "B-B"', "timestamps"),
        ('level = "B-T"', 'level = "B-X"', "timestamps.level"),
        ('when_unavailable = "go_on"', 'when_unavailable = "refuse"', "timestamps.when_unavailable"),
        ("deadline_days = 14", "deadline_days = 4", "delivery.deadline_days"),
        ("deadline_days = 14", "deadline_days = 22", "delivery.deadline_days"),
        ("file_mib = 7", "file_mib = 6", "limits.file_mib"),
        ("file_mib = 7", "file_mib = 2049", "limits.file_mib"),
        ("file_mib = 7", "file_mib = 21", "file_fits"),
        ("document_mib = 20", "document_mib = 19", "limits.document_mib"),
        ("document_mib = 20", "document_mib = 2561", "limits.document_mib"),
        ("[workers]", "[worker]", "worker"),
        ("[gateway]", "[gateway", "gateway"),
        ("port = 8443", f"port = {'9' * 5000}", "gateway.toml"),
        ('file = "registry.json"', 'file = "registry\\u0000.json"', "registry.file"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "gateway.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_config(path)
    assert caught.value.code == "config.invalid"
    assert named in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_and_a_binary_file_are_errors_too(tmp_path: Path) -> None:
    with pytest.raises(SiteError):
        load_config(tmp_path / "none.toml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SiteError):
        load_config(tmp_path / "binary")


def test_two_of_one_id_or_of_one_pin_are_refused(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for head in ("[[access.keys]]", "[[access.certificates]]"):
        table = head + text.partition(head)[2].partition("\n\n")[0]
        path = tmp_path / "gateway.toml"
        path.write_text(f"{text}\n{table}\n", encoding="utf-8")
        with pytest.raises(SiteError, match="twice key=access"):
            load_config(path)


def test_what_is_declared_is_what_the_ledger_is_given() -> None:
    config = load_config(EXAMPLE)
    (key,), (certificate,) = config.access.grants().keys, config.access.grants().certificates
    assert key.addresses == ("10.0.0.0/8", "2001:db8::/32")
    assert certificate.pin == "0" * 64
    assert certificate.scopes == {"read", "act"}
    assert certificate.addresses == ()


def test_the_example_s_limits_are_the_defaults() -> None:
    config = load_config(EXAMPLE)
    assert config.limits == LimitsSection()
    assert config.limits.rates() == Rates()
    assert config.limits.sizes() == USUAL
    assert config.delivery.deadline_days == DELIVERY_DEADLINE_DAYS_DEFAULT
    assert config.office_api.connections_per_address == config.peer.connections_per_address == 64


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "gateway.example.vn"])
def test_the_operators_listener_is_on_loopback_only(tmp_path: Path, host: str) -> None:
    path = tmp_path / "gateway.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    head, admin, rest = text.partition("[admin]")
    path.write_text(head + admin + rest.replace('host = "127.0.0.1"', f'host = "{host}"', 1), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_config(path)
    assert "admin.host" in str(caught.value)


def test_the_thresholds_of_the_disk_are_in_order(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8").replace("\nfull = 92", "\nfull = 98"), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_config(path)
    assert "disk_order" in str(caught.value)


def test_the_largest_documents_that_can_be_allowed(tmp_path: Path) -> None:
    path, text = tmp_path / "gateway.toml", EXAMPLE.read_text(encoding="utf-8")
    larger = text.replace("file_mib = 7", "file_mib = 2048").replace("document_mib = 20", "document_mib = 2560")
    path.write_text(larger, encoding="utf-8")
    assert load_config(path).limits.sizes() == LARGEST
    assert fixed_changes(load_config(EXAMPLE), load_config(path))[-2:] == ("limits.file_mib", "limits.document_mib")


def test_what_a_reload_may_change_are_keys_that_there_are() -> None:
    known = keys_of(Config)
    assert [key for key in RELOADABLE if not any(name == key or name.startswith(f"{key}.") for name in known)] == []


def test_a_change_that_needs_a_restart_is_named(tmp_path: Path) -> None:
    old = load_config(EXAMPLE)
    path = EXAMPLE.with_name("gateway.example.toml")
    text = path.read_text(encoding="utf-8").replace("port = 8444", "port = 8445").replace("judges = 2", "judges = 3")
    tree = tomllib.loads(text.replace('level = "info"', 'level = "debug"'))
    assert fixed_changes(old, parse_config(tree, file=path)) == ("peer.port", "workers.judges")
    assert fixed_changes(old, old) == ()


# --- where the database is ---------------------------------------------------------------------------------------------


def written(folder: Path, url: str, password_file: str = "") -> Path:
    text = EXAMPLE.read_text(encoding="utf-8").replace('url = "" ', f'url = "{url}" ')
    text = text.replace('password_file = "keys/database.password"', password_file)
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_url_the_database_is_a_file_in_the_state_folder() -> None:
    assert load_config(EXAMPLE).database_place() == Path("/var/lib/gateway/gateway.db")


def test_a_password_comes_from_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("p@ss/w:rd\n", encoding="utf-8")
    secret.chmod(0o600)
    url = "postgresql+psycopg://gateway@db.example.vn:5433/gateway?sslmode=verify-full"
    config = load_config(written(tmp_path, url, 'password_file = "secret"'))
    expected = "postgresql+psycopg://gateway:p%40ss%2Fw%3Ard@db.example.vn:5433/gateway?sslmode=verify-full"
    assert config.database_place() == expected
    assert "p@ss" not in repr(config)
    for mode in (0o640, 0o604, 0o700):
        secret.chmod(mode)
        with pytest.raises(SiteError, match="reason=mode"):
            config.database_place()
    secret.unlink()
    with pytest.raises(SiteError, match=r"database\.password_file"):
        config.database_place()


def test_a_url_without_a_password_is_taken_as_it_is(tmp_path: Path) -> None:
    url = "postgresql://gateway@/gateway?host=/run/postgresql"
    assert load_config(written(tmp_path, url)).database_place() == url


@pytest.mark.parametrize(
    "url", ["postgresql://u:canary@h/d", "postgresql://u@h/d?password=canary", "mysql://u@canary/d", "canary.db"]
)
def test_a_url_with_a_password_or_of_another_database_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(SiteError) as refused:
        load_config(written(tmp_path, url))
    assert refused.value.code == "config.invalid"
    assert "database.url" in str(refused.value)
    assert "canary" not in str(refused.value)


# --- strict, and everything at once ------------------------------------------------------------------------------------


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "key", "kind"),
    [
        ("port = 8443", 'port = "8443"', "office_api.port", "int_type"),
        ("port = 8443", "port = 8443.0", "office_api.port", "int_type"),
        ("judges = 2", "judges = true", "workers.judges", "int_type"),
        ("enabled = true", "enabled = 1", "admin.enabled", "bool_type"),
        ("warn = 85", 'warn = "85"', "disk.warn", "float_type"),
        ('file = "registry.json"', "file = 7", "registry.file", "path_type"),
        ("entrusted = []", 'entrusted = "Z79"', "keys.entrusted", "tuple_type"),
        ("2027-12-31T23:59:59+07:00", '"2027-12-31T23:59:59+07:00"', "access.keys.0.expires_at", "datetime_type"),
        ("2027-12-31T23:59:59+07:00", "1830272399", "access.keys.0.expires_at", "datetime_type"),
    ],
)
def test_a_value_of_another_type_is_not_taken_for_one(tmp_path: Path, old: str, new: str, key: str, kind: str) -> None:
    problems = examine_config(edited(tmp_path, (old, new))).problems
    assert [(one.path, one.kind) for one in problems] == [(key, kind)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([("port = 8444", "port = 8443")], ("peer.port", "office_api.port")),
        ([("port = 9443", "port = 8444")], ("admin.port", "peer.port")),
        (
            [('host = "127.0.0.1" ', 'host = "0.0.0.0"'), ("port = 9443", "port = 8443")],
            ("admin.port", "office_api.port"),
        ),
        (
            [('host = "127.0.0.1" ', 'host = "localhost"'), ("port = 8444", "port = 8443")],
            ("peer.port", "office_api.port"),
        ),
    ],
)
def test_one_port_for_two_listeners_is_refused_and_both_are_named(
    tmp_path: Path, changes: list[tuple[str, str]], named: tuple[str, str]
) -> None:
    path = edited(tmp_path, *changes)
    (problem,) = examine_config(path).problems
    assert (problem.path, problem.reason.params["other"]) == named
    with pytest.raises(SiteError, match="one_port"):
        load_config(path)


@pytest.mark.parametrize(
    "changes",
    [
        [('host = "127.0.0.1" ', 'host = "192.0.2.7"'), ("port = 8444", "port = 8443")],
        [('host = "127.0.0.1" ', 'host = "::"'), ("port = 8444", "port = 8443")],
        [("port = 8443", "port = 0"), ("port = 8444", "port = 0")],
        [("port = 9443", "port = 8443"), ("enabled = true", "enabled = false")],
    ],
)
def test_one_number_on_two_addresses_is_no_clash(tmp_path: Path, changes: list[tuple[str, str]]) -> None:
    assert load_config(edited(tmp_path, *changes))


def test_whatever_is_wrong_is_told_at_once_and_the_rest_can_be_read(tmp_path: Path) -> None:
    examined = examine_config(
        edited(
            tmp_path,
            ('id = "dang.example.vn"', "id = 7"),
            ("port = 8444", 'port = "x"'),
            ("port = 9443", "port = 8443"),
            ('anchors = "trust/peers"', ""),
            ("[workers]", "[[workers]]"),
            ('scopes = ["read", "act"]', 'scopes = ["admin"]'),
            ("[log]", "[log]\ncolour = 1"),
        )
    )
    assert {one.path: one.kind for one in examined.problems} == {
        "gateway.id": "string_type",
        "peer.port": "int_type",
        "peer.anchors": "missing",
        "workers": "model_type",
        "access.certificates.0.scopes.0": "enum",
        "log.colour": "extra_forbidden",
        "admin.port": "one_port",  # seen once the other mistakes were out of the way
    }
    assert examined.config is not None
    assert examined.config.receipts.key == tmp_path / "keys" / "receipt.pem"
    assert examined.knows("receipts.key", "peer.key")
    assert not examined.knows("receipts.key", "gateway.id")
    assert not examined.knows("peer.anchors")
    assert not examined.knows("workers.judges")


def test_a_section_that_is_missing_is_one_mistake(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    path = tmp_path / "gateway.toml"
    path.write_text(text[: text.index("[peer]")] + text[text.index("[admin]") :], encoding="utf-8")
    examined = examine_config(path)
    assert [(one.path, one.kind) for one in examined.problems] == [("peer", "missing")]
    assert examined.knows("receipts.key")
    assert not examined.knows("peer.key")


TOKEN = '\n[[keys.tokens]]\nname = "t"\nmodule = "m.so"\nlabel = "l"\npin_file = "p"\n'


def source(*lines: str) -> str:
    return "\n".join(('\n[[keys.sources]]\norgan = "Z79.VPTU"\npurpose = "transport"', *lines, ""))


def with_keys(tables: str) -> dict[str, Any]:
    """The example, with these tables in the place of its own."""
    tree = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    tree["keys"] |= {"sources": [], "tokens": []} | tomllib.loads(tables).get("keys", {})
    return tree


def test_where_a_key_lies() -> None:
    config = load_config(EXAMPLE)
    encrypted, hsm = config.keys.source("transport", "Z79.VPTU"), config.keys.source("seal", "Z79.VPTU")
    assert encrypted is not None
    assert encrypted.pem == EXAMPLE.parent / "keys/transport/Z79.VPTU.key"
    assert hsm is not None
    assert (hsm.token, hsm.object_id) == ("hsm", "01")
    assert config.keys.source("seal", "Z79.UBKT") is None
    assert config.keys.tokens[0].variables() == (("SOFTHSM2_CONF", "/etc/gateway/softhsm2.conf"),)


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (source(), "one_source"),
        (source('pem = "a"', 'pkcs12 = "b"', 'password_file = "c"'), "one_source"),
        (source('pem = "a"', 'token = "t"') + TOKEN, "one_source"),
        (source('pkcs12 = "a"'), "password_with_file"),
        (source('pem = "a"'), "password_with_file"),
        (source('token = "t"', 'password_file = "a"') + TOKEN, "password_with_file"),
        (source('pem = "a"', 'password_file = "b"', 'object_id = "01"'), "object_id_of_token"),
        (source('token = "t"', 'object_id = "1"') + TOKEN, "string_pattern_mismatch"),
        (source('token = "t"', 'object_id = "0G"') + TOKEN, "string_pattern_mismatch"),
        (source('token = "u"') + TOKEN, "unknown_token"),
        (source('token = "t"'), "unknown_token"),
        (source('token = "t"') * 2 + TOKEN, "twice"),
        (TOKEN * 2, "twice"),
        (TOKEN.replace('label = "l"\n', ""), "no_token_name"),
        (TOKEN + 'environment = ["no equals sign"]\n', "string_pattern_mismatch"),
        (TOKEN + 'pin = "1234"\n', "extra_forbidden"),
        (source('pem = "a"', 'password = "geheim"'), "extra_forbidden"),
        (source('pem = "a"', 'password_file = "b"').replace("transport", "receipts"), "literal_error"),
    ],
)
def test_a_key_source_that_is_none_is_refused(tables: str, told: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_config(with_keys(tables), file=EXAMPLE)
    assert told in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_keys_may_move_while_it_runs() -> None:
    old = load_config(EXAMPLE)
    assert fixed_changes(old, parse_config(with_keys(TOKEN + source('token = "t"')), file=EXAMPLE)) == ()
