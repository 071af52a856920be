"""`gateway backup`, `gateway restore`: a backup made beside the running service, checked, and put back."""

from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.backup import CheckedBackup, Manifest, check_backup, restore_backup, take_backup
from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.cli.progress import stepped
from gateway.config import load_config
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
    work = check_backup if only_check else restore_backup
    with stepped(terminal) as show:
        checked = await work(folder, load_config(config), on_step=lambda step: show(terminal.text(_STEPS[step])))
    if terminal.json:
        terminal.value(_report(folder, checked, restored=not only_check))
    else:
        _print_report(terminal, checked, restored=not only_check)
    return Exit.OK if checked.sound else Exit.VERIFICATION


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
    if restored:
        terminal.say("cli.restore.next")
