"""A backup is one snapshot and everything that it names; what is not whole is found, and never restored."""

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import Checkpoint, VerifierKey, format_checkpoint, log_in_force, sequence, sign_note, verify_log
from gateway.backup import Manifest, check_backup, files, put_back, reopen_in_place, restore_backup, take_backup
from gateway.backup.manifest import MANIFEST, signed
from gateway.config import Config, load_config
from gateway.core.errors import SiteError
from gateway.crypto import FileSigner
from gateway.observe import SystemClock
from gateway.storage import (
    PostgresStore,
    copy_database,
    copy_server,
    load_server,
    open_blobs,
    open_postgres,
    open_reader,
    server_copy,
)
from gateway.storage.copying import STEP_PAGES
from tests.kit import rows
from tests.kit.clock import ManualClock
from tests.kit.postgres import change, fail, look, open_test_store, session_server
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
    restored = await restore_backup(tmp_path / "backup", back, clock=SystemClock())
    assert tree(back.blobs) == {name: data for name, data in tree(site.blobs).items() if not name.startswith("drafts")}
    assert {path.name for path in (tmp_path / "back").iterdir()} == {"blobs", "gateway.db", "gateway.db.lock"}
    before, after = (rows_of(tmp_path / name / "gateway.db") for name in ("state", "back"))
    added = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert restored.reopening is not None
    assert (added.pop("reopenings"), added.pop("openings"), added.pop("leaves")) == (1, 1, 1)
    assert added.keys() <= {"resyncs", "skipped_numbers", "work", "fences", "tree_nodes", "turnstiles"}
    assert restored.peers == added["resyncs"] == 1


