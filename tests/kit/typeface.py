"""Makes the typeface that the gateway carries out of the whole one (Debian's fonts-croscore): its Vietnamese part, and a table.

    .venv/bin/python -m tests.kit.typeface /usr/share/fonts/truetype/croscore/Tinos-Regular.ttf

Done once, and the result is kept: `gateway/crypto/pades/typeface/`. Run again it gives the same bytes.
"""

import json
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

import gateway

TARGET = Path(gateway.__file__).parent / "crypto" / "pades" / "typeface"
LETTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *(0x1A0, 0x1A1, 0x1AF, 0x1B0),
    *range(0x1EA0, 0x1EFA),
    *(0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x20AB),
)
"""Latin, the Vietnamese letters of Latin Extended Additional, quotation marks, dashes, the sign of the dong."""
_KEPT_NAMES = [0, 1, 2, 4, 5, 6, 13, 14]


def make(whole: Path, target: Path) -> None:
    """Write `tinos.ttf` and `tinos.json` into the folder."""
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = _KEPT_NAMES
    options.notdef_outline = True
    options.glyph_names = False
    options.recalc_timestamp = False
    options.drop_tables += ["kern", "GSUB", "GPOS", "GDEF", "DSIG", "gasp", "meta", "VDMX", "hdmx", "LTSH"]
    font = TTFont(whole, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=LETTERS)
    subsetter.subset(font)
    font.save(target / "tinos.ttf")
    (target / "tinos.json").write_text(json.dumps(table_of(font), ensure_ascii=False) + "\n", encoding="utf-8")


def table_of(font: TTFont) -> dict[str, object]:
    """What a PDF says of a typeface (ISO 32000-2 clause 9.8), and each letter's glyph and width, in thousandths of an em."""
    per_em = font["head"].unitsPerEm

    def scaled(units: int) -> int:
        return round(units * 1000 / int(per_em))

    head, os2 = font["head"], font["OS/2"]
    return {
        "ascent": scaled(font["hhea"].ascent),
        "descent": scaled(font["hhea"].descent),
        "cap_height": scaled(os2.sCapHeight),
        "box": [scaled(side) for side in (head.xMin, head.yMin, head.xMax, head.yMax)],
        "letters": {
            chr(code): [font.getGlyphID(name), scaled(font["hmtx"][name][0])]
            for code, name in sorted(font.getBestCmap().items())
        },
    }


if __name__ == "__main__":
    make(Path(sys.argv[1]), TARGET)
