"""A verification on a terminal: one sentence first, then who, whether it was changed, by which certificates, when, what next."""

from gateway.cli.edxml.told import line_of, worst_first
from gateway.cli.output import Terminal
from gateway.core.clock import evidence_time
from gateway.core.findings import Finding, Severity
from gateway.core.validation import Indication, SignerIdentity, TimestampSeen
from gateway.core.verdict import FileVerdict
from gateway.evidence import LOOKS, FileReport, FileVerification, Place, ToldSignature, Tone, Trouble, Verification
from gateway.evidence import chain_of as path_of
from gateway.evidence import next_step, sentence, summary
from gateway.observe import text

_STYLES = {Tone.GOOD: "bold green", Tone.DOUBT: "bold yellow", Tone.BAD: "bold red", Tone.PLAIN: "bold"}
