"""`gateway edxml inspect`: who, to whom, what, which files, and everything that was noticed. No signature is judged."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.cli.edxml.look import look
from gateway.cli.edxml.message_facts import print_message, title_of
from gateway.cli.edxml.meta import form_of
from gateway.cli.edxml.source import called
from gateway.cli.edxml.stores import glanced
from gateway.cli.edxml.told import finding_json, has_errors, print_findings
from gateway.cli.exits import Exit
from gateway.cli.orders import Session
from gateway.cli.output import WORDS_CHARS_MAX, Column, Terminal
from gateway.edxml import SIGNATURES_MAX, ReadAttachment, Reading, SignatureSeen, signatures_of

Json = dict[str, Any]

_COLUMNS: Final = (
    Column(heading="cli.column.position", whole=True),
    Column(heading="cli.edxml.column.name", longest=WORDS_CHARS_MAX),
    Column(heading="cli.edxml.column.size", whole=True),
    Column(heading="cli.edxml.column.declared"),
    Column(heading="cli.edxml.column.magic"),
    Column(heading="cli.edxml.column.bound"),
    Column(heading="cli.edxml.column.sha256", whole=True),
    Column(heading="cli.edxml.column.carried", whole=True),
)
_FORMS: Final = MappingProxyType(
    {
        "xades": "cli.edxml.signature_xades",
        "xmldsig": "cli.edxml.signature_xmldsig",
        "foreign": "cli.edxml.signature_foreign",
        "empty": "cli.edxml.signature_empty",
    }
)


def inspect(session: Session, path: Path) -> int:
    """Show a file; 4 when it does not hold together.

    Raises:
        Failure: it is not there or cannot be read.
        SenderError: `envelope.malformed`, `size.limit`.
    """
    terminal = session.terminal
    with glanced() as store:
        skeleton, reading = look(session, path, store=store)
    signatures = signatures_of(skeleton.root)
    if terminal.json:
        terminal.value(_report_json(path, reading, signatures))
    else:
        _print(terminal, path, reading, signatures)
    return Exit.VERIFICATION if has_errors(reading.findings) else Exit.OK


def _print(terminal: Terminal, path: Path, reading: Reading, signatures: Sequence[SignatureSeen]) -> None:
    title = [
        title_of(terminal, reading),
        *([terminal.text("cli.edxml.in_error")] if has_errors(reading.findings) else []),
    ]
    terminal.print(f"{called(terminal, path)}: {' — '.join(title)}", style="bold")
    print_message(terminal, reading.message)
    for signature in signatures[:SIGNATURES_MAX]:
        covers = ", ".join(one or terminal.text("cli.edxml.whole_file") for one in signature.references)
        form = terminal.text(_FORMS[signature.form])
        terminal.facts([("cli.edxml.signature", form), ("cli.edxml.covers", covers)], indent="  ")
    if len(signatures) > SIGNATURES_MAX:
        terminal.print("  " + terminal.text("cli.edxml.more_signatures", limit=SIGNATURES_MAX))
    if signatures:
        terminal.print("  " + terminal.text("cli.edxml.unjudged"))
    else:
        terminal.facts([("cli.edxml.signature", terminal.word("indication.none"))], indent="  ")
    if reading.attachments:
        rows = [_row(terminal, one) for one in reading.attachments]
        shown = [n for n in range(len(_COLUMNS)) if n < len(_COLUMNS) - 1 or any(row[n] for row in rows)]
        terminal.table([_COLUMNS[n] for n in shown], [[row[n] for n in shown] for row in rows])
    if reading.findings:
        terminal.print(terminal.text("cli.edxml.findings", count=len(reading.findings)), style="bold")
        print_findings(terminal, reading.findings)
    else:
        terminal.print(terminal.text("cli.edxml.nothing_found"))


def _row(terminal: Terminal, one: ReadAttachment) -> list[str]:
    return [
        str(one.position),
        one.name,
        terminal.number(one.file.size),
        one.content_type,
        one.media_type,
        terminal.text("cli.edxml.yes" if one.bound else "cli.edxml.no"),
        one.file.digest,
        one.payload.digest if one.wrapped else "",
    ]


def attachment_json(one: ReadAttachment) -> Json:
    """One attachment for programs."""
    return {
        "position": one.position,
        "name": one.name,
        "content_type": one.content_type,
        "media_type": one.media_type,
        "size": one.file.size,
        "sha256": one.file.digest,
        "wrapped": one.wrapped,
        "carried": {"size": one.payload.size, "sha256": one.payload.digest},
        "bound": one.bound,
    }


def _report_json(path: Path, reading: Reading, signatures: Sequence[SignatureSeen]) -> Json:
    return {
        "file": str(path),
        "type": reading.kind.value,
        "sound": not has_errors(reading.findings),
        "message": form_of(reading.message),
        "attachments": [attachment_json(one) for one in reading.attachments],
        "signatures": [{"form": one.form, "references": list(one.references)} for one in signatures],
        "findings": [finding_json(one) for one in reading.findings],
    }
