"""The commands of the README, exactly as they stand there, in a shell; and what else needs two real gateways."""

import asyncio
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.api import ApiProblem
from gateway.demo.network import build_network
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "README.md"


def blocks(heading: str) -> list[str]:
    """The `sh` blocks of a section, in order."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)


def commands() -> str:
    """What the section on curl says."""
    found = blocks("Ten minutes with curl")
    assert len(found) >= 5
    return "\n".join(found)


async def shell(script: str, folder: Path) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script,
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(90):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def at_once(real: RealNetwork, bodies: list[str]) -> list[str]:
    """Hand in one document for each subject, all at once, under one idempotency key: keys, or codes of refusal."""

    async def hand_in(subject: str) -> str:
        async with real.client(real.sender) as client:
            try:
                metadata = real.metadata(77, [real.wards[0]], subject=subject)
                return str((await client.send_contents(metadata, [("a.pdf", tiny_pdf("77"))], "one-key"))["key"])
            except ApiProblem as problem:
                return problem.code

    return list(await asyncio.gather(*(hand_in(subject) for subject in bodies)))


async def test_ten_minutes_with_curl(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        (tmp_path / "gateway-demo").symlink_to(real.network.folder)
        (real.network.folder / "letter.pdf").write_bytes(tiny_pdf("Cong van thu nghiem"))
        code, out, err = await shell(commands(), tmp_path)
        assert (code, err) == (0, ""), out
        assert '"name":' in out
        assert '"event":"delivery.delivered"' in out
        received = (tmp_path / "received.pdf").read_bytes()
        assert received.startswith(b"%PDF-")
        assert len(received) > (tmp_path / "cong-van.pdf").stat().st_size  # the gateway has sealed it
        assert b"edXML" in (tmp_path / "received.edxml").read_bytes()
        ward = min(organ for organ in real.network.offices if organ != real.sender)
        entries = await real.inbox(ward)
        assert {entry["business_status"] for entry in entries} == {"03"}

        keys = await at_once(real, ["a"] * 6)
        assert len(set(keys)) == 1
        assert await at_once(real, ["b"] * 3) == ["conflict.idempotency"] * 3
        assert len(real.rows("party", "SELECT key FROM documents WHERE idempotency_key = 'one-key'")) == 1


READER = 'xdg-open() { cp -- "$1" read.pdf; }\n'
"""Before the commands of the page: what stands for a PDF reader, which a machine for tests has not."""


async def test_seal_verify_and_read_the_report(tmp_path: Path) -> None:
    found = blocks("Seal, verify, read the report")
    assert [len(block.splitlines()) for block in found] == [1, 3]
    build_network(tmp_path / "gateway-demo", wards=1, moment=datetime.now(UTC).replace(microsecond=0))
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / "config").symlink_to(PAGE.parent / "config")
    code, out, err = await shell(READER + "".join(found), tmp_path)
    assert code == 0, err
    assert out.startswith("sealed.pdf\n✔ Chữ ký hợp lệ: sealed.pdf\n")
    assert (tmp_path / "read.pdf").read_bytes().startswith(b"%PDF-")


SHORT = "sleep() { :; }\n"
"""Before the commands of the page: sixty tries without their seconds."""


def functions() -> str:
    """The lines of the page that define how to ask, with what they need."""
    first = commands().partition("\nPARTY=")[0]
    assert "until_says()" in first
    return SHORT + first.replace('WARD=$(ls "$DEMO/api-keys" | grep -v "$SENDER" | head -n 1)\n', "")


async def test_a_failure_of_curl_is_not_lost(tmp_path: Path) -> None:
    code, out, err = await shell(functions() + "\nask http://127.0.0.1:9/\necho went on", tmp_path)
    assert code != 0
    assert "went on" not in out
    assert "127.0.0.1" in err


async def test_polling_ends_and_shows_the_last_answer(tmp_path: Path) -> None:
    fake = '\ncurl() { echo asked >>asked; echo \'{"state":"held"}\'; }\nuntil_says delivered http://x && echo went on'
    code, out, err = await shell(functions() + fake, tmp_path)
    assert (code, out) == (1, "")
    assert err == 'no delivered after 60 tries: {"state":"held"}\n'
    assert (tmp_path / "asked").read_text().count("asked") == 60
