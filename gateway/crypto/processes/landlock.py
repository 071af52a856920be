"""Landlock: the kernel takes rights over files away from this process, for good (Linux 5.13, landlock(7)).

The audit hook of a judge stops honest code; this also stops code that was taken over, which calls libc past every hook.
Nothing can be made, written, moved or removed any more, and only what lies under the named roots can be read. From
newer kernels comes more: no TCP (6.7), no signal to a process outside (6.12).
"""

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import gateway

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same number on every architecture since Linux 5.1
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""By version of the interface: how many rights over files it knows; each is a bit, in the order they were invented."""
_SYSTEM: Final = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", "/dev/urandom", "/dev/null"),
)


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """Version of the interface that this kernel has; 0 for none."""
    return max(0, _call(_CREATE_RULESET, None, 0, _VERSION)) if sys.platform == "linux" else 0


def confine(readable: tuple[Path, ...], *, version: int) -> None:
    """Take the rights away, as far as that version knows them; version 0 knows none. Call it before any thread starts.

    `readable`: roots beside those that Python imports from; without any, everything stays readable.

    Raises:
        OSError: the kernel has Landlock and does not do it.
    """
    if version == 0:
        return
    files = (1 << max(count for least, count in _FILE_RIGHTS.items() if least <= version)) - 1
    handled = _Ruleset(files=files, network=3 if version >= 4 else 0, scopes=3 if version >= 6 else 0)
    ruleset = _checked(_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    try:
        for root in (*readable, *_import_roots()) if readable else (Path("/"),):
            _allow(ruleset, root)
        _checked(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _import_roots() -> Iterator[Path]:
    """What Python loads modules, shared libraries and time zones from; and our own package, wherever it is installed."""
    paths = sysconfig.get_paths()
    yield from (Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield from (Path(entry) for entry in sys.path if entry.endswith("-packages"))
    yield from (Path(part) for part in (*gateway.__path__, *_SYSTEM))


def _allow(ruleset: int, root: Path) -> None:
    """Reading under that root; one that is not there is left out."""
    try:
        descriptor = os.open(root, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = _PathBeneath(allowed=_READ_FILE | (_READ_DIR if root.is_dir() else 0), parent=descriptor)
        _checked(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _checked(number: int, *arguments: object) -> int:
    answer = _call(number, *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    return answer


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *arguments))