async def test_it_goes_on_as_a_log_of_another_name_and_nothing_is_given_twice(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    names = []
    for folder in ("first", "second"):
        back = moved(site, tmp_path / folder)
        restored = await restore_backup(tmp_path / "backup", back, clock=SystemClock())
        assert restored.reopening is not None
        store = opened(tmp_path / folder / "gateway.db")
        log = await store.read(lambda uow: log_in_force(uow, site.log_origin))
        assert log.memory(back.signer_memory) != back.signer_memory
        names.append(log.origin)
        newest = await store.read(lambda uow: uow.inbox.newest())
        assert newest == restored.reopening.base > 10**14
        await store.close()
        time.sleep(1.0)  # the moment is the name, in whole seconds
    assert len({*names, site.log_origin}) == 3


async def test_a_signer_that_remembers_nothing_newer_says_that_nothing_is_lost(site: Config, tmp_path: Path) -> None:
    """A gateway that was stopped, backed up and moved: its memory, brought along, is the proof."""
    config = await all_signed(site)
    await take_backup(config, tmp_path / "backup", clock=SystemClock())
    back = with_memory(moved(config, tmp_path / "back"), config.signer_memory)
    restored = await restore_backup(tmp_path / "backup", back, clock=SystemClock())
    assert (restored.reopening, restored.peers) == (None, 0)
    assert rows_of(tmp_path / "back" / "gateway.db") == rows_of(tmp_path / "backup" / "gateway.db")


async def all_signed(site: Config) -> Config:
    """A checkpoint over all leaves, published and remembered."""
    store = opened(site.gateway.state / "gateway.db")
    head = await store.read(lambda uow: uow.log.head())
    signer = FileSigner(site.audit.key, key_id="audit")
    text = format_checkpoint(Checkpoint(origin=site.log_origin, size=head.size, root=head.root))
    note = await sign_note(text, key=VerifierKey.of(site.log_origin, signer.public_key), signer=signer)
    published = await store.read(lambda uow: uow.log.checkpoint())
    if published is None or published[0] < head.size:
        await store.transact(lambda uow: uow.log.publish(head.size, note))
    await store.close()
    site.signer_memory.write_text(note, "utf-8")
    return site


def with_memory(config: Config, memory: Path) -> Config:
    return config.model_copy(update={"audit": config.audit.model_copy(update={"memory": memory})})


async def test_a_clock_that_stands_before_what_was_given_restores_nothing(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    early = ManualClock(datetime(1970, 1, 1, tzinfo=UTC))
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", moved(site, tmp_path / "back"), clock=early)
    assert caught.value.code == "restore.clock"
    assert not any(path.is_file() for path in (tmp_path / "back").iterdir() if not path.name.endswith(".lock"))


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
        await restore_backup(tmp_path / "backup", moved(site, tmp_path / "back"), clock=SystemClock())
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
        await restore_backup(tmp_path / "backup", moved(other, tmp_path / "back"), clock=SystemClock())
    assert caught.value.code == "backup.manifest"


# --- nothing is written over -------------------------------------------------------------------------------------------


async def test_neither_a_backup_nor_a_state_is_written_over(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    before = tree(tmp_path)
    with pytest.raises(SiteError) as again:
        await take_backup(site, tmp_path / "backup", clock=SystemClock())
    with pytest.raises(SiteError) as over:
        await restore_backup(tmp_path / "backup", site, clock=SystemClock())
    assert (again.value.code, over.value.code) == ("backup.not_empty", "restore.not_empty")
    assert tree(tmp_path) == before


async def test_a_memory_that_stands_elsewhere_is_kept_and_told(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    elsewhere = tmp_path / "memory"
    elsewhere.write_text("newer", "utf-8")
    back = with_memory(moved(site, tmp_path / "back"), elsewhere)
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", back, clock=SystemClock())
    assert caught.value.code == "audit.inconsistent"
    shutil.copy(tmp_path / "backup" / "signer-memory", elsewhere)
    before = elsewhere.read_text("utf-8")
    await restore_backup(
        tmp_path / "backup", with_memory(moved(site, tmp_path / "again"), elsewhere), clock=SystemClock()
    )
    assert elsewhere.read_text("utf-8") == before
    store = opened(tmp_path / "again" / "gateway.db")
    (told,) = [
        event
        for event in await store.read(lambda uow: uow.log.history(site.gateway.id))
        if event.event == "log.reopened"
    ]
    said = json.loads(told.detail)
    assert said["predecessor"] == site.log_origin
    assert (said["known"] > 0, said["kept"] > 0) == (True, True)
    await store.close()


async def test_what_was_put_back_by_other_means_is_told_in_place(site: Config) -> None:
    reopened = await reopen_in_place(site, clock=SystemClock())
    assert reopened is not None
    store = opened(site.gateway.state / "gateway.db")
    assert await store.read(lambda uow: uow.resyncs.reopenings()) == (reopened,)
    await store.close()


# --- PostgreSQL --------------------------------------------------------------------------------------------------------


def on_server(config: Config, url: str) -> Config:
    return config.model_copy(update={"database": config.database.model_copy(update={"url": url}), "demo": True})


def said_by(url: str) -> dict[str, list[tuple[object, ...]]]:
    names = look(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return {str(name): sorted(look(url, f'SELECT t::text FROM "{name}" t')) for (name,) in names}


async def test_a_database_on_a_server_is_backed_up_and_put_back(site: Config, tmp_path: Path) -> None:
    server = session_server()
    there, back = server.empty_database(), server.empty_database()
    load_server(site.gateway.state / "gateway.db", there, relaxed=True)
    await take_backup(on_server(site, there), tmp_path / "backup", clock=SystemClock())
    assert rows_of(tmp_path / "backup" / "gateway.db") == rows_of(site.gateway.state / "gateway.db")
    assert (await check_backup(tmp_path / "backup", site)).problems == ()
    config = on_server(moved(site, tmp_path / "back"), back)
    restored = await restore_backup(tmp_path / "backup", config, clock=SystemClock())
    assert restored.reopening is not None
    assert {path.name for path in (tmp_path / "back").iterdir()} == {"blobs"}
    before, after = said_by(there), said_by(back)
    assert before.keys() == after.keys()
    for name in ("documents", "deliveries", "transfers", "inbox", "checkpoints", "named_blobs"):
        assert after[name] == before[name], name
    assert len(after["leaves"]) == len(before["leaves"]) + 1
    store = open_postgres(back, sequencer=sequence, on_fatal=fail, relaxed=True)
    await store.transact(lambda uow: uow.documents.add(rows.document(idempotency_key="afterwards", document_id="x")))
    await store.transact(lambda uow: uow.log.append(rows.leaf()))  # its row follows the greatest one that was put back
    report = await store.read(lambda uow: verify_log(uow.log, [VerifierKey.parse(made_key(site))]))
    assert report.faults == ()
    await store.close()
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", on_server(moved(site, tmp_path / "over"), back), clock=SystemClock())
    assert caught.value.code == "restore.not_empty"


def made_key(site: Config) -> str:
    return VerifierKey.of(site.log_origin, FileSigner(site.audit.key, key_id="audit").public_key).format()


async def test_a_copy_of_a_server_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is added when half of the tables have been read is in none of the others either."""
    store = open_test_store()
    await store.transact(lambda uow: uow.documents.add(rows.document()))
    url = store_url(store)
    copy_table, copied = server_copy._copy_table, []

    def and_write(*given: Any) -> None:
        copy_table(*given)
        copied.append(given[1].name)
        if len(copied) == 1:
            change(url, "UPDATE documents SET reason = 'changed meanwhile'")

    monkeypatch.setattr(server_copy, "_copy_table", and_write)
    copy_server(url, tmp_path / "copy.db")
    await store.close()
    assert copied[0] != "documents"
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT reason FROM documents").fetchall() == [("",)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
    assert not list(tmp_path.glob("copy.db-*"))


def store_url(store: PostgresStore) -> str:
    return store._writers.url.render_as_string(hide_password=False)


async def test_a_load_that_breaks_off_leaves_an_empty_database(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    url = session_server().empty_database()
    load_table, loaded = server_copy._load_table, []

    def and_break(*given: Any) -> None:
        load_table(*given)
        loaded.append(given[1].name)
        if len(loaded) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(server_copy, "_load_table", and_break)
    with pytest.raises(KeyboardInterrupt):
        load_server(site.gateway.state / "gateway.db", url, relaxed=True)
    assert look(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


# --- disks -------------------------------------------------------------------------------------------------------------


def test_what_is_synced_has_all_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are still in a buffer when the file is synced are not there after a power cut."""
    sizes: list[int] = []
    monkeypatch.setattr(files, "sync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    files.write_durably(tmp_path / "manifest", b"x" * 100)
    files.copy_durably(tmp_path / "manifest", tmp_path / "copy")
    assert sizes == [100, 100]


def gives_nothing_back(path: Path) -> None:
    """A file that is there, and whose disk answers every read with an I/O error."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


async def test_a_file_that_the_disk_does_not_give_back_does_not_stop_the_backup_of_all_others(
    site: Config, tmp_path: Path
) -> None:
    path = next(path for path in site.blobs.glob("??/*") if path.stat().st_size == 3)
    gives_nothing_back(path)
    taken = await take_backup(site, tmp_path / "backup", clock=SystemClock())
    assert taken.missing == (path.name,)
    assert (await check_backup(tmp_path / "backup", site)).problems == ()


async def test_what_a_backup_s_own_disk_does_not_give_back_is_named(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    path = first_blob(tmp_path / "backup")
    gives_nothing_back(path)
    checked = await check_backup(tmp_path / "backup", site)
    assert f"file {path.name}" in {problem.what for problem in checked.problems}


async def test_a_file_that_is_lost_after_the_check_is_not_restored_over(
    site: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    reopen = put_back.reopen_file

    async def and_spoil(*given: Any, **named: Any) -> Any:
        other_byte(first_blob(tmp_path / "backup"))
        return await reopen(*given, **named)

    monkeypatch.setattr(put_back, "reopen_file", and_spoil)
    with pytest.raises(SiteError) as caught:
        await restore_backup(tmp_path / "backup", moved(site, tmp_path / "back"), clock=SystemClock())
    assert caught.value.code == "backup.unsound"
    assert not (tmp_path / "back" / "gateway.db").exists()


async def test_who_has_set_the_clock_restores_into_the_same_folder(site: Config, tmp_path: Path) -> None:
    await take_backup(site, tmp_path / "backup", clock=SystemClock())
    back = moved(site, tmp_path / "back")
    with pytest.raises(SiteError):
        await restore_backup(tmp_path / "backup", back, clock=ManualClock(datetime(1970, 1, 1, tzinfo=UTC)))
    restored = await restore_backup(tmp_path / "backup", back, clock=SystemClock())
    assert restored.reopening is not None
