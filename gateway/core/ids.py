"""Identifiers: opaque, sortable by time, made from a clock and a source of randomness that are handed in."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, NewType

from gateway.core.clock import to_millis

OrganId = NewType("OrganId", str)
"""Electronic identification code of a body (Decision 20/2020/QD-TTg, art. 4-6): `H29.16`, at most 35 characters."""
GatewayId = NewType("GatewayId", str)
"""Name of a gateway in the registry: also the DNS name in its TLS certificate and the origin of its audit log."""
DocumentKey = NewType("DocumentKey", str)
DeliveryKey = NewType("DeliveryKey", str)
TransferKey = NewType("TransferKey", str)
EntryKey = NewType("EntryKey", str)
AmendmentKey = NewType("AmendmentKey", str)
TimestampKey = NewType("TimestampKey", str)
"""Of a timestamp that is owed."""
Digest = NewType("Digest", str)
"""SHA-256 in lower-case hex."""

ORGAN_ID: Final = re.compile(r"[A-Z][0-9]{2}(\.[A-Z0-9]+)*")
"""QD20 art. 4: groups of A-Z, 0-9, level 1 first. Use with `fullmatch`, and bound the length by `ORGAN_ID_CHARS_MAX`."""
KEY: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Entropy = Callable[[int], bytes]
"""`secrets.token_bytes`, or a seeded source in tests."""


def uuid7(moment: datetime, entropy: Entropy) -> str:
    """A UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 random bits."""
    random = int.from_bytes(entropy(10))
    value = (
        (to_millis(moment) & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (random >> 68 & 0xFFF) << 64
        | 0b10 << 62
        | random & (1 << 62) - 1
    )
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
