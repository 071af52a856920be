"""Half a gigabyte through the installed program: it costs what a letter costs, and comes back byte-equal."""

import hashlib
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("gateway")
FILE_BYTES = 500_000_000
ABOVE_IDLE_BYTES = 64 * 1024 * 1024
META = """
sender = "Z79.VPTU"
recipients = ["Z79.UB.25747"]
code = { number = "12", notation = "CV/VPTU" }
promulgation_date = 2026-11-20
subject = "Bản vẽ quy hoạch"
"""
# The peak of a child counts from before its exec, when it still was the parent's image: so a small parent.
MEASURED = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
open(sys.argv[1], "w").write(json.dumps({"code": code, "peak": peak}))
"""


def peak_of(folder: Path, *line: str | Path) -> tuple[int, Any]:
    """Peak memory in bytes of a command that ends well, and its JSON."""
    told = folder / "measured.json"
    done = subprocess.run(
        [sys.executable, "-ISc", MEASURED, told, PROGRAM, *line, "--json"],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    measured = json.loads(told.read_text("utf-8"))
    assert measured["code"] == 0, done.stderr
    return measured["peak"], json.loads(done.stdout)


def pieces(size: int) -> Iterator[bytes]:
    """So many bytes that nothing compresses, and no piece like another."""
    block = random.Random(4).randbytes(1 << 20)
    for number in range(size // len(block)):
        turn = number * 7919 % len(block)
        yield block[turn:] + block[:turn]
    yield block[: size % len(block)]


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_half_a_gigabyte_is_packed_inspected_and_unpacked_in_flat_memory(tmp_path: Path) -> None:
    idle, _ = peak_of(tmp_path, "version")
    plan, packed, out = tmp_path / "ban ve.dwg", tmp_path / "a.edxml", tmp_path / "out"
    with plan.open("wb") as file:
        for piece in pieces(FILE_BYTES):
            file.write(piece)
    digest = digest_of(plan)
    (tmp_path / "a.toml").write_text(META, "utf-8")
    peaks = {}
    peaks["pack"], made = peak_of(tmp_path, "edxml", "pack", tmp_path / "a.toml", plan, "-o", packed)
    plan.unlink()
    peaks["inspect"], seen = peak_of(tmp_path, "edxml", "inspect", packed)
    peaks["unpack"], _ = peak_of(tmp_path, "edxml", "unpack", packed, "-d", out)
    packed.unlink()
    assert [one["sha256"] for one in (*made["attachments"], *seen["attachments"])] == [digest, digest]
    assert (out / plan.name).stat().st_size == FILE_BYTES
    assert digest_of(out / plan.name) == digest
    assert {name: peak - idle for name, peak in peaks.items() if peak - idle > ABOVE_IDLE_BYTES} == {}


def test_a_large_file_in_a_zip_is_unwrapped_in_flat_memory(tmp_path: Path) -> None:
    """As the vendor's software carries it: base64 of a ZIP of the file."""
    idle, _ = peak_of(tmp_path, "version")
    plan, packed, out = tmp_path / "ban ve.dwg", tmp_path / "a.edxml", tmp_path / "out"
    archive, digest = tmp_path / "ban ve.zip", hashlib.sha256()
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as into,
        into.open(plan.name, "w") as entry,
    ):
        for piece in pieces(FILE_BYTES // 8):
            entry.write(piece)
            digest.update(piece)
    (tmp_path / "a.toml").write_text(META, "utf-8")
    peak_of(tmp_path, "edxml", "pack", tmp_path / "a.toml", archive, "-o", packed)
    rewritten = [
        line.replace(b"ban ve.zip", plan.name.encode())
        for line in packed.read_bytes().splitlines(keepends=True)
        if b"ds:Digest" not in line
    ]
    packed.write_bytes(b"".join(rewritten))
    peaks = {}
    peaks["inspect"], seen = peak_of(tmp_path, "edxml", "inspect", packed)
    peaks["unpack"], _ = peak_of(tmp_path, "edxml", "unpack", packed, "-d", out)
    assert seen["attachments"][0]["wrapped"] is True
    assert digest_of(out / plan.name) == seen["attachments"][0]["sha256"] == digest.hexdigest()
    assert {name: peak - idle for name, peak in peaks.items() if peak - idle > ABOVE_IDLE_BYTES} == {}
