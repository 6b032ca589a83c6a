"""The form of an agent: each rule's sentence, and what MLflow keeps of what was chosen."""

from importlib.metadata import version as installed

import pytest
import yaml
from mlflow.models import Model

from services import agents, audit, jobs, prompts
from services.agents import AgentForm, config_files, facts, leftovers, requirements, resources
from services.agents.form import check
from services.audit import Verb
from services.errors import ForbiddenError, InvalidInputError
from services.jobs import State

MLFLOW, OPENAI = f"mlflow=={installed('mlflow')}", f"openai=={installed('openai')}"
INDEX, ENDPOINT = ("vector_search_index", "main.docs.index"), ("serving_endpoint", "chat")
TALKING = """
import os
import sys
import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.models import ModelConfig

config = ModelConfig(development_config={"top_k": 0})


class Talking(ResponsesAgent):
    def predict(self, request):
        print("looked for", config.get("top_k"), "documents with", os.environ["OPENAI_API_KEY"], "dapi" + "0123456789" * 3)
        print("warned", file=sys.stderr)
        if request.input and request.input[-1].content == "Break":
            raise ValueError("no index")
        return {"output": [self.create_text_output_item(text="yes", id="a")]}


mlflow.models.set_model(Talking())
"""


@pytest.fixture
def written(model, workspace):
    prompts.save(workspace, "greeting", "Greet {{guest}} for {{company_name}} in {{season}}.", "first")
    return workspace


def form(**changes):
    usual = {"name": "greeter", "prompt_name": "greeting", "first_version": 1, "pinned": True, "llm_model": "stub"}
    filling = {"example_inputs": {"guest": "Ms Mori"}, "constants": {"season": "spring"}}
    return AgentForm(**usual | filling | changes)


def logged(workspace, finish, **changes):
    ended = finish(workspace, agents.log(workspace, form(**changes)))
    assert ended.state is State.DONE, ended.error
    return ended, Model.load(f"models:/{ended.result['model_id']}")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"resources": (INDEX,), "user_scopes": ("sql.warehouses",)}, "both resources and an auth policy"),
        ({"resources": (INDEX,), "system_resources": (ENDPOINT,)}, "both resources and an auth policy"),
        ({"resources": (("table", "orders"),)}, "Write it like catalog.schema.table"),
        ({"resources": (("serving_endpoint", " "),)}, "the name is missing"),
        ({"resources": (ENDPOINT, ENDPOINT)}, "listed twice"),
        ({"resources": (("printer", "x"),)}, "no kind of resource"),
        ({"user_scopes": ("All of it",)}, "cannot be a scope"),
        ({"pip_requirements": (OPENAI,)}, f"Add the line {MLFLOW}"),
        ({"pip_requirements": (MLFLOW, "rich>=13")}, "Line 2 of the packages is not pinned"),
        ({"pip_requirements": ("mlflow==2.9.1",)}, f"but {installed('mlflow')} is installed"),
        ({"pip_requirements": (MLFLOW, MLFLOW)}, "listed twice"),
        ({"constants": {"llm_model": "x"}}, "the console or the question sets it"),
        ({"constants": {"question": "x"}}, "the console or the question sets it"),
        ({"constants": {"top k": "x"}}, "cannot be a constant's name"),
        ({"constants": {"top_k": "x" * 5001}}, "has 5001 characters"),
        ({"constants": {"token": "dapi0123456789abcdef0123"}}, "looks like an access key"),
        ({"tags": {"mlflow.user": "x"}}, "set by the console or by MLflow"),
        ({"tags": {"app_version": "x"}}, "set by the console or by MLflow"),
        ({"tags": {"?": "x"}}, "cannot be a tag's name"),
        ({"tags": {f"t{n}": "x" for n in range(51)}}, "50 are allowed"),
        ({"example_inputs": {"key": "sk-0123456789abcdef0123"}}, "looks like an access key"),
        ({"version_identifier": "v 1"}, "cannot be a version identifier"),
        ({"environment": "prod/eu"}, "cannot be an environment's name"),
        ({"prompt_cache_seconds": 9999}, "Choose between 0 and 3600 seconds"),
    ],
)
def test_what_cannot_be_logged_is_refused_with_a_next_step(changes, told):
    with pytest.raises(InvalidInputError) as refused:
        check(form(**changes))
    assert told in str(refused.value) and refused.value.remedy is not None


