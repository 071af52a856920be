"""Whom somebody says to believe at a command line: a folder, told of as what was typed when it cannot be used."""

from pathlib import Path

from gateway.cli.errors import Failure
from gateway.core.errors import SiteError
from gateway.crypto import Trust, load_trust


def believed(folder: Path, *, demo: bool) -> Trust:
    """What stands in the folder.

    Raises:
        Failure: it cannot be used, or is a demo's and that was not said.
    """
    try:
        return load_trust(folder, demo)
    except SiteError as error:
        if error.code == "key.demo":
            raise Failure("cli.trust_demo", path=str(folder)) from error
        raise Failure("cli.trust", path=error.params.get("path"), reason=error.params.get("reason")) from error
