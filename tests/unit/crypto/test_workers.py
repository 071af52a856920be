"""Worker processes: what kills a child kills one task, and what a child may not do."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.crypto import JudgePool, KeyHolderPool
from gateway.crypto.processes import seat
from gateway.crypto.processes.seat import Kind
from gateway.crypto.processes.shared import Sender
from gateway.crypto.processes.workers import WorkerPool
from tests.kit import tasks
from tests.kit.pki import ec_key, write_key

ROOT = Path(__file__).parents[3]
ANTI_HANG_SECONDS = 10


@pytest.fixture
async def pool() -> AsyncIterator[JudgePool]:
    judges = JudgePool(size=2, preload=())
    await judges.start()
    yield judges
    await judges.close()


@pytest.mark.parametrize(
    ("task", "bound"),
    [(tasks.spin_with_little_cpu, "cpu"), (tasks.eat_memory, "memory"), (tasks.crash, "crash")],
)
async def test_a_bad_task_dies_alone(pool: JudgePool, task: object, bound: str) -> None:
    neighbour = asyncio.create_task(pool.run(tasks.sleep, 0.3))
    with pytest.raises(SenderError) as caught:
        await pool.run(task)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.params["bound"]) == ("worker.killed", bound)
    assert await neighbour == "slept"
    sums = await asyncio.gather(*(pool.run(tasks.add, n, right=1) for n in range(8)))
    assert sums == list(range(1, 9)), "the dead child was replaced"


async def test_a_pool_that_closes_waits_for_a_while_and_blames_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drain of the service is bounded: what is cut then is done again at the next start, and condemned by nobody."""
    monkeypatch.setattr("gateway.crypto.processes.workers.CLOSING_SECONDS", 0.5)
    judges = JudgePool(size=1, preload=())
    await judges.start()
    running = [asyncio.create_task(judges.run(tasks.sleep, 30)) for _ in range(3)]
    await asyncio.sleep(0.2)
    await judges.close()
    ends = await asyncio.gather(*running, return_exceptions=True)
    assert [(type(end), getattr(end, "code", "")) for end in ends] == [(SiteError, "worker.died")] * 3


async def test_a_pool_that_closes_lets_short_tasks_end() -> None:
    judges = JudgePool(size=1, preload=())
    await judges.start()
    running = [asyncio.create_task(judges.run(tasks.sleep, 0.2)) for _ in range(3)]
    await asyncio.sleep(0.1)
    await judges.close()
    assert await asyncio.gather(*running) == ["slept"] * 3


async def test_a_task_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JUDGE_WALL_SECONDS_MAX", 1.5)
    judges = JudgePool(size=1, preload=())
    await judges.start()
    with pytest.raises(SenderError) as caught:
        await judges.run(tasks.sleep, 30)
    assert caught.value.params["bound"] == "time"
    assert await judges.run(tasks.add, 1, right=1) == 2
    await judges.close()


async def test_the_cpu_allowance_is_granted_anew_to_each_task(pool: JudgePool) -> None:
    for _ in range(6):
        left = await pool.run(tasks.cpu_left)
        assert limits.JUDGE_CPU_SECONDS_MAX - 1 < left <= limits.JUDGE_CPU_SECONDS_MAX + 1


async def test_mapped_memory_counts(pool: JudgePool) -> None:
    with pytest.raises(OSError, match="Cannot allocate memory"):
        await pool.run(tasks.map_memory)


async def test_what_a_task_leaves_behind_is_gone_before_the_next(pool: JudgePool) -> None:
    for _ in range(60):
        assert await pool.run(tasks.leave_garbage, 40 << 20) == 40 << 20
    assert all(psutil.Process(pid).memory_info().rss < 300 << 20 for pid in pool.pids)


async def test_a_child_killed_between_tasks_fails_nobody(pool: JudgePool) -> None:
    killed = pool.pids
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(3):  # reaped by the pool itself, whenever it notices
        while any(map(psutil.pid_exists, killed)):
            await asyncio.sleep(0.01)
    sums = await asyncio.gather(pool.run(tasks.add, 1, right=1), pool.run(tasks.add, 2, right=2))
    assert list(sums) == [2, 4]


async def test_a_child_that_dies_of_something_else_costs_its_task_nothing() -> None:
    """Memory of the machine, a stray signal: the task is tried once more on a new child."""
    judges = JudgePool(size=1, preload=())
    await judges.start()
    running = asyncio.create_task(judges.run(tasks.sleep, 0.4))
    await asyncio.sleep(0.2)
    os.kill(judges.pids[0], signal.SIGKILL)
    assert await running == "slept"
    await judges.close()


async def test_a_key_holder_s_death_is_never_the_task_s_fault(tmp_path: Path) -> None:
    key = write_key(tmp_path / "key.pem", ec_key("holder"))
    holders = KeyHolderPool(keys={"key": key})
    await holders.start()
    for _ in range(3):
        os.kill(holders.pids[0], signal.SIGKILL)
        assert await holders.sign("key", b"data")
    await holders.close()


async def test_the_service_manager_s_signal_to_the_group_does_not_end_a_task(pool: JudgePool) -> None:
    running = asyncio.create_task(pool.run(tasks.sleep, 0.3))
    await asyncio.sleep(0.1)
    for pid in pool.pids:
        os.kill(pid, signal.SIGTERM)
    assert await running == "slept"


async def test_ctrl_c_in_the_terminal_does_not_reach_the_children(pool: JudgePool) -> None:
    running = asyncio.create_task(pool.run(tasks.sleep, 0.3))
    await asyncio.sleep(0.1)
    for pid in pool.pids:
        os.kill(pid, signal.SIGINT)
    assert await running == "slept"


