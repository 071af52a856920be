"""Why something is not as it must be, as a parameter of an error: a word of the catalogue, not a sentence of ours.

An error's text quotes its reason, and is told in two languages: so the reason is told by its word (`why.<word>` in the
catalogue) and turned into one of them where the text is. In a log it is the word itself, with its parameters.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OS_WORDS: Final = frozenset(
    {
        *(
            "enoent",
            "eacces",
            "eperm",
            "eisdir",
            "enotdir",
            "eloop",
            "enametoolong",
            "eio",
            "erofs",
            "enospc",
            "emfile",
        ),
        *("eaddrnotavail", "estale", "etimedout", "enxio"),
    }
)
"""What the operating system says, by the name of its error number (POSIX errno.h); others keep their own words."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A text of the catalogue inside another one. `params` may hold reasons, too."""

    message_id: str
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        inside = " ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.message_id.removeprefix('why.')} {inside}".rstrip()


@dataclass(frozen=True, slots=True)
class Reasons:
    """Several at once."""

    each: tuple[Reason, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.each))


def because(word: str, /, **params: object) -> Reason:
    """The reason `why.<word>`."""
    return Reason(f"why.{word}", dict(params))


def of_os(error: OSError) -> Reason:
    """What the operating system said: in words of the catalogue as far as there are any."""
    word = errno.errorcode.get(error.errno or 0, "").lower()
    return because(word) if word in OS_WORDS else because("other", detail=error.strerror or type(error).__name__)
