"""The table of commands: one row each, in the order in which the help lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.cli.grammar import by_hand, documents, edxml, evidence, sealing, signing, site, trust


@dataclass(frozen=True, slots=True)
class Row:
    """One command. Its help is `cli.help.<id>`, its examples `cli.example.<id>`, in the catalogue."""

    name: str
    """As it is typed; two words are a command of a group."""
    run: Callable[..., int]
    data: bool = True
    """Whether it has data: with `--json` in the form `#/$defs/<id>` of docs/cli.schema.json."""
    changes: bool = False
    """Whether it changes something at the gateway for an office, and so has `--dry-run`."""

    @property
    def id(self) -> str:
        """The name as part of ids: `audit_verify`."""
        return self.name.replace(" ", "_")

    @property
    def group(self) -> str:
        """The group's name, or an empty text."""
        return self.name.rpartition(" ")[0]


ROWS: Final = (
    Row("version", site.version_),
    Row("demo", site.demo, data=False),
    Row("serve", site.serve, data=False),
    Row("config check", site.config_check),
    Row("config show", site.config_show),
    Row("doctor", site.doctor),
    Row("backup", site.backup),
    Row("restore", site.restore),
    Row("queue list", site.queue_list),
    Row("queue pause", by_hand.queue_pause),
    Row("queue resume", by_hand.queue_resume),
    Row("queue retry", by_hand.queue_retry),
    Row("queue reroute", by_hand.queue_reroute),
    Row("queue void", by_hand.queue_void),
    Row("apikey", site.apikey),
    Row("completion", site.completion, data=False),
    Row("send", documents.send, changes=True),
    Row("documents", documents.documents),
    Row("trace", documents.trace),
    Row("board", documents.board),
    Row("release", documents.release, changes=True),
    Row("inbox", documents.inbox),
    Row("get", documents.get),
    Row("accept", documents.accept, changes=True),
    Row("refuse", documents.refuse, changes=True),
    Row("org find", documents.org_find),
    Row("org show", documents.org_show),
    Row("sign", signing.sign),
    Row("verify", evidence.verify),
    Row("seal", sealing.seal),
    Row("ltaupdate", sealing.ltaupdate),
    Row("edxml inspect", edxml.inspect),
    Row("edxml validate", edxml.validate),
    Row("edxml pack", edxml.pack),
    Row("edxml sign", signing.sign_envelope),
    Row("edxml unpack", edxml.unpack),
    Row("edxml status", edxml.status),
    Row("edxml schema", edxml.schema),
    Row("trust show", trust.show),
    Row("trust check", trust.check),
    Row("trust draft", trust.draft),
    Row("trust sign", trust.sign),
    Row("trust fetch", trust.fetch),
    Row("audit verify", evidence.audit_verify),
    Row("audit head", evidence.audit_head),
    Row("audit prove", evidence.audit_prove),
)
