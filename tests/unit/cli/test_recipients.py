from pathlib import Path

import pytest

from gateway.cli.errors import Failure
from gateway.cli.recipients import parse_lines, read_recipients
from gateway.core.limits import RECIPIENTS_MAX
from tests.unit.cli.world import stdin


def test_a_column_of_codes() -> None:
    pasted = "\ufeffZ79.DU.25747\tĐảng ủy Phường Thủ Dầu Một\r\n\n# quận cũ\n  Z79.UB.26732 # Côn Đảo\n"
    assert parse_lines(pasted) == ("Z79.DU.25747", "Z79.UB.26732")


def test_recipients_keep_their_order_and_come_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "codes").write_text("B\nA\nC\n", "utf-8")
    assert read_recipients(["A", "A"], tmp_path / "codes", stdin(monkeypatch)) == ("A", "B", "C")
    assert read_recipients([], Path("-"), stdin(monkeypatch, "\ufeffX Phường\nA\n".encode())) == ("X", "A")


def test_no_recipients_and_far_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="no_recipient"):
        read_recipients([], None, stdin(monkeypatch))
    (tmp_path / "codes").write_text("x" * 300 * RECIPIENTS_MAX, "utf-8")
    with pytest.raises(Failure, match="file"):
        read_recipients([], tmp_path / "codes", stdin(monkeypatch))
    with pytest.raises(Failure, match="file"):
        read_recipients([], Path("-"), stdin(monkeypatch, b"x" * 2000 * RECIPIENTS_MAX))