async def test_a_caller_that_gives_up_loses_no_seat(pool: JudgePool) -> None:
    for _ in range(4):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.run(tasks.sleep, 0.2), timeout=0.01)
    assert await asyncio.wait_for(pool.run(tasks.add, 1, right=1), timeout=5) == 2


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WORKER_QUEUE_MAX", 2)
    judges = JudgePool(size=1, preload=())
    await judges.start()
    calls = [asyncio.create_task(judges.run(tasks.sleep, 0.3)) for _ in range(50)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert results[:3] == ["slept"] * 3, "one runs, two wait"
    assert {error.code for error in results[3:] if isinstance(error, SiteError)} == {"worker.busy"}
    assert await judges.run(tasks.add, 1, right=1) == 2
    await judges.close()


async def test_closing_keeps_the_promises_already_given(pool: JudgePool) -> None:
    running = [asyncio.create_task(pool.run(tasks.sleep, 0.2)) for _ in range(3)]
    await asyncio.sleep(0.05)
    pids = pool.pids
    await pool.close()
    assert await asyncio.gather(*running) == ["slept"] * 3
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(SiteError):
        await pool.run(tasks.add, 1, right=1)


async def test_a_child_that_does_not_start_stops_the_pool_from_starting() -> None:
    stillborn = WorkerPool(
        Kind(name="stillborn", main=tasks.die_at_birth, wall_seconds=5, preload=(), blames_task=True), 1
    )
    with pytest.raises(SiteError) as caught:
        await stillborn.start()
    assert caught.value.code == "internal"


async def test_a_judge_has_no_network(pool: JudgePool) -> None:
    with pytest.raises(PermissionError, match="socket"):
        await pool.run(tasks.open_socket)


async def test_a_judge_that_was_taken_over_has_no_network_either(pool: JudgePool) -> None:
    """Where namespaces are allowed, connect(2) itself finds no interface."""
    allowed = subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, check=False)
    if allowed.returncode != 0:
        pytest.skip("this machine forbids namespaces")
    assert await pool.run(tasks.connect_without_python, socket.SOCK_DGRAM) == errno.ENETUNREACH
    # Landlock, where it is, refuses TCP before the namespace is asked.
    assert await pool.run(tasks.connect_without_python, socket.SOCK_STREAM) in {errno.ENETUNREACH, errno.EACCES}


async def test_a_judge_starts_no_program(pool: JudgePool) -> None:
    with pytest.raises(PermissionError):
        await pool.run(tasks.start_program)


async def test_a_judge_changes_no_file(pool: JudgePool, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"kept")
    kept.chmod(0o600)
    for task in (tasks.write_file, tasks.remove_file):
        with pytest.raises(PermissionError):
            await pool.run(task, kept)
    assert await pool.run(tasks.read_file, kept) == b"kept"


async def test_what_a_judge_answers_runs_nothing_in_the_service(tmp_path: Path) -> None:
    mark = tmp_path / "betrayed"
    turned = WorkerPool(
        Kind(name="turned", main=tasks.speak_past_the_loop, wall_seconds=5, preload=(), blames_task=True), 1
    )
    await turned.start()
    with pytest.raises(SenderError) as caught:
        await turned.call(str(mark))
    assert caught.value.params["bound"] == "crash"
    assert not mark.exists()
    await turned.close()


async def test_what_cannot_be_sent_is_an_error_of_the_task(pool: JudgePool) -> None:
    with pytest.raises(TypeError, match="cannot answer with"):
        await pool.run(tasks.answer_with_a_foreign_class)


async def test_a_foreign_error_is_told_in_words(pool: JudgePool) -> None:
    with pytest.raises(RuntimeError, match="ForeignError: strange"):
        await pool.run(tasks.fail_strangely)


async def test_the_event_loop_goes_on_while_large_answers_travel(
    pool: JudgePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step of an exchange begins before the loop has done something else: a loop that took the step itself never would."""
    loop, steps = asyncio.get_running_loop(), []

    def once_the_loop_goes_on(owner: object, name: str) -> None:
        step = getattr(owner, name)

        def wait_for_it(*args: object) -> object:
            went_on = threading.Event()
            loop.call_soon_threadsafe(went_on.set)
            steps.append((name, went_on.wait(ANTI_HANG_SECONDS)))
            return step(*args)

        monkeypatch.setattr(owner, name, wait_for_it)

    once_the_loop_goes_on(Sender, "pack")
    once_the_loop_goes_on(Connection, "send_bytes")
    once_the_loop_goes_on(Connection, "recv_bytes")
    once_the_loop_goes_on(seat, "read_answer")
    data = os.urandom(20 << 20)
    assert await pool.run(tasks.give_back, data) == data
    assert steps == [("pack", True), ("send_bytes", True), ("recv_bytes", True), ("read_answer", True)]


ORPHANS = """
import asyncio, sys
from gateway.crypto import JudgePool, KeyHolderPool
from tests.kit import tasks
from tests.kit.pki import ec_key, write_key

async def main():
    judges, holders = JudgePool(size=2, preload=()), KeyHolderPool(keys={})
    await judges.start()
    await holders.start()
    print(*judges.pids, *holders.pids, flush=True)
    await judges.run(tasks.sleep, 15)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_9_of_the_service_leaves_no_orphan(tmp_path: Path) -> None:
    script = tmp_path / "service.py"
    script.write_text(ORPHANS, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment, text=True) as service:
        assert service.stdout is not None
        pids = [int(pid) for pid in service.stdout.readline().split()]
        assert len(pids) == 3
        family = psutil.Process(service.pid).children(recursive=True)
        assert {process.pid for process in family} >= set(pids)
        service.kill()
        service.wait()
    gone, alive = psutil.wait_procs(family, timeout=5)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert not alive, f"{len(alive)} of {len(gone) + len(alive)} children live on"
