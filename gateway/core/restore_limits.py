"""Limits of what follows a restore, with the unit in their names and the reason beside them; all others are in `limits`."""

from typing import Final

from gateway.core.limits import KIB
from gateway.core.patience import DELIVERY_DEADLINE_DAYS_MAX

REOPENED_NUMBERS_PER_SECOND: Final = 100_000
"""After a restore numbers, cursors and positions begin at the seconds since 1970 times this. Nobody gives as many in a second,
so they are beyond all that were given before; and until the year 4800 below 2^53, as JSON needs them."""
RESYNC_PAGE_TRANSFERS: Final = 100
"""Transfers that one answer names, and that one question asks for again."""
RESYNC_MISSING_MAX: Final = 2_000
"""Transfers that one peer has named and that have not come yet: some have to come before it is asked for more of them. What a
peer invents never comes, and costs so many rows and no more."""
RESYNC_SCAN_TRANSFERS: Final = 200
"""Rows that are looked at for one answer: those of other destinations stand between them."""
RESYNC_BYTES_MAX: Final = 128 * KIB
"""A question or an answer: RESYNC_PAGE_TRANSFERS lines of 160 bytes each and one checkpoint, in base64."""
RESYNC_MARGIN_SECONDS: Final = 48 * 3600.0
"""Of the clocks and of whoever made the backup: asked for is what was sent so long before the moment that was gone back to, and
the whole deadline of a delivery."""
RESEND_SECONDS_MAX: Final = 30 * 24 * 3600.0
"""What was sent is kept for so long at least, and may be asked for again; whoever throws envelopes away reads this first."""
RESYNC_LOOK_SECONDS: Final = 2.0
"""Between two looks at what has come again."""
RESYNC_EMPTY_SECONDS: Final = 0.1
"""After a page that names nothing: of a peer's transfers, most go to others. Who only pretends cannot keep us busy with it."""
RESYNC_AGAIN_SECONDS: Final = 900.0
"""What has not come by then is asked for once more: the longest back-off of the peer."""

assert DELIVERY_DEADLINE_DAYS_MAX * 24 * 3600 + RESYNC_MARGIN_SECONDS < RESEND_SECONDS_MAX
