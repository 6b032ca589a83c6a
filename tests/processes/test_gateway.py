"""The gateway, as a real process with real versions."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx2
import mlflow
import pytest
from sqlalchemy import Engine, delete, insert, select, update

from services.database import connect, served
from services.errors import PlatformError
from services.messages import Message
from services.platforms.local import FINALIZED
from services.processes.gateway import records
from services.processes.gateway.child import Wanted, environment, masked
from services.processes.gateway.routing import Target, choose, conversation_of
from services.processes.gateway.shadow import LARGEST, MOST_WAITING, Shadow, copyable
from services.processes.gateway.supervisor import Supervisor
from services.processes.lock import Lock, held, read
from tests.processes.stand import Begin, Shelf, answers, wait_until
from tests.stub_model import StubModel

HELLO: dict[str, Any] = {"input": [{"role": "user", "content": "Hello"}]}


# Routing


def target(version: int, weight: int) -> Target:
    return Target(version, version, weight, f"http://127.0.0.1:{version}")


def test_a_conversation_stays_with_its_version() -> None:
    targets = [target(1, 50), target(2, 50)]
    for number in range(50):
        chosen = {choose(targets, "support", f"c{number}") for _ in range(5)}
        assert len(chosen) == 1


def test_shares_are_kept_and_growing_moves_only_neighbours() -> None:
    talks = [f"c{number}" for number in range(2000)]
    ten = {talk: choose([target(1, 90), target(2, 10)], "support", talk) for talk in talks}
    half = {talk: choose([target(1, 50), target(2, 50)], "support", talk) for talk in talks}

    counted = Counter(chosen.version for chosen in ten.values() if chosen)
    assert 140 < counted[2] < 260
    assert all(half[talk].version == 2 for talk in talks if ten[talk].version == 2)  # type: ignore[union-attr]


def test_a_version_without_a_share_gets_no_ordinary_traffic() -> None:
    assert {choose([target(1, 100), target(2, 0)], "s", None) for _ in range(200)} == {target(1, 100)}
    assert choose([target(2, 0)], "s", None) is None
    assert choose([], "s", "c") is None


def test_the_conversation_is_found_in_context_or_custom_inputs() -> None:
    assert conversation_of({"context": {"conversation_id": "a"}}) == "a"
    assert conversation_of({"custom_inputs": {"session_id": 5}}) == "5"
    assert conversation_of({"context": "nonsense"}) is None


# Children


def test_an_agent_sees_only_what_it_needs(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do not pass on")
    wanted = Wanted(1, "support", "support", 1, "m-1", "7", 0, 1, 0, {"EXTRA": "1"}, {})

    passed = environment(shelf.settings, wanted)

    assert "AWS_SECRET_ACCESS_KEY" not in passed
    assert (passed["MLFLOW_EXPERIMENT_ID"], passed["OPENAI_BASE_URL"], passed["EXTRA"]) == ("7", shelf.stub.url, "1")


def test_secrets_do_not_reach_the_log() -> None:
    said = masked("key sk-abc123, Bearer xyz, my-own-key at https://ada:pw@host/x", ("my-own-key",))

    assert all(secret not in said for secret in ("abc123", "xyz", "my-own-key", ":pw"))


# The process


class Gateway:
    """A gateway process on the shelf's data folder."""

    def __init__(self, begin: Begin, shelf: Shelf) -> None:
        self.url = shelf.settings.gateway_url
        self.process = begin("services.processes.gateway", environ=shelf.environ)
        wait_until(lambda: answers(f"{self.url}/health"), 60)

    def ask(self, path: str = "support", body: dict[str, Any] = HELLO) -> httpx2.Response:
        return httpx2.post(f"{self.url}/endpoints/{path}/invocations", json=body, timeout=30)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


@pytest.fixture
def engine(shelf: Shelf) -> Iterator[Engine]:
    found = connect(shelf.settings.database_url)
    with found.begin() as connection:
        connection.execute(delete(served))
    yield found
    found.dispose()


@pytest.fixture
def gateway(begin: Begin, shelf: Shelf, engine: Engine, stub: StubModel) -> Iterator[Gateway]:
    running = Gateway(begin, shelf)
    yield running
    running.end()


def place(engine: Engine, shelf: Shelf, version: int, weight: int, model: str = "support", **config: Any) -> None:
    """Want a version up, as the local platform does."""
    with engine.begin() as connection:
        connection.execute(
            insert(served).values(
                app_id="support",
                endpoint="support",
                version=version,
                weight=weight,
                wanted="up",
                state="starting",
                model_id=shelf.models.get(model, model),
                experiment_id=shelf.experiment_id,
                environment={},
                model_config=config,
            )
        )


