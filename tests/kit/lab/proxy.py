"""TCP that goes wrong, between two who speak TLS through it: the proxy sees bytes and time, never a message.

A *conversation* is one connection. Whoever has sent more than a handshake waits for an answer to a transfer: what comes back
then may be swallowed, which is the worst moment there is, for the other side has stored everything.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

HANDSHAKE_BYTES = 12_000
"""A TLS 1.3 handshake with client certificate is shorter than this; an envelope is longer."""
CHUNK = 65_536


@dataclass
class Weather:
    """What may happen, as chances from 0 to 1. All of it may be changed while the proxy runs."""

    lose_answer: float = 0.0
    """The answer to a transfer is swallowed and the conversation cut."""
    lose_next: int = 0
    """So many answers are swallowed for sure, the next ones."""
    cut: float = 0.0
    """A conversation ends after some thousand bytes of the request, somewhere in the middle."""
    reset: float = 0.0
    """... and not politely: RST instead of FIN."""
    delay: float = 0.0
    """Longest wait before a chunk goes on, in seconds."""
    trickle: float = 0.0
    """A conversation goes on byte by byte for a while (slow-loris)."""
    partition: bool = False
    """Nobody gets through; who was there is cut."""


@dataclass
class Counts:
    """What happened."""

    conversations: int = 0
    lost_answers: int = 0
    cuts: int = 0
    resets: int = 0
    trickles: int = 0
    refused: int = 0
    carried: int = 0
    """Bytes that clients sent, over all conversations."""


class Proxy:
    """One listening port that leads to another."""

    def __init__(self, upstream: int, seed: int) -> None:
        self.upstream = upstream
        self.port = 0
        self.weather = Weather()
        self.counts = Counts()
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        await self.cut_all()

    async def cut_all(self) -> None:
        """End every conversation."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def partition(self, seconds: float) -> None:
        """Nobody gets through for a while."""
        self.weather.partition = True
        await self.cut_all()
        await asyncio.sleep(seconds)
        self.weather.partition = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.counts.conversations += 1
        if self.weather.partition:
            self.counts.refused += 1
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        talk = _Conversation(self.weather, self.counts, self._chance)
        up = asyncio.create_task(talk.carry(reader, up_writer, talk.onward))
        down = asyncio.create_task(talk.carry(up_reader, writer, talk.back))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (up, down):
                one.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            for end in (writer, up_writer):
                end.transport.abort() if talk.rude else end.close()


class _Conversation:
    """One connection's fate."""

    def __init__(self, weather: Weather, counts: Counts, chance: random.Random) -> None:
        self._weather, self._counts, self._chance = weather, counts, chance
        self._sent = 0
        self._answered = 0
        """How much had been sent when the last answer was let through."""
        self._cut_after: int | None = None
        if chance.random() < weather.cut:
            self._cut_after = HANDSHAKE_BYTES + chance.randrange(60_000)
        self.rude = chance.random() < weather.reset
        self._slow = chance.random() < weather.trickle
        counts.trickles += self._slow

    def onward(self, data: bytes) -> bool:
        """Whether what the client says goes on."""
        self._sent += len(data)
        self._counts.carried += len(data)
        if self._cut_after is not None and self._sent > self._cut_after:
            self._counts.cuts += 1
            self._counts.resets += self.rude
            return False
        return True

    def back(self, data: bytes) -> bool:
        """Whether what the server says goes back. One draw for each answer: much was sent since the one before."""
        if self._sent - self._answered > HANDSHAKE_BYTES and data:
            self._answered = self._sent
            if self._weather.lose_next or self._chance.random() < self._weather.lose_answer:
                self._weather.lose_next = max(0, self._weather.lose_next - 1)
                self._counts.lost_answers += 1
                return False
        return True

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, goes_on: Callable[[bytes], bool]
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if self._weather.delay:
                    await asyncio.sleep(self._chance.uniform(0, self._weather.delay))
                if not goes_on(data):
                    return
                if self._slow:
                    for byte in data[:40]:
                        writer.write(bytes([byte]))
                        await asyncio.sleep(0.02)
                    data = data[40:]
                writer.write(data)
                await writer.drain()
