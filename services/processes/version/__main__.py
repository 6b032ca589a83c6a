"""Serve one LoggedModel on 127.0.0.1 until SIGTERM, or until the process that started it is gone."""

import argparse
import json
import os
import signal
import sys
import threading
from types import TracebackType

import mlflow
import uvicorn

import services.processes.early  # noqa: F401
from services.processes import logs
from services.processes.version.agent import ServedAgent, first_line
from services.processes.version.server import application

DRAIN_SECONDS = 30


def main() -> int:
    options = _options()
    logs.start(logs.TEXT)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.excepthook = _say_plainly
    # With the environment variable alone MLflow reads the experiment from its store again for every trace.
    mlflow.set_experiment(experiment_id=os.environ["MLFLOW_EXPERIMENT_ID"])
    agent = ServedAgent(options.model_uri, json.loads(options.model_config), options.app)
    uvicorn.run(
        application(agent),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-uri", required=True, help="models:/m-…")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model-config", default="{}", help="JSON that overrides the logged model config")
    parser.add_argument("--app", default="", help="the app's short name, for the tag signalbox.app")
    return parser.parse_args()


def _say_plainly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback for the log, then one line for the operator: the gateway shows the last one."""
    sys.__excepthook__(kind, error, trace)
    print(f"{kind.__name__}: {first_line(error)}", file=sys.stderr, flush=True)


def _end_with_parent() -> None:
    """Our stdin is a pipe that only the parent holds open."""
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