def change(engine: Engine, version: int, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(served).where(served.c.version == version).values(**values))


def row(engine: Engine, version: int = 1) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(served).where(served.c.version == version)).one()


def ready(engine: Engine, version: int = 1) -> None:
    wait_until(lambda: row(engine, version).state == "ready", 60)


def test_the_whole_life_of_two_versions(gateway: Gateway, engine: Engine, shelf: Shelf) -> None:
    assert gateway.ask().status_code == 404

    place(engine, shelf, 1, 0)
    ready(engine)
    assert gateway.ask().status_code == 503
    assert "You are Acme." in gateway.ask("support/versions/1").text
    assert row(engine).seconds_to_ready > 0
    assert row(engine).pid
    assert row(engine).port

    change(engine, 1, weight=100)
    place(engine, shelf, 2, 0, company_name="Beta")
    ready(engine, 2)
    assert "You are Acme." in gateway.ask().text
    assert "You are Beta." in gateway.ask("support/versions/2").text

    change(engine, 1, weight=0)
    change(engine, 2, weight=100)
    httpx2.post(f"{gateway.url}/refresh")
    assert "You are Beta." in gateway.ask().text
    wait_until(lambda: row(engine, 2).asked_at is not None)

    change(engine, 1, wanted="down")
    wait_until(lambda: row(engine).state == "stopped")
    assert row(engine).pid is None
    assert gateway.ask("support/versions/1").status_code == 503


def of_pairs(shelf: Shelf) -> list[Any]:
    """The traces of this test's questions that were copied, and of their copies, once they are whole."""
    found = mlflow.search_traces(locations=[shelf.experiment_id], return_type="list", max_results=50)
    whole = [one.info for one in found if one.info.trace_metadata.get(FINALIZED) == "true"]
    return [one for one in whole if "signalbox.pair" in one.tags]


def test_a_shadow_answers_copies_and_nobody_reads_them(gateway: Gateway, engine: Engine, shelf: Shelf) -> None:
    place(engine, shelf, 1, 100)
    place(engine, shelf, 2, 0, company_name="Beta")
    ready(engine)
    ready(engine, 2)
    change(engine, 2, shadow=100)
    httpx2.post(f"{gateway.url}/refresh")
    probe = {**HELLO, "custom_inputs": {"signalbox_origin": "probe"}}
    assert "You are Acme." in gateway.ask().text and "You are Acme." in gateway.ask(body=HELLO | {"stream": True}).text
    assert gateway.ask(body=probe).status_code == 200
    wait_until(lambda: len(of_pairs(shelf)) == 4)
    wait_until(lambda: row(engine, 2).copied == 2)
    origins: dict[str, set[str]] = {}
    for one in of_pairs(shelf):
        origins.setdefault(one.tags["signalbox.pair"], set()).add(one.tags["signalbox.origin"])
    assert list(origins.values()) == [{"live", "shadow"}] * 2
    change(engine, 2, shadow=0)
    httpx2.post(f"{gateway.url}/refresh")
    assert gateway.ask().status_code == 200
    httpx2.post(f"{gateway.url}/refresh")  # it has counted what it copied by now
    assert row(engine, 2).copied == 2


def test_copies_that_nobody_has_time_for_are_dropped_and_counted() -> None:
    async def offered() -> tuple[list[str], Any]:
        keepers: Any = SimpleNamespace(copied=Counter(), dropped=Counter(), targets=lambda endpoint: [copied])
        shadow = Shadow(keepers)
        return [
            shadow.offer("support", HELLO, size) for size in [LARGEST + 1, *[LARGEST] * (MOST_WAITING + 3)]
        ], keepers

    copied = replace(target(2, 0), shadow=100)
    marks, keepers = asyncio.run(offered())
    assert marks[0] == "" and marks[MOST_WAITING + 1 :] == ["", "", ""] and len(set(marks)) == MOST_WAITING + 1
    assert (keepers.copied[2], keepers.dropped[2]) == (MOST_WAITING, 4)


def test_copies_that_the_database_could_not_count_are_counted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*values: Any) -> None:
        raise PlatformError(Message("The disk is full."))

    nothing: Any = None
    supervisor = Supervisor(nothing, nothing, nothing)
    supervisor.copied[2], supervisor.dropped[2] = 3, 1
    monkeypatch.setattr(records, "write_copies", full)
    asyncio.run(supervisor.stop())
    assert (supervisor.copied[2], supervisor.dropped[2]) == (3, 1)


