"""In whose name an envelope speaks, and whose signature it bears: duty 13, after the twelve of `gateway.crypto.xades.verify`.

A good signature says who signed. The header says who sends (`From`), and whoever signs may write there what he likes: a ward
with a good certificate of its own can send in a ministry's name. The exchange asks its registry (`exchange.duties`, 3); whoever
has nothing but the file asks what is in hand:

13. The signature is the sender's: it is by the body whose code the signed `From` bears.
    a. By the registry, where one is given and names the certificate: whatever the certificate says of itself.
    b. Else by the certificate, where it bears an electronic identification code (organizationIdentifier, 2.5.4.97).
    c. Where neither names a body, nothing was compared, and that is told: the signature stands, the sender is a claim.

Another body's signature is INDETERMINATE: it is good, and not what it is given out to be. Identifiers of other kinds (a tax
code, EN 319 412-1 clause 5.1.4) are no codes, and are compared with none. The name in `From` decides nothing, for the same body
is written in many ways; where it is not the signer's, that is told.
"""

import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.core.directory import Body, Snapshot
from gateway.core.ids import ORGAN_ID, OrganId
from gateway.core.message import Organ
from gateway.core.validation import Check, Indication, Outcome, SignerIdentity, SubIndication
from gateway.core.verdict import SignatureVerdict
from gateway.evidence.certificate_bodies import certificates_of

SENDER_CHECK: Final = "envelope.sender"
_DUTY: Final = 13
_CLAUSE: Final = "EN 319 102-1 5.2.8"
NO_CODE: Final = "not compared: the certificate names no code"


class Standing(StrEnum):
    """How the signer stands to the sender; `verification.sender.<value>` of the catalogue says it."""

    REGISTRY = "registry"
    """The registry names the certificate for the sender."""
    CERTIFICATE = "certificate"
    """The certificate bears the sender's code."""
    OTHER = "other"
    """It is another body's signature."""
    NO_CODE = "no_code"
    """Neither says whose it is: not compared."""
    UNJUDGED = "unjudged"
    """The signature did not pass: who signed is not established, and nothing was compared."""
    UNREAD = "unread"
    """The sender could not be read: not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """What duty 13 found."""

    standing: Standing
    organ_id: OrganId | None
    """Of `From`; None: it could not be read."""
    name: str
    """Of `From`: the sender's own word, and perhaps none."""
    signer: OrganId | None
    """The body whose signature it is, as far as anybody says."""
    signer_name: str
    """... and its name, in the registry or the certificate."""

    @property
    def notable(self) -> bool:
        """Whether it belongs to the conclusion: another body signed, or nobody can say which one did."""
        return self.standing in {Standing.OTHER, Standing.NO_CODE}

    @property
    def other_name(self) -> bool:
        """Whether the sender is called otherwise than the body that signed, as far as both are named."""
        names = {_plain(self.name), _plain(self.signer_name)}
        return "" not in names and len(names) > 1


def compared(signature: SignatureVerdict, sender: Organ, snapshot: Snapshot | None) -> tuple[SignatureVerdict, Speaker]:
    """Duty 13: the verdict with this duty in it, and what was found."""
    speaker = _speaker(signature, sender, snapshot)
    match speaker.standing:
        case Standing.OTHER:
            reason = f"signed by {speaker.signer}, in the name of {speaker.organ_id}"
            checked = _with_check(signature, Outcome.UNDECIDED, reason)
            return replace(
                checked,
                indication=Indication.INDETERMINATE,
                sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE,
                reason=reason,
            ), speaker
        case Standing.NO_CODE:
            return _with_check(signature, Outcome.NOT_MADE, NO_CODE), speaker
        case Standing.UNJUDGED:
            return _with_check(signature, Outcome.NOT_MADE, ""), speaker
    return _with_check(signature, Outcome.MET, f"by the {speaker.standing}"), speaker


def unread(signature: SignatureVerdict) -> tuple[SignatureVerdict, Speaker]:
    """Duty 13 where the envelope could not be read."""
    speaker = Speaker(standing=Standing.UNREAD, organ_id=None, name="", signer=None, signer_name="")
    return _with_check(signature, Outcome.NOT_MADE, "not compared: the sender could not be read"), speaker


def speaking(identity: SignerIdentity | None, sender: Organ) -> Speaker:
    """13b and 13c alone, for whoever is about to sign: what this duty will find by the certificate."""
    signer = _code(identity.organ_id) if identity else None
    name = identity.organization if identity else ""
    return _found(Standing.NO_CODE if signer is None else Standing.CERTIFICATE, sender, signer, name)


def _speaker(signature: SignatureVerdict, sender: Organ, snapshot: Snapshot | None) -> Speaker:
    if signature.indication is not Indication.TOTAL_PASSED:
        return _found(Standing.UNJUDGED, sender, None, "")
    if body := _registered(signature, sender, snapshot):
        return _found(Standing.REGISTRY, sender, body.organ_id, body.name)
    return speaking(signature.details.identity, sender)


def _found(standing: Standing, sender: Organ, signer: OrganId | None, name: str) -> Speaker:
    if signer is not None and signer != sender.organ_id:
        standing = Standing.OTHER
    return Speaker(standing=standing, organ_id=sender.organ_id, name=sender.name, signer=signer, signer_name=name)


def _registered(signature: SignatureVerdict, sender: Organ, snapshot: Snapshot | None) -> Body | None:
    """The body for which the registry names the certificate: the sender, if it is one of several."""
    if snapshot is None:
        return None
    bodies = (snapshot.body(sender.organ_id), *snapshot.bodies.values())
    return next((body for body in bodies if body and signature.certificate in certificates_of(body)), None)


def _code(said: str) -> OrganId | None:
    plain = said.strip()
    return OrganId(plain) if ORGAN_ID.fullmatch(plain) else None


def _with_check(signature: SignatureVerdict, outcome: Outcome, detail: str) -> SignatureVerdict:
    check = Check(duty=_DUTY, name=SENDER_CHECK, clause=_CLAUSE, outcome=outcome, detail=detail)
    details = replace(signature.details, checks=(*signature.details.checks, check))
    return replace(signature, details=details)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
