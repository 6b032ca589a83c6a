"""The playground in a browser: answers stream side by side, a run is cancelled, what was tried becomes a version."""

import re

import pytest
from playwright.sync_api import expect

from services import apps, people, prompts, sample, settings
from services.workspace import Workspace, connect
from tests.stub_model import stub_model

NAME = sample.app().prompt_name


@pytest.fixture
def model():
    with stub_model() as stub:
        stub.between_words = 0.2
        stub.answer = lambda system, question: f"{system} {question} " + "and so on " * 4
        yield stub


@pytest.fixture
def server(serve, model, monkeypatch):
    """A console on a slow model, with two versions of a prompt."""
    started = serve(OPENAI_BASE_URL=model.url, OPENAI_API_KEY="k", SIGNALBOX_MODEL="practice")
    for name, value in started.environ.items():
        monkeypatch.setenv(name, value)
    config = settings.load(started.environ)
    workspace = Workspace(connect(config), people.identify(config, {}))
    workspace = workspace.for_app(apps.get(workspace, sample.app().id))
    prompts.save(workspace, NAME, "First", "")
    prompts.save(workspace, NAME, "Second", "")
    started.workspace = workspace
    return started


def test_answers_stream_side_by_side_and_become_a_version(server, visit, model):
    console = visit(server).open("playground", versions="1,2")
    main = console.main
    console.click("Ask (answers: {n})", n=4)
    expect(main.get_by_text(re.compile("^First "))).to_have_count(2)
    expect(main.get_by_text(re.compile("^Second "))).to_have_count(2)
    expect(console.button("Cancel")).to_be_visible()
    assert model.most_open == 4, "all of them at the same time"
    expect(console.button("Cancel")).to_have_count(0, timeout=15_000)
    expect(main.get_by_text(re.compile(r"tokens 7 \+ 3"))).to_have_count(4)

    model.answer = lambda system, question: f"{system} " + "more " * 300
    console.click("Ask (answers: {n})", n=4)
    expect(main.get_by_text(re.compile("^First more more"))).to_have_count(2)
    console.button("Cancel").click()
    assert model.hung_up.wait(3)
    expect(main.get_by_text(console.t("cancelled"), exact=True)).to_have_count(4)
    expect(main.get_by_text(re.compile("^First more more"))).to_have_count(2)

    main.get_by_text(console.t("Text"), exact=True).first.click()
    field = main.get_by_label(console.t("What the assistant is told")).first
    field.fill("Third, tried first")
    field.press("Tab")
    console.idle()
    expect(field, "the text that is being written stays open").to_be_visible()
    console.click("Save as a version")
    console.page.get_by_role("button", name=console.t("Save"), exact=True).click()
    console.idle()
    assert prompts.version(server.workspace, NAME, 3).template == "Third, tried first"
    expect(console.page).to_have_url(re.compile("versions=3%2C2"))
    assert console.outside == []
