"""Artifacts: signed-URL storage, credentials endpoints, Files API, listings."""

from __future__ import annotations

import re
import uuid

from mlflow.protos import databricks_artifacts_pb2 as a
from mlflow.protos import databricks_filesystem_service_pb2 as fs
from mlflow.protos import service_pb2 as s

from .errors import ApiError, bad, missing
from .logged_models import MODEL_ARTIFACTS, get_model
from .routing import Req, Resp, route
from .runs import RUN_ARTIFACTS, get_run
from .state import World, norm

P = "/api/2.0/mlflow"


def run_root(w: World, run_id: str) -> str:
    return RUN_ARTIFACTS.format(exp=get_run(w, run_id).info.experiment_id, run=run_id)


def model_root(w: World, model_id: str) -> str:
    return MODEL_ARTIFACTS.format(exp=get_model(w, model_id).info.experiment_id, model=model_id)


def trace_path(w: World, trace_id: str, rel: str = "") -> str:
    t = w.traces.get(trace_id)
    if t is None:
        raise missing(f"Trace with ID '{trace_id}' not found.")
    exp = t.info.trace_location.mlflow_experiment.experiment_id
    return f"/WorkspaceInternal/Mlflow/Artifacts/{exp}/Traces/{trace_id}/artifacts/{rel or 'traces.json'}"


def _info(w: World, op: str, path: str, rel: str, run_id: str = "") -> a.ArtifactCredentialInfo:
    ci = a.ArtifactCredentialInfo(run_id=run_id, path=rel, signed_uri=w.sign(op, path), type=a.AWS_PRESIGNED_URL)
    if op == "PUT":
        ci.headers.add(name="x-amz-server-side-encryption", value="AES256")
    return ci


# ------------------------------------------------------------------ the "cloud storage" behind signed URLs
def _storage(w: World, r: Req, op: str) -> str:
    if "authorization" in r.headers:
        raise ApiError(
            "BAD_REQUEST",
            "Only one auth mechanism allowed; the signed URL and the Authorization header cannot be combined",
            400,
        )
    path = "/" + r.params["path"]
    w.check_signature(op, path, r.q("expires"), r.q("sig"))
    return path


@route("PUT", "/__storage/{path:path}", auth=False)
def storage_put(w: World, r: Req):
    path = _storage(w, r, "PUT")
    if r.q("op") == "PUT" and r.q("part"):
        etag = uuid.uuid4().hex
        w.multipart[r.q("upload")]["parts"][int(r.q("part"))] = (etag, r.raw)
        return Resp(content=b"", headers={"ETag": etag})
    w.put_blob(path, r.raw)
    return Resp(content=b"", headers={"ETag": uuid.uuid4().hex})


@route("GET", "/__storage/{path:path}", auth=False)
def storage_get(w: World, r: Req):
    path = _storage(w, r, "GET")
    b = w.get_blob(path)
    if b is None:
        return Resp(status=404, content=b"<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml")
    return _ranged(b.data, r)


def _ranged(data: bytes, r: Req) -> Resp:
    m = re.match(r"bytes=(\d+)-(\d*)$", r.headers.get("range", ""))
    if not m:
        return Resp(content=data, content_type="application/octet-stream")
    lo = int(m[1])
    hi = min(int(m[2]) if m[2] else len(data) - 1, len(data) - 1)
    if lo >= len(data):
        return Resp(status=416, content=b"", content_type="application/octet-stream")
    return Resp(
        status=206,
        content=data[lo : hi + 1],
        content_type="application/octet-stream",
        headers={"Content-Range": f"bytes {lo}-{hi}/{len(data)}"},
    )


# ------------------------------------------------------------------ credentials for runs, models, traces
@route("POST", P + "/artifacts/credentials-for-write", a.GetCredentialsForWrite)
def cred_write(w: World, r: Req):
    root = run_root(w, r.msg.run_id)
    out = a.GetCredentialsForWrite.Response()
    for p in r.msg.path:
        out.credential_infos.append(_info(w, "PUT", f"{root}/{p}", p, r.msg.run_id))
    return out


@route("POST", P + "/artifacts/credentials-for-read", a.GetCredentialsForRead)
def cred_read(w: World, r: Req):
    root = run_root(w, r.msg.run_id)
    out = a.GetCredentialsForRead.Response()
    for p in r.msg.path:
        out.credential_infos.append(_info(w, "GET", f"{root}/{p}", p, r.msg.run_id))
    return out


def _model_creds(op: str, cls):
    def handler(w: World, r: Req):
        root = model_root(w, r.msg.model_id)
        out = cls.Response()
        for p in r.msg.paths:
            c = out.credentials.add()
            c.credential_info.CopyFrom(_info(w, op, f"{root}/{p}", p))
        return out

    return handler


