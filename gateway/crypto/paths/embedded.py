"""Certificates that came along in a CMS, whatever it signs: a PDF, a file, or (a timestamp) a digest."""

from asn1crypto import cms, core, x509

from gateway.core import limits
from gateway.core.validation import SubIndication
from gateway.crypto.duty import undecided
from gateway.crypto.paths.path import too_many


def embedded_certificates(signed_data: cms.SignedData) -> tuple[x509.Certificate, ...]:
    """The certificates that came along, counted before anything is built from them (signing.md 1.2 C)."""
    choices = signed_data["certificates"]
    if isinstance(choices, core.Void):
        return ()
    if len(choices) > limits.EMBEDDED_CERTIFICATES_MAX:
        raise undecided(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "too many embedded certificates")
    found = [choice.chosen for choice in choices if choice.name == "certificate"]
    if too_many(found):
        raise undecided(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "too many embedded certificates")
    return tuple(found)
