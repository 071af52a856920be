"""How a judgement ends early: a duty of a verifier that was not met, and what follows from that (EN 319 102-1 clause 5)."""

from pyhanko.sign.ades.report import AdESFailure
from pyhanko.sign.validation.errors import SignatureValidationError

from gateway.core.validation import Indication, SubIndication


class UnmetDuty(Exception):  # noqa: N818 - not an error: the way a judgement ends early
    """A duty was not met: the judgement of this signature ends here."""

    def __init__(self, indication: Indication, sub_indication: SubIndication, reason: str) -> None:
        super().__init__(reason)
        self.indication = indication
        self.sub_indication = sub_indication


def undecided(sub_indication: SubIndication, reason: str) -> UnmetDuty:
    """Nobody can say from what is here."""
    return UnmetDuty(Indication.INDETERMINATE, sub_indication, reason)


def failed(sub_indication: SubIndication, reason: str) -> UnmetDuty:
    """Forged or broken."""
    return UnmetDuty(Indication.TOTAL_FAILED, sub_indication, reason)


def of_library(error: SignatureValidationError) -> UnmetDuty:
    """What pyHanko concluded, in our words: its failures are failures, everything else is undecided."""
    found = error.ades_subindication
    indication = Indication.TOTAL_FAILED if isinstance(found, AdESFailure) else Indication.INDETERMINATE
    known = {member.name: member for member in SubIndication}
    sub_indication = known.get(found.standard_name, SubIndication.SIG_CONSTRAINTS_FAILURE)
    return UnmetDuty(indication, sub_indication, error.failure_message)
