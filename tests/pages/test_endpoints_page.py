"""Endpoints: what an operator reads about what is served, and a talk with it."""

from services import audit
from services.database import served, writing
from services.platforms import Delta, ServedState
from tests.pages.conftest import texts


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
