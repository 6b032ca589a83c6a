"""The whole walk by clicking only, on an empty data folder: from the first draft to a proven release and back."""

import re

import pytest
from playwright.sync_api import expect

from services import sample
from services.messages import text
from tests.e2e.console import LONG, Console
from tests.stub_model import stub_model

APP = sample.app()


class Walk:
    """The ten steps of the README, in a person's language."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.t = console.t

    def home_says_what_comes_next(self) -> None:
        self.console.open("home").sees("Nothing is live yet. Follow the steps below; each one takes a minute or two.")
        self.console.click("Do this next").sees(
            "There is no prompt yet. Write what the assistant is told and save it: that makes version 1."
        )

    def save_prompt(self, version: int) -> None:
        self.console.go("Prompts").click("Use the example, version {n}", n=version)
        self.console.click("Save as version {n}", n=version)
        self.console.button("Save as version {n}", n=version + 1).wait_for(timeout=30_000)

    def try_prompt(self) -> None:
        self.console.click("Use the example, version {n}", n=1).fill("Question", APP.smoke_questions[0])
        self.console.click("Try").sees_text(APP.company)

    def log_agent(self) -> None:
        self.console.go("Agents").click("Log agent")
        self.console.sees("The agent is logged. Try it here, evaluate it, then release it.", timeout=LONG)

    def try_agent(self) -> None:
        console = self.console.click("Open the agent").choose("With prompt version", self.t("version {n}", n=2))
        console.choose("Beside it", self.t("version {n}", n=1)).click("Try")
        console.link("Open the trace").nth(1).wait_for(timeout=LONG)

    def go_evaluations(self) -> None:
        self.console.go("Evaluations")

    def evaluate(self, version: int) -> None:
        console = self.console.go("Evaluations").choose(
            "Prompt version", self.t("version {n}: {note}", n=version, note="")
        )
        console.click("Start evaluation")
        console.sees("The evaluation is finished.", timeout=LONG)

    def read_evaluation(self, version: int) -> None:
        """Open the evaluation that is finished and read one row."""
        self.console.click("Open the evaluation")
        self.console.sees("The traces show that prompt version {n} reached the model in every answer.", n=version)
        self.pick_row(0).sees("Question")

    def pick_row(self, number: int) -> Console:
        grid = self.console.main.get_by_test_id("stDataFrame").last
        grid.scroll_into_view_if_needed()
        grid.click(position={"x": 16, "y": 35 + 35 * number + 17})
        return self.console.idle()

    def releases(self) -> Console:
        """The list; the side bar leaves a release that is still open."""
        return self.console.go("Releases").sees("All releases")

    def propose(self, version: int) -> Console:
        console = self.releases()
        console.choose("Prompt version", self.t("version {n}: {note}", n=version, note=""))
        return console.click("Propose release")

    def release(self, version: int) -> None:
        self.propose(version).click("Start release")
        self.proven(version)

    def proven(self, version: int) -> None:
        pattern = re.escape(
            self.t(
                "Proof: the endpoint in {stage} answered with prompt version {n} after {seconds} s.",
                stage=self.t("Production"),
                n=version,
                seconds="#",
            )
        )
        self.console.sees_text(re.compile(pattern.replace(r"\#", r"[\d.]+")), timeout=LONG)

    def refused(self, version: int) -> None:
        console = self.propose(version).sees(
            "This release is blocked. Mend what is red below, then check it again. A better prompt version is a "
            "release of its own: withdraw this one and propose that one."
        )
        console.sees_text(re.compile("mentions company"))
        expect(console.button("Start release")).to_be_disabled()

    def ask_endpoint(self) -> None:
        console = self.console.go("Endpoints")
        field = console.page.get_by_test_id("stChatInputTextArea")
        field.fill(APP.smoke_questions[1])
        field.press("Enter")
        link = console.link("Open this answer's trace").last
        link.wait_for(timeout=60_000)
        link.click()
        console.idle().sees_text(APP.smoke_questions[1], timeout=30_000)

    def watch(self) -> None:
        """From a chart to its traces to one row."""
        self.console.go("Monitoring")
        self.console.link("Show these traces").wait_for(timeout=60_000)
        self.console.link("Show these traces").click()
        self.console.idle().sees_text(APP.smoke_questions[1])
        self.console.click("Open").sees_text(APP.smoke_questions[1])

    def roll_back(self) -> None:
        console = self.releases().click("Roll back")
        console.page.get_by_label(self.t("Reason")).fill("The old answers were better")
        console.page.get_by_role("button", name=self.t("Roll back now")).click()
        console.idle()
        self.proven(1)


def walk(console: Console) -> None:
    person = Walk(console)
    person.home_says_what_comes_next()
    person.try_prompt()
    for version in (1, 2, 3):
        person.save_prompt(version)
    console.view("Versions").sees_text(re.compile(re.escape(sample.prompts(console.language)[2].note)))
    person.log_agent()
    person.try_agent()
    for version in (1, 2, 3):
        person.evaluate(version)
    person.read_evaluation(3)
    person.release(1)
    person.release(2)
    person.refused(3)
    person.ask_endpoint()
    person.watch()
    person.roll_back()
    console.open("home").sees_text(console.t("version {n}", n=1))
    assert console.outside == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_walk_on_the_practice_model(serve, visit, language):
    walk(visit(serve(), language))


def other_answer(system: str, question: str) -> str:
    """A model with answers of its own: it names the company when its prompt does, and says more when told more."""
    company = f" {APP.company}" if APP.company in system else ""
    more = " We look into it at once and write to you again this afternoon." if "step by step" in system else ""
    return f"Thank you very much for your message to{company or ' us'}.{more} Please wait a little."


@pytest.mark.timeout(900)
def test_the_walk_on_another_model_follows_its_answers(serve, visit):
    with stub_model() as stub:
        stub.answer = other_answer
        server = serve(OPENAI_BASE_URL=stub.url, OPENAI_API_KEY="not-a-real-key", SIGNALBOX_MODEL="other")
        console = visit(server)
        walk(console)
        console.open("traces")
        console.sees_text(re.compile("Thank you very much for your message to Sorabana"))
        assert len(stub.requests) > 3 * APP.gate_rows
    assert "not-a-real-key" not in server.log.read_text()
    assert all("not-a-real-key" not in log.read_text(errors="replace") for log in (server.home / "logs").glob("*.log"))
    assert text("practice model", "en") not in console.open("evaluations").main.inner_text()
