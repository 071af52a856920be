"""`gateway serve` as the lab starts it: the product, with one number changed.

A road that is found closed is tried again after 1 s, 2 s, 4 s ... up to a quarter of an hour. Who is killed every other second
is found closed more often than not, so that in minutes the lab would test nothing but that wait. Here it ends at
`CAP_SECONDS`. The number is set before anybody has read it; nothing else is touched.
"""

import sys
from importlib import import_module

from gateway.core import limits

CAP_SECONDS = 2.0


def main() -> None:
    limits.BACKOFF_CAP_SECONDS = CAP_SECONDS  # type: ignore[misc]  # Final for everybody else
    backoff = import_module("gateway.delivery.backoff")
    assert backoff.BACKOFF_CAP_SECONDS == CAP_SECONDS, "it was read before it was set"
    sys.exit(import_module("gateway.__main__").main())


if __name__ == "__main__":
    main()
