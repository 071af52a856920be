"""The plug-in edge: the one place of this room where a library's failure of any kind becomes a value.

pyHanko, pyhanko-certvalidator, asn1crypto and cryptography meet hostile bytes with whatever exception their depths throw
(signing.md 1.2 G: OSError, KeyError, AssertionError, "math domain error" ...). A judgement must come out all the same,
and must never be TOTAL-PASSED. So each judgement is made inside `attempt`, and its failure is a `Trouble` that the
caller turns into INDETERMINATE with the reason kept.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_REASON_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a library threw, as one line for the technical part of a report."""

    reason: str


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Trouble:
    """What the function returns, or the trouble it ran into. Memory and process limits still end the process."""
    try:
        return function(*args, **kwargs)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the plug-in edge, a named border: see the module's docstring
        words = " ".join(str(error).split())
        return Trouble(f"{type(error).__name__}: {words}"[:_REASON_CHARS_MAX])


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait to its end, without an event loop.

    The libraries' validation is written as coroutines for the sake of fetching, which we forbid; a loop would cost a
    self-pipe (a socket, which a judge may not have) and cannot be nested in a running one.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a validation without fetching wanted to wait")
