"""The operations of uploads (docs/API.md, Large files): rows of the one table in `gateway.api.routes`."""

from typing import Final

from gateway.api import models, uploads
from gateway.api.operation import JSON, Operation
from gateway.api.parts import PREFIX
from gateway.api.schemas import UploadIn
from gateway.core.principal import Scope

UPLOADS: Final = (
    Operation(
        method="POST",
        path=f"{PREFIX}/uploads",
        scope=Scope.SEND,
        handler=uploads.begin,
        name="beginUpload",
        title="api.upload_begin.title",
        about="api.upload_begin.about",
        answer=models.Upload,
        status=201,
        takes={JSON: UploadIn},
        idempotent=True,
        brings=True,
        errors=("request.idempotency_key", "request.media_type", "upload.conflict", "upload.busy", "upload.limit"),
    ),
    Operation(
        method="GET",
        path=f"{PREFIX}/uploads/{{upload}}",
        scope=Scope.SEND,
        handler=uploads.show,
        name="getUpload",
        title="api.upload.title",
        about="api.upload.about",
        answer=models.Upload,
    ),
    Operation(
        method="PATCH",
        path=f"{PREFIX}/uploads/{{upload}}",
        scope=Scope.SEND,
        handler=uploads.append,
        name="continueUpload",
        title="api.upload_append.title",
        about="api.upload_append.about",
        answer=models.Upload,
        takes={uploads.PIECE: None},
        placed=True,
        brings=True,
        errors=("request.media_type", "upload.offset", "upload.busy", "upload.digest"),
    ),
    Operation(
        method="DELETE",
        path=f"{PREFIX}/uploads/{{upload}}",
        scope=Scope.SEND,
        handler=uploads.drop,
        name="dropUpload",
        title="api.upload_drop.title",
        about="api.upload_drop.about",
        answer=models.Upload,
        errors=("upload.busy",),
    ),
)
