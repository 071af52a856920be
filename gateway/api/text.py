"""What a line of text may hold (`gateway.core.plain_text`), in JSON Schema for the document that tells programs."""

from typing import Final

from gateway.core.plain_text import NOT_PLAIN

PLAIN_LINE: Final = f"^[^{NOT_PLAIN}]*$"
"""As a pattern (ECMA-262)."""
PLAIN_LINES: Final = rf"^([^{NOT_PLAIN}]|[\t\n\r])*$"
"""Running text: line breaks and tabs are welcome."""
