"""What signing takes beside a key: a judge for the file, whom to believe, and authorities that stamp."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.cli.believed import believed
from gateway.cli.errors import Failure
from gateway.cli.orders import Believed
from gateway.core.ports import Judge, TimestampAuthority
from gateway.crypto import JudgePool, LoadedTrust, TimestampClient, Trust
from gateway.observe import SystemClock
from gateway.preload import JUDGE_PRELOAD

TSA_SECONDS: Final = 30.0
"""Patience with each authority: real ones were seen to take longer than two minutes, but somebody sits and waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningTools:
    """For one command."""

    judge: Judge
    trust: Trust | None
    authority: TimestampAuthority | None


@asynccontextmanager
async def signing_tools(file: Path, order: Believed) -> AsyncIterator[SigningTools]:
    """A judge that may read that one file, and what the line says of trust and time.

    Raises:
        Failure: the trust folder cannot be used, or authorities are named and nobody who believes them.
    """
    trust = None if order.trust is None else believed(order.trust, demo=order.demo)
    if order.authorities and trust is None:
        raise Failure("cli.seal.believed")
    async with AsyncExitStack() as stack:
        judge = JudgePool(size=1, preload=JUDGE_PRELOAD, readable=(file,))
        await judge.start()
        stack.push_async_callback(judge.close)
        client = None
        if order.authorities and trust is not None:
            client = TimestampClient(
                urls=order.authorities,
                seconds=TSA_SECONDS,
                judge=judge,
                trust=LoadedTrust(trust),
                clock=SystemClock(),
                entropy=os.urandom,
            )
            stack.push_async_callback(client.close)
        yield SigningTools(judge=judge, trust=trust, authority=client)
