"""`audit head` and `audit prove`: made from a database beside which a service may run, checked by whoever holds the file."""

import asyncio
import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import ProofError, VerifierKey, sign_note
from gateway.cli import main
from gateway.core.clock import evidence_time, parse_rfc3339
from gateway.crypto import FileSigner
from gateway.evidence.proof_file import CheckedLeaf, one_document
from gateway.evidence.proof_file import _linked as begins
from tests.kit import rows
from tests.unit.cli.site import DELIVERY, ENTRY, HERE, Site
from tests.unit.cli.world import stdin

Capture = pytest.CaptureFixture[str]


def proof_of(site: Site, key: str, capsys: Capture) -> dict[str, Any]:
    assert main(["audit", "prove", key, "--config", str(site.config_file), "--json"]) == 0
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    return made


@pytest.fixture
def file(site: Site, tmp_path: Path) -> Path:
    path = tmp_path / "proof.json"
    line = ["audit", "prove", site.document, "--config", str(site.config_file), "-o", str(path)]
    assert main(line) == 0
    return path


def test_the_head_names_what_strangers_need(site: Site, capsys: Capture) -> None:
    assert main(["audit", "head", "--config", str(site.config_file), "--json"]) == 0
    head = json.loads(capsys.readouterr().out)
    assert (head["gateway"], head["origin"], head["size"]) == (HERE, f"{HERE}/audit", 7)
    assert head["log_keys"] == [site.log_key]
    assert head["checkpoint"]["size"] == 6
    assert head["checkpoint"]["note"].startswith(f"{HERE}/audit\n6\n")
    assert main(["audit", "head", "--config", str(site.config_file)]) == 0
    shown = capsys.readouterr().out
    for line in (f"Nhật ký: {HERE}/audit", "Số lá: 7", f"Gốc: {head['root']}", f"Khóa kiểm chứng: {site.log_key}"):
        assert line in shown.splitlines()


@pytest.mark.parametrize(
    ("key", "events", "subjects"),
    [
        ("document", ["accepted", "delivery.queued", "delivery.delivered"], {"document", DELIVERY}),
        (DELIVERY, ["delivery.queued", "delivery.delivered"], {DELIVERY}),
        (ENTRY, ["received"], {ENTRY}),
        ("incoming-1", ["received", "received"], {ENTRY, "another entry"}),
        (HERE, ["genesis"], {HERE}),
    ],
)
def test_every_leaf_of_a_subject_is_proven(
    site: Site, key: str, events: list[str], subjects: set[str], capsys: Capture
) -> None:
    real = site.document if key == "document" else key
    made = proof_of(site, real, capsys)
    assert [leaf["event"] for leaf in made["leaves"]] == events
    assert {leaf["subject"] for leaf in made["leaves"]} == {site.document if s == "document" else s for s in subjects}
    assert made["uncovered"] == 0


def test_a_person_reads_where_each_leaf_stands(site: Site, capsys: Capture) -> None:
    assert main(["audit", "prove", DELIVERY, "--config", str(site.config_file)]) == 0
    shown = capsys.readouterr().out
    made = proof_of(site, DELIVERY, capsys)
    first = made["leaves"][0]
    at = evidence_time(parse_rfc3339(first["at"]))
    assert at.startswith("21/11/2026 13:05:")
    assert f"#{first['index']}  {at}  Đưa vào hàng chờ gửi" in shown
    for text in (first["leaf_hash"], *first["path"], *made["checkpoint"].splitlines()):
        assert text in shown
    assert "from=" not in shown
    assert main(["audit", "prove", DELIVERY, "--config", str(site.config_file), "-v"]) == 0
    assert "from=Z79.01" in capsys.readouterr().out


def test_nothing_is_proven_that_no_checkpoint_covers(site: Site, capsys: Capture) -> None:
    line = ["audit", "prove", site.unsigned, "--config", str(site.config_file)]
    assert main(line) == 1
    assert "1 sự kiện chưa có điểm kiểm" in capsys.readouterr().err
    assert main([*line, "--json"]) == 1
    made = json.loads(capsys.readouterr().out)
    assert (made["leaves"], made["uncovered"]) == ([], 1)


def test_what_the_log_does_not_know(site: Site, capsys: Capture) -> None:
    assert main(["audit", "prove", "nobody", "--config", str(site.config_file)]) == 3
    assert "not_found" in capsys.readouterr().err


