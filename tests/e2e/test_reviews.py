"""The review desk in a browser: a queue is worked through without touching the mouse."""

import pytest
from playwright.sync_api import expect

from services import apps, people, reviews, sample, settings
from services.reviews import stored, way
from services.reviews.records import Form, Kind, Label, Pick, Rule
from services.workspace import Workspace, connect
from tests.left_traces import leave


@pytest.fixture
def server(serve, monkeypatch):
    """A console with three answers that wait."""
    started = serve()
    for name, value in started.environ.items():
        monkeypatch.setenv(name, value)
    config = settings.load(started.environ)
    workspace = Workspace(connect(config), people.identify(config, {}))
    workspace = workspace.for_app(apps.get(workspace, sample.app().id))
    for number in range(3):
        leave(workspace, f"Question {number}?")
    labels = (Label("right", Kind.PASS, "It is right"), Label("expected_response", Kind.ANSWER, needed=False))
    started.workspace = workspace
    started.queue = reviews.make(workspace, Form("Keys", Rule(Pick.RANDOM, share=1.0), labels))
    return started


def test_a_queue_is_worked_through_by_keys_alone(server, visit):
    workspace, queue = server.workspace, server.queue
    console = visit(server).open("reviews", queue=queue.id)
    keys = console.page.keyboard

    def sees(words):
        expect(console.main.get_by_text(words)).to_be_visible(timeout=20_000)

    sees("Question 2?")

    keys.press("a")
    keys.type("On Friday, please skip nothing: u s f.")
    keys.press("Escape")
    keys.press("w")
    keys.type("It names no day.")
    keys.press("Escape")
    sees("Question 2?")
    keys.press("f")
    console.idle()
    keys.press("Control+Enter")
    sees("Question 1?")
    given = workspace.client.get_trace(stored.items(workspace, queue.id)[0].trace_id).info.assessments
    said = {one.name: (one.feedback or one.expectation).value for one in given}
    assert said == {"right": False, "expected_response": "On Friday, please skip nothing: u s f."}
    assert [one.rationale for one in given if one.name == "right"] == ["It names no day."]

    keys.press("s")
    sees(console.t("Why do you skip it?"))
    keys.press("2")
    sees("Question 0?")
    keys.press("u")
    sees("Question 1?")
    console.button("Next").focus()
    keys.press("Enter")
    sees("Question 0?")
    console.button("Passes").focus()
    keys.press("Enter")
    console.idle()
    expect(console.button("Passes")).to_be_focused(timeout=20_000)
    keys.press("k")
    sees(console.t("take back what you did last"))
    assert way.of(workspace, queue).complete == 1
    keys.press("Escape")
    expect(console.button("New queue")).to_be_visible(timeout=20_000)
    assert console.outside == []


def test_a_new_queue_opens_at_the_top_of_its_desk(server, visit):
    console = visit(server).open("reviews", new=1)
    console.page.set_viewport_size({"width": 1280, "height": 600})
    console.fill("Name", "From the foot of a long form")
    console.choose("They wait because", console.t("A random share"))
    console.fill("Share in %", "100").click("Make the queue")
    expect(console.main.get_by_text("Question 2?")).to_be_visible(timeout=20_000)
    assert console.page.get_by_test_id("stMain").evaluate("(main) => main.scrollTop") == 0
