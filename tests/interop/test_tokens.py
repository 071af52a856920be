"""Keys in a PKCS#11 token: SoftHSM 2, spoken to by real processes, and everything that goes wrong with such a thing.

Threat 21 of the signing rules: device gone, wrong PIN, wrong key, session lost in the middle.
"""

import asyncio
import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from gateway.core import limits
from gateway.core.errors import GatewayError, SiteError
from gateway.core.health import Health
from gateway.core.ids import OrganId
from gateway.core.reasons import Reason
from gateway.core.validation import Indication
from gateway.crypto import (
    FileSealer,
    InlineJudge,
    KeyHolderPool,
    KeyRef,
    KeySource,
    Pkcs11Key,
    TokenProbe,
    certificate_digest,
    judge_pdf,
    try_key,
    verify_envelope,
)
from gateway.observe import explain
from gateway.safe_xml import read_skeleton
from tests.kit.clock import ManualClock
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.kit.softhsm import MODULE, PIN, TOOL, SoftToken
from tests.unit.crypto.envelopes import status

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(MODULE is None or TOOL is None, reason="SoftHSM (softhsm2) is not here"),
]

PKI = Pki()
RSA, EC = PKI.leaf("seal", organ_id="Z79.1"), PKI.leaf("elliptic", organ_id="Z79.2")
ELSE, HIDDEN, BARE = (PKI.leaf("elliptic", organ_id=organ) for organ in ("Z79.3", "Z79.4", "Z79.5"))
WEAK = PKI.leaf("weak", organ_id="Z79.6")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """A token with several keys, three of them of one label."""
    token = SoftToken.make(tmp_path_factory.mktemp("softhsm") / "finished")
    token.put(RSA, object_id="01", label="one label")
    token.put(EC, object_id="02", label="one label")
    token.put(ELSE, object_id="0a0b", label="one label")
    token.put(HIDDEN, object_id="04", label="hidden", hidden=True)
    token.put(BARE, object_id="05", label="bare", certificate=False)
    token.put(WEAK, object_id="06", label="weak")
    return token


@pytest.fixture
def token(finished: SoftToken, tmp_path: Path) -> SoftToken:
    """A copy of it, to be broken."""
    shutil.copytree(finished.folder, tmp_path / "token")
    copied = SoftToken(tmp_path / "token", finished.label)
    text = (copied.folder / "softhsm2.conf").read_text()
    (copied.folder / "softhsm2.conf").write_text(text.replace(str(finished.store), str(copied.store)))
    return copied


@asynccontextmanager
async def holding(**keys: KeySource) -> AsyncIterator[KeyHolderPool]:
    pool = KeyHolderPool(keys=keys)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


async def good(pool: KeyHolderPool, key_id: str, leaf: Leaf) -> None:
    """It signs, and the signature is its certificate's."""
    await try_key(pool, KeyRef(key_id=key_id, chain=leaf.chain))


async def refused(pool: KeyHolderPool, key_id: str) -> SiteError:
    with pytest.raises(SiteError) as caught:
        await pool.sign(key_id, b"data")
    told = explain(caught.value.code, caught.value.params)
    for said in (told.what_vi, told.what_en, told.todo_vi, told.todo_en):
        assert said
        assert PIN not in said
    assert PIN not in str(caught.value)
    return caught.value


def word(error: GatewayError) -> str:
    reason = error.params["reason"]
    assert isinstance(reason, Reason)
    return reason.message_id.removeprefix("why.")


def with_token(source: KeySource, **changes: object) -> KeySource:
    assert isinstance(source, Pkcs11Key)
    return dataclasses.replace(source, token=dataclasses.replace(source.token, **changes))  # type: ignore[arg-type]


def token_pid(pool: KeyHolderPool) -> int:
    """The token's holder; the one for files comes first."""
    return pool.pids[1]


# --- it signs ------------------------------------------------------------------------------------------------------------


async def test_rsa_and_ecdsa(token: SoftToken) -> None:
    async with holding(rsa=token.key(RSA), ec=token.key(EC)) as pool:
        assert len(pool.pids) == 2, "one process for files, one for the token and all its keys"
        for _ in range(3):
            await good(pool, "rsa", RSA)
            await good(pool, "ec", EC)


