"""The one registry of the office API. What has no row here does not exist, and a row without a scope has to say so.

From it come aiohttp's router, the gate's table, `/openapi.json` and the reference page: none of them can know an
operation that the others do not.
"""

from typing import Final

from aiohttp import hdrs, web

from gateway.api import directory, documents, events, inbox, models, query, reference
from gateway.api.amendment_routes import ANSWERS, RECALL
from gateway.api.language import Language
from gateway.api.operation import ANY, HTML, JSON, Operation
from gateway.api.parts import PREFIX
from gateway.api.schemas import MetadataIn, RefusalIn
from gateway.api.submission import EDXML, FORM
from gateway.api.upload_routes import UPLOADS
from gateway.core import limits
from gateway.core.ids import KEY, ORGAN_ID
from gateway.core.principal import Scope
from gateway.core.states import DocumentState
from gateway.http import postpone_continue

_LIMIT: Final = query.number(
    "limit", "api.query.limit", default=limits.PAGE_ROWS_DEFAULT, least=1, most=limits.PAGE_ROWS_MAX
)
_KEY_CURSOR: Final = query.cursor("api.query.cursor", form=KEY, chars_max=36)
_STORY_CURSOR: Final = query.number("cursor", "api.query.cursor", default=0, least=0, most=query.CURSOR_MAX)
_ORGAN_CURSOR: Final = query.cursor("api.query.cursor", form=ORGAN_ID, chars_max=limits.ORGAN_ID_CHARS_MAX)
_LANGUAGE: Final = query.choice("lang", "api.query.lang", values=Language)

_SUBMISSION_ERRORS: Final = (
    "request.idempotency_key",
    "request.media_type",
    "count.limit",
    "file.empty",
    "file.not_pdf",
    "secrecy.marked",
    "sender.unknown",
    "sender.closed",
    "access.organ",
    "conflict.idempotency",
    "conflict.document_id",
    "envelope.malformed",
    "amendment.unknown",
    "envelope.kind",
    "envelope.unsigned",
    "envelope.signature",
    "envelope.attachments",
    "upload.incomplete",
    "upload.busy",
    "upload.digest",
    "worker.busy",
    "worker.died",
    "worker.killed",
    "store.full",
)
_FILE_ERRORS: Final = ("blob.damaged",)
_ENTRY_FILE_ERRORS: Final = (*_FILE_ERRORS, "entry.recalled")

