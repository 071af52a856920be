"""The signature of a seal slip: the same as an envelope's, over the one Statement, as the last child of the root.

What a slip says, and the comparison with the envelope, is `gateway.edxml.slip`; the duties are those of `verify`.
"""

from datetime import datetime
from typing import Final

from gateway.crypto.paths.trust import Trust
from gateway.crypto.timestamps.verify import TimestampJudge
from gateway.crypto.timestamps.verify import judge_timestamp as judge_token
from gateway.crypto.xades.form import WHITE
from gateway.crypto.xades.names import ds
from gateway.crypto.xades.parts import StructureError, check_ids
from gateway.crypto.xades.prepare import Place, PreparedSignature, prepare
from gateway.crypto.xades.verify import EnvelopeVerdict, Profile, verify
from gateway.safe_xml import SEAL_SLIP, Element

STATEMENT: Final = "statement"
"""Id of the one part."""
_ROOT: Final = f"{{{SEAL_SLIP}}}SealSlip"
_STATEMENT: Final = f"{{{SEAL_SLIP}}}Statement"


def prepare_slip(slip: bytes, *, chain: tuple[bytes, ...], moment: datetime) -> PreparedSignature:
    """Compute everything of a slip's signature but its value; run it in a judge. `chain`: DER, leaf first.

    Raises:
        SenderError: `envelope.malformed`: not a slip, or signed already.
    """
    place = Place(parts_of=_parts_of, last_in="SealSlip", description="seal slip")
    return prepare(slip, place=place, chain=chain, moment=moment)


def verify_slip(
    root: Element, *, trust: Trust, moment: datetime, judge_timestamp: TimestampJudge = judge_token
) -> EnvelopeVerdict:
    """Verify the signature of a slip; `root` is the tree that `read_slip` uses too.

    Pure and total. The caller still owes: that the certificate is the registry's for the body in From; that every field
    equals the envelope's; that this (From, DocumentId) was not taken before.
    """
    return verify(root, _PROFILE, trust=trust, moment=moment, judge_timestamp=judge_timestamp)


def _root_of(root: Element) -> Element:
    if root.tag != _ROOT or root.getparent() is not None:
        raise StructureError("the root is not SealSlip")
    return root


def _parts_of(root: Element) -> dict[str, Element]:
    """The Statement, the only one of its name in whatever namespace, first child of the root, under its Id."""
    _root_of(root)
    found = list(root.iter("{*}Statement"))
    if len(found) != 1:
        raise StructureError("not one Statement")
    (statement,) = found
    if statement.tag != _STATEMENT or root[0] is not statement:
        raise StructureError("Statement is not in its place")
    if statement.get("Id") != STATEMENT:
        raise StructureError("Statement does not bear its Id")
    if len(list(root.iter("{*}SealSlip"))) > 1:
        raise StructureError("more than one SealSlip")
    check_ids(root)
    return {STATEMENT: statement}


def _fault(root: Element) -> str:
    """What stands beside Statement and signature; empty when nothing does."""
    if root.attrib:
        return "SealSlip has an attribute that does not belong there"
    if [str(child.tag) for child in root] != [_STATEMENT, ds("Signature")]:
        return "SealSlip holds an element that does not belong there"
    texts = (root.text, *(child.tail for child in root))
    return "SealSlip holds a text that does not belong there" if any((one or "").strip(WHITE) for one in texts) else ""


_PROFILE: Final = Profile(root=_ROOT, parent_of=_root_of, parts_of=_parts_of, fault=_fault)
