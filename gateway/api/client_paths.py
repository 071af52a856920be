"""Paths of the office API as a client asks for them."""

from urllib.parse import quote, urlencode


def content_path(key: str) -> str:
    """The edXML file of a document that arrived."""
    return f"/inbox/{step(key)}/content"


def attachment_path(key: str, position: int) -> str:
    """One attached file of it, counted from 1."""
    return f"/inbox/{step(key)}/attachments/{position}"


def step(name: str) -> str:
    """A key as one step of a path, whatever it contains."""
    return quote(name, safe="")


def query(**asked: str | int) -> str:
    """What stands behind the path; what is empty is not asked."""
    return "?" + urlencode({name: value for name, value in asked.items() if value != ""})
