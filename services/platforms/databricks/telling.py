"""What the vendor's own package raises: its clients pass an answer on without the sentence that the workspace said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from services.errors import NotReadyError, translated
from services.messages import Message
from services.platforms.databricks import refusals

INSTALL = '.venv/bin/uv pip install "databricks-agents>=1.13"'


def without_agents() -> NotReadyError:
    """The package has a licence of its own, so that people install it themselves."""
    return NotReadyError(
        Message("The package databricks-agents is not installed here."),
        Message("Install it, then start the console again: {command}", command=INSTALL),
    )


@contextmanager
def told(doing: Message) -> Iterator[None]:
    """Around calls of databricks-agents: what they raise becomes the operator's sentence."""
    try:
        with translated(doing):
            try:
                yield
            except requests.HTTPError as error:
                answer = error.response
                assert answer is not None
                raise refusals.of_status(answer.status_code, doing, _sentence(answer.text) or str(error)) from error
    except ImportError as error:
        raise without_agents() from error


def _sentence(body: str) -> str:
    """What the workspace said, out of an answer in JSON."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("message", ""))[:300] if isinstance(said, dict) else ""
