"""Evidence: for the security officer, and for the stranger who believes nothing: is this file, this log, this receipt good?

`examination` looks at one file without any service or database. `installation` checks everything one gateway keeps,
read-only, beside a running service. `proofs` takes out of the log what it tells of one document, as a file that a stranger can
check (`proof_file`). Formats that belong to the exchange (receipts, envelopes) are asked for through the
port `Records`: conductors meet only through ports.

Rules: no private key is needed; hostile files are looked at in a judge process only; what does not hold is a line of the
report with its reason, never an exception, and never a silent repair. An envelope that must be repaired to be read is told with
what was repaired, and is never better than INDETERMINATE. Nothing here writes.
"""

from gateway.evidence.detached import ATTACHED_SUFFIX, SIGNATURE_SUFFIX, DetachedExamination, signature_beside
from gateway.evidence.examination import ExaminedPart, FileExamination, FileReport
from gateway.evidence.installation import InstallationCheck
from gateway.evidence.problem import Problem
from gateway.evidence.proof_file import PROOF_BYTES_MAX, CheckedLeaf, CheckedProof, GapError, check_proof, proof_json
from gateway.evidence.proofs import Proof, ProvenLeaf, read_proof
from gateway.evidence.report import CheckedReceipt, InstallationReport

__all__ = [
    "ATTACHED_SUFFIX",
    "PROOF_BYTES_MAX",
    "SIGNATURE_SUFFIX",
    "CheckedLeaf",
    "CheckedProof",
    "CheckedReceipt",
    "DetachedExamination",
    "ExaminedPart",
    "FileExamination",
    "FileReport",
    "GapError",
    "InstallationCheck",
    "InstallationReport",
    "Problem",
    "Proof",
    "ProvenLeaf",
    "check_proof",
    "proof_json",
    "read_proof",
    "signature_beside",
]
