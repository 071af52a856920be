"""One file taken for a detached signature; what any file must hold true, whatever it is.

* There is always a verdict, the same each time, and it travels from a judge as it is.
* What passes are attributes that one of the vectors' good signers signed: a change can make no signature.
* The checks tell the verdict: all met, or one that is not, and none made after it. Only timestamps that are not good, or not
  there, are gone over, and only a good one meets its duty.
* A timestamp goes in or a ValueError comes out; what passed before passes after.
"""

from functools import cache
from typing import Final

from asn1crypto import cms, parser

from gateway.core.validation import Indication, Outcome
from gateway.core.verdict import FileVerdict, SignatureVerdict
from gateway.crypto import add_signature_timestamp, digests_named, judge_detached
from gateway.crypto.cades.der import is_der
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.processes.answers import read_answer, write_answer
from tests.kit.cades_vectors import CONTENT, signatures, token, trust
from tests.kit.fuzz.disagreement import check
from tests.kit.pki import MOMENT
from tests.unit.crypto.detached import digests_of

DIGESTS: Final = digests_of(CONTENT)
DUTIES: Final = tuple(range(1, 14))
STAMPS: Final = 10
"""The place of the duty that looks for timestamps."""


def examine(data: bytes, *, piece: int = 7) -> frozenset[str]:
    """Judge the file; what is worth remembering of how it went.

    Raises:
        DisagreementError: something does not hold.
        Exception: whatever the judge lets out, which is a mistake of its.
    """
    beside, alone = _judged(data), judge_detached(data, digests=None, trust=trust(), moment=MOMENT)
    check(beside == _judged(data), "another verdict for the same bytes")
    check(read_answer(write_answer("done", beside)) == ("done", beside), "a verdict that does not travel")
    for verdict in (beside, alone):
        _consistent(verdict)
        if any(one.indication is Indication.TOTAL_PASSED for one in verdict.signatures):
            _never_forged(data, verdict)
    check(digests_named(data) <= DIGESTS.keys(), "a digest that does not hold")
    is_der(data)
    stamped = _stamped(data)
    if stamped is not None and beside.indication is Indication.TOTAL_PASSED:
        check(_judged(stamped).indication is Indication.TOTAL_PASSED, "a timestamp spoiled it")
    return frozenset({_feature("beside", beside), _feature("alone", alone), f"stamped {stamped is not None}"})


def _judged(data: bytes) -> FileVerdict:
    return judge_detached(data, digests=DIGESTS, trust=trust(), moment=MOMENT)


def _consistent(verdict: FileVerdict) -> None:
    check(bool(verdict.reason), "no reason")
    check(verdict.indication is not None, "neither passed nor not")
    check((verdict.sub_indication is None) is (verdict.indication is Indication.TOTAL_PASSED), "a pass with a but")
    if verdict.indication is Indication.TOTAL_PASSED:
        check(bool(verdict.signatures), "a pass without a signature")
    for signature in verdict.signatures:
        _told(signature)


def _told(signature: SignatureVerdict) -> None:
    checks = signature.details.checks
    check(tuple(one.duty for one in checks) == DUTIES, "other duties")
    outcomes = [one.outcome for one in checks]
    good = any(one.indication is Indication.TOTAL_PASSED for one in signature.details.timestamps)
    check((outcomes[STAMPS] is Outcome.MET) is good, "the duty of timestamps tells something else than they do")
    if checks[STAMPS + 1].reached:
        check(checks[STAMPS].reached, "timestamps that nobody looked for")
        outcomes[STAMPS] = Outcome.MET
    met = outcomes.count(Outcome.MET)
    passed = signature.indication is Indication.TOTAL_PASSED
    check(passed is (met == len(outcomes)), "the checks tell something else")
    check(set(outcomes[:met]) <= {Outcome.MET}, "a duty that is met after one that is not")
    check(set(outcomes[met + 1 :]) <= {Outcome.NOT_MADE}, "a duty after one that is not met")
    if passed:
        check(signature.claimed_time == MOMENT, "a time that nobody signed")


def _what_was_signed(data: bytes) -> list[bytes]:
    """The signed attributes of each signer, by another way than the judge's."""
    infos = attempt(lambda: list(cms.ContentInfo.load(data)["content"]["signer_infos"]))
    check(not isinstance(infos, Trouble), "passed, and nobody signed this: no CMS")
    assert not isinstance(infos, Trouble)
    found = [attempt(_attributes, info) for info in infos]
    return [b"" if isinstance(one, Trouble) else one for one in found]


def _attributes(info: cms.SignerInfo) -> bytes:
    contents: bytes = parser.parse(info["signed_attrs"].dump())[4]
    return contents


@cache
def _signed() -> frozenset[bytes]:
    """All that the keys of the vectors have ever signed over that content: they were thrown away."""
    good = (data for name, data in signatures().items() if not name.startswith("bad-"))
    return frozenset(one for data in good for one in _what_was_signed(data))


def _never_forged(data: bytes, verdict: FileVerdict) -> None:
    for attributes, signature in zip(_what_was_signed(data), verdict.signatures, strict=True):
        if signature.indication is Indication.TOTAL_PASSED:
            check(attributes in _signed(), "passed, and nobody signed this")


def _stamped(data: bytes) -> bytes | None:
    try:
        return add_signature_timestamp(data, token())
    except ValueError:
        return None


def _feature(how: str, verdict: FileVerdict) -> str:
    reached = [sum(one.outcome is Outcome.MET for one in each.details.checks) for each in verdict.signatures]
    return f"{how} {verdict.indication} {verdict.sub_indication} {sorted(set(reached))}"
