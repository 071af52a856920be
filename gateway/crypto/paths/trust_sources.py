"""Where an installation's trust is read from: a signed list or a folder, the store of fetched evidence, and a policy."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.core.errors import SiteError
from gateway.core.reasons import because
from gateway.crypto.paths.list_keys import read_list_keys
from gateway.crypto.paths.list_memory import ListMemory
from gateway.crypto.paths.policy_anchors import with_policy
from gateway.crypto.paths.policy_file import load_policy
from gateway.crypto.paths.subject import refuse_demo
from gateway.crypto.paths.trust import Trust
from gateway.crypto.paths.trust_folder import ANCHOR_FOLDERS, load_trust, with_evidence
from gateway.crypto.paths.trust_list import TrustList, parse_list, read_list_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSource:
    """A signed list, and what makes it believed."""

    file: Path
    keys: Path
    """Folder of the public keys that may sign it."""
    needed: int
    """How many different ones must have."""
    memory: Path | None = None
    """File that remembers the highest number that was in force; None: nobody remembers (a look from outside)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSources:
    """Everything that trust is read from."""

    folder: Path
    demo: bool
    policy: Path | None = None
    """None: the rules that are shipped."""
    list: ListSource | None = None
    """None: the anchors lie in the folder."""
    store: Path | None = None
    """Folder of fetched evidence, as `EvidenceStore` keeps it."""


def read_trust(sources: TrustSources, *, now: datetime) -> Trust:
    """Whom to believe, by which rules, and what is known of revocation.

    Raises:
        SiteError: `config.invalid`, `key.demo`; `trust.*` for a list that is not to be believed.
    """
    if sources.list is None:
        trust = load_trust(sources.folder, sources.demo)
    else:
        trust = with_evidence(_of_list(read_list(sources.list, now=now), sources), sources.folder)
    if sources.policy is not None:
        trust = with_policy(trust, load_policy(sources.policy), path=str(sources.policy))
    return trust if sources.store is None else with_evidence(trust, sources.store)


def read_list(source: ListSource, *, now: datetime) -> TrustList:
    """The list that is to be believed.

    Raises:
        SiteError: `config.invalid`, `trust.*`.
    """
    keys = read_list_keys(source.keys)
    if len(keys) < source.needed:
        reason = because("other", detail=f"{len(keys)} keys, {source.needed} signatures needed")
        raise SiteError("config.invalid", path=str(source.keys), reason=reason)
    found = parse_list(read_list_bytes(source.file), keys=keys, needed=source.needed, now=now, path=str(source.file))
    if source.memory is not None:
        ListMemory(source.memory).check(found.number, found.digest, path=str(source.file))
    return found


def remember_list(sources: TrustSources, *, now: datetime) -> None:
    """Remember that the list is in force, durably: no lower number is taken from now on.

    Raises:
        SiteError: as `read_list`.
        OSError: the disk refused.
    """
    if sources.list is not None and sources.list.memory is not None:
        ListMemory(sources.list.memory).remember(read_list(sources.list, now=now))


def _of_list(found: TrustList, sources: TrustSources) -> Trust:
    """The anchors of a list, and of nothing else."""
    for name in ANCHOR_FOLDERS:
        if (folder := sources.folder / name).is_dir() and any(folder.iterdir()):
            raise SiteError("config.invalid", path=str(folder), reason=because("two_sources"))
    if not sources.demo:
        for anchor in (*found.bodies, *found.people, *found.authorities):
            refuse_demo(anchor.der, what="trust anchor")
    return Trust(
        anchors=tuple(one.der for one in found.bodies),
        people=tuple(one.der for one in found.people),
        authorities=tuple(one.der for one in found.authorities),
        intermediates=tuple(one.der for one in found.intermediates),
        demo=sources.demo,
        number=found.number,
        expires_at=found.expires_at,
    )
