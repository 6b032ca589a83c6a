"""Agent versions without a process: registered facts, rows of the endpoint, and a gateway that answers as told."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from mlflow.entities import LoggedModelStatus
from sqlalchemy import insert

from services import database, jobs, releases
from services.errors import BlockedError, ConflictError, ConsoleError, PlatformError
from services.jobs import Work
from services.releases import Kind, Pair, Release, State, records
from services.workspace import Workspace

MLMODEL = {"flavors": {"python_function": {"config": {}}}}


def logged(
    workspace: Workspace, prompt: str, pinned: int | None = None, alias: str = "production", pinned_version: str = ""
) -> str:
    """A LoggedModel as the built-in agent leaves it, without its code."""
    made = workspace.client.create_logged_model(
        workspace.app.experiment_id, name="agent", tags={"prompt_name": prompt, "prompt_alias": "production"}
    )
    config = {"prompt_name": prompt, "prompt_alias": alias, "prompt_version": str(pinned or "")}
    config |= {"pinned_version": pinned_version} if pinned_version else {}
    folder = Path(urlparse(made.artifact_location).path)
    folder.mkdir(parents=True)
    written = {**MLMODEL, "model_uuid": made.model_id, "flavors": {"python_function": {"config": config}}}
    (folder / "MLmodel").write_text(json.dumps(written))
    workspace.client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    return str(made.model_id)


def stored(
    workspace: Workspace,
    kind: Kind,
    before: Pair,
    after: Pair,
    state: State = State.RUNNING,
    done: Iterable[str] = (),
    **changes: Any,
) -> int:
    """A release in the console's database, with these steps behind it."""
    moves = {"prompt": "greeting", "before": asdict(before), "after": asdict(after)}
    id = records.add(workspace, kind, moves | changes, "")
    for name in done:
        records.set_step(workspace, id, name, state="done", ended_at=database.now())
    records.set_state(workspace, id, state)
    return id


def taken(workspace: Workspace, id: int) -> tuple[Release, ConsoleError | None]:
    """The queued job of release `id` run in this process: the release as it ended, and what was raised."""
    work = Work(workspace.engine, jobs.claim(workspace.engine))
    assert work.args == {"release": id}
    error: ConsoleError | None = None
    try:
        releases.run(replace(workspace, fence=work.fence), work)
    except (BlockedError, ConflictError, PlatformError) as raised:
        error = raised
    jobs.finish(workspace.engine, work.job, {})
    return releases.get(releases.place(workspace, id), id), error


def stand(workspace: Workspace, version: int, model_id: str, weight: int = 0, state: str = "ready") -> None:
    """One version at the app's endpoint, as the gateway would have written it."""
    with database.writing(workspace.engine) as connection:
        connection.execute(
            insert(database.served).values(
                app_id=workspace.app.id,
                endpoint=workspace.app.endpoint,
                version=version,
                model_id=model_id,
                experiment_id=workspace.app.experiment_id,
                weight=weight,
                wanted="up",
                state=state,
                environment={},
                model_config={},
            )
        )


@contextmanager
def gateway(port: int, answer: Callable[[int], tuple[int, dict[str, Any]]]) -> Iterator[list[str]]:
    """A gateway on `port`: the status and body of its n-th answer come from `answer(n)`; yields the paths asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            return None

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = (200, {})
            if self.path != "/refresh":
                asked.append(self.path)
                status, body = answer(len(asked))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield asked
    server.shutdown()
    server.server_close()


def answered(trace_id: str) -> tuple[int, dict[str, Any]]:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]}
    return 200, {"output": [item], "metadata": {"trace_id": trace_id}}


def refused(status: int) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": "stubbed failure", "code": status}}
