"""The operations of recalls and of their answers: rows of the one table in `gateway.api.routes`."""

from typing import Final

from gateway.api import documents, inbox, models
from gateway.api.operation import JSON, Operation
from gateway.api.parts import PREFIX
from gateway.api.schemas import AgreementIn, DeclineIn, RecallIn
from gateway.core.principal import Scope

RECALL: Final = Operation(
    method="POST",
    path=f"{PREFIX}/documents/{{key}}:recall",
    scope=Scope.SEND,
    handler=documents.recall,
    name="recallDocument",
    title="api.recall.title",
    about="api.recall.about",
    answer=models.Recall,
    status=202,
    takes={JSON: RecallIn},
    errors=(
        "request.media_type",
        "reason.missing",
        "secrecy.marked",
        "conflict.state",
        "conflict.at_work",
        "conflict.restored",
    ),
)

ANSWERS: Final = (
    Operation(
        method="POST",
        path=f"{PREFIX}/inbox/{{key}}:agree",
        scope=Scope.ACT,
        handler=inbox.agree,
        name="agreeToAmendment",
        title="api.agree.title",
        about="api.agree.about",
        answer=models.InboxEntry,
        takes={JSON: AgreementIn},
        conditional=True,
        errors=("request.media_type", "amendment.none", "conflict.state"),
    ),
    Operation(
        method="POST",
        path=f"{PREFIX}/inbox/{{key}}:decline",
        scope=Scope.ACT,
        handler=inbox.decline,
        name="declineAmendment",
        title="api.decline.title",
        about="api.decline.about",
        answer=models.InboxEntry,
        takes={JSON: DeclineIn},
        conditional=True,
        errors=("request.media_type", "reason.missing", "secrecy.marked", "amendment.none", "conflict.state"),
    ),
)
