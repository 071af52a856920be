"""`gateway sign`: a detached signature (CAdES B-B) beside a file of any kind and size. Needs no service and no database."""

from contextlib import AsyncExitStack
from typing import Final

from gateway.cli.edxml.written import new_file
from gateway.cli.errors import Exit
from gateway.cli.files import require_file
from gateway.cli.orders import Session, SignOrder
from gateway.core.ids import OrganId
from gateway.core.validation import Level
from gateway.crypto import (
    FileSealer,
    JudgePool,
    KeyHolderPool,
    KeyRef,
    certificate_digest,
    load_trust,
    read_certificates,
)
from gateway.evidence import SIGNATURE_SUFFIX
from gateway.observe import SystemClock

_KEY: Final = "--key"
"""What errors call the key."""
_SIGNER: Final = OrganId("key")
"""There is one signer here: whoever's key it is."""


async def sign(session: Session, order: SignOrder) -> int:
    """Sign one file with one key, whose own certificate is judged first.

    Raises:
        Failure: a file is not there.
        GatewayError: the key may not sign, or the file cannot be read.
        FileExistsError: the signature is there already.
    """
    for path in (order.file, order.key, order.certificate):
        require_file(path)
    output = order.output or order.file.with_name(order.file.name + SIGNATURE_SUFFIX)
    chain = read_certificates(order.certificate)
    with new_file(output, force=order.force) as file:
        file.write(await _signed(order, chain))
    if session.terminal.json:
        session.terminal.value(
            {
                "file": str(order.file),
                "signature": str(output),
                "level": Level.B_B.value,
                "certificate": certificate_digest(chain[0]),
            }
        )
    else:
        session.terminal.print(str(output))
    return Exit.OK


async def _signed(order: SignOrder, chain: tuple[bytes, ...]) -> bytes:
    """The key in a process of its own, which sees no file; the judging in another, which sees no key."""
    trust = load_trust(order.trust, order.demo)
    async with AsyncExitStack() as stack:
        judge, holder = JudgePool(size=1, preload=("gateway.crypto",)), KeyHolderPool(keys={_KEY: order.key})
        for pool in (judge, holder):
            await pool.start()
            stack.push_async_callback(pool.close)
        sealer = FileSealer(
            judge=judge,
            holder=holder,
            seals={_SIGNER: KeyRef(key_id=_KEY, chain=chain)},
            transports={},
            trust=trust,
            clock=SystemClock(),
        )
        return await sealer.sign_detached(order.file, _SIGNER)
