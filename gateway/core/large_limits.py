"""The bounds of large files, and of files that come in pieces, each with its reason; all others stand in `limits`."""

from typing import Final

from gateway.core import limits

PDF_BYTES_MAX: Final = limits.FILE_BYTES_MAX
"""A PDF, whatever the operator allows: it stands in the memory of a judge as a whole, and a signature in it costs a walk."""
LARGE_FILE_MIB_MAX: Final = 2 * 1024
"""What the operator can allow for one file ..."""
LARGE_DOCUMENT_MIB_MAX: Final = 2 * 1024 + 512
"""... and for all of one document: in base64 it stays below 4 GiB."""
LARGE_BYTES_PER_SECOND: Final = 8 * limits.MIB
"""What is above the usual bound of an envelope is given a second for each so many bytes, wherever it is judged, shown to a
scanner or waited for: measured, one core judges ten times as much."""
KEPT_BYTES_MAX: Final = limits.DOCUMENT_BYTES_MAX
"""Of the files of one envelope: what a judge keeps in memory and answers with. Further ones are decoded once more."""

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
LARGE_AT_ONCE_MAX: Final = 12
"""Such envelopes on their way to other gateways at a time: each may take an hour, and most of the `WORK_RUNNING_MAX` places
stay with letters and documents' own steps."""
LARGE_AT_ONCE_TO_ONE: Final = 2
"""... and to one gateway: one fills its line, and six slow ones are not all that there is."""
LARGE_TURN_SECONDS: Final = 60.0
"""For so long one of them is carried, then whatever else is due to that gateway has its turn: a road that is half open has one
place. It goes on from where it was."""
LARGE_WAIT_SECONDS: Final = 15.0
"""After which one that found no place looks again: a unit of work each time, and an eighth of what the smallest may take."""
UPLOAD_PIECE_BYTES: Final = 16 * limits.MIB
"""What one gateway sends to another in one request: within `TRANSFER_SECONDS_MAX` on a line of 1.2 Mbit/s."""
UPLOAD_PIECE_BYTES_MAX: Final = 64 * limits.MIB
"""What it takes in one."""
UPLOAD_BUSY_SECONDS: Final = 5.0
"""How long a piece waits for the one before it that is still being written, before it is told to come back."""

assert PDF_BYTES_MAX <= limits.FILE_BYTES_MAX
assert KEPT_BYTES_MAX + limits.MARKUP_BYTES_MAX < limits.WORKER_ANSWER_BYTES_MAX
assert LARGE_FILE_MIB_MAX <= LARGE_DOCUMENT_MIB_MAX
assert LARGE_DOCUMENT_MIB_MAX * limits.MIB * 4 // 3 + limits.ENVELOPE_BYTES_MAX < limits.HAND_ENVELOPE_BYTES_MAX
assert limits.WINDOW_MAX <= UPLOADS_PER_OWNER_MAX < UPLOADS_MAX
assert UPLOAD_PIECE_BYTES <= UPLOAD_PIECE_BYTES_MAX
assert LARGE_AT_ONCE_TO_ONE < LARGE_AT_ONCE_MAX <= limits.WORK_RUNNING_MAX // 2
assert LARGE_WAIT_SECONDS < limits.TRANSFER_SECONDS_MAX
