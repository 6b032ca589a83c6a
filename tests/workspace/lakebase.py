"""Passwords of Lakebase for a while, both kinds; the PostgreSQL itself stands elsewhere and has `lakebase_password`."""

from __future__ import annotations

import re
import secrets

from .errors import bad, now_ms
from .managed import iso
from .routing import Req, route
from .state import World

ENDPOINT = r"projects/[^/]+/branches/[^/]+/endpoints/[^/]+"


def _token(w: World) -> str:
    return w.config["lakebase_password"] or f"eyJ{secrets.token_urlsafe(16)}"


@route("POST", "/api/2.0/postgres/credentials")
def of_endpoint(w: World, r: Req):
    asked = r.fields(required=("endpoint",), optional=("claims", "expire_time", "ttl"))
    if not re.fullmatch(ENDPOINT, asked["endpoint"]):
        raise bad(f"Invalid endpoint name: {asked['endpoint']}")
    return {"token": _token(w), "expire_time": iso(now_ms() + 3_600_000)}


@route("POST", "/api/2.0/database/credentials")
def of_instance(w: World, r: Req):
    asked = r.fields(required=("request_id",), optional=("claims", "instance_names"))
    if not asked.get("instance_names") and not asked.get("claims"):
        raise bad("At least one of instance_names or claims must be specified.")
    return {"token": _token(w), "expiration_time": iso(now_ms() + 3_600_000)}
