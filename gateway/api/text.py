"""Which letters a line of text may hold, for programs and for the document that tells programs."""

import re
from typing import Final

_FORBIDDEN: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff"
NOT_IN_A_LINE: Final = re.compile(f"[{_FORBIDDEN}]")
"""Control characters (C0, C1), line and paragraph separators, and what turns the direction of writing around: none has a
place in a line of text, and each can make a person read something else than what was signed (security.md 26)."""
PLAIN_LINE: Final = f"^[^{_FORBIDDEN}]*$"
"""The same as a JSON Schema pattern (ECMA-262)."""
PLAIN_LINES: Final = rf"^([^{_FORBIDDEN}]|[\t\n\r])*$"
"""Running text: line breaks and tabs are welcome."""
