"""The child: marks, limits, and then the campaign. What it did is its one line of output."""

import argparse
import dataclasses
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.kit.fuzz.bounds import limit_memory
from tests.kit.fuzz.branches import Branches
from tests.kit.fuzz.campaign import Campaign, Examine
from tests.kit.fuzz.targets import EDXML, TARGETS


def load(branches: Branches, plant: str = "", *, target: str = EDXML) -> Examine:
    """The target, its readers marked; with a mistake planted in them on purpose, if one is named."""
    logging.disable(logging.CRITICAL)  # pyHanko tells of every refused path, with a traceback
    branches.watch(*TARGETS[target].watched)
    examine = TARGETS[target].load_examine()
    if plant:
        TARGETS[target].plant(plant)
    return examine


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one campaign."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--executions", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--failures", type=int, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--plant", default="")
    parser.add_argument("--target", choices=TARGETS, default=EDXML)
    options = parser.parse_args(arguments)
    branches = Branches()
    target = TARGETS[options.target]
    examine = load(branches, options.plant, target=options.target)
    vectors = target.load_seeds()
    limit_memory()
    campaign = Campaign(options.folder, target, branches, options.seed, examine=examine)
    seeds = [data for name, data in vectors.items() if name.startswith(options.only)]
    until = monotonic() + options.seconds
    tally = campaign.run(seeds, until=until, executions=options.executions, failures=options.failures)
    print(json.dumps(dataclasses.asdict(tally) | {"branches": len(branches.hits)}))  # noqa: T201 - the child's answer


if __name__ == "__main__":
    main()
