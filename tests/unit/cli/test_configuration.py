"""`config check` and `config show`: everything wrong at once, and everything that is in force."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import AfterValidator, BaseModel, ValidationError

from gateway import material
from gateway.cli import main
from gateway.cli.configuration import settings_of
from gateway.config import Config, load_config
from gateway.config.mistakes import problems_of
from gateway.core.errors import SiteError
from gateway.observe import text as words
from tests.unit.cli.site import HERE, Site

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def copy(site: Site, tmp_path: Path) -> Path:
    """A configuration of one's own to spoil; the files it names are copies, too."""
    shutil.copytree(site.folder, tmp_path / "copy")
    path = tmp_path / "copy" / site.config_file.relative_to(site.folder)
    path.write_text(path.read_text("utf-8").replace(str(site.folder), str(tmp_path / "copy")), "utf-8")
    return path


def checked(path: Path, code: int, capsys: Capture) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["config", "check", "--config", str(path), "--json"]) == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["sound"] == (code == 0)
    return {one["key"]: one["problem"] for one in told["checks"] if not one["good"]}


def test_a_good_configuration_says_what_was_looked_at(site: Site, capsys: Capture) -> None:
    assert checked(site.config_file, 0, capsys) == {}
    assert main(["config", "check", "--config", str(site.config_file)]) == 0
    said = capsys.readouterr()
    assert all(line.startswith("✔ ") for line in said.out.splitlines())
    for key in ("registry.file", "trust.folder", "office_api.key", "peer.key", "receipts.key", "audit.key"):
        assert f"✔ {key}: " in said.out
    assert "(4)" in said.out
    assert "Chưa kiểm tra: cơ sở dữ liệu" in said.err


def test_every_wrong_key_is_told_at_once_with_its_path(copy: Path, capsys: Capture) -> None:
    text = copy.read_text("utf-8").replace("port = ", "prot = ", 1).replace(f'id = "{HERE}"', 'id = "X Y"')
    copy.write_text(text + "\n[workers]\njudges = 0\n", "utf-8")
    problems = checked(copy, 8, capsys)
    assert set(problems) == {"gateway.id", "office_api.prot", "workers.judges"}
    assert problems["office_api.prot"]["what_vi"] == "Không có khóa cấu hình nào tên office_api.prot."
    assert problems["workers.judges"]["what_vi"] == "Giá trị của workers.judges không dùng được (phải từ 1 trở lên)."
    assert main(["config", "check", "--config", str(copy), "--lang", "en"]) == 8
    said = capsys.readouterr()
    assert said.out.count("✘") == 3
    assert "There is no setting office_api.prot." in said.out
    assert said.err == "The configuration cannot be used.\n"


