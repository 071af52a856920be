"""A backup is one snapshot and everything that it names; what is not whole is found, and never restored."""

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit import VerifierKey
from gateway.backup import Manifest, check_backup, restore_backup, take_backup
from gateway.backup.manifest import MANIFEST, signed
from gateway.config import Config, load_config
from gateway.core.errors import SiteError
from gateway.crypto import FileSigner
from gateway.observe import SystemClock
from gateway.storage import copy_database, open_blobs, open_reader
from gateway.storage.copying import STEP_PAGES
from tests.kit import rows
from tests.unit.cli.site import Site, make_site
from tests.unit.storage.databases import opened


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A gateway at rest whose rows name files that are there."""
    return asyncio.run(with_files(tmp_path_factory.mktemp("site")))


async def with_files(folder: Path) -> Site:
    site = await make_site(folder)
    config = site.config
    blobs = open_blobs(config.blobs)
    with blobs.lease() as lease:
        refs = [await lease.put_bytes(data) for data in (b"one", b"two" * 100_000)]
        with closing(sqlite3.connect(config.database_place())) as database, database:
            database.execute("DELETE FROM named_blobs")
            database.executemany("INSERT INTO named_blobs VALUES (?)", [(ref.digest,) for ref in refs])
    return site


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Config:
    """A copy of its state, which may be spoiled."""
    state = tmp_path / "state"
    shutil.copytree(made.config.gateway.state, state)
    return moved(made.config, state)


def moved(config: Config, state: Path) -> Config:
    return config.model_copy(update={"gateway": config.gateway.model_copy(update={"state": state})})


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_it_is_sound_and_checking_it_changes_nothing(site: Config, tmp_path: Path) -> None:
    taken = await take_backup(site, tmp_path / "backup", clock=SystemClock())
    assert (taken.manifest.blobs, taken.manifest.blob_bytes, taken.missing) == (2, 300_003, ())
    before = tree(tmp_path / "backup")
    assert {name.split("/")[0] for name in before} == {"gateway.db", "signer-memory", "blobs", "manifest.note"}
    checked = await check_backup(tmp_path / "backup", site)
    assert checked.problems == ()
    assert tree(tmp_path / "backup") == before
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "backup").rglob("*")} == {0}


async def test_no_private_key_is_in_it(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    assert not any(b"PRIVATE KEY" in data for data in tree(tmp_path / "backup").values())


async def test_what_is_restored_is_what_was_there(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    back = moved(site, tmp_path / "back")
    await restore_backup(tmp_path / "backup", back)
    assert tree(back.blobs) == {name: data for name, data in tree(site.blobs).items() if not name.startswith("drafts")}
    assert rows_of(tmp_path / "back" / "gateway.db") == rows_of(tmp_path / "state" / "gateway.db")
    store = opened(tmp_path / "back" / "gateway.db")
    checkpoint = await store.read(lambda uow: uow.log.checkpoint())
    assert checkpoint is not None
    assert back.signer_memory.read_text("utf-8") == checkpoint[1]
    await store.close()


def rows_of(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


# --- one snapshot ------------------------------------------------------------------------------------------------------


async def test_it_ends_beside_a_service_that_writes_and_is_of_one_moment(tmp_path: Path) -> None:
    """Each step of the copy is followed by a commit of somebody else; SQLite alone would begin anew every time."""
    store = opened(tmp_path / "gateway.db")
    await store.transact(lambda uow: uow.documents.add(rows.document()))
    await store.close()
    with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as writer:
        writer.execute("CREATE TABLE filler (data BLOB)")
        writer.execute("INSERT INTO filler VALUES (zeroblob(?))", (4096 * STEP_PAGES * 4,))
        writer.execute("CREATE TABLE beat (n INTEGER)")
        steps: list[int] = []

        def commit(left: int) -> None:
            assert len(steps) < 50, "it begins anew with every write"
            steps.append(left)
            writer.execute("INSERT INTO beat VALUES (1)")

        copy_database(tmp_path / "gateway.db", tmp_path / "copy.db", on_step=commit)
        assert len(steps) > 3
        assert steps == sorted(steps, reverse=True)
        assert writer.execute("SELECT count(*) FROM beat").fetchone() == (len(steps),)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM beat").fetchone() == (0,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(tmp_path.glob("copy.db-*"))


async def test_the_memory_is_that_of_the_copied_log_and_not_of_the_one_that_went_on(
    site: Config, tmp_path: Path
) -> None:
    """Over a log that is shorter than what its signer remembers no gateway starts."""
    newer = "of a log that has grown since"
    site.signer_memory.write_text(newer, "utf-8")
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    store = open_reader(tmp_path / "backup" / "gateway.db")
    checkpoint = await store.read(lambda uow: uow.log.checkpoint())
    await store.close()
    assert checkpoint is not None
    assert (tmp_path / "backup" / "signer-memory").read_text("utf-8") == checkpoint[1] != newer


# --- what the gateway itself has lost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["gone", "damaged"])
async def test_a_file_that_is_lost_already_is_told_and_no_fault_of_the_backup(
    site: Config, how: str, tmp_path: Path
) -> None:
    path = next(path for path in site.blobs.glob("??/*") if path.stat().st_size == 3)
    path.unlink()
    if how == "damaged":
        path.write_bytes(b"oen")
    taken = await take_backup(site, tmp_path / "backup", clock=SystemClock())
    assert taken.missing == (path.name,)
    assert (taken.manifest.blobs, taken.manifest.blobs_missing) == (1, 1)
    assert (await check_backup(tmp_path / "backup", site)).problems == ()


# --- what is not whole -------------------------------------------------------------------------------------------------


def other_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def first_blob(folder: Path) -> Path:
    return min((folder / "blobs").glob("??/*"))


SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "database changed": (lambda folder: other_byte(folder / "gateway.db"), "gateway.db"),
    "database cut": (lambda folder: (folder / "gateway.db").write_bytes(b""), "gateway.db"),
    "database gone": (lambda folder: (folder / "gateway.db").unlink(), "gateway.db"),
    "memory changed": (lambda folder: other_byte(folder / "signer-memory"), "signer-memory"),
    "memory gone": (lambda folder: (folder / "signer-memory").unlink(), "signer-memory"),
    "file changed": (lambda folder: other_byte(first_blob(folder)), "file "),
    "file gone": (lambda folder: first_blob(folder).unlink(), "blobs"),
}


@pytest.mark.parametrize("name", SPOILED)
async def test_what_is_not_whole_is_found_and_not_restored(site: Config, name: str, tmp_path: Path) -> None:
    spoil, what = SPOILED[name]
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    spoil(tmp_path / "backup")
    checked = await check_backup(tmp_path / "backup", site)
    assert any(problem.what.startswith(what) for problem in checked.problems), checked.problems
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", moved(site, tmp_path / "back"))
    assert caught.value.code == "backup.unsound"
    assert list((tmp_path / "back").iterdir()) == []


async def test_a_log_that_is_not_the_signed_one_is_found_though_its_digest_is(site: Config, tmp_path: Path) -> None:
    """Somebody with the log's key signs a manifest over a database in which a leaf was changed."""
    taken = await take_backup(site, tmp_path / "backup", clock=SystemClock())
    with closing(sqlite3.connect(tmp_path / "backup" / "gateway.db")) as database, database:
        database.execute("UPDATE leaves SET data = zeroblob(60) WHERE position = 1")
    await sign_again(site, tmp_path / "backup", taken.manifest)
    checked = await check_backup(tmp_path / "backup", site)
    assert {problem.what for problem in checked.problems} == {"audit log"}


