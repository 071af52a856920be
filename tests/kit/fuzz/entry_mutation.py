"""Changes of files of many kinds under one roof: of JSON by its values, of DER by its values, of PEM, of text."""

import base64
import json
import re
from random import Random
from typing import Any, Final

from tests.kit.fuzz import crypto_mutation, mutation
from tests.kit.fuzz.asn1 import Asn1Mutator

SIZE_MAX: Final = 64 * 1024
_ODD: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**53,
        2**64,
        10**400,
        1.5,
        "",
        " ",
        "x",
        "\0",
        "\ud800",
        "é",
        "9" * 5_000,
        "../x",
    ),
    *([], {}, [[]], {"": ""}, "2026-11-20T00:00:00Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00"),
)
_WORDS: Final = tuple(
    b"= == [ ] { } \" ' , : ; ? & # % %00 %zz %ff %C3 \\u0000 \\ud800 \r\n \n\n \t true false nan inf -0 1e999 0x10 1979-05-27 "
    b"9999999999999999999999 pkcs11: token= id= module-path= pin-source= file:// \xff \xc3\x28 \xef\xbb\xbf".split(b" ")
)
_ARMOR: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END")


class Mutator:
    """Makes files out of files; the entry in the first line stays what it is."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._asn1 = Asn1Mutator(random)
        self._xml = mutation.Mutator(random)
        self._pdf = crypto_mutation.Mutator(random)

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A file with a few changes; `other` lends parts."""
        entry, _, body = data.partition(b"\n")
        return entry + b"\n" + self._changed(body, other.partition(b"\n")[2])[:SIZE_MAX]

    def _changed(self, body: bytes, lent: bytes) -> bytes:
        if self._random.random() < 0.2:
            return self._bytes(body, lent)
        armor = _ARMOR.search(body)
        if armor is not None:
            return body[: armor.start(2)] + self._armored(armor[2], lent) + body[armor.end(2) :]
        if body[:1] == b"{":
            return self._json(body, lent)
        if body[:5] == b"%PDF-":
            return self._pdf.mutant(b"pdf\n" + body, b"\n" + lent).partition(b"\n")[2]
        if body[:1] == b"<":
            return self._xml.mutant(body, lent)
        if body[:1] == b"\x30":
            return self._asn1.mutant(body, lent)
        return self._text(body, lent)

    def _armored(self, text: bytes, lent: bytes) -> bytes:
        try:
            return base64.encodebytes(self._asn1.mutant(base64.b64decode(text), lent))
        except ValueError:
            return self._bytes(text, lent)

    def _json(self, body: bytes, lent: bytes) -> bytes:
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            return self._bytes(body, lent)
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            places = list(_places(tree))
            if not places:
                break
            holder, name = self._random.choice(places)
            self._set(holder, name, self._random.choice(places))
        return json.dumps(tree).encode()

    def _set(self, holder: Any, name: Any, lent: tuple[Any, Any]) -> None:
        way = self._random.randrange(5)
        value = holder[name]
        if (
            isinstance(value, str) and value[:1] == "{" and self._random.random() < 0.5
        ):  # seldom else: it is one of many
            holder[name] = self._inside(value)
        elif way == 0:
            holder[name] = self._random.choice(_ODD)
        elif way == 1:
            holder[name] = json.loads(json.dumps(lent[0][lent[1]]))  # a copy: a tree that holds itself is no file
        elif way == 2 and isinstance(value, list):
            holder[name] = value * self._random.choice((2, 2, 30))
        elif way == 3 and isinstance(holder, dict):
            del holder[name]
        elif isinstance(value, str):
            holder[name] = self._inside(value)
        elif isinstance(value, int):
            holder[name] = value + self._random.choice((1, -1, 256, 2**40))
        else:
            holder[name] = self._random.choice(_ODD)

    def _inside(self, value: str) -> str:
        """A text; what is JSON is changed as JSON and stays canonical, what is base64 of DER as DER."""
        if value[:1] == "{":
            return self._json_inside(value)
        try:
            der = base64.b64decode(value, validate=True)
        except ValueError:
            der = b""
        if der[:1] == b"\x30":
            return base64.b64encode(self._asn1.mutant(der, b"")).decode()
        return self._text(value.encode("utf-8", "surrogatepass"), b"").decode("utf-8", "replace")

    def _json_inside(self, value: str) -> str:
        try:
            tree = json.loads(self._json(value.encode(), b""))
        except (ValueError, RecursionError):
            return value[:-1]
        return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _text(self, body: bytes, lent: bytes) -> bytes:
        at = self._random.randrange(len(body) + 1)
        way = self._random.randrange(5)
        if way == 0:
            return body[:at] + self._random.choice(_WORDS) + body[at:]
        if way == 1:
            return body[:at] + body[at + self._random.randrange(1, 30) :]
        if way == 2:
            lines = body.split(b"\n")
            lines.insert(self._random.randrange(len(lines) + 1), self._random.choice(lines))
            return b"\n".join(lines)
        if way == 3:
            numbers = list(re.finditer(rb"\d+", body))
            if numbers:
                one = self._random.choice(numbers)
                return (
                    body[: one.start()] + self._random.choice((b"0", b"-1", b"2" * 30, b"1e9", b"")) + body[one.end() :]
                )
        return self._bytes(body, lent)

    def _bytes(self, body: bytes, lent: bytes) -> bytes:
        at = self._random.randrange(len(body) + 1)
        way = self._random.randrange(4)
        if way == 0 and at < len(body):
            return body[:at] + bytes([body[at] ^ (1 << self._random.randrange(8))]) + body[at + 1 :]
        if way == 1:
            return body[:at] + body[at + self._random.randrange(1, 200) :]
        if way == 2:
            return body[:at] + lent[self._random.randrange(len(lent) + 1) :]
        return body[:at]


def _places(tree: Any) -> "list[tuple[Any, Any]]":
    """Everything that stands somewhere in it: what holds it, and under which name."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left:
        holder = left.pop()
        names = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for name in names:
            found.append((holder, name))
            left.append(holder[name])
    return found
