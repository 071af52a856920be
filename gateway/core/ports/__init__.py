"""Where strangers meet: few, large verbs, with the promises in MUST words (RFC 2119).

A conductor is handed these in its constructor and never learns which class stands behind them; `gateway.app` alone
plugs them together. Each port has one contract suite in `tests/contract`, run on every implementation, the fakes of
`tests/kit` included.
"""

from gateway.core.ports.access import Allowance, Authenticator, RateLimiter
from gateway.core.ports.blobs import NO_UNIT, BlobLease, Blobs
from gateway.core.ports.checkpoints import Checkpoints, LeafProof, PublishedCheckpoint
from gateway.core.ports.clock import Clock
from gateway.core.ports.judge import Judge
from gateway.core.ports.keys import Sealer, Signer, TimestampAuthority
from gateway.core.ports.operation import Intake, Meter, Probe
from gateway.core.ports.records import Records
from gateway.core.ports.road import Directory, Transport
from gateway.core.ports.scanner import Scanner
from gateway.core.ports.store import CommitListener, Store
from gateway.core.ports.uploads import Upload, UploadId, Uploads

__all__ = [
    "NO_UNIT",
    "Allowance",
    "Authenticator",
    "BlobLease",
    "Blobs",
    "Checkpoints",
    "Clock",
    "CommitListener",
    "Directory",
    "Intake",
    "Judge",
    "LeafProof",
    "Meter",
    "Probe",
    "PublishedCheckpoint",
    "RateLimiter",
    "Records",
    "Scanner",
    "Sealer",
    "Signer",
    "Store",
    "TimestampAuthority",
    "Transport",
    "Upload",
    "UploadId",
    "Uploads",
]
