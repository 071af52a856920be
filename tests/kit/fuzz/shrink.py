"""The same failure with as few bytes as will do it."""

from tests.kit.fuzz.bounds import bounded
from tests.kit.fuzz.campaign import PIECES, Examine, signature


def failure_of(examine: Examine, data: bytes) -> str:
    """The signature of what the file does; empty when it does nothing."""
    for piece in PIECES:
        try:
            with bounded():
                examine(data, piece=piece)
        except Exception as error:  # what is looked for
            return signature(error)
    return ""


def shrunk(examine: Examine, data: bytes) -> bytes:
    """Leave out ever smaller parts for as long as the failure stays (Zeller's ddmin, without its complements)."""
    wanted = failure_of(examine, data)
    size = len(data) // 2
    while wanted and size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if failure_of(examine, shorter) == wanted:
                data = shorter
            else:
                at += size
        size //= 2
    return data
