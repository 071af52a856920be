"""Key-holders: they sign, and understand nothing else."""

import pickle
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.crypto import InlineHolder, KeyHolder, KeyHolderPool
from tests.kit import tasks
from tests.kit.pki import ec_key, rsa_key, write_key


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    ed = tmp_path / "ed.pem"
    ed.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    ed.chmod(0o600)
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    junk.chmod(0o600)
    return {
        "rsa": write_key(tmp_path / "rsa.pem", rsa_key("holder"), 0o400),
        "ec": write_key(tmp_path / "ec.pem", ec_key("holder")),
        "weak": write_key(tmp_path / "weak.pem", rsa_key("holder weak", 1024)),
        "open": write_key(tmp_path / "open.pem", ec_key("holder"), 0o640),
        "absent": tmp_path / "absent.pem",
        "ed": ed,
        "junk": junk,
    }


@pytest.fixture(params=["inline", "processes"])
async def holder(request: pytest.FixtureRequest, keys: dict[str, Path]) -> AsyncIterator[KeyHolder]:
    if request.param == "inline":
        yield InlineHolder(keys=keys)
        return
    pool = KeyHolderPool(keys=keys, size=2)
    await pool.start()
    yield pool
    await pool.close()


async def test_rsa_and_ecdsa(holder: KeyHolder) -> None:
    data = b"signed attributes"
    rsa_key("holder").public_key().verify(await holder.sign("rsa", data), data, padding.PKCS1v15(), SHA256())
    ec_key("holder").public_key().verify(await holder.sign("ec", data), data, ec.ECDSA(SHA256()))


@pytest.mark.parametrize("key_id", ["unknown", "absent", "open", "weak", "ed", "junk"])
async def test_a_key_that_may_not_be_used_is_missing(holder: KeyHolder, key_id: str) -> None:
    with pytest.raises(SiteError) as caught:
        await holder.sign(key_id, b"data")
    assert caught.value.code == "key.missing"
    assert caught.value.params["key"] == key_id


async def test_data_is_bounded(holder: KeyHolder) -> None:
    with pytest.raises(AssertionError):
        await holder.sign("rsa", bytes(limits.HOLDER_SIGN_BYTES_MAX + 1))


async def test_files_we_wrote_ourselves_are_loaded_without_the_costly_check(keys: dict[str, Path]) -> None:
    signature = await InlineHolder(keys=keys, own_files=True).sign("rsa", b"data")
    rsa_key("holder").public_key().verify(signature, b"data", padding.PKCS1v15(), SHA256())


async def test_a_holder_runs_no_task(keys: dict[str, Path], tmp_path: Path) -> None:
    pool = KeyHolderPool(keys=keys)
    await pool.start()
    mark = tmp_path / "ran"
    messages: list[tuple[object, ...]] = [(tasks.write_file, (mark,), {}), ("rsa", "text"), (tasks.add, b"data")]
    for message in messages:
        with pytest.raises((TypeError, ValueError)):
            await pool._pool.call(message)
    assert not mark.exists()
    assert await pool.sign("rsa", b"data")
    await pool.close()


async def test_a_killed_holder_is_replaced(keys: dict[str, Path]) -> None:
    pool = KeyHolderPool(keys=keys)
    await pool.start()
    first = await pool.sign("rsa", b"data")
    (pid,) = pool.pids
    holder = psutil.Process(pid)  # asked for while it lives: afterwards it may be gone between two questions
    holder.kill()
    psutil.wait_procs([holder], timeout=3)
    assert await pool.sign("rsa", b"data") == first, "PKCS#1 v1.5 is deterministic"
    assert pool.pids != (pid,)
    await pool.close()


def test_errors_survive_the_way_back() -> None:
    error = SiteError("key.missing", key="x", reason="y")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, dict(copy.params), str(copy)) == (
        SiteError,
        "key.missing",
        dict(error.params),
        str(error),
    )