ROUTES: Final = (
    Operation(
        method="POST",
        path=f"{PREFIX}/documents",
        scope=Scope.SEND,
        handler=documents.submit,
        name="submitDocument",
        title="api.submit.title",
        about="api.submit.about",
        answer=models.Document,
        status=202,
        takes={FORM: MetadataIn, EDXML: None},
        idempotent=True,
        brings=True,
        errors=_SUBMISSION_ERRORS,
    ),
    *UPLOADS,
    Operation(
        method="GET",
        path=f"{PREFIX}/documents",
        scope=Scope.READ,
        handler=documents.listing,
        name="listDocuments",
        title="api.documents.title",
        about="api.documents.about",
        answer=models.DocumentPage,
        query=(query.choice("state", "api.query.state", values=DocumentState), _KEY_CURSOR, _LIMIT),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/documents/{{key}}",
        scope=Scope.READ,
        handler=documents.show,
        name="getDocument",
        title="api.document.title",
        about="api.document.about",
        answer=models.DocumentView,
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/documents/{{key}}/deliveries",
        scope=Scope.READ,
        handler=documents.deliveries,
        name="listDeliveries",
        title="api.deliveries.title",
        about="api.deliveries.about",
        answer=models.DeliveryPage,
        query=(_KEY_CURSOR, _LIMIT),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/documents/{{key}}/notices",
        scope=Scope.READ,
        handler=documents.notices,
        name="listNotices",
        title="api.notices.title",
        about="api.notices.about",
        answer=models.NoticePage,
        query=(_KEY_CURSOR, _LIMIT),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/documents/{{key}}/attachments/{{position}}",
        scope=Scope.READ,
        handler=documents.attachment,
        name="downloadSentAttachment",
        title="api.sent_attachment.title",
        about="api.sent_attachment.about",
        answer=None,
        produces=ANY,
        query=(query.choice("copy", "api.query.copy", values=documents.Copy),),
        errors=_FILE_ERRORS,
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/documents/{{key}}/history",
        scope=Scope.READ,
        handler=documents.history,
        name="getDocumentHistory",
        title="api.history.title",
        about="api.history.about",
        answer=models.HistoryPage,
        query=(_STORY_CURSOR, _LIMIT),
    ),
    Operation(
        method="POST",
        path=f"{PREFIX}/documents/{{key}}:release",
        scope=Scope.SEND,
        handler=documents.release,
        name="releaseDocument",
        title="api.release.title",
        about="api.release.about",
        answer=models.Document,
        status=202,
        conditional=True,
        errors=("conflict.state",),
    ),
    RECALL,
    Operation(
        method="GET",
        path=f"{PREFIX}/inbox",
        scope=Scope.READ,
        handler=inbox.listing,
        name="listInbox",
        title="api.inbox.title",
        about="api.inbox.about",
        answer=models.InboxPage,
        query=(
            query.number("after", "api.query.inbox_after", default=0, least=0, most=query.CURSOR_MAX),
            _LIMIT,
        ),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/inbox/{{key}}",
        scope=Scope.READ,
        handler=inbox.show,
        name="getInboxEntry",
        title="api.entry.title",
        about="api.entry.about",
        answer=models.InboxEntry,
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/inbox/{{key}}/history",
        scope=Scope.READ,
        handler=inbox.history,
        name="getInboxHistory",
        title="api.entry_history.title",
        about="api.entry_history.about",
        answer=models.HistoryPage,
        query=(_STORY_CURSOR, _LIMIT),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/inbox/{{key}}/content",
        scope=Scope.READ,
        handler=inbox.content,
        name="downloadEnvelope",
        title="api.content.title",
        about="api.content.about",
        answer=None,
        produces=EDXML,
        errors=_ENTRY_FILE_ERRORS,
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/inbox/{{key}}/attachments/{{position}}",
        scope=Scope.READ,
        handler=inbox.attachment,
        name="downloadAttachment",
        title="api.attachment.title",
        about="api.attachment.about",
        answer=None,
        produces=ANY,
        errors=_ENTRY_FILE_ERRORS,
    ),
    Operation(
        method="POST",
        path=f"{PREFIX}/inbox/{{key}}:accept",
        scope=Scope.ACT,
        handler=inbox.accept,
        name="acceptDocument",
        title="api.accept.title",
        about="api.accept.about",
        answer=models.InboxEntry,
        conditional=True,
        errors=("conflict.state", "entry.recalled"),
    ),
    Operation(
        method="POST",
        path=f"{PREFIX}/inbox/{{key}}:refuse",
        scope=Scope.ACT,
        handler=inbox.refuse,
        name="refuseDocument",
        title="api.refuse.title",
        about="api.refuse.about",
        answer=models.InboxEntry,
        takes={JSON: RefusalIn},
        conditional=True,
        errors=("request.media_type", "reason.missing", "secrecy.marked", "conflict.state", "entry.recalled"),
    ),
    *ANSWERS,
    Operation(
        method="GET",
        path=f"{PREFIX}/events",
        scope=Scope.READ,
        handler=events.listing,
        name="listEvents",
        title="api.events.title",
        about="api.events.about",
        answer=models.EventPage,
        query=(
            query.number("after", "api.query.events_after", default=-1, least=-1, most=query.CURSOR_MAX),
            _LIMIT,
            query.number("wait", "api.query.wait", default=0, least=0, most=limits.EVENTS_POLL_SECONDS_MAX),
        ),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/organizations",
        scope=Scope.READ,
        handler=directory.listing,
        name="listOrganizations",
        title="api.organizations.title",
        about="api.organizations.about",
        answer=models.OrganizationPage,
        query=(query.phrase("text", "api.query.text"), _ORGAN_CURSOR, _LIMIT),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/organizations/{{organ_id}}",
        scope=Scope.READ,
        handler=directory.organization,
        name="getOrganization",
        title="api.organization.title",
        about="api.organization.about",
        answer=models.Organization,
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/me",
        scope=Scope.READ,
        handler=directory.me,
        name="getMe",
        title="api.me.title",
        about="api.me.about",
        answer=models.Me,
    ),
    Operation(
        method="GET",
        path="/openapi.json",
        scope=None,
        handler=reference.openapi,
        name="getOpenapi",
        title="api.openapi.title",
        about="api.openapi.about",
        answer=None,
        produces=JSON,
    ),
    Operation(
        method="GET",
        path="/docs",
        scope=None,
        handler=reference.reference,
        name="getReference",
        title="api.docs.title",
        about="api.docs.about",
        answer=None,
        produces=HTML,
        query=(_LANGUAGE,),
    ),
    Operation(
        method="GET",
        path="/problems/{code}",
        scope=None,
        handler=reference.problem,
        name="getProblem",
        title="api.problem.title",
        about="api.problem.about",
        answer=None,
        produces=HTML,
        query=(_LANGUAGE,),
    ),
    Operation(
        method="GET",
        path="/",
        scope=None,
        handler=reference.home,
        name="getHome",
        title="api.home.title",
        about="api.home.about",
        answer=None,
        produces=HTML,
        status=302,
        errors=("not_found",),
    ),
)


def scopes() -> dict[tuple[str, str], Scope | None]:
    """{(method, whole path): scope}, for the gate: who may look may also ask for the head alone."""
    return {(method, row.path): row.scope for row in ROUTES for method in methods(row)}


def bringing() -> frozenset[tuple[str, str]]:
    """(method, whole path) of what brings documents or their files, for the admission."""
    return frozenset((row.method, row.path) for row in ROUTES if row.brings)


def methods(row: Operation) -> tuple[str, ...]:
    """Under which methods an operation is found."""
    return (row.method, hdrs.METH_HEAD) if row.reads else (row.method,)


def register(router: web.UrlDispatcher) -> None:
    """Make the rows known to aiohttp."""
    for row in ROUTES:
        for method in methods(row):
            router.add_route(method, row.path, row.__call__, expect_handler=postpone_continue)
