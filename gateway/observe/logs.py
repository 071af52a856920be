"""Logs: one JSON object per line, RFC 3339 in UTC, pure ASCII, ids bound by context, no secrets and no content.

Loggers made here and the loggers of libraries end in the same handler, so the rules hold for both. ASCII is what makes
injection impossible: every control character, U+2028 and the like leave as an escape (security.md 28).
"""

import json
import logging
import math
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO, cast

import structlog

from gateway.core.clock import rfc3339
from gateway.core.errors import GatewayError

CONTEXT_IDS: Final = frozenset(
    {"trace_id", "request_id", "document", "delivery", "transfer", "entry", "peer", "principal"}
)
"""Ids that may be bound for everything logged inside a block."""

VALUE_CHARS_MAX: Final = 2_000
FRAMES_MAX: Final = 40
DEPTH_MAX: Final = 4

_WITHHELD: Final = "[withheld]"
_SECRET_WORDS: Final = ("authorization", "api_key", "apikey", "secret", "password", "cookie", "token", "private_key")
_CONTENT_KEYS: Final = frozenset(
    {"subject", "trich_yeu", "content", "body", "payload", "data", "text", "metadata", "headers", "file_name"}
)
# An API key that slipped into a value all the same (an URL, a message of a library) is cut out of the finished line.
_KEY_IN_TEXT: Final = re.compile(r"gwk_[A-Za-z0-9]{1,32}_[A-Za-z0-9_-]+|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}")
_HANDLER: Final = "gateway.observe"
_WRITER: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False)
_KEYS_MAX: Final = 512
"""There are about a hundred."""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_Event = MutableMapping[str, Any]


def configure_logging(*, stream: TextIO, level: str = "INFO") -> None:
    """Send every log record of the process to `stream`, from `level` on. A second call replaces the first."""
    handler = logging.StreamHandler(stream)
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                _head,
                _exception,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _withhold,
                _render,
            ],
            foreign_pre_chain=[structlog.contextvars.merge_contextvars],
        )
    )
    root = logging.getLogger()
    for old in [known for known in root.handlers if known.get_name() == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())


def set_log_level(level: str) -> None:
    """Log from this level on."""
    logging.getLogger().setLevel(level.upper())


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a room: `log.info("transfer.answered", attempts=2)`. Event names are fixed words, facts are keys."""
    return cast(
        "structlog.stdlib.BoundLogger",
        structlog.wrap_logger(
            logging.getLogger(name),
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        ),
    )


@contextmanager
def bound_ids(**ids: str) -> Iterator[None]:
    """Give these ids (of `CONTEXT_IDS`) to everything that is logged inside the block, in this task and its children."""
    assert ids.keys() <= CONTEXT_IDS, f"not an id that may be bound: {sorted(ids.keys() - CONTEXT_IDS)}"
    with structlog.contextvars.bound_contextvars(**ids):
        yield


# =====================================================================================================================
# Processors, in the order in which they run
# =====================================================================================================================


def _head(_logger: object, _method: str, event: _Event) -> _Event:
    """Put time, level and logger first; they come from the record, so that libraries look the same as we do."""
    record: logging.LogRecord = event["_record"]
    head: _Event = {
        "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event.pop("event", ""),
    }
    return {**head, **event}


def _exception(_logger: object, _method: str, event: _Event) -> _Event:
    """Replace `exc_info` by types and places. Foreign messages stay out: they like to quote what they choked on."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    if isinstance(raised, BaseException):
        raised = (type(raised), raised, raised.__traceback__)
    if isinstance(raised, tuple) and raised[1] is not None:
        event["exception"] = _story(cast("_ExcInfo", raised))
    return event


def _story(raised: _ExcInfo) -> list[dict[str, object]]:
    """The exception and what caused it, innermost last."""
    story: list[dict[str, object]] = []
    exception: BaseException | None = raised[1]
    while exception is not None and len(story) < DEPTH_MAX:
        frames = traceback.extract_tb(exception.__traceback__)[-FRAMES_MAX:]
        line: dict[str, object] = {
            "type": type(exception).__qualname__,
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        # GatewayErrors and assertions are our own words; an OSError names only the call that failed.
        if isinstance(exception, GatewayError | AssertionError):
            line["message"] = str(exception)
        elif isinstance(exception, OSError) and exception.strerror:
            line["message"] = exception.strerror
        story.append(line)
        exception = exception.__cause__ or (None if exception.__suppress_context__ else exception.__context__)
    return story


def _withhold(_logger: object, _method: str, event: _Event) -> _Event:
    """Keep secrets and content out, whatever the caller thought."""
    return {key: _clean(key, value, 0) for key, value in event.items()}


@lru_cache(_KEYS_MAX)
def _is_withheld(key: str) -> bool:
    """Whether secrets or content stand under that name."""
    name = key.lower().replace("-", "_")
    return name in _CONTENT_KEYS or any(word in name for word in _SECRET_WORDS)


def _clean(key: str, value: object, depth: int) -> object:
    if _is_withheld(key):
        return _WITHHELD
    if isinstance(value, str):
        return value if len(value) <= VALUE_CHARS_MAX else value[:VALUE_CHARS_MAX] + "..."
    if depth < DEPTH_MAX:
        if isinstance(value, Mapping):
            return {str(inner): _clean(str(inner), item, depth + 1) for inner, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_clean("", item, depth + 1) for item in value]
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _stand_in(value)


def _stand_in(value: object) -> str:
    """What is written for a value that is not plain: never its repr, which may be a whole document."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return rfc3339(value)
    if isinstance(value, PurePath | float):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return f"<{type(value).__qualname__}>"


def _render(_logger: object, _method: str, event: _Event) -> str:
    line = _WRITER.encode(event)
    return _KEY_IN_TEXT.sub(_WITHHELD, line) if "gwk_" in line or "bearer" in line.lower() else line
