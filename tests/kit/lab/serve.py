"""`gateway serve` as the lab starts it: the product, with its longest waits made short.

A road that is found closed is tried again after 1 s, 2 s, 4 s ... up to a quarter of an hour. Who is killed every other second
is found closed more often than not, so that in minutes the lab would test nothing but that wait. Here it ends at
`CAP_SECONDS`, and so does that for a timestamp that is owed. The numbers are set before anybody has read them; nothing
else is touched.
"""

import sys
from importlib import import_module

from gateway.core import limits

CAP_SECONDS = 2.0


def main() -> None:
    for name in ("BACKOFF_CAP_SECONDS", "TIMESTAMP_BACKOFF_FIRST_SECONDS", "TIMESTAMP_BACKOFF_CAP_SECONDS"):
        setattr(limits, name, CAP_SECONDS)
    backoff = import_module("gateway.delivery.backoff")
    assert backoff.BACKOFF_CAP_SECONDS == CAP_SECONDS, "it was read before it was set"
    sys.exit(import_module("gateway.__main__").main())


if __name__ == "__main__":
    main()
