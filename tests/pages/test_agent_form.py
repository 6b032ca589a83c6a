"""The form of an agent: what is typed reaches the job, what is refused stands beside the button."""

import pytest
import streamlit as st
import yaml
from streamlit.testing.v1 import AppTest

from services import agents, audit, jobs, prompts
from services.agents import AgentForm, requirements
from services.audit import Verb
from tests.pages.conftest import texts

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def written(model, workspace):
    prompts.save(workspace, "greeting", "Greet for {{company_name}}.", "first")
    return workspace


def opened(page, language="en"):
    st.cache_resource.clear()
    shown = AppTest.from_function(page, default_timeout=60)
    shown.session_state["app"] = "support"
    shown.session_state["language"] = language
    return shown.run()


@pytest.fixture
def form(written):
    def page():
        from pages.components import agent_form, feedback, session
        from services import prompts

        feedback.show_outcome()
        place = session.workspace()
        agent_form.show(place, prompts.names(place))

    return lambda language="en": opened(page, language)


@pytest.fixture
def logging(written):
    def page():
        from pages.components import agent_logging, feedback, session
        from services import agents, jobs

        feedback.show_outcome()
        place = session.workspace()
        agent_logging.show_leftovers(place, agents.versions(place))
        for job in jobs.recent(place, "log_agent"):
            agent_logging.show_printed(job)

    return lambda: opened(page)


def add_row(shown, name, *values):
    """Click the button for one more row and type into its fields."""
    rows = f"agent-{name}-support"
    shown.button(key=f"{rows}/add").click().run()
    id = shown.session_state[f"{rows}/rows"][-1]
    for number, value in enumerate(values):
        key = f"{rows}/{id}/{number}"
        kinds = [one for one in (*shown.text_input, *shown.selectbox) if one.key == key]
        kinds[0].set_value(value)
    shown.run()


def sent(shown, workspace):
    shown.button(key="log-agent").click().run()
    assert not shown.exception
    (job,) = jobs.recent(workspace, "log_agent")
    return job.args["form"]


def fail(workspace, finish, model):
    """A logging that fails half way: the model refuses the example's question."""
    model.status_of, model.failure = lambda question: 400 if question == "Break" else 200, "model refused"
    form = AgentForm("broken", "greeting", 1, False, "stub", example_question="Break")
    finish(workspace, agents.log(workspace, form))


def test_everything_that_is_typed_reaches_the_job(form, written):
    shown = form()
    shown.text_input(key="agent-name-support").set_value("helper")
    add_row(shown, "resources", "vector_search_index", "main.docs.index")
    add_row(shown, "resources", "genie_space", "01ef")
    add_row(shown, "constants", "season", " spring ")
    add_row(shown, "tags", "team", "support")
    add_row(shown, "inputs", "user_id", "u-1")
    shown.selectbox(key="agent-environment-support").set_value("staging")
    shown.number_input(key="agent-cache-support").set_value(30)
    shown.text_area(key="agent-question-support").set_value("Who are you?")
    shown.text_input(key="agent-identifier-support").set_value("git_1a2b3c4d")

    found = sent(shown, written)

    assert found["resources"] == [["vector_search_index", "main.docs.index"], ["genie_space", "01ef"]]
    assert (found["constants"], found["tags"], found["example_inputs"]) == (
        {"season": "spring"},
        {"team": "support"},
        {"user_id": "u-1"},
    )
    assert (found["name"], found["environment"], found["prompt_cache_seconds"]) == ("helper", "staging", 30)
    assert (found["example_question"], found["version_identifier"]) == ("Who are you?", "git_1a2b3c4d")
    assert found["pip_requirements"] == list(requirements.defaults())
    assert (found["system_resources"], found["user_scopes"]) == ([], [])


def test_tools_are_understood_and_reach_the_job(form, written):
    shown = form()
    shown.radio(key="agent-api-support").set_value("responses")
    field = shown.file_uploader(key="agent-tools-file/support")
    field.upload("tools.py", b"def pay(order):\n    'Pay.'\n", "text/x-python").run()
    assert "the type of its parameter “order” is not known" in texts(shown)
    tools = "def pay(order: str) -> str:\n    'Pay an order.'\n    return order\n"
    shown.file_uploader(key="agent-tools-file/support").set_value(("tools.py", tools.encode(), "text/x-python")).run()
    assert "**pay**: Pay an order" in texts(shown) and "Is given: order" in texts(shown)
    shown.multiselect(key="agent-tools-asking/support").set_value(["pay"]).run()

    found = sent(shown, written)

    assert (found["tools"], found["asking_tools"], found["llm_api"]) == (tools, ["pay"], "responses")


def test_who_has_only_the_practice_model_reads_that_it_calls_no_tools(form, written, monkeypatch):
    told = "The practice model never calls a tool"
    assert told not in texts(form())
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert told in texts(form())


def test_mcp_servers_are_asked_what_they_offer_and_reach_the_job(form, written, finish):
    shown = form()
    add_row(shown, "servers", "crm", "http://127.0.0.1:9/mcp", "AGENT_CRM_TOKEN", "", "always")
    shown.button(key="agent-servers-support/ask").click().run()
    (asked,) = jobs.recent(written, "ask_servers")
    finish(written, asked)
    shown.run()
    assert "AGENT_CRM_TOKEN is not set where the console runs" in texts(shown).replace("\\", "")

    (server,) = sent(shown, written)["servers"]

    assert (server["name"], server["header"], server["asks"], server["seconds"]) == (
        "crm",
        "Authorization",
        "always",
        60,
    )


