"""`gateway sign`: a detached signature (CAdES B-B or B-T) beside a file of any kind and size; needs no service and no database.

`gateway edxml sign`: the same key's signature in an edXML file (XAdES B-B or B-T), where its receivers look for it.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Final

from gateway.cli.edxml.slip import file_with_slip, skeleton_with_slip, slip_of_file
from gateway.cli.edxml.speaking import insist_on_speaker, tell_speaker
from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.files import require_file
from gateway.cli.key_in_hand import holding, shown_with
from gateway.cli.obstacle import tell_obstacle
from gateway.cli.orders import Session, SignOrder
from gateway.cli.output import Terminal
from gateway.cli.signing_tools import SigningTools, signing_tools
from gateway.cli.stdin import MARK
from gateway.cli.written import Target, new_file, require_one_use_of_stdout
from gateway.core.ids import OrganId
from gateway.core.validation import Level
from gateway.crypto import FileSealer, KeyRef, SignatureOrder, SignedFile, Trust, certificate_digest
from gateway.evidence import SIGNATURE_SUFFIX
from gateway.observe import SystemClock

_SIGNER: Final = OrganId("key")
"""There is one signer here: whoever's key it is."""


async def sign(session: Session, order: SignOrder) -> int:
    """Sign one file with one key, whose own certificate is judged first.

    Raises:
        Failure: a file is not there.
        GatewayError: the key may not sign, the file cannot be read, or no authority stamps what has to be stamped.
        FileExistsError: the signature is there already.
    """
    require_file(order.file)
    output = order.output or order.file.with_name(order.file.name + SIGNATURE_SUFFIX)
    key = shown_with(order.key)
    with new_file(output, force=order.force) as file:
        async with _tools(order) as tools, _signing(order, key, tools) as sealer:
            signed = await sealer.sign_detached_as(order.file, _SIGNER, _wanted(order))
        file.write(signed.data)
    if session.terminal.json:
        session.terminal.value({"file": str(order.file), "signature": str(output), **_signature_json(signed, key)})
    else:
        session.terminal.print(str(output))
    _tell(session.terminal, signed)
    return Exit.OK


async def sign_envelope(session: Session, order: SignOrder, *, slip: bool) -> int:
    """Sign an edXML file with the key of the body that sends it; everything else in it stays as it is, byte for byte.

    `slip`: the file is written anew, with its seal slip as one more attachment, signed by the same key.

    Raises:
        Failure: a file is not there; the certificate is another body's than the one that sends it.
        GatewayError: as for `sign`; `envelope.malformed`: it is no envelope of the profile, or signed already.
        FileExistsError: OUT is there already.
    """
    assert order.output is not None, "the option has to be given"
    terminal, target = session.terminal, Target(path=order.output, force=order.force)
    require_one_use_of_stdout(terminal, target)
    require_file(order.file)
    key = shown_with(order.key)
    async with _tools(order) as tools:
        speaker = await insist_on_speaker(order.file, key, judge=tools.judge, trust=_trust(tools))
        async with _signing(order, key, tools) as sealer:
            if slip:
                signed = await _with_slip(order, sealer)
            else:
                signed = await sealer.sign_envelope_file(order.file, _SIGNER, _wanted(order))
    with new_file(target.path, force=target.force) as out:
        out.write(signed.data)
    if terminal.json:
        terminal.value(
            {"file": str(target.path), "size": len(signed.data), "slip": slip, **_signature_json(signed, key)}
        )
    elif str(target.path) != MARK:
        terminal.print(str(target.path))
    _tell(terminal, signed)
    tell_speaker(terminal, speaker)
    return Exit.OK


async def _with_slip(order: SignOrder, sealer: FileSealer) -> SignedFile:
    """Slip first: it is one of the files that the envelope's signature then covers."""
    wanted = _wanted(order)
    slip = await sealer.sign_slip_as(slip_of_file(order.file), _SIGNER, wanted)
    skeleton = skeleton_with_slip(order.file, slip.data)
    signed = await sealer.sign_envelope_as(skeleton, _SIGNER, wanted)
    whole = file_with_slip(order.file, slip.data, signed.data)
    return replace(slip if slip.owed else signed, data=whole)


def _tools(order: SignOrder) -> AbstractAsyncContextManager[SigningTools]:
    """The judging, in a process which sees no key."""
    if order.level is not Level.B_B and not (order.lower or order.believed.authorities):
        raise Failure("cli.seal.tsa", level=order.level.value)
    return signing_tools(order.file, order.believed)


def _trust(tools: SigningTools) -> Trust:
    assert tools.trust is not None, "the option has to be given"
    return tools.trust


@asynccontextmanager
async def _signing(order: SignOrder, key: KeyRef, tools: SigningTools) -> AsyncIterator[FileSealer]:
    """The key in a process of its own, which sees no file."""
    async with holding(order.key, key) as holder:
        yield FileSealer(
            judge=tools.judge,
            holder=holder,
            seals={_SIGNER: key},
            transports={_SIGNER: key},
            trust=_trust(tools),
            clock=SystemClock(),
            authority=tools.authority,
        )


def _wanted(order: SignOrder) -> SignatureOrder:
    """As the line says."""
    return SignatureOrder(level=order.level, insist=not order.lower)


def _signature_json(signed: SignedFile, key: KeyRef) -> dict[str, str | None]:
    """How far it came, and who signed."""
    return {
        "level": signed.level.value,
        "owed": signed.owed.value if signed.owed else None,
        "certificate": certificate_digest(key.chain[0]),
    }


def _tell(terminal: Terminal, signed: SignedFile) -> None:
    """In words, as for a PDF."""
    size = len(signed.data)
    terminal.say("cli.seal.done", level=signed.level.value, size=terminal.number(size), count=size)
    if signed.owed is not None:
        terminal.note(terminal.text("cli.sign.owed", level=signed.owed.value))
        tell_obstacle(terminal, signed.why)
