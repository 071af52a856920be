"""`gateway edxml unpack`: the files of an edXML file and what it says, into a folder; all of them, or nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from gateway.cli.edxml.inspect import attachment_json
from gateway.cli.edxml.look import look
from gateway.cli.edxml.meta import form_of
from gateway.cli.edxml.stores import beside
from gateway.cli.edxml.told import finding_json, has_errors, note_findings
from gateway.cli.errors import FieldSaid, FormFailure
from gateway.cli.exits import Exit
from gateway.cli.files import require_folder
from gateway.cli.names import safe_names
from gateway.cli.orders import Session, UnpackOrder
from gateway.cli.written import made_folder, names_given, settle
from gateway.core.plain_text import plain_json
from gateway.edxml import ReadAttachment, Reading, Severity
from gateway.observe import text

MESSAGE_NAME: Final = "message.json"
"""What the file says, as `pack` takes it."""
_ZIP_SUFFIX: Final = ".zip"


def unpack(session: Session, order: UnpackOrder) -> int:
    """Save every attachment under a harmless name, and the message beside them.

    Of a file that does not hold together (a digest that is not its file's, a file that the manifest does not name, a mark of
    secrecy) nothing is saved, unless one asks for it by name (`despite_errors`); it ends with 4 either way.

    Raises:
        Failure: it is not there or cannot be read; a file stands where the folder should be; it does not hold together.
        SenderError: `envelope.malformed`, `size.limit`.
        FileExistsError: a file of one of the names is there already.
    """
    terminal, folder = session.terminal, order.folder
    require_folder(folder)
    with made_folder(folder), beside(folder) as store:
        _, reading = look(session, order.file, store=store)
        if has_errors(reading.findings) and not order.despite_errors:
            raise _unsound(order, reading)
        targets = _save(reading, order, note=store(0))
    if terminal.json:
        terminal.value(_report_json(order, reading, targets))
    else:
        for target in targets:
            terminal.print(str(target))
        note_findings(terminal, reading.findings)
    return Exit.VERIFICATION if has_errors(reading.findings) else Exit.OK


def _unsound(order: UnpackOrder, reading: Reading) -> FormFailure:
    """Why nothing is saved: every error of the file."""
    errors = [one for one in reading.findings if one.severity is Severity.ERROR]
    fields = tuple(
        FieldSaid(path=one.path, code=one.code, words=text(f"edxml.finding.{one.code}", one.params)) for one in errors
    )
    if any(one.code == "secrecy" for one in errors):  # asking for it again would be the next breach
        return FormFailure("cli.edxml.secret", fields, path=str(order.file))
    return FormFailure("cli.edxml.unsound", fields, path=str(order.file), count=len(errors))


def _save(reading: Reading, order: UnpackOrder, *, note: BinaryIO) -> list[Path]:
    """Give every file its name; the first is the message."""
    note.write(plain_json(form_of(reading.message), indent=1).encode() + b"\n")
    chosen = [one.payload if order.as_carried else one.file for one in reading.attachments]
    files = [note, *(payload.file for payload in chosen)]
    names = safe_names([MESSAGE_NAME, *(_name(one, order) for one in reading.attachments)])
    targets = [order.folder / name for name in names]
    with names_given(targets, force=order.force) as give:
        for file in files:  # all of them, before the first gets its name
            settle(file)
        for file, target in zip(files, targets, strict=True):
            give(Path(file.name), target)
    return targets


def _name(attachment: ReadAttachment, order: UnpackOrder) -> str:
    """What programs open by its name must not hold something else: a ZIP that is left around a file is called one."""
    return attachment.name + _ZIP_SUFFIX if attachment.wrapped and order.as_carried else attachment.name


def _report_json(order: UnpackOrder, reading: Reading, targets: Sequence[Path]) -> dict[str, Any]:
    message, *files = targets
    return {
        "file": str(order.file),
        "type": reading.kind.value,
        "sound": not has_errors(reading.findings),
        "message_file": str(message),
        "files": [
            {"path": str(path), "as_carried": order.as_carried, **attachment_json(one)}
            for path, one in zip(files, reading.attachments, strict=True)
        ],
        "findings": [finding_json(one) for one in reading.findings],
    }
