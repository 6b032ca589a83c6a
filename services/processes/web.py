"""What the gateway and a served version share in HTTP: bounded JSON in, one shape of error out."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.jsons import parsed

LARGEST_BODY = 2_000_000
# What marks the live answer and the shadow's to the same question; only the gateway sets it.
PAIR = "x-signalbox-pair"


class Refused(Exception):
    """A request that is answered with a plain error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def read_json(request: Request) -> tuple[bytes, dict[str, Any]]:
    """The body as sent and as an object; raises Refused with 400, 413 or 415.

    Other content types are refused because a browser sends them to this machine without asking first.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(415, "The content type must be application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Refused(413, f"The request is larger than {LARGEST_BODY:,} bytes.")
    return bytes(body), _object(bytes(body))


def refusal(request: Request, error: Exception) -> JSONResponse:
    """Starlette's handler of Refused."""
    assert isinstance(error, Refused)
    return JSONResponse(error_body(error.status, error.message), status_code=error.status)


def error_body(status: int, message: str) -> dict[str, Any]:
    """The shape OpenAI's clients read."""
    return {"error": {"message": message, "code": status}}


def broken_off(status: int, message: str, trace_id: str | None = None) -> dict[str, Any]:
    """The last event of a stream that failed, as served agents on Databricks write it, with the status beside it."""
    error = {"error_code": "BAD_REQUEST", "message": message, "code": status}
    trace = {"trace": {"info": {"trace_id": trace_id}}} if trace_id else {}
    return {"delta": "", "databricks_output": {**trace, "error": error}}


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = parsed(body)
    except ValueError as error:
        raise Refused(400, "The request is not valid JSON.") from error
    if not isinstance(read, dict):
        raise Refused(400, "The request must be a JSON object.")
    return read