def test_the_persons_rights_take_the_place_of_resources(form, written):
    shown = form()
    add_row(shown, "resources", "genie_space", "01ef")
    shown.radio(key="agent-acts-support").set_value("person").run()
    shown.multiselect(key="agent-reached-support").set_value(["sql_warehouse"]).run()
    assert "`sql.warehouses`: use SQL warehouses" in texts(shown)
    shown.multiselect(key="agent-scopes-support").set_value(["dashboards.genie"])
    add_row(shown, "system", "serving_endpoint", "chat")

    found = sent(shown, written)

    assert found["resources"] == []
    assert found["system_resources"] == [["serving_endpoint", "chat"]]
    assert found["user_scopes"] == ["sql.statement-execution", "sql.warehouses", "dashboards.genie"]


def test_whoever_looks_at_the_other_rights_keeps_what_was_typed(form, written):
    shown = form()
    add_row(shown, "resources", "genie_space", "01ef")
    shown.radio(key="agent-acts-support").set_value("person").run()
    shown.multiselect(key="agent-reached-support").set_value(["sql_warehouse"]).run()
    shown.radio(key="agent-acts-support").set_value("itself").run()
    rows = {one.label: one for one in shown.text_input if one.label == "Name or number"}
    assert (rows["Name or number"].value, rows["Name or number"].placeholder) == ("01ef", "01efa0b1c2d3e4f5")
    assert sent(shown, written)["resources"] == [["genie_space", "01ef"]]


def test_a_row_that_is_taken_away_is_not_sent(form, written):
    shown = form()
    add_row(shown, "constants", "season", "spring")
    add_row(shown, "constants", "topic", "parcels")
    first = shown.session_state["agent-constants-support/rows"][0]
    shown.button(key=f"agent-constants-support/{first}/remove").click().run()
    assert sent(shown, written)["constants"] == {"topic": "parcels"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda shown: add_row(shown, "resources", "table", "orders"), "Write it like catalog.schema.table."),
        (lambda shown: add_row(shown, "tags", "mlflow.user", "x"), "is set by the console or by MLflow"),
        (
            lambda shown: shown.text_area(key="agent-packages-support").set_value("mlflow>=3"),
            "is not pinned to one version",
        ),
        (
            lambda shown: [add_row(shown, "constants", "season", one) for one in ("spring", "autumn")],
            "“season” stands in two rows.",
        ),
    ],
)
def test_what_is_refused_stands_beside_the_button_until_it_is_mended(form, written, change, told):
    shown = form()
    change(shown)
    shown.button(key="log-agent").click().run()
    assert told in texts(shown).replace("\\", "")
    assert jobs.recent(written, "log_agent") == []
    assert shown.error[-1].value == list(shown.main)[-1].value


def test_a_config_file_is_compared_and_taken_over(form, written):
    shown = form()
    file = {"temperature": 1, "environment": "production", "llm_model": "large", "tone": "friendly", "top_k": 8}
    shown.file_uploader(key="agent-config-support").upload("c.yaml", yaml.safe_dump(file).encode(), "text/yaml").run()
    compared = shown.dataframe[0].value.set_index("name")
    assert list(compared.loc["llm_model"]) == ["gpt-4.1-mini", "large"]
    assert list(compared.loc["top_k"]) == ["–", "8"] and "tone" not in compared.index

    shown.button(key="agent-take-over-support").click().run()
    found = sent(shown, written)

    assert (found["llm_model"], found["temperature"], found["environment"]) == ("large", 1.0, "production")
    assert found["constants"] == {"top_k": "8"}


def test_a_config_file_that_is_none_says_so(form, written):
    shown = form()
    shown.file_uploader(key="agent-config-support").upload("c.yaml", b"- a\n", "text/yaml").run()
    assert "holds no names with values" in texts(shown)


def test_the_form_speaks_japanese(form, written):
    shown = form("ja")
    assert not shown.exception
    labels = [one.label for one in shown.expander]
    assert labels[1:] == ["呼び出せるツール", "利用できるもの（Databricks）", "パッケージ", "定数と環境", "例とタグ"]


def test_what_was_printed_and_what_failed_are_shown_and_removed(logging, written, finish, model):
    fail(written, finish, model)
    shown = logging()
    assert "Predicting on input example" in shown.code[0].value and "model refused" in shown.code[0].value
    assert "Agent versions that failed to log: 1" in texts(shown)

    shown.button(key="remove-failed-agents").click().run()

    assert agents.versions(written) == []
    assert [one.value for one in shown.toast] == ["Removed what failed\\."]
    assert "Agent versions that failed" not in texts(shown)


def test_a_viewer_can_neither_log_nor_remove(form, logging, written, finish, model, monkeypatch):
    fail(written, finish, model)
    monkeypatch.setattr(audit, "allowed", lambda workspace, verb: verb is not Verb.REMOVE_FAILED_AGENTS)
    assert logging().button(key="remove-failed-agents").disabled
    monkeypatch.setattr(audit, "allowed", lambda workspace, verb: verb is not Verb.LOG_AGENT)
    assert form().button(key="log-agent").disabled
