"""The sample's documents at addresses of their own, so that sources under an answer open what it rests on."""

import html
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from services import sample

if TYPE_CHECKING:
    from starlette.requests import Request


def routes() -> list[Route]:
    """One page for each topic and language, named as the documents' keys are."""
    return [Route(sample.DOCUMENTS + "{topic}-{language}", _page)]


def _page(request: "Request") -> Response:
    wanted, language = request.path_params["topic"], request.path_params["language"]
    topic = next((one for one in sample.knowledge().get(language, ()) if one.id == wanted), None)
    if topic is None:
        return PlainTextResponse("Not found.\n", 404)
    title = html.escape(topic.title)
    facts = "".join(f"<p>{html.escape(fact)}</p>" for fact in topic.facts)
    steps = "".join(f"<li>{html.escape(step)}</li>" for step in topic.steps)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f"<h1>{title}</h1>{facts}<ol>{steps}</ol>"
    return HTMLResponse(f'<!doctype html><html lang="{language}"><head>{head}</head><body>{body}</body></html>')
