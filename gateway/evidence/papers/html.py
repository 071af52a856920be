"""A report as one web page: no script, nothing fetched, readable in light and dark, on a telephone and on paper.

What strangers wrote (names of files, certificates) reaches the page as text only: the template escapes everything, each
value stands in an isolated direction (`bdi`), and letters without a place in a line are shown by their numbers already.
"""

import base64
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.evidence.papers import qr
from gateway.evidence.papers.paper import Paper

_TEMPLATE: Final = "report.html.j2"


def draw_html(paper: Paper, record: bytes) -> bytes:
    """The page, with the record in it."""
    page = _environment().get_template(_TEMPLATE)
    code = Markup(qr.svg(paper.record_digest))  # noqa: S704 - drawn by us from hexadecimal digits
    return page.render(paper=paper, code=code, record=base64.b64encode(record).decode()).encode()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment
