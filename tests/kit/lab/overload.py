"""F-23: five times more than a gateway can take, by callers who do not wait for each other; then as much as is usual.

First it is measured what it takes in (32 at once, as many as it serves one caller, each waiting for its answer). Then one
body hands in at five times that rate, whatever becomes of it, while another goes on quietly. Memory must stay where it is
allowed to be; what is refused is refused with a word that says so; the quiet body is served; and soon after the storm
everybody is, at the first attempt.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gateway.api import ApiProblem, OfficeClient, Patience
from gateway.core.errors import GatewayError
from gateway.core.limits import REQUESTS_AT_ONCE
from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.memory import MemoryWatch
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read

SIDE = "government"
TIMES = 5
PER_SECOND_MAX = 600
"""No lab on the same two cores makes more; the note says what was asked for and what was made."""
OPEN_MAX = 1_500
"""Calls of the storm that wait for an answer: beyond it a caller would run out of connections, not the gateway of memory."""
AT_ONCE = REQUESTS_AT_ONCE
SECONDS_MAX = 120.0
QUIET_SECONDS = 1.0
"""Between two letters of the quiet body."""
QUIET_SHARE_MIN = 0.8
"""So much of what the quiet body hands in is taken during the storm, each within its own patience."""
QUIET_PATIENCE_SECONDS = 20.0
PSS_MIB_MAX = 350.0
RECOVERED_SECONDS = 60.0
FINE_IN_A_ROW = 5
FINE_SECONDS = 2.0


@dataclass
class Storm:
    """What became of the calls."""

    open: int = 0
    """Calls that wait for an answer."""
    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refusal_seconds: list[float] = field(default_factory=list)
    not_made: int = 0
    quiet_taken: int = 0
    quiet_not: Counter[str] = field(default_factory=Counter)


async def overload(order: Order) -> Done:
    """`documents` measure the rate; the storm lasts a twentieth of a second for each, two minutes at most."""
    async with site(order.folder, seed=order.seed) as made:
        made.replace(SIDE, r"^requests_at_once = \d+", f"requests_at_once = {AT_ONCE}")
        letters = _from_one_side(made, order.seed)
        storm = Storm()
        async with (
            made.gateways,
            offices(made, order.seed) as traffic,
            MemoryWatch(lambda: made.gateways.pids) as memory,
        ):
            rate = await _rate(traffic, [next(letters) for _ in range(order.documents)])
            await made.rest()
            seconds = min(SECONDS_MAX, order.documents / 20)
            await _storm(traffic, letters, storm, seconds=seconds, rate=min(PER_SECOND_MAX, TIMES * rate))
            recovered = await _recovery(traffic, letters)
            await made.rest(1_800)
            await until_read(made, traffic, 300)
        hurt(bool(storm.refusal_seconds), f"nothing was refused, {storm.taken} were taken")
        return Done(notes=_notes(storm, rate, seconds, recovered, memory), wrong=_wrong(storm, recovered, memory))


def _notes(storm: Storm, rate: float, seconds: float, recovered: float, memory: MemoryWatch) -> dict[str, object]:
    return {
        "taken in per second when all wait for answers": round(rate, 1),
        "seconds of storm": round(seconds),
        "taken": storm.taken,
        "refused": dict(storm.refused),
        "median seconds to a refusal": round(statistics.median(storm.refusal_seconds or [0.0]), 3),
        "calls beyond what the lab can have open": storm.not_made,
        "of the quiet body taken": storm.quiet_taken,
        "and not": dict(storm.quiet_not),
        "seconds until all was well": round(recovered, 1),
        "MiB at most": {side: round(mib) for side, mib in memory.highest.items()},
    }


def _wrong(storm: Storm, recovered: float, memory: MemoryWatch) -> list[str]:
    wrong = [f"{side} grew to {mib:.0f} MiB" for side, mib in memory.highest.items() if mib > PSS_MIB_MAX]
    if recovered > RECOVERED_SECONDS:
        wrong.append(f"it took {recovered:.0f} s until everybody was served again")
    quiet = storm.quiet_taken + sum(storm.quiet_not.values())
    if storm.quiet_taken < QUIET_SHARE_MIN * quiet:
        wrong.append(f"the quiet body was taken {storm.quiet_taken} times of {quiet}: {dict(storm.quiet_not)}")
    if not storm.taken:
        wrong.append("nothing was taken in the storm")
    unread = {
        code: number for code, number in storm.refused.items() if not code.startswith(("429", "503", "507", "none"))
    }
    return [*wrong, *([f"refused with {unread}"] if unread else [])]


def _from_one_side(made: Site, seed: int) -> Iterator[Letter]:
    """Of the loud body; the quiet one's are made from them."""
    loud = made.offices[1]
    for number in count(1):
        letter = make_letter(made, seed, number)
        if letter.sender == loud:
            yield letter


