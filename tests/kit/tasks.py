"""Functions that tests hand to a judge: importable, and some of them bad on purpose."""

import ctypes
import importlib
import mmap
import os
import pickle
import resource
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gateway.core.errors import Conflict
from gateway.core.validation import Indication
from gateway.core.verdict import FileVerdict
from gateway.crypto import Trust


def add(left: int, *, right: int) -> int:
    return left + right


def first_anchor(trust: Trust) -> bytes:
    return trust.anchors[0][:8]


def leave_garbage(size: int) -> int:
    """What only a collector finds."""
    circle: list[object] = [bytearray(os.urandom(1024) * (size // 1024))]
    circle.append(circle)
    return size


def say_verdict() -> FileVerdict:
    return FileVerdict(
        media_type="application/pdf",
        indication=Indication.INDETERMINATE,
        sub_indication=None,
        signatures=(),
        reason="said",
    )


def refuse(code: str, limit: int) -> None:
    raise Conflict(code, limit=limit)


def fail_by_value() -> None:
    raise ValueError("a value")


class ForeignError(Exception):
    """Not of this project: may not be rebuilt in the service."""


def fail_strangely() -> None:
    raise ForeignError("strange")


class Unknown:
    """A class of another project: cannot be sent."""


def answer_with_a_foreign_class() -> Unknown:
    return Unknown()


def speak_past_the_loop(pipe: Connection) -> None:
    """A judge that was taken over: answers with a pickle that runs something in the service, for `WorkerPool` tests."""
    pipe.send_bytes(b"ready")
    while True:
        pipe.send_bytes(pickle.dumps(Treacherous(pickle.loads(pipe.recv_bytes()))))


class Treacherous:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def spin_with_little_cpu() -> None:
    """Runs into RLIMIT_CPU: the kernel's granularity is a second, so the allowance is cut short here first."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1, hard))
    while True:
        pass


def cpu_left() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return resource.getrlimit(resource.RLIMIT_CPU)[0] - usage.ru_utime - usage.ru_stime


def eat_memory() -> int:
    return len(bytearray(8 << 30))


def map_memory() -> None:
    mmap.mmap(-1, 8 << 30)


def crash() -> None:
    ctypes.string_at(0)


def open_socket() -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def connect_without_python(kind: int) -> int:
    """connect(2) to 127.0.0.1 by libc, past every hook of Python; the errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.socket(socket.AF_INET, kind, 0)
    if descriptor < 0:
        return ctypes.get_errno()
    address = bytes([2, 0, 0, 9, 127, 0, 0, 1]) + bytes(8)
    libc.connect(descriptor, address, len(address))
    libc.close(descriptor)
    return ctypes.get_errno()


def start_program() -> None:
    subprocess.run(["/bin/true"], check=True)


def write_file(path: Path) -> None:
    path.write_text("written", encoding="utf-8")


def remove_file(path: Path) -> None:
    path.unlink()


def read_file(path: Path) -> bytes:
    return path.read_bytes()


def call(name: str, *args: Any) -> object:
    """Call a function of `os` by its name."""
    return getattr(os, name)(*args)


def call_libc(name: str, *args: bytes | int) -> tuple[int, int]:
    """Call a function of libc, past every hook of Python; its answer and errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(getattr(libc, name)(*args)), ctypes.get_errno()


def list_folder(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def import_late(name: str) -> str:
    """Read a module from disk, also where the process that judges are forked from has imported it already."""
    sys.modules.pop(name, None)
    return importlib.import_module(name).__name__


def give_back(data: bytes) -> bytes:
    return data


def die_at_birth(pipe: object) -> None:
    os._exit(3)
