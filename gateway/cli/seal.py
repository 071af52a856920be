"""`gateway seal` and `gateway ltaupdate`: a PDF signed with a key in hand, or its timestamps renewed. Needs no service.

The file is read in a judge, the key in a key-holder, as in service (gateway.crypto).
"""

import hashlib
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.files import read_file, require_file
from gateway.cli.key_in_hand import holding, shown_with
from gateway.cli.obstacle import tell_obstacle
from gateway.cli.orders import RenewalOrder, SealingOrder, Shown
from gateway.cli.output import Terminal
from gateway.cli.signing_tools import signing_tools
from gateway.cli.stdin import MARK
from gateway.cli.written import Target, new_file, require_one_use_of_stdout
from gateway.core.errors import SenderError
from gateway.core.limits import PICTURE_BYTES_MAX
from gateway.core.magic import MAGIC_BYTES, PDF_HEADER
from gateway.core.ports import Judge
from gateway.core.reasons import because
from gateway.core.sealed import SealedFile
from gateway.core.validation import Level
from gateway.crypto import (
    Appearance,
    AttachmentText,
    CopyText,
    Evidence,
    KeyRef,
    PdfSigner,
    PersonPicture,
    Policy,
    SealOrder,
    SealPicture,
    Spot,
    Trust,
    insist_alone,
    insist_on_own,
    judge_alone,
    judge_certificate,
)
from gateway.observe import SystemClock

_PICTURED: Final = frozenset({"--image", "--width", "--at", "--page"})
_USED: Final = MappingProxyType(
    {
        "invisible": frozenset[str](),
        "signature": _PICTURED,
        "seal": _PICTURED | {"--beside"},
        "attachment": frozenset({"--number"}),
        "copy": frozenset({"--form", "--body"}),
    }
)
"""What belongs to each appearance."""


async def seal(terminal: Terminal, order: SealingOrder) -> int:
    """Sign a PDF.

    Raises:
        Failure: a file is not there; an option lacks another one.
        GatewayError: the own certificate is not good (`key.certificate`); see `PdfSigner.sign`.
    """
    target = Target(path=order.output, force=order.force)
    require_one_use_of_stdout(terminal, target)
    _require_pdf(order.file)
    appearance = appearance_of(order.shown)
    if order.level is not Level.B_B and not (order.lower or order.believed.authorities):
        raise Failure("cli.seal.tsa", level=order.level.value)
    key = shown_with(order.key)
    async with signing_tools(order.file, order.believed) as tools, holding(order.key, key) as holder:
        await _check_certificate(tools.judge, key, tools.trust)
        signer = PdfSigner(judge=tools.judge, holder=holder, clock=SystemClock(), authority=tools.authority)
        wanted = SealOrder(level=order.level, insist=not order.lower, appearance=appearance, field=order.field)
        done = await signer.sign(order.file, key, wanted, trust=tools.trust)
    if tools.trust is None:
        terminal.note(terminal.text("cli.seal.unjudged"))
    return _write(terminal, target, done, said="cli.seal.done")


async def ltaupdate(terminal: Terminal, order: RenewalOrder) -> int:
    """Renew the timestamps of a signed PDF; one that bears none yet is raised to B-LTA, as far as evidence is at hand.

    Raises:
        Failure: a file is not there.
        GatewayError: see `PdfSigner.archive`.
    """
    target = Target(path=order.output, force=order.force)
    require_one_use_of_stdout(terminal, target)
    _require_pdf(order.file)
    async with signing_tools(order.file, order.believed) as tools:
        assert tools.trust is not None, "the option has to be given"
        signer = PdfSigner(judge=tools.judge, holder=None, clock=SystemClock(), authority=tools.authority)
        archived = await signer.archive(order.file, trust=tools.trust)
    return _write(terminal, target, archived, said="cli.ltaupdate.done")


