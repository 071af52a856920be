"""The bodies of the demo: the city's two offices and, for each of its 168 units, a Party committee and a People's Committee.

**The rule of the demo's codes.** Names and administrative codes are facts (config/demo/hcmc168.csv); the electronic
identification codes of wards are not public, so the demo makes its own, all under `Z79`: a level-1 group that no list
issues, Z with the city's province number. The shape is that of Decision 20/2020/QD-TTg, article 4.

| body                                   | code                  | gateway                        |
|----------------------------------------|-----------------------|--------------------------------|
| the city's Party office                | `Z79.VPTU`            | Party, `dang.demo.internal`    |
| the city's People's Committee          | `Z79.UBND`            | government, `chinhquyen.…`     |
| a unit's Party committee (Đảng ủy)     | `Z79.DU.<admin code>` | Party                          |
| a unit's People's Committee (UBND)     | `Z79.UB.<admin code>` | government                     |

Three bodies hold a seal: the two city offices, and the People's Committee that answers the letter, which is the one
with the lowest administrative code.
"""

import csv
from dataclasses import dataclass
from typing import Final

from gateway.core.ids import GatewayId, OrganId
from gateway.demo.resources import UNITS, demo_resource

PARTY_GATEWAY: Final = GatewayId("dang.demo.internal")
GOVERNMENT_GATEWAY: Final = GatewayId("chinhquyen.demo.internal")
PARTY_OFFICE: Final = OrganId("Z79.VPTU")
CITY_COMMITTEE: Final = OrganId("Z79.UBND")

_CITY: Final = "Thành phố Hồ Chí Minh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One ward, commune or special zone."""

    admin_code: str
    """Five digits (Decision 19/2025/QD-TTg)."""
    name: str
    full_name: str
    """With its kind in front: `Phường Thủ Dầu Một`."""
    kind: str
    """`phường`, `xã` or `đặc khu`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBody:
    """One body of the demo's registry."""

    organ_id: OrganId
    name: str
    in_charge: str
    gateway: GatewayId
    seals: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoWorld:
    """Two gateways and the bodies on them: the city's two offices first, then unit by unit."""

    party: GatewayId
    government: GatewayId
    bodies: tuple[DemoBody, ...]

    @property
    def sender(self) -> DemoBody:
        """The city's Party office, which sends the letter."""
        return self.bodies[0]

    @property
    def recipients(self) -> tuple[DemoBody, ...]:
        """The bodies the letter is addressed to: every body of a unit."""
        return self.bodies[2:]

    @property
    def answering(self) -> DemoBody:
        """The ward's People's Committee that answers with a document of its own."""
        return next(body for body in self.recipients if body.seals)

    def hosted(self, gateway: GatewayId) -> tuple[DemoBody, ...]:
        """The bodies of one gateway, in the world's order."""
        return tuple(body for body in self.bodies if body.gateway == gateway)


def city_units() -> tuple[Unit, ...]:
    """The 168 units in the order of their administrative codes."""
    with demo_resource(UNITS).open(encoding="utf-8", newline="") as file:
        return tuple(Unit(**row) for row in csv.DictReader(file))


def demo_world(*, wards: int | None = None) -> DemoWorld:
    """The demo's world: all 168 units (338 bodies), or only the first `wards` of them for a small one."""
    units = city_units()[:wards]
    assert units, "a world has at least one unit"
    bodies = [_party_office(), _city_committee()]
    for unit in units:
        bodies.append(_party_committee(unit))
        bodies.append(_peoples_committee(unit, seals=unit is units[0]))
    return DemoWorld(party=PARTY_GATEWAY, government=GOVERNMENT_GATEWAY, bodies=tuple(bodies))


def _party_office() -> DemoBody:
    return DemoBody(
        organ_id=PARTY_OFFICE,
        name=f"Văn phòng Thành ủy {_CITY}",
        in_charge=f"Thành ủy {_CITY}",
        gateway=PARTY_GATEWAY,
        seals=True,
    )


def _city_committee() -> DemoBody:
    return DemoBody(
        organ_id=CITY_COMMITTEE,
        name=f"Ủy ban nhân dân {_CITY}",
        in_charge="Chính phủ",
        gateway=GOVERNMENT_GATEWAY,
        seals=True,
    )


def _party_committee(unit: Unit) -> DemoBody:
    return DemoBody(
        organ_id=OrganId(f"Z79.DU.{unit.admin_code}"),
        name=f"Đảng ủy {unit.full_name}",
        in_charge=f"Thành ủy {_CITY}",
        gateway=PARTY_GATEWAY,
        seals=False,
    )


def _peoples_committee(unit: Unit, *, seals: bool) -> DemoBody:
    return DemoBody(
        organ_id=OrganId(f"Z79.UB.{unit.admin_code}"),
        name=f"Ủy ban nhân dân {unit.full_name}",
        in_charge=f"Ủy ban nhân dân {_CITY}",
        gateway=GOVERNMENT_GATEWAY,
        seals=seals,
    )
