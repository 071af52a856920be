"""`gateway apikey`: a new API key for a body's system, and the table by which a gateway knows it. Changes nothing anywhere."""

import secrets
from dataclasses import replace

from gateway.access import make_key
from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.orders import KeyOrder
from gateway.cli.output import Terminal
from gateway.config import KEY_NAME_CHARS_MAX, key_table
from gateway.core.addresses import parse_range
from gateway.core.ids import ORGAN_ID, OrganId
from gateway.core.limits import ADDRESS_RANGES_MAX, ORGAN_ID_CHARS_MAX
from gateway.core.plain_text import first_unseen


def apikey(terminal: Terminal, order: KeyOrder) -> int:
    """Make the key and print its text, the only time that anybody sees it, and its table for the configuration.

    Raises:
        Failure: a code or a range that is none, or a name that the configuration would not take.
    """
    shown, row = make_key(
        name=_name(order.name),
        organs=[_organ(text) for text in order.organs],
        scopes=order.scopes,
        entropy=secrets.token_bytes,
        expires_at=order.expires_at,
    )
    row = replace(row, addresses=_ranges(order.addresses))
    table = key_table(row)
    if terminal.json:
        terminal.value({"key": shown, "key_id": row.key_id, "toml": table})
    else:
        for line in (shown, "", *table.splitlines()):
            terminal.print(line)
    terminal.say("cli.apikey.once")
    return Exit.OK


def _name(text: str) -> str:
    if not 1 <= len(text) <= KEY_NAME_CHARS_MAX or first_unseen(text):
        raise Failure("cli.key_name", limit=KEY_NAME_CHARS_MAX)
    return text


def _organ(text: str) -> OrganId:
    if len(text) > ORGAN_ID_CHARS_MAX or not ORGAN_ID.fullmatch(text):
        raise Failure("cli.organ", value=text)
    return OrganId(text)


def _ranges(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(texts) > ADDRESS_RANGES_MAX:
        raise Failure("cli.address", value=f"{len(texts)} × --address", limit=ADDRESS_RANGES_MAX)
    return tuple(dict.fromkeys(map(_range, texts)))


def _range(text: str) -> str:
    try:
        return str(parse_range(text))
    except ValueError as error:
        raise Failure("cli.address", value=text, limit=ADDRESS_RANGES_MAX) from error
