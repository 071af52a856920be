"""Mistakes planted in the readers on purpose: fuzzing that does not find these finds nothing."""

import os
from collections.abc import Callable
from typing import Any, Final

from gateway.edxml.block import Block

TAGS: Final = 3


def _key_error() -> None:
    """A table that knows only one and two."""
    {1: "one", 2: "two"}[TAGS]


def _hang() -> None:
    while True:
        pass


def _memory() -> None:
    hoard = []
    while True:
        hoard.append(bytes(1 << 20))


def _death() -> None:
    os.abort()


PLANTS: Final[dict[str, Callable[[], None]]] = {
    "key": _key_error,
    "hang": _hang,
    "memory": _memory,
    "death": _death,
}


def plant(name: str) -> None:
    """Three Appendix elements, of which no vector has more than two, and the reader does that."""
    real, does = Block.many, PLANTS[name]

    def many(self: Block, *names: Any, **options: Any) -> list[Block]:
        found = real(self, *names, **options)
        if names == ("Appendix",) and len(found) == TAGS:
            does()
        return found

    Block.many = many  # type: ignore[method-assign]  # that is what planting is
