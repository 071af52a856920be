"""What stands under a key of a PDF's dictionary, wherever it stands."""

from typing import Any


def entry(dictionary: Any, key: str, default: Any = None) -> Any:
    """The object itself: pyHanko's `get` gives the reference where there is one, and most of what may stand apart does."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401 - see above
