import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.audit import Checkpoint, SignerMemory, VerifierKey, format_checkpoint, leaf_hash, sign_note
from gateway.core.errors import SiteError
from gateway.core.limits import NOTE_BYTES_MAX
from tests.kit.log_signer import LogSigner
from tests.unit.audit.world import ORIGIN


async def note(size: int, *, root: bytes = b"", origin: str = ORIGIN) -> str:
    signer = LogSigner()
    checkpoint = Checkpoint(origin=origin, size=size, root=leaf_hash(root))
    return await sign_note(format_checkpoint(checkpoint), key=VerifierKey.of(origin, signer.public_key), signer=signer)


async def test_it_remembers_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "log.checkpoint"
    assert await SignerMemory(path=path).recall() is None
    for size in (1, 5, 5):
        await SignerMemory(path=path).remember(await note(size))
    assert await SignerMemory(path=path).recall() == await note(5) == path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


async def test_it_never_goes_back(tmp_path: Path) -> None:
    memory = SignerMemory(path=tmp_path / "memory")
    await memory.remember(await note(5))
    for other in (await note(4), await note(5, root=b"x"), await note(6, origin="another.example")):
        with pytest.raises(SiteError, match=r"audit\.inconsistent"):
            await memory.remember(other)
    assert await memory.recall() == await note(5)


@pytest.mark.parametrize("damage", [b"", b"\n\n", b"\xff\xfe", b"x" * (NOTE_BYTES_MAX + 1), b"origin\n1\nAA\n\n"])
async def test_a_damaged_memory_is_not_an_empty_one(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "memory"
    path.write_bytes(damage)
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await SignerMemory(path=path).recall()
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await SignerMemory(path=path).remember(await note(5))
    assert path.read_bytes() == damage


async def test_file_and_folder_are_on_the_disk_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, steps = tmp_path / "memory", []

    def spy(name: str, real: Callable[..., object], describe: Callable[[object], str]) -> Callable[..., object]:
        def called(*args: object) -> object:
            steps.append(f"{name} {describe(args[0])}")
            return real(*args)

        return called

    def target(descriptor: object) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name

    monkeypatch.setattr(os, "fsync", spy("fsync", os.fsync, target))
    monkeypatch.setattr(Path, "replace", spy("rename", Path.replace, lambda file: Path(str(file)).name))
    await SignerMemory(path=path).remember(await note(5))
    assert steps == ["fsync .memory.new", "rename .memory.new", f"fsync {tmp_path.name}"]


async def test_a_full_disk_leaves_the_older_note_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SignerMemory(path=tmp_path / "memory")
    await memory.remember(await note(5))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            await memory.remember(await note(6))
    assert await memory.recall() == await note(5)
    await memory.remember(await note(6))
    assert await memory.recall() == await note(6)
