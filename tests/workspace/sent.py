"""One raw request to the emulated workspace, as no SDK would send it."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.workspace.fixture import TOKEN, Emulator


def send(
    at: Emulator, method: str, path: str, body: Any = None, token: str | None = TOKEN
) -> tuple[int, dict[str, Any]]:
    """Status and answer."""
    raw = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(at.url + path, raw, headers, method=method)) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")
