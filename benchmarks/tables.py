"""The tables of README.md and docs/PERFORMANCE.md, written from `benchmarks/latest.json` between marks in those files.

`python -m benchmarks --table` writes them anew; a test compares both files with the figures.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.cases import CASES, KIB, Case
from benchmarks.edxml import DIRECTIONS, SIZES, WEIGHTS
from benchmarks.pdf_signatures import RATIO_MIN
from benchmarks.pdf_verification import MILLISECONDS_MAX, RATIO_MAX
from benchmarks.results import LONG
from benchmarks.signatures import CASES as SIGNATURE_CASES
from benchmarks.signatures import PREFIX as SIGNATURES
from benchmarks.stages import STAGES

ROOT: Final = Path(__file__).parent.parent
LATEST: Final = ROOT / "benchmarks" / "latest.json"
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "PERFORMANCE.md")

Figures = Mapping[str, float]

_BLOCK: Final = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- bench: end -->)", re.DOTALL)
_PROCESSES: Final = {
    "party.service": "sender's service",
    "party.judge": "sender's judges",
    "party.key-holder": "sender's key-holder",
    "government.service": "receiver's service",
    "government.judge": "receiver's judges",
}


_EDXML_STAGES: Final = {
    "file": "the file, in pieces",
    "search": "search for the next `<`",
    "base64": "base64",
    "sha256": "SHA-256",
    "output": "the other file",
    "rest": "all the rest: header, tree, model, Python",
    "total": "**all**",
}


def read_figures(path: Path = LATEST) -> Figures:
    """The figures of a run, by id."""
    return {row["id"]: row["value"] for row in json.loads(path.read_text(encoding="utf-8"))}


def filled(page: str, figures: Figures) -> str:
    """The page with every marked table written anew."""
    return _BLOCK.sub(lambda found: found[1] + _table(TABLES[found[2]](figures)) + found[3], page)


def write_tables(figures: Figures, pages: Sequence[Path] = PAGES) -> None:
    """Write the tables of these pages."""
    for page in pages:
        page.write_text(filled(page.read_text(encoding="utf-8"), figures), encoding="utf-8")


Rows = Iterator[Sequence[str]]


_KINDS = {"pdf": "PDF, sealed here", "sealed": "PDF, sealed by its body", "file": "other file"}


def _measured(figures: Figures) -> list[Case]:
    """The cases that these figures know: one that was added since they were measured has no column yet."""
    return [case for case in CASES if f"{case.id}.documents_per_second" in figures]


def _throughput(figures: Figures) -> Rows:
    yield (
        *("document", "size", "recipients", "documents/s", "limit: the cryptography alone", "share"),
        *("one alone, p50 / p99 ms", "under load, p50 / p99 ms"),
    )
    for case in _measured(figures):
        of = {name.removeprefix(f"{case.id}."): value for name, value in figures.items()}
        yield (
            _KINDS[case.kind],
            f"{case.size // KIB} KB",
            str(case.recipients),
            f"{of['documents_per_second']:g}",
            f"{of['limit_per_second']:g}",
            f"{of['share_of_limit'] * 100:.2g} %",
            f"{of['alone.p50']:g} / {of['alone.p99']:g}",
            f"{of['busy.p50']:g} / {of['busy.p99']:g}",
        )


def _operations(figures: Figures) -> Rows:
    yield "operation, one core", "µs"
    yield from _under("operation.", figures)


def _stages(figures: Figures) -> Rows:
    yield ("ms, one document alone (median)", *(case.id for case in _measured(figures)))
    for stage in STAGES:
        name = f"alone.stage.{stage.replace(' ', '_')}"
        yield (stage, *(f"{figures[f'{case.id}.{name}']:g}" for case in _measured(figures)))
    yield (
        "**until the verified receipt**",
        *(f"**{figures[f'{case.id}.alone.p50']:g}**" for case in _measured(figures)),
    )


def _processor(figures: Figures) -> Rows:
    yield ("CPU ms of one document", *(case.id for case in _measured(figures)))
    for process, name in _PROCESSES.items():
        yield (name, *(f"{figures[f'{case.id}.cpu.{process}']:g}" for case in _measured(figures)))
    totals = [sum(figures[f"{case.id}.cpu.{process}"] for process in _PROCESSES) for case in _measured(figures)]
    yield ("**both gateways**", *(f"**{total:.3g}**" for total in totals))


def _memory(figures: Figures) -> Rows:
    yield "process", "MB"
    yield from _under("memory.", figures)


def _edxml(figures: Figures) -> Rows:
    yield (
        *("edXML, attachment of", "ours, MB/s", "lxml + base64, MB/s", "times as fast"),
        *("... and SHA-256 and a file, MB/s", "times as fast"),
    )
    for direction in DIRECTIONS:
        for size in SIZES:
            of = {name.removeprefix(f"edxml.{direction}.{size}."): value for name, value in figures.items()}
            columns = (of[name] for name in ("ours", "plain", "ratio", "whole", "ratio_whole"))
            yield (f"{direction}, {_size(size)}", *(f"{value:g}" for value in columns))


def _edxml_memory(figures: Figures) -> Rows:
    yield ("MB above an idle process", *(_size(size) for size in WEIGHTS), "from the smallest to the largest")
    for direction in DIRECTIONS:
        name = f"edxml.memory.{direction}"
        yield (direction, *(f"{figures[f'{name}.{size}']:g}" for size in WEIGHTS), f"{figures[f'{name}.growth']:+g}")
        plain = (figures.get(f"{name}.{size}.plain") for size in WEIGHTS)
        yield (f"{direction}, lxml + base64", *("" if value is None else f"{value:g}" for value in plain), "")


def _edxml_stages(figures: Figures) -> Rows:
    yield ("µs of one MB", *DIRECTIONS)
    for stage, name in _EDXML_STAGES.items():
        cells = (figures.get(f"edxml.stage.{direction}.{stage}") for direction in DIRECTIONS)
        yield (name, *("" if value is None else f"{value:g}" for value in cells))


def _signatures(figures: Figures) -> Rows:
    yield "µs, one core", "ours", "beside it", "", "times as long", "at most"
    for case in SIGNATURE_CASES:
        ours, beside, ratio = (figures[f"{SIGNATURES}{case.id}.{name}"] for name in ("ours", "beside", "ratio"))
        limit = "" if case.limit is None else f"{case.limit:g}"
        yield case.id, f"{ours:g}", f"{beside:g}", case.beside, f"{ratio:g}", limit


def _pdf_signatures(figures: Figures) -> Rows:
    yield "ms of a PDF of 150 KB, one core", "ours", "pyHanko", "", "asked", "seen"
    for way, words in (("as_it_comes", "key read for each file"), ("loaded", "key loaded once")):
        name = f"{SIGNATURES}seal_pdf"
        ours, theirs, rate = (figures[f"{name}.{part}"] for part in ("ours", way, f"rate_to_{way}"))
        yield "seal, B-B", f"{ours:g}", f"{theirs:g}", words, f"{RATIO_MIN[way]:g} times its rate", f"{rate:g} times"
    for case, words in (("ours", "signer seen before"), ("ours_first", "signer never seen")):
        name = f"{SIGNATURES}verify_pdf"
        ours, theirs, ratio = (figures[f"{name}.{part}"] for part in (case, "theirs", f"{case}.ratio"))
        asked = f"{RATIO_MAX:g} of its time, or {MILLISECONDS_MAX:g} ms" if case == "ours" else ""
        yield "verify", f"{ours:g}", f"{theirs:g}", words, asked, f"{ratio:g} of its time"


_LONG: Final = (
    (
        "start.ready",
        "a gateway that was killed, from its start to its first answer, alone on the machine",
        "s",
        "≤ 2 s",
    ),
    ("start.cpu", "... CPU until then, with what it starts", "s", ""),
    ("half_load.file-150k-1.p99", "time to the verified receipt at half load, p99: other file, 150 KB", "s", "< 1 s"),
    ("half_load.sealed-150k-1.p99", "... a PDF that its body has sealed, 150 KB", "s", "< 1 s"),
    ("everybody.longest", "one document to 336 recipients, until all receipts are verified, the slowest", "s", "< 3 s"),
    ("recipient.cpu", "CPU of each further recipient, both gateways together", "ms", "≤ 0.3 ms"),
    ("backlog.deliveries", "deliveries that gathered while the receiver was away", "", "20,000"),
    ("backlog.drain_ratio", "the rate at which they drained, beside the steady rate", "times", "≥ 0.9"),
    ("backlog.urgent.p50", "... and meanwhile an urgent document until its verified receipt, p50", "s", ""),
    ("backlog.urgent.longest", "... the slowest of them", "s", "≤ 10 s"),
    ("finished.sqlite.documents", "finished documents in both databases, SQLite", "", "1,000,000"),
    ("finished.sqlite.ratio", "the rate, beside the rate with none", "times", "≥ 0.9"),
    (
        "finished.sqlite.cpu_ratio",
        "... by the gateways' CPU for one document, which neighbours on the machine change least",
        "times",
        "",
    ),
    ("finished.sqlite.ready", "... both gateways, from the start to the first answer, with them", "s", ""),
    ("finished.sqlite.ready_without", "... and with none", "s", ""),
    ("finished.postgres.documents", "finished documents in both databases, PostgreSQL", "", "1,000,000"),
    ("finished.postgres.ratio", "the rate, beside the rate with none", "times", "≥ 0.9"),
    (
        "finished.postgres.cpu_ratio",
        "... by the gateways' CPU for one document, which neighbours on the machine change least",
        "times",
        "",
    ),
    ("finished.postgres.ready", "... both gateways, from the start to the first answer, with them", "s", ""),
    ("finished.postgres.ready_without", "... and with none", "s", ""),
    ("memory.party.150k", "PSS of a sending node under load, PDFs of 150 KB", "MB", "≤ 350 MB"),
    ("memory.government.150k", "... of a receiving node", "MB", "≤ 350 MB"),
    ("memory.party.7m", "PSS of a sending node under load, files of 7 MB", "MB", "≤ 350 MB"),
    ("memory.government.7m", "... of a receiving node", "MB", "≤ 350 MB"),
    ("memory.party.7m_pdf", "PSS of a sending node under load, PDFs of 7 MB", "MB", "≤ 350 MB"),
    ("memory.government.7m_pdf", "... of a receiving node", "MB", "≤ 350 MB"),
)
"""Figures of `make bench-long`: which, what it is, its unit, what was asked."""


def _long(figures: Figures) -> Rows:
    yield "`make bench-long`", "measured", "asked"
    for name, meaning, unit, asked in _LONG:
        value = figures.get(f"{LONG}{name}")
        if value is not None:
            yield meaning, f"{_grouped(value)} {unit}".strip(), asked


def _grouped(value: float) -> str:
    """Whole numbers in groups of three, others as they are."""
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _size(name: str) -> str:
    """`100mb` as people write it."""
    return f"{name[:-2]} {name[-2:].upper()}"


def _under(prefix: str, figures: Figures) -> Rows:
    for name, value in figures.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), f"{value:g}"


TABLES: Final[Mapping[str, Callable[[Figures], Rows]]] = {
    "throughput": _throughput,
    "operations": _operations,
    "stages": _stages,
    "processor": _processor,
    "memory": _memory,
    "edxml": _edxml,
    "edxml_memory": _edxml_memory,
    "edxml_stages": _edxml_stages,
    "signatures": _signatures,
    "pdf_signatures": _pdf_signatures,
    "long": _long,
}


def _table(rows: Rows) -> str:
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(cells)} |" for cells in body)]
    return "".join(f"{line}\n" for line in lines)
