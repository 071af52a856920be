"""The edXML part of the bench: its ways do what they say, and its figures are what was measured."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import edxml
from benchmarks.edxml import (
    MB,
    SIZES,
    WAYS,
    Sample,
    in_turn,
    make_sample,
    memory_figures,
    ratio,
    read_plain,
    speed_figures,
    stage_figures,
    stages,
    write_plain,
)
from benchmarks.results import Figure, rows_besides, write_figures
from gateway.core.errors import SenderError, SiteError
from gateway.edxml import read_message
from gateway.safe_xml import read_skeleton


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return make_sample(tmp_path, 3_001)


def by_id(figures: object) -> dict[str, Figure]:
    return {figure.id: figure for figure in figures}  # type: ignore[attr-defined]


def test_a_sample_is_a_file_and_an_envelope_that_can_be_read(sample: Sample) -> None:
    data = sample.file.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (3_001, sample.attachment.blob.digest)
    reading = read_message(read_skeleton([sample.envelope.read_bytes()]))
    assert [file.payload.read() for file in reading.attachments] == [data]


def test_every_way_of_reading_ends_with_the_same_attachment(sample: Sample, tmp_path: Path) -> None:
    data = sample.file.read_bytes()
    assert read_plain(sample, tmp_path / "none") == data
    assert not (tmp_path / "none").exists()
    for way in ("ours", "whole"):
        WAYS[f"read.{way}"](sample, tmp_path / way)
        assert (tmp_path / way).read_bytes() == data


def test_every_way_of_writing_ends_with_the_same_envelope(sample: Sample, tmp_path: Path) -> None:
    WAYS["write.ours"](sample, tmp_path / "ours")
    WAYS["write.whole"](sample, tmp_path / "whole")
    assert (tmp_path / "ours").read_bytes() == sample.envelope.read_bytes()
    assert (tmp_path / "whole").read_bytes() == write_plain(sample, tmp_path)
    data = sample.file.read_bytes()
    for name in ("ours", "whole"):
        (payload,) = read_skeleton([(tmp_path / name).read_bytes()]).payloads
        assert payload.read() == data


@pytest.mark.parametrize("way", ["read.ours", "read.whole", "write.ours", "write.whole"])
def test_who_hashes_notices_another_byte(sample: Sample, tmp_path: Path, way: str) -> None:
    for path, at in ((sample.file, 1), (sample.envelope, sample.envelope.stat().st_size - 200)):
        changed = bytearray(path.read_bytes())
        changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
        path.write_bytes(changed)
    with pytest.raises((AssertionError, SenderError, SiteError)):
        WAYS[way](sample, tmp_path / "target")


def test_everyone_has_every_turn_and_leaves_nothing(sample: Sample) -> None:
    ways = {**WAYS, **stages(sample)}
    seen: list[str] = []

    def noted(name: str) -> Callable[[Sample, Path], object]:
        def way(sample: Sample, target: Path) -> object:
            seen.append(name)
            return ways[name](sample, target)

        return way

    taken = in_turn(sample, {name: noted(name) for name in ways}, rounds=2, calls=3)
    assert {name: len(values) for name, values in taken.items()} == dict.fromkeys(ways, 2)
    assert {name: seen.count(name) for name in ways} == dict.fromkeys(ways, 6)
    assert (seen[0], seen[len(ways) * 3]) == tuple(ways)[:2]
    assert {path.name for path in sample.file.parent.iterdir()} == {"3001.bin", "3001.edxml"}


def test_the_ratio_is_of_pairs() -> None:
    # A round in which everything was ten times slower changes nothing.
    assert ratio([1.0, 10.0, 1.0], [2.0, 20.0, 2.0]) == 2.0
    assert ratio([2.0], [1.0]) == 0.5


def test_speed_is_the_attachments_bytes_over_the_median() -> None:
    names = {name: [4.0] for name in WAYS}
    taken = {**names, "read.ours": [0.5, 0.25, 9.0], "read.plain": [1.0, 0.5, 18.0], "read.whole": [2.0, 1.0, 9.0]}
    figures = by_id(speed_figures("100mb", taken))
    assert figures["edxml.read.100mb.ours"].value == 200.0
    assert figures["edxml.read.100mb.plain"].value == 100.0
    assert (figures["edxml.read.100mb.ratio"].value, figures["edxml.read.100mb.ratio"].met) == (2.0, True)
    assert figures["edxml.read.100mb.ratio_whole"].value == 4.0
    assert figures["edxml.read.100mb.ratio_whole"].met is None
    assert (figures["edxml.write.100mb.ours"].unit, figures["edxml.write.100mb.ours"].value) == ("MB/s", 25.0)


def test_the_target_is_for_a_megabyte_and_more() -> None:
    slower = {name: [2.0 if name.endswith("ours") else 1.0] for name in WAYS}
    met = {size: by_id(speed_figures(size, slower))[f"edxml.write.{size}.ratio"].met for size in SIZES}
    assert met == {"10kb": None, "1mb": False, "100mb": False}


def test_the_stages_and_the_rest_are_the_whole(sample: Sample) -> None:
    taken = {name: [1e-6] for name in stages(sample)} | {name: [20e-6] for name in WAYS}
    figures = by_id(stage_figures(taken))
    for direction, count in (("read", 5), ("write", 4)):
        assert figures[f"edxml.stage.{direction}.total"].value == 20.0
        assert figures[f"edxml.stage.{direction}.rest"].value == 20.0 - count
        assert len([name for name in figures if name.startswith(f"edxml.stage.{direction}.")]) == count + 2


def test_memory_is_flat_or_the_target_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = {"read.ours": lambda size: 1.0, "write.ours": lambda size: size / 1_000}
    monkeypatch.setattr(edxml, "WEIGHTS", {"1mb": 1_000, "100mb": 2_000, "500mb": 9_000})
    monkeypatch.setattr(edxml, "peak_above_idle", lambda way, sample: peaks.get(way, lambda size: 50.0)(sample.size))
    figures = by_id(memory_figures(tmp_path))
    assert (figures["edxml.memory.read.growth"].value, figures["edxml.memory.read.growth"].met) == (0.0, True)
    assert (figures["edxml.memory.write.growth"].value, figures["edxml.memory.write.growth"].met) == (8.0, False)
    assert figures["edxml.memory.read.100mb.plain"].value == 50.0
    assert "edxml.memory.read.500mb.plain" not in figures
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_holds_the_file_shows_it(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, 20 * MB)
    assert edxml.peak_above_idle("read.plain", sample) > 20
    assert edxml.peak_above_idle("read.ours", sample) < 10


def test_one_part_measured_again_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    write_figures(path, [Figure(id="a.b", value=1, unit="x", target=2), Figure(id="edxml.old", value=1, unit="x")])
    kept = rows_besides(path, "edxml.")
    write_figures(path, [Figure(id="edxml.new", value=3, unit="x")], kept=kept)
    assert [row["id"] for row in rows_besides(path, "none")] == ["a.b", "edxml.new"]
    assert rows_besides(path, "edxml.")[0] == {"id": "a.b", "value": 1, "unit": "x", "target": 2, "met": False}
