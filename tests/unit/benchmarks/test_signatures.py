"""The signatures of the bench: both ways of every case do the job, and its figures are what was measured."""

import pytest
import xmlsec

from benchmarks import signatures
from benchmarks.results import Figure
from benchmarks.signatures import CASES, Case, Ways, figures_of, least, sign, signature_figures, skeleton, verify
from benchmarks.tables import TABLES, read_figures


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_both_ways_of_a_case_can_be_gone(case: Case) -> None:
    ways = case.make()
    ways.ours()
    ways.beside()


def test_what_is_verified_is_what_was_signed_to_so_many() -> None:
    for recipients in (1, 336):
        assert sign(skeleton(recipients)).count(b":To>") == 2 * recipients


@pytest.mark.parametrize("contexts", [signatures._with_root, signatures._with_key])
def test_neither_way_takes_a_file_that_was_changed(contexts: object) -> None:
    changed = sign(skeleton(1)).replace("Về việc".encode(), b"Ve viec")
    with pytest.raises(AssertionError):
        verify(changed)
    with pytest.raises(xmlsec.Error):
        signatures.verify_beside(changed, contexts())  # type: ignore[operator]


def by_id(case: Case, ours: float, beside: float) -> dict[str, Figure]:
    return {figure.id: figure for figure in figures_of(case, ours, beside)}


def test_a_ratio_is_met_or_missed() -> None:
    case = Case(id="x", beside="y", make=lambda: Ways(ours=int, beside=int), limit=2.0)
    assert by_id(case, 3e-6, 2e-6)["signatures.x.ratio"] == Figure(
        id="signatures.x.ratio", value=1.5, unit="ratio", target=2.0, at_most=True
    )
    assert by_id(case, 3e-6, 2e-6)["signatures.x.ratio"].met is True
    assert by_id(case, 5e-6, 2e-6)["signatures.x.ratio"].met is False
    assert by_id(case, 5e-6, 2e-6)["signatures.x.ours"].value == 5.0


def test_both_ways_have_as_many_turns() -> None:
    turns: list[str] = []
    ways = Ways(ours=lambda: turns.append("ours"), beside=lambda: turns.append("beside"))
    assert all(seconds > 0 for seconds in least(ways, 3))
    assert turns == ["ours", "beside"] * 3


def test_each_case_gives_three_figures_and_the_targets_of_the_issue_stand() -> None:
    names = {figure.id for figure in signature_figures(CASES[:1], rounds=1)}
    assert names == {f"signatures.sign_envelope.{name}" for name in ("ours", "beside", "ratio")}
    limits = {case.id: case.limit for case in CASES}
    assert (limits["sign_envelope"], limits["verify_envelope_1"], limits["verify_envelope_336"]) == (1.8, 2.0, 2.0)


def test_the_table_has_a_row_for_each_case() -> None:
    rows = list(TABLES["signatures"](read_figures()))
    assert [row[0] for row in rows[1:]] == [case.id for case in CASES]