def test_a_password_in_a_package_address_is_not_repeated():
    with pytest.raises(InvalidInputError) as refused:
        requirements.check((MLFLOW, "tool @ https://ada:hunter22@host/tool.whl"))
    assert "Line 2" in str(refused.value) and "hunter22" not in str(refused.value)


def test_packages_may_be_written_with_comments_and_extras():
    found = requirements.lines(f"# ours\n{MLFLOW}  # loads it\n\nnot_installed_here[fast]==1.0\n")
    assert found == (MLFLOW, "not_installed_here[fast]==1.0")
    requirements.check(found)
    requirements.check(requirements.defaults())


def test_a_vector_index_asks_for_three_scopes():
    assert resources.scopes_of(["vector_search_index", "serving_endpoint", "genie_space"]) == (
        "serving.serving-endpoints",
        "vectorsearch.vector-search-endpoints",
        "vectorsearch.vector-search-indexes",
        "dashboards.genie",
    )


def test_an_agent_is_logged_with_everything_the_form_asks(written, finish):
    _, found = logged(
        written,
        finish,
        constants={"season": "winter", "top_k": "5", "strict": "true", "price": "1.50"},
        environment="staging",
        prompt_cache_seconds=30,
        example_question="Who are you?",
        example_inputs={"guest": "Ms Mori", "user_id": "u-1"},
        pip_requirements=(MLFLOW, OPENAI, "rich==999"),
        tags={"team": "support"},
        version_identifier="git_1a2b3c4d",
        resources=tuple((kind, "main.docs.x" if one.in_catalog else "x") for kind, one in resources.KINDS.items()),
    )

    config = found.flavors["python_function"]["config"]
    assert (config["top_k"], config["strict"], config["price"]) == (5, True, "1.50")
    assert config["constants"] == {
        "tone": "friendly",
        "season": "winter",
        "top_k": "5",
        "strict": "true",
        "price": "1.50",
    }
    assert (config["environment"], config["prompt_cache_seconds"], config["app_version"]) == (
        "staging",
        30,
        "git_1a2b3c4d",
    )
    assert set(found.resources["databricks"]) == set(resources.KINDS)
    assert found.resources["databricks"]["vector_search_index"] == [{"name": "main.docs.x"}]
    assert found.auth_policy is None
    assert found.load_input_example() == {
        "input": [{"role": "user", "content": "Who are you?"}],
        "custom_inputs": {"user_id": "u-1", "variables": {"guest": "Ms Mori"}},
    }
    kept = written.client.get_logged_model(found.model_id)
    assert {kept.tags["app_version"], kept.tags["model_version"]} == {"git_1a2b3c4d"}
    assert kept.tags["team"] == "support" and kept.name == "greeter"
    told = {str(name): value for name, value in facts.facts(written, agents.get(written, found.model_id)).items()}
    assert (told["Version identifier"], told["Environment"], told["Tag team"]) == ("git_1a2b3c4d", "staging", "support")
    assert (told["top_k"], told["tone"], told["It may use: Vector index"]) == ("5", "friendly", "main.docs.x")
    assert not {"Temperature", "constants", "Tag app_version"} & told.keys()


def test_an_auth_policy_keeps_its_system_resources_and_scopes(written, finish):
    scopes = resources.scopes_of(["vector_search_index"])
    _, found = logged(written, finish, system_resources=(ENDPOINT,), user_scopes=scopes)

    assert found.resources is None
    assert found.auth_policy["user_auth_policy"] == {"api_scopes": list(scopes)}
    assert found.auth_policy["system_auth_policy"]["resources"]["databricks"] == {
        "serving_endpoint": [{"name": "chat"}]
    }
    told = {str(name): value for name, value in facts.facts(written, agents.get(written, found.model_id)).items()}
    assert told["With its own rights: Serving endpoint"] == "chat"
    assert told["With the rights of the person who asks"] == ", ".join(scopes)


def test_the_app_decides_what_the_form_leaves_out(written, finish):
    _, found = logged(written, finish)
    assert found.load_input_example()["input"][0]["content"] == "Where is my parcel?"
    assert found.flavors["python_function"]["config"]["prompt_cache_seconds"] == 1
    tags = written.client.get_logged_model(found.model_id).tags
    assert tags["model_version"] == tags["app_version"] and tags["app_version"].startswith("v_20")


