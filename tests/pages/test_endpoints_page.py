"""Endpoints: what an operator reads about what is served, and a talk with it."""

from services import apps, audit, jobs
from services.apps import Environment, Stage
from services.database import served, writing
from services.errors import PlatformError
from services.jobs import Work
from services.messages import Message
from services.platforms import Delta, ServedState
from services.releases import Kind, Pair, State, shutdown
from tests.pages.conftest import texts
from tests.standing import stand, stored


def deploy(workspace, state, weight=0, error=None):
    workspace.platform.serving.deploy(workspace, "support", 1, "m-1", {})
    with writing(workspace.engine) as connection:
        connection.execute(served.update().values(state=state.value, weight=weight, error=error))


def test_nothing_deployed_says_what_to_do(screen):
    shown = texts(screen("endpoints"))
    assert "Nothing is deployed yet" in shown
    assert "gateway is not running" in shown


def test_a_failed_version_says_why(screen, workspace):
    deploy(workspace, ServedState.FAILED, error="ImportError: <b>torch</b>")
    shown = texts(screen("endpoints")).replace("\\", "")
    assert "could not be started: ImportError: <b>torch</b>" in shown
    assert "No version takes traffic yet" in shown


def test_a_talk_streams_and_links_its_trace(screen, workspace, monkeypatch):
    deploy(workspace, ServedState.READY, weight=100)
    asked = []

    def stream(self, workspace, endpoint, request):
        asked.append(request)
        yield Delta("On its ")
        yield Delta("*way*.")
        yield Delta(done=True, trace_id=f"tr-{len(asked)}")

    monkeypatch.setattr("services.platforms.local.serving.LocalServing.stream", stream)
    page = screen("endpoints")
    assert "It answers 100 % of the questions" in texts(page)
    page.chat_input[0].set_value("Where is my parcel?").run()
    page.chat_input[0].set_value("And when?").run()

    assert "On its \\*way\\*\\." in texts(page)
    assert [message["content"] for message in asked[1]["input"]] == [
        "Where is my parcel?",
        "On its *way*.",
        "And when?",
    ]
    assert asked[0]["context"] == asked[1]["context"]
    assert asked[0]["custom_inputs"]["signalbox_origin"] == "live"
    assert len([link for link in page.get("page_link") if "trace" in link.proto.label]) == 2


def test_a_tool_waits_for_a_click_in_the_talk(screen, workspace, monkeypatch):
    deploy(workspace, ServedState.READY, weight=100)
    asked = []
    called = {"type": "function_call", "call_id": "r1", "name": "refund", "arguments": '{"order": "A1"}'}
    came = {"type": "function_call_output", "call_id": "r1", "output": "paid back"}

    def stream(self, workspace, endpoint, request):
        asked.append(request["input"])
        if request["input"][-1].get("approve"):
            yield Delta(items=(called,))
            yield Delta(items=(came,))
            yield Delta("Done.")
        elif request["input"][-1].get("role") == "user":
            request = {"type": "mcp_approval_request", "id": "r1", "name": "refund", "arguments": '{"order": "A1"}'}
            yield Delta(items=(request,))
        else:
            yield Delta("As you wish.")
        yield Delta(done=True, trace_id=f"tr-{len(asked)}")

    monkeypatch.setattr("services.platforms.local.serving.LocalServing.stream", stream)
    page = screen("endpoints")
    page.chat_input[0].set_value("Pay A1 back").run()
    assert "The agent wants to use **refund** and waits for a yes." in texts(page)
    next(one for one in page.button if one.label == "Allow it").click().run()

    shown = texts(page)
    assert "**refund** was allowed" in shown and "paid back" in shown and "Done." in shown.replace("\\", "")
    assert "waits for a yes" not in shown and not [one for one in page.button if one.label == "Allow it"]
    assert [one.get("type", "message") for one in asked[1]] == [
        "message",
        "mcp_approval_request",
        "mcp_approval_response",
    ]
    decided = next(one for one in audit.events(workspace) if one.verb == "try_agent")
    assert decided.after == {"allowed": True, "tools": ["refund"]}

    page.chat_input[0].set_value("Pay B2 back").run()
    next(one for one in page.button if one.label == "Refuse it").click().run()
    assert "**refund** was refused" in texts(page) and asked[-1][-1]["approve"] is False
    assert len(asked) == 4


def test_an_endpoint_that_does_not_answer_is_told(screen, workspace):
    deploy(workspace, ServedState.READY, weight=100)
    page = screen("endpoints")
    page.chat_input[0].set_value("Hello").run()
    assert "could not be reached" in texts(page)
    assert not page.exception


def test_staging_is_shut_down_with_a_reason_and_says_so(screen, workspace):
    apps.save_environment(workspace, Environment(Stage.STAGING, "support-staging"))
    there, nothing = apps.at(workspace, Stage.STAGING), Pair(None, None, None)
    stand(there, 1, "m-1", weight=100)
    stored(there, Kind.AGENT, nothing, Pair("m-1", 1, None), State.LIVE, done=("shift",), prompt="")
    assert [one for one in screen("endpoints").button if one.key == "shut-down"] == []
    page = screen("endpoints", environment="staging")
    shown = texts(page)
    assert "Every version behind support\\-staging is stopped" in shown and "Customers get production's" in shown
    page.button(key="shut-down").click().run()
    assert "There is no reason" in texts(page) and shutdown.unfinished(there) is None
    page.text_input(key="shut-down/support-staging").set_value("the *pilot* is over")
    page.button(key="shut-down").click().run()
    assert "Staging is being shut down" in texts(page) and not [one for one in page.button if one.key == "shut-down"]

    work = Work(workspace.engine, jobs.claim(workspace.engine))
    jobs.fail(workspace.engine, work.job, PlatformError(Message("The store was away.")))
    broken = screen("endpoints", environment="staging")
    assert "Shutting Staging down broke off: The store was away" in texts(broken)
    broken.button(key="shut-down").click().run()
    shutdown.run(workspace, Work(workspace.engine, job := jobs.claim(workspace.engine)))
    jobs.finish(workspace.engine, job, {})
    for name in ("endpoints", "releases"):
        ended = screen(name, environment="staging")
        assert "is shut down" in texts(ended) and "the \\*pilot\\* is over" in texts(ended) and not ended.exception
    assert ":gray[shut down]" in texts(ended) and "live now" not in texts(ended)
