"""What watches a running gateway, and the operator's door through which it is looked at."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gateway.access import Share, open_listener
from gateway.api import AdminParts, PrometheusMeter, Readiness, build_admin_app, listen_admin, listen_operator
from gateway.audit import SignerProbe
from gateway.config import Config
from gateway.core.limits import ADMIN_CONNECTIONS_MAX, DESCRIPTORS_MIN
from gateway.core.metrics import CONNECTIONS_CLOSED, Reading, Readings
from gateway.core.ports import Probe
from gateway.crypto import CertificateProbe, ConfinementProbe, FetchProbe, LoadedTrust, TrustProbe
from gateway.delivery import QueueProbe
from gateway.exchange import (
    Desk,
    HeldProbe,
    LateProbe,
    Operating,
    OrderProbe,
    OwedProbe,
    ResyncProbe,
    clock_step,
)
from gateway.malware import ScannerProbe
from gateway.observe import ClockWatch, DescriptorsProbe, SystemClock, current_limit, process_readings
from gateway.reload import Reloader
from gateway.storage import DiskThresholds, DiskWatch, StoreProbe


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the operator's door is about."""

    desk: Desk
    trust: LoadedTrust
    fetching: FetchProbe
    disk: DiskWatch
    clock: ClockWatch
    signing: SignerProbe
    reloader: Reloader
    readiness: Readiness

    def probes(self, queue: QueueProbe, *others: Probe) -> tuple[Probe, ...]:
        """In the order in which findings are shown. None asks a peer."""
        clock = self.desk.clock
        return (
            CertificateProbe(lambda: self.reloader.material().certificates(), clock=clock),
            TrustProbe(self.trust.current, clock=clock),
            self.fetching,
            StoreProbe(self.desk.store),
            self.signing,
            queue,
            *others,
            ScannerProbe(self.desk.scanner, clock=clock, demo=self.reloader.material().config.demo),
            self.disk,
            self.clock,
            DescriptorsProbe(DESCRIPTORS_MIN, limit=current_limit),
            ConfinementProbe(),
            self.reloader,
        )


async def open_admin(
    config: Config,
    watched: Watched,
    meter: PrometheusMeter,
    readings: Sequence[Readings],
    *,
    stack: AsyncExitStack,
) -> None:
    """Open the operator's listener and his socket, where they are to be."""
    if not config.admin.enabled:
        return
    desk = watched.desk
    queue, held = QueueProbe(store=desk.store, clock=desk.clock), HeldProbe(store=desk.store)
    owed = OwedProbe(store=desk.store, clock=desk.clock)
    order, late = OrderProbe(store=desk.store, clock=desk.clock), LateProbe(store=desk.store, clock=desk.clock)
    resync = ResyncProbe(store=desk.store)
    parts = AdminParts(
        own=desk.own,
        probes=watched.probes(queue, late, held, order, resync, owed),
        meter=meter,
        readings=(
            queue.readings,
            late.readings,
            held.readings,
            order.readings,
            resync.readings,
            owed.readings,
            watched.signing.readings,
            watched.disk.readings,
            *readings,
        ),
        entropy=desk.entropy,
        readiness=watched.readiness,
    )
    by_hand = await listen_operator(Operating(desk=desk), config.admin_socket, entropy=desk.entropy)
    stack.push_async_callback(by_hand)
    # Whoever is on this machine may ask, but not take every descriptor the gateway has.
    share = Share(open=ADMIN_CONNECTIONS_MAX, strangers=ADMIN_CONNECTIONS_MAX)
    count = partial(meter.add, CONNECTIONS_CLOSED, "admin")
    bound = open_listener(config.admin.host, config.admin.port, share=share, clock=desk.clock, count=count)
    admin = await listen_admin(build_admin_app(parts), sock=bound)
    stack.push_async_callback(admin.cleanup)


def counting(roles: Mapping[str, Callable[[], Sequence[int]]]) -> Readings:
    """The readings of this process and of its children by their role."""

    async def read() -> Sequence[Reading]:
        return await asyncio.to_thread(process_readings, {"service": lambda: (os.getpid(),), **roles})

    return read


def disk_watch(config: Config) -> DiskWatch:
    """Over the folders without which nothing can be stored or signed."""
    section = config.disk
    bounds = DiskThresholds(filling=section.warn / 100, full=section.full / 100, read_only=section.read_only / 100)
    return DiskWatch((config.gateway.state, config.signer_memory.parent), thresholds=bounds, clock=SystemClock())


def record_step(desk: Desk) -> Callable[[float, datetime], Awaitable[None]]:
    """Writes the leaf of a jump of the clock."""

    async def record(seconds: float, moment: datetime) -> None:
        await desk.store.transact(clock_step(desk.own, seconds, journal=desk.journal, moment=moment))

    return record