async def test_keys_of_one_label_are_told_apart_by_certificate(token: SoftToken) -> None:
    async with holding(a=token.key(EC), b=token.key(ELSE), c=token.key(RSA)) as pool:
        await good(pool, "a", EC)
        await good(pool, "b", ELSE)
        await good(pool, "c", RSA)


async def test_a_certificate_that_is_hidden_until_login_is_found(token: SoftToken) -> None:
    async with holding(key=token.key(HIDDEN)) as pool:
        await good(pool, "key", HIDDEN)


async def test_a_token_without_certificates_is_asked_by_object_id(token: SoftToken) -> None:
    async with holding(by_id=token.key(BARE, object_id="05"), by_certificate=token.key(BARE)) as pool:
        await good(pool, "by_id", BARE)
        assert word(await refused(pool, "by_certificate")) == "token_no_certificate"


async def test_the_wrong_object_id_is_found_before_anybody_sees_the_signature(token: SoftToken) -> None:
    async with holding(key=token.key(EC, object_id="0a0b")) as pool:
        with pytest.raises(SiteError) as caught:
            await good(pool, "key", EC)
    assert (caught.value.code, word(caught.value)) == ("key.missing", "no_pair")


async def test_a_key_that_wants_its_pin_each_time_gets_it(token: SoftToken) -> None:
    leaf = PKI.leaf("seal", organ_id="Z79.8")
    token.put_asking_each_time(leaf, object_id="08")
    async with holding(key=token.key(leaf)) as pool:
        for _ in range(3):
            await good(pool, "key", leaf)


async def test_a_pin_s_file_that_goes_away_is_missed_when_it_is_needed(token: SoftToken) -> None:
    leaf = PKI.leaf("seal", organ_id="Z79.8")
    token.put_asking_each_time(leaf, object_id="08")
    async with holding(each=token.key(leaf), once=token.key(RSA)) as pool:
        await good(pool, "each", leaf)
        token.pin_file.unlink()
        error = await refused(pool, "each")
        assert (error.code, word(error)) == ("key.missing", "secret_file")
        await good(pool, "once", RSA)


async def test_a_token_is_found_by_its_serial_number(token: SoftToken) -> None:
    async with holding(key=token.key(RSA)) as pool:
        await good(pool, "key", RSA)
    serial = token.serial()
    async with holding(key=with_token(token.key(RSA), label="", serial=serial)) as pool:
        await good(pool, "key", RSA)
    async with holding(key=with_token(token.key(RSA), serial="0123456789abcdef")) as pool:
        assert word(await refused(pool, "key")) == "token_absent"


async def test_a_whole_seal_and_a_whole_envelope_are_good(token: SoftToken, tmp_path: Path) -> None:
    """By the judge that everybody's documents meet."""
    (tmp_path / "letter.pdf").write_bytes(tiny_pdf("100 dong"))
    leaves = {OrganId("Z79.1"): RSA, OrganId("Z79.2"): EC}
    refs = {organ: KeyRef(key_id=str(organ), chain=leaf.chain) for organ, leaf in leaves.items()}
    async with holding(**{str(organ): token.key(leaf) for organ, leaf in leaves.items()}) as pool:
        sealer = FileSealer(
            judge=InlineJudge(), holder=pool, seals=refs, transports=refs, trust=PKI.trust, clock=ManualClock(MOMENT)
        )
        for organ, leaf in leaves.items():
            sealed = (await sealer.seal(tmp_path / "letter.pdf", organ)).pdf
            signed = await sealer.sign_envelope(status(), organ)
            verdict = judge_pdf(sealed, trust=PKI.trust, moment=MOMENT)
            assert verdict.indication is Indication.TOTAL_PASSED
            assert verdict.signatures[-1].certificate == certificate_digest(leaf.der)
            envelope = verify_envelope(read_skeleton([signed]).root, trust=PKI.trust, moment=MOMENT)
            assert envelope.signature is not None
            assert envelope.signature.indication is Indication.TOTAL_PASSED
            assert envelope.certificate == leaf.der


# --- PINs ----------------------------------------------------------------------------------------------------------------


