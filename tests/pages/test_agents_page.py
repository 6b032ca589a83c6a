"""Agents: log one, read its state, try it under two prompt versions."""

from importlib.metadata import version

import pytest

from services import agents, datasets, jobs, prompts
from services.agents import AgentForm, requirements
from services.datasets import Row
from services.jobs import State
from tests.pages.conftest import bring, texts
from tests.services.agents import agent_files as files
from tests.services.test_agents import BREAKS_ON_PARCELS

pytestmark = pytest.mark.usefixtures("model")
BROKEN = b"def f(:\n"
BREAKS_ALWAYS = (
    "import mlflow\nfrom mlflow.pyfunc import ResponsesAgent\n\n\nclass A(ResponsesAgent):\n"
    "    def predict(self, request):\n        raise ValueError('broken <b>inside')\n\n\nmlflow.models.set_model(A())\n"
)


def read(shown):
    return texts(shown).replace("\\", "")


@pytest.fixture
def written(model, workspace):
    prompts.save(workspace, "greeting", "Greet for {{company_name}}.", "first")
    prompts.save(workspace, "greeting", "Greet warmly for {{company_name}} <b>.", "warmer")
    return workspace


@pytest.fixture
def logged(written, finish):
    form = AgentForm("greeter", "greeting", 1, pinned=False, llm_model="stub")
    return finish(written, agents.log(written, form)).result["model_id"]


def test_without_a_prompt_the_page_sends_to_prompts(screen):
    told = read(screen("agents"))
    assert "Write a prompt first" in told


def test_logging_queues_the_form_and_shows_its_progress(screen, written):
    shown = screen("agents")
    shown.text_input(key="agent-name-support").set_value("helper")
    shown.selectbox(key="agent-version-support").set_value(1)
    shown.radio(key="agent-pinned-support").set_value(True)
    shown.button(key="log-agent").click().run()
    assert not shown.exception
    (job,) = jobs.recent(written, "log_agent")
    form = job.args["form"]
    assert (form["name"], form["prompt_name"], form["first_version"], form["pinned"]) == ("helper", "greeting", 1, True)
    assert form["source"] is None
    assert shown.query_params["job"] == str(job.id)
    assert shown.button(key=f"cancel-job-{job.id}")


def test_a_second_person_sees_the_logging_under_way(screen, written):
    job = agents.log(written, AgentForm("greeter", "greeting", 1, pinned=False, llm_model="stub"))
    assert screen("agents").button(key=f"cancel-job-{job.id}")


def test_a_bad_name_is_refused_with_a_next_step(screen, written):
    shown = screen("agents")
    shown.text_input(key="agent-name-support").set_value("a/b")
    shown.button(key="log-agent").click().run()
    assert "“a/b” cannot be an agent's name." in read(shown)
    assert jobs.recent(written, "log_agent") == []


@pytest.mark.parametrize(
    ("content", "told"), [(BROKEN, "Line 1"), (b"\xff\xfe\x00", "not UTF-8"), (b"x = 1\n", "set_model")]
)
def test_a_file_that_is_no_agent_is_refused(screen, written, content, told):
    shown = screen("agents")
    bring(shown, "agent.py", content)
    shown.button(key="log-agent").click().run()
    assert told in read(shown)
    assert jobs.recent(written, "log_agent") == []


def test_an_own_file_is_handed_on(screen, written):
    shown = screen("agents")
    source = "import mlflow\nmlflow.models.set_model(None)\n"
    bring(shown, "agent.py", source.encode())
    shown.button(key="log-agent").click().run()
    (job,) = jobs.recent(written, "log_agent")
    assert job.args["form"]["source"] == source


def test_a_logged_agent_is_described_in_words(screen, written, logged):
    told = read(screen("agents"))
    assert "**greeter** :green-badge[ready]" in told
    assert "Model stub · prompt greeting · follows what is live · not registered yet" in told
    assert "Its three links to the prompt agree." in told


def test_links_that_disagree_are_named(screen, written, logged):
    written.client.set_logged_model_tags(logged, {"prompt_name": "other"})
    told = read(screen("agents"))
    assert "disagree: it was logged with greeting, its tags say other, its settings say greeting" in told


def test_a_file_with_something_to_mend_is_not_logged_and_says_what(screen, written, finish, model):
    job = finish(written, agents.log(written, AgentForm("broken", "greeting", 1, False, "stub", BREAKS_ALWAYS)))
    shown = screen("agents", job=str(job.id))
    told = read(shown)
    assert "something must be mended first" in told
    assert "broken <b>inside" in told and ":red-badge[to be mended]" in told
    assert agents.versions(written) == []