route("POST", P + "/logged-models/{model_id}/artifacts/credentials-for-upload", a.GetCredentialsForLoggedModelUpload)(
    _model_creds("PUT", a.GetCredentialsForLoggedModelUpload)
)
route(
    "POST", P + "/logged-models/{model_id}/artifacts/credentials-for-download", a.GetCredentialsForLoggedModelDownload
)(_model_creds("GET", a.GetCredentialsForLoggedModelDownload))


def _trace_creds(op: str, cls):
    def handler(w: World, r: Req):
        path = trace_path(w, r.msg.request_id, f"attachments/{r.msg.path}" if r.msg.path else "")
        return cls.Response(credential_info=_info(w, op, path, r.msg.path or "traces.json"))

    return handler


route("GET", P + "/traces/{request_id}/credentials-for-data-upload", a.GetCredentialsForTraceDataUpload)(
    _trace_creds("PUT", a.GetCredentialsForTraceDataUpload)
)
route("GET", P + "/traces/{request_id}/credentials-for-data-download", a.GetCredentialsForTraceDataDownload)(
    _trace_creds("GET", a.GetCredentialsForTraceDataDownload)
)


@route("POST", P + "/artifacts/create-multipart-upload", a.CreateMultipartUpload)
def mpu_create(w: World, r: Req):
    uid = uuid.uuid4().hex
    path = f"{run_root(w, r.msg.run_id)}/{r.msg.path}"
    w.multipart[uid] = {"path": path, "parts": {}}
    out = a.CreateMultipartUpload.Response(upload_id=uid)
    for i in range(1, r.msg.num_parts + 1):
        ci = _info(w, "PUT", path, r.msg.path, r.msg.run_id)
        ci.signed_uri += f"&upload={uid}&part={i}"
        out.upload_credential_infos.append(ci)
    out.abort_credential_info.CopyFrom(_info(w, "PUT", path, r.msg.path, r.msg.run_id))
    return out


@route("POST", P + "/artifacts/complete-multipart-upload", a.CompleteMultipartUpload)
def mpu_complete(w: World, r: Req):
    up = w.multipart.pop(r.msg.upload_id, None)
    if up is None:
        raise missing(f"No such upload {r.msg.upload_id}")
    for pe in r.msg.part_etags:
        if up["parts"].get(pe.part_number, ("",))[0] != pe.etag:
            raise bad(f"Part {pe.part_number} has an unexpected etag")
    w.put_blob(up["path"], b"".join(up["parts"][k][1] for k in sorted(up["parts"])))
    return a.CompleteMultipartUpload.Response()


@route("GET", P + "/artifacts/get-presigned-upload-part-url", a.GetPresignedUploadPartUrl)
def mpu_part(w: World, r: Req):
    path = f"{run_root(w, r.msg.run_id)}/{r.msg.path}"
    ci = _info(w, "PUT", path, r.msg.path, r.msg.run_id)
    ci.signed_uri += f"&upload={r.msg.upload_id}&part={r.msg.part_number}"
    return a.GetPresignedUploadPartUrl.Response(upload_credential_info=ci)


# ------------------------------------------------------------------ listings
def _listing(w: World, root: str, rel: str, out) -> None:
    if w.get_blob(f"{root}/{rel}") is not None and rel:
        out.files.add(path=rel, is_dir=False, file_size=len(w.get_blob(f"{root}/{rel}").data))
        return
    files, dirs = w.list_dir(f"{root}/{rel}" if rel else root)
    pre = len(norm(root)) + 1
    for d in dirs:
        out.files.add(path=f"{rel}/{d}".lstrip("/"), is_dir=True)
    for path, size, _ in files:
        out.files.add(path=path[pre:], is_dir=False, file_size=size)


@route("GET", P + "/artifacts/list", s.ListArtifacts)
def list_artifacts(w: World, r: Req):
    rid = r.msg.run_id or r.msg.run_uuid
    out = s.ListArtifacts.Response(root_uri=get_run(w, rid).info.artifact_uri)
    _listing(w, run_root(w, rid), r.msg.path.strip("/"), out)
    return out


@route("GET", P + "/logged-models/{model_id}/artifacts/directories", s.ListLoggedModelArtifacts)
def list_model_artifacts(w: World, r: Req):
    out = s.ListLoggedModelArtifacts.Response(root_uri=get_model(w, r.msg.model_id).info.artifact_uri)
    _listing(w, model_root(w, r.msg.model_id), r.msg.artifact_directory_path.strip("/"), out)
    return out


