"""Free texts of a message: every text of its dataclass and of those inside, found by looking, not by a list.

A field that is added to the model is thereby searched and shown like the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeVar

RUNNING: Final = frozenset({"content", "description"})
"""Names of the fields that are running text; all others are one line."""

T = TypeVar("T")


def free_texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Path (`signer.full_name`, `response_for[0].code`) and text of every field that holds one."""
    if isinstance(value, Enum):  # a word of ours
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from free_texts(one, f"{path}[{index}]")
    elif is_dataclass(value) and not isinstance(value, type):
        inside = f"{path}." if path else ""
        model: type = type(value)
        for name in _names(model):
            one = getattr(value, name)
            if type(one) is str:  # most are, and need no generator of their own
                yield inside + name, one
            elif one is not None and one != ():
                yield from free_texts(one, inside + name)


@lru_cache(256)
def _names(model: type) -> tuple[str, ...]:
    """Of the fields of one of our data classes."""
    return tuple(field.name for field in fields(model))


def is_running(path: str) -> bool:
    """Whether that field is running text."""
    return path.rpartition(".")[2] in RUNNING


def with_texts(value: T, change: Callable[[str, str], str], path: str = "") -> T:
    """The same with every free text changed; `change` is handed path and text."""
    changed: Any = value
    if isinstance(value, str) and not isinstance(value, Enum):
        changed = change(path, value)
    elif isinstance(value, tuple):
        changed = tuple(with_texts(one, change, f"{path}[{index}]") for index, one in enumerate(value))
    elif is_dataclass(value) and not isinstance(value, type):
        inside = {field.name: getattr(value, field.name) for field in fields(value)}
        changed = replace(
            value,
            **{name: with_texts(one, change, f"{path}.{name}" if path else name) for name, one in inside.items()},
        )
    found: T = changed
    return found
