"""The sections about trust: anchors, policy, and where revocation evidence comes from (docs/TRUST.md)."""

from collections import Counter
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.config.forms import Array, FilePath, Section, wrong


class TrustSection(Section):
    """Whom signatures on documents and envelopes may lead to: never the system's own list."""

    folder: FilePath
    """With `anchors/`, `people/`, `authorities/`, `intermediates/`, `crls/` and `ocsps/`; only the first must be there."""
    policy: FilePath | None = None
    """The validation policy; absent: the rules that are shipped (config/policy/edoc-gateway-1.toml)."""
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