async def test_a_wrong_pin_is_tried_once(token: SoftToken) -> None:
    """Were it tried again, the right one that somebody puts into the file would be taken without a reload."""
    token.write_pin("0000")
    async with holding(rsa=token.key(RSA), ec=token.key(EC)) as pool:
        first = await refused(pool, "rsa")
        assert (first.code, word(first)) == ("key.pin", "pin_wrong")
        token.write_pin(PIN)
        errors = await asyncio.gather(*(refused(pool, name) for name in ("rsa", "ec") * 5))
        assert {(error.code, word(error)) for error in errors} == {("key.pin", "pin_wrong")}
        process = psutil.Process(token_pid(pool))
        process.kill()
        psutil.wait_procs([process], timeout=3)
        assert (await refused(pool, "ec")).code == "key.pin", "nor by a new process"
    async with holding(rsa=token.key(RSA)) as pool:  # as a reload makes it
        await good(pool, "rsa", RSA)


async def test_many_at_once_spend_one_try(token: SoftToken) -> None:
    """All are on their way before the first is answered."""
    token.write_pin("0000")
    async with holding(rsa=token.key(RSA)) as pool:
        asked = [asyncio.create_task(refused(pool, "rsa")) for _ in range(20)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        token.write_pin(PIN)
        assert {(await task).code for task in asked} == {"key.pin"}
        assert done


async def test_a_pin_that_is_changed_meanwhile_is_asked_for_once(token: SoftToken) -> None:
    async with holding(rsa=token.key(RSA)) as pool:
        await good(pool, "rsa", RSA)
        token.change_pin(PIN, "another-pin")
        psutil.Process(token_pid(pool)).kill()
        assert word(await refused(pool, "rsa")) == "pin_wrong"
        token.write_pin("another-pin")
        assert word(await refused(pool, "rsa")) == "pin_wrong"


def shared(token: SoftToken) -> None:
    token.pin_file.chmod(0o640)


def missing(token: SoftToken) -> None:
    token.pin_file.unlink()


def empty(token: SoftToken) -> None:
    token.pin_file.write_text("\n")


def two_lines(token: SoftToken) -> None:
    token.pin_file.write_text(f"{PIN}\n{PIN}\n")


def megabytes(token: SoftToken) -> None:
    token.pin_file.write_text("1" * limits.MIB)


def pipe(token: SoftToken) -> None:
    token.pin_file.unlink()
    os.mkfifo(token.pin_file, 0o600)


def device(token: SoftToken) -> None:
    token.pin_file.unlink()
    token.pin_file.symlink_to("/dev/zero")


def folder(token: SoftToken) -> None:
    token.pin_file.unlink()
    token.pin_file.mkdir(mode=0o600)


def binary(token: SoftToken) -> None:
    token.pin_file.write_bytes(b"\xff\xfe\xff\xfe")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (shared, "mode"),
        (missing, "enoent"),
        (empty, "secret_empty"),
        (two_lines, "secret_lines"),
        (megabytes, "large"),
        (pipe, "enxio"),
        (device, "enxio"),
        (folder, "enxio"),
        (binary, "not_text"),
    ],
)
async def test_a_bad_pin_file_is_told_and_never_tried(
    token: SoftToken, spoil: Callable[[SoftToken], None], why: str
) -> None:
    spoil(token)
    async with holding(rsa=token.key(RSA)) as pool:
        error = await refused(pool, "rsa")
    assert (error.code, word(error)) == ("key.missing", "secret_file")
    reason = error.params["reason"]
    assert isinstance(reason, Reason)
    assert str(reason.params["path"]) == str(token.pin_file)
    assert str(reason.params["reason"]).startswith(why)


# --- the device goes away ------------------------------------------------------------------------------------------------


async def test_a_token_that_is_pulled_and_put_back(token: SoftToken) -> None:
    away = token.folder / "away"
    async with holding(rsa=token.key(RSA), ec=token.key(EC)) as pool:
        await good(pool, "rsa", RSA)
        token.store.rename(away)
        for _ in range(3):
            error = await refused(pool, "rsa")
            assert (error.code, error.facts.retryable) == ("key.token", True)
        away.rename(token.store)
        await good(pool, "rsa", RSA)
        await good(pool, "ec", EC)


async def test_a_session_that_is_lost_is_opened_again_within_the_request(token: SoftToken) -> None:
    """The token is put in anew between two signatures: every handle of the session is void, and nobody is told."""
    async with holding(rsa=token.key(RSA), ec=token.key(EC)) as pool:
        await good(pool, "rsa", RSA)
        await good(pool, "ec", EC)
        before = token_pid(pool)
        token.replug()
        await good(pool, "rsa", RSA)
        await good(pool, "ec", EC)
        assert token_pid(pool) == before, "the same process went on"


