"""`benchmarks/pdf_signatures.py` compares like with like: both sides seal the same file, each with one good signature."""

from pathlib import Path

import pytest

from benchmarks import pdf_signatures
from benchmarks.pdf_signatures import Material, pdf_signature_figures, sample_pdf, seal_ours, seal_pyhanko
from gateway.crypto import Trust, judge_pdf

SAMPLE = sample_pdf(5_000)


def test_both_ways_give_a_signature_over_the_whole_file_by_the_same_certificate(tmp_path: Path) -> None:
    material = Material(tmp_path)
    trust = Trust(anchors=(material.chain[1],))
    seen = []
    ways = (seal_pyhanko(SAMPLE, material.signer), seal_pyhanko(SAMPLE, material.keeping))
    for sealed in (seal_ours(SAMPLE, material), *ways):
        assert sealed.startswith(SAMPLE)
        (signature,) = judge_pdf(sealed, trust=trust, moment=pdf_signatures._MOMENT).signatures
        assert signature.covers == "whole file"
        assert b"/ETSI.CAdES.detached" in sealed
        seen.append(signature.certificate)
    assert len(set(seen)) == 1
    assert seen[0] is not None


def test_the_sample_has_the_size_that_is_asked_for() -> None:
    assert 150_000 <= len(sample_pdf(150_000)) < 151_000


def test_the_figures_have_targets_and_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_signatures, "FILE_BYTES", 2_000)
    monkeypatch.setattr(pdf_signatures, "ROUNDS", 1)
    monkeypatch.setattr(pdf_signatures, "CALLS", {"ours": 1, "as_it_comes": 1, "loaded": 1, "rsa": 1})
    figures = {figure.id: figure for figure in pdf_signature_figures()}
    assert {name for name, figure in figures.items() if figure.met is not None} == {
        "signatures.seal_pdf.rate_to_as_it_comes",
        "signatures.seal_pdf.rate_to_loaded",
    }
    ours, theirs = figures["signatures.seal_pdf.ours"].value, figures["signatures.seal_pdf.loaded"].value
    assert figures["signatures.seal_pdf.rate_to_loaded"].value == pytest.approx(theirs / ours, rel=0.02)
