"""Who is said to have signed a CMS: the certificate that the SignerInfo names, out of those that came along.

pyHanko finds it too, by comparing names as RFC 5280 section 7.1 wants (case and spaces folded), which was a seventh of judging
a sealed file. Where one certificate alone has the serial number, and its issuer is named byte for byte, there is nothing to
compare: any other case is pyHanko's.
"""

from typing import Any

from asn1crypto import x509
from pyhanko.sign.general import check_ess_certid
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, get_signing_cert_attr

from gateway.core.validation import SubIndication
from gateway.crypto.duty import undecided


def signer_of(signed_data: Any) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The signer's certificate, which ESS signing-certificate names if there is one, and the other certificates.

    Raises:
        UnmetDuty: NO_SIGNING_CERTIFICATE_FOUND.
        SignatureValidationError: likewise, as pyHanko says it.
    """
    certificates = [one.chosen.untag() for one in signed_data["certificates"] if one.name == "certificate"]
    (signer_info,) = signed_data["signer_infos"]
    signer = _named_exactly(signer_info["sid"], certificates)
    if signer is None:
        found = extract_certs_for_validation(signed_data)
        return found.signer_cert, tuple(found.other_certs)
    attribute = get_signing_cert_attr(signer_info["signed_attrs"])
    if attribute is not None and not check_ess_certid(signer, attribute["certs"][0]):
        raise undecided(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "another certificate was signed as the signer's")
    return signer, tuple(one for one in certificates if one is not signer)


def _named_exactly(identifier: Any, certificates: list[x509.Certificate]) -> x509.Certificate | None:
    if identifier.name != "issuer_and_serial_number":
        return None
    named = identifier.chosen
    serial = named["serial_number"].contents
    same = [one for one in certificates if one["tbs_certificate"]["serial_number"].contents == serial]
    if len(same) != 1 or same[0]["tbs_certificate"]["issuer"].dump() != named["issuer"].dump():
        return None
    return same[0]
