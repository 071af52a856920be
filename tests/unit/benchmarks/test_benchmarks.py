"""The bench counts and writes what it says; how fast anything is, no test asks."""

import json
from pathlib import Path

import pytest

from benchmarks.cases import CASES, EVERYBODY, Case
from benchmarks.results import Figure, percentile, write_figures
from benchmarks.unavoidable import Bench, counts
from gateway.core.magic import MAGIC_BYTES
from gateway.core.model import PDF
from gateway.crypto import judged_type


def test_a_figure_without_a_target_is_neither_met_nor_missed(tmp_path: Path) -> None:
    figures = [
        Figure(id="a", value=2.0, unit="1/s"),
        Figure(id="b", value=2.0, unit="1/s", target=2.0),
        Figure(id="c", value=2.0, unit="ms", target=1.0, at_most=True),
    ]
    write_figures(tmp_path / "latest.json", figures)
    assert json.loads((tmp_path / "latest.json").read_text(encoding="utf-8")) == [
        {"id": "a", "value": 2.0, "unit": "1/s", "target": None, "met": None},
        {"id": "b", "value": 2.0, "unit": "1/s", "target": 2.0, "met": True},
        {"id": "c", "value": 2.0, "unit": "ms", "target": 1.0, "met": False},
    ]


def test_every_kind_of_document_is_measured() -> None:
    assert {(case.kind, case.size, case.recipients) for case in CASES} == {
        (kind, size * 1024, recipients)
        for kind in ("pdf", "file")
        for size in (3, 150)
        for recipients in (1, EVERYBODY)
    } | {("sealed", 150 * 1024, recipients) for recipients in (1, EVERYBODY)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_document_is_its_own_and_of_its_kind_and_size(case: Case) -> None:
    seal = b"%b sealed".__mod__
    (_, one), (_, other) = case.content(seal), case.content(seal)
    assert one.endswith(b" sealed") is (case.kind == "sealed")
    assert one != other
    assert (judged_type(one[:MAGIC_BYTES]) == PDF) is case.pdf
    assert abs(len(one) - case.size) < 400


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_limit_counts_only_what_the_bench_can_do(case: Case) -> None:
    needed = counts(case)
    assert sum(one.times for one in needed if one.operation == "rsa_sign") == (2 if case.kind == "pdf" else 1)
    assert {one.operation for one in needed} <= set(Bench().operations())
    Bench().whole(case)()


def test_percentiles() -> None:
    assert percentile([5.0], 99) == 5.0
    assert percentile([float(n) for n in range(1, 102)], 50) == 51.0
