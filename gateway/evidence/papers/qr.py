"""The QR code of a report (ISO/IEC 18004): the digest of its record, so that a print can be told to belong to it.

It names no address: whoever holds the paper needs nobody's server, and `sha256sum verification.json` gives the same letters.
"""

import io

import segno


def payload(digest: str) -> str:
    """What the code says."""
    return f"sha256:{digest}"


def matrix(digest: str) -> tuple[tuple[bool, ...], ...]:
    """Dark and light modules, row by row, the quiet zone included."""
    return tuple(tuple(bool(module) for module in row) for row in _code(digest).matrix_iter(border=4))


def svg(digest: str) -> str:
    """The code as an SVG element: black on white whatever the page's colours are, for cameras."""
    out = io.BytesIO()
    _code(digest).save(out, kind="svg", border=4, light="#fff", dark="#000", omitsize=True, xmldecl=False, svgns=False)
    return out.getvalue().decode()


def _code(digest: str) -> segno.QRCode:
    return segno.make(payload(digest), error="m", micro=False)