@pytest.mark.parametrize("data", [b"[gateway\n", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_one_problem(data: bytes | None, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "gateway.toml"
    if data is not None:
        path.write_bytes(data)
    assert set(checked(path, 8, capsys)) == {""}


def replace_text(old: str, new: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return spoil


def swap(one: str, other: str) -> Callable[[Path], None]:
    """The first file's bytes become the second's."""

    def spoil(path: Path) -> None:
        config = load_config(path)
        folder = config.receipts.key.parent
        (folder / one).chmod(0o600)
        (folder / one).write_bytes((folder / other).read_bytes())

    return spoil


def on_key(do: Callable[[Path], None], *where: str) -> Callable[[Path], None]:
    return lambda path: do(load_config(path).receipts.key.parent.joinpath(*where))


def first_transport(path: Path) -> Path:
    return min(load_config(path).keys.transport.glob("*.pem"))


@pytest.mark.parametrize(
    ("spoil", "keys", "code"),
    [
        (replace_text('sha256 = "', 'sha256 = "00'), {"registry.sha256"}, "config.invalid"),
        (lambda p: (p.parent.parent / "registry.json").write_text("{}"), {"registry.file"}, "registry.digest"),
        (replace_text(f'id = "{HERE}"', 'id = "nobody.example"'), {"gateway.id"}, "registry.invalid"),
        (on_key(Path.unlink, "receipt.pem"), {"receipts.key"}, "key.missing"),
        (on_key(lambda path: path.chmod(0o644), "receipt.pem"), {"receipts.key"}, "key.missing"),
        (swap("receipt.pem", "log.pem"), {"receipts.key"}, "key.missing"),
        (swap("log.pem", "receipt.pem"), {"audit.key"}, "key.missing"),
        (swap("tls.pem", "receipt.pem"), {"office_api.key", "peer.key"}, "key.missing"),
        (lambda p: shutil.rmtree(load_config(p).trust.folder / "crls"), set(), ""),
        (lambda p: first_transport(p).unlink(), {"keys.transport"}, "key.missing"),
        (lambda p: first_transport(p).chmod(0o640), {"keys.transport"}, "key.missing"),
        (lambda p: first_transport(p).with_suffix(".crt").unlink(), {"keys.transport"}, "config.invalid"),
        (on_key(shutil.rmtree, "seal"), {"keys.seals"}, "config.invalid"),
    ],
)
def test_what_is_wrong_with_files_is_told_under_their_key(
    copy: Path, spoil: Callable[[Path], object], keys: set[str], code: str, capsys: Capture
) -> None:
    spoil(copy)
    problems = checked(copy, 8 if keys else 0, capsys)
    assert set(problems) == keys
    assert not code or {problem["code"] for problem in problems.values()} == {code}


def client_anchors(*files: tuple[str, bytes]) -> Callable[[Path], None]:
    """Offices' systems come by certificate, and these files are the authorities'."""

    def spoil(path: Path) -> None:
        folder = path.parent / "clients"
        folder.mkdir()
        for name, data in files:
            (folder / name).write_bytes(data)
        replace_text(str(load_config(path).office_api.client_anchors), str(folder))(path)

    return spoil


@pytest.mark.parametrize("files", [(), (("ca.crt", b"no certificate"),)])
def test_authorities_of_clients_are_looked_at(
    copy: Path, files: tuple[tuple[str, bytes], ...], capsys: Capture
) -> None:
    client_anchors(*files)(copy)
    assert set(checked(copy, 8, capsys)) == {"office_api.client_anchors"}


def test_what_serve_would_refuse_is_never_called_sound(
    copy: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the looks one by one leave out: at the end the whole is read once as `serve` reads it."""

    def refuse(config: Config) -> None:
        raise SiteError("registry.invalid", path="bodies", problem="something new")

    monkeypatch.setattr(material, "read_material", refuse)
    problems = checked(copy, 8, capsys)
    assert {name: problem["code"] for name, problem in problems.items()} == {"": "registry.invalid"}


def test_a_demo_in_production_is_told_everywhere(copy: Path, capsys: Capture) -> None:
    replace_text('environment = "demo"', 'environment = "production"')(copy)
    problems = checked(copy, 8, capsys)
    assert {"gateway.environment", "trust.folder", "registry.file", "keys.transport", "keys.seals"} <= set(problems)
    assert {problem["code"] for problem in problems.values()} == {"key.demo"}


def test_nothing_is_opened_made_or_changed(copy: Path, capsys: Capture) -> None:
    shutil.rmtree(load_config(copy).gateway.state)
    before = {path: path.stat().st_mtime_ns for path in copy.parent.parent.rglob("*")}
    assert checked(copy, 0, capsys) == {}
    assert main(["config", "show", "--config", str(copy)]) == 0
    assert {path: path.stat().st_mtime_ns for path in copy.parent.parent.rglob("*")} == before


# --- show --------------------------------------------------------------------------------------------------------------


def test_what_is_in_force_and_what_is_left_to_the_default(site: Site, capsys: Capture) -> None:
    assert main(["config", "show", "--config", str(site.config_file)]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    told = {row[0]: (row[1], row[2]) for row in rows[1:]}
    assert rows[0] == ["Khóa cấu hình", "Giá trị", "Nguồn"]
    assert told["gateway.id"] == (HERE, "tệp")
    assert told["workers.judges"] == ("2", "mặc định")
    assert told["audit.memory"] == (str(site.config.signer_memory), "mặc định")
    assert told["office_api.port"][1] == "tệp"


def test_every_key_of_the_configuration_is_shown_once(site: Site) -> None:
    paths = [one.path for one in settings_of(site.config)]
    assert len(paths) == len(set(paths))
    assert {path.split(".")[0] for path in paths} == set(Config.model_fields)


def test_digests_are_shortened_and_passwords_masked(site: Site, capsys: Capture) -> None:
    config = site.config
    assert main(["config", "show", "--config", str(site.config_file), "--json"]) == 0
    shown = capsys.readouterr().out
    assert config.registry.sha256 not in shown
    assert config.registry.sha256[:12] + "…" in shown
    assert all(key.sha256 not in shown for key in config.access.keys)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://gw:s3cret@db.local/gateway", "postgresql://gw:***@db.local/gateway"),
        ("postgresql://gw:s3@cr:et@db.local:5432/gateway", "postgresql://gw:***@db.local:5432/gateway"),
        ("postgresql:///gateway?user=gw&password=s3cret&port=5", "postgresql:///gateway?user=gw&password=***&port=5"),
        ("postgresql://gw@db.local/gateway", "postgresql://gw@db.local/gateway"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_no_password_is_shown(site: Site, address: str, shown: str) -> None:
    config = site.config
    secret = config.model_copy(update={"log": config.log.model_copy(update={"level": address})})
    assert {one.path: one.value for one in settings_of(secret)}["log.level"] == shown


# --- everything at once, in the reader's language ------------------------------------------------------------------------


def test_files_are_looked_at_in_spite_of_wrong_keys(copy: Path, capsys: Capture) -> None:
    """The trial's six mistakes in one file: all six are named."""
    keys = load_config(copy).receipts.key.parent
    (keys / "receipt.pem").unlink()
    (keys / "log.pem").chmod(0o644)
    shutil.rmtree(keys.parent / "trust" / "anchors")
    text = copy.read_text("utf-8").replace("[receipts]", "[receipts]\ncolour = 1")
    copy.write_text(text + "\n[workers]\njudges = '2'\n[log]\nlevel = 'loud'\n", "utf-8")
    problems = checked(copy, 8, capsys)
    assert set(problems) >= {
        *("receipts.colour", "workers.judges", "log.level"),
        *("receipts.key", "audit.key", "trust.folder"),
    }


def test_no_english_stands_in_a_vietnamese_answer(copy: Path, capsys: Capture) -> None:
    config = load_config(copy)
    shutil.rmtree(config.trust.folder / "anchors")
    config.receipts.key.unlink()
    (copy.parent.parent / "registry.json").unlink()
    text = copy.read_text("utf-8").replace('host = "127.0.0.1"', 'host = "192.0.2.1"')
    assert "[admin]" in text
    head, admin, rest = text.partition("[admin]")
    rest = rest if "192.0.2.1" in rest else rest.replace("\n", '\nhost = "192.0.2.1"\n', 1)
    copy.write_text(f"{head}{admin}{rest}\n[log]\ncolour = 1\n", "utf-8")
    assert main(["config", "check", "--config", str(copy), "--lang", "vi"]) == 8
    said = capsys.readouterr().out
    for english in (
        "Extra inputs",
        "Value error",
        "Input should",
        "Errno",
        "No such file",
        "trust anchor",
        "loopback address",
    ):
        assert english not in said
    for told in ("không có gốc tin cậy nào", "không có tệp hoặc thư mục này", "không phải địa chỉ của chính máy này"):
        assert told in said
    assert "giữ nguyên danh bạ cũ" not in said


def test_a_file_that_is_not_there_is_not_to_be_mended(tmp_path: Path, capsys: Capture) -> None:
    for command in ("check", "show"):
        assert main(["config", command, "--config", str(tmp_path / "nope.toml")]) == 8
        said = "".join(capsys.readouterr())
        assert "Sửa tệp" not in said
        assert "GATEWAY_CONFIG" in said
        assert "gateway.example.toml" in said


def test_one_mistake_of_many_bodies_is_one_line(copy: Path, capsys: Capture) -> None:
    for key in load_config(copy).keys.transport.glob("*.pem"):
        key.chmod(0o644)
    assert main(["config", "check", "--config", str(copy)]) == 8
    lines = [line for line in capsys.readouterr().out.splitlines() if "keys.transport" in line]
    assert len(lines) == 1
    assert lines[0].startswith("✘ keys.transport: Z79")
    assert lines[0].endswith(" … (4)")


def test_a_mistake_of_an_unknown_kind_is_told_in_both_languages() -> None:
    class Odd(BaseModel):
        value: Annotated[str, AfterValidator(lambda text: text.index("x"))]

    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({"value": "y"})
    (problem,) = problems_of(caught.value)
    told = words("cli.config.value", {"key": problem.path, "reason": problem.reason})
    assert told.vi == "Giá trị của value không dùng được (không dùng được (Value error, substring not found))."


def test_truths_are_shown_as_toml_has_them(site: Site, capsys: Capture) -> None:
    assert main(["config", "show", "--config", str(site.config_file)]) == 0
    rows = dict(line.split("\t")[:2] for line in capsys.readouterr().out.splitlines())
    assert rows["admin.enabled"] == "true"


def sourced(*lines: str) -> Callable[[Path], None]:
    """The first body's transport key lies elsewhere."""

    def spoil(path: Path) -> None:
        key = first_transport(path)
        table = f'\n[[keys.sources]]\norgan = "{key.stem}"\npurpose = "transport"\n' + "\n".join(lines) + "\n"
        private = load_pem_private_key(key.read_bytes(), None)
        for name, mode, data in (
            ("key", 0o600, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right"))),
            ("right", 0o600, b"right\n"),
            ("wrong", 0o600, b"wrong\n"),
            ("shared", 0o644, b"right\n"),
        ):
            (path.parent / name).write_bytes(data)
            (path.parent / name).chmod(mode)
        key.unlink()
        path.write_text(path.read_text("utf-8") + table, "utf-8")

    return spoil


TOKEN = '[[keys.tokens]]\nname = "t"\nlabel = "l"\n'


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (('pem = "key"', 'password_file = "right"'), ""),
        (('pem = "key"', 'password_file = "wrong"'), "mật khẩu không mở được tệp khóa"),
        (('pem = "key"', 'password_file = "shared"'), "quyền của tệp phải là 0400 hoặc 0600"),
        (('pem = "key"', 'password_file = "nowhere"'), "nowhere: không có tệp"),
        (('pkcs12 = "key"', 'password_file = "right"'), "không phải tệp PKCS#12"),
        (('token = "t"', TOKEN, 'module = "wrong"', 'pin_file = "right"'), ""),
        (('token = "t"', TOKEN, 'module = "nowhere"', 'pin_file = "right"'), "nowhere: không có tệp"),
        (('token = "t"', TOKEN, 'module = "wrong"', 'pin_file = "shared"'), "quyền của tệp phải là 0400 hoặc 0600"),
        (('token = "t"', TOKEN, 'module = "/dev/zero"', 'pin_file = "right"'), "không phải tệp thường"),
    ],
)
def test_a_key_that_lies_elsewhere_is_looked_at_there(
    copy: Path, lines: tuple[str, ...], reason: str, capsys: Capture
) -> None:
    """A token itself is not opened: only its library and the file of its PIN must be there."""
    sourced(*lines)(copy)
    problems = checked(copy, 8 if reason else 0, capsys)
    assert set(problems) == ({"keys.transport"} if reason else set())
    if reason:
        assert problems["keys.transport"]["code"] == "key.missing"
        assert reason in problems["keys.transport"]["what_vi"]
