"""Crypto: keys, signatures, certificates, receipts' tokens and TLS; and the processes in which all that is dangerous runs.

Who does what, and where:

| what                                     | where                          | sees                                    |
|------------------------------------------|--------------------------------|-----------------------------------------|
| judging what was signed, preparing it     | a *judge* (`JudgePool`)        | strangers' files; no key, no network    |
| signing for bodies (RSA, ECDSA)           | a *key-holder* (`KeyHolderPool`)| keys, and bytes to sign; never a file   |
| assembling, carrying between the two      | the service (`FileSealer`,     | digests, attributes, finished files     |
|                                           | `PdfSigner`)                   |                                         |
| asking authorities for timestamps         | the service (`TimestampClient`)| digests, and tokens that it compares    |
| fetching CRLs and OCSP responses          | the service (`EvidenceFetcher`)| configured hosts; a judge checks them   |
| receipts (P-256), audit log (Ed25519)     | the service (`FileSigner`)     | two keys that cost nothing to use       |

Rules of the room:

* A verdict is data in the words of EN 319 102-1, never a bool and never an exception: `judge_pdf`, `verify_envelope`,
  `judge_detached`, `judge_timestamp` and `judge_certificate` are pure and total. TOTAL-FAILED means forged or broken,
  INDETERMINATE means nobody can say from what is here, and only TOTAL-PASSED is a pass. A failure of a library is INDETERMINATE
  at best (`edge`).
* Whom we believe comes in as `Trust`: anchors, intermediates, CRLs, OCSP responses and the policy, as values. No judgement
  fetches anything (`fetching` fills the store beside it), no store of the system is asked, and without revocation evidence
  nothing passes.
* The moment of judgement is an argument. Nobody here looks at a clock.
* What came along with a signature (certificates, lists, responses, timestamps) is strangers' word: bounded, looked at, and
  counted only from the time on at which it is proven to exist (`paths.past`). It never makes a verdict worse.
* A seal leaves the room only after a judge has found the sealed file good; a signature only after it was checked
  against the certificate that will be shown with it.
* What a verdict does not say: whose certificate it had to be. That is in the registry, and the conductor compares.

When it fails: a file that crashes, starves or hangs a judge costs its own task (`SenderError` `worker.killed`) and one
process, which is replaced. A full queue, or a full share of it, is `SiteError` `worker.busy`. A missing, unreadable or
mismatched key is `SiteError` `key.missing` with the reason, an own certificate that is not good `key.certificate` with what
to do, a token that is away `key.token` (tried again), one that refused its PIN `key.pin` (not tried again before a reload).
If the service is killed, its children notice and end.

A file that is neither PDF nor envelope is signed beside it (`cades`): the service hashes it in pieces, so it may have any size,
and neither judge nor key-holder ever sees it.

Read `processes.judge` for the bounds, `pades.verify`, `xades.verify` and `cades.verify` for the numbered duties (`duty` walks
through them), `paths.past` for what a proven time heals, `paths.revocation` for what evidence says, `sealer` for the walk.
"""

from gateway.crypto.cades.content import hash_file
from gateway.crypto.cades.timestamped import add_signature_timestamp, signature_value, with_signature_timestamp
from gateway.crypto.cades.verify import digests_named, digests_named_by_file, judge_detached, judge_detached_file
from gateway.crypto.fetching.check import check_evidence
from gateway.crypto.fetching.client import allowed_hosts
from gateway.crypto.fetching.fetcher import EvidenceFetcher, EvidenceSource, Fetched, FetchPlan, FetchProbe
from gateway.crypto.fetching.store import EvidenceStore, Kept, SourceState
from gateway.crypto.jws import (
    GAPS_TYPE,
    NON_DELIVERY_TYPE,
    RECEIPT_TYPE,
    RESYNC_PAGE_TYPE,
    RESYNC_TYPE,
    SignedToken,
    sign_jws,
    verify_jws,
)
from gateway.crypto.keys.checks import check_source
from gateway.crypto.keys.holders import InlineHolder, KeyHolder, KeyHolderPool
from gateway.crypto.keys.key_files import KeyFiles, read_key_files
from gateway.crypto.keys.own_certificate import insist_alone, insist_on_own
from gateway.crypto.keys.own_key import KeyRef, try_key
from gateway.crypto.keys.pkcs11_uri import SCHEME as PKCS11_SCHEME
from gateway.crypto.keys.pkcs11_uri import read_pkcs11_uri
from gateway.crypto.keys.signers import FileSigner
from gateway.crypto.keys.sources import KeySource, PemFile, Pkcs11Key, Pkcs12File, Token, files_of, needs_secret
from gateway.crypto.keys.token_probe import TokenProbe
from gateway.crypto.pades.appearance import Appearance, AttachmentText, CopyText, PersonPicture, SealPicture, Spot
from gateway.crypto.pades.long_term import last_timestamp, prepare_dss, token_chain
from gateway.crypto.pades.prepare import PreparedSeal, prepare_document_timestamp, prepare_seal
from gateway.crypto.pades.signing import PdfSigner, SealOrder
from gateway.crypto.pades.verify import judge_pdf, judged_type
from gateway.crypto.paths.certificates import CertificateVerdict, details_of, judge_alone, judge_certificate
from gateway.crypto.paths.client_certificate import client_certificate
from gateway.crypto.paths.evidence import evidence_for
from gateway.crypto.paths.list_draft import DraftOrder, add_signature, draft_list
from gateway.crypto.paths.list_keys import ListKey, read_list_keys, read_signing_key, sign_list_bytes
from gateway.crypto.paths.list_memory import write_durably
from gateway.crypto.paths.overview import BelievedCertificate, StoredEvidence, certificates_believed, evidence_of
from gateway.crypto.paths.policy import AlgorithmRules, Freshness, Policy, SignerRules
from gateway.crypto.paths.policy_anchors import MissingAnchor, missing_anchors, with_policy
from gateway.crypto.paths.policy_file import load_policy, parse_policy
from gateway.crypto.paths.subject import (
    DEMO_POLICY_OID,
    certificate_digest,
    is_demo,
    organization_identifier,
    refuse_demo,
    spki_digest,
    subject_public_key,
)
from gateway.crypto.paths.trust import Evidence, Role, Trust
from gateway.crypto.paths.trust_folder import LoadedTrust, load_trust, read_certificates, read_folder
from gateway.crypto.paths.trust_list import (
    ROLES,
    Anchor,
    TrustList,
    check_content,
    list_file,
    parse_list,
    read_list_bytes,
    signed_bytes,
    split_list,
)
from gateway.crypto.paths.trust_sources import ListSource, TrustSources, read_list, read_trust, remember_list
from gateway.crypto.probes import CertificateProbe, ConfinementProbe, KeyFile, KeyProbe, TrustProbe
from gateway.crypto.processes.judge import InlineJudge, JudgePool
from gateway.crypto.sealer import FileSealer, SealingKeys
from gateway.crypto.stamping import SignatureOrder, SignedFile
from gateway.crypto.timestamps.client import TimestampClient
from gateway.crypto.timestamps.verify import judge_timestamp
from gateway.crypto.tls import RollingContext, client_context, office_context, server_context
from gateway.crypto.xades.prepare import PreparedSignature, prepare_envelope
from gateway.crypto.xades.signature_timestamp import timestamp_digest, with_timestamp
from gateway.crypto.xades.slip import prepare_slip, verify_slip
from gateway.crypto.xades.verify import EnvelopeVerdict, verify_envelope

