"""Run seeded worlds: `python -m tests.kit.seeds --count 300`, and one again: `python -m tests.kit.seeds --seed 4711 --trace`.

Exit status 1 when an invariant does not hold; the seed, what was violated and the command that replays it are printed.
The keys differ from run to run, the story of a seed does not: its trace has the same digest everywhere.
"""

import argparse
import contextlib
import gc
import io
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.observe import configure_logging
from tests.kit.seeded.invariants import problems
from tests.kit.seeded.materials import GATEWAYS_MAX, Materials, make_materials
from tests.kit.seeded.mutants import MUTANTS
from tests.kit.seeded.outcome import Outcome
from tests.kit.seeded.plan import make_plan
from tests.kit.seeded.world import memory_folder, run_world

DEEP_EVERY = 10
"""Every so many seeds each installation is checked from outside as well: that takes as long as the world itself."""
SHOWN_MAX = 12


@dataclass(frozen=True)
class Verdict:
    """What came out of one seed."""

    seed: int
    problems: tuple[str, ...]
    digest: str = ""
    """Of the trace: the same in every run of this seed."""
    content: str = ""
    """Of everything durable: the same in every run of this seed with the same keys."""
    documents: int = 0
    counts: tuple[tuple[str, int], ...] = ()
    trace: tuple[str, ...] = ()
    cpu_seconds: float = 0.0


def judge(seed: int, materials: Materials, *, deep: bool = False, gateways: int | None = None) -> Verdict:
    """Run the world of a seed and judge it. What breaks the world is a problem of the seed like any other."""
    try:
        outcome = run_world(make_plan(seed, gateways), materials, deep=deep)
    except Exception as error:
        notes = tuple(getattr(error, "__notes__", ()))
        return Verdict(seed=seed, problems=(*notes, f"the world broke: {type(error).__name__}: {error}"))
    return verdict_of(seed, outcome)


def verdict_of(seed: int, outcome: Outcome) -> Verdict:
    return Verdict(
        seed=seed,
        problems=problems(outcome),
        digest=outcome.digest,
        content=outcome.content,
        documents=sum(len(kept.documents) for kept in outcome.kept),
        counts=tuple(sorted(outcome.counts.items())),
        trace=outcome.trace,
    )


def replay_command(seed: int) -> str:
    fixed = f" --gateways {_gateways}" if _gateways else ""
    return f".venv/bin/python -m tests.kit.seeds --seed {seed}{fixed} --trace"


_materials: Materials | None = None
_gateways: int | None = None
"""How many gateways each world has; None: as the seed says."""


def _one(seed: int) -> Verdict:
    assert _materials is not None
    started = time.process_time()
    verdict = judge(seed, _materials, deep=seed % DEEP_EVERY == 0, gateways=_gateways)
    return replace(verdict, cpu_seconds=time.process_time() - started)


def verdicts(seeds: range, *, workers: int) -> Iterator[Verdict]:
    """One verdict for each seed; the workers are forks of this process and share its keys."""
    if workers <= 1:
        yield from map(_one, seeds)
        return
    gc.freeze()  # what is here now stays: no fork looks through it again at each collection
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_one, seeds, chunksize=4)


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    configure_logging(stream=sys.stderr if asked.log else io.StringIO(), level="DEBUG" if asked.log else "CRITICAL")
    with tempfile.TemporaryDirectory(prefix="worlds-", dir=memory_folder()) as folder, contextlib.ExitStack() as stack:
        global _materials, _gateways  # noqa: PLW0603 - forks find them here
        _gateways = asked.gateways
        _materials = replace(
            make_materials(Path(folder)), worlds=Path(folder)
        )  # a worker that is stopped leaves nothing
        if asked.mutant:
            stack.enter_context(MUTANTS[asked.mutant]())
        if asked.seed is not None:
            return _replay(judge(asked.seed, _materials, deep=True, gateways=_gateways), trace=asked.trace)
        return _run(range(asked.first, asked.first + asked.count), workers=asked.workers, stop=bool(asked.mutant))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.seeds", description=__doc__.partition("\n")[0])
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="this one only, judged from outside as well")
    parser.add_argument("--gateways", type=int, choices=range(2, GATEWAYS_MAX + 1), help="in each; else as seeds say")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell what happened")
    parser.add_argument("--log", action="store_true", help="with --seed: what the gateways log")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="with this bug planted; ends where it is found")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _replay(verdict: Verdict, *, trace: bool) -> int:
    for line in verdict.trace if trace else ():
        _say(line)
    _say(f"seed {verdict.seed}: trace {verdict.digest}")
    return _told(verdict)


def _told(verdict: Verdict) -> int:
    for problem in verdict.problems[:SHOWN_MAX]:
        _say(f"  {problem}")
    if verdict.problems:
        _say(f"seed {verdict.seed} FAILED; again: {replay_command(verdict.seed)}")
    return int(bool(verdict.problems))


def _run(seeds: range, *, workers: int, stop: bool) -> int:
    started, failed, done, documents, cpu, counts = time.monotonic(), 0, 0, 0, 0.0, Counter[str]()
    for verdict in verdicts(seeds, workers=workers):
        done += 1
        failed += _told(verdict)
        documents += verdict.documents
        cpu += verdict.cpu_seconds
        counts.update(dict(verdict.counts))
        if stop and failed:
            break
    seconds = time.monotonic() - started
    misfortunes = ", ".join(f"{count} {what}" for what, count in counts.most_common())
    speed = f"{seconds:.0f} s ({done / seconds:.1f}/s, {cpu / done:.2f} s of CPU each)"
    _say(f"{done} seeds, {failed} failed, {speed}; {documents} documents; {misfortunes}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
