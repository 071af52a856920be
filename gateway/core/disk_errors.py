"""Which errors of a disk mean what, to every room that makes something durable."""

import errno
from typing import Final

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Full, or read-only: what was not written may be written when there is room again."""
FAILING: Final = frozenset({errno.EIO, errno.EUCLEAN})
"""The disk itself, or a file system that has found itself broken: the process ends (reliability.md B2.5)."""
