"""F-11: the disk fills to the last byte under a running gateway, without the warning that a slow filling gives."""

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kit.lab.fault import Done, MissingError, Order, hurt
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import make_letter, offices, until_read

SIDE = "party"
SIZE = "96m"
BLOCK = b"\0" * 65_536


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own in memory."""

    name: str
    folder: Path

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> bool:
        """Not one byte more goes in; False if somebody made room again each time."""
        assert self.folder.is_mount(), "the machine's own disk is not ours to fill"
        with self.ballast.open("wb", buffering=0) as file:
            for _ in range(100):
                for block in (BLOCK, BLOCK[:512]):
                    with contextlib.suppress(OSError):
                        while True:
                            file.write(block)
                if os.statvfs(self.folder).f_bavail == 0:
                    return True
        return False

    def free(self) -> None:
        self.ballast.unlink(missing_ok=True)

    def squeeze(self) -> None:
        """As small as what is in it, or one block: size=0 would be without bound, for good. What grows meanwhile: again."""
        for _ in range(20):
            found = os.statvfs(self.folder)
            used = max(1, found.f_blocks - found.f_bfree) * found.f_frsize
            if not _mounted("-o", f"remount,size={used}", str(self.folder)):
                return

    def widen(self, size: str) -> None:
        assert not (why := _mounted("-o", f"remount,size={size}", str(self.folder))), why


@asynccontextmanager
async def small_disks(made: Site, size: str = SIZE) -> AsyncIterator[list[SmallDisk]]:
    """Data, blobs and temporary files of one side, each on a disk of its own; afterwards all of it lies where it would have."""
    state = made.state(SIDE)
    disks = [
        SmallDisk("data", state),
        SmallDisk("blobs", state / "blobs"),
        SmallDisk("temp", made.network.folder / "temp"),
    ]
    mounted, aside = list[SmallDisk](), state.with_name("aside")
    try:
        for disk in disks:
            await asyncio.to_thread(_mount, disk.folder, size)
            mounted.append(disk)
        made.gateways.environment[SIDE] = {"TMPDIR": str(disks[-1].folder)}
        try:
            yield disks
        except Exception:  # what it left is what the check looks at; whoever ends the lab needs nothing of it
            await asyncio.to_thread(_copy, state, aside)
            raise
        await asyncio.to_thread(_copy, state, aside)
    finally:
        for disk in reversed(mounted):
            subprocess.run(["umount", "--lazy", str(disk.folder)], check=True)
        if aside.exists():
            state.rmdir()
            aside.rename(state)


def _copy(state: Path, aside: Path) -> None:
    shutil.copytree(state, aside, ignore=_sockets)


def _sockets(folder: str, names: list[str]) -> set[str]:
    """What a gateway that ended without ceremony has left, and nobody can copy."""
    return {name for name in names if (Path(folder) / name).is_socket()}


def _mount(folder: Path, size: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if why := _mounted("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)):
        raise MissingError(f"mounting is not permitted here: {why}")


def _mounted(*options: str) -> str:
    """Why it was not; empty when it was."""
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    return done.stderr.strip() or "no reason given" if done.returncode else ""


async def disk_full(order: Order) -> Done:
    """Each of three disks is filled and freed, again and again, as long as anybody hands in."""
    chance = random.Random(order.seed)
    async with site(order.folder, seed=order.seed) as made, small_disks(made) as disks:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic, made.kept_running():
            traffic.patient = True
            filled = {disk.name: 0 for disk in disks}

            async def trouble(ended: Callable[[], bool]) -> None:
                while not ended() or not all(filled.values()):
                    for disk in disks:
                        await asyncio.sleep(chance.uniform(0.5, 1.0))
                        filled[disk.name] += await asyncio.to_thread(disk.fill)
                        await asyncio.sleep(chance.uniform(0.5, 2.5))
                        disk.free()

            async with asyncio.TaskGroup() as group:
                group.create_task(trouble(traffic.handed_in.is_set))
                await traffic.run(letters)
            await made.rest()
            await until_read(made, traffic)
        hurt(all(filled.values()), f"filled {filled}")
        hurt(traffic.refusals + made.ends > 0, "nobody noticed")
        notes = {"filled": sum(filled.values()), "answers of no room": traffic.refusals}
        return Done(notes={**notes, "ended by itself": made.ends})
