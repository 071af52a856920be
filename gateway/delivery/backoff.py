"""How long to wait after a failure: doubling with full jitter, capped (reliability.md B2.4)."""

from gateway.core.ids import Entropy
from gateway.core.limits import (
    BACKOFF_CAP_SECONDS,
    BACKOFF_FIRST_SECONDS,
    TIMESTAMP_BACKOFF_CAP_SECONDS,
    TIMESTAMP_BACKOFF_FIRST_SECONDS,
)

_DOUBLINGS_MAX = 30
"""Beyond this the cap has long been reached, and 2**n would only grow into a bignum."""


def backoff(
    failures: int, entropy: Entropy, *, first: float = BACKOFF_FIRST_SECONDS, cap: float = BACKOFF_CAP_SECONDS
) -> float:
    """Seconds to wait after `failures` failures in a row (0 for the first): half fixed, half random.

    `first`: the longest wait after the first failure; `cap`: after any.

    The fixed half keeps a floor under repeated tries; the random half keeps many gateways from knocking together
    when a peer comes back.
    """
    ceiling = min(cap, first * 2.0 ** min(failures, _DOUBLINGS_MAX))
    return ceiling / 2 + ceiling / 2 * int.from_bytes(entropy(4)) / 2**32


def timestamp_backoff(failures: int, entropy: Entropy) -> float:
    """The same for what is owed a timestamp: minutes to an hour, for nobody waits."""
    return backoff(failures, entropy, first=TIMESTAMP_BACKOFF_FIRST_SECONDS, cap=TIMESTAMP_BACKOFF_CAP_SECONDS)
