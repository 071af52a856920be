"""Two real gateways, and a body whose seal and transport key live in a token: pulled, put back, locked out, mended."""

import asyncio
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.core.health import Check, Health
from gateway.doctor import examine
from tests.fault.test_reload import Patient
from tests.kit.pki import Leaf
from tests.kit.real_network import RealNetwork, real_network
from tests.kit.softhsm import MODULE, PIN, TOOL, SoftToken

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(MODULE is None or TOOL is None, reason="SoftHSM (softhsm2) is not here"),
]


def leaf_of(folder: Path, organ: str) -> Leaf:
    key = load_pem_private_key((folder / f"{organ}.pem").read_bytes(), None)
    certificate, *above = x509.load_pem_x509_certificates((folder / f"{organ}.crt").read_bytes())
    return Leaf(key, certificate, above[0] if above else certificate)  # type: ignore[arg-type]


def move(real: RealNetwork, party: Patient, token: SoftToken) -> None:
    """Both keys of the sender into the token, and away with the files."""
    tables = []
    for number, purpose in enumerate(("transport", "seal"), 1):
        folder = party.pki / "keys" / purpose
        token.put(leaf_of(folder, real.sender), object_id=f"0{number}", label=real.sender)
        (folder / f"{real.sender}.pem").unlink()
        tables.append(f'[[keys.sources]]\norgan = "{real.sender}"\npurpose = "{purpose}"\ntoken = "hsm"\n')
    tables.append(
        f'[[keys.tokens]]\nname = "hsm"\nmodule = "{MODULE}"\nlabel = "{token.label}"\npin_file = "{token.pin_file}"\n'
        f'environment = ["SOFTHSM2_CONF={token.folder / "softhsm2.conf"}"]\n'
    )
    with party.side.config.open("a", encoding="utf-8") as config:
        config.write("\n" + "\n".join(tables))


async def told(real: RealNetwork, words: str) -> None:
    """Until the log of the sending side says so."""
    log = real.network.sides["party"].folder / "serve.log"
    async with asyncio.timeout(60):
        while words.encode() not in log.read_bytes():
            await asyncio.sleep(0.05)


async def test_a_document_waits_for_its_token_and_goes_on_by_itself(tmp_path: Path) -> None:
    token = await asyncio.to_thread(SoftToken.make, tmp_path / "hsm")
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        await asyncio.to_thread(move, real, party, token)
        done = await party.reload()
        assert (done["event"], done.get("changed")) == ("reload.done", ["keys"]), done
        await real.until_delivered(await real.send(1))
        keys = [one for one in await examine(party.side.config) if one.check is Check.KEYS]
        assert [one.code for one in keys] == ["probe.keys.good", "probe.keys.token"]

        token.store.rename(token.folder / "away")
        waiting = await real.send(2)
        await told(real, "key.token")
        keys = [one for one in await examine(party.side.config) if one.check is Check.KEYS]
        assert [(one.code, one.health) for one in keys][1:] == [("key.token", Health.FAIL)]
        (token.folder / "away").rename(token.store)
        await real.until_delivered(waiting)

        token.write_pin("0000")
        await real.gone([kill(real)])
        refused = await real.send(3)
        await told(real, "pin_wrong")
        token.write_pin(PIN)
        assert (await party.reload())["event"] == "reload.done"
        await real.until_delivered(refused)
        assert PIN not in (party.side.folder / "serve.log").read_text(encoding="utf-8")
        await real.check()


def kill(real: RealNetwork) -> psutil.Process:
    """The holder of the token: the last of the key-holders."""
    holders = [child for child in real.children("party") if child.name() == "key-holder"]
    last = max(holders, key=lambda child: (child.create_time(), child.pid))  # not by its number: those begin anew
    last.kill()
    return last
