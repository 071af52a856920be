"""Problem documents (RFC 9457) as both HTTP doors answer them: `code` for programs, `title` and `detail` for people. Pure."""

from typing import Final

from gateway.core.errors import GatewayError
from gateway.observe.messages import explain

PROBLEM_TYPE: Final = "application/problem+json"


def problem_document(error: GatewayError, *, language: str = "vi") -> dict[str, object]:
    """The members of the document: `title` says what happened, `detail` what to do next, in `vi` or `en`."""
    facts, texts = error.facts, explain(error.code, error.params)
    vietnamese = language == "vi"
    return {
        "type": f"urn:edoc:problem:{error.code}",
        "title": texts.what_vi if vietnamese else texts.what_en,
        "status": facts.status,
        "detail": texts.todo_vi if vietnamese else texts.todo_en,
        "code": error.code,
        "turn": facts.turn.value,
        "retryable": facts.retryable,
    }
