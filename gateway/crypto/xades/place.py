"""Where a text is put into a file that stays as it is: before one end tag, found in the bytes and not by writing a tree anew.

In a file that `safe_xml` took there is no comment, no instruction and no DTD, and an attribute's value holds no `<`; so
outside CDATA sections, which are refused here, `</` begins an end tag wherever it stands.
"""

import re
from functools import lru_cache


@lru_cache(maxsize=16)
def _end_tag(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"</(?:[^<>:]*:)?" + re.escape(name).encode() + rb"[ \t\r\n]*>")


def before_end_of(data: bytes, name: str) -> int:
    """Where the end tag of the one element of that local name begins.

    Raises:
        ValueError: there is none, or more than one, or a CDATA section in which one could be read.
    """
    found = [match.start() for match in _end_tag(name).finditer(data)]
    if len(found) != 1 or b"<![CDATA[" in data:
        raise ValueError(f"not one end of {name}")
    return found[0]
