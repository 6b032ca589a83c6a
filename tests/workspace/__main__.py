"""python -m tests.workspace --port 8899"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time


def build(config: dict | None = None, catalogs: list[str] | None = None):
    from . import (  # noqa: F401  # noqa: F401
        admin,
        agents,
        apps,
        artifacts,
        jobs,
        llm,
        managed_evals,
        serving,
        sql,
        traces,
        tracking,
        uc_catalog,
        uc_models,
        uc_prompts,
        uc_traces,
        workspace,
    )
    from .core import Server, now_ms
    from .state import World

    def factory():
        w = World(config)
        for spec in catalogs or []:
            cat, _, sch = spec.partition(".")
            w.catalogs.setdefault(cat, {"name": cat, "owner": "admins", "created_at": now_ms(), "comment": ""})
            for s in {"default", sch} - {""}:
                if f"{cat}.{s}" not in w.schemas:
                    uc_catalog.make_schema(w, cat, s, "admins")
        return w

    server = Server(factory)
    admin.install(server)
    return server


def background(server) -> None:
    """Runs the unpaused jobs on the configured interval (0 = only on demand)."""
    last = time.time()
    while True:
        time.sleep(0.2)
        every = server.world.config["job_interval_s"]
        if every and time.time() - last >= every:
            last = time.time()
            try:
                from . import jobs as jobs_mod

                jobs_mod.tick_all(server.world)
            except Exception:  # noqa: BLE001 - the emulator goes on, and says so
                import traceback

                traceback.print_exc()


def main() -> None:
    ap = argparse.ArgumentParser()
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=8899, help="0 picks a free port")
    ap.add_argument(
        "--catalog", action="append", default=[], metavar="CATALOG[.SCHEMA]", help="pre-created catalog (and schema)"
    )
    ap.add_argument("--config", default="{}", help="JSON overriding the defaults of state.DEFAULT_CONFIG")
    ap.add_argument("--port-file", help="write the bound port here once listening")
    a = ap.parse_args()
    if a.host not in ("127.0.0.1", "localhost", "::1"):
        ap.error("the emulator only listens on loopback")
    server = build(json.loads(a.config), a.catalog)
    from .core import serve

    httpd = serve(server, a.host, a.port)
    port = httpd.server_address[1]
    server.world.base_url = f"http://{a.host}:{port}"
    threading.Thread(target=background, args=(server,), daemon=True).start()
    if a.port_file:
        with open(a.port_file, "w") as f:
            f.write(str(port))
    print(f"workspace emulator on http://{a.host}:{port}  (token dapi-test; admin at /__admin)", flush=True)
    signal.signal(
        signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt())
    )  # so that serving children and their folders go too
    try:
        httpd.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.world.close()


if __name__ == "__main__":
    main()
