"""The workspace's state, all of it in memory."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import random
import re
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, bad, now_ms
from .routing import Principal

DEFAULT_CONFIG: dict[str, Any] = {
    # serving
    "deploy_seconds": 2.0,  # NOT_READY -> READY; None = only when an admin call says so
    "deploy_outcome": "success",  # or "fail"
    "serving_mode": "simulate",  # or "execute": really load the registered model in a child process
    "execute_python": None,  # interpreter for "execute"; default: the emulator's own
    "inference_latency_s": 0.0,
    # background jobs (trace metrics / archive)
    "job_interval_s": 0.0,  # 0 = jobs run only on /__admin/jobs/tick
    "submitted_runs": "execute",  # or "hold": they wait for compute
    # traces
    "search_traces_v4": "supported",  # or "locations_not_supported" / "endpoint_not_found"
    "search_traces_polls": 0,  # how many polls a long-running search answers done=false
    "trace_limit_per_experiment": 100000,
    # artifacts
    "files_api_for_mlflow": True,  # Files API on /WorkspaceInternal/Mlflow/...; False forces signed URLs
    "sdk_models_artifact_repo": False,
    "signed_url_ttl_s": 900,
    "lakebase_password": None,  # what the database takes at this moment; None = nobody connects
    # misc
    "uc_native_datasets": True,  # False = client must sync through Spark, as in older workspaces
    "max_page": 1000,  # upper bound on any page, to exercise pagination
    "previews": {"prompt_registry": True, "production_monitoring": True, "trace_archival": True},
    "workspace_prefix_lookup": True,  # get-by-name answers for /Workspace/Users/... as well
}


@dataclass
class Blob:
    data: bytes
    mtime: int


@dataclass
class TraceRec:
    info: Any  # service_pb2.TraceInfoV3 (assessments kept apart)
    assessments: list = field(default_factory=list)
    run_ids: set = field(default_factory=set)
    prompts: list = field(default_factory=list)
    location: str | None = None  # `cat.schema[.prefix]` when the trace lives in Unity Catalog


class World:
    def __init__(self, config: dict | None = None, users: list[dict] | None = None, seed: int = 7):
        self.lock = threading.RLock()
        self.rng = random.Random(seed)
        self.config = {
            **{k: (dict(v) if isinstance(v, dict) else v) for k, v in DEFAULT_CONFIG.items()},
            **(config or {}),
        }
        self.base_url = ""
        self.secret = secrets.token_bytes(16)
        self.tokens: dict[str, Principal] = {}
        self.oauth_clients: dict[str, dict] = {}
        # workspace tree: path -> object
        self.nodes: dict[str, dict] = {}
        # tracking
        self.experiments: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.metric_history: dict[tuple[str, str], list] = {}
        self.traces: dict[str, TraceRec] = {}
        self.models: dict[str, Any] = {}
        self.operations: dict[str, dict] = {}
        self.blobs: dict[str, Blob] = {}
        self.multipart: dict[str, dict] = {}
        self.trace_locations: dict[str, dict] = {}
        self.uc_spans: dict[str, dict] = {}
        # unity catalog
        self.catalogs: dict[str, dict] = {}
        self.schemas: dict[str, dict] = {}
        self.tables: dict[str, dict] = {}
        self.volumes: dict[str, dict] = {}
        self.grants: dict[tuple[str, str], dict[str, set]] = {}
        self.uc_models: dict[str, dict] = {}
        self.prompts: dict[str, dict] = {}
        self.prompt_links: dict[str, list] = {"models": [], "traces": [], "runs": []}
        # serving and agents
        self.endpoints: dict[str, dict] = {}
        self.deployments: list[dict] = []
        self.review_artifacts: dict[str, list[str]] = {}
        self.review_instructions: dict[str, str] = {}
        self.apps: dict[str, dict] = {}
        # managed evals
        self.scorers: dict[str, list[dict]] = {}
        self.scorer_versions: dict[tuple[str, str], list[dict]] = {}
        self.monitors: dict[str, dict] = {}
        self.monitoring_config: dict[str, dict] = {}
        self.archival: dict[str, dict] = {}
        self.review_apps: dict[str, dict] = {}
        self.sessions: dict[str, dict] = {}
        self.datasets: dict[str, dict] = {}
        self.evals_instances: dict[str, dict] = {}
        self.usage_events: list[dict] = []
        # jobs, sql, permissions
        self.jobs: dict[int, dict] = {}
        self.job_runs: dict[int, dict] = {}
        self.warehouses: dict[str, dict] = {}
        self.statements: dict[str, dict] = {}
        self.acls: dict[tuple[str, str], list[dict]] = {}
        self.secret_scopes: dict[str, dict[str, str]] = {}
        # scripted model behaviour
        self.llm_rules: list[dict] = []
        self.judge_rules: list[dict] = []
        self.processes: dict[str, Any] = {}
        self._ids: dict[str, int] = {}
        self._bootstrap(users)

    # ------------------------------------------------------------ bootstrap
    def _bootstrap(self, users: list[dict] | None) -> None:
        users = users or [
            {"user_name": "operator@example.com", "token": "dapi-test", "groups": ["users", "admins"]},
            {"user_name": "viewer@example.com", "token": "dapi-viewer", "groups": ["users"]},
        ]
        for u in users:
            self.add_user(**u)
        for p in ("/", "/Users", "/Shared", "/Repos"):
            self.nodes[p] = self._node("DIRECTORY", p)
        for p in self.tokens.values():
            home = f"/Users/{p.user_name}"
            self.nodes.setdefault(home, self._node("DIRECTORY", home))
        self.nodes["/Users/sp-client-id"] = self._node("DIRECTORY", "/Users/sp-client-id")
        self.oauth_clients["sp-client-id"] = {"secret": "sp-client-secret", "user_name": "sp-client-id"}
        for c in ("main", "system"):
            self.catalogs[c] = {"name": c, "owner": "admins", "created_at": now_ms(), "comment": ""}
        self.schemas["main.default"] = {
            "name": "default",
            "catalog_name": "main",
            "full_name": "main.default",
            "owner": "admins",
            "created_at": now_ms(),
            "schema_id": str(uuid.uuid4()),
        }
        self.warehouses["475b94ddc7cd5211"] = {
            "id": "475b94ddc7cd5211",
            "name": "Serverless Starter Warehouse",
            "state": "STOPPED",
            "cluster_size": "Small",
            "warehouse_type": "PRO",
            "enable_serverless_compute": True,
            "auto_stop_mins": 10,
            "num_clusters": 0,
            "creator_name": "operator@example.com",
            "starts_at": None,
        }
        from .serving_config import foundation_endpoints

        self.endpoints.update(foundation_endpoints())

    def _node(self, kind: str, path: str, **kw) -> dict:
        return {"object_type": kind, "path": path, "object_id": self.big_id(), "resource_id": "", **kw}

    def add_user(
        self, user_name: str, token: str, groups: list[str] | None = None, kind: str = "pat", ttl_s: float | None = None
    ) -> Principal:
        p = Principal(
            user_name=user_name,
            id=str(self.big_id()),
            token=token,
            kind=kind,
            groups=groups or ["users"],
            expires_at=None if ttl_s is None else time.time() + ttl_s,
        )
        self.tokens[token] = p
        home = f"/Users/{user_name}"
        if self.nodes and home not in self.nodes:
            self.nodes[home] = self._node("DIRECTORY", home)
        return p

    # ------------------------------------------------------------ ids, storage, signed urls
    def big_id(self) -> int:
        return self.rng.randrange(10**14, 10**16)

    def counter(self, name: str) -> int:
        self._ids[name] = self._ids.get(name, 0) + 1
        return self._ids[name]

    def put_blob(self, path: str, data: bytes) -> None:
        self.blobs[norm(path)] = Blob(data, now_ms())

    def get_blob(self, path: str) -> Blob | None:
        return self.blobs.get(norm(path))

    def list_dir(self, path: str) -> tuple[list[tuple[str, int, int]], list[str]]:
        """(files, sub directories) directly below a path."""
        prefix = norm(path).rstrip("/") + "/"
        files, dirs = [], set()
        for k, b in self.blobs.items():
            if not k.startswith(prefix):
                continue
            rest = k[len(prefix) :]
            if "/" in rest:
                dirs.add(rest.split("/")[0])
            else:
                files.append((k, len(b.data), b.mtime))
        return sorted(files), sorted(dirs)

    def sign(self, op: str, path: str) -> str:
        exp = int(time.time() + self.config["signed_url_ttl_s"])
        p = norm(path)
        mac = hmac.new(self.secret, f"{op}|{p}|{exp}".encode(), hashlib.sha256).hexdigest()[:32]
        from urllib.parse import quote

        return f"{self.base_url}/__storage/{quote(p.lstrip('/'))}?op={op}&expires={exp}&sig={mac}"

    def check_signature(self, op: str, path: str, exp: str | None, sig: str | None) -> None:
        mac = hmac.new(self.secret, f"{op}|{norm(path)}|{exp}".encode(), hashlib.sha256).hexdigest()[:32]
        if not sig or not hmac.compare_digest(mac, sig):
            raise ApiError("PERMISSION_DENIED", "SignatureDoesNotMatch", 403)
        if int(exp or 0) < time.time():
            raise ApiError("PERMISSION_DENIED", "Request has expired", 403)

    # ------------------------------------------------------------ workspace tree
    def find_node(self, path: str) -> dict | None:
        return self.nodes.get(ws_path(path))

    # ------------------------------------------------------------ unity catalog names
    def require_schema(self, catalog: str, schema: str) -> None:
        if catalog not in self.catalogs:
            raise ApiError("CATALOG_DOES_NOT_EXIST", f"Catalog '{catalog}' does not exist.", 404)
        if f"{catalog}.{schema}" not in self.schemas:
            raise ApiError("SCHEMA_DOES_NOT_EXIST", f"Schema '{catalog}.{schema}' does not exist.", 404)

    def close(self) -> None:
        for p in list(self.processes.values()):
            with contextlib.suppress(Exception):
                p.close()


def norm(path: str) -> str:
    p = "/" + path.lstrip("/")
    parts: list[str] = []
    for x in p.split("/"):
        if x in ("", "."):
            continue
        if x == "..":
            raise bad(f"Invalid path: {path}")
        parts.append(x)
    return "/" + "/".join(parts)


def ws_path(path: str) -> str:
    p = norm(path)
    if p == "/Workspace" or p.startswith("/Workspace/"):
        p = p[len("/Workspace") :] or "/"
    return p


_UC_PART = re.compile(r"^[^\s./\x00-\x1f\x7f]{1,255}$")


def uc_name(full: str, what: str = "name", levels: int = 3) -> list[str]:
    parts = [p[1:-1] if len(p) > 1 and p[0] == p[-1] == "`" else p for p in (full or "").split(".")]
    if len(parts) != levels or not all(parts):
        form = {3: "<catalog>.<schema>.<name>", 2: "<catalog>.<schema>"}.get(levels, f"{levels} levels")
        raise bad(f"Invalid {what} '{full}'. A Unity Catalog name must have {levels} levels in the form {form}.")
    for p in parts:
        if not _UC_PART.match(p):
            raise bad(
                f"Invalid {what} '{full}'. Names cannot contain periods, spaces, forward slashes or control characters."
            )
    return parts


_ALIAS = re.compile(r"^[A-Za-z0-9_\-]{1,255}$")


def check_alias(alias: str) -> None:
    if not _ALIAS.match(alias or ""):
        raise bad(f"Invalid alias name: '{alias}'. An alias may contain only letters, digits, underscores and dashes.")
    if re.match(r"^[vV]\d+$", alias):
        raise bad(f"Invalid alias name: '{alias}'. An alias cannot look like a version ('v' and digits).")


def page(items: list, token: str | None, size: int | None, cap: int) -> tuple[list, str | None]:
    """Offset pagination behind an opaque token."""
    import base64

    start = 0
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token.encode()).decode().split(":")[1])
        except (ValueError, LookupError):
            raise bad(f"Invalid page token: {token}") from None
    n = min(size or cap, cap)
    out = items[start : start + n]
    nxt = base64.urlsafe_b64encode(f"p:{start + n}".encode()).decode() if start + n < len(items) else None
    return out, nxt
