"""The store of fetched evidence: `crls/` and `ocsps/` as a trust folder has them, and an index that says whence and how old.

One file for each source, authority and subject, replaced as a whole (`write_durably`), so that a reader or a power cut finds
the old one or the new one. A newer one is never replaced by an older one: whoever replays yesterday's list brings nobody back.
The index is for people and for the schedule; what judges believe they see in the files themselves.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.x509.ocsp import load_der_ocsp_response

from gateway.core import limits
from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.core.errors import SiteError
from gateway.core.reasons import of_os
from gateway.crypto.edge import attempt
from gateway.crypto.fetching.check import Genuine
from gateway.crypto.paths.list_memory import write_durably
from gateway.crypto.paths.revocation_list import ListOutline

_INDEX_BYTES_MAX: Final = 4 * limits.MIB
_FOLDERS: Final = {"crl": "crls", "ocsp": "ocsps"}
SOURCES_MAX: Final = 100


class Kept(StrEnum):
    """What became of something that was fetched."""

    NEW = "new"
    SAME = "same"
    OLDER = "older"
    """Than what we have: not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How it stands with one source."""

    url: str
    tried_at: datetime
    fetched_at: datetime | None = None
    """The last time that something genuine came, new or not."""
    failed: str = ""
    """Why the last try failed; empty: it did not."""
    issuer: str = ""
    kind: str = ""
    issued_at: datetime | None = None
    next_update: datetime | None = None
    number: int | None = None
    sha256: str = ""


_TIMES: Final = ("tried_at", "fetched_at", "issued_at", "next_update")


class EvidenceStore:
    """The store in one folder. One writes (the fetcher), any may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def states(self) -> Mapping[str, SourceState]:
        """Of every source that was ever tried, by its URL; none where the index was lost.

        Raises:
            SiteError: `config.invalid`: the folder cannot be read.
        """
        try:
            with (self._folder / "index.json").open("rb") as file:
                tree = json.loads(file.read(_INDEX_BYTES_MAX))
            _written(tree)  # half a surrogate pair: it could not be written again
            return {one["url"]: _state(one) for one in tree["sources"]}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SiteError("config.invalid", path=str(self._folder), reason=of_os(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError):
            return {}  # it is made anew; what is believed does not depend on it

    def keep(self, url: str, found: Genuine, *, moment: datetime) -> Kept:
        """Keep it, unless what we have from there is newer.

        Raises:
            SiteError: `config.invalid`: the folder cannot be written.
        """
        name = sha256(f"{url}\n{found.issuer_key}\n{found.subject}".encode()).hexdigest()[:32]
        file = self._folder / _FOLDERS[found.kind] / f"{name}.{found.kind}"
        try:
            outcome = _compare(_held(file), found)
            if outcome is Kept.NEW:
                file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                write_durably(file, found.der)
            self._write(self._after(url, found, outcome, moment))
        except OSError as error:
            raise SiteError("config.invalid", path=str(self._folder), reason=of_os(error)) from error
        return outcome

    def _after(self, url: str, found: Genuine, outcome: Kept, moment: datetime) -> SourceState:
        if outcome is Kept.OLDER:
            held = self.states().get(url, SourceState(url=url, tried_at=moment))
            return replace(held, tried_at=moment, failed=f"older than what we have: {rfc3339(found.issued_at)}")
        return SourceState(
            url=url,
            tried_at=moment,
            fetched_at=moment,
            issuer=found.issuer,
            kind=found.kind,
            issued_at=found.issued_at,
            next_update=found.next_update,
            number=found.number,
            sha256=found.digest,
        )

    def fail(self, url: str, reason: str, *, moment: datetime) -> None:
        """Note that nothing came.

        Raises:
            SiteError: `config.invalid`: the folder cannot be written.
        """
        held = self.states().get(url, SourceState(url=url, tried_at=moment))
        try:
            self._write(replace(held, tried_at=moment, failed=reason[: limits.CONTENT_CHARS_MAX]))
        except OSError as error:
            raise SiteError("config.invalid", path=str(self._folder), reason=of_os(error)) from error

    def _write(self, state: SourceState) -> None:
        states = {**self.states(), state.url: state}
        rows = [_row(one) for one in states.values()][-10 * SOURCES_MAX :]
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_durably(self._folder / "index.json", _written({"format": 1, "sources": rows}))


def _written(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class _Held:
    """Which one we have."""

    issued_at: datetime
    number: int | None
    digest: str


def _held(file: Path) -> _Held | None:
    """Read off the file itself; None: there is none, or a damaged one, which any good one may replace.

    Raises:
        OSError: it cannot be read.
    """
    try:
        data = file.read_bytes()
        if file.suffix == ".ocsp":
            return _Held(load_der_ocsp_response(data).this_update_utc, None, sha256(data).hexdigest())
    except (FileNotFoundError, ValueError):
        return None
    held = attempt(_held_list, data)
    return held if isinstance(held, _Held) else None


def _held_list(data: bytes) -> _Held:
    """Walked in pieces of Python: a library that parses a large one at once would keep the event loop waiting."""
    listed = ListOutline.read(data)
    issued_at, number = listed.head["tbs_cert_list"]["this_update"].native, listed.head.crl_number_value
    return _Held(issued_at, None if number is None else number.native, listed.digest)


def _compare(before: _Held | None, found: Genuine) -> Kept:
    if before is None:
        return Kept.NEW
    if before.digest == found.digest:
        return Kept.SAME
    back = before.number is not None and found.number is not None and found.number < before.number
    return Kept.OLDER if back or found.issued_at < before.issued_at else Kept.NEW


def _row(state: SourceState) -> dict[str, Any]:
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in asdict(state).items()}


def _state(row: dict[str, Any]) -> SourceState:
    """A row of the index, as we write them; whatever else lies in that file is an index that was lost.

    Raises:
        ValueError, KeyError, TypeError: it is none of ours.
    """
    times = {name: None if row.get(name) is None else parse_rfc3339(row[name]) for name in _TIMES}
    state = SourceState(**{**row, **times})
    texts = (state.url, state.failed, state.issuer, state.kind, state.sha256)
    number = state.number is None or isinstance(state.number, int)
    if times["tried_at"] is None or not number or not all(isinstance(text, str) for text in texts):
        raise ValueError("not a state of a source")
    return state
