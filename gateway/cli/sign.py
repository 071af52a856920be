"""`gateway sign`: a detached signature (CAdES B-B) beside a file of any kind and size. Needs no service and no database."""

from contextlib import AsyncExitStack
from typing import Final

from gateway.cli.believed import believed
from gateway.cli.edxml.written import new_file
from gateway.cli.errors import Exit
from gateway.cli.files import require_file
from gateway.cli.key_in_hand import holding, shown_with
from gateway.cli.orders import Session, SignOrder
from gateway.core.ids import OrganId
from gateway.core.validation import Level
from gateway.crypto import (
    FileSealer,
    JudgePool,
    KeyRef,
    certificate_digest,
)
from gateway.evidence import SIGNATURE_SUFFIX
from gateway.observe import SystemClock

_SIGNER: Final = OrganId("key")
"""There is one signer here: whoever's key it is."""


async def sign(session: Session, order: SignOrder) -> int:
    """Sign one file with one key, whose own certificate is judged first.

    Raises:
        Failure: a file is not there.
        GatewayError: the key may not sign, or the file cannot be read.
        FileExistsError: the signature is there already.
    """
    require_file(order.file)
    output = order.output or order.file.with_name(order.file.name + SIGNATURE_SUFFIX)
    key = shown_with(order.key)
    with new_file(output, force=order.force) as file:
        file.write(await _signed(order, key))
    if session.terminal.json:
        session.terminal.value(
            {
                "file": str(order.file),
                "signature": str(output),
                "level": Level.B_B.value,
                "certificate": certificate_digest(key.chain[0]),
            }
        )
    else:
        session.terminal.print(str(output))
    return Exit.OK


async def _signed(order: SignOrder, key: KeyRef) -> bytes:
    """The key in a process of its own, which sees no file; the judging in another, which sees no key."""
    trust = believed(order.trust, demo=order.demo)
    async with AsyncExitStack() as stack:
        judge = JudgePool(size=1, preload=("gateway.crypto",))
        await judge.start()
        stack.push_async_callback(judge.close)
        holder = await stack.enter_async_context(holding(order.key, key))
        sealer = FileSealer(
            judge=judge,
            holder=holder,
            seals={_SIGNER: key},
            transports={},
            trust=trust,
            clock=SystemClock(),
        )
        return await sealer.sign_detached(order.file, _SIGNER)