def test_a_failed_agent_shows_its_reason(screen, written, finish):
    job = agents.log(written, AgentForm("broken", "greeting", 1, False, "stub", BREAKS_ON_PARCELS))
    finish(written, job)
    shown = screen("agents", job=str(job.id))
    assert ":red-badge[failed]" in read(shown)
    assert all("broken inside" in error.value for error in shown.error)
    assert len(shown.error) == 2


def test_a_logged_agent_is_one_click_away(screen, written, logged, finish):
    job = agents.log(written, AgentForm("second", "greeting", 2, pinned=True, llm_model="stub"))
    finish(written, job)
    shown = screen("agents", job=str(job.id))
    assert len([one for one in shown.button if one.label == "Open"]) == 2
    shown.button(key="open-logged").click().run()
    assert shown.query_params == {"agent": agents.versions(written)[0].model_id}
    assert shown.button(key="try-out")


def test_the_form_for_another_version_is_a_page_of_its_own(screen, written, logged):
    shown = screen("agents")
    assert not [one for one in shown.button if one.key == "log-agent"]
    shown.button(key="new-agent").click().run()
    assert shown.button(key="log-agent") and shown.query_params["new"] == "1"
    shown.button(key="back").click().run()
    assert "new" not in shown.query_params


def test_two_answers_stand_side_by_side(screen, written, logged, finish):
    shown = screen("agents", agent=logged)
    shown.selectbox(key=f"try-first/{logged}").set_value(1)
    shown.selectbox(key=f"try-second/{logged}").set_value(2)
    shown.text_area(key="try-question/support").set_value("Good *morning*")
    shown.button(key="try-out").click().run()
    assert not shown.exception
    queued = jobs.recent(written, "try_agent")
    assert sorted(job.args["prompt_version"] for job in queued) == [1, 2]
    assert [finish(written, job).state for job in queued] == [State.DONE, State.DONE]
    told = read(shown.run())
    assert "Greet for Acme. | Good *morning*" in told
    assert "Greet warmly for Acme <b>. | Good *morning*" in told
    assert told.index("Prompt version 1") < told.index("Prompt version 2")
    assert "*morning*" not in texts(shown)
    links = [link.proto.label for link in shown.get("page_link")]
    assert links.count("Open the trace") == 2

    shown.chat_input(key=f"ask-on/{logged}").set_value("And *now*?").run()
    assert not shown.exception
    further = [job for job in jobs.recent(written, "try_agent") if job.live]
    assert sorted((job.args["prompt_version"], job.args["question"]) for job in further) == [
        (1, "And *now*?"),
        (2, "And *now*?"),
    ]
    assert [one["role"] for one in further[0].args["talk"]] == ["user", "assistant", "user"]
    assert [one.name for one in shown.chat_message] == 2 * [
        "user",
        "assistant",
        "user",
        "assistant",
    ] and "And *now*?" in read(shown)


def test_variables_that_the_app_leaves_open_are_asked_for(screen, written, logged, finish):
    prompts.save(written, "greeting", "Greet {{customer_name}} for {{company_name}}.", "by name")
    shown = screen("agents", agent=logged)
    shown.text_area(key="try-question/support").set_value("Hello")
    shown.text_input(key=f"try-input/{logged}/customer_name").set_value("Ms Ōta")
    shown.button(key="try-out").click().run()
    (job,) = jobs.recent(written, "try_agent")
    assert job.args["custom_inputs"] == {"variables": {"customer_name": "Ms Ōta"}}
    finish(written, job)
    assert "Greet Ms Ōta for Acme. | Hello" in read(shown.run())


def test_an_empty_question_is_not_asked(screen, written, logged):
    shown = screen("agents", agent=logged)
    shown.text_area(key="try-question/support").set_value("  ")
    shown.button(key="try-out").click().run()
    assert "The question is empty." in read(shown)
    assert jobs.recent(written, "try_agent") == []


def test_a_viewer_can_neither_log_nor_try(screen, written, logged, monkeypatch):
    monkeypatch.setattr("services.audit.allowed", lambda workspace, verb: False)
    assert screen("agents", new="1").button(key="log-agent").disabled
    assert screen("agents", agent=logged).button(key="try-out").disabled


def test_an_agent_of_nowhere_is_told(screen, written, logged):
    assert "There is no agent version m-nowhere in this app." in read(screen("agents", agent="m-nowhere"))


