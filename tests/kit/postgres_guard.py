"""Keeps one PostgreSQL server for a test run and takes it away with it, however the run ends.

Run as a program of its own session: `python postgres_guard.py <bin> <folder> <uid> <durable>`. It makes a cluster in the
folder, starts the server, and says `ready`. Then it reads commands: `crash` stops the server as `pg_ctl -m immediate` does and
starts it again. The end of its input (the test run is gone, also by kill -9) ends the server and removes the folder.

PostgreSQL refuses to run as root: `uid` is whose process the server is then.
"""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

READY_SECONDS = 30


def say(line: str) -> None:
    sys.stdout.write(" ".join(line.split()) + "\n")
    sys.stdout.flush()


def make_cluster(binaries: Path, folder: Path, uid: int) -> None:
    command = [binaries / "initdb", "-D", folder / "data", "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C"]
    done = subprocess.run(
        [*map(str, command), "--no-sync"], user=uid, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        say("failed " + done.stderr)
        raise SystemExit(1)


def start(binaries: Path, folder: Path, uid: int, *, durable: bool) -> subprocess.Popen[bytes]:
    """The server on a socket in the folder, no network. Without `durable` it may forget everything when power fails."""
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "max_connections=100"]
    if not durable:
        options += ["-c", "fsync=off", "-c", "full_page_writes=off"]
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(folder / "data"), *options],
            user=uid,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    for _ in range(READY_SECONDS * 50):
        asked = subprocess.run(
            [str(binaries / "pg_isready"), "-q", "-h", str(folder), "-U", "gateway", "-d", "postgres"], check=False
        )
        if asked.returncode == 0:
            say("ready")
            return server
        if server.poll() is not None:
            break
        time.sleep(0.02)
    say("failed " + (folder / "server.log").read_text(errors="replace")[-500:])
    raise SystemExit(1)


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main() -> None:
    binaries, folder, uid = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    durable = sys.argv[4] == "durable"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        make_cluster(binaries, folder, uid)
        server = start(binaries, folder, uid, durable=durable)
        for line in sys.stdin:
            if line.strip() == "crash":
                stop(server)
                server = start(binaries, folder, uid, durable=durable)
        stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
