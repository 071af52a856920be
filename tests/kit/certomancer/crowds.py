"""Authorities by the dozen, to keep path builders busy: each certifies each, since none says whose key signed it."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from tests.kit.pki import DAY, MOMENT, der


def crowd(count: int, *, same_name: bool) -> tuple[bytes, ...]:
    """So many certificates of authorities, all in the name of `bodies` or each in its own; no authority key identifiers."""
    return tuple(_authority("Test CA for Bodies" if same_name else f"Crowd {number}") for number in range(count))


def _authority(common_name: str) -> bytes:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Gateway Test PKI"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        ]
    )
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(MOMENT - DAY)
        .not_valid_after(MOMENT + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return der(builder.sign(key, SHA256()))