def test_a_job_of_nowhere_is_ignored(screen, written):
    assert not screen("agents", job="999", tried="7,x", language="ja").exception


def test_two_agent_versions_are_compared_on_the_screen(screen, written, logged, finish):
    form = AgentForm("greeter", "greeting", 1, pinned=True, llm_model="better", temperature=0.5)
    finish(written, agents.log(written, form))

    newest = agents.versions(written)[0].model_id
    shown = screen("agents", agent=newest, view="compare")
    assert not shown.exception
    settings = shown.dataframe[0].value.set_index("name")
    assert list(settings.loc["Model"]) == ["stub", "better"]
    assert list(settings.loc["Temperature"]) == ["–", "0.5"]
    assert "They run the same code" in read(shown)
    assert "Neither of them was evaluated yet" in read(shown)
    tried = screen("agents", agent=newest)
    assert tried.selectbox(key=f"try-first/{newest}").value == 1, "a pinned agent is tried with its own version"
    datasets.create(written, "Questions", [Row("", "Where?")])
    offered = screen("evaluations", agent=newest).selectbox(key="evaluate-prompt-support-greeting")
    assert offered.value == 1, "and judged with it"


def test_an_agent_is_described_by_form(screen, written, logged):
    shown = screen("agents", agent=logged)
    shown.text_area(key=f"describe-{logged}").set_value("Answers <b>parcels</b>.")
    shown.button(key="describe-agent").click().run()
    assert not shown.exception
    assert agents.get(written, logged).description == "Answers <b>parcels</b>."
    assert "Answers <b>parcels</b>." in read(shown)


def test_what_an_agent_was_logged_with_is_told_in_words(screen, written, logged):
    shown = screen("agents", agent=logged, view="settings")
    assert not shown.exception
    told, packages = (one.value.set_index("name")["value"] for one in shown.dataframe)
    assert (told["Model"], told["Prompt version that it was logged with"]) == ("stub", "1")
    assert "Temperature" not in told and "constants" not in told.index
    assert "mlflow" in packages.index and "ResponsesAgent" in shown.code[0].value


def test_a_brought_file_is_checked_before_anything_is_logged(screen, written, finish):
    shown = screen("agents")
    bring(shown, "agent.py", BREAKS_ALWAYS.encode())
    shown.button(key="check-agent-file").click().run()
    assert not shown.exception
    (job,) = jobs.recent(written, "check_agent")
    assert finish(written, job).state is State.DONE
    told = read(shown.run())
    assert "broken <b>inside" in told and ":red-badge[to be mended]" in told
    assert jobs.recent(written, "log_agent") == []


def test_packages_that_a_check_misses_are_added_by_a_click(screen, written, finish):
    shown = screen("agents")
    bring(shown, "agent.py", b"import streamlit\n" + files.TEXTS.encode())
    shown.button(key="check-agent-file").click().run()
    finish(written, jobs.recent(written, "check_agent")[0])
    shown.run().button(key="add-packages").click().run()
    assert not shown.exception
    lines = shown.text_area(key="agent-packages-support").value.split("\n")
    assert lines == [*requirements.defaults(), f"streamlit=={version('streamlit')}"]
    job = jobs.recent(written, "check_agent")[0]
    assert job.args["requirements"] == sorted(lines)
    finish(written, job)
    assert "Nothing to mend." in read(shown.run())
    assert "add-packages" not in {one.key for one in shown.button}


def test_what_refuses_a_check_stands_beside_its_button(screen, written):
    shown = screen("agents")
    bring(shown, "agent.py", b"import mlflow\ndef f(:\n")
    assert "loads none" not in read(shown)
    shown.button(key="check-agent-file").click().run()
    assert [one.key for one in shown.button if one.label == "Dismiss"] == ["dismiss-refusal-check-agent-file"]
    assert shown.error[0].value.startswith("Line 2 of the agent's file is not Python")
    assert jobs.recent(written, "check_agent") == []


def test_a_file_that_only_asks_a_model_is_offered_as_an_agent(screen, written):
    source = (
        "import openai\n\n\ndef answer(messages):\n"
        "    return openai.OpenAI().chat.completions.create(model='stub', messages=messages)\n"
    )
    shown = screen("agents")
    bring(shown, "agent.py", source.encode())
    assert "is no agent yet" in read(shown)
    assert "Download it as an agent" in [one.proto.label for one in shown.get("download_button")]