def test_only_questions_of_productions_own_are_copied() -> None:
    yes = {"type": "mcp_approval_response", "approval_request_id": "1", "approve": True}
    assert copyable(HELLO) and copyable({"input": "Hello"})
    assert not copyable({"input": [yes]})
    assert not copyable({**HELLO, "custom_inputs": {"signalbox_origin": "probe"}})
    assert not copyable({**HELLO, "custom_inputs": "nonsense"})


def test_a_stream_arrives_piece_by_piece(gateway: Gateway, engine: Engine, shelf: Shelf, stub: StubModel) -> None:
    place(engine, shelf, 1, 100)
    ready(engine)
    stub.between_words = 0.2
    times = []
    body = {"input": [{"role": "user", "content": "one two three"}], "stream": True}
    with httpx2.stream("POST", f"{gateway.url}/endpoints/support/responses", json=body, timeout=30) as answered:
        for line in answered.iter_lines():
            times += [time.monotonic()] if "delta" in line else []

    assert len(times) > 4
    assert times[-1] - times[0] > 0.5


def test_a_killed_version_comes_back(gateway: Gateway, engine: Engine, shelf: Shelf) -> None:
    place(engine, shelf, 1, 100)
    ready(engine)
    first = row(engine).pid
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: row(engine).pid not in (first, None) and row(engine).state == "ready", 60)
    assert gateway.ask().status_code == 200


def test_a_version_that_cannot_load_fails_with_its_reason(gateway: Gateway, engine: Engine, shelf: Shelf) -> None:
    place(engine, shelf, 1, 0, model="m-missing")

    wait_until(lambda: row(engine).state == "failed", 60)
    assert "m-missing" in row(engine).error
    assert "Traceback" not in row(engine).error
    assert gateway.ask().status_code == 503


def test_sigterm_answers_what_was_asked_and_stops_the_versions(
    gateway: Gateway, engine: Engine, shelf: Shelf, stub: StubModel
) -> None:
    place(engine, shelf, 1, 100)
    ready(engine)
    stub.seconds = 1
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(gateway.ask) for _ in range(8)]
        wait_until(lambda: len(stub.requests) == 8)
        pid = row(engine).pid
        gateway.end()

    assert [one.result().status_code for one in asked] == [200] * 8
    assert (row(engine).state, row(engine).pid) == ("stopped", None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_after_a_kill_nothing_old_is_adopted(begin: Begin, shelf: Shelf, engine: Engine, stub: StubModel) -> None:
    first = Gateway(begin, shelf)
    place(engine, shelf, 1, 100)
    ready(engine)
    old = row(engine).pid
    first.process.kill()
    first.process.wait()

    second = Gateway(begin, shelf)
    wait_until(lambda: row(engine).pid not in (old, None) and row(engine).state == "ready", 60)
    assert second.ask().status_code == 200
    wait_until(lambda: not os.path.exists(f"/proc/{old}"), 30)
    second.end()


def test_a_busy_port_is_told_and_ends_with_code_3(begin: Begin, shelf: Shelf) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", shelf.settings.gateway_port))
        taken.listen()
        assert begin("services.processes.gateway", environ=shelf.environ).wait(30) == 3

    assert str(shelf.settings.gateway_port) in read(shelf.settings.run_folder / "gateway.lock")["error"]


def test_only_one_gateway_owns_the_folder(begin: Begin, shelf: Shelf) -> None:
    lock = Lock(shelf.settings.run_folder / "gateway.lock")
    assert lock.acquire()
    assert held(lock.path)
    assert read(lock.path)["pid"] == os.getpid()
    assert begin("services.processes.gateway", environ=shelf.environ).wait(30) == 0
    lock.release()
    assert not held(lock.path)


def test_one_whose_worker_died_before_it_had_the_lock_ends(begin: Begin, shelf: Shelf) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert begin("services.processes.gateway", str(gone.pid), environ=shelf.environ).wait(30) == 0
    assert not held(shelf.settings.run_folder / "gateway.lock")


@pytest.mark.parametrize(
    ("headers", "sent", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/json", "host": "evil.example"}, b"{}", 400),
        ({"content-type": "application/json"}, b"{", 400),
        ({"content-type": "application/json"}, json.dumps("x" * 2_100_000).encode(), 413),
    ],
)
def test_what_is_not_a_request_is_refused(gateway: Gateway, headers: dict[str, str], sent: bytes, status: int) -> None:
    answered = httpx2.post(f"{gateway.url}/endpoints/support/invocations", content=sent, headers=headers)
    assert answered.status_code == status


def test_the_practice_model_answers_here(gateway: Gateway) -> None:
    assert httpx2.get(f"{gateway.url}/practice/v1/models").status_code == 200
