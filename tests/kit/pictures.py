"""Pictures of a hand signature and of a seal, drawn here: blue and red, transparent, with their true size."""

import math
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

DPI = 300
MM = DPI / 25.4
BLUE = (20, 60, 190, 255)
RED = (218, 28, 28, 255)
CLEAR = (0, 0, 0, 0)


def png(image: Image.Image, *, dpi: int | None = DPI) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", **({} if dpi is None else {"dpi": (dpi, dpi)}))
    return out.getvalue()


@cache
def hand_signature(width_mm: float = 45, height_mm: float = 20) -> bytes:
    """A swing of the pen."""
    width, height = round(width_mm * MM), round(height_mm * MM)
    image = Image.new("RGBA", (width, height), CLEAR)
    points = [
        (
            width * (0.05 + 0.9 * step / 400),
            height * (0.5 - 0.4 * math.sin(step / 22) * math.exp(-step / 320) - 0.05 * math.cos(step / 7)),
        )
        for step in range(401)
    ]
    ImageDraw.Draw(image).line(points, fill=BLUE, width=7, joint="curve")
    return png(image)


@cache
def seal(diameter_mm: float = 36, *, dpi: int | None = DPI) -> bytes:
    """Two rings and a star."""
    side = round(diameter_mm * MM)
    image = Image.new("RGBA", (side, side), CLEAR)
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 4, side - 5, side - 5), outline=RED, width=9)
    pen.ellipse((side * 0.2, side * 0.2, side * 0.8, side * 0.8), outline=RED, width=5)
    star = [
        (
            side / 2 + side * (0.18 if step % 2 == 0 else 0.07) * math.sin(step * math.pi / 5),
            side / 2 - side * (0.18 if step % 2 == 0 else 0.07) * math.cos(step * math.pi / 5),
        )
        for step in range(10)
    ]
    pen.polygon(star, fill=RED)
    return png(image, dpi=dpi)


@cache
def opaque() -> bytes:
    """A picture on white paper."""
    return png(Image.new("RGB", (100, 100), (255, 255, 255)))
