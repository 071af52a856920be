"""Evidence: for the security officer, and for the stranger who believes nothing: is this file, this log, this receipt good?

`examination` looks at one file without any service or database. `installation` checks everything one gateway keeps,
read-only, beside a running service; `invariants` looks at some of it, in seconds. `proofs` takes out of the log what it tells
of one document, as a file that a stranger can check (`proof_file`). Formats that belong to the exchange (receipts, envelopes)
are asked for through the port `Records`: conductors meet only through ports.

Rules: no private key is needed; hostile files are looked at in a judge process only; what does not hold is a line of the
report with its reason, never an exception, and never a silent repair. An envelope that must be repaired to be read is told with
what was repaired, and is never better than INDETERMINATE. Nothing here writes.

`speaker` compares in whose name an envelope speaks with whose signature it bears, by the registry or the certificate.
`verification` puts what was found of files into the order in which a lawyer reads it, without words; `papers.wording` says it
in Vietnamese or English, once for the web page and the PDF, and `papers.record` for programs. What a judge left empty is told
as not known. What draws (`papers.html`, `papers.pdf`) is loaded by the command that draws, for the libraries are large.
"""

from gateway.evidence.any_file import AnyFileExamination
from gateway.evidence.detached import ATTACHED_SUFFIX, SIGNATURE_SUFFIX, DetachedExamination, signature_beside
from gateway.evidence.examination import ExaminedPart, FileExamination, FileReport
from gateway.evidence.installation import InstallationCheck
from gateway.evidence.invariants import InvariantsProbe
from gateway.evidence.papers.paper import Paper, Tone
from gateway.evidence.papers.record import record_bytes, record_of
from gateway.evidence.papers.sayings import (
    next_step,
    sentence,
    speaker_names,
    speaker_said,
    summary,
    trouble_said,
    unread_said,
)
from gateway.evidence.papers.signers import path_of
from gateway.evidence.papers.speech import Speech
from gateway.evidence.papers.wording import LOOKS, Wording
from gateway.evidence.problem import Problem
from gateway.evidence.proof_file import PROOF_BYTES_MAX, CheckedLeaf, CheckedProof, GapError, check_proof, proof_json
from gateway.evidence.proofs import Proof, ProvenLeaf, read_proof
from gateway.evidence.report import CheckedReceipt, InstallationReport
from gateway.evidence.speaker import Speaker, Standing, speaking
from gateway.evidence.verification import (
    Circumstances,
    FileVerification,
    Integrity,
    NextStep,
    Place,
    Result,
    ToldSignature,
    Unreadable,
    Verification,
    named_apart,
    notable_speaker,
    unexamined,
    verified,
)
from gateway.evidence.verification_limits import Limit, limits_of

__all__ = [
    "ATTACHED_SUFFIX",
    "LOOKS",
    "PROOF_BYTES_MAX",
    "SIGNATURE_SUFFIX",
    "AnyFileExamination",
    "CheckedLeaf",
    "CheckedProof",
    "CheckedReceipt",
    "Circumstances",
    "DetachedExamination",
    "ExaminedPart",
    "FileExamination",
    "FileReport",
    "FileVerification",
    "GapError",
    "InstallationCheck",
    "InstallationReport",
    "Integrity",
    "InvariantsProbe",
    "Limit",
    "NextStep",
    "Paper",
    "Place",
    "Problem",
    "Proof",
    "ProvenLeaf",
    "Result",
    "Speaker",
    "Speech",
    "Standing",
    "ToldSignature",
    "Tone",
    "Unreadable",
    "Verification",
    "Wording",
    "check_proof",
    "limits_of",
    "named_apart",
    "next_step",
    "notable_speaker",
    "path_of",
    "proof_json",
    "read_proof",
    "record_bytes",
    "record_of",
    "sentence",
    "signature_beside",
    "speaker_names",
    "speaker_said",
    "speaking",
    "summary",
    "trouble_said",
    "unexamined",
    "unread_said",
    "verified",
]
