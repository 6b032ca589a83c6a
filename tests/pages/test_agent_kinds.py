"""Agents of every kind on the screen: a folder is brought, a form is filled, a tool waits for a yes."""

import pytest
from sqlalchemy import update

from services import audit, jobs, prompts
from services.database import job as table
from services.database import writing
from services.jobs import State, Work
from tests.left_traces import leave
from tests.pages.conftest import bring, texts
from tests.services.agents import agent_files as files
from tests.services.agents.test_folder import BESIDE, ENTRY, zipped
from tests.standing import logged


def read(shown):
    return texts(shown).replace("\\", "")


@pytest.fixture
def written(workspace):
    prompts.save(workspace, "greeting", "Greet for {{company_name}}.", "first")
    return workspace


def test_a_zip_of_a_folder_is_handed_on_as_its_files(screen, written):
    shown = screen("agents")
    packed = zipped({"agent.py": ENTRY, **BESIDE})
    bring(shown, "agent.zip", packed, "application/zip")
    assert "Logged beside agent.py: words/__init__.py, words/polite.py" in read(shown)
    shown.button(key="log-agent").click().run()
    assert not shown.exception
    (job,) = jobs.recent(written, "log_agent")
    assert (job.args["form"]["source"], job.args["form"]["files"]) == (ENTRY, BESIDE)


def test_a_file_that_needs_no_prompt_is_asked_for_none_and_gets_a_form_of_its_fields(screen, workspace, finish):
    shown = bring(screen("agents"), "agent.py", files.FORM.encode())
    assert "No prompt is asked for, because the file loads none." in read(shown)
    assert not [one for one in shown.selectbox if one.key == "agent-prompt-support"]
    assert shown.text_input(key="agent-model-support").value == ""
    shown.button(key="log-agent").click().run()
    assert not shown.exception
    logged = finish(workspace, jobs.recent(workspace, "log_agent")[0])
    assert logged.state is State.DONE, logged.error
    model_id = logged.result["model_id"]

    shown = screen("agents", agent=model_id)
    told = read(shown)
    assert ":gray-badge[takes a form]" in told and "This agent takes no question" in told
    assert (
        "no prompt · not registered yet" in told
        and "It was logged without a prompt: its instructions are in its code or loaded by it." in told
    )
    keys = {one.key for one in (*shown.text_area, *shown.selectbox)}
    assert not keys & {"try-question/support", f"try-first/{model_id}"}
    shown.number_input(key=f"try-input/{model_id}/amount").set_value(12.0)
    shown.button(key="try-out").click().run()
    (job,) = jobs.recent(workspace, "try_agent")
    assert job.args["question"] == "amount: 12.0\ncountry: example\nurgent: False"
    assert finish(workspace, job, 240).state is State.DONE
    assert "decision: pay" in read(shown.run())

    line = screen("agents", agent=model_id, view="lineage")
    assert not line.exception and "links differ" not in read(line)


def test_a_file_that_loads_a_prompt_is_asked_for_it(screen, written):
    shown = bring(
        screen("agents"), "agent.py", files.FORM.replace("import pydantic", "import pydantic  # prompt_name").encode()
    )
    assert shown.selectbox(key="agent-prompt-support").value == "greeting"
    shown.radio(key="agent-prompted-support").set_value(False).run()
    assert "The file asks a prompt, and none is chosen for it." in read(shown)
    shown.button(key="log-agent").click().run()
    (job,) = jobs.recent(written, "log_agent")
    assert (job.args["form"]["prompt_name"], job.args["form"]["first_version"]) == ("", None)


def test_a_tool_that_takes_long_says_how_far_it_is(screen, written):
    model_id = logged(written, "greeting")
    args = {"model_id": model_id, "prompt_version": 1, "question": "How heavy is it?", "custom_inputs": {}}
    job = jobs.submit(written, "try_agent", args)
    step = {"name": "weigh", "given": "parcel: 7"}
    Work(written.engine, jobs.claim(written.engine)).save({"steps": [step], "progress": "2 / 5: lifting"})
    told = read(screen("agents", agent=model_id, tried=str(job.id)))
    assert "Using the tool **weigh**" in told and "parcel: 7" in told and "At work: 2 / 5: lifting" in told


def test_a_tool_is_used_only_after_a_yes(screen, written):
    model_id = logged(written, "greeting")
    asked = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "pay", "arguments": '{"amount": 3}'}
    args = {"model_id": model_id, "prompt_version": 1, "question": "Pay it", "custom_inputs": {}}
    step = {"name": "pay", "given": "amount: 3", "asks": True, "id": "mcpr_1"}
    before = [
        {"type": "function_call", "call_id": "c1", "name": "find_invoice", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "invoice 7"},
    ]
    trace_id = leave(written)
    result = {
        "answer": "",
        "items": [*before, asked],
        "steps": [step],
        "sources": [],
        "trace_id": trace_id,
        "seconds": 0.1,
    }
    job = jobs.submit(written, "try_agent", args)
    with writing(written.engine) as connection:
        values = {"state": State.DONE.value, "result": result}
        connection.execute(update(table).where(table.c.id == job.id).values(values))
    shown = screen("agents", agent=model_id, tried=str(job.id))
    assert "The agent wants to use **pay** and waits for a yes." in read(shown) and "amount: 3" in read(shown)
    assert not shown.feedback, "there is no answer yet that could be good or bad"
    other = screen("agents", agent=model_id, tried=str(job.id))
    shown.button(key=f"allow-True/{job.id}").click().run()
    assert not shown.exception
    newest = jobs.recent(written, "try_agent")[0]
    said = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    assert newest.args["talk"] == [{"role": "user", "content": "Pay it"}, *before, asked, said]
    assert shown.query_params["tried"] == str(newest.id)
    assert "find_invoice" in read(shown) and "invoice 7" in read(shown), (
        "what was used before the yes stays on the screen"
    )
    other.button(key=f"allow-False/{job.id}").click().run()
    assert "This was already allowed or refused.  \nAsk the agent again to decide anew." in read(other)
    assert "This was allowed." in read(other) and not [one for one in other.button if "allow-" in str(one.key)]
    assert jobs.recent(written, "try_agent")[0].id == newest.id
    lines = [(one.outcome, one.after["allowed"]) for one in audit.about(written, f"try_agent {job.id}")]
    assert lines == [("intent", True), ("done", True), ("intent", False), ("failed", False)]
