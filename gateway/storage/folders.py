"""Files and folders that survive a power failure: a new name is durable only after an fsync of the folder that holds it."""

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    """Make what somebody else wrote into a file durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path) -> None:
    """A folder for its owner alone, durable in its parent, which must be there. One that exists is left as it is."""
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)
