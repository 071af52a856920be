"""Trust: anchors, policy, where revocation evidence comes from (docs/TRUST.md); and who looks for malware."""

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.config.forms import Array, FilePath, ScannerUrl, Section, wrong
from gateway.core import limits
from gateway.core.validation import Level


class TrustSection(Section):
    """Whom signatures on documents and envelopes may lead to: never the system's own list."""

    folder: FilePath
    """With `anchors/`, `people/`, `authorities/`, `intermediates/`, `crls/` and `ocsps/`; only the first must be there."""
    policy: FilePath | None = None
    """The validation policy; absent: the rules that are shipped (config/policy/edoc-gateway-2.toml)."""
    list: FilePath | None = None
    """The signed list of anchors; then the folder holds none."""
    list_keys: FilePath | None = None
    """Folder of the public keys (PEM) that sign the list; needed with `list`."""
    list_signatures: Annotated[int, Field(ge=1, le=16)] = 2
    """How many different ones of these keys must have signed it."""

    @model_validator(mode="after")
    def _keys_for_the_list(self) -> Self:
        if self.list is not None and self.list_keys is None:
            raise wrong("list_keys")
        return self


class SourceEntry(Section):
    """Where revocation evidence is published."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s#@]+$", max_length=1_000)]
    """As the certificates name it."""
    mirror: Annotated[str, StringConstraints(pattern=r"^((https?://|file:///|/)[^\s#@]+)?$", max_length=1_000)] = ""
    """Where it is got from instead: another URL, or a file. Empty: from `url`."""
    every_seconds: Annotated[int, Field(ge=60, le=604_800)] = 3_600


HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\[\]:-]{1,260}$")]


class RevocationSection(Section):
    """Revocation evidence that is fetched ahead of need; judges never fetch."""

    store: FilePath | None = None
    """Folder of what was fetched. Default: `revocation` in the state folder."""
    hosts: Annotated[Array[HostName], Field(max_length=100)] = ()
    """Who may be asked: `host` at the usual port, or `host:port`. None: nobody."""
    private_hosts: Annotated[Array[HostName], Field(max_length=100)] = ()
    """Of these names, without ports, those that may be at an address inside (loopback, private)."""
    sources: Annotated[Array[SourceEntry], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if twice := [url for url, count in Counter(one.url for one in self.sources).items() if count > 1]:
            raise wrong("twice", key="revocation.sources.url", value=twice[0])
        return self


AuthorityUrl = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[!\"$-~]*)?$"),
]


class ScannerSection(Section):
    """The malware scanner: clamd, on this machine or in a private network.

    What it could not look at waits until it could: there is no setting that would let it pass.
    """

    url: ScannerUrl = ""
    """`unix:/run/clamav/clamd.ctl` or `tcp://127.0.0.1:3310`; empty: files are not scanned."""
    seconds: Annotated[float, Field(ge=1, le=limits.SCAN_SECONDS_MAX)] = limits.SCAN_SECONDS_DEFAULT
    """Patience with it for one file."""
    bytes_max: Annotated[int, Field(ge=limits.FILE_BYTES_MAX, le=limits.HAND_FILE_BYTES_MAX)] = (
        limits.SCAN_BYTES_DEFAULT
    )
    """Larger files are not shown to it, and so never pass as clean; not more than its StreamMaxLength."""


class TimestampsSection(Section):
    """Timestamp authorities (RFC 3161), and what is done when none answers."""

    urls: Annotated[Array[AuthorityUrl], Field(max_length=limits.TIMESTAMP_URLS_MAX)] = ()
    """In the order in which they are asked; none: nothing is stamped."""
    seconds: Annotated[float, Field(ge=1, le=120)] = 5
    """Patience with each while a document waits to be sealed."""
    later_seconds: Annotated[float, Field(ge=1, le=600)] = 180
    """Patience with each afterwards, for what is owed."""
    level: Annotated[Level, Field(strict=False)] = Level.B_T
    """What seals are asked to reach: B-T, B-LT or B-LTA."""
    when_unavailable: Literal["go_on", "wait"] = "go_on"
    """`go_on`: sealed at B-B, and stamped afterwards; `wait`: not sealed before an authority answers."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if twice := [url for url, count in Counter(self.urls).items() if count > 1]:
            raise wrong("twice", key="timestamps.urls", value=twice[0])
        if self.level is Level.B_B:
            raise wrong("level_b_b")
        return self
