"""Single brief questions to a workspace, where the SDK would import for seconds and retry for minutes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from services.messages import Message
from services.platforms.databricks import refusals
from services.platforms.databricks.access import Access
from services.platforms.databricks.reach import headers

SECONDS = 5.0


class Refused(Exception):
    """The workspace answered with an error: its status, its code and its sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence

    @property
    def missing(self) -> bool:
        return self.status == httpx2.codes.NOT_FOUND

    @property
    def forbidden(self) -> bool:
        return self.status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN)


class Rest:
    """The workspace's own interface; raises Refused, or httpx2.HTTPError when nobody answers."""

    def __init__(self, access: Access, environ: Mapping[str, str] = os.environ, seconds: float = SECONDS) -> None:
        self.client = httpx2.Client(base_url=access.host, timeout=seconds)
        self.client.headers.update(headers(access, environ, self.client))

    def get(self, path: str, /, **query: str | int) -> dict[str, Any]:
        return _read(self.client.get(f"/api/{path}", params=query))

    def find(self, path: str, /, **query: str | int) -> dict[str, Any] | None:
        """None for what is not there."""
        try:
            return self.get(path, **query)
        except Refused as refused:
            if refused.missing:
                return None
            raise

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _read(self.client.post(f"/api/{path}", json=dict(body)))

    def __enter__(self) -> "Rest":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


@contextmanager
def asking(access: Access, doing: Message, seconds: float = SECONDS) -> Iterator[Rest]:
    """Around brief questions of a screen: a refusal, and nobody answering, become the operator's sentence."""
    try:
        with Rest(access, seconds=seconds) as there:
            yield there
    except Refused as error:
        raise refusals.of_status(error.status, doing, error.sentence) from error
    except httpx2.HTTPError as error:
        raise refusals.away(doing, str(error)) from error


def _read(answer: httpx2.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    known = body if isinstance(body, dict) else {}
    if answer.status_code != httpx2.codes.OK or body is not known:
        sentence = str(known.get("message") or "a page that is no answer")[:300]
        raise Refused(answer.status_code, str(known.get("error_code", "")), sentence)
    return known
