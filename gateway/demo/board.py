"""What a person sees of the demo: live progress, a short table, and what to try next. All of it goes to stderr."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from gateway.demo.network import Network
from gateway.demo.outcome import Outcome
from gateway.demo.story import Told
from gateway.observe import text

STEPS: Final = (
    "demo.keys",
    "demo.gateways",
    "demo.submitted",
    "demo.delivered",
    "demo.statuses",
    "demo.replies",
    "demo.verified",
)
PROBLEMS_SHOWN: Final = 10


def words(message_id: str, params: Mapping[str, object] | None = None) -> str:
    """A text of the catalogue, Vietnamese and English side by side: the demo is shown to both."""
    both = text(message_id, params)
    return f"{both.vi} · {both.en}"


class Board:
    """Live progress, one line for each step. A context manager; `show` may be called from any thread."""

    def __init__(self, console: Console) -> None:
        # Numbers first: what is cut on a narrow terminal is the words' end, never a count.
        self._progress = Progress(
            SpinnerColumn(finished_text="✔"),
            TextColumn("{task.completed:>3.0f}/{task.total:<3.0f}"),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        for step in STEPS:
            self._tasks[step] = self._progress.add_task(words(step), total=1, start=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, step: str, done: int, total: int) -> None:
        """How far a step is: `keys`, `gateways`, `submitted`, `delivered`, `statuses`, `replies`, `verified`."""
        task = self._tasks[f"demo.{step}"]
        self._progress.start_task(task)
        self._progress.update(task, completed=done, total=total)


def report(console: Console, network: Network, outcome: Outcome) -> None:
    """The short table, and every problem that the stranger found (the first ten)."""
    table = Table(title=words("demo.title"), show_header=False)
    rows = (
        ("demo.delivered", f"{outcome.deliveries}/{outcome.recipients}"),
        ("demo.receipts", f"{outcome.receipts}/{outcome.recipients}"),
        ("demo.statuses", f"{outcome.statuses}/{outcome.statuses_wanted}"),
        ("demo.replies", f"{outcome.replies}/{outcome.replies_wanted}"),
        ("demo.envelopes", str(outcome.envelopes)),
        ("demo.seals", str(outcome.seals)),
        ("demo.leaves", str(outcome.leaves)),
        ("demo.folder", str(network.folder)),
    )
    for name, value in rows:
        table.add_row(words(name), value)
    console.print(table)
    for problem in outcome.problems[:PROBLEMS_SHOWN]:
        console.print(f"✘ {problem}", style="red", markup=False)


def next_steps(console: Console, network: Network, told: Told) -> None:
    """Addresses of the running gateways, and commands that work as they stand, whatever the folder is called."""
    for side in network.sides.values():
        console.print(f"{side.gateway}: {side.url}/api/v1", markup=False, highlight=False)
    console.print(words("demo.next"), markup=False)
    for line in _commands(network, told):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(words("demo.stop"), markup=False)


def _commands(network: Network, told: Told) -> list[str]:
    """As the city's Party office and as one ward, each line whole in itself."""
    program = shlex.quote(str(Path(sys.executable).parent / "gateway"))
    party, government = network.sides["party"], network.sides["government"]
    ca = f"--ca {shlex.quote(str(network.root))}"
    keys = network.folder / "api-keys"
    office = f"--url {party.url} {ca} --key-file {shlex.quote(str(keys / network.world.sender.organ_id))}"
    ward = f"--url {government.url} {ca} --key-file {shlex.quote(str(keys / network.world.answering.organ_id))}"
    trust = f"--trust {shlex.quote(str(network.folder / 'pki' / 'party' / 'trust'))} --environment demo"
    return [
        f"{program} inbox {office}",
        f"{program} trace {told.letter} {office}",
        f"{program} inbox {ward}",
        f"{program} verify {shlex.quote(str(network.letter))} {trust}",
        f"{program} audit verify --config {shlex.quote(str(party.config))}",
    ]
