"""The bounds of files that come in pieces, each with its reason; all others stand in `limits`."""

from typing import Final

from gateway.core import limits

UPLOADS_MAX: Final = 256
"""Files that come in pieces, ours and partners' together: each is two names in a folder and an entry in memory."""
UPLOADS_PER_OWNER_MAX: Final = 16
"""... and those of one key or gateway: all that one sends at a time (`WINDOW_MAX`)."""
UPLOADS_DISK_PERCENT_MAX: Final = 25
"""Of the disk, for what was announced of all of them, come or not; one owner has half of that, or one upload."""
UPLOADS_SPENT_MAX: Final = 1_000
"""Of one owner: what was handed in is remembered, without its bytes, for whoever hands it in again: an answer was lost."""
UPLOAD_IDLE_SECONDS_MAX: Final = 48 * 3600.0
"""An upload to which nothing came for this long is forgotten: a weekend's cut costs a repeat and nothing else."""
UPLOAD_TIDY_SECONDS: Final = 3600.0
UPLOAD_FLUSH_BYTES: Final = 32 * limits.MIB
"""What comes in one piece is made durable, and counts as there, by so much: what a power cut may cost."""
PIECES_ABOVE_BYTES: Final = limits.ENVELOPE_BYTES_MAX
"""Envelopes up to that size go to another gateway in one request, larger ones in pieces."""
UPLOAD_PIECE_BYTES: Final = 16 * limits.MIB
"""What one gateway sends to another in one request: within `TRANSFER_SECONDS_MAX` on a line of 1.2 Mbit/s."""
UPLOAD_PIECE_BYTES_MAX: Final = 64 * limits.MIB
"""What it takes in one."""
UPLOAD_BUSY_SECONDS: Final = 5.0
"""How long a piece waits for the one before it that is still being written, before it is told to come back."""

assert limits.WINDOW_MAX <= UPLOADS_PER_OWNER_MAX < UPLOADS_MAX
assert UPLOAD_PIECE_BYTES <= UPLOAD_PIECE_BYTES_MAX
