"""`make fuzz`, and what one does with what it finds."""

import argparse
import sys
import traceback
from pathlib import Path

from tests.kit.fuzz.branches import Branches
from tests.kit.fuzz.campaign import PIECES
from tests.kit.fuzz.child import load
from tests.kit.fuzz.parent import Run, run
from tests.kit.fuzz.shrink import shrunk
from tests.kit.fuzz.targets import EDXML, TARGETS


def main() -> int:
    """One command: run, replay or shrink."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit.fuzz")
    parser.add_argument("what", choices=("run", "replay", "shrink"), nargs="?", default="run")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--folder", type=Path, default=Path("fuzz"), help="corpus and failures")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--executions", type=int, default=1_000_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="begin with the vectors whose names begin so")
    parser.add_argument("--plant", default="", help="a mistake planted on purpose, to see it found")
    parser.add_argument("--target", choices=TARGETS, default=EDXML)
    options = parser.parse_args()
    if options.what == "run":
        return _run(options)
    if options.file is None:
        parser.error("which file?")
    data = options.file.read_bytes()
    target = next((name for name, one in TARGETS.items() if one.suffix == options.file.suffix), options.target)
    examine = load(Branches(), options.plant, target=target)
    if options.what == "shrink":
        sys.stdout.buffer.write(shrunk(examine, data))
        return 0
    for piece in PIECES:
        try:
            _say("\n".join(sorted(examine(data, piece=piece))))
        except Exception:  # shown, not handled
            _say(f"in pieces of {piece} bytes\n{traceback.format_exc()}")
            return 1
    return 0


def _run(options: argparse.Namespace) -> int:
    asked = Run(
        folder=options.folder,
        seconds=options.seconds,
        executions=options.executions,
        seed=options.seed,
        only=options.only,
        plant=options.plant,
        target=options.target,
    )
    done = run(asked, say=_say)
    _say(
        f"{done.done} executions, {done.corpus} files in the corpus, {done.reached} things reached, "
        f"{done.branches} branches marked, {len(done.failures)} failures"
    )
    for path in done.failures:
        _say(f"{path}: see {path.with_suffix('.txt')}")
    return 1 if done.failures or not done.done else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