async def test_a_holder_that_is_killed_is_replaced(token: SoftToken) -> None:
    async with holding(rsa=token.key(RSA)) as pool:
        await good(pool, "rsa", RSA)
        before = token_pid(pool)
        process = psutil.Process(before)
        process.kill()
        psutil.wait_procs([process], timeout=3)
        await good(pool, "rsa", RSA)
        assert token_pid(pool) != before


async def test_no_token_of_that_name(token: SoftToken) -> None:
    async with holding(key=with_token(token.key(RSA), label="another")) as pool:
        error = await refused(pool, "key")
    assert (error.code, word(error)) == ("key.token", "token_absent")


async def test_two_tokens_of_one_label(token: SoftToken) -> None:
    token.another_of_this_label()
    async with holding(key=token.key(RSA)) as pool:
        error = await refused(pool, "key")
        assert (error.code, word(error)) == ("key.token", "token_several")


async def test_two_keys_of_one_id(token: SoftToken) -> None:
    token.put(PKI.leaf("elliptic", organ_id="Z79.9"), object_id="02", certificate=False)
    async with holding(key=token.key(EC)) as pool:
        error = await refused(pool, "key")
    assert (error.code, word(error)) == ("key.missing", "token_two_keys")


@pytest.mark.parametrize(
    ("leaf", "object_id", "why"),
    [
        (PKI.leaf("seal", organ_id="Z79.77"), "", "token_no_certificate"),
        (RSA, "99", "token_no_key"),
        (WEAK, "", "weak_key"),
    ],
)
async def test_a_key_that_is_not_there_or_too_weak(token: SoftToken, leaf: Leaf, object_id: str, why: str) -> None:
    async with holding(key=token.key(leaf, object_id=object_id), rsa=token.key(RSA)) as pool:
        error = await refused(pool, "key")
        assert (error.code, word(error)) == ("key.missing", why)
        await good(pool, "rsa", RSA)


# --- libraries that are none ---------------------------------------------------------------------------------------------