def test_what_was_printed_is_kept_without_keys_on_success_and_on_failure(written, finish):
    ended, _ = logged(written, finish, source=TALKING, constants={"top_k": "5"})
    told = agents.said(ended)
    assert "looked for 5 documents" in told and "warned" in told
    assert "secret-key" not in told and "dapi" not in told

    failed = finish(
        written, agents.log(written, form(source=TALKING, constants={"top_k": "7"}, example_question="Break"))
    )
    told = agents.said(failed)
    assert failed.state is State.FAILED
    assert "looked for 7 documents" in told and told.endswith("ValueError: no index")


def test_what_was_printed_is_bounded(written, finish):
    noisy = TALKING.replace('print("warned"', 'print("line\\n" * 5000 + "x" * 100_000); print("warned"')
    ended, _ = logged(written, finish, source=noisy, constants={"top_k": "5"})
    assert len(agents.said(ended)) < 110_000 and agents.said(ended).count("\n") < 200


def test_what_failed_is_removed_and_nothing_else(written, finish):
    kept, _ = logged(written, finish)
    finish(written, agents.log(written, form(source=TALKING, constants={"top_k": "5"}, example_question="Break")))
    assert sorted(one.status for one in agents.versions(written)) == ["FAILED", "READY"]

    assert agents.remove_failed(written) == 1

    assert [one.model_id for one in agents.versions(written)] == [kept.result["model_id"]]
    assert agents.remove_failed(written) == 0
    lines = [one for one in audit.events(written) if one.verb == Verb.REMOVE_FAILED_AGENTS.value]
    assert [one.outcome for one in lines] == ["done", "intent"] and len(lines[0].before) == 1


def test_a_logging_under_way_is_no_leftover_until_its_job_ended(written):
    job = agents.log(written, form())
    written.client.create_logged_model(written.app.experiment_id, "half", tags={"signalbox.job": str(job.id)})
    written.client.create_logged_model(written.app.experiment_id, "other tool")
    assert leftovers.failed(written) == []
    jobs.cancel(written, job.id)
    assert len(leftovers.failed(written)) == 1


def test_only_authors_remove_what_failed(written, monkeypatch):
    monkeypatch.setitem(audit.ROLE_OF, Verb.REMOVE_FAILED_AGENTS, "nobody")
    monkeypatch.setitem(audit.ROLE_NAME, "nobody", "nobody")
    with pytest.raises(ForbiddenError):
        agents.remove_failed(written)


def test_a_config_file_of_one_environment_is_read_back_alike(workspace):
    config = config_files.of(workspace, form(constants={"top_k": "5"}, temperature=0.3))
    file = config_files.read(config_files.written(config, "production"))

    assert file.fields["temperature"] == 0.3 and file.fields["environment"] == "production"
    assert file.constants == {"tone": "friendly", "top_k": "5"}
    assert config_files.differences(config, file) == (config_files.Difference("environment", "", "production"),)


def test_a_config_file_is_compared_value_by_value(workspace):
    config = config_files.of(workspace, form(constants={"top_k": "5", "gone": "x"}))
    file = config_files.read(yaml.safe_dump({**config, "top_k": 8, "llm_model": "large", "new": "y"}).encode())
    found = {one.name: (one.logged, one.file) for one in config_files.differences(config, file)}
    assert found == {"top_k": ("5", "8"), "llm_model": ("stub", "large"), "new": (None, "y")}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: [1", "not YAML"),
        (b"- a\n- b\n", "no names with values"),
        (b"a: &x {b: 1}\nc: *x\n", "refers to parts of itself"),
        (b"top_k: [1, 2]\n", "more than one value"),
        (b"constants: 5\n", "more than one value"),
        (b"temperature: warm\n", "cannot be “warm”"),
        (b"prompt_cache_seconds: true\n", "cannot be “True”"),
        (b"key: sk-0123456789abcdef0123\n", "looks like an access key"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: b\n" * 60_000, "too large"),
    ],
)
def test_a_config_file_that_cannot_be_used_says_why(content, told):
    with pytest.raises(InvalidInputError, match=told):
        config_files.read(content)