# ------------------------------------------------------------------ Files API
def _fs_guard(w: World, path: str, write: bool = False) -> str:
    p = norm(path)
    if p.startswith("/WorkspaceInternal/Mlflow/Artifacts/"):
        if not w.config["files_api_for_mlflow"]:
            raise ApiError("PERMISSION_DENIED", f"Access to {p} through the Files API is not enabled.")
        parts = p.split("/")
        if len(parts) > 6:
            (get_run if parts[5] == "Runs" else get_model)(w, parts[6])
        return p
    if p.startswith("/Models/"):
        parts = p.split("/")[2:]
        if len(parts) < 4:
            raise bad(f"Invalid model path: {p}")
        from .uc_models import get_version

        mv = get_version(w, ".".join(parts[:3]), parts[3])
        if write and mv["status"] != "PENDING_REGISTRATION":
            raise ApiError(
                "INVALID_STATE",
                f"Model version {'.'.join(parts[:3])}/{parts[3]} is not pending "
                "registration; its files cannot be changed.",
            )
        return p
    if p.startswith("/Volumes/"):
        parts = p.split("/")[2:]
        if len(parts) < 3 or ".".join(parts[:3]) not in w.volumes:
            raise missing(f"Volume '{'.'.join(parts[:3])}' does not exist.")
        return p
    raise bad(f"Invalid path: unsupported first path component: {p.split('/')[1] if '/' in p else p}")


@route("POST", "/api/2.0/fs/create-upload-url", fs.CreateUploadUrlRequest, strict=False)
def create_upload_url(w: World, r: Req):
    p = _fs_guard(w, r.msg.path, write=True)
    out = fs.CreateUploadUrlResponse(url=w.sign("PUT", p))
    out.headers.add(name="x-amz-server-side-encryption", value="AES256")
    return out


@route("POST", "/api/2.0/fs/create-download-url", fs.CreateDownloadUrlRequest, strict=False)
def create_download_url(w: World, r: Req):
    path = r.msg.path or r.q("path") or ""
    p = _fs_guard(w, path)
    if w.get_blob(p) is None:
        raise ApiError("NOT_FOUND", f"The file being accessed is not found: {p}")
    return fs.CreateDownloadUrlResponse(url=w.sign("GET", p))


@route("PUT", "/api/2.0/fs/files/{path:path}")
def file_put(w: World, r: Req):
    p = _fs_guard(w, r.params["path"], write=True)
    if r.q("overwrite", "false") != "true" and w.get_blob(p) is not None:
        raise ApiError("ALREADY_EXISTS", f"The file being created already exists: {p}")
    w.put_blob(p, r.raw)
    return Resp(status=204)


@route("GET", "/api/2.0/fs/files/{path:path}")
def file_get(w: World, r: Req):
    b = w.get_blob(_fs_guard(w, r.params["path"]))
    if b is None:
        raise ApiError("NOT_FOUND", f"The file being accessed is not found: {r.params['path']}")
    return _ranged(b.data, r)


@route("HEAD", "/api/2.0/fs/files/{path:path}")
def file_head(w: World, r: Req):
    b = w.get_blob(_fs_guard(w, r.params["path"]))
    if b is None:
        return Resp(status=404, content=b"")
    return Resp(content=b"", headers={"Content-Length": str(len(b.data))}, content_type="application/octet-stream")


@route("DELETE", "/api/2.0/fs/files/{path:path}")
def file_delete(w: World, r: Req):
    p = _fs_guard(w, r.params["path"], write=True)
    if w.blobs.pop(p, None) is None:
        raise ApiError("NOT_FOUND", f"The file being accessed is not found: {p}")
    return Resp(status=204)


@route("PUT", "/api/2.0/fs/directories/{path:path}")
def dir_put(w: World, r: Req):
    _fs_guard(w, r.params["path"])
    return Resp(status=204)


@route("HEAD", "/api/2.0/fs/directories/{path:path}")
def dir_head(w: World, r: Req):
    files, dirs = w.list_dir(_fs_guard(w, r.params["path"]))
    return Resp(status=200 if files or dirs else 404, content=b"")


@route("GET", "/api/2.0/fs/directories/{path:path}")
def dir_get(w: World, r: Req):
    p = _fs_guard(w, r.params["path"])
    files, dirs = w.list_dir(p)
    if not files and not dirs:
        raise ApiError("NOT_FOUND", f"The directory being accessed is not found: {p}")
    out = [{"path": f"{p}/{d}", "name": d, "is_directory": True} for d in dirs]
    out += [
        {"path": f, "name": f.rsplit("/", 1)[1], "is_directory": False, "file_size": n, "last_modified": t}
        for f, n, t in files
    ]
    return {"contents": out}
