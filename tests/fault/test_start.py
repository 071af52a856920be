"""What a gateway refuses at start, and what it does when a part of it breaks."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.demo.network import Side
from tests.kit.real_network import real_network

pytestmark = pytest.mark.slow


async def refused(side: Side) -> tuple[int, str]:
    """Start it, and wait until it has ended by itself."""
    process = await asyncio.create_subprocess_exec(
        *(".venv/bin/gateway", "serve", "--config", str(side.config)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, errors.decode()


def change(side: Side, old: str, new: str) -> None:
    text = side.config.read_text(encoding="utf-8")
    assert re.search(old, text), old
    side.config.write_text(re.sub(old, new, text, count=1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (r'environment = "demo"', 'environment = "production"', "key.demo"),
        (r'environment = "demo"\n', "\n", "key.demo"),
        (r'sha256 = "[0-9a-f]{64}"', f'sha256 = "{"0" * 64}"', "registry.digest"),
        (r'id = "dang\.demo\.internal"', 'id = "nobody.example"', "registry.invalid"),
        (r'receipt\.pem"', 'tls.pem"', "key.missing"),
        (r"party/keys/receipt\.pem", "government/keys/receipt.pem", "key.missing"),
        (r"party/keys/log\.pem", "government/keys/log.pem", "key.missing"),
        (r"port = (\d+)", 'port = \\1\ncolour = "red"', "config.invalid"),
    ],
)
async def test_what_is_wrong_is_said_at_start_and_nothing_listens(
    tmp_path: Path, old: str, new: str, code: str
) -> None:
    async with real_network(tmp_path, start=False) as real:
        side = real.network.sides["party"]
        change(side, old, new)
        status, said = await refused(side)
        assert status not in {0, 70}, said
        assert code in said
        assert "Traceback" not in said


async def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        side = real.network.sides["party"]
        (real.network.folder / "pki/party/keys/receipt.pem").chmod(0o644)
        status, said = await refused(side)
        assert status != 0
        assert "key.missing" in said


async def test_a_log_that_was_rewritten_stops_the_gateway_for_good(tmp_path: Path) -> None:
    """The signer remembers what it has signed; a database that does not grow out of that is not signed (audit.md A2.4)."""
    async with real_network(tmp_path) as real:
        key = await real.send(1)
        await real.until_delivered(key)
        await real.gateways.stop("party")
        side = real.network.sides["party"]
        connection = sqlite3.connect(side.folder / "state" / "gateway.db")
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        head = next(name for name in tables if "head" in name)
        connection.execute(f"UPDATE {head} SET root = zeroblob(32)")
        connection.commit()
        connection.close()
        status, said = await refused(side)
        assert status != 0
        assert "audit.inconsistent" in said or "store.damaged" in said


async def test_a_database_newer_than_the_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        await real.until_delivered(await real.send(1))
        await real.gateways.stop("party")
        side = real.network.sides["party"]
        path = side.folder / "state" / "gateway.db"
        connection = sqlite3.connect(path)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        connection.close()
        before = path.read_bytes()
        status, said = await refused(side)
        assert status not in {0, 70}, said
        assert "store.version" in said
        assert "9999" in said
        assert path.read_bytes() == before


async def test_what_the_start_itself_wrote_is_signed_though_nothing_follows(tmp_path: Path) -> None:
    """The opening's leaves are committed before anybody listens to commits; an idle gateway's log is vouched for too."""
    async with real_network(tmp_path) as real:
        database = real.network.sides["party"].folder / "state" / "gateway.db"
        sizes: tuple[int, int] = (0, -1)
        async with asyncio.timeout(15):
            while sizes[0] != sizes[1]:
                await asyncio.sleep(0.1)
                with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                    query = "SELECT (SELECT max(size) FROM tree_head), (SELECT coalesce(max(size), 0) FROM checkpoints)"
                    sizes = connection.execute(query).fetchone()
        assert sizes == (3, 3)
