"""One served version, as a real process."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import mlflow
import pytest

from services.platforms.local import FINALIZED
from services.processes.version.agent import ServedAgent
from services.workspace import connect
from tests.processes.stand import HELLO, Begin, Shelf, Version, wait_until
from tests.stub_model import StubModel


def traces(shelf: Shelf, **tags: str) -> list[mlflow.entities.Trace]:
    found = mlflow.search_traces(locations=[shelf.experiment_id], return_type="list", max_results=500)
    return [trace for trace in found if all(trace.info.tags.get(name) == value for name, value in tags.items())]


def trace(trace_id: str) -> mlflow.entities.Trace:
    """The trace with what describes it, which is stored after its spans."""

    def whole() -> bool:
        found = mlflow.get_trace(trace_id, flush=False)
        return found is not None and found.info.trace_metadata.get(FINALIZED) == "true"

    wait_until(whole)
    return mlflow.get_trace(trace_id)


def test_an_answer_carries_its_trace(version: Version, stub: StubModel) -> None:
    answered = version.ask().json()

    assert answered["output"][0]["content"][0]["text"] == "You are Acme. | Hello"
    found = trace(answered["metadata"]["trace_id"])
    assert found.info.tags["signalbox.origin"] == "live"
    assert found.info.tags["signalbox.app"] == "support"


def test_the_request_says_its_origin(version: Version, stub: StubModel) -> None:
    answered = version.ask({**HELLO, "custom_inputs": {"signalbox_origin": "probe"}}).json()

    assert trace(answered["metadata"]["trace_id"]).info.tags["signalbox.origin"] == "probe"


def test_a_stream_ends_with_trace_and_done(version: Version, stub: StubModel) -> None:
    *deltas, done, told, end = version.stream()

    assert "".join(event["delta"] for event in deltas) == done["item"]["content"][0]["text"]
    assert trace(told["trace_id"]).info.state == "OK"
    assert end == "[DONE]"


def test_concurrent_streams_do_not_mix(version: Version, stub: StubModel) -> None:
    stub.between_words = 0.02

    def asked(number: int) -> tuple[str, str]:
        *deltas, _, told, _ = version.stream({"input": [{"role": "user", "content": f"number {number}"}]})
        return "".join(event["delta"] for event in deltas), told["trace_id"]

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(asked, range(16)))

    assert [text for text, _ in answered] == [f"You are Acme. | number {number}" for number in range(16)]
    assert len({trace_id for _, trace_id in answered}) == 16


def test_openai_keys_and_bare_strings_are_understood(version: Version, stub: StubModel) -> None:
    assert version.ask({"model": "support", "input": "Hello", "instructions": "x"}).status_code == 200
    assert stub.requests[0]["messages"][-1]["content"] == "Hello"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"input": [{"role": "x"}]}', 400),
        (b'"' + b"x" * 2_100_000 + b'"', 413),
    ],
)
def test_a_bad_request_is_refused_plainly(version: Version, sent: bytes, status: int) -> None:
    answered = httpx2.post(f"{version.url}/invocations", content=sent, headers={"content-type": "application/json"})

    assert answered.status_code == status
    assert "Traceback" not in answered.text
    assert answered.json()["error"]["message"]


@pytest.mark.parametrize(("given", "status"), [(429, 429), (500, 502), (401, 502)])
def test_the_models_failure_keeps_its_meaning(version: Version, stub: StubModel, given: int, status: int) -> None:
    stub.status = given
    answered = version.ask()

    assert answered.status_code == status
    assert "model" in answered.json()["error"]["message"]
    *_, told, failed, end = version.stream()
    assert failed["delta"] == "" and failed["databricks_output"]["trace"]["info"] == told
    error = failed["databricks_output"]["error"]
    assert (error["code"], error["error_code"], end) == (status, "BAD_REQUEST", "[DONE]")


def test_a_stream_that_breaks_off_tells_its_trace(shelf: Shelf) -> None:
    connect(shelf.settings)
    stream = ServedAgent(f"models:/{shelf.models['silent']}", {}, "support").stream({"input": "break"})
    told = next(stream)

    with pytest.raises(RuntimeError, match="no luck"):
        next(stream)
    mlflow.flush_trace_async_logging()
    assert mlflow.get_trace(told["trace_id"]).info.state == "ERROR"


def test_a_caller_that_hangs_up_ends_the_model_call(version: Version, shelf: Shelf, stub: StubModel) -> None:
    stub.between_words = 0.1
    long = {
        "input": [{"role": "user", "content": "word " * 200}],
        "stream": True,
        "custom_inputs": {"signalbox_origin": "try"},
    }
    with httpx2.stream("POST", f"{version.url}/invocations", json=long, timeout=30) as answered:
        next(answered.iter_lines())

    assert stub.hung_up.wait(5)
    wait_until(lambda: [one.info.state for one in traces(shelf, **{"signalbox.origin": "try"})] == ["ERROR"])


@pytest.mark.parametrize(("model", "said"), [("plain", "plain"), ("silent", "quiet")])
def test_agents_that_do_not_stream_still_answer(begin: Begin, shelf: Shelf, model: str, said: str) -> None:
    version = Version(begin, shelf, model)

    assert said in json.dumps(version.ask().json()["output"])
    assert said in json.dumps(version.stream()[0]["item"])
    version.process.terminate()


def test_an_agents_own_error_is_a_sentence(begin: Begin, shelf: Shelf) -> None:
    version = Version(begin, shelf, "silent")
    answered = version.ask({"input": [{"role": "user", "content": "break"}]})

    assert answered.status_code == 500
    assert answered.json()["error"]["message"] == "The agent failed: RuntimeError: no luck"
    version.process.terminate()


def test_the_config_can_be_overridden(begin: Begin, shelf: Shelf, stub: StubModel) -> None:
    version = Version(begin, shelf, "support", "--model-config", json.dumps({"company_name": "Beta"}))

    assert "You are Beta." in version.ask().text
    version.process.terminate()


def test_sigterm_keeps_every_answer_and_trace(begin: Begin, shelf: Shelf, stub: StubModel) -> None:
    version = Version(begin, shelf, "support")
    stub.seconds = 1.0
    body = {**HELLO, "custom_inputs": {"signalbox_origin": "rehearsal"}}
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(version.ask, body) for _ in range(40)]
        wait_until(lambda: len(stub.requests) == 40)
        version.process.send_signal(signal.SIGTERM)
        answered = [one.result() for one in asked]

    version.process.wait(30)
    assert [one.status_code for one in answered] == [200] * 40
    kept = traces(shelf, **{"signalbox.origin": "rehearsal"})
    assert len(kept) == 40
    assert {one.info.state for one in kept} == {"OK"}


def test_it_ends_with_the_process_that_started_it(begin: Begin, shelf: Shelf) -> None:
    version = Version(begin, shelf, "silent")
    assert version.process.stdin is not None
    version.process.stdin.close()

    began = time.monotonic()
    version.process.wait(20)
    assert time.monotonic() - began < 20


def test_an_agent_that_cannot_be_loaded_says_why(shelf: Shelf) -> None:
    command = [sys.executable, "-m", "services.processes.version", "--model-uri", "models:/m-missing", "--port", "1"]
    with subprocess.Popen(
        command, env=shelf.environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as ended:
        assert ended.stderr is not None
        said = ended.stderr.read()

    assert ended.returncode == 1
    assert said.strip().splitlines()[-1].startswith("MlflowException: ")