async def sign_again(site: Config, folder: Path, manifest: Manifest) -> None:
    from_disk = (folder / "gateway.db").read_bytes()
    signer = FileSigner(site.audit.key, key_id="audit")
    key = VerifierKey.of(site.log_origin, signer.public_key)
    changed = replace(manifest, database_bytes=len(from_disk), database_sha256=hashlib.sha256(from_disk).hexdigest())
    (folder / MANIFEST).write_text(await signed(changed, key=key, signer=signer), "utf-8")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        other_byte,
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_text(path.read_text("utf-8").replace('"blobs": 2', '"blobs": 1'), "utf-8"),
    ],
    ids=["gone", "changed", "no text", "forged"],
)
async def test_without_its_signed_manifest_it_is_no_backup(
    site: Config, spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    spoil(tmp_path / "backup" / MANIFEST)
    with pytest.raises(SiteError) as caught:
        await check_backup(tmp_path / "backup", site)
    assert caught.value.code == "backup.manifest"


async def test_a_checkpoint_is_no_manifest(site: Config, tmp_path: Path) -> None:
    """Both are notes that the same key has signed."""
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    shutil.copy(tmp_path / "backup" / "signer-memory", tmp_path / "backup" / MANIFEST)
    with pytest.raises(SiteError) as caught:
        await check_backup(tmp_path / "backup", site)
    assert caught.value.code == "backup.manifest"


async def test_a_backup_of_another_gateway_is_not_taken(site: Config, made: Site, tmp_path: Path) -> None:
    other = load_config(made.folder / "network" / "government" / "gateway.toml")
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", moved(other, tmp_path / "back"))
    assert caught.value.code == "backup.manifest"


# --- nothing is written over -------------------------------------------------------------------------------------------


async def test_neither_a_backup_nor_a_state_is_written_over(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    before = tree(tmp_path)
    with pytest.raises(SiteError) as again:
        await take_backup(site, tmp_path / "backup", clock=SystemClock())
    with pytest.raises(SiteError) as over:
        await restore_backup(tmp_path / "backup", site)
    assert (again.value.code, over.value.code) == ("backup.not_empty", "restore.not_empty")
    assert tree(tmp_path) == before


async def test_a_memory_that_stands_elsewhere_is_not_thrown_away(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    elsewhere = tmp_path / "memory"
    elsewhere.write_text("newer", "utf-8")
    back = moved(site, tmp_path / "back")
    back = back.model_copy(update={"audit": back.audit.model_copy(update={"memory": elsewhere})})
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", back)
    assert caught.value.code == "restore.not_empty"
    assert elsewhere.read_text("utf-8") == "newer"


async def test_a_database_on_a_server_is_the_server_s_own(site: Config, tmp_path: Path) -> None:
    there = site.model_copy(
        update={"database": site.database.model_copy(update={"url": "postgresql+psycopg://nobody@127.0.0.1:1/x"})}
    )
    for work in (
        take_backup(there, tmp_path / "backup", clock=SystemClock()),
        restore_backup(tmp_path / "backup", there),
    ):
        with pytest.raises(SiteError) as caught:
            await work
        assert caught.value.code == "config.server"
    assert not (tmp_path / "backup").exists()
