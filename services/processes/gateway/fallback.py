"""The fixed answer of an endpoint that is offline, whole or as a stream."""

import json
from collections.abc import Iterator
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

ID = "msg_offline"


def answer(message: str, *, stream: bool) -> Response:
    """The message as any agent of ours would say it; `custom_outputs.offline` tells programs what it is."""
    item: dict[str, Any] = {
        "type": "message",
        "id": ID,
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": message, "annotations": []}],
    }
    told = {"offline": True}
    if stream:
        return StreamingResponse(_events(message, item, told), media_type="text/event-stream")
    return JSONResponse({"object": "response", "output": [item], "custom_outputs": told})


def _events(message: str, item: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    said = {"type": "response.output_text.delta", "item_id": ID, "delta": message}
    for event in (said, {"type": "response.output_item.done", "item": item, "custom_outputs": told}):
        yield f"data: {json.dumps(event)}\n\n"
    yield "data: [DONE]\n\n"