__all__ = [
    "DEMO_POLICY_OID",
    "GAPS_TYPE",
    "NON_DELIVERY_TYPE",
    "PKCS11_SCHEME",
    "RECEIPT_TYPE",
    "RESYNC_PAGE_TYPE",
    "RESYNC_TYPE",
    "ROLES",
    "AlgorithmRules",
    "Anchor",
    "Appearance",
    "AttachmentText",
    "BelievedCertificate",
    "CertificateProbe",
    "CertificateVerdict",
    "ConfinementProbe",
    "CopyText",
    "DraftOrder",
    "EnvelopeVerdict",
    "Evidence",
    "EvidenceFetcher",
    "EvidenceSource",
    "EvidenceStore",
    "FetchPlan",
    "FetchProbe",
    "Fetched",
    "FileSealer",
    "FileSigner",
    "Freshness",
    "InlineHolder",
    "InlineJudge",
    "JudgePool",
    "Kept",
    "KeyFile",
    "KeyFiles",
    "KeyHolder",
    "KeyHolderPool",
    "KeyProbe",
    "KeyRef",
    "KeySource",
    "ListKey",
    "ListSource",
    "LoadedTrust",
    "MissingAnchor",
    "PdfSigner",
    "PemFile",
    "PersonPicture",
    "Pkcs11Key",
    "Pkcs12File",
    "Policy",
    "PreparedSeal",
    "PreparedSignature",
    "Role",
    "RollingContext",
    "SealOrder",
    "SealPicture",
    "SealingKeys",
    "SignatureOrder",
    "SignedFile",
    "SignedToken",
    "SignerRules",
    "SourceState",
    "Spot",
    "StoredEvidence",
    "TimestampClient",
    "Token",
    "TokenProbe",
    "Trust",
    "TrustList",
    "TrustProbe",
    "TrustSources",
    "add_signature",
    "add_signature_timestamp",
    "allowed_hosts",
    "certificate_digest",
    "certificates_believed",
    "check_content",
    "check_evidence",
    "check_source",
    "client_certificate",
    "client_context",
    "details_of",
    "digests_named",
    "digests_named_by_file",
    "draft_list",
    "evidence_for",
    "evidence_of",
    "files_of",
    "hash_file",
    "insist_alone",
    "insist_on_own",
    "is_demo",
    "judge_alone",
    "judge_certificate",
    "judge_detached",
    "judge_detached_file",
    "judge_pdf",
    "judge_timestamp",
    "judged_type",
    "last_timestamp",
    "list_file",
    "load_policy",
    "load_trust",
    "missing_anchors",
    "needs_secret",
    "office_context",
    "organization_identifier",
    "parse_list",
    "parse_policy",
    "prepare_document_timestamp",
    "prepare_dss",
    "prepare_envelope",
    "prepare_seal",
    "prepare_slip",
    "read_certificates",
    "read_folder",
    "read_key_files",
    "read_list",
    "read_list_bytes",
    "read_list_keys",
    "read_pkcs11_uri",
    "read_signing_key",
    "read_trust",
    "refuse_demo",
    "remember_list",
    "server_context",
    "sign_jws",
    "sign_list_bytes",
    "signature_value",
    "signed_bytes",
    "spki_digest",
    "split_list",
    "subject_public_key",
    "timestamp_digest",
    "token_chain",
    "try_key",
    "verify_envelope",
    "verify_jws",
    "verify_slip",
    "with_policy",
    "with_signature_timestamp",
    "with_timestamp",
    "write_durably",
]
