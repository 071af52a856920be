"""What README and PERFORMANCE say of speed is what was measured."""

from pathlib import Path

import pytest

from benchmarks.tables import PAGES, TABLES, filled, read_figures, write_tables


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_say_what_the_last_run_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == filled(text, read_figures()), "run `python -m benchmarks --table`"
    assert "<!-- bench: throughput -->" in text


def test_every_table_stands_somewhere() -> None:
    written = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert all(f"<!-- bench: {name} -->" in written for name in TABLES)


def test_another_figure_changes_its_cell_and_no_word_around_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench: throughput -->\n| old |\n<!-- bench: end -->\nafter\n", encoding="utf-8")
    write_tables({**read_figures(), "pdf-3k-1.documents_per_second": 4711.0}, [page])
    lines = page.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[-1], "| old |" in lines) == ("before", "after", False)
    assert "4711" in lines[4]
    assert {line.count("|") for line in lines[2:-2]} == {9}
    write_tables(read_figures(), [page])
    assert "4711" not in page.read_text(encoding="utf-8")


def test_a_mark_of_no_table_is_found_out() -> None:
    with pytest.raises(KeyError):
        filled("<!-- bench: luck -->\n<!-- bench: end -->", read_figures())
