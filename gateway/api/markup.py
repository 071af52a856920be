"""What the pages for people are written with: one frame, one style, tables that can be read on a telephone.

Nothing comes from anywhere else: no script, no font, no picture. On a narrow screen a row is a card, and every cell says
what it is (`data-label`): there the head of the table cannot be seen.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from aiohttp import hdrs

from gateway.api.language import Language

STYLE: Final = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 66rem; padding: 1rem; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.25 }
h2 { font-size: 1.3rem; margin-top: 2.5rem; border-top: 2px solid #8888; padding-top: .6rem }
h3 { font-size: 1.1rem; margin: 2rem 0 .2rem }
h4 { font-size: 1rem; margin: 1rem 0 .2rem }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem }
h1 code, h3 code { font-size: inherit }
pre { padding: .6rem; border: 1px solid #8888; border-radius: .3rem; white-space: pre-wrap; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0 }
th, td { border: 1px solid #8888; padding: .3rem .5rem; text-align: left; vertical-align: top }
tbody th { font-weight: inherit }
.name { white-space: nowrap; width: 1% }
.short { min-width: 6rem; width: 12% }
.words { min-width: 11rem }
dt { font-weight: bold; margin-top: .6rem }
dd { margin-left: 0 }
small { display: block; font-size: .8rem }
tr:target { outline: 2px solid; outline-offset: 2px }
.bar { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; justify-content: flex-end }
.bar a, .top a, nav a { display: inline-block; padding: .2rem 0 }
nav ul, .codes { columns: 18rem; padding-left: 1.2rem }
nav > ul { columns: auto }
summary { cursor: pointer; padding: .2rem 0 }
@media (max-width: 46rem) {
  thead { display: none }
  table, tbody, tr, th, td { display: block }
  tr { border: 1px solid #8888; margin-bottom: .6rem; padding: .2rem 0 }
  th, td { border: 0; padding: .15rem .6rem }
  .name, .short { width: auto; white-space: normal; overflow-wrap: anywhere }
  tbody th code { font-weight: bold }
  td::before { content: attr(data-label) ": "; font-weight: bold }
}
@media print {
  body { max-width: none }
  nav, .bar, .top { display: none }
  tr, pre { break-inside: avoid }
  a { color: inherit; text-decoration: none }
}
"""
_STYLE_HASH: Final = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    # Nothing but our own style may be used by these pages: no script, no font, no picture, no frame, no form.
    hdrs.CONTENT_SECURITY_POLICY: (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
"""What every page is sent with."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    head: str
    """Id of its text."""
    kind: str = "words"
    """`name`: codes and names of headers and fields, never broken; `short`: a word or two; `words`: sentences."""


def page(language: Language, title: str, body: str, *, switch: str = "") -> bytes:
    """A whole page. `switch` is the path at which it is found in the other language, too."""
    other = language.other
    bar = "" if not switch else (
        f'<p class="bar"><a href="{escape(switch)}?lang={other}" hreflang="{other}" lang="{other}">'
        f"{escape(other.text('api.page.language'))}</a></p>"
    )  # fmt: skip
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f'<body id="top">{bar}<main>{body}</main></body></html>'
    ).encode()


def table(
    language: Language, columns: Sequence[Column], lines: Sequence[Sequence[str]], ids: Sequence[str] = ()
) -> str:
    """A table of cells that are markup already; the first cell names its row. `ids` are the anchors of the rows."""
    heads = [escape(language.text(column.head)) for column in columns]
    top = "".join(
        f'<th scope="col" class="{column.kind}">{head}</th>' for column, head in zip(columns, heads, strict=True)
    )
    body = []
    for number, line in enumerate(lines):
        anchor = f' id="{escape(ids[number])}"' if ids else ""
        body.append(f"<tr{anchor}>{_cells(columns, heads, line)}</tr>")
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _cells(columns: Sequence[Column], heads: Sequence[str], line: Sequence[str]) -> str:
    first, *rest = [
        f' class="{column.kind}" data-label="{head}">{cell}'
        for column, head, cell in zip(columns, heads, line, strict=True)
    ]
    return f'<th scope="row"{first}</th>' + "".join(f"<td{cell}</td>" for cell in rest)


def code(shown: str) -> str:
    """A name or a code."""
    return f"<code>{escape(shown)}</code>"


def link(target: str, shown: str) -> str:
    """A link; `shown` is markup already."""
    return f'<a href="{escape(target)}">{shown}</a>'
