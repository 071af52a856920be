"""`python -m gateway` and the script `gateway`: the command line, and nothing else."""

import importlib
import os
import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """Run the program. Ctrl-C ends it at once and without a word, from the first line on.

    Also while it is being loaded, where Python would tell how far it had come, and later wherever nothing is under way
    that must be cancelled; `gateway.cli.lazy` listens while something is.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    code: int = importlib.import_module("gateway.cli").main()
    return code


if __name__ == "__main__":
    sys.exit(main())
