"""What a judge can still do when a file has taken it over: neither change anything nor read what is not its business."""

import errno
import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.core.errors import SenderError
from gateway.core.validation import Indication
from gateway.crypto import JudgePool
from gateway.crypto.pades.signing import SealOrder, prepare_seal_file
from gateway.crypto.processes.landlock import abi, confine
from gateway.exchange.judging import judge_pdf_file, read_envelope_file
from tests.kit import tasks
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.envelopes import document, signed
from tests.unit.crypto.sealing import sealed

TESTS = Path(tasks.__file__).parents[1]
CONFINES = pytest.mark.skipif(abi() == 0, reason="this kernel has no Landlock")


@asynccontextmanager
async def judges(*readable: Path) -> AsyncIterator[JudgePool]:
    pool = JudgePool(size=1, preload=("gateway.crypto.pades.verify", tasks.__name__), readable=readable)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


@dataclass(frozen=True)
class Ground:
    """Two folders with a file each: one is a judge's business, the other is not."""

    blobs: Path
    keys: Path

    @property
    def blob(self) -> Path:
        return self.blobs / "blob"

    @property
    def key(self) -> Path:
        return self.keys / "key.pem"


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(blobs=tmp_path / "blobs", keys=tmp_path / "keys")
    for path in (made.blob, made.key):
        path.parent.mkdir()
        path.write_bytes(b"kept")
    return made


# --- honest code that was talked into something: the audit hook ------------------------------------------------------------


HOOKED: dict[str, Callable[[Ground], tuple[object, ...]]] = {
    "utime": lambda ground: (ground.blob, (0, 0)),
    "setxattr": lambda ground: (ground.blob, "user.x", b"x"),
    "removexattr": lambda ground: (ground.blob, "user.x"),
    "kill": lambda _: (os.getpid(), 0),
    "killpg": lambda _: (os.getpid(), 0),
    "chmod": lambda ground: (ground.blob, 0o777),
    "mkdir": lambda ground: (ground.blobs / "new",),
    "unlink": lambda ground: (ground.blob,),
    "rename": lambda ground: (ground.blob, ground.blobs / "new"),
    "truncate": lambda ground: (ground.blob, 0),
}


@pytest.mark.parametrize("name", HOOKED)
async def test_the_hook_refuses_every_change_that_python_announces(ground: Ground, name: str) -> None:
    async with judges() as pool:
        with pytest.raises(PermissionError, match="a judge"):
            await pool.run(tasks.call, name, *HOOKED[name](ground))
    assert ground.blob.read_bytes() == b"kept"


# --- a judge that was taken over: the kernel -----------------------------------------------------------------------------


def new(ground: Ground) -> Path:
    return ground.blobs / "new"


LIBC: dict[str, Callable[[Ground], tuple[str, *tuple[bytes | int, ...]]]] = {
    "creates a file": lambda ground: ("open", os.fsencode(new(ground)), os.O_CREAT | os.O_WRONLY, 0o600),
    "writes a file": lambda ground: ("open", os.fsencode(ground.blob), os.O_WRONLY),
    "empties a file": lambda ground: ("truncate", os.fsencode(ground.blob), 0),
    "removes a file": lambda ground: ("unlink", os.fsencode(ground.blob)),
    "moves a file": lambda ground: ("rename", os.fsencode(ground.blob), os.fsencode(new(ground))),
    "links a file": lambda ground: ("link", os.fsencode(ground.blob), os.fsencode(new(ground))),
    "links by name": lambda ground: ("symlink", os.fsencode(ground.blob), os.fsencode(new(ground))),
    "makes a folder": lambda ground: ("mkdir", os.fsencode(new(ground)), 0o700),
    "makes a pipe": lambda ground: ("mkfifo", os.fsencode(new(ground)), 0o600),
    "makes a socket or device": lambda ground: ("mknod", os.fsencode(new(ground)), stat.S_IFSOCK | 0o600, 0),
}


@CONFINES
@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("case", LIBC)
async def test_past_the_hook_the_kernel_refuses(ground: Ground, case: str, *, readable: bool) -> None:
    async with judges(*((ground.blobs, TESTS) if readable else ())) as pool:
        answer, error = await pool.run(tasks.call_libc, *LIBC[case](ground))
    assert (answer, error) in {(-1, errno.EACCES), (-1, errno.EXDEV)}
    assert ground.blob.read_bytes() == b"kept"
    assert [entry.name for entry in ground.blobs.iterdir()] == ["blob"]


