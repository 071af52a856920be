"""A stranger checks a checkpoint with nothing but a shell and openssl: the very lines of docs/AUDIT-EVENTS.md."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.audit import Checkpoint, VerifierKey, empty_root, format_checkpoint, sign_note
from tests.kit.log_signer import LogSigner

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]
PAGE = Path(__file__).parents[2] / "docs" / "AUDIT-EVENTS.md"


def recipe(vkey: str) -> str:
    """The shell block of the manual, with the key filled in."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (block,) = [text for text in blocks if "openssl pkeyutl" in text]
    assert "vkey='…'" in block
    return str(block.replace("vkey='…'", f"vkey='{vkey}'"))


def run(folder: Path, script: str) -> tuple[int, str]:
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout.strip()


async def test_openssl_verifies_the_signature_of_a_checkpoint(tmp_path: Path) -> None:
    signer = LogSigner()
    key = VerifierKey.of("gw.example", signer.public_key)
    body = format_checkpoint(Checkpoint(origin="gw.example", size=7, root=empty_root()))
    note = await sign_note(body, key=key, signer=signer)
    script = recipe(key.format())

    (tmp_path / "checkpoint").write_text(note)
    assert run(tmp_path, script) == (0, "Signature Verified Successfully")
    assert (tmp_path / "body").read_text() == body
    (tmp_path / "checkpoint").write_text(note.replace("\n7\n", "\n8\n"))
    assert run(tmp_path, script)[0] != 0
