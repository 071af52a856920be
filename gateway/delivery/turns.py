"""Whose turn a claim is: three of four go to the most urgent, one to the oldest of all, so that nothing starves.

A plain "every fourth" would not do: where two destinations take turns in finishing, every fourth claim is always the same
one's, and the other's old documents would wait for ever. The multiples of the golden ratio fall evenly into [0, 1) whichever
of them one looks at (Weyl), so every destination gets its share, whatever the rhythm in which its places become free.
"""

from typing import Final

from gateway.core.work import Turn

_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio, made odd."""
_WHOLE: Final = 1 << 64
_SHARE: Final = _WHOLE // 4
"""Of the claims, for the oldest."""


def turn_of(number: int) -> Turn:
    """Whose turn the claim of that number is."""
    return Turn.AGE if (number + 1) * _GOLDEN % _WHOLE < _SHARE else Turn.URGENCY
