"""Every operation's list of error codes is whole: nothing its code raises, and nothing a test ever saw, is missing.

Two looks at it. The source: from the verb of the desk that an operation calls, through every function whose name is used
from there on, the codes that are raised. The answers: every world of these tests notes what it answered (`Heard`).
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

import gateway
from gateway.api.operation import Operation
from gateway.api.routes import ROUTES
from gateway.core.errors import CATALOGUE, SiteError
from tests.unit.api.world import CITY_KEY, Heard, running

MODULES: Final = {
    "exchange": (
        *("submit", "ready_made", "judging", "statuses", "release", "queries", "events", "permission", "duties"),
        *("recalls", "answering", "amending"),
    ),
    "api": (
        "submission",
        "multipart",
        "body",
        "files",
        "conditional",
        "reference",
        "schemas",
        "gate",
        "query",
        "uploads",
    ),
}
VERBS: Final = {
    "submitDocument": ("submit.submit", "submit.submit_envelope", "submit.admit", "submission.read_order"),
    "beginUpload": ("uploads.begin",),
    "getUpload": ("uploads.show",),
    "continueUpload": ("uploads.append",),
    "dropUpload": ("uploads.drop",),
    "listDocuments": ("queries.documents",),
    "getDocument": ("queries.document",),
    "listDeliveries": ("queries.deliveries",),
    "listNotices": ("queries.notices",),
    "downloadSentAttachment": ("queries.sent_attachment", "files.send_file"),
    "getDocumentHistory": ("queries.history",),
    "releaseDocument": ("release.release", "body.read_nothing", "conditional.require_match"),
    "recallDocument": ("recalls.recall", "schemas.read_json"),
    "listInbox": ("queries.inbox",),
    "getInboxEntry": ("queries.entry",),
    "getInboxHistory": ("queries.entry_history",),
    "downloadEnvelope": ("queries.content", "files.send_file"),
    "downloadAttachment": ("queries.attachment", "files.send_file"),
    "acceptDocument": ("statuses.accept", "body.read_nothing", "conditional.require_match"),
    "refuseDocument": ("statuses.refuse", "body.whole", "schemas.parse", "conditional.require_match"),
    "agreeToAmendment": ("answering.agree", "schemas.read_json", "conditional.require_match"),
    "declineAmendment": ("answering.decline", "schemas.read_json", "conditional.require_match"),
    "listEvents": ("events.events",),
    "listOrganizations": ("queries.organs",),
    "getOrganization": ("queries.organ",),
    "getMe": (),
    "getOpenapi": ("reference.openapi",),
    "getReference": ("reference.reference",),
    "getProblem": ("reference.problem",),
    "getHome": ("reference.home",),
}
"""Which functions each operation's handler goes on to; besides these, all pass the gate and the query."""
EVERYBODY: Final = ("gate._enter", "gate._pass", "gate._check_headers", "query.read_query")
CAUGHT: Final = {"envelope.undecided": "held later, not refused now", "registry.behind": "a peer's, not an office's"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function, bool]]:
    """(`module.name`, the function, whether it stands outside of every class)."""
    root = Path(gateway.__file__).parent
    for room, names in MODULES.items():
        for name in names:
            tree = ast.parse((root / room / f"{name}.py").read_text("utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, Function):
                    yield f"{name}.{node.name}", node, node in tree.body


ALL: Final = list(functions())
KNOWN: Final = {name: [node for other, node, _ in ALL if other == name] for name, _, _ in ALL}
PUBLIC: Final = {name.partition(".")[2]: name for name, _, outside in ALL if outside}


def reached(module: str, node: ast.AST) -> str:
    """The function that this expression names, if it is one that we look at."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return f"{module}.{node.attr}"
    if isinstance(node, ast.Name):
        return PUBLIC.get(node.id, "")
    return ""


def raised(verbs: Iterable[str]) -> set[str]:
    """Codes that are raised from these functions on."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = list(verbs)
    while todo:
        name = todo.pop()
        for function in [] if name in seen else KNOWN.get(name, ()):
            for node in ast.walk(function):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    first = [value for value in node.exc.args[:1] if isinstance(value, ast.Constant)]
                    found |= {str(value.value) for value in first} & CATALOGUE.keys()
                todo.append(reached(name.partition(".")[0], node))
        seen.add(name)
    return found


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
def test_what_the_source_raises_is_documented(row: Operation) -> None:
    assert raised((*VERBS[row.name], *(EVERYBODY if row.scope else ()))) - set(row.codes) - CAUGHT.keys() == set()


def test_the_look_at_the_source_sees_something() -> None:
    assert VERBS.keys() == {row.name for row in ROUTES}
    assert {verb for verbs in (EVERYBODY, *VERBS.values()) for verb in verbs} <= KNOWN.keys()
    assert raised(["submit.submit"]) >= {
        "access.organ",
        "sender.closed",
        "conflict.idempotency",
        "file.not_pdf",
        "count.limit",
    }
    assert raised(["submit.submit_envelope"]) >= {"envelope.kind", "envelope.signature", "envelope.attachments"}
    assert raised(["events.events"]) >= {"rate.limit", "access.scope"}


async def test_an_answer_that_is_not_documented_is_heard(tmp_path: Path) -> None:
    """The ear of the worlds works: a disk that fills up under a reader has no row."""

    async def full(*given: object, **named: object) -> None:
        raise SiteError("blob.damaged")

    with pytest.raises(AssertionError, match="codes"):
        async with running(tmp_path) as world:
            world.heard.codes.add(("getMe", "blob.damaged"))
    async with running(tmp_path / "b") as world:
        world.desks.inbox = full  # type: ignore[method-assign, assignment]
        async with world.ask("GET", "/inbox", key=CITY_KEY) as answer:
            assert answer.status == 500
        assert world.heard.undocumented() == {("listInbox", "blob.damaged")}
        world.heard.forget()


def test_heard_is_judged_by_the_registry() -> None:
    heard = Heard()
    heard.codes |= {("getMe", "access.no_key"), ("submitDocument", "sender.closed")}
    assert heard.undocumented() == set()
    heard.codes |= {("getMe", "sender.closed")}
    assert heard.undocumented() == {("getMe", "sender.closed")}
