"""IP addresses as callers have them: ranges that a key may be used from, and whose share an address counts towards.

An IPv4 caller on a socket that takes both families shows as `::ffff:10.1.2.3` (RFC 4291 section 2.5.5.2): it is the
IPv4 address that counts, in a list as well as at the door.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

AddressRange = IPv4Network | IPv6Network

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_SITE_BITS: Final = 64
"""One IPv6 customer has at least a /64 (RFC 6177): whoever can choose among 2^64 addresses is still one caller."""


def parse_range(text: str) -> AddressRange:
    """`10.0.0.0/8`, `2001:db8::/32` or a single address.

    Raises:
        ValueError: it is none, or has bits set beyond its prefix: nobody can know what was meant.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        inside = IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        return IPv4Network((inside, network.prefixlen - _MAPPED.prefixlen))
    return network


def is_within(ranges: Sequence[AddressRange], address: str) -> bool:
    """Whether an address may be used by one whose list this is; an empty list says: from anywhere.

    What is no address (a caller without one) is in no list.
    """
    if not ranges:
        return True
    found = _parsed(address)
    return found is not None and any(found in network for network in ranges)


def share_of(address: str) -> str:
    """Whose share of connections and requests the address uses up: itself, or its /64 with IPv6."""
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, _SITE_BITS), strict=False))
    return address if found is None else str(found)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.partition("%")[0])  # a zone names an interface of ours, not the caller
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
