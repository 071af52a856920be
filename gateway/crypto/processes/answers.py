"""How a worker's answer is written: as values, never as a program.

A judge may have been taken over by the file it looked at, so what comes back is hostile until it is read. Unpickling it
would run whatever it says; even an unpickler that finds only our own classes can be told to change them (the BUILD
opcode sets attributes of any object, a class or an enumeration's member included). So an answer is JSON with the byte
strings behind it, and reading it only ever *calls constructors* of a closed set of types: plain values, dates, and the
frozen data classes, enumerations and errors of this project.

    frame = length of the JSON (4 bytes, big endian) | JSON | byte strings, one after the other
    value = null | bool | number | string | {tag: content}
"""

import builtins
import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from gateway.core.errors import GatewayError

_LENGTH_BYTES: Final = 4
_ROOM: Final = "gateway."
_PLAIN: Final = frozenset({str, int, bool, float, type(None)})
_CLASSES_MAX: Final = 256
_UNREADABLE: Final = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError),
    *(RecursionError, TypeError, ValueError),
)
"""What the constructors of values raise for wrong arguments."""


def write_answer(verb: str, value: object) -> bytes:
    """The frame of an answer.

    Raises:
        TypeError: the value holds something that cannot be sent.
    """
    blobs: list[bytes] = []
    body = json.dumps([verb, _encode(value, blobs)], ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((len(body).to_bytes(_LENGTH_BYTES), body, *blobs))


def read_answer(frame: bytes) -> tuple[str, Any]:
    """Verb and value of a frame.

    Raises:
        ValueError: the frame is not of this form.
    """
    end = _LENGTH_BYTES + int.from_bytes(frame[:_LENGTH_BYTES])
    try:
        verb, content = json.loads(frame[_LENGTH_BYTES:end])
        return str(verb), _Reader(memoryview(frame)[end:]).decode(content)
    except _UNREADABLE as error:
        raise ValueError(f"not an answer: {type(error).__name__}") from error


def _encode(value: object, blobs: list[bytes]) -> object:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Enum):
        return {"enum": [_name(type(value)), value.value]}
    if isinstance(value, int | float | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        blobs.append(bytes(value))
        return {"bytes": len(value)}
    return _encode_many(value, blobs) or _encode_one(value, blobs)


def _encode_many(value: object, blobs: list[bytes]) -> dict[str, object] | None:
    """What holds other values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind, names = _form(type(value))
        return {"data": [kind, {name: _encode(getattr(value, name), blobs) for name in names}]}
    if isinstance(value, Mapping):
        return {"mapping": [[_encode(key, blobs), _encode(item, blobs)] for key, item in value.items()]}
    if isinstance(value, tuple | list | frozenset | set) and type(value).__name__ in _SEQUENCES:
        return {type(value).__name__: [_encode(item, blobs) for item in value]}
    return None


def _encode_one(value: object, blobs: list[bytes]) -> dict[str, object]:
    """What is one thing by itself."""
    match value:
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case timedelta():
            return {"timedelta": [value.days, value.seconds, value.microseconds]}
        case GatewayError():
            return {"error": [_name(type(value)), value.code, _encode(dict(value.params), blobs)]}
        case Exception() if type(value).__module__ == "builtins":
            return {"exception": [type(value).__name__, str(value)]}
        case Exception():
            kind = type(value)
            return {"exception": ["RuntimeError", f"{kind.__module__}.{kind.__qualname__}: {value}"]}
    raise TypeError(f"a worker cannot answer with {type(value).__module__}.{type(value).__qualname__}")


_SEQUENCES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "tuple": tuple,
    "list": list,
    "frozenset": frozenset,
    "set": set,
}


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


@lru_cache(_CLASSES_MAX)
def _form(kind: type) -> tuple[str, tuple[str, ...]]:
    """Name and fields of a data class: an envelope to 336 bodies holds a thousand objects of five."""
    return _name(kind), tuple(field.name for field in dataclasses.fields(kind) if field.init)


class _Reader:
    """Builds the values of one frame; each byte string is taken from the front of what is left."""

    def __init__(self, blobs: memoryview) -> None:
        self._blobs = blobs

    def decode(self, content: Any) -> Any:
        if type(content) in _PLAIN:
            return content
        if isinstance(content, list):
            raise TypeError("a list stands only behind a tag")
        ((tag, inside),) = content.items()
        if tag in _SEQUENCES:
            return _SEQUENCES[tag](self.decode(item) for item in inside)
        if tag not in _TAGS:
            raise ValueError("an unknown tag")
        return getattr(self, f"_{tag}")(inside)

    def _mapping(self, inside: Any) -> dict[Any, Any]:
        return {self.decode(key): self.decode(item) for key, item in inside}

    def _bytes(self, length: int) -> bytes:
        blob, self._blobs = bytes(self._blobs[:length]), self._blobs[length:]
        if len(blob) != length:
            raise ValueError("a byte string is cut short")
        return blob

    def _enum(self, inside: Any) -> Enum:
        name, value = inside
        return _find(name, _is_enumeration)(value)  # type: ignore[no-any-return]  # `_find` has looked

    def _data(self, inside: Any) -> Any:
        name, fields = inside
        kind = _find(name, dataclasses.is_dataclass)
        return kind(**{field: self.decode(value) for field, value in fields.items()})

    def _datetime(self, text: str) -> datetime:
        return datetime.fromisoformat(text)

    def _date(self, text: str) -> date:
        return date.fromisoformat(text)

    def _timedelta(self, inside: Any) -> timedelta:
        days, seconds, microseconds = inside
        return timedelta(days, seconds, microseconds)

    def _error(self, inside: Any) -> GatewayError:
        name, code, params = inside
        kind = _find(name, _is_error)
        return kind(code, **self.decode(params))  # type: ignore[no-any-return]  # `_find` has looked

    def _exception(self, inside: Any) -> Exception:
        name, text = inside
        kind = getattr(builtins, name)
        if not isinstance(kind, type) or not issubclass(kind, Exception):
            raise TypeError("not an exception of Python")
        try:
            return kind(text)
        except TypeError:  # UnicodeDecodeError and its like want more than a text
            return RuntimeError(f"{name}: {text}")


_TAGS: Final = frozenset({"mapping", "bytes", "enum", "data", "datetime", "date", "timedelta", "error", "exception"})


def _is_enumeration(kind: type) -> bool:
    return issubclass(kind, Enum)


def _is_error(kind: type) -> bool:
    return issubclass(kind, GatewayError)


@lru_cache(_CLASSES_MAX)
def _find(name: str, allowed: Callable[[Any], bool]) -> Any:
    """The class of that name in this project, if it is of an allowed kind."""
    module, _, path = name.partition(":")
    if not module.startswith(_ROOM):
        raise TypeError("a class of another project")
    found: Any = sys.modules.get(module) or import_module(module)
    for part in path.split("."):
        found = vars(found)[part]
    if not isinstance(found, type) or found.__module__ != module or not allowed(found):
        raise TypeError("not a value class")
    return found
