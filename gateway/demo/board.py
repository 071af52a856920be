"""What a person sees of the demo: live progress, a short table, and what to try next. All of it goes to stderr."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.demo.network import Network
from gateway.demo.outcome import Outcome
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


def words(message_id: str) -> str:
    """A text of the catalogue, Vietnamese and English side by side: the demo is shown to both."""
    both = text(message_id)
    return f"{both.vi} · {both.en}"


class Board:
    """Live progress, one line for each step. A context manager; `show` may be called from any thread."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(finished_text="✔"), TextColumn("{task.description}"), BarColumn(bar_width=24))
        self._progress = Progress(*columns, MofNCompleteColumn(), TimeElapsedColumn(), console=console)
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


def next_steps(console: Console, network: Network) -> None:
    """Addresses of the running gateways, and commands that work as they stand."""
    party = network.sides["party"]
    office = network.world.sender
    for side in network.sides.values():
        console.print(f"{side.gateway}: {side.url}/api/v1", markup=False, highlight=False)
    console.print(words("demo.next"), markup=False)
    folder = network.folder
    for line in (
        f"export GATEWAY_URL={party.url} GATEWAY_CA={network.root}",
        f"export GATEWAY_API_KEY=$(cat {folder / 'api-keys' / office.organ_id})",
        "gateway inbox",
        f"gateway verify {network.letter} --trust {folder / 'pki' / 'party' / 'trust'} --environment demo",
        f"gateway audit verify --config {party.config}",
    ):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(words("demo.stop"), markup=False)