async def _rate(traffic: Traffic, letters: list[Letter]) -> float:
    began, waiting = time.monotonic(), iter(letters)

    async def office() -> None:
        for letter in waiting:
            await traffic.hand_in(letter)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(office())
    return len(letters) / (time.monotonic() - began)


async def _storm(traffic: Traffic, letters: Iterator[Letter], storm: Storm, *, seconds: float, rate: float) -> None:
    """Calls at their times, whatever became of the ones before; one that breaks breaks the storm."""
    end = time.monotonic() + seconds
    async with (
        _hurried(traffic.site, 1) as loud,
        _hurried(traffic.site, 2, QUIET_PATIENCE_SECONDS) as quiet,
        asyncio.TaskGroup() as calls,
    ):
        calls.create_task(_quietly(traffic, quiet, letters, storm, end=end))
        due = time.monotonic()
        while due < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += 1 / rate
            if storm.open >= OPEN_MAX:
                storm.not_made += 1
                continue
            storm.open += 1
            calls.create_task(_call(traffic, loud, next(letters), storm))


def _hurried(made: Site, office: int, patience: float = 0.0) -> OfficeClient:
    organ = made.offices[office]
    place = made.network.offices[organ]
    url = made.network.sides[place.side].url
    return OfficeClient(url, place.api_key, made.network.client_context(), patience=Patience(seconds=patience))


async def _call(traffic: Traffic, client: OfficeClient, letter: Letter, storm: Storm) -> None:
    began = time.monotonic()
    try:
        document = await _hand_in(client, letter)
    except ApiProblem as problem:
        storm.refused[f"{problem.status} {problem.code}"] += 1
        storm.refusal_seconds.append(time.monotonic() - began)
    except GatewayError as error:
        storm.refused[f"none {error.code}"] += 1
        await _until_known(traffic, letter)
    else:
        storm.taken += 1
        traffic.acknowledge(letter, document)
    finally:
        storm.open -= 1


async def _until_known(traffic: Traffic, letter: Letter) -> None:
    """Whoever got no answer asks again until there is one, as an office must: it may have been taken in."""
    await traffic.hand_in(letter)


async def _hand_in(client: OfficeClient, letter: Letter) -> dict[str, Any]:
    return dict(await client.send_contents(letter.metadata(), list(letter.files), letter.idempotency_key))


async def _quietly(
    traffic: Traffic, client: OfficeClient, letters: Iterator[Letter], storm: Storm, *, end: float
) -> None:
    """Another body of the same gateway, a letter a second, patient as programs are that heed `Retry-After`."""
    sender = traffic.site.offices[2]
    while time.monotonic() < end:
        letter = next(letters).by(sender)
        try:
            document = await _hand_in(client, letter)
        except ApiProblem as problem:
            storm.quiet_not[f"{problem.status} {problem.code}"] += 1
        except GatewayError as error:
            storm.quiet_not[error.code] += 1
            await _until_known(traffic, letter)
        else:
            storm.quiet_taken += 1
            traffic.acknowledge(letter, document)
        await asyncio.sleep(QUIET_SECONDS)


async def _recovery(traffic: Traffic, letters: Iterator[Letter]) -> float:
    """Seconds until so many letters in a row are taken at the first attempt, quickly."""
    began, fine = time.monotonic(), 0
    async with _hurried(traffic.site, 1) as client:
        while fine < FINE_IN_A_ROW and time.monotonic() < began + 2 * RECOVERED_SECONDS:
            letter, asked = next(letters), time.monotonic()
            try:
                traffic.acknowledge(letter, await _hand_in(client, letter))
                fine = fine + 1 if time.monotonic() - asked < FINE_SECONDS else 0
            except ApiProblem:
                fine = 0
            except GatewayError:
                fine = 0
                await _until_known(traffic, letter)
            await asyncio.sleep(0.2)
    return time.monotonic() - began
