"""A served agent that costs nothing, behind our gateway and behind `mlflow models serve`, tracing on, in turn.

    python -m bench.serving [seconds of each load]

One process each, on the same store, under 1, 8 and 32 clients; the same logged agent answers both. Beside them, the first
streamed token of an agent that passes on what its model streams, against the model asked directly; the model takes a tenth
of a second to its first token, which few do, and connections stay open on both sides.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from bench.overview import workspace
from bench.results import Measured, keep
from bench.servers import ROOT, clean, running, wait_for
from tests.conftest import free_port
from tests.stub_model import StubModel, stub_model

CLIENTS, ROUNDS, TOKENS, FIRST, BETWEEN = (1, 8, 32), 2, 15, 0.1, 0.02
AGENT = """
import openai
from mlflow.models import set_model
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent


class Passing(ResponsesAgent):
    model = None

    def predict(self, request):
        return ResponsesAgentResponse(output=[self.create_text_output_item(text="Thank you.", id="msg_1")])

    def predict_stream(self, request):
        said, asked = "", [{"role": "user", "content": "Hello"}]
        self.model = self.model or openai.OpenAI()
        for chunk in self.model.chat.completions.create(model="m", messages=asked, stream=True):
            piece = chunk.choices[0].delta.content if chunk.choices else None
            if piece:
                said += piece
                yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=piece, item_id="msg_1"))
        item = self.create_text_output_item(text=said, id="msg_1")
        yield ResponsesAgentStreamEvent(type="response.output_item.done", item=item)


set_model(Passing())
"""
HELLO: dict[str, Any] = {"input": [{"role": "user", "content": "Hello"}]}


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as kept, stub_model() as model:
        os.environ |= {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "key"}
        model.between_words, model.answer = BETWEEN, lambda system, question: "one two three four five six"
        place = workspace(kept)
        # `workspace` keeps the console's own settings out of what it reads.
        environ = clean() | {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "key",
            "SIGNALBOX_HOME": str(place.settings.home),
            "SIGNALBOX_GATEWAY_PORT": str(free_port()),
            "MLFLOW_TRACKING_URI": place.settings.tracking_uri,
            "MLFLOW_EXPERIMENT_ID": place.app.experiment_id,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        measure(place, logged(Path(kept), place), environ, model, seconds)


def logged(folder: Path, place) -> str:
    import mlflow

    file = folder / "agent.py"
    file.write_text(AGENT)
    mlflow.set_experiment(experiment_id=place.app.experiment_id)
    return str(mlflow.pyfunc.log_model(name="agent", python_model=str(file), pip_requirements=["mlflow"]).model_id)


def measure(place, model_id: str, environ: dict[str, str], model: StubModel, seconds: float) -> None:
    serving, name, port = place.platform.serving, place.app.endpoint, free_port()
    ours = f"http://127.0.0.1:{environ['SIGNALBOX_GATEWAY_PORT']}/endpoints/{name}"
    theirs = f"http://127.0.0.1:{port}"
    mlflow = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{model_id}", "--env-manager", "local"]
    with (
        running([sys.executable, "-m", "services.processes.gateway"], ROOT, environ),
        running([*mlflow, "-h", "127.0.0.1", "-p", str(port), "-w", "1"], Path(place.settings.home), environ),
    ):
        serving.deploy(place, name, 1, model_id, {})
        while not serving.endpoint(place, name).versions[0].ready:
            time.sleep(0.1)
        serving.shift(place, name, {1: 100})
        wait_for(f"{ours}/health")
        wait_for(f"{theirs}/health")
        for clients in CLIENTS:
            report(
                clients,
                [
                    [asyncio.run(load(f"{url}/invocations", clients, seconds)) for url in (ours, theirs)]
                    for _ in range(ROUNDS)
                ],
            )
        first_token(f"{ours}/invocations", model)


async def load(url: str, clients: int, seconds: float) -> list[float]:
    """Seconds of every answer."""
    took: list[float] = []
    async with httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=64)) as http:
        (await http.post(url, json=HELLO)).raise_for_status()
        end = time.perf_counter() + seconds

        async def one() -> None:
            while time.perf_counter() < end:
                begun = time.perf_counter()
                (await http.post(url, json=HELLO)).raise_for_status()
                took.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(clients)))
        return [*took, time.perf_counter() - begun]


def report(clients: int, rounds: list[list[list[float]]]) -> None:
    """The last number of each load is how long it took."""
    peer, of = "mlflow models serve", f"{clients} clients"
    middle = [statistics.median(one for pair in rounds for one in pair[side][:-1]) * 1000 for side in (0, 1)]
    rates = [statistics.median((len(pair[side]) - 1) / pair[side][-1] for pair in rounds) for side in (0, 1)]
    print(
        f"{of:12} p50 {middle[0]:7.1f} ms, {peer} {middle[1]:7.1f} ms; {rates[0]:6.0f} and {rates[1]:6.0f} requests/s"
    )
    keep(Measured("p50 of a request", of, *middle, peer, "ms", 1.0 if clients == 1 else None))
    keep(Measured("requests", of, *rates, peer, "requests/s", None if clients == 1 else 1 / 1.5, more=True))


def first_token(url: str, model: StubModel) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    model.seconds = FIRST
    with httpx2.Client(timeout=60) as http:
        sides = [
            (
                until(http, url, HELLO | {"stream": True}, lambda line: "output_text.delta" in line),
                until(http, f"{model.url}/chat/completions", asked, lambda line: '"content"' in line),
            )
            for _ in range(TOKENS)
        ]
    ours, bare = zip(*sides, strict=True)
    middle = statistics.median(ours) * 1000, statistics.median(bare) * 1000
    print(f"first token  {middle[0]:7.1f} ms, the model itself {middle[1]:7.1f} ms")
    keep(Measured("first streamed token", "", *middle, "the model itself", "ms", 1.5))


def until(http: httpx2.Client, url: str, body: dict[str, Any], is_first: Callable[[str], bool]) -> float:
    """Seconds until the first line that says something; the rest of the stream is read to its end."""
    first, begun = 0.0, time.perf_counter()
    with http.stream("POST", url, json=body) as answer:
        for line in answer.iter_lines():
            first = first or (time.perf_counter() - begun if is_first(line) else 0.0)
    assert first, json.dumps(body)
    return first


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
