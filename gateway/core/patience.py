"""How long deliveries, queues and roads are given before something is done about them, each with its reason."""

from typing import Final

# --- deliveries --------------------------------------------------------------------------------------------------------
DELIVERY_DEADLINE_DAYS_DEFAULT: Final = 14
"""Days of the calendar until a delivery expires. At Tết all rests for 9.6 days; then a machine has to be mended."""
DELIVERY_DEADLINE_DAYS_MIN: Final = 5
"""A weekend with two holidays beside it, from Friday evening to Wednesday morning, is 4.6 days."""
DELIVERY_DEADLINE_DAYS_MAX: Final = 21
"""Who is away for longer is not coming back by itself. With the margin of a re-synchronisation it stays within the 30 days for
which a sender can hand over again."""
LATE_SECONDS_MAX: Final = 3600.0
"""A delivery without a receipt for longer than this is looked at by somebody ..."""
LATE_URGENT_SECONDS_MAX: Final = 120.0
"""... and one that is marked urgent (Khẩn and above) for longer than this (reliability.md B2.4)."""

# --- a clock that was wrong --------------------------------------------------------------------------------------------
PUT_OFF_SECONDS_MAX: Final = 2 * 3600.0
"""Nobody puts anything off for longer than an hour: what is due later than this was put off by a clock that was ahead."""
BROUGHT_FORWARD_SECONDS: Final = 60.0
"""How often such work is looked for: looks into indexes that find nothing, and one walk over what is due, for leases that
were given by such a clock (3 ms of 20,000 rows; an index would cost more, at each claim)."""
LATENESS_GRACE_SECONDS: Final = 3600.0
"""Nothing expires so soon after a start, or after the clock went forward: as long as a wrong clock is shown to whoever looks,
and four attempts for what waited in a gateway that was off."""
LAST_WORD_SECONDS: Final = 3600.0
"""After its deadline a transfer is only asked for. A peer that answers "later" is there and may hold it; the longest back-off
is a quarter of that."""
LAST_WORDS_MAX: Final = 10_000
"""Transfers of which that is remembered, 1 MB; one beyond waits for room, or until its peer has said it for so long."""

# --- documents' own steps ----------------------------------------------------------------------------------------------
STEPS_WAITING_MAX: Final = 10_000
"""Documents that wait to be judged, sealed and routed: some minutes of work. Beyond it new ones are put off, unread, ..."""
STEPS_WAITING_OF_ONE_MAX: Final = 5_000
"""... those of one body (it leaves half of the queue to the others), ..."""
STEPS_AGE_SECONDS_MAX: Final = 600.0
"""... and all when the oldest has waited for so long: they would only wait behind it."""

# --- roads -------------------------------------------------------------------------------------------------------------
ROAD_HEARD_SECONDS_MIN: Final = 30.0
"""A call of the peer opens its road at most so often: one connection each half minute costs nobody anything."""

assert DELIVERY_DEADLINE_DAYS_MIN <= DELIVERY_DEADLINE_DAYS_DEFAULT <= DELIVERY_DEADLINE_DAYS_MAX
assert LATE_URGENT_SECONDS_MAX < LATE_SECONDS_MAX
