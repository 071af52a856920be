"""The network between the gateways, and what is wrong with it. Implements the port `Transport` for each process.

The slip travels in its wire form, the answer is concluded from by the client's own rules (`gateway.peer.outcome`); what
stands between is a table of links whose misfortunes are drawn from the world's chance. On the way a request is lost,
delayed beyond patience, or brought again later; an answer is lost, or somebody lies.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from gateway.core.carrying import CarryResult, Indeterminate, TellResult, Unknown, Unreachable
from gateway.core.errors import GatewayError, PeerError, SiteError
from gateway.core.ids import Digest, GatewayId
from gateway.core.limits import TRANSFER_SECONDS_MAX
from gateway.core.model import Transfer
from gateway.peer.outcome import Reply, conclude_carry, conclude_inquiry, conclude_notice
from gateway.peer.wire import PROBLEM_TYPE, RECEIPT_TYPE, RECEIPTS_ACCEPTED, accepted_form, decode_slip, encode_slip
from tests.kit.seeded.gateway import DownError, Gateway, Process
from tests.kit.seeded.watch import Answers, Trace


@dataclass(frozen=True)
class Weather:
    """How bad a link is; probabilities, and seconds."""

    loss: float = 0.0
    """A request does not arrive."""
    lost_answers: float = 0.0
    duplicates: float = 0.0
    """A request arrives once more, minutes or hours later."""
    lies: float = 0.0
    """An answer is not the one that was given."""
    garbled: float = 0.0
    """The envelope arrives with another byte."""
    slow: float = 0.0
    """A request takes longer than anybody waits."""
    delay: tuple[float, float] = (0.01, 0.2)
    busy: float = 0.0
    """The door asks for patience (503)."""


FAIR = Weather()


class LostError(Exception):
    """It was on its way, and nothing came back."""


@dataclass
class Network:
    """Everything between the gateways."""

    random: Random
    trace: Trace
    answers: Answers
    found: list[str]
    gateways: dict[GatewayId, Gateway] = field(default_factory=dict)
    weather: dict[tuple[GatewayId, GatewayId], Weather] = field(default_factory=dict)
    parted: dict[tuple[GatewayId, GatewayId], int] = field(default_factory=dict)
    """How many partitions lie on a link, by direction."""
    told: list[bytes] = field(default_factory=list)
    """Receipts that were given: a liar's material."""
    echoes: set["asyncio.Task[None]"] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    mended: bool = False

    def part(self, one: GatewayId, other: GatewayId, by: int) -> None:
        """Add (1) or take away (-1) a partition in one direction."""
        self.parted[one, other] = self.parted.get((one, other), 0) + by

    def mend(self) -> None:
        """From now on the weather is fair; what is still on its way arrives."""
        self.mended = True

    def link(self, one: GatewayId, other: GatewayId) -> Weather:
        return FAIR if self.mended else self.weather.get((one, other), FAIR)

    def happens(self, chance: float, what: str) -> bool:
        if chance <= 0 or self.random.random() >= chance:
            return False
        self.counts[what] = self.counts.get(what, 0) + 1
        return True

    def is_open(self, one: GatewayId, other: GatewayId) -> bool:
        return self.mended or not self.parted.get((one, other))

    def reach(self, origin: Process, destination: GatewayId) -> Process | None:
        """The other process, if there is a road to it, and it is who the registry says."""
        peer = self.gateways.get(destination)
        own = origin.gateway.own
        if peer is None or peer.process is None or not peer.up or not self.is_open(own, destination):
            return None
        entry = origin.directory.current().gateways.get(destination)
        return peer.process if entry is not None and peer.process.tls in entry.tls_keys else None

    async def exchange(self, origin: Process, peer: Process, ask: Callable[[], Any]) -> Reply:
        """One request and its answer.

        Raises:
            LostError: nothing came back.
        """
        own, destination = origin.gateway.own, peer.gateway.own
        link = self.link(own, destination)
        await self._travel(link)
        if self.happens(link.loss, "lost"):
            raise LostError
        if self.happens(link.duplicates, "duplicate"):
            self._echo(destination, ask)
        try:
            reply: Reply = await peer.asked(ask()(peer))
        except DownError as error:
            raise LostError from error
        link = self.link(own, destination)
        await self._travel(link)
        if self.happens(link.lost_answers, "lost answer") or not self.is_open(destination, own):
            raise LostError
        return self._lie(link, reply)

    async def _travel(self, link: Weather) -> None:
        seconds = self.random.uniform(*link.delay)
        if self.happens(link.slow, "slow"):
            seconds += self.random.uniform(TRANSFER_SECONDS_MAX * 0.5, TRANSFER_SECONDS_MAX * 2)
        await asyncio.sleep(seconds)

    def _echo(self, destination: GatewayId, ask: Callable[[], Any]) -> None:
        """The same request once more, later, in whatever order; nobody waits for its answer."""
        later = self.random.choice((0.0, self.random.uniform(0, 5), self.random.uniform(0, 7200)))

        async def again() -> None:
            await asyncio.sleep(later)
            peer = self.gateways[destination].process
            if peer is None:
                return
            try:
                reply = await peer.asked(ask()(peer))
            except DownError:
                return
            self.trace("echo", destination, reply.status)

        task = asyncio.get_running_loop().create_task(again())
        self.echoes.add(task)
        task.add_done_callback(self.echoes.discard)

    def _lie(self, link: Weather, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        if self.happens(link.lies, "lie"):
            reply = replace(reply, body=self._lied(reply.body))
        else:
            self.told.append(reply.body)
        return reply

    def _lied(self, receipt: bytes) -> bytes:
        kind = self.random.randrange(3)
        if kind == 0 and len(self.told) > 1:
            return self.random.choice(self.told)
        if kind == 1:
            head, payload, signature = receipt.split(b".")
            return b".".join((head, payload[::-1], signature))
        return receipt[:-6] + (b"AAAAAA" if not receipt.endswith(b"AAAAAA") else b"BBBBBB")


class Road:
    """The port `Transport` of one process, to all other gateways."""

    def __init__(self, *, network: Network, process: Process) -> None:
        self._network = network
        self._process = process

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        slip, network = transfer.slip, self._network
        data = envelope.read_bytes() if envelope.exists() else b""
        if _digest(data) != slip.envelope.digest:
            raise SiteError("blob.damaged", digest=slip.envelope.digest)
        link = network.link(slip.origin, slip.destination)
        sent = data
        if network.happens(link.garbled, "garbled"):
            at = network.random.randrange(len(data))
            sent = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        busy, line, pin = network.happens(link.busy, "busy"), encode_slip(slip), self._process.tls
        reply = await self._ask("carry", transfer, lambda: lambda peer: post(network, peer, (pin, line, sent), busy))
        return reply if not isinstance(reply, Reply) else conclude_carry(reply)

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        network, pin, name = self._network, self._process.tls, transfer.slip.transfer
        reply = await self._ask("inquire", transfer, lambda: lambda peer: get(network, peer, pin, name))
        return reply if not isinstance(reply, Reply) else conclude_inquiry(reply)

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        network, pin, own = self._network, self._process.tls, self._process.gateway.own
        peer = network.reach(self._process, destination)
        if peer is None:
            await asyncio.sleep(0.01)
            return Unreachable("no way")
        try:
            async with asyncio.timeout(TRANSFER_SECONDS_MAX):
                ask = partial(_tell, network, pin=pin, notice=notice)
                reply = await network.exchange(self._process, peer, lambda: ask)
        except (LostError, TimeoutError):
            network.trace("tell", own, destination, "no answer")
            return Indeterminate("no answer")
        network.trace("tell", own, destination, reply.status)
        return conclude_notice(reply)

    async def _ask(self, verb: str, transfer: Transfer, ask: Callable[[], Any]) -> Reply | Unreachable | Indeterminate:
        network, slip = self._network, transfer.slip
        peer = network.reach(self._process, slip.destination)
        if peer is None:
            await asyncio.sleep(0.01)
            network.trace(verb, slip.origin, slip.destination, slip.transfer, "unreachable")
            return Unreachable("no way")
        try:
            async with asyncio.timeout(TRANSFER_SECONDS_MAX):
                reply = await network.exchange(self._process, peer, ask)
        except (LostError, TimeoutError):
            network.trace(verb, slip.origin, slip.destination, slip.transfer, "no answer")
            return Indeterminate("no answer")
        network.trace(verb, slip.origin, slip.destination, slip.transfer, reply.status, _code(reply))
        if 400 <= reply.status < 500:
            network.answers.refusals.setdefault(slip.transfer, set()).add(_code(reply))
        return reply


# --- the door of the other side, without HTTP ----------------------------------------------------------------------------


async def post(network: Network, peer: Process, request: tuple[Digest, bytes, bytes], busy: bool) -> Reply:
    """What `gateway.peer.server` does with a POST."""
    pin, line, data = request

    async def handle() -> bytes:
        if busy:
            raise SiteError("store.busy")
        origin = _identify(peer, pin)
        slip = decode_slip(line)
        if slip.destination != peer.gateway.own:
            raise PeerError("transfer.not_ours")
        await peer.reception.admit(origin, slip)
        if (_digest(data), len(data)) != (slip.envelope.digest, slip.envelope.size):
            raise PeerError("transfer.digest")
        with peer.blobs.lease() as lease:
            receipt = await peer.reception.receive(
                origin, slip, await lease.put_bytes(data), form=accepted_form(RECEIPTS_ACCEPTED)
            )
        network.answers.given(peer.gateway.own, slip.transfer, receipt)
        return receipt

    return await _answered(network, peer, handle())


async def get(network: Network, peer: Process, pin: Digest, transfer: Any) -> Reply:
    """What `gateway.peer.server` does with a GET."""

    async def handle() -> bytes:
        answer = await peer.reception.answer_of(_identify(peer, pin), transfer, form=accepted_form(RECEIPTS_ACCEPTED))
        if answer is None:
            raise PeerError("not_found")
        network.answers.given(peer.gateway.own, transfer, answer)
        return answer

    return await _answered(network, peer, handle())


async def _tell(network: Network, peer: Process, *, pin: Digest, notice: bytes) -> Reply:
    """What `gateway.peer.server` does with a gap notice."""

    async def handle() -> bytes:
        await peer.reception.pass_over(_identify(peer, pin), notice)
        return b""

    reply = await _answered(network, peer, handle())
    return replace(reply, status=204) if reply.status == 200 else reply


async def _answered(network: Network, peer: Process, handling: Any) -> Reply:
    try:
        return Reply(status=200, media_type=RECEIPT_TYPE, retry_after="", body=await handling)
    except GatewayError as error:
        status = error.facts.status
        retry = "5" if status == 503 else ""
        return Reply(status=status, media_type=PROBLEM_TYPE, retry_after=retry, body=_problem(error.code))
    except Exception as error:
        peer.gateway.watch.violation(f"a fault at the door: {type(error).__name__}: {error}")
        return Reply(status=500, media_type=PROBLEM_TYPE, retry_after="", body=_problem("internal"))


def _identify(peer: Process, pin: Digest) -> GatewayId:
    holders = [entry.gateway for entry in peer.directory.current().gateways.values() if pin in entry.tls_keys]
    if len(holders) != 1:
        raise PeerError("peer.unpinned")
    return holders[0]


def _problem(code: str) -> bytes:
    return json.dumps({"code": code}).encode()


def _code(reply: Reply) -> str:
    return "" if reply.status == 200 else json.loads(reply.body)["code"]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
