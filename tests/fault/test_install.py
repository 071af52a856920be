"""docs/OPERATIONS.md as an operator walks it: the very blocks of the page, in order, with a folder in front of each path."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.core.health import Health
from gateway.doctor import examine
from tests.kit.real_network import real_network

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "OPERATIONS.md"
PROGRAM = Path(sys.executable).with_name("gateway")
STAND_INS = 'useradd() { :; }; chown() { :; }; systemctl() { :; }; runuser() { shift 3; "$@"; }\n'
"""What only root may do, on a machine with systemd."""
MOVED = re.compile(r"/(?:etc/gateway|var/lib/gateway|opt/gateway|root|etc/systemd/system)\b")


def blocks() -> dict[str, str]:
    return dict(re.findall(r"<!-- (\w+) -->\n```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def moved(text: str, folder: Path) -> str:
    return MOVED.sub(lambda place: f"{folder}{place[0]}", text)


def run(folder: Path, *names: str, here: Path, before: str = "") -> None:
    """Run these blocks as one script, as they would be pasted into one shell."""
    script = "set -euo pipefail\n" + STAND_INS + before + "".join(moved(blocks()[name], folder) for name in names)
    done = subprocess.run(["bash", "-c", script], cwd=here, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def program_in(folder: Path) -> None:
    """Our own environment where the page has one: what is installed there, another test looks at."""
    opt = folder / "opt" / "gateway"
    opt.mkdir(parents=True)
    (opt / "venv").symlink_to(Path(sys.executable).parents[1])


PREPARED = """
GATEWAY=dang.example.vn; BODY=H29.16
mkdir -p {0}/root {0}/etc/gateway {0}/var/lib/gateway; cd {0}/etc/gateway
mkdir -p keys/transport keys/seal trust/anchors trust/intermediates trust/crls trust/peers
"""
"""The end of the block `folders`, without its installation."""


def test_the_page_has_every_block_and_the_folders_are_those_that_are_tested() -> None:
    wanted = [
        "wheels",
        "folders",
        "keys",
        "rehearsal",
        "registry",
        "configuration",
        "look",
        "start",
        "backup",
        "restore",
    ]
    assert list(blocks()) == wanted
    assert PREPARED.splitlines()[-1] == blocks()["folders"].splitlines()[-1]


async def test_the_walk_leads_to_a_gateway_that_runs(tmp_path: Path) -> None:
    program_in(tmp_path)
    names = ("keys", "rehearsal", "registry", "configuration", "look")
    await asyncio.to_thread(run, tmp_path, *names, here=tmp_path, before=PREPARED.format(tmp_path))
    config = tmp_path / "etc" / "gateway" / "gateway.toml"
    office, peer, admin = free_ports(3)
    text = config.read_text(encoding="utf-8").replace("0.0.0.0", "127.0.0.1")
    text = text.replace("[office_api]", f"[office_api]\nport = {office}").replace("[peer]", f"[peer]\nport = {peer}")
    config.write_text(f"{text}[admin]\nport = {admin}\n", encoding="utf-8")
    assert {one.stat().st_mode & 0o777 for one in (config.parent / "keys").rglob("*.pem")} == {0o400}
    serve = await asyncio.create_subprocess_exec(PROGRAM, "serve", "--config", str(config), stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while "probe.service.stopped" in {one.code for one in await examine(config)}:
                assert serve.returncode is None
                await asyncio.sleep(0.2)
        # The walk installs no scanner: the service says so, and nothing else is amiss.
        assert {one.code for one in await examine(config) if one.health is not Health.OK} == {"probe.scanner.none"}
    finally:
        serve.terminate()
        assert await asyncio.wait_for(serve.wait(), 40) == 0


async def test_a_backup_of_a_running_gateway_is_one_that_runs(tmp_path: Path) -> None:
    """Taken while documents go through, put into an empty folder, and found sound."""
    async with real_network(tmp_path) as real:
        side = real.network.sides["party"]
        await real.until_delivered(await real.send(1))
        copy, state = tmp_path / "backup", side.folder / "state"
        copy.mkdir()
        later = await real.send(2)  # at work while the copy is taken
        await asyncio.to_thread(store, "backup", copy, state)
        await real.until_delivered(later)
        await real.until_delivered(await real.send(3))  # what the backup knows nothing of
    moment = tmp_path / "old"
    state.rename(moment)
    await asyncio.to_thread(store, "restore", copy, state)
    findings = [one.code for one in await examine(side.config) if one.health is not Health.OK]
    assert set(findings) == {
        "probe.service.stopped",
        "probe.queue.resync",
    }  # the peers will be asked for what is missing
    verify = await asyncio.create_subprocess_exec(PROGRAM, "audit", "verify", "--config", str(side.config))
    assert await asyncio.wait_for(verify.wait(), 60) == 0
    # Put there by hand, beside the memory of what was signed since, the older database is refused: nobody goes on by mistake.
    for rest in state.glob("gateway.db*"):
        rest.unlink()
    shutil.copy2(copy / "gateway.db", state / "gateway.db")
    shutil.copy2(moment / "signer-memory", state / "signer-memory")
    assert "audit.inconsistent" in {one.code for one in await examine(side.config)}


def store(name: str, backup: Path, state: Path) -> None:
    config = state.parent / "gateway.toml"
    script = blocks()[name].replace("/etc/gateway/gateway.toml", str(config)).replace("gateway ", f"{PROGRAM} ")
    script = f"set -euo pipefail\nBACKUP={backup}\n" + script
    subprocess.run(["bash", "-c", script], check=True, timeout=60)


def test_the_wheelhouse_installs_without_a_network(tmp_path: Path) -> None:
    """The page's own commands; the environment knows no index, and nothing that the lock does not name."""
    wheels = tmp_path / "wheels"
    made = subprocess.run(
        ["make", "wheels", f"WHEELS={wheels}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    if made.returncode != 0 and re.search(r"Temporary failure|ConnectionError|No matching distribution", made.stderr):
        pytest.skip("no package index here")
    assert made.returncode == 0, made.stderr
    digests = subprocess.run(
        ["sha256sum", *(f"wheels/{one.name}" for one in wheels.iterdir())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "wheels.sha256").write_text(digests.stdout, encoding="utf-8")
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    os_environ = "\n".join(f"export {name}={offline[name]}" for name in ("PIP_NO_INDEX", "PIP_CONFIG_FILE"))
    run(tmp_path, "folders", here=tmp_path, before=f"{os_environ}\n")
    share = tmp_path / "opt/gateway/venv/share/doc/gateway"
    assert {"OPERATIONS.md", "gateway.example.toml", "gateway.service"} <= {one.name for one in share.iterdir()}
    assert (tmp_path / "etc/gateway/keys/transport").is_dir()


def test_the_unit_names_a_manual_that_the_wheel_installs_and_its_comment_is_its_limit() -> None:
    unit = (ROOT / "config" / "gateway.service").read_text(encoding="utf-8")
    assert "Documentation=file:/opt/gateway/venv/share/doc/gateway/OPERATIONS.md" in unit
    assert '"docs" = "share/doc/gateway"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "StartLimitBurst=5\n" in unit
    assert "# Five starts in an hour" in unit
