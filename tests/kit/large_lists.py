"""Revocation lists as large as an authority's of a whole country, by DER of their own: building one with a library takes longer
than every test that needs it."""

from asn1crypto import core, parser
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

_SEQUENCE, _CONSTRUCTED = 0x10, 1
_DATED = bytes.fromhex("170d3236313131383132303030305a")
"""UTCTime 2026-11-18 12:00:00Z."""
_REASONED = bytes.fromhex("300c300a0603551d1504030a0101")
"""crlEntryExtensions with the reason keyCompromise."""
FIRST_SERIAL = 0x7A_0000_0000_0000_0000_0000


def sequence(*members: bytes) -> bytes:
    """A DER SEQUENCE of these."""
    return bytes(parser.emit(0, _CONSTRUCTED, _SEQUENCE, b"".join(members)))


def entry(serial: int, *, extensions: bytes = _REASONED) -> bytes:
    """A revokedCertificate (RFC 5280 section 5.1)."""
    return sequence(core.Integer(serial).dump(), _DATED, extensions)


def members(der: bytes) -> list[bytes]:
    """What a DER SEQUENCE holds."""
    contents = parser.parse(der, strict=True)[4]
    found, at = [], 0
    while at < len(contents):
        end = at + parser.peek(contents[at:])
        found.append(contents[at:end])
        at = end
    return found


def with_entries(listed: bytes, entries: bytes, key: RSAPrivateKey) -> bytes:
    """A list that has some entries, with these in their place, signed anew."""
    tbs, algorithm, _ = members(listed)
    parts = members(tbs)
    # version, signature, issuer, thisUpdate, nextUpdate, revokedCertificates, crlExtensions
    new = sequence(*parts[:5], sequence(entries), parts[6])
    return sequence(new, algorithm, core.OctetBitString(key.sign(new, PKCS1v15(), SHA256())).dump())


def many_entries(count: int) -> bytes:
    """So many entries, with serial numbers of 12 bytes from `FIRST_SERIAL` on."""
    plain = entry(FIRST_SERIAL)
    at = plain.index(FIRST_SERIAL.to_bytes(11, "big"))
    before, after = plain[:at], plain[at + 11 :]
    return b"".join(before + (FIRST_SERIAL + number).to_bytes(11, "big") + after for number in range(count))
