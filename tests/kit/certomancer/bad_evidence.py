"""Revocation evidence that must not count: made by hand, since a responder of certomancer always answers well.

Evidence that is merely old or about somebody else needs no hand: `crl_of` and `ocsp_of` at another moment, of another label, or
by the services `bodies-unfit` and `bodies-by-people`, whose responders may not speak for that authority.
"""

from datetime import datetime
from typing import Any

from asn1crypto import core, crl, ocsp

from tests.kit.certomancer.declared import certificate_id, crl_of, ocsp_of, parsed, signed
from tests.kit.pki import MOMENT


def ocsp_try_later() -> bytes:
    """The responder is busy (RFC 6960 section 2.3): no answer at all."""
    der: bytes = ocsp.OCSPResponse({"response_status": "try_later"}).dump()
    return der


def ocsp_relabelled(label: str, about: str, at: datetime = MOMENT) -> bytes:
    """The good answer about one certificate, the name of another written over it and nothing signed again."""

    def relabel(data: ocsp.ResponseData) -> None:
        data["responses"][0]["cert_id"] = certificate_id(label)

    return _changed_ocsp(ocsp_of(about, at), relabel, key=None)


def ocsp_signed_by(label: str, name: str, at: datetime = MOMENT) -> bytes:
    """A good answer in the name of the right responder, signed with another key of the declaration."""
    return _changed_ocsp(ocsp_of(label, at), lambda _: None, key=name)


def ocsp_unknown(label: str, at: datetime = MOMENT) -> bytes:
    """The right responder does not know the certificate."""

    def forget(data: ocsp.ResponseData) -> None:
        data["responses"][0]["cert_status"] = ocsp.CertStatus("unknown")

    return _changed_ocsp(ocsp_of(label, at), forget, key="responder")


def ocsp_without_next_update(label: str, at: datetime = MOMENT) -> bytes:
    """By the right responder, without a word on how long it counts."""

    def open_ended(data: ocsp.ResponseData) -> None:
        data["responses"][0]["next_update"] = None

    return _changed_ocsp(ocsp_of(label, at), open_ended, key="responder")


def _changed_ocsp(der: bytes, change: Any, *, key: str | None) -> bytes:
    """The response with other data, signed again with a key of the declaration, or not at all."""
    response = ocsp.OCSPResponse.load(der)
    basic = response["response_bytes"]["response"].parsed
    data = basic["tbs_response_data"]
    change(data)
    signature = basic["signature"].native
    if key is not None:
        _, signature = signed(data.dump(force=True), key)
    again = ocsp.BasicOCSPResponse(
        {
            "tbs_response_data": data,
            "signature_algorithm": basic["signature_algorithm"],
            "signature": signature,
            "certs": basic["certs"],
        }
    )
    whole = {"response_type": "basic_ocsp_response", "response": core.ParsableOctetString(again.dump(force=True))}
    changed: bytes = ocsp.OCSPResponse({"response_status": "successful", "response_bytes": whole}).dump(force=True)
    return changed


def crl_emptied(issuer: str, at: datetime = MOMENT) -> bytes:
    """The good list with its entries taken out and nothing signed again."""
    return _changed_crl(issuer, at, revoked_certificates=[], key=None)


def crl_by_impostor(at: datetime = MOMENT) -> bytes:
    """An empty list in the name of `bodies`, signed by the impostor of that name and pointing to the impostor's key."""
    identifier = parsed("impostor").key_identifier_value
    return _changed_crl("bodies", at, revoked_certificates=[], key="authority", authority=identifier)


def crl_without_next_update(issuer: str, at: datetime = MOMENT) -> bytes:
    """By the right authority, without a word on how long it counts; RFC 5280 section 5.1.2.5 forbids it."""
    return _changed_crl(issuer, at, next_update=None, key=issuer)


def crl_of_authorities_only(issuer: str, at: datetime = MOMENT) -> bytes:
    """By the right authority, good for certificates of authorities only (RFC 5280 section 5.2.5): silent on signers."""
    return _changed_crl(issuer, at, revoked_certificates=[], key=issuer, only_authorities=True)


def _changed_crl(
    issuer: str,
    at: datetime,
    *,
    key: str | None,
    authority: Any = None,
    only_authorities: bool = False,
    **changes: Any,
) -> bytes:
    found = crl.CertificateList.load(crl_of(issuer, at))
    old = found["tbs_cert_list"]
    fields = {name: old[name] for name in ("version", "signature", "issuer", "this_update", "next_update")}
    fields |= {"revoked_certificates": old["revoked_certificates"], **changes}
    extensions = list(old["crl_extensions"])
    if authority is not None:
        extensions = [one for one in extensions if one["extn_id"].native != "authority_key_identifier"]
        extensions.append(_extension("authority_key_identifier", {"key_identifier": authority}))
    if only_authorities:
        extensions.append(_extension("issuing_distribution_point", {"only_contains_ca_certs": True}, critical=True))
    tbs = crl.TbsCertList({name: value for name, value in fields.items() if value is not None and value != []})
    tbs["crl_extensions"] = extensions
    data = tbs.dump(force=True)
    signature = found["signature"].native if key is None else signed(data, key)[1]
    whole = {"tbs_cert_list": tbs, "signature_algorithm": found["signature_algorithm"], "signature": signature}
    der: bytes = crl.CertificateList(whole).dump(force=True)
    return der


def _extension(name: str, value: dict[str, Any], *, critical: bool = False) -> crl.TBSCertListExtension:
    return crl.TBSCertListExtension({"extn_id": name, "critical": critical, "extn_value": value})
