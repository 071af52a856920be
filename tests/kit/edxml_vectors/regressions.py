"""What fuzzing or the field has found: made as small as it goes and kept."""

from typing import Final

REGRESSIONS: Final[dict[str, str | bytes]] = {}
