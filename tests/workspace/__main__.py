"""The emulated workspace as a process: `python -m tests.workspace --port 8899 --catalog acme.llmops`."""

import argparse
import importlib
import json
import signal
import threading
import time
import traceback
from pathlib import Path

from . import admin, jobs, uc_catalog
from .dispatch import Server
from .errors import now_ms
from .state import World
from .wire import serve

# Importing a module registers its routes; the first that matches answers.
FAMILIES = [
    "agents",
    "apps",
    "archival",
    "artifacts",
    "assessments",
    "datasets",
    "experiments",
    "identity",
    "invoking",
    "lakebase",
    "llm",
    "logged_models",
    "monitors",
    "review_apps",
    "runs",
    "scheduled_scorers",
    "serving",
    "sql",
    "submitted_runs",
    "trace_locations",
    "trace_search",
    "traces",
    "uc_models",
    "uc_models_native",
    "uc_prompts",
    "uc_traces",
]


def build(config: dict | None = None, catalogs: list[str] | None = None) -> Server:
    """A workspace with these settings; every reset makes a new one alike."""
    for family in FAMILIES:
        importlib.import_module(f"{__package__}.{family}")

    def new_world() -> World:
        world = World(config)
        for name in catalogs or []:
            catalog, _, schema = name.partition(".")
            world.catalogs.setdefault(
                catalog, {"name": catalog, "owner": "admins", "created_at": now_ms(), "comment": ""}
            )
            for one in {"default", schema} - {""}:
                if f"{catalog}.{one}" not in world.schemas:
                    uc_catalog.make_schema(world, catalog, one, "admins")
        return world

    server = Server(new_world)
    admin.install(server)
    return server


def run_jobs(server: Server) -> None:
    """Run the unpaused jobs at the configured interval (0: only when told to)."""
    last = time.time()
    while True:
        time.sleep(0.2)
        every = server.world.config["job_interval_s"]
        if every and time.time() - last >= every:
            last = time.time()
            try:
                jobs.tick_all(server.world)
            except Exception:  # noqa: BLE001 - the workspace goes on, and says so
                traceback.print_exc()


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8899, help="0 picks a free port")
    parser.add_argument("--port-file", type=Path, help="where to write the port once it listens")
    parser.add_argument(
        "--catalog", action="append", default=[], metavar="CATALOG[.SCHEMA]", help="there from the start"
    )
    parser.add_argument("--config", default="{}", help="JSON over the defaults of state.DEFAULT_CONFIG")
    asked = parser.parse_args()
    server = build(json.loads(asked.config), asked.catalog)
    httpd = serve(server, "127.0.0.1", asked.port)  # loopback only: it runs code that it is sent
    port = httpd.server_address[1]
    server.world.base_url = f"http://127.0.0.1:{port}"
    threading.Thread(target=run_jobs, args=(server,), daemon=True).start()
    if asked.port_file:
        asked.port_file.write_text(str(port))
    print(f"workspace on http://127.0.0.1:{port} (token dapi-test; controls at /__admin)", flush=True)
    # So that the processes and folders of served agents go too.
    signal.signal(signal.SIGTERM, stop)
    try:
        httpd.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.world.close()


if __name__ == "__main__":
    main()
