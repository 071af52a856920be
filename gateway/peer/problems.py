"""How this door says no: a problem document (RFC 9457) with a stable code, for the other gateway and its operator."""

import json

from gateway.core.errors import GatewayError, SiteError
from gateway.observe import explain


def document(error: GatewayError, _path: str = "", _trace_id: str = "") -> bytes:
    """`code` is for the other gateway, the rest for its operator: English, and of our own faults no detail."""
    texts = explain(error.code, {} if isinstance(error, SiteError) else error.params)
    members: dict[str, object] = {
        "type": f"urn:edoc:problem:{error.code}",
        "title": texts.what_en,
        "status": error.facts.status,
        "detail": texts.todo_en,
        "code": error.code,
    }
    return json.dumps(members).encode()
