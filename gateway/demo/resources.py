"""The demo's files, wherever the project lies: inside the wheel, or in a checkout.

A wheel carries them under `gateway/demo/data` (pyproject.toml, force-include); a checkout has them where people look
for them, in `certs` and `config/demo`.
"""

from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.core.errors import SiteError

PKI_PLAN: Final = "pki.toml"
UNITS: Final = "hcmc168.csv"
LETTER: Final = "cong-van.pdf"
REPLY: Final = "tra-loi.pdf"

_HERE: Final = Path(__file__).resolve().parent
_PLACES: Final = MappingProxyType(
    {
        PKI_PLAN: (Path("data"), Path("../../certs")),
        UNITS: (Path("data/config"), Path("../../config/demo")),
        LETTER: (Path("data/config"), Path("../../config/demo")),
        REPLY: (Path("data/config"), Path("../../config/demo")),
    }
)


def demo_resource(name: str) -> Path:
    """Where one of the demo's files (`PKI_PLAN`, `UNITS`, `LETTER`, `REPLY`) lies.

    Raises:
        SiteError: `config.invalid` when the installation lacks it.
    """
    for folder in _PLACES[name]:
        path = (_HERE / folder / name).resolve()
        if path.is_file():
            return path
    raise SiteError("config.invalid", path=name, reason="the demo's file is missing from this installation")
