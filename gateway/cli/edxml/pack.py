"""`gateway edxml pack`: an edXML file out of a form and some files, which go through in pieces, twice: hashed, then written."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.cli.edxml.faults import faults_of_violations, form_failure
from gateway.cli.edxml.gauge import gauged
from gateway.cli.edxml.making import Part, make
from gateway.cli.edxml.meta import META_BYTES_MAX, AnyForm, Faulty, Unreadable, field_of, place_in, read_form
from gateway.cli.edxml.source import pieces
from gateway.cli.errors import Failure
from gateway.cli.files import read_file, require_file
from gateway.cli.orders import PackOrder, Session
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK
from gateway.cli.written import Target, require_one_use_of_stdout
from gateway.core.errors import SenderError
from gateway.core.fields import FieldFault
from gateway.core.ids import Digest
from gateway.core.limits import FILE_BYTES_MAX, HAND_FILE_BYTES_MAX
from gateway.core.model import Attachment, BlobRef
from gateway.edxml import declared_type, is_called_otherwise, validate
from gateway.observe import SystemClock

_JSON_SUFFIX: Final = ".json"


def pack(session: Session, order: PackOrder) -> int:
    """Make an edXML file of what META says and the files.

    Raises:
        Failure: META cannot be read or says something wrong (all of it is told); a file is not there, or changes meanwhile;
            OUT is there already.
        SenderError: `file.empty`.
    """
    terminal, target = session.terminal, Target(path=order.output, force=order.force)
    require_one_use_of_stdout(terminal, target)
    form = _form(session, order.meta)
    message = form.message(_now())
    with ExitStack() as closing:
        parts = [
            closing.enter_context(_hashed(terminal, path, position)) for position, path in enumerate(order.files, 1)
        ]
        code = make(terminal, message, parts, target=target, told_as=str(order.meta))
    for part in parts:
        if is_called_otherwise(part.attachment.name, part.attachment.content_type):
            terminal.note(terminal.text("cli.edxml.other_kind", name=part.attachment.name))
        if part.attachment.blob.size > FILE_BYTES_MAX:
            limit = terminal.number(FILE_BYTES_MAX)
            terminal.note(terminal.text("cli.edxml.large", name=part.attachment.name, limit=limit))
    return code


def _form(session: Session, path: Path) -> AnyForm:
    from_stdin = str(path) == MARK
    data = session.stdin.read(META_BYTES_MAX, option="META") if from_stdin else read_file(path, META_BYTES_MAX)
    try:
        return read_form(data, json_named=path.suffix.lower() == _JSON_SUFFIX)
    except Unreadable as error:
        raise Failure("cli.edxml.unreadable", path=str(path), **place_in(str(error)), reason=str(error)) from error
    except Faulty as error:
        raise form_failure(str(path), _faults(error)) from error


def _now() -> datetime:
    """The format knows whole seconds."""
    return SystemClock().now().replace(microsecond=0)


def _faults(error: Faulty) -> Iterator[FieldFault]:
    """What the form says wrongly, and what the regulation says against the rest of it."""
    yield from error.faults
    if error.sound is None:
        return
    wrong = {field_of(fault) for fault in error.faults}
    for fault in faults_of_violations(validate(error.sound.message(_now()), ())):
        if field_of(fault) not in wrong:
            yield fault


@contextmanager
def _hashed(terminal: Terminal, path: Path, position: int) -> Iterator[Part]:
    """A file, open, with its digest and its type by the magic of its bytes."""
    if str(path) == MARK:
        raise Failure("cli.edxml.file_stdin")
    require_file(path)
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        with gauged(terminal, "cli.edxml.hashing", name=path.name, total=path.stat().st_size) as step:
            for piece in pieces(file, path, step):
                digest.update(piece)
                size += len(piece)
                if size > HAND_FILE_BYTES_MAX:
                    raise Failure("cli.edxml.too_large", path=str(path), limit=HAND_FILE_BYTES_MAX)
        if not size:
            raise SenderError("file.empty", file=path.name)
        blob = BlobRef(digest=Digest(digest.hexdigest()), size=size)
        kind = declared_type(file, size, name=path.name)
        attachment = Attachment(position=position, name=path.name, content_type=kind, blob=blob)
        yield Part(path=path, file=file, attachment=attachment)
