"""Two schemas of the format, our own text: what we write (strict), and what we read (lax).

They say to other people's tools what `validate` and the readers say to us, and nothing of ours depends on them: a check of
a skeleton, whose files are cut out, so it is flat in memory whatever a file weighs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from lxml import etree

from gateway.edxml.block import local_name
from gateway.safe_xml import Element, parse_signed

FAULTS_MAX: Final = 100
"""Who has that many does not need the next one."""
NAMESPACE_CHARS_MAX: Final = 200
"""libxml2 writes the whole namespace into each of its messages: a long one on every element would take all memory."""
CHILDREN_MAX: Final = 2_000
"""... and the place of the element among its neighbours, which it counts: 99,000 bad ones took 70 s. Ours has 1,100 at most."""
_FOLDER: Final = Path(__file__).resolve().parent / "schemas"
_NAME: Final = re.compile(r"(?:\{[^}]*\})?([^{}\s',]+)")
_ABOUT: Final = re.compile(r"Element '(?:\{[^}]*\})?([^{}']*)'(?:, attribute '(?:\{[^}]*\})?([^{}']*)')?")
_EXPECTED: Final = re.compile(r"Expected is (?:one of )?\( ([^()]*) \)\.$")
_LOCK: Final = Lock()
"""A compiled schema keeps the faults of its last run in itself."""


class Flavour(StrEnum):
    """Which of the two."""

    STRICT = "strict"
    LAX = "lax"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFault:
    """One place where a file is not as its schema says; names only, never what the file says."""

    line: int
    """Of the markup, from 1; 0 where it is not known."""
    text: str
    """The element (or element@attribute) and the rule of XML Schema it breaks: `Subject: cvc-maxlength-valid`; for one out of
    its place, what was expected there."""


def schema_text(flavour: Flavour) -> bytes:
    """The schema as a file (UTF-8), to be given away."""
    return (_FOLDER / f"{flavour.value}.xsd").read_bytes()


def schema_faults(root: Element, flavour: Flavour) -> tuple[SchemaFault, ...]:
    """Where a tree of `gateway.safe_xml` is not as the schema says, in the order of the file; at most `FAULTS_MAX`."""
    for element in root.iter():
        if len(element) > CHILDREN_MAX:
            return (SchemaFault(line=element.sourceline or 0, text=f"{local_name(element)}: count"),)
    if any(len(namespace) > NAMESPACE_CHARS_MAX for namespace in _declared(root)):
        return (SchemaFault(line=0, text="namespace: length"),)
    with _LOCK:
        schema = _compiled(flavour)
        if schema.validate(root):
            return ()
        found = [
            SchemaFault(line=entry.line, text=_text(entry.message, entry.type_name, flavour))
            for entry, _ in zip(schema.error_log, range(FAULTS_MAX), strict=False)
        ]
    return tuple(dict.fromkeys(found))


def _declared(root: Element) -> Iterator[str]:
    """Every namespace, where it is declared: what is in scope of each element may be thousands, each time."""
    walk: Iterator[Any] = etree.iterwalk(root, events=("start-ns",))
    for _, (_, namespace) in walk:
        yield namespace


@cache
def _compiled(flavour: Flavour) -> etree.XMLSchema:
    return etree.XMLSchema(parse_signed(schema_text(flavour)))


@cache
def _known(flavour: Flavour) -> frozenset[str]:
    """Every name that the schema declares."""
    return frozenset(str(name) for name in parse_signed(schema_text(flavour)).xpath("//@name"))


def _text(message: str, rule: str, flavour: Flavour) -> str:
    """Of libxml2's message only the names: the rest of it may be what the file says."""
    about = _ABOUT.match(message)
    names = "@".join(name for name in about.groups() if name) if about else "?"
    said = f"{names}: {rule.removeprefix('SCHEMAV_').lower().replace('_', '-')}"
    expected = ", ".join(_expected(message, flavour))
    return f"{said} (expected: {expected})" if expected else said


def _expected(message: str, flavour: Flavour) -> Iterator[str]:
    """What could have stood there: names of the schema."""
    listed = _EXPECTED.search(message)
    for found in _NAME.findall(listed[1]) if listed else ():
        if found in _known(flavour):
            yield found
