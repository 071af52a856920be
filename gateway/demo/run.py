"""The demo's conductor: build the network, start the gateways, tell the story, have a stranger check it, say how it went."""

import asyncio
import json
import signal
import sys
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console

from gateway.api import ApiProblem
from gateway.core.errors import GatewayError, SiteError
from gateway.core.reasons import Reason
from gateway.demo.board import Board, next_steps, report, words
from gateway.demo.network import Network, build_network
from gateway.demo.outcome import Outcome
from gateway.demo.processes import Gateways
from gateway.demo.story import Story
from gateway.observe import explain

VERIFY_SECONDS: Final = 90.0
_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
WARDS_MIN: Final = 3
"""One accepts, one refuses, one answers."""


async def run_demo(*, folder: Path, once: bool, wards: int | None, console: Console) -> int:
    """Run the demo; 0 when all of it holds, 1 when anything does not, and by a signal what a shell says of it.

    `once` ends after the check; otherwise both gateways stay up until Ctrl-C. `wards` limits the world. The last line
    goes to stdout, everything else to `console`. No end but SIGKILL leaves a gateway behind.
    """
    started = time.monotonic()
    folder = await asyncio.to_thread(folder.resolve)
    try:
        if wards is not None and wards < WARDS_MIN:
            raise SiteError("config.invalid", path="--wards", reason=f"at least {WARDS_MIN}")
        with _told_to_end() as told:
            return await _run(folder, once=once, wards=wards, console=console, started=started)
    except asyncio.CancelledError:
        if not told:
            raise
        print("DEMO FAILED interrupted", flush=True)  # noqa: T201 - the demo's datum, on stdout
        return 128 + told[0]
    except ApiProblem as problem:
        console.print(f"✘ {problem.members.get('detail', problem)}", markup=False, style="red")
        print(f"DEMO FAILED {problem.code}", flush=True)  # noqa: T201 - the demo's datum, on stdout
        return 1
    except GatewayError as error:
        explanation = explain(error.code, error.params)
        said = (explanation.what_vi, explanation.what_en, explanation.todo_vi, explanation.todo_en, str(error))
        console.print("✘ " + "\n  ".join(said), markup=False, style="red")
        print(f"DEMO FAILED {error.code}", flush=True)  # noqa: T201 - the demo's datum, on stdout
        return 1


async def _run(folder: Path, *, once: bool, wards: int | None, console: Console, started: float) -> int:
    async with AsyncExitStack() as stack:
        with Board(console) as board:
            network = await _build(folder, wards, board)
            board.show("gateways", 0, 2)
            gateways = await stack.enter_async_context(Gateways(network))
            board.show("gateways", 2, 2)
            told = await Story(network, on_progress=board.show).tell()
            board.show("verified", 0, 1)
            findings = await verify_outside(folder)
            board.show("verified", 1, 1)
        outcome = Outcome.of(findings, recipients=told.recipients, seconds=time.monotonic() - started)
        report(console, network, outcome)
        if not once:
            next_steps(console, network, told)
        print(outcome.line(), flush=True)  # noqa: T201 - the demo's datum, on stdout
        if not once and (ended := await _until_interrupted(gateways)):
            Console(stderr=True).print(
                ended, markup=False, style="red", soft_wrap=True
            )  # an error: told to who is quiet, too
            return 1
    return 0 if outcome.good else 1


@contextmanager
def _told_to_end() -> Iterator[list[int]]:
    """A terminal that goes away, or a service manager, cancels what is under way, as Ctrl-C does; which signals came."""
    told: list[int] = []
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end(number: int) -> None:
        if not told:  # a second one would end the tidying
            told.append(number)
            task.cancel()

    if threading.current_thread() is threading.main_thread():
        for name in _listened_to(*_ENDS):
            loop.add_signal_handler(name, end, name)
    try:
        yield told
    finally:
        for name in _ENDS:
            loop.remove_signal_handler(name)  # nothing happens to those that were never added


def _listened_to(*numbers: signal.Signals) -> tuple[signal.Signals, ...]:
    """Without those that whoever started us switched off: after `nohup` a hang-up is to change nothing."""
    return tuple(number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN)


async def _build(folder: Path, wards: int | None, board: Board) -> Network:
    def keys_made(done: int, total: int) -> None:
        board.show("keys", done, total)

    moment = datetime.now(UTC).replace(microsecond=0)
    return await asyncio.to_thread(build_network, folder, wards=wards, moment=moment, on_progress=keys_made)


async def verify_outside(folder: Path) -> dict[str, Any]:
    """The findings of `gateway.demo.verify`, run as a process of its own.

    Raises:
        SiteError: `internal` when it gave no findings.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.demo.verify", str(folder), stdout=PIPE, stderr=PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), VERIFY_SECONDS)
        findings = json.loads(output)
    except (TimeoutError, ValueError) as error:
        with suppress(ProcessLookupError):
            process.kill()
        detail = errors.decode(errors="replace")[-800:] if process.returncode is not None else "no answer in time"
        raise SiteError("internal", reason=f"the check from outside gave no findings: {detail}") from error
    assert isinstance(findings, dict)
    return findings


async def _until_interrupted(gateways: Gateways) -> str:
    """Stay until Ctrl-C or another end (an empty text), or until a gateway ends without our doing: which, how, what that means.

    One gateway alone is no network, so the other is stopped, too.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in _listened_to(signal.SIGINT, *_ENDS):
        loop.add_signal_handler(name, stop.set)
    ended = asyncio.create_task(gateways.ended())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    told = ending(*ended.result(), gateways) if ended.done() else ""
    for task in (ended, stopped):
        task.cancel()
    return told


def ending(name: str, code: int, gateways: Gateways) -> str:
    """What to say of a gateway that ended with this exit code (negative: by that signal)."""
    if code < 0:
        reason = Reason("demo.ended.signal", {"signal": signal.Signals(-code).name})
    else:
        reason = Reason(_ENDINGS.get(code, "demo.ended.other"))
    return words("demo.ended", {"name": name, "code": code, "reason": reason, "path": gateways.log(name)})


_ENDINGS: Final = MappingProxyType(
    {
        0: "demo.ended.asked",
        7: "demo.ended.refused",
        8: "demo.ended.refused",
        70: "demo.ended.fatal",
    }
)
"""What exit codes of `gateway serve` mean (docs/CLI.md)."""
