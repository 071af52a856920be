"""Pictures of seals and hand signatures: PNG with transparency, read with bounds; run it in a judge.

A picture comes from a configuration or from whoever asks for a signature: nobody knows who drew it with what.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.reasons import because
from gateway.crypto.edge import Trouble, attempt

_MM_PER_INCH: Final = 25.4
_DPI_MIN: Final = 30.0
"""Less than that is no resolution: 72 and 96 are what programs write that do not know, and they are told as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Pixels, row by row from the top."""

    columns: int
    rows: int
    colours: bytes
    """Red, green and blue of each."""
    opacity: bytes
    """0 transparent, 255 opaque."""
    width_mm: float | None
    """As the picture says (pHYs); None where it does not."""


def read_picture(png: bytes) -> Picture:
    """The picture.

    Raises:
        SenderError: `seal.appearance`: no PNG that can be read, too large, or not transparent anywhere: its paper would hide
            what it is put upon.
    """
    if len(png) > limits.PICTURE_BYTES_MAX:
        raise SenderError("seal.appearance", reason=because("picture_size", limit=limits.PICTURE_BYTES_MAX))
    opened = attempt(Image.open, BytesIO(png), formats=("PNG",))
    if isinstance(opened, Trouble):
        raise SenderError("seal.appearance", reason=because("picture_form", detail=opened.reason))
    columns, rows = opened.size
    if columns * rows > limits.PICTURE_PIXELS_MAX:
        raise SenderError("seal.appearance", reason=because("picture_pixels", limit=limits.PICTURE_PIXELS_MAX))
    pixels = attempt(opened.convert, "RGBA")
    if isinstance(pixels, Trouble):
        raise SenderError("seal.appearance", reason=because("picture_form", detail=pixels.reason))
    opacity = pixels.getchannel("A")
    least, most = opacity.getextrema()
    if least == 255 or most == 0:  # it hides everything, or shows nothing
        raise SenderError("seal.appearance", reason=because("picture_opaque"))
    return Picture(
        columns=columns,
        rows=rows,
        colours=pixels.convert("RGB").tobytes(),
        opacity=opacity.tobytes(),
        width_mm=_width(columns, opened.info.get("dpi")),
    )


def _width(columns: int, resolution: object) -> float | None:
    match resolution:
        case (float() | int() as across, _) if across >= _DPI_MIN:
            return columns / across * _MM_PER_INCH
    return None
