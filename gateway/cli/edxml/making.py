"""A message and its files become an edXML file: checked first, then written in pieces under a name that was free."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gateway.cli.edxml.faults import faults_of_violations, form_failure
from gateway.cli.edxml.gauge import gauged
from gateway.cli.edxml.source import pieces
from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK
from gateway.cli.written import Target, new_file
from gateway.core.errors import SiteError
from gateway.core.message import Message, StatusMessage
from gateway.core.model import Attachment
from gateway.core.states import MessageKind
from gateway.edxml import assemble, validate, write_skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file that is attached, open."""

    path: Path
    file: BinaryIO
    attachment: Attachment


def make(terminal: Terminal, message: Message, parts: Sequence[Part], *, target: Target, told_as: str) -> int:
    """Write the message with its files, and say what was written. `told_as` names the message where it is at fault.

    Raises:
        Failure: the regulation does not allow it, and everything that it does not is told; a file changed meanwhile; OUT is
            there already.
    """
    attachments = tuple(part.attachment for part in parts)
    if isinstance(message, StatusMessage) and attachments:
        raise Failure("cli.edxml.status_files")
    if violations := validate(message, attachments):
        raise form_failure(told_as, faults_of_violations(violations))
    size = 0
    total = sum(attachment.blob.size for attachment in attachments)
    with (
        new_file(target.path, force=target.force) as out,
        gauged(terminal, "cli.edxml.writing", name=target.path.name, total=total) as step,
    ):
        for piece in _envelope(message, parts, step):
            size += len(piece)
            out.write(piece)
    return _tell(terminal, message, attachments, target=target, size=size)


def _envelope(message: Message, parts: Sequence[Part], step: Callable[[int], None]) -> Iterator[bytes]:
    skeleton = write_skeleton(message, tuple(part.attachment for part in parts))
    try:
        yield from assemble(skeleton, [(part.attachment, _contents(part, step)) for part in parts])
    except SiteError as error:
        changed = [part for part in parts if part.attachment.blob.digest == error.params.get("digest")]
        if error.code != "blob.damaged" or not changed:
            raise
        raise Failure("cli.edxml.changed", path=str(changed[0].path)) from error


def _contents(part: Part, step: Callable[[int], None]) -> Iterator[bytes]:
    """The file again from its beginning, and no more of it than there was."""
    part.file.seek(0)
    left = part.attachment.blob.size
    for piece in pieces(part.file, part.path, step):
        left -= len(piece)
        if left < 0:
            raise Failure("cli.edxml.changed", path=str(part.path))
        yield piece


def _tell(terminal: Terminal, message: Message, attachments: Iterable[Attachment], *, target: Target, size: int) -> int:
    """Nothing goes to a standard output that is the file itself."""
    if terminal.json:
        terminal.value(_made_json(message, attachments, target=target, size=size))
        terminal.say("cli.edxml.made", name=str(target.path), size=terminal.number(size), count=size)
    elif str(target.path) == MARK:
        terminal.say("cli.edxml.made_stdout", size=terminal.number(size), count=size)
    else:
        terminal.print(str(target.path))
        terminal.say("cli.edxml.made", name=str(target.path), size=terminal.number(size), count=size)
    return Exit.OK


def _made_json(message: Message, attachments: Iterable[Attachment], *, target: Target, size: int) -> dict[str, Any]:
    status = isinstance(message, StatusMessage)
    about = message.response_for if isinstance(message, StatusMessage) else message
    return {
        "file": str(target.path),
        "size": size,
        "type": (MessageKind.STATUS if status else MessageKind.DOCUMENT).value,
        "document_id": about.document_id,
        "attachments": [
            {
                "position": attachment.position,
                "name": attachment.name,
                "content_type": attachment.content_type,
                "size": attachment.blob.size,
                "sha256": attachment.blob.digest,
            }
            for attachment in attachments
        ],
    }
