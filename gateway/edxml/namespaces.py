"""Namespaces and fixed identifiers of the format."""

from typing import Final

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
"""XML Encryption 1.0 section 5.7.2; the identifier XML Signature uses for SHA-256."""

PREFIX: Final = "edXML"
"""The prefix of everything inside the envelope; declared on the envelope, as the vendor's reader needs it."""

HEADER_ID: Final = "header"
BUSINESS_ID: Final = "business"
BODY_ID: Final = "body"
"""Ids of the parts that the envelope signature covers."""
