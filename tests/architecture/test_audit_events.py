"""The catalogue in the manual and the catalogue in the code are one."""

import re
from pathlib import Path

from gateway.core.events import EventKind
from gateway.core.metrics import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "AUDIT-EVENTS.md"


def test_the_page_lists_exactly_the_events_of_the_code_in_order() -> None:
    table = PAGE.read_text().partition("## The events")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z._]+)` \|", table, re.MULTILINE)
    assert rows == [kind.value for kind in EventKind]


def test_the_operators_manual_lists_exactly_the_metrics_of_the_code_in_order() -> None:
    table = (PAGE.parent / "OPERATIONS.md").read_text().partition("## Metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(gateway_[a-z_]+)` \| ([a-z_, -]+) \|", table, re.MULTILINE)
    assert rows == [(metric.name, ", ".join(metric.labels) or "-") for metric in CATALOGUE]
