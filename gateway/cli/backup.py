"""`gateway backup`, `gateway restore`: a backup made beside the running service, checked, and put back."""

from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.backup import CheckedBackup, Manifest, Restored, check_backup, reopen_in_place, restore_backup, take_backup
from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.cli.progress import stepped
from gateway.config import load_config
from gateway.core.clock import rfc3339
from gateway.core.resync import Reopening
from gateway.observe import SystemClock

_STEPS: Final = MappingProxyType(
    {
        "database": "cli.backup.step.database",
        "blobs": "cli.backup.step.blobs",
        "manifest": "cli.backup.step.manifest",
        "restore": "cli.backup.step.restore",
    }
)


async def backup(terminal: Terminal, config: Path, folder: Path) -> int:
    """Make a backup; 1 when the gateway itself has lost files that its rows name.

    Raises:
        GatewayError: see `take_backup`.
        OSError: the disk refused.
    """
    with stepped(terminal) as show:
        taken = await take_backup(
            load_config(config), folder, clock=SystemClock(), on_step=lambda step: show(terminal.text(_STEPS[step]))
        )
    if terminal.json:
        terminal.value(_facts(taken.folder, taken.manifest) | {"missing": list(taken.missing)})
    else:
        terminal.print(terminal.text("cli.backup.made", folder=taken.folder), style="bold green")
        _print_facts(terminal, taken.manifest)
        for digest in taken.missing:
            terminal.print(terminal.text("cli.backup.missing", digest=digest), style="red")
    return Exit.PROBLEM if taken.missing else Exit.OK


async def restore(terminal: Terminal, folder: Path, config: Path, *, only_check: bool) -> int:
    """Put a backup back, or only check it.

    Raises:
        GatewayError: see `check_backup`, `restore_backup`.
        OSError: the disk refused.
    """
    restored: Restored | None = None
    with stepped(terminal) as show:

        def on_step(step: str) -> None:
            show(terminal.text(_STEPS[step]))

        if only_check:
            checked = await check_backup(folder, load_config(config), on_step=on_step)
        else:
            restored = await restore_backup(folder, load_config(config), clock=SystemClock(), on_step=on_step)
            checked = restored.checked
    if terminal.json:
        asked = {} if restored is None else _reopened(restored.reopening) | {"peers": restored.peers}
        terminal.value(_report(folder, checked, restored=not only_check) | asked)
    else:
        _print_report(terminal, checked, restored=not only_check)
        if restored is not None:
            _print_reopened(terminal, restored.reopening, restored.peers)
    return Exit.OK if checked.sound else Exit.VERIFICATION


async def reopen(terminal: Terminal, config: Path) -> int:
    """Say that something else put an earlier state of the database back.

    Raises:
        GatewayError: see `reopen_in_place`.
    """
    done = await reopen_in_place(load_config(config), clock=SystemClock())
    if terminal.json:
        terminal.value(_reopened(done))
    else:
        _print_reopened(terminal, done, None)
    return Exit.OK


def _reopened(one: Reopening | None) -> dict[str, Any]:
    return {
        "reopened": None if one is None else {"number": one.number, "leaves": one.kept, "since": rfc3339(one.since)}
    }


def _print_reopened(terminal: Terminal, one: Reopening | None, peers: int | None) -> None:
    if one is None:
        terminal.say("cli.restore.nothing_lost")
        return
    terminal.say("cli.restore.reopened", since=rfc3339(one.since), size=one.kept)
    if peers is None:
        terminal.say("cli.restore.peers_next")
    else:
        terminal.say("cli.restore.peers", count=peers)
    terminal.say("cli.restore.next", since=rfc3339(one.since))


def _facts(folder: Path, manifest: Manifest) -> dict[str, Any]:
    return {"folder": str(folder), "manifest": asdict(manifest)}


def _report(folder: Path, checked: CheckedBackup, *, restored: bool) -> dict[str, Any]:
    problems = [{"what": one.what, "why": one.why} for one in checked.problems]
    return _facts(folder, checked.manifest) | {"sound": checked.sound, "restored": restored, "problems": problems}


def _print_facts(terminal: Terminal, manifest: Manifest) -> None:
    for line in (
        terminal.text("cli.backup.of", gateway=manifest.gateway, made_at=manifest.made_at),
        terminal.text("cli.backup.log", size=manifest.log_size, root=manifest.log_root),
        terminal.text("cli.backup.files", files=manifest.blobs, size=manifest.blob_bytes),
    ):
        terminal.print(line)


def _print_report(terminal: Terminal, checked: CheckedBackup, *, restored: bool) -> None:
    if checked.sound:
        said = "cli.restore.done" if restored else "cli.restore.sound"
        terminal.print(terminal.text(said), style="bold green")
    else:
        terminal.print(terminal.text("cli.restore.unsound"), style="bold red")
    _print_facts(terminal, checked.manifest)
    for one in checked.problems:
        terminal.print(f"✘ {one.what}: {terminal.text('cli.audit.fault')}{one.why}", style="red")
    if checked.manifest.blobs_missing:
        terminal.print(terminal.text("cli.restore.missing", files=checked.manifest.blobs_missing), style="yellow")
