"""What an error says to somebody with a browser: the page of its code, and the answer to an address that is none."""

from html import escape

from gateway.api.language import Language
from gateway.api.markup import code as code_markup
from gateway.api.markup import link, page
from gateway.api.models import Problem
from gateway.core.errors import CATALOGUE


def error_page(code: str, language: Language) -> bytes:
    """`/problems/{code}`: what one error code means."""
    facts = CATALOGUE[code]
    said = {
        "api.page.status": f"{facts.status}{again(language) if facts.retryable else ''}",
        "api.page.turn": escape(language.label(f"turn.{facts.turn}")),
        "api.page.what": escape(language.what(code)),
        "api.page.todo": escape(language.todo(code)),
    }
    lines = "".join(f"<dt>{escape(language.text(head))}</dt><dd>{cell}</dd>" for head, cell in said.items())
    body = f"<h1>{code_markup(code)}</h1><dl>{lines}</dl>{_way_out(language, f'#{code}')}"
    return page(language, _title(code, language.what(code)), body, switch=f"/problems/{code}")


def refusal_page(problem: Problem, language: Language) -> bytes:
    """A problem document for people: what happened, what to do, and the id under which the operator finds it."""
    words = problem.messages.vi if language is Language.VI else problem.messages.en
    fields = "".join(
        f"<li>{code_markup(one.pointer)} {escape(one.message_vi if language is Language.VI else one.message_en)}"
        for one in problem.errors
    )
    body = (
        f"<h1>{escape(words.what)}</h1>{f'<ul>{fields}</ul>' if fields else ''}<p>{escape(words.todo)}</p>"
        f"<p>{problem.status} {code_markup(problem.code)}, trace_id {code_markup(problem.trace_id)}</p>"
    )
    return page(language, _title(problem.code, words.what), body + _way_out(language))


def again(language: Language) -> str:
    """The sign of an error that passes, and what it means."""
    return f"<small>↻ {escape(language.text('api.page.again'))}</small>"


def _title(code: str, what: str) -> str:
    return f"{code}: {what}"


def _way_out(language: Language, anchor: str = "") -> str:
    return f"<p>{link(f'/docs?lang={language}{anchor}', escape(language.text('api.title')))}</p>"
