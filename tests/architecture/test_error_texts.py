"""Every place that raises an error fills every placeholder of its texts: a person never reads "unknown" for a number."""

import ast
import gettext
import re
from pathlib import Path

import gateway
from gateway.core.errors import CATALOGUE

ROOT = Path(gateway.__file__).parent
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
FAMILIES = {
    "GatewayError",
    "SenderError",
    "AccessError",
    "NotFound",
    "Conflict",
    "RoadError",
    "PeerError",
    "SiteError",
}


def wanted() -> dict[str, set[str]]:
    texts = gettext.translation("gateway", ROOT / "observe" / "locale", ["vi"])
    return {code: set(PLACEHOLDER.findall(texts.gettext(code) + texts.gettext(f"{code}.todo"))) for code in CATALOGUE}


def test_every_error_that_is_raised_fills_its_texts() -> None:
    texts, gaps = wanted(), []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in FAMILIES and node.args):
                continue
            code = node.args[0]
            if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
                continue
            given = {keyword.arg for keyword in node.keywords}
            if None in given:
                continue  # **params: handed on from elsewhere
            missing = texts[code.value] - given
            if missing:
                gaps.append(f"{path.relative_to(ROOT)}:{node.lineno} {code.value}: {sorted(missing)}")
    assert gaps == []