def test_a_file_is_not_overwritten_unasked(site: Site, file: Path) -> None:
    line = ["audit", "prove", site.document, "--config", str(site.config_file), "-o", str(file)]
    file.write_text("mine")
    assert main(line) == 7
    assert file.read_text() == "mine"
    assert main([*line, "--force"]) == 0
    assert json.loads(file.read_text())["format"] == "gateway-audit-proof/1"


def test_a_disk_that_fails_leaves_the_old_file_whole(site: Site, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by reading: the old proof was cut off before the new one was there."""
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    line = ["audit", "prove", site.document, "--config", str(site.config_file), "-o", str(file), "--force"]
    assert main(line) != 0
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "line",
    [(), ("k", "--check", "f"), ("k",), ("--check", "f", "--key", "nonsense"), ("--check", "-", "--key-file", "-")],
)
def test_wrong_orders(line: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_text("{}")
    stdin(monkeypatch, b"{}")
    assert main(["audit", "prove", *line]) == (4 if "-" in line else 2)


# --- checking ----------------------------------------------------------------------------------------------------------


def test_a_stranger_with_the_logs_key_is_convinced(site: Site, file: Path, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["audit", "prove", "--check", str(file), "--key", site.log_key]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"✔ Bằng chứng đúng: 3 sự kiện sau nằm trong nhật ký {HERE}/audit.\n")
    assert "Đã đến nơi nhận, biên nhận hợp lệ" in shown
    assert "from=Z79.01" in shown
    assert main(["audit", "prove", "--check", str(file), "--config", str(site.config_file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["holds"], told["signer_known"]) == (True, True)


def test_a_key_that_came_with_the_file_convinces_nobody(site: Site, file: Path, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["audit", "prove", "--check", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("! ")
    assert "--key" in said.err
    assert main(["audit", "prove", "--check", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["signer_known"] is False


def test_a_proof_may_come_through_a_pipe(
    site: Site, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    stdin(monkeypatch, file.read_bytes())
    assert main(["audit", "prove", "--check", "-", "--key", site.log_key]) == 0
    assert "✔" in capsys.readouterr().out


# --- how far a proof goes ------------------------------------------------------------------------------------------------


def checked(site: Site, file: Path, made: dict[str, Any], capsys: Capture, *more: str) -> tuple[int, str]:
    """The exit code and what is printed of a proof that somebody changed."""
    file.write_text(json.dumps(made))
    capsys.readouterr()
    code = main(["audit", "prove", "--check", str(file), "--key", site.log_key, *more])
    said = capsys.readouterr()
    return code, said.out or said.err


def test_the_key_of_a_log_proves_what_stands_in_its_successor(site: Site, file: Path, capsys: Capture) -> None:
    """After a restore the log bears another name; whoever checks lists the first one's key."""
    made = json.loads(file.read_text())
    origin, signer = f"{HERE}/audit/1795362905", FileSigner(site.config.audit.key, key_id="audit")
    text = made["checkpoint"].partition("\n\n")[0].replace(f"{HERE}/audit", origin, 1) + "\n"
    key = VerifierKey.of(origin, signer.public_key)
    made["checkpoint"] = asyncio.run(sign_note(text, key=key, signer=signer))
    code, told = checked(site, file, made, capsys)
    assert (code, told.partition("\n")[0]) == (0, f"✔ Bằng chứng đúng: 3 sự kiện sau nằm trong nhật ký {origin}.")


def test_a_proof_says_what_it_does_not_prove(site: Site, file: Path, capsys: Capture) -> None:
    """A trial: the last event was taken out, and ✔ was all that the program had to say about it."""
    made = json.loads(file.read_text())
    del made["leaves"][-1]
    code, shown = checked(site, file, made, capsys, "--lang", "en")
    proven, not_proven = shown.splitlines()[1:3]
    assert code == 0
    assert proven.startswith(
        f"  Proven: these events stand in that log, unchanged, under the checkpoint of size 6 signed by {site.log_key};"
    )
    assert not_proven.startswith("  Not proven: that these are all events")
    assert "  Không được chứng minh: đây là mọi sự kiện" in checked(site, file, made, capsys)[1]
    told = json.loads(checked(site, file, made, capsys, "--json")[1])
    assert told["not_proven"] == ["complete", "clock", "signing_time", "same_log", "claimed.gateway", "claimed.key"]
    assert told["signers"] == [site.log_key]


@pytest.mark.parametrize("missing", [0, 1])
def test_an_event_that_is_missing_before_another_is_found(
    site: Site, file: Path, missing: int, capsys: Capture
) -> None:
    made = json.loads(file.read_text())
    del made["leaves"][missing]
    if missing == 0:
        made["leaves"].append(proof_of(site, HERE, capsys)["leaves"][0])  # another one that begins something
    code, shown = checked(site, file, made, capsys)
    assert code == 4
    assert shown.startswith(f"Lỗi: Bằng chứng trong {file} KHÔNG đủ: một sự kiện ở giữa không có trong tệp.")


def test_an_event_stands_there_once(site: Site, file: Path, capsys: Capture) -> None:
    made = json.loads(file.read_text())
    made["leaves"].append(made["leaves"][0])
    assert checked(site, file, made, capsys)[0] == 4


def test_the_key_of_a_document_is_only_the_files_word(site: Site, file: Path, capsys: Capture) -> None:
    made = json.loads(file.read_text())
    made["key"] = "01900000-0000-7000-8000-00000000dead"
    code, shown = checked(site, file, made, capsys, "--lang", "en")
    assert code == 0
    assert f"  Key: {made['key']} (said by the file, not proven)" in shown.splitlines()
    document_id = json.loads(made["leaves"][0]["private"])["document_id"]
    assert f"  Document: {document_id} (said by the leaves)" in shown.splitlines()


def test_the_key_of_a_transfer_is_what_its_leaves_say(site: Site, file: Path, capsys: Capture) -> None:
    made = proof_of(site, "incoming-1", capsys)
    assert "  Key: incoming-1 (said by the leaves)" in checked(site, file, made, capsys, "--lang", "en")[1].splitlines()
    assert "claimed.key" not in json.loads(checked(site, file, made, capsys, "--json")[1])["not_proven"]


def test_the_proof_of_a_delivery_says_that_its_document_has_more(site: Site, file: Path, capsys: Capture) -> None:
    made = proof_of(site, DELIVERY, capsys)
    code, shown = checked(site, file, made, capsys, "--lang", "en")
    assert code == 0
    assert "one recipient's part" in shown
    assert json.loads(checked(site, file, made, capsys, "--json")[1])["not_proven"][-1] == "beginning"


def test_leaves_of_two_documents_are_no_proof_of_one() -> None:
    leaf = CheckedLeaf(index=1, hash="aa", event="accepted", at=rows.NOW, private={"document_id": "one"}, previous="")
    with pytest.raises(ProofError, match="more than one document"):
        one_document([leaf, replace(leaf, hash="bb", private={"document_id": "two"})])


def test_two_stories_are_no_proof_of_one() -> None:
    """A refused document gives its number to another one: both name the same DocumentId."""
    leaf = CheckedLeaf(index=1, hash="aa", event="accepted", at=rows.NOW, private={"document_id": "one"}, previous="")
    assert begins([leaf])
    with pytest.raises(ProofError, match="two stories"):
        begins([leaf, replace(leaf, index=2, hash="bb")])


def spoiled(made: dict[str, Any], what: str) -> None:
    leaf = made["leaves"][1]
    if what in {"event", "at"}:
        leaf[what] = {"event": "delivery.refused", "at": "2026-11-21T06:05:09.124Z"}[what]
    elif what == "index":
        leaf["index"] += 1
    elif what == "path":
        leaf["path"] = leaf["path"][:-1]
    elif what in {"salt", "leaf_hash"}:
        leaf[what] = "00" * 32
    elif what == "private":
        leaf["private"] = leaf["private"].replace("Z79.01", "Z79.02")
    elif what == "leaf":
        leaf["leaf"] = leaf["leaf"].replace('"q":0', '"q":1')
    elif what == "checkpoint":
        made["checkpoint"] = made["checkpoint"].replace("\n6\n", "\n7\n")
    elif what == "format":
        made["format"] = "gateway-audit-proof/2"
    else:
        made["leaves"] = []


@pytest.mark.parametrize(
    "what",
    [
        *("event", "at", "index", "path", "salt", "leaf_hash", "private", "leaf", "checkpoint"),
        *("format", "leaves"),
    ],
)
def test_any_change_is_found(site: Site, file: Path, what: str, capsys: Capture) -> None:
    made = json.loads(file.read_text())
    spoiled(made, what)
    file.write_text(json.dumps(made))
    capsys.readouterr()
    assert main(["audit", "prove", "--check", str(file), "--key", site.log_key]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Lỗi: Bằng chứng trong")
    assert len(said.err.splitlines()) == 3
    assert main(["audit", "prove", "--check", str(file), "--key", site.log_key, "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli.proof"


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"format":1}', b'"\\ud800"'])
def test_what_is_no_proof_at_all(data: bytes, tmp_path: Path, site: Site) -> None:
    (tmp_path / "f").write_bytes(data)
    assert main(["audit", "prove", "--check", str(tmp_path / "f"), "--key", site.log_key]) == 4


def test_another_logs_key_is_not_this_ones(site: Site, file: Path) -> None:
    known = VerifierKey.parse(site.log_key)
    for other in (replace(known, key=bytes(32)), replace(known, name="elsewhere/audit")):
        assert main(["audit", "prove", "--check", str(file), "--key", other.format()]) == 4
    both = ["--key", replace(known, name="elsewhere/audit").format(), "--key", site.log_key]
    assert main(["audit", "prove", "--check", str(file), *both]) == 0


@pytest.fixture
def spoil(site: Site, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the site with its database changed; its configuration."""

    def changed(statement: str) -> Path:
        shutil.copytree(site.config_file.parent, tmp_path / "party")
        config = tmp_path / "party" / "gateway.toml"
        text = config.read_text("utf-8").replace(str(site.config_file.parent), str(tmp_path / "party"))
        config.write_text(text, "utf-8")
        database = sqlite3.connect(tmp_path / "party" / "state" / "gateway.db")
        assert database.execute(statement).rowcount > 0
        database.commit()
        database.close()
        return config

    return changed


def test_a_log_that_was_changed_proves_nothing(spoil: Callable[[str], Path], tmp_path: Path, capsys: Capture) -> None:
    """What leaves as a proof was checked as the stranger would check it."""
    config = spoil(f"UPDATE openings SET salt = zeroblob(32) WHERE subject = '{DELIVERY}'")
    line = ["audit", "prove", DELIVERY, "--config", str(config), "-o", str(tmp_path / "proof.json")]
    assert main(line) == 4
    assert "audit.inconsistent" in capsys.readouterr().err
    assert not (tmp_path / "proof.json").exists()


def test_a_checkpoint_of_another_log_is_no_head(spoil: Callable[[str], Path], capsys: Capture) -> None:
    assert main(["audit", "head", "--config", str(spoil("UPDATE checkpoints SET note = replace(note, '6', '5')"))]) == 4
    assert "audit.inconsistent" in capsys.readouterr().err


def test_a_head_smaller_than_what_was_signed_is_another_logs(spoil: Callable[[str], Path], capsys: Capture) -> None:
    config = spoil("UPDATE tree_head SET size = 4, frontier = substr(frontier, 1, 32)")
    assert main(["audit", "head", "--config", str(config)]) == 4
    assert "audit.inconsistent" in capsys.readouterr().err


def test_a_new_gateway_has_no_checkpoint_yet(spoil: Callable[[str], Path], capsys: Capture) -> None:
    config = str(spoil("DELETE FROM checkpoints"))
    assert main(["audit", "prove", DELIVERY, "--config", config]) == 1
    assert "2 sự kiện chưa có điểm kiểm" in capsys.readouterr().err
    assert main(["audit", "head", "--config", config]) == 0
    assert "chưa có" in capsys.readouterr().out
    assert main(["audit", "head", "--config", config, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checkpoint"] is None


def test_a_gateway_that_the_registry_does_not_know(site: Site, tmp_path: Path, capsys: Capture) -> None:
    """`audit verify` ended as a fault of our own: it looked the log's keys up without asking."""
    config = tmp_path / "gateway.toml"
    config.write_text(site.config_file.read_text("utf-8").replace(f'id = "{HERE}"', 'id = "nobody.example"'), "utf-8")
    for line in (("audit", "verify"), ("audit", "head"), ("queue", "list")):
        assert main([*line, "--config", str(config)]) == 8
        assert "registry.invalid" in capsys.readouterr().err
