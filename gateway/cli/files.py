"""Files and folders that a command line names: there, of the kind that is meant, and no larger than what is read."""

from pathlib import Path

from gateway.cli.errors import Failure
from gateway.core.errors import SenderError


def require_file(path: Path) -> None:
    """See that a file stands there.

    Raises:
        Failure: there is nothing, or it is a folder.
    """
    if path.is_dir():
        raise Failure("cli.folder", path=str(path))
    if not path.is_file():
        raise Failure("cli.no_file", path=str(path))


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a file.

    Raises:
        Failure: there is nothing, or it is a folder.
        SenderError: `size.limit`.
        OSError: it cannot be read.
    """
    require_file(path)
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise SenderError("size.limit", limit=limit, what=path.name)
    return data


def require_folder(folder: Path) -> None:
    """See that a folder is there, or can be made.

    Raises:
        Failure: a file stands in the way.
    """
    there = next((step for step in (folder, *folder.parents) if step.exists()), None)
    if there is not None and not there.is_dir():
        raise Failure("cli.not_folder", path=str(there))
