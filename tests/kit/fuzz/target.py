"""One file, read in every way of the house; what any file must hold true, whatever it is.

* The strict readers give a message or a `SenderError` of a named code; nothing else is ever raised.
* The tolerant ones give a message with findings, or a `SenderError` where there is no tree to read.
* In what pieces a file comes makes no difference.
* What the strict reader takes, the tolerant one takes without a repair, and both say the same of it; what the strict one
  refuses, the tolerant one reports an error of.
* Each attachment of a file that is taken is what a plain parser and base64 make of it.

It is loaded after the marks are set (`branches`), so it alone of this package may import the readers.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Final

from lxml import etree

from gateway.core.errors import SenderError
from gateway.edxml import CODES as SEVERITIES
from gateway.edxml import (
    Finding,
    Flavour,
    ReadAttachment,
    Reading,
    Severity,
    read_message,
    read_tolerantly,
    schema_faults,
    validate,
)
from gateway.observe.messages import text
from gateway.safe_xml import Payload, Skeleton, read_foreign, read_skeleton
from tests.kit.fuzz.disagreement import check

CODES: Final = frozenset({"envelope.malformed", "envelope.attachments", "size.limit"})
ONLY_TOLERANT: Final = frozenset({"secrecy", "attachment.mangled", "attachment.archive"})
"""Errors of what the strict reader leaves to others: the duties of reception, and whoever opens the file."""
MILDER: Final = frozenset({("missing", Severity.NOTE)})
"""A ResponseFor that names no document is left out and told; the message is none the worse."""
FINDINGS_MAX: Final = 501
PIECES_MAX: Final = 2_000
"""In which a file is handed over: more take time and show nothing new."""
GAP: Final = text("param.unknown")
TEXTS_MAX: Final = 20
"""Findings whose texts are made: the rest are like them."""


Outcome = tuple[Skeleton | None, Reading | None, str]


def examine(data: bytes, *, piece: int = 7) -> frozenset[str]:
    """Read the file; what is worth remembering of how it went.

    Raises:
        DisagreementError: of two readings.
        Exception: whatever the readers let out, which is a mistake of theirs.
    """
    piece = max(piece, len(data) // PIECES_MAX)
    strict, tolerant = _strictly([data]), _tolerantly([data])
    in_pieces = _tolerantly(data[start : start + piece] for start in range(0, len(data), piece))
    _same(tolerant, in_pieces)
    _agree(strict, tolerant)
    if strict[0] is not None:
        _third_opinion(data, strict[0])
    if tolerant[1] is not None:
        _well_formed(tolerant[1])
    if tolerant[0] is not None:
        schema_faults(tolerant[0].root, Flavour.LAX)
    findings = tolerant[1].findings if tolerant[1] else ()
    return frozenset({f"strict {strict[2]}", f"tolerant {tolerant[2]}", *map(_feature, findings)})


def _strictly(pieces: Iterable[bytes]) -> Outcome:
    skeleton = None
    try:
        skeleton = read_skeleton(pieces)
        return skeleton, read_message(skeleton), ""
    except SenderError as error:
        return skeleton, None, _named(error)


def _tolerantly(pieces: Iterable[bytes]) -> Outcome:
    try:
        skeleton = read_foreign(pieces)
    except SenderError as error:
        return None, None, _named(error)
    return skeleton, read_tolerantly(skeleton), ""


def _named(error: SenderError) -> str:
    check(error.code in CODES, f"refused with {error.code}")
    return f"{error.code} {error.params.get('reason', '')}"


def _same(whole: Outcome, pieces: Outcome) -> None:
    check(whole[2] == pieces[2], f"in one piece {whole[2]!r}, in many {pieces[2]!r}")
    if whole[0] is None or pieces[0] is None:
        return
    check(whole[0].markup == pieces[0].markup, "other markup in pieces")
    check(whole[0].repairs == pieces[0].repairs, "other repairs in pieces")
    check(_told(whole[0].payloads) == _told(pieces[0].payloads), "other payloads in pieces")
    check(whole[1] == pieces[1], "another reading in pieces")


def _told(payloads: Iterable[Payload]) -> list[tuple[int, str, bool]]:
    return [(payload.size, payload.digest, payload.sound) for payload in payloads]


def _agree(strict: Outcome, tolerant: Outcome) -> None:
    if strict[0] is not None:
        check(tolerant[0] is not None, "strict has a tree and tolerant has none")
    if strict[0] is None or tolerant[0] is None or tolerant[1] is None:
        return
    check(not tolerant[0].repairs, "a strict tree, repaired")
    check(_told(strict[0].payloads) == _told(tolerant[0].payloads), "other payloads")
    findings = tolerant[1].findings
    errors = [finding for finding in findings if finding.severity == Severity.ERROR]
    if strict[1] is None:
        grave = any(finding.severity != Severity.NOTE for finding in findings)
        check(grave, f"refused ({strict[2]}) and neither an error nor a repair found")
        return
    check(not [error.code for error in errors if error.code not in ONLY_TOLERANT], f"taken, with errors {errors}")
    check(strict[1].message == tolerant[1].message, "another message")
    check(strict[1].kind == tolerant[1].kind, "another kind")
    check(set(map(_feature, strict[1].findings)) <= set(map(_feature, findings)), "notes that tolerant lacks")
    check(_files(strict[1].attachments) == _files(tolerant[1].attachments), "other attachments")


def _files(files: Iterable[ReadAttachment]) -> list[tuple[int, str, str, str, bool]]:
    return [(file.position, file.name, file.content_type, file.payload.digest, file.bound) for file in files]


def _third_opinion(data: bytes, skeleton: Skeleton) -> None:
    """By a parser with its usual doors, which is safe here: a strict tree has no DTD."""
    if not all(payload.sound for payload in skeleton.payloads):
        return  # what is no base64 need not be a text of XML either: the cut never showed it to a parser
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True))
    carriers = list(root.iter("{*}ContentTransferEncoded"))
    check(len(carriers) == len(skeleton.payloads), "another number of payloads")
    for carrier, payload in zip(carriers, skeleton.payloads, strict=True):
        text = "".join((carrier.text or "").split())
        check(payload.read() == base64.b64decode(text, validate=True), "another payload than base64 makes")


def _well_formed(reading: Reading) -> None:
    check(len(reading.findings) <= FINDINGS_MAX, "too many findings")
    for finding in reading.findings:
        check(all(len(value) <= 100 for value in finding.params.values() if isinstance(value, str)), "a long value")
        milder = (finding.code, finding.severity) in MILDER
        check(milder or SEVERITIES.get(finding.code) == finding.severity, f"{finding.code} as {finding.severity}")
    for finding in reading.findings[:TEXTS_MAX]:
        given = frozenset(name for name, value in finding.params.items() if value not in (None, ""))
        check(not _has_gap(finding.code, given), f"a text with a gap: {finding.code} with {sorted(given)}")
    for file in reading.attachments:
        data = file.file.read()
        check(hashlib.sha256(data).hexdigest() == file.digest and len(data) == file.size, "another digest")
    validate(reading.message)


@cache
def _has_gap(code: str, given: frozenset[str]) -> bool:
    """Whether its text says of a detail that it is not known, where the text with every detail does not."""
    shown, whole = (text(f"edxml.finding.{code}", params) for params in (dict.fromkeys(given, "x"), _Everything()))
    return shown.vi.count(GAP.vi) > whole.vi.count(GAP.vi) or shown.en.count(GAP.en) > whole.en.count(GAP.en)


class _Everything(dict[str, object]):
    """Parameters of every name."""

    def __missing__(self, _: str) -> str:
        return "x"

    def get(self, _: str, __: object = None) -> object:
        return "x"


def _feature(finding: Finding) -> str:
    """A finding without the numbers in its path: a thousand recipients are nothing new."""
    path = "".join(letter for letter in finding.path if not letter.isdigit())
    reason = finding.params.get("reason", "")
    return f"{finding.severity} {finding.code} {path.rpartition('/')[2]} {reason}"
