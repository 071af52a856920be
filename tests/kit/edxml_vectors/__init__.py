"""The vectors of `tests/vectors/edxml`: how each file is made.

The files themselves are in the repository, because that is what other programs can use and people can read; this makes
them again (`python -m tests.kit.edxml_vectors`), and a test says that both agree. What is expected of each stands beside the
files in `expect.toml`, written by hand from the facts: nothing here knows any reader.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.kit.edxml_vectors.files import FILES
from tests.kit.edxml_vectors.header import HEADERS
from tests.kit.edxml_vectors.hostile import HOSTILE
from tests.kit.edxml_vectors.kinds import KINDS
from tests.kit.edxml_vectors.markup import MARKUP
from tests.kit.edxml_vectors.regressions import REGRESSIONS

FOLDER: Final = Path(__file__).parents[2] / "vectors" / "edxml"
GROUPS: Final[Mapping[str, Mapping[str, str | bytes]]] = {
    "kinds": KINDS,
    "header": HEADERS,
    "files": FILES,
    "markup": MARKUP,
    "hostile": HOSTILE,
    "regressions": REGRESSIONS,
}


def vectors() -> dict[str, bytes]:
    """Every vector by its name, `group/name`."""
    return {
        f"{group}/{name}": content if isinstance(content, bytes) else content.encode()
        for group, members in GROUPS.items()
        for name, content in members.items()
    }
