"""What holds for every test."""

import signal

# A run that a shell put into the background ignores Ctrl-C, and every process it starts would inherit that (POSIX, shell
# command language, 2.11): tests that press Ctrl-C in another process need the rule of a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