def appearance_of(shown: Shown) -> Appearance | None:
    """What is to be seen of the signature.

    Raises:
        Failure: something that belongs to it was not given.
    """
    _refuse_unused(shown)
    match shown.kind:
        case "signature":
            return PersonPicture(png=_image(shown), spot=_spot(shown), width_mm=shown.width_mm)
        case "seal":
            spot = None if shown.at is None else _spot(shown)
            return SealPicture(png=_image(shown), spot=spot, beside=shown.beside, width_mm=shown.width_mm)
        case "attachment":
            return AttachmentText(number=_given(shown.number, "--number", shown))
        case "copy":
            return CopyText(form=_given(shown.form, "--form", shown), body=_given(shown.body, "--body", shown))
    return None


def _refuse_unused(shown: Shown) -> None:
    """What was asked for and would not be seen: whoever names a picture believes that it stands on the page."""
    asked = {
        "--image": shown.image is not None,
        "--width": shown.width_mm is not None,
        "--at": shown.at is not None,
        "--page": shown.page is not None,
        "--beside": bool(shown.beside),
        "--number": bool(shown.number),
        "--form": bool(shown.form),
        "--body": bool(shown.body),
    }
    for option, is_asked in asked.items():
        if is_asked and option not in _USED[shown.kind]:
            raise Failure("cli.seal.unused", option=option, kind=shown.kind)
    if shown.page is not None and shown.at is None:
        raise Failure("cli.seal.missing", option="--at", kind=shown.kind)


def _require_pdf(path: Path) -> None:
    """A file of another kind is told as that, before anybody calls it damaged."""
    require_file(path)
    with path.open("rb") as file:
        if PDF_HEADER not in file.read(MAGIC_BYTES):
            raise SenderError("file.unreadable", file=path.name, reason=because("not_pdf"))


def _given(text: str, option: str, shown: Shown) -> str:
    if not text.strip():
        raise Failure("cli.seal.missing", option=option, kind=shown.kind)
    return text


def _image(shown: Shown) -> bytes:
    if shown.image is None:
        raise Failure("cli.seal.missing", option="--image", kind=shown.kind)
    return read_file(shown.image, PICTURE_BYTES_MAX)


def _spot(shown: Shown) -> Spot | None:
    """A field that is named has its own place; then none has to be given."""
    if shown.at is None:
        return None
    return Spot(page=shown.page or 1, across_mm=shown.at[0], down_mm=shown.at[1])


async def _check_certificate(judge: Judge, key: KeyRef, trust: Trust | None) -> None:
    """Nothing is signed with a certificate that its readers would refuse (signing.md 0.7), as far as can be said."""
    above = Evidence(certificates=key.chain[1:])
    moment = SystemClock().now()
    if trust is None:
        verdict = await judge.run(judge_alone, key.chain[0], policy=Policy(), moment=moment)
        return insist_alone(verdict, key.chain[0], key_id=key.key_id, moment=moment)
    verdict = await judge.run(judge_certificate, key.chain[0], trust=trust, moment=moment, evidence=above)
    return insist_on_own(verdict, key.chain[0], key_id=key.key_id, moment=moment)


def _write(terminal: Terminal, target: Target, done: SealedFile, *, said: str) -> int:
    with new_file(target.path, force=target.force) as out:
        out.write(done.pdf)
    size, name = len(done.pdf), str(target.path)
    if terminal.json:
        terminal.value(
            {
                "file": name,
                "size": size,
                "sha256": hashlib.sha256(done.pdf).hexdigest(),
                "level": done.level.value,
                "owed": done.owed.value if done.owed else None,
            }
        )
    elif name != MARK:
        terminal.print(name)
    terminal.say(said, level=done.level.value, size=terminal.number(size), count=size)
    if done.owed is not None:
        terminal.note(terminal.text("cli.seal.owed", level=done.owed.value))
        tell_obstacle(terminal, done.why)
    return Exit.OK
