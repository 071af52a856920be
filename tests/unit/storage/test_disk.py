"""The watched disk: levels, consequences, and back again by itself."""

import os
from pathlib import Path

import pytest

from gateway.core.errors import SiteError
from gateway.storage import DiskLevel, DiskThresholds, DiskWatch, used_share
from tests.kit.clock import ManualClock

BOUNDS = DiskThresholds(filling=0.85, full=0.92, read_only=0.97)


@pytest.mark.parametrize(
    ("used", "level"),
    [
        (0.0, DiskLevel.ROOM),
        (0.8499, DiskLevel.ROOM),
        (0.85, DiskLevel.FILLING),
        (0.92, DiskLevel.FULL),
        (0.9699, DiskLevel.FULL),
        (0.97, DiskLevel.READ_ONLY),
        (1.0, DiskLevel.READ_ONLY),
    ],
)
def test_each_level_begins_at_its_share(used: float, level: DiskLevel) -> None:
    assert BOUNDS.level(used) is level


async def test_it_closes_by_steps_and_opens_by_itself() -> None:
    shares = {"value": 0.5}
    watch = DiskWatch((Path("/"),), thresholds=BOUNDS, clock=ManualClock(), used=lambda _: shares["value"])
    seen = []
    for share in (0.5, 0.9, 0.93, 0.98, 0.93, 0.5):
        shares["value"] = share
        await watch.measure()
        seen.append((admits(watch, document=True), admits(watch, document=False), watch.read_only))
    assert seen == [
        (True, True, False),
        (True, True, False),
        (False, True, False),
        (False, False, True),
        (False, True, False),
        (True, True, False),
    ]


def admits(watch: DiskWatch, *, document: bool) -> bool:
    try:
        watch.admit(document=document)
    except SiteError:
        return False
    return True


async def test_the_fullest_of_several_disks_counts() -> None:
    shares = {Path("/a"): 0.1, Path("/b"): 0.95}
    watch = DiskWatch(tuple(shares), thresholds=BOUNDS, clock=ManualClock(), used=shares.__getitem__)
    (finding,) = await watch.look()
    assert (finding.code, dict(finding.params)) == ("probe.disk.full", {"percent": "95.0", "path": Path("/b")})


async def test_a_disk_that_cannot_be_asked_is_full() -> None:
    watch = DiskWatch((Path("/no/such"),), thresholds=BOUNDS, clock=ManualClock())
    await watch.measure()
    assert watch.read_only


def test_a_real_file_system_has_a_share(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    assert 0 <= used_share(tmp_path) <= 1
    assert used_share(tmp_path) >= 1 - found.f_bavail / (found.f_blocks - found.f_bfree + found.f_bavail) - 0.05
