"""Names of XML Signature and XAdES that are written and read in more than one place."""

from typing import Final

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
"""Exclusive XML Canonicalization 1.0, without comments."""
PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"
"""Type of the reference to SignedProperties (EN 319 132-1 clause 4.4.2)."""

SIGNATURE_ID: Final = "signature"
KEY_INFO_ID: Final = "signature-keyinfo"
PROPERTIES_ID: Final = "signature-SignedProperties"


def ds(name: str) -> str:
    """A name of XML Signature as lxml writes it."""
    return f"{{{DS}}}{name}"


def xades(name: str) -> str:
    """A name of XAdES as lxml writes it."""
    return f"{{{XADES}}}{name}"
