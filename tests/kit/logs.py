"""What the gateway logs, caught as a test reads it: the real configuration, another stream."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.observe import configure_logging


@contextmanager
def caught_logs() -> Iterator[io.StringIO]:
    """The stream of everything that is logged inside; afterwards the root logger is as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging(stream=stream, level="DEBUG")
    try:
        yield stream
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def logged_events(stream: io.StringIO) -> list[dict[str, Any]]:
    """One object for each line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
