"""The demo's bodies: facts of the 168 units, and the written rule of their codes."""

import csv
import re
import unicodedata
from collections import Counter

from gateway.core.ids import ORGAN_ID
from gateway.core.limits import ORGAN_ID_CHARS_MAX
from gateway.demo.resources import LETTER, PKI_PLAN, REPLY, UNITS, demo_resource
from gateway.demo.world import GOVERNMENT_GATEWAY, PARTY_GATEWAY, city_units, demo_world


def test_the_units_are_those_of_the_law() -> None:
    units = city_units()
    assert Counter(unit.kind for unit in units) == {"phường": 113, "xã": 54, "đặc khu": 1}
    assert [unit.full_name for unit in units if unit.kind == "đặc khu"] == ["Đặc khu Côn Đảo"]
    codes = [unit.admin_code for unit in units]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"[0-9]{5}", code) for code in codes)
    # Codes of the decision, not of its draft, where the two differ.
    by_code = {unit.admin_code: unit.name for unit in units}
    assert (by_code["27094"], by_code["26876"], by_code["26800"]) == ("An Khánh", "An Nhơn", "Linh Xuân")


def test_names_are_composed_and_agree_with_their_kind() -> None:
    text = demo_resource(UNITS).read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", text)
    for unit in city_units():
        assert unit.full_name == f"{unit.kind.capitalize()} {unit.name}"
        assert unit.name == unit.name.strip()


def test_the_file_has_the_facts_only() -> None:
    with demo_resource(UNITS).open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == ["admin_code", "name", "full_name", "kind"]


def test_the_world_has_338_bodies_on_two_gateways() -> None:
    world = demo_world()
    assert len({body.organ_id for body in world.bodies}) == len(world.bodies) == 338
    assert Counter(body.gateway for body in world.bodies) == {PARTY_GATEWAY: 169, GOVERNMENT_GATEWAY: 169}
    assert len(world.recipients) == 336
    assert world.sender not in world.recipients
    assert all(len(world.hosted(gateway)) == 169 for gateway in (world.party, world.government))


def test_codes_follow_the_written_rule() -> None:
    world = demo_world()
    for body in world.bodies:
        assert ORGAN_ID.fullmatch(body.organ_id)
        assert len(body.organ_id) <= ORGAN_ID_CHARS_MAX
        assert body.organ_id.startswith("Z79.")
        party = body.organ_id == "Z79.VPTU" or body.organ_id.startswith("Z79.DU.")
        assert body.gateway == (world.party if party else world.government)
    names = {str(body.organ_id): body.name for body in world.bodies}
    assert names["Z79.VPTU"] == "Văn phòng Thành ủy Thành phố Hồ Chí Minh"
    assert names["Z79.UBND"] == "Ủy ban nhân dân Thành phố Hồ Chí Minh"
    assert names["Z79.DU.25747"] == "Đảng ủy Phường Thủ Dầu Một"
    assert names["Z79.UB.26732"] == "Ủy ban nhân dân Đặc khu Côn Đảo"


def test_three_bodies_seal() -> None:
    world = demo_world()
    assert {body.organ_id for body in world.bodies if body.seals} == {"Z79.VPTU", "Z79.UBND", "Z79.UB.25747"}
    assert (world.sender.organ_id, world.answering.organ_id) == ("Z79.VPTU", "Z79.UB.25747")


def test_a_small_world_is_the_beginning_of_the_big_one() -> None:
    small = demo_world(wards=3)
    assert small.bodies == demo_world().bodies[:8]
    assert len(small.recipients) == 6


def test_every_resource_is_in_this_installation() -> None:
    for name in (PKI_PLAN, UNITS, LETTER, REPLY):
        assert demo_resource(name).stat().st_size > 0
