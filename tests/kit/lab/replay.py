"""What a gateway said is said again, by somebody who has its key: at once, together with it, before it, and long after.

TLS lets nobody between repeat a request, so the repeater stands beside the sender: it has the sender's certificate and reads
the slips and envelopes from the sender's own rows and blobs, read-only. Everything goes through the product's client, and
each answer must be the one that was given before, byte for byte; what was changed must be refused, and change nothing.
"""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from gateway.core.carrying import Answered, TransferRefused
from gateway.core.errors import GatewayError
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.model import Transfer
from gateway.core.ports import Store
from gateway.crypto import client_context, read_folder
from gateway.outside import open_records
from gateway.peer import PeerTransport
from gateway.registry import LoadedDirectory
from gateway.storage import FileBlobs
from tests.kit.lab.site import Site

REMEMBERED = 100
"""Any of so many of the newest may be said again (reliability.md B4, F-09)."""
AT_ONCE = 3


@dataclass
class Repeater:
    """Beside one sender."""

    site: Site
    side: str
    seed: int
    pause: float = 0.0
    """Seconds between two rounds."""
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def run(self, ended: Callable[[], bool]) -> None:
        """Say things again until `ended`."""
        chance = random.Random(f"{self.seed} {self.side}")
        async with AsyncExitStack() as stack:
            opened = open_records(self.site.network.sides[self.side].config)
            config, snapshot, store = await stack.enter_async_context(opened)
            peer = config.peer
            tls = client_context(certificate=peer.certificate, key=peer.key, anchors=read_folder(peer.anchors))
            own = GatewayId(config.gateway.id)
            transport = PeerTransport(
                directory=LoadedDirectory(snapshot), ssl_context=tls, own=own, entropy=secrets.token_bytes
            )
            await stack.enter_async_context(transport)
            blobs = FileBlobs(config.blobs)
            last = await _newest(store, None)
            while not ended():
                last = (last + await _newest(store, last[-1].slip.transfer if last else None))[-REMEMBERED:]
                abroad = [one for one in last if one.slip.destination != own]
                if not abroad:
                    await asyncio.sleep(0.2)
                    continue
                chosen = [chance.choice(abroad) for _ in range(AT_ONCE)]
                chosen[0] = abroad[-1]  # the youngest is still on its way, or not even that
                await asyncio.gather(*(self._say(transport, store, blobs, one, chance.random()) for one in chosen))
                await asyncio.sleep(self.pause)

    async def _say(self, transport: PeerTransport, store: Store, blobs: FileBlobs, old: Transfer, draw: float) -> None:
        now = await store.read(lambda uow: uow.transfers.find(old.slip.transfer)) or old
        kind = _kind(now, draw)
        slip = now.slip
        if kind == "renamed":
            slip = replace(slip, transfer=TransferKey(slip.transfer[:-12] + secrets.token_hex(6)))
        elif kind == "changed":
            slip = replace(slip, document_id=slip.document_id + "x")
        try:
            answer = await transport.carry(replace(now, slip=slip), blobs.path(slip.envelope))
        except GatewayError as error:
            self.wrong.append(f"{kind} {slip.transfer}: {error}")
            return
        self.counts[f"{kind} {type(answer).__name__}"] += 1
        if kind == "changed" and isinstance(answer, Answered):
            self.wrong.append(f"changed {slip.transfer} was answered")
        if kind == "repeated" and now.answer is not None:
            if isinstance(answer, TransferRefused):
                self.wrong.append(f"repeated {slip.transfer} was refused: {answer.code}")
            if isinstance(answer, Answered) and answer.receipt != now.answer:
                self.wrong.append(f"repeated {slip.transfer} has another receipt now")


def _kind(transfer: Transfer, draw: float) -> str:
    """Only what has its receipt is changed: whoever has the key and comes first is the sender."""
    if transfer.answer is None or draw < 0.7:
        return "repeated"
    return "renamed" if draw < 0.85 else "changed"


async def _newest(store: Store, after: TransferKey | None) -> list[Transfer]:
    found: list[Transfer] = []
    while page := await store.read(_after(after)):
        found += page
        after = page[-1].slip.transfer
    return found[-REMEMBERED:]


def _after(key: TransferKey | None) -> Callable[[UnitOfWork], tuple[Transfer, ...]]:
    return lambda uow: uow.transfers.page(key, PAGE_ROWS_MAX)
