"""`gateway send --envelope`: a finished edXML file goes out as it is."""

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from gateway.core.ids import Digest
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.message import Code
from gateway.core.model import Metadata
from tests.unit.api.world import MUTE_KEY, PARTY, WARD
from tests.unit.cli.schemas import check
from tests.unit.cli.world import LETTER, Office, stdin

ENVELOPE = "<?xml version='1.0'?><edXML>Về việc</edXML>".encode()
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def finished(running: Office, letter: str, tmp_path: Path) -> str:
    """An edXML file that the gateway will take: what the desk would read out of it is put on the desk."""
    (tmp_path / "văn bản.edxml").write_bytes(ENVELOPE)
    running.desks.register(WARD, "Ủy ban nhân dân")
    running.desks.envelopes[Digest(hashlib.sha256(ENVELOPE).hexdigest())] = metadata()
    return str(tmp_path / "văn bản.edxml")


def metadata() -> Metadata:
    return Metadata(
        sender=PARTY,
        recipients=(WARD,),
        code=Code(number="12", notation="CV/VPTU"),
        promulgation_place="Thành phố Hồ Chí Minh",
        promulgation_date=date(2026, 11, 21),
        subject="Về việc kiểm tra",
    )


async def test_a_finished_file_goes_out_as_it_is(running: Office, finished: str, capsys: Capture) -> None:
    assert await running.run("send", finished, "--envelope") == 0
    said = capsys.readouterr()
    (document,) = running.desks.kept.values()
    assert said == (f"{document.key}\n", "Cổng đã nhận văn bản Z79.00.01,2026/11/21,12/CV/VPTU.\n")
    assert document.envelope is not None
    assert document.envelope.digest == hashlib.sha256(ENVELOPE).hexdigest()


async def test_the_same_file_again_is_the_same_document(
    running: Office, finished: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await running.run("send", finished, "--envelope", "--wait", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    check("send", told)
    assert told["deliveries"]["counts"] == {"delivered": 1}
    stdin(monkeypatch, ENVELOPE)
    assert await running.run("send", "-", "--envelope") == 0
    assert capsys.readouterr().out == f"{told['key']}\n"
    assert await running.run("send", finished, "--envelope", "--idempotency-key", "another") == 7


async def test_what_is_no_envelope_is_the_gateways_to_refuse(running: Office, letter: str, capsys: Capture) -> None:
    assert await running.run("send", letter, "--envelope") == 4
    assert "envelope.malformed" in capsys.readouterr().err
    assert running.desks.kept == {}


@pytest.mark.parametrize(
    "more",
    [LETTER[:2], LETTER[2:4], ("--number", "1"), ("--priority", "normal"), ("--to-file", "x"), ("--filename", "x")],
)
async def test_nothing_else_is_said_of_it(
    running: Office, finished: str, more: tuple[str, ...], capsys: Capture
) -> None:
    assert await running.run("send", finished, "--envelope", *more) == 2
    said = capsys.readouterr().err
    assert "cli.envelope_alone" in said
    assert f"Bỏ {more[0]} rồi gõ lại" in said
    assert running.desks.kept == {}


async def test_one_file_at_a_time(running: Office, finished: str, letter: str, capsys: Capture) -> None:
    assert await running.run("send", finished, letter, "--envelope") == 2
    assert "Bỏ công văn.pdf" in capsys.readouterr().err


async def test_whoever_forgets_to_say_so_is_told(running: Office, finished: str, letter: str, capsys: Capture) -> None:
    assert await running.run("send", finished) == 2
    assert "thêm --envelope" in capsys.readouterr().err
    assert await running.run("send", letter) == 2
    said = capsys.readouterr().err
    assert "--envelope" not in said
    assert "Thiếu '--from'" in said
    for place in range(0, len(LETTER), 2):
        if LETTER[place] != "--to":
            assert await running.run("send", letter, *LETTER[:place], *LETTER[place + 2 :]) == 2
            assert f"Thiếu '{LETTER[place]}'" in capsys.readouterr().err


async def test_a_file_called_edxml_may_be_sent_as_a_file(running: Office, finished: str) -> None:
    assert await running.run("send", finished, *LETTER) == 0
    (document,) = running.desks.kept.values()
    assert document.envelope is None
    assert document.attachments[0].name == "văn bản.edxml"


async def test_the_rehearsal_opens_nothing(
    running: Office, finished: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert await running.run("send", finished, "--envelope", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    check("dry_run", told)
    sha256 = hashlib.sha256(ENVELOPE).hexdigest()
    assert told["request"] == {
        "envelope": {"name": "văn bản.edxml", "size": len(ENVELOPE), "sha256": sha256},
        "idempotency_key": f"cli-edxml-{sha256}",
    }
    assert running.desks.kept == {}
    (tmp_path / "empty.edxml").write_bytes(b"")
    assert await running.run("send", str(tmp_path / "empty.edxml"), "--envelope", "--dry-run") == 1
    assert "file.empty" in capsys.readouterr().out
    monkeypatch.setenv("GATEWAY_API_KEY", MUTE_KEY)
    assert await running.run("send", finished, "--envelope", "--dry-run") == 6


async def test_one_that_is_too_large_never_fills_the_memory(running: Office, tmp_path: Path, capsys: Capture) -> None:
    with (tmp_path / "big.edxml").open("wb") as big:
        big.truncate(ENVELOPE_BYTES_MAX + 1)
    assert await running.run("send", str(tmp_path / "big.edxml"), "--envelope") == 1
    assert "size.limit" in capsys.readouterr().err
