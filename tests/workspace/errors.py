"""HTTP errors as the workspace words them, and its clock."""

from __future__ import annotations

import time
import uuid

ORG_ID = "5099015744649857"
STATUS_FOR_CODE = {
    "BAD_REQUEST": 400,
    "MALFORMED_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "INVALID_STATE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_CONFLICT": 409,
    "ABORTED": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "SCHEMA_DOES_NOT_EXIST": 404,
    "CATALOG_DOES_NOT_EXIST": 404,
    "TABLE_DOES_NOT_EXIST": 404,
    "CATALOG_ALREADY_EXISTS": 400,
    "SCHEMA_ALREADY_EXISTS": 400,
}


class ApiError(Exception):
    def __init__(self, code: str | int, message: str, status: int | None = None, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.code, self.message = code, message
        self.status = status or (code if isinstance(code, int) else STATUS_FOR_CODE.get(code, 400))
        self.headers = headers or {}

    def body(self) -> dict:
        rid = str(uuid.uuid4())
        if isinstance(self.code, int):  # the gateway's own 401/403 bodies carry an integer code
            return {"error_code": self.code, "message": f"{self.message} [ReqId: {rid}]"}
        return {
            "error_code": self.code,
            "message": self.message,
            "details": [{"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": rid, "serving_data": ""}],
        }


def bad(message: str) -> ApiError:
    return ApiError("INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> ApiError:
    return ApiError("RESOURCE_DOES_NOT_EXIST", message)


def now_ms() -> int:
    return int(time.time() * 1000)
