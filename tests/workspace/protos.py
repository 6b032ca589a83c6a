"""Requests and answers as MLflow's protobuf messages."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as FD

from .errors import ApiError, bad


def to_json(msg) -> dict:
    """Message -> dict with snake_case names and int64 as JSON numbers (the MLflow REST dialect)."""
    from mlflow.utils.proto_json_utils import message_to_json

    return json.loads(message_to_json(msg, pretty=False))


def parse_message(cls, data: dict | None, strict: bool = True):
    msg = cls()
    try:
        json_format.ParseDict(data or {}, msg, ignore_unknown_fields=not strict)
    except json_format.ParseError as e:
        raise ApiError("MALFORMED_REQUEST", f"Could not parse request object: {e}") from None
    return msg


_INTS = {FD.CPPTYPE_INT32, FD.CPPTYPE_INT64, FD.CPPTYPE_UINT32, FD.CPPTYPE_UINT64}


def scalar(fd, text: str):
    if fd.cpp_type in _INTS:
        try:
            return int(text)
        except ValueError:
            raise bad(f"Invalid integer '{text}' for parameter '{fd.name}'") from None
    if fd.cpp_type in (FD.CPPTYPE_DOUBLE, FD.CPPTYPE_FLOAT):
        return float(text)
    if fd.cpp_type == FD.CPPTYPE_BOOL:
        if text.lower() not in ("true", "false"):
            raise bad(f"Invalid boolean '{text}' for parameter '{fd.name}'")
        return text.lower() == "true"
    return text


def query_to_dict(cls, pairs: list[tuple[str, str]], strict: bool = True) -> dict:
    out: dict[str, Any] = {}
    for key, val in pairs:
        parts, desc, node = key.split("."), cls.DESCRIPTOR, out
        for i, part in enumerate(parts):
            fd = desc.fields_by_name.get(part)
            if fd is None:
                if not strict:
                    break
                raise ApiError("MALFORMED_REQUEST", f"Could not parse request object: unknown query parameter '{key}'")
            if i < len(parts) - 1:
                node, desc = node.setdefault(part, {}), fd.message_type
                continue
            if fd.message_type is not None:
                raise ApiError("MALFORMED_REQUEST", f"Query parameter '{key}' is not a scalar")
            v = scalar(fd, val)
            if fd.is_repeated:
                node.setdefault(part, []).append(v)
            else:
                node[part] = v
    return out


def check_required(msg) -> None:
    from mlflow.protos import databricks_pb2

    for fd in msg.DESCRIPTOR.fields:
        opts = fd.GetOptions()
        if not (
            opts.HasExtension(databricks_pb2.validate_required) and opts.Extensions[databricks_pb2.validate_required]
        ):
            continue
        present = len(getattr(msg, fd.name)) > 0 if fd.is_repeated else msg.HasField(fd.name)
        if not present:
            raise bad(
                f"Missing value for required parameter '{fd.name}'. "
                "See the API docs for more information about request parameters."
            )
