"""The catalogue in the manual and the catalogue in the code are one."""

import re
from pathlib import Path

from gateway.core.events import EventKind

PAGE = Path(__file__).parents[2] / "docs" / "AUDIT-EVENTS.md"


def test_the_page_lists_exactly_the_events_of_the_code_in_order() -> None:
    table = PAGE.read_text().partition("## The events")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z._]+)` \|", table, re.MULTILINE)
    assert rows == [kind.value for kind in EventKind]
