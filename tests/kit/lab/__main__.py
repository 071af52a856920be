"""Run the fault lab: `python -m tests.kit.lab`, one fault again: `python -m tests.kit.lab --only F-01 --seed 4711 --keep`.

Exit status 1 when anything was lost, doubled, out of order or not as it was acknowledged, when a planted bug was not caught,
and when a fault cannot run here and nobody allowed that by name.
"""

import argparse
import asyncio
import io
import json
import resource
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from gateway.observe import configure_logging
from tests.kit.lab.books import MANIFEST, read_books
from tests.kit.lab.fault import Fault, MissingError, Order
from tests.kit.lab.faults import FAULTS
from tests.kit.lab.ledger import read_ledger
from tests.kit.lab.leftover import end_all, end_when_told, mark_what_is_started, places_of_its_own
from tests.kit.lab.page import write_page
from tests.kit.lab.results import SHOWN_MAX, Result, last_line, write_results
from tests.kit.programs import run_program

RESULTS = Path("fault") / "latest.json"
CHECK_SECONDS = 900.0
CHECK_SECONDS_EACH = 0.1
"""... and for each document: every signature of every one is verified once more."""
TERMINATED = 128 + 15


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def run_fault(fault: Fault, order: Order, *, allowed: bool) -> Result:
    """One fault and its check. Whatever breaks is its failure; the others go on."""
    result, started = Result(id=fault.id, title=fault.title, allowed=allowed), time.monotonic()
    worked = _processor_seconds()
    async with order.after:
        if await _run(fault, order, result):
            await _check(order.folder, result)
    result.seconds = round(time.monotonic() - started, 1)
    result.cpu_seconds = round(_processor_seconds() - worked, 1)
    return result


async def _run(fault: Fault, order: Order, result: Result) -> bool:
    """The fault itself; whether it has left something for the check."""
    try:
        done = await fault.run(order)
    except Exception as error:
        cause = _innermost(error)
        if isinstance(cause, MissingError):
            result.missing = str(cause)
            return False
        (order.folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
        result.failure = f"{type(cause).__name__}: {cause}"
        return (order.folder / MANIFEST).exists()
    result.kills, result.mutants, result.notes = done.kills, done.mutants, dict(done.notes)
    result.seen = list(done.wrong)
    return done.checked


def _processor_seconds() -> float:
    """Of the lab and of all that it has started and that has ended, but for what was killed with its parent."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _innermost(error: BaseException) -> BaseException:
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _check(folder: Path, result: Result) -> None:
    """The check is a process of its own: it has nothing but what lies in the folder."""
    ledger = read_books(folder).acknowledged
    seconds = CHECK_SECONDS + CHECK_SECONDS_EACH * sum(1 for _ in read_ledger(ledger))
    try:
        ended = await run_program(sys.executable, "-m", "tests.kit.lab.check", str(folder), seconds=seconds)
    except TimeoutError:
        result.failure += f" the check gave no answer in {seconds:.0f} s"
        return
    try:
        result.verdict = json.loads(ended.output)
    except ValueError:
        result.failure += f" the check broke: {ended.errors.decode(errors='replace')[-600:]}"


async def run_all(asked: argparse.Namespace, folder: Path) -> list[Result]:
    """Every fault that was asked for, one after the other, told as they end."""
    task, results = asyncio.current_task(), []
    assert task
    told = end_when_told(task)
    for fault in _chosen(asked):
        own = folder / fault.id
        own.mkdir(parents=True)
        documents = asked.documents or (asked.long and fault.long_documents) or fault.documents
        say(f"{fault.id} {fault.title} …")
        allowed = fault.id in asked.allow_missing
        order = Order(folder=own, seed=asked.seed, documents=documents, minutes=asked.minutes)
        result = await run_fault(fault, order, allowed=allowed)
        if told.is_set():  # and what was to be put away then has failed
            raise asyncio.CancelledError
        results.append(result)
        say(result.line())
        for wrong in result.wrong[:SHOWN_MAX]:
            say(f"  {wrong}")
        if result.wrong:
            say(f"  again: .venv/bin/python -m tests.kit.lab --only {fault.id} --seed {asked.seed} --keep")
        if not asked.keep:
            shutil.rmtree(own, ignore_errors=True)
    return results


def _chosen(asked: argparse.Namespace) -> list[Fault]:
    if asked.only:
        return [FAULTS[name] for name in asked.only]
    return [fault for fault in FAULTS.values() if (fault.long if asked.long else fault.quick)]


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in FAULTS]:
        raise argparse.ArgumentTypeError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.lab", description=__doc__.partition("\n")[0])
    parser.add_argument("--long", action="store_true", help="the long set instead of the quick one")
    parser.add_argument("--only", type=_names, default=[], metavar="F-01,F-08", help="these, in this order")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of everything that is chance here")
    parser.add_argument("--documents", type=int, help="in each fault; by default what its row of the table says")
    parser.add_argument("--minutes", type=float, default=120.0, help="of F-30; by default 120")
    parser.add_argument("--allow-missing", type=_names, default=[], metavar="F-12,…", help="may be left out here")
    parser.add_argument("--folder", type=Path, help="where gateways and ledgers are put; by default a temporary one")
    parser.add_argument("--keep", action="store_true", help="leave them there")
    parser.add_argument("--page", type=Path, help="with --long: write what was found there, as a page for readers")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    configure_logging(stream=io.StringIO(), level="CRITICAL")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="gateway-fault-", dir="/tmp"))
    say(f"seed {asked.seed}, in {folder}")
    mark_what_is_started()
    with places_of_its_own():
        try:
            results = asyncio.run(run_all(asked, folder.resolve()))
        except asyncio.CancelledError:
            say(f"FAULT ENDED by a signal seed={asked.seed}")
            return TERMINATED
        finally:
            end_all()
            if not asked.keep and not asked.folder:
                shutil.rmtree(folder, ignore_errors=True)
    write_results(asked.results, results, asked.seed)
    if asked.page:
        write_page(asked.page, [fault for fault in FAULTS.values() if fault.long], results, asked.seed)
    say(last_line(results, asked.seed))
    return int(any(result.wrong for result in results))


if __name__ == "__main__":
    sys.exit(main())
