"""The whole `log_model` call of the built-in agent, against the agent's own model calls in the same run.

    python -m bench.log_agent [seconds that the model thinks] [rounds]

Every case is a process of its own, prepared like a job's child, which logs one agent and ends: so the first call is what
people wait for, and the median of the next ones is what is left when everything is imported.
The goal is 1.2 of MLflow's floor: its plain `log_model` of the same file with the same example and packages, without a
prompt, tags or resources. Printed too is what stands beyond the model calls of each: what is above the floor there is ours.
"""

import cProfile
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.results import Measured, keep

if TYPE_CHECKING:
    from services.workspace import Workspace

ROOT = Path(__file__).parent.parent
CASES = (
    "as the console logs",
    "MLflow's floor: plain log_model",
    "without an input example",
    "environment not recorded",
    "packages not pinned",
)
PARTS = ("_validate_serving_input", "_process_pip_requirements", "infer_pip_requirements", "log_model_artifacts")
PARTS += ("_create_logged_model", "link_prompt_version_to_model", "check_output", "_load_model_code_path")
REPLY = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def main(thinking: float, rounds: int) -> None:
    print(f"the model thinks {thinking} s; {rounds} warm rounds\n")
    taken: dict[tuple[str, str], float] = {}
    beyond: dict[tuple[str, str], float] = {}
    print(f"{'':38} {'whole':>8} {'model calls':>14} {'beyond':>8} {'ratio':>8}")
    for case in CASES:
        told = json.loads(in_process(case, str(thinking), str(rounds if case != CASES[-1] else 1)))
        for state in ("first", "warm"):
            whole, asked, calls = told[state]
            line = f"{whole:7.2f}s {asked:8.2f}s /{calls:2.0f} {whole - asked:8.2f}s {whole / asked:7.2f}x"
            taken[case, state], beyond[case, state] = whole, whole - asked
            print(f"{case + ', ' + state:38} {line}")
        if case == CASES[0]:
            print("   of a warm call, profiled: " + ", ".join(f"{name} {ms} ms" for name, ms in told["parts"].items()))
        if case == CASES[1]:
            above = {state: beyond[CASES[0], state] - beyond[case, state] for state in ("first", "warm")}
            for state in ("first", "warm"):
                sides = taken[CASES[0], state], taken[case, state]
                keep(Measured(f"log an agent, {state}", "", *sides, "MLflow's plain log_model", "s", 1.2))
            print("   ours above that floor: " + ", ".join(f"{state} {more:+.2f} s" for state, more in above.items()))


def in_process(*arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    command = [sys.executable, "-m", "bench.log_agent", "measure", *arguments]
    with tempfile.TemporaryDirectory() as home:
        environ = clean | {"SIGNALBOX_HOME": home, "SIGNALBOX_OPERATOR": "ada"}
        done = subprocess.run(
            command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    return done.stdout.decode().strip().splitlines()[-1]


def measure(case: str, thinking: float, rounds: int) -> dict[str, Any]:
    """Seconds of the whole call, seconds and number of the model calls in it: of the first round, and of the warm ones."""
    import services.processes.preload  # noqa: F401  (what the worker has ready for every child)

    with model(thinking) as asked:
        place = workspace()
        log = logging(place, case)

        def clocked() -> tuple[float, float, int]:
            asked.clear()
            begun = time.perf_counter()
            log()
            return time.perf_counter() - begun, sum(asked), len(asked)

        first, warm = clocked(), [clocked() for _ in range(rounds)]
        middle = [statistics.median(one[column] for one in warm) for column in range(3)]
        return {"first": first, "warm": middle, "parts": profiled(log) if case == CASES[0] else {}}


def profiled(log: Callable[[], None]) -> dict[str, int]:
    """Milliseconds in parts of MLflow's work, model calls included where they happen."""
    profile = cProfile.Profile()
    profile.runcall(log)
    stats: Any = pstats.Stats(profile)
    return {key[2]: round(found[3] * 1000) for key, found in stats.stats.items() if key[2] in PARTS}


def logging(place: "Workspace", case: str) -> Callable[[], None]:
    """MLflow's call as the job makes it, with what the case changes."""
    import mlflow

    from services.agents import AgentForm
    from services.agents.logging import BUILT_IN, arguments

    form = AgentForm("bench", "support", 1, pinned=True, llm_model="m", example_question="Where is my parcel?")
    # As the job does: before a release no alias names the version.
    os.environ["SIGNALBOX_PROMPT_VERSION"] = str(form.first_version)
    os.environ["MLFLOW_EXPERIMENT_ID"] = place.app.experiment_id
    os.environ["MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING"] = str(case != "environment not recorded").lower()
    changes = {"without an input example": {"input_example": None}, "packages not pinned": {"pip_requirements": None}}
    given = arguments(place, form, 0) | {"python_model": str(BUILT_IN)} | changes.get(case, {})
    if case == CASES[1]:
        plain = ("name", "python_model", "model_config", "input_example", "pip_requirements")
        given = {name: given[name] for name in plain}

    def log() -> None:
        with mlflow.tracing.context(enabled=False):
            mlflow.pyfunc.log_model(**given)

    return log


@contextmanager
def model(thinking: float) -> Iterator[list[float]]:
    """A model that thinks; the list fills with how long the agent waited for each of its calls."""
    import openai

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            return None

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            time.sleep(thinking)
            written = json.dumps(REPLY).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1", "OPENAI_API_KEY": "bench"}
    asked: list[float] = []
    real = openai.resources.chat.completions.Completions.create

    def create(*given: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return real(*given, **named)
        finally:
            asked.append(time.perf_counter() - begun)

    openai.resources.chat.completions.Completions.create = create  # type: ignore[method-assign]  # only clocked
    yield asked
    server.shutdown()


def workspace() -> "Workspace":
    from services import apps, database, people, prompts, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = apps.AppForm(id="support", name="Support", company="Sorabana", model="m", endpoint="support")
    place = place.for_app(apps.create(place, form))
    prompts.save(place, "support", "Answer politely for {{company_name}}.", "first")
    return place


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure", name, thinking, rounds]:
            print(json.dumps(measure(name, float(thinking), int(rounds))))
        case [thinking, rounds]:
            main(float(thinking), int(rounds))
        case _:
            main(0.5, 5)
