"""What `doctor` sees of a token without logging in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSeen:
    """A token that is there, and whose PIN may be tried."""

    few_tries: bool
    """Somebody gave a wrong PIN since the last right one (CKF_USER_PIN_COUNT_LOW)."""
    unseen: tuple[str, ...]
    """Ids of keys whose certificate is not in sight: it is another one's, or hidden until login."""