def module(token: SoftToken, kind: str) -> Path:
    path = token.folder / "module.so"
    assert MODULE is not None
    match kind:
        case "absent":
            pass
        case "text":
            path.write_text("not a library")
        case "another library":
            return Path(
                next(
                    line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libc.so" in line
                )
            )
        case "cut short":  # the loader maps what is not there, and dies of it
            path.write_bytes(MODULE.read_bytes()[: MODULE.stat().st_size // 2])
        case "never ends":  # the loader waits for a writer, with the interpreter lock in its hands
            os.mkfifo(path)
    return path


@pytest.mark.parametrize("kind", ["absent", "text", "another library", "cut short", "never ends"])
async def test_a_library_that_is_none_harms_nobody_else(
    token: SoftToken, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKEN_WALL_SECONDS_MAX", 2.0)
    bad = with_token(token.key(RSA), module=module(token, kind))
    async with holding(bad=bad, rsa=token.key(RSA)) as pool:
        error = await refused(pool, "bad")
        assert error.code == "key.token"
        await good(pool, "rsa", RSA)
        assert (await refused(pool, "bad")).code == "key.token", "and the pool can still be closed"


async def test_a_library_that_hangs_is_killed(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    """SoftHSM reads its settings from a pipe that nobody writes to."""
    monkeypatch.setattr(limits, "TOKEN_WALL_SECONDS_MAX", 2.0)
    config = token.folder / "softhsm2.conf"
    text = config.read_text()
    config.unlink()
    os.mkfifo(config)
    async with holding(rsa=token.key(RSA)) as pool:
        hanging = psutil.Process(token_pid(pool))
        error = await refused(pool, "rsa")
        assert (error.code, word(error)) == ("key.token", "token_holder_died")
        _, alive = psutil.wait_procs([hanging], timeout=3)
        assert alive == []
        config.unlink()
        config.write_text(text)
        await good(pool, "rsa", RSA)


async def test_the_holder_understands_nothing_else(token: SoftToken) -> None:
    async with holding(rsa=token.key(RSA)) as pool:
        holder = pool._tokens["rsa"]
        for message in (("rsa", "text"), (print, b"data"), ("rsa", b"x", b"y"), {"rsa": b"data"}, 7):
            with pytest.raises((TypeError, ValueError)):
                await holder._pool.call(message)
        with pytest.raises(SiteError) as caught:
            await holder._pool.call(("another", b"data"))
        assert caught.value.code == "key.missing"
        await good(pool, "rsa", RSA)


async def test_an_installation_without_the_extra_says_so(token: SoftToken, tmp_path: Path) -> None:
    """As if python-pkcs11 were not there: the service runs, and this key is missing."""
    script = (
        "import sys\nsys.modules['pkcs11'] = None\n"
        "from gateway.crypto.keys.tokens import _session_class\n"
        "from gateway.crypto import Token\nfrom pathlib import Path\n"
        "try: _session_class(Token(module=Path('x'), pin_file=Path('y'), label='gw'))\n"
        "except Exception as error: print(error)\n"
    )
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    said, _ = await done.communicate()
    assert said.decode().strip() == "key.missing key=gw reason=no_token_extra"


# --- doctor --------------------------------------------------------------------------------------------------------------


async def test_doctor_sees_a_token_without_spending_a_try(token: SoftToken) -> None:
    token.write_pin("0000")  # it would be refused, if it were tried
    (finding,) = await TokenProbe({"rsa": token.key(RSA), "ec": token.key(EC)}).look()
    assert (finding.code, finding.health) == ("probe.keys.token", Health.OK)
    assert (finding.params["name"], finding.params["count"]) == ("gw", 2)


async def test_doctor_warns_of_a_certificate_that_is_not_in_sight(token: SoftToken) -> None:
    (finding,) = await TokenProbe({"rsa": token.key(RSA), "bare": token.key(BARE)}).look()
    assert (finding.code, finding.health, finding.params["key"]) == ("probe.keys.token_unseen", Health.WARN, "bare")


async def test_doctor_warns_of_wrong_tries(token: SoftToken) -> None:
    token.spend_a_try()
    codes = {finding.code for finding in await TokenProbe({"rsa": token.key(RSA)}).look()}
    assert codes == {"probe.keys.token_tries"}


@pytest.mark.parametrize(
    ("spoil", "code"), [(shared, "key.missing"), (lambda t: t.store.rename(t.folder / "away"), "key.token")]
)
async def test_doctor_fails_on_what_would_not_sign(
    token: SoftToken, spoil: Callable[[SoftToken], None], code: str
) -> None:
    spoil(token)
    (finding,) = await TokenProbe({"rsa": token.key(RSA)}).look()
    assert (finding.code, finding.health) == (code, Health.FAIL)


async def test_doctor_has_nothing_to_say_where_there_is_no_token() -> None:
    assert await TokenProbe({}).look() == ()


# --- the service is killed while a library hangs -------------------------------------------------------------------------

_SERVICE = """
import asyncio, sys
from pathlib import Path
from gateway.core import limits
from gateway.crypto import KeyHolderPool, Pkcs11Key, Token

async def main():
    limits.TOKEN_WALL_SECONDS_MAX = 3.0
    token = Token(module=Path(sys.argv[1]), pin_file=Path(sys.argv[2]), label="gw")
    pool = KeyHolderPool(keys={"key": Pkcs11Key(token=token, certificate="0" * 64)})
    await pool.start()
    print(*pool.pids, flush=True)
    await pool.sign("key", b"data")

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_holder_whose_library_hangs_does_not_outlive_the_service(token: SoftToken, tmp_path: Path) -> None:
    """The loader has the interpreter lock: no thread of the holder could notice."""
    (tmp_path / "service.py").write_text(_SERVICE)
    library = module(token, "never ends")
    service = subprocess.Popen(
        [sys.executable, str(tmp_path / "service.py"), str(library), str(token.pin_file)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert service.stdout is not None
    with service.stdout as told:
        holders = [psutil.Process(int(pid)) for pid in told.readline().split()]
    writer = await reader_of(library)  # the loader waits for the first byte now
    try:
        service.kill()
        service.wait(10)
        async with asyncio.timeout(30):
            while any(runs(holder) for holder in holders):
                await asyncio.sleep(0.05)
    finally:
        os.close(writer)
        for holder in filter(runs, holders):
            holder.kill()


async def reader_of(pipe: Path) -> int:
    """The writing end, once somebody has opened the pipe for reading."""
    async with asyncio.timeout(60):
        while True:
            try:
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                await asyncio.sleep(0.05)


def runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