@pytest.mark.skipif(abi() < 6, reason="this kernel's Landlock knows no signals")
async def test_a_signal_to_the_service_does_not_leave_the_judge() -> None:
    async with judges() as pool:
        assert await pool.run(tasks.call_libc, "kill", os.getpid(), signal.SIGTERM) == (-1, errno.EPERM)


@CONFINES
async def test_with_roots_named_a_judge_reads_these_and_nothing_else(ground: Ground) -> None:
    async with judges(ground.blobs, TESTS) as pool:
        assert await pool.run(tasks.read_file, ground.blob) == b"kept"
        assert await pool.run(tasks.list_folder, ground.blobs) == ["blob"]
        for foreign in (ground.key, Path("/etc/passwd"), Path(f"/proc/{os.getpid()}/environ")):
            with pytest.raises(PermissionError):
                await pool.run(tasks.read_file, foreign)
            assert await pool.run(tasks.call_libc, "open", os.fsencode(foreign), os.O_RDONLY) == (-1, errno.EACCES)
        with pytest.raises(PermissionError):
            await pool.run(tasks.list_folder, ground.keys)


@CONFINES
async def test_a_link_leads_out_of_the_roots_as_little_as_a_path(ground: Ground) -> None:
    link = ground.blobs / "link"
    link.symlink_to(ground.key)
    async with judges(ground.blobs, TESTS) as pool:
        with pytest.raises(PermissionError):
            await pool.run(tasks.read_file, link)
        with pytest.raises(PermissionError):
            await pool.run(tasks.read_file, ground.blobs / ".." / "keys" / "key.pem")


async def test_with_roots_named_modules_can_still_be_imported(ground: Ground) -> None:
    async with judges(ground.blobs, TESTS) as pool:
        for name in ("wave", "lxml.sax", "gateway.routing.plan"):
            assert await pool.run(tasks.import_late, name) == name


async def test_with_roots_named_the_real_work_is_done(ground: Ground) -> None:
    pki = Pki()
    leaf = pki.leaf("seal")
    ground.blob.write_bytes(tiny_pdf())
    async with judges(ground.blobs) as pool:
        prepared = await pool.run(
            prepare_seal_file, ground.blob, leaf.chain, timestamped=False, order=SealOrder(), moment=MOMENT
        )
        assert prepared.pdf.startswith(tiny_pdf())
        ground.blob.write_bytes(sealed(tiny_pdf(), leaf))
        verdict = await pool.run(judge_pdf_file, ground.blob, trust=pki.trust, moment=MOMENT)
        assert verdict.indication is Indication.TOTAL_PASSED
        ground.blob.write_bytes(signed(document(), leaf))
        with pytest.raises(SenderError, match=r"envelope\.attachments"):  # read, judged, and found to lack its files
            await pool.run(read_envelope_file, ground.blob, trust=pki.trust, moment=MOMENT)


async def test_a_root_that_is_not_there_yet_stops_nothing(ground: Ground) -> None:
    async with judges(ground.blobs, TESTS, ground.blobs / "none") as pool:
        assert await pool.run(tasks.add, 1, right=1) == 2


async def test_without_roots_everything_can_be_read(ground: Ground) -> None:
    async with judges() as pool:
        assert await pool.run(tasks.read_file, ground.key) == b"kept"


OLDER = """
import sys
from pathlib import Path
from gateway.crypto.processes.landlock import confine
folder = Path(sys.argv[1])
confine((folder,), version=int(sys.argv[2]))
assert (folder / "blob").read_bytes() == b"kept"
for path, mode in ((folder / "new", "x"), (folder / "blob", "a"), (folder.parent / "keys/key.pem", "r")):
    try:
        path.open(mode)
    except PermissionError:
        continue
    raise SystemExit(str(path))
"""


@pytest.mark.parametrize("version", [1, 4])
def test_an_older_kernel_confines_as_far_as_it_can(version: int, ground: Ground) -> None:
    if abi() < version:
        pytest.skip("this kernel is older still")
    command = [sys.executable, "-c", OLDER, str(ground.blobs), str(version)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS.parent)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_landlock_nothing_is_taken_away(ground: Ground) -> None:
    confine((ground.blobs,), version=0)
    assert ground.key.read_bytes() == b"kept"


async def test_the_pool_says_once_whether_its_judges_are_confined(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="gateway.crypto.processes.judge"):
        async with judges() as pool:
            await pool.run(tasks.add, 1, right=1)
    (said,) = [record.getMessage() for record in caplog.records if "judge.confined" in record.getMessage()]
    assert f"'files': {abi() > 0}" in said
