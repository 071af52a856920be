"""edXML files and forms for the commands of `gateway edxml`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main

Capture = pytest.CaptureFixture[str]
PDF = b"%PDF-1.7\nmot hai ba"
META = """
sender = { organ_id = "Z79.VPTU", name = "Văn phòng Thành ủy" }
recipients = ["Z79.UB.25747", "Z79.DU.25747"]
code = { number = "12", notation = "CV/VPTU" }
promulgation_date = 2026-11-20
subject = "Về việc họp giao ban"
created_at = 2026-11-20T08:30:00+07:00
"""


def told(capsys: Capture, *line: str | Path, code: int = 0) -> Any:
    """The JSON of a command line that ends with that code."""
    capsys.readouterr()
    found = main([*map(str, line), "--json"])
    said = capsys.readouterr()
    assert found == code, said.err
    return json.loads(said.out)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def packed(folder: Path, capsys: Capture, *files: Path, meta: str = META, name: str = "a.edxml") -> Path:
    """An edXML file made by `pack`."""
    out = folder / name
    form = written(folder, f"{name}.toml", meta)
    assert main(["edxml", "pack", str(form), *map(str, files), "-o", str(out), "-q"]) == 0, capsys.readouterr().err
    capsys.readouterr()
    return out


def changed(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    """The file with some bytes replaced by others, each of them there."""
    data = path.read_bytes()
    for old, new in changes:
        assert old in data, old
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


def left_in(folder: Path) -> Sequence[str]:
    """Everything that stands in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())
