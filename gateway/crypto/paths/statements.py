"""QCStatements (RFC 3739, EN 319 412-5 section 4.2.3): as what a certificate was issued, where its authority says so."""

from typing import ClassVar, Final

from asn1crypto import core, x509

QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"
_QC_TYPE: Final = "0.4.0.1862.1.6"
ESIGN: Final = "0.4.0.1862.1.6.1"
"""For the signatures of persons."""
ESEAL: Final = "0.4.0.1862.1.6.2"
"""For the seals of bodies."""


class _Statement(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    _fields: ClassVar = [("statement_id", core.ObjectIdentifier), ("statement_info", core.Any, {"optional": True})]


class _Statements(core.SequenceOf):  # type: ignore[misc]  # asn1crypto has no types
    _child_spec = _Statement


class _Types(core.SequenceOf):  # type: ignore[misc]  # asn1crypto has no types
    _child_spec = core.ObjectIdentifier


def qc_types(certificate: x509.Certificate) -> frozenset[str]:
    """The QcTypes it names, as OIDs; none: its authority does not say.

    Raises:
        ValueError: the extension cannot be read.
    """
    found = [one for one in certificate["tbs_certificate"]["extensions"] if one["extn_id"].dotted == QC_STATEMENTS]
    return frozenset(
        kind.dotted
        for extension in found
        for statement in _Statements.load(extension["extn_value"].contents, strict=True)
        if statement["statement_id"].dotted == _QC_TYPE
        for kind in _Types.load(statement["statement_info"].dump(), strict=True)
    )
