"""Who works meanwhile: customers, operators at their screens, an author who releases, a watcher of alerts."""

import json
import random
import threading
import time
import traceback
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import httpx2
from websockets.exceptions import WebSocketException

from bench.soak.ledger import Entry, Ledger
from bench.soak.outside import Outside
from bench.soak.stack import Stack
from services import agents, alerts, evaluations, jobs, prompts, releases, sample
from services.agents import AgentForm
from services.alerts import Channels, Rule, Series, Way
from services.errors import ConsoleError
from services.jobs import Job
from services.releases import Proposal, Release
from services.releases import State as ReleaseState
from services.workspace import Workspace
from tests.sign_in.browser import Browser

SAMPLE = sample.app()
TEST_OF_WEBHOOK = "Send a test by Signed webhook"
SENT = "A test is on its way."
LONGEST_JOB = 600.0
FIRES_ALWAYS, FIRES_NEVER = 0.0, 1e9
CLICKS_EACH = 4
AWAY = (OSError, httpx2.HTTPError, WebSocketException, TimeoutError, AssertionError)


class Person(threading.Thread, ABC):
    """Does `step` again and again; what the console refuses in words is part of the day, what else is raised is odd."""

    pause = (0.3, 1.5)

    def __init__(self, name: str, ledger: Ledger, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.ledger = ledger
        self.chance = random.Random(f"{seed} {name}")
        self.stopping = threading.Event()
        self.number = 0

    def run(self) -> None:
        while not self.stopping.wait(self.chance.uniform(*self.pause)):
            self.number += 1
            try:
                self.step()
            except ConsoleError:
                continue
            except Exception:  # noqa: BLE001  whatever it is, it is what we look for
                self.ledger.wonder(f"{self.name}: {traceback.format_exc(limit=-6)}")

    @abstractmethod
    def step(self) -> None:
        """Do one thing of the day."""


class Customer(Person):
    """Asks the endpoint, each question once; every third answer is streamed."""

    def __init__(self, name: str, ledger: Ledger, seed: int, address: str) -> None:
        super().__init__(name, ledger, seed)
        self.address = address
        self.http = httpx2.Client(timeout=60)

    def step(self) -> None:
        asked = f"Where is parcel {self.name}-{self.number}?"
        entry = self.ledger.ask("question", asked)
        body = {"input": [{"role": "user", "content": asked}], "stream": self.number % 3 == 0}
        try:
            answer = self.http.post(self.address, json=body)
        except AWAY as error:
            self.ledger.refuse(entry, repr(error))
            return
        trace_id = _streamed(answer.text) if body["stream"] else _whole(answer)
        if answer.status_code == 200 and trace_id:
            self.ledger.confirm(entry, trace_id=trace_id)
        else:
            self.ledger.refuse(entry, f"{answer.status_code}: {answer.text[-200:]}")


def _whole(answer: httpx2.Response) -> str:
    return str(answer.json()["metadata"]["trace_id"]) if answer.status_code == 200 else ""


def _streamed(text: str) -> str:
    """The trace of a stream that ended well."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    if any("error" in (one.get("databricks_output") or {}) for one in events):
        return ""
    return next((str(one["trace_id"]) for one in events if "trace_id" in one), "")


class Operator(Person):
    """Opens one screen after the other in one tab, and now and then has a test sent to the webhook."""

    pause = (1.5, 4.0)

    def __init__(self, name: str, ledger: Ledger, seed: int, url: str) -> None:
        super().__init__(name, ledger, seed)
        self.browser = Browser(url)

    def step(self) -> None:
        entry = self.ledger.ask("screen", f"{self.name}-{self.number}")
        try:
            if self.browser.socket is None:
                self.browser.open()
            if self.number % CLICKS_EACH == 0:
                self._have_a_test_sent()
            else:
                self.browser.query = ""
                self.browser.run(self.chance.choice(list(self.browser.pages)))
            self.ledger.confirm(entry)
        except AWAY as error:
            self.ledger.refuse(entry, repr(error))
            self.browser.close()

    def _have_a_test_sent(self) -> None:
        self.browser.query = "view=channels"
        screen = self.browser.run("alerts")
        if TEST_OF_WEBHOOK not in screen.buttons.values():
            return
        click = self.ledger.ask("click", f"{self.name}-{self.number}")
        if SENT in self.browser.click(screen.button(TEST_OF_WEBHOOK), "alerts").text:
            self.ledger.confirm(click)
        else:
            self.ledger.refuse(click, "the screen did not say that it was taken")


class Author(Person):
    """Saves a prompt version, evaluates it, releases it; logs a new agent now and then, and rolls back."""

    pause = (0.5, 1.5)

    def __init__(self, ledger: Ledger, seed: int, place: Workspace) -> None:
        super().__init__("author", ledger, seed)
        self.place, self.agent = place, ""

    def step(self) -> None:
        version = self._saved()
        new_agent = not self.agent or self.number % 4 == 0
        if new_agent:
            self.agent = self._logged(version) or self.agent
        if self._evaluated(version):
            self._released(version)
        if self.number % 3 == 0:
            self._rolled_back()

    def _saved(self) -> int:
        text = f"{SAMPLE.prompts[self.number % 2].template}\n\nThis is text number {self.number}."
        entry = self.ledger.ask("prompt version", self.number, text=text)
        try:
            version = prompts.save(self.place, SAMPLE.prompt_name, text, f"number {self.number}").version
        except ConsoleError as error:
            self.ledger.refuse(entry, error)
            raise
        self.ledger.confirm(entry, version=version)
        return version

    def _logged(self, version: int) -> str:
        """Pinned, but for the first: its prompt and its traffic move together."""
        form = AgentForm(SAMPLE.agent_name, SAMPLE.prompt_name, version, bool(self.agent), self.place.app.model, None)
        entry = self.ledger.ask("agent", self.number)
        ended = self._job(entry, lambda: agents.log(self.place, form))
        return str(ended.result["model_id"]) if ended and ended.state is jobs.State.DONE else ""

    def _evaluated(self, version: int) -> bool:
        entry = self.ledger.ask("evaluation", self.number)
        dataset = str(self.place.app.dataset_id)
        ended = self._job(entry, lambda: evaluations.start(self.place, self.agent, version, dataset))
        if ended and ended.state is jobs.State.DONE:
            entry.facts["run"] = ended.result["run_id"]
            return True
        return False

    def _released(self, version: int) -> None:
        entry = self.ledger.ask("release", f"{self.number}")

        def begin() -> Release:
            proposed = releases.propose(self.place, Proposal(self.agent, version, f"number {self.number}"))
            entry.facts["release"] = proposed.id
            return releases.start(self.place, proposed.id)

        self._release(entry, begin)

    def _rolled_back(self) -> None:
        entry = self.ledger.ask("release", f"{self.number}, back")
        self._release(entry, lambda: releases.roll_back(self.place, f"back after {self.number}"))

    def _release(self, entry: Entry, begin: Any) -> None:
        try:
            found = begin()
        except ConsoleError as error:
            self.ledger.refuse(entry, error)
            return
        entry.facts["release"] = found.id
        self._wait(jobs.get(self.place, int(found.job_id or 0)))
        ended = releases.get(self.place, found.id)
        if ended.state is ReleaseState.LIVE:
            self.ledger.confirm(entry, state=ended.state.value)
        else:
            self.ledger.refuse(entry, f"{ended.state}: {ended.error}")

    def _job(self, entry: Entry, begin: Any) -> Job | None:
        try:
            queued = begin()
            entry.facts["job"] = queued.id
            ended = self._wait(queued)
        except ConsoleError as error:
            self.ledger.refuse(entry, error)
            return None
        if ended.state is jobs.State.DONE:
            self.ledger.confirm(entry, job=ended.id)
        elif not ended.live:
            self.ledger.refuse(entry, f"{ended.error}")
        return ended

    def _wait(self, job: Job) -> Job:
        """Until it ended; a database that is full for a moment is asked again."""
        end = time.monotonic() + LONGEST_JOB
        while True:
            try:
                now = jobs.get(self.place, job.id)
            except ConsoleError:
                now = job
            if not now.live:
                return now
            if time.monotonic() > end:
                self.ledger.wonder(f"job {now.id} ({now.kind}) did not end in {LONGEST_JOB:.0f} s: {now}")
                return now
            time.sleep(0.3)


class Watcher(Person):
    """Makes a rule that fires at once, waits until it was told, lifts its limit, and waits until the end was told."""

    pause = (2.0, 4.0)
    longest = 420.0

    def __init__(self, ledger: Ledger, seed: int, place: Workspace, outside: Outside) -> None:
        super().__init__("watcher", ledger, seed)
        self.place, self.outside = place, outside

    def prepare(self, address: str) -> None:
        releases.telling.save_address(self.place, address)
        alerts.save_channels(self.place, Channels(webhook=True))

    def step(self) -> None:
        name = f"Rule {self.number}"
        rule = Rule("", name, Series.VOLUME, Way.ABOVE, minutes=60, limit=FIRES_ALWAYS, least=1, to=("webhook",))
        entry = self.ledger.ask("alert", name)
        try:
            made = alerts.save(self.place, rule)
        except ConsoleError as error:
            self.ledger.refuse(entry, error)
            return
        entry.facts["rule"] = made.id
        if not self._told(made.id, "firing"):
            return
        while not self._lifted(made):
            if self.stopping.wait(1.0):
                return
        if self._told(made.id, "resolved"):
            self.ledger.confirm(entry)

    def _lifted(self, rule: Rule) -> bool:
        try:
            alerts.save(self.place, replace(rule, limit=FIRES_NEVER))
        except ConsoleError:
            return False
        return True

    def _told(self, rule: str, state: str) -> bool:
        end = time.monotonic() + self.longest
        while time.monotonic() < end:
            if self.outside.told[rule, state]:
                return True
            if self.stopping.wait(0.5):
                return False
        self.ledger.wonder(f"“{state}” of {rule} was not told in {self.longest:.0f} s")
        return False


def crew(stack: Stack, ledger: Ledger, seed: int, place: Workspace, sizes: tuple[int, int]) -> list[Person]:
    """So many customers and operators, one author, one watcher."""
    address = stack.address(place.app.endpoint)
    customers = [Customer(f"c{one}", ledger, seed, address) for one in range(sizes[0])]
    operators = [Operator(f"o{one}", ledger, seed, stack.server.url) for one in range(sizes[1])]
    watcher = Watcher(ledger, seed, place, stack.outside)
    watcher.prepare(stack.hook)
    return [*customers, *operators, Author(ledger, seed, place), watcher]
