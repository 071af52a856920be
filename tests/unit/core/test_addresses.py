"""Ranges and shares of addresses: IPv4, IPv6, and IPv4 dressed up as IPv6."""

import pytest

from gateway.core.addresses import is_within, parse_range, share_of

OFFICE = [parse_range("10.0.0.0/8"), parse_range("2001:db8::/32"), parse_range("192.0.2.7")]


@pytest.mark.parametrize(
    "address",
    ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3", "2001:db8:ffff::1", "2001:db8::%eth0", "192.0.2.7"],
)
def test_inside_is_inside_in_whatever_dress(address: str) -> None:
    assert is_within(OFFICE, address)


@pytest.mark.parametrize(
    "address",
    ["9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "2001:db7:ffff::", "2001:db9::", "::ffff:11.0.0.1", "::10.1.2.3",
     "", "localhost", "10.0.0.1, 11.0.0.1", "010.0.0.1", "10.1", "١٠.0.0.1"],
)  # fmt: skip
def test_outside_is_outside_and_so_is_what_is_no_address(address: str) -> None:
    assert not is_within(OFFICE, address)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "", "anything"])
def test_no_list_means_from_anywhere(address: str) -> None:
    assert is_within([], address)


def test_a_mapped_range_is_the_range_it_maps() -> None:
    assert parse_range("::ffff:10.0.0.0/104") == parse_range("10.0.0.0/8")
    assert str(parse_range("::ffff:10.1.2.3")) == "10.1.2.3/32"
    assert not is_within([parse_range("::/0")], "10.0.0.1"), "every IPv6 address is no IPv4 address"


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "2001:db8::1/32", "office.vn", "10.0.0.0-10.0.0.9"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_range(text)


def test_a_share_is_an_address_or_what_one_ipv6_customer_has() -> None:
    assert share_of("10.1.2.3") == share_of("::ffff:10.1.2.3") == "10.1.2.3"
    assert share_of("10.1.2.3") != share_of("10.1.2.4")
    assert share_of("2001:db8:1:2::1") == share_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert share_of("2001:db8:1:3::1") == "2001:db8:1:3::/64"
    assert share_of("") == ""
