"""The parts of a Databricks workspace, by the real SDKs on the emulated workspace."""

import json
import threading
from dataclasses import replace

import mlflow
import pytest
from mlflow.genai.scorers import delete_scorer

from services import agents, apps, datasets, jobs, production, prompts, scorers
from services.apps import Environment, Stage
from services.datasets import Row
from services.errors import ConflictError, ForbiddenError, NotFoundError, NotReadyError, PlatformError
from services.logged.responses_agent import Agent
from services.platforms import MonitoredScorer, ServedState, Target
from services.platforms.databricks import changing, environment, variables
from services.platforms.databricks.scoring import DatabricksScoring
from services.production import ModelAlias
from services.prompts import moves
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.workspace import support
from tests.workspace.fixture import TOKEN, Emulator
from tests.workspace.support import MODEL, SCOPE, adopt, keep_secret, register, sdk

ENDPOINT = "/api/2.0/serving-endpoints"
PROMPTS = "/api/2.0/mlflow/unity-catalog/prompts"
HELLO = {"input": [{"role": "user", "content": "Hello"}], "custom_inputs": {"signalbox_origin": "smoke"}}


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str]) -> dict[str, str]:
    return databricks_environ | {"SIGNALBOX_SECRET_SCOPE": SCOPE}


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace) -> Workspace:
    databricks.admin("POST", "/config", {"deploy_seconds": 0.1})
    return adopt(databricks_workspace)


@pytest.fixture
def secret(app: Workspace) -> None:
    keep_secret(app)


@pytest.fixture
def versions(app: Workspace, secret: None, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two registered versions of a small agent."""
    register(app, monkeypatch)
    return app


@pytest.fixture(params=(Target.AGENT, Target.CPU))
def either(request: pytest.FixtureRequest, versions: Workspace) -> Workspace:
    """The same, served in each of the ways that Model Serving has."""
    chosen = replace(versions.app.environment, target=request.param)
    return versions.for_app(replace(versions.app, environment=chosen))


def deploy(workspace, version):
    support.deploy(workspace, version)
    return shares(workspace)


def shares(workspace):
    found = workspace.platform.serving.endpoint(workspace, "support")
    return {one.version: (one.weight, one.state) for one in found.versions}


def creations(databricks):
    return [one for one in databricks.requests(ENDPOINT) if (one["method"], one["path"]) == ("POST", ENDPOINT)]


def test_versions_stand_beside_each_other_and_traffic_moves(databricks: Emulator, either: Workspace) -> None:
    serving, ready = either.platform.serving, ServedState.READY
    assert deploy(either, 1) == {1: (100, ready)}
    assert deploy(either, 2) == {2: (0, ready), 1: (100, ready)}

    answer = serving.ask(either, "support", HELLO, version=2)
    asked = [one["path"] for one in databricks.requests("invocations")]
    assert asked == ["/serving-endpoints/support/served-models/acme-llmops-support-agent_2/invocations"]
    assert either.client.get_trace(str(answer.trace_id)).info.tags["signalbox.origin"] == "smoke"
    *_, last = serving.stream(either, "support", {"input": HELLO["input"]})
    assert last.done and last.trace_id and last.error is None

    serving.shift(either, "support", {2: 90, 1: 10})
    assert shares(either) == {2: (90, ready), 1: (10, ready)}
    with pytest.raises(ConflictError, match="still takes 10 %"):
        serving.retire(either, "support", 1)
    serving.shift(either, "support", {2: 100})
    serving.retire(either, "support", 1)
    changing.settled(serving.client, "support")
    assert shares(either) == {2: (100, ready)}

    before = len(databricks.requests())
    deploy(either, 2)
    assert [one["method"] for one in databricks.requests()[before:] if one["method"] != "GET"] == []


def test_a_lost_answer_creates_no_second_endpoint(databricks: Emulator, either: Workspace) -> None:
    databricks.fault(f"^{ENDPOINT}$", method="POST", status=503, times=1, after_execute=True)
    assert deploy(either, 1) == {1: (100, ServedState.READY)}
    assert [one["status"] for one in creations(databricks)].count(200) <= 1
    recorded = databricks.requests("/api/2.0/agents/deployments")
    listed = either.app.environment.target is Target.AGENT
    assert [one["method"] for one in recorded].count("POST") == listed

    databricks.fault(f"{ENDPOINT}/support/config", method="PUT", status=503, times=1, after_execute=True)
    assert deploy(either, 2) == {2: (0, ServedState.READY), 1: (100, ServedState.READY)}


def test_a_version_that_does_not_come_up_says_why(databricks: Emulator, versions: Workspace) -> None:
    deploy(versions, 1)
    databricks.admin("POST", "/config", {"deploy_outcome": "fail"})
    found = deploy(versions, 2)
    assert found == {2: (0, ServedState.FAILED), 1: (100, ServedState.READY)}
    failed = versions.platform.serving.endpoint(versions, "support").version(2)
    assert "Failed to load the model" in str(failed.error)
    production.retire(versions, 2, "not needed")
    assert production.standing(versions, 2) is None
    assert deploy(versions, 2)[2] == (0, ServedState.FAILED)
    databricks.admin("POST", "/config", {"deploy_outcome": "success"})
    production.deploy(versions, 2, "", {})
    changing.settled(versions.platform.serving.client, "support")
    assert shares(versions) == {2: (0, ServedState.READY), 1: (100, ServedState.READY)}


def test_the_first_version_that_failed_is_tried_again_in_its_place(databricks: Emulator, versions: Workspace) -> None:
    databricks.admin("POST", "/config", {"deploy_outcome": "fail"})
    assert [state for _, state in deploy(versions, 1).values()] == [ServedState.FAILED]
    databricks.admin("POST", "/config", {"deploy_outcome": "success"})
    production.deploy(versions, 1, "", {})
    assert production.standing(versions, 1).state is not ServedState.FAILED
    changing.settled(versions.platform.serving.client, "support")
    assert shares(versions) == {1: (100, ServedState.READY)}


def test_traffic_that_somebody_else_moves_meanwhile_is_not_moved_back(
    versions: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in (1, 2):
        deploy(versions, version)
    wait = changing.settled

    def meanwhile(client, endpoint):
        monkeypatch.setattr(changing, "settled", wait)
        versions.platform.serving.shift(versions, "support", {1: 60, 2: 40})
        return wait(client, endpoint)

    monkeypatch.setattr(changing, "settled", meanwhile)
    with pytest.raises(ConflictError, match="Somebody else moved the traffic"):
        versions.platform.serving.shift(versions, "support", {2: 100})
    assert production.traffic(versions) == {1: 60, 2: 40}


def test_a_superseded_attempt_changes_no_endpoint(databricks: Emulator, versions: Workspace) -> None:
    def superseded(connection):
        raise jobs.Superseded

    old = replace(versions, fence=superseded)
    with pytest.raises(jobs.Superseded):
        deploy(old, 1)
    assert creations(databricks) == []
    for version in (1, 2):
        deploy(versions, version)
    with pytest.raises(jobs.Superseded):
        old.platform.serving.shift(old, "support", {2: 100})
    with pytest.raises(jobs.Superseded):
        old.platform.serving.retire(old, "support", 2)
    assert shares(versions) == {2: (0, ServedState.READY), 1: (100, ServedState.READY)}


def test_a_version_whose_registration_was_deleted_is_still_told(databricks: Emulator, versions: Workspace) -> None:
    deploy(versions, 1)
    databricks.admin("POST", "/config", {"deploy_outcome": "fail"})
    deploy(versions, 2)
    versions.client.delete_model_version(MODEL, "2")
    versions.platform.serving._models.clear()
    found = versions.platform.serving.endpoint(versions, "support")
    assert found.version(2).model_id == "" and found.version(1).model_id
    with pytest.raises(NotFoundError):
        agents.get(versions, "")


def test_an_agent_of_another_provider_is_not_served_with_the_workspaces_model(app: Workspace, secret: None) -> None:
    settings = replace(app.settings, model_base_url="https://models.example/v1")
    elsewhere = replace(app, platform=replace(app.platform, settings=settings))
    client = app.platform.serving.client
    with pytest.raises(NotReadyError, match=r"models\.example"):
        variables.of(elsewhere, client)
    own = replace(app.app.environment, variables={"OPENAI_BASE_URL": "https://models.example/v1"})
    told = variables.of(elsewhere.for_app(replace(app.app, environment=own)), client)
    assert told["OPENAI_BASE_URL"] == "https://models.example/v1"
    assert variables.of(app, client)["OPENAI_BASE_URL"] == f"{client.access.host}/serving-endpoints"


def test_an_agent_signs_in_as_a_service_principal_by_reference(
    databricks: Emulator, app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"DATABRICKS_CLIENT_ID": "databricks_client_id", "DATABRICKS_CLIENT_SECRET": "databricks_client_secret"}
    principal = {"DATABRICKS_CLIENT_ID": "sp-client-id", "DATABRICKS_CLIENT_SECRET": "sp-client-secret"}
    register(app, monkeypatch, versions=1)
    sdk(app).secrets.create_scope(SCOPE)
    for name, key in keys.items():
        sdk(app).secrets.put_secret(SCOPE, key, string_value=principal[name])
    assert deploy(app, 1) == {1: (100, ServedState.READY)}
    (entity,) = creations(databricks)[-1]["body"]["config"]["served_entities"]
    told = entity["environment_vars"]
    assert {name: told[name] for name in keys} == {name: f"{{{{secrets/{SCOPE}/{key}}}}}" for name, key in keys.items()}
    assert not {"DATABRICKS_TOKEN", "OPENAI_API_KEY"} & told.keys()
    assert environment.of(app)[0].wrong == ()

    for name in ("DATABRICKS_TOKEN", "OPENAI_API_KEY", "DATABRICKS_AUTH_TYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (told | principal).items():
        monkeypatch.setenv(name, value)
    asking = {"model": app.app.model, "messages": [{"role": "user", "content": "Hello"}]}
    assert Agent().model.chat.completions.create(**asking).choices  # type: ignore[call-overload]
    assert databricks.requests("/chat/completions")[-1]["user"] == "sp-client-id"


def test_what_the_sdk_refuses_is_told_in_its_words(either: Workspace) -> None:
    app = replace(either.app, environment=replace(either.app.environment, variables={"shop_url": "x"}))
    with pytest.raises(PlatformError, match="shop_url") as refused:
        deploy(either.for_app(app), 1)
    assert "somebody else" not in str(refused.value)


def test_a_refused_question_sends_nobody_to_the_traces(databricks: Emulator, app: Workspace) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        app.platform.serving.ask(app, "nowhere", HELLO)
    databricks.fault("/invocations", status=403)
    with pytest.raises(ForbiddenError):
        app.platform.serving.ask(app, "support", HELLO)


def test_an_endpoint_that_never_settles_is_given_up(
    databricks: Emulator, versions: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(versions, 1)
    databricks.admin("POST", "/config", {"deploy_seconds": None})
    monkeypatch.setattr(changing, "SECONDS_TO_SETTLE", 0.5)
    versions.platform.serving.deploy(versions, "support", 2, "", {})
    assert shares(versions)[2] == (0, ServedState.STARTING)
    with pytest.raises(PlatformError, match="still being changed"):
        versions.platform.serving.shift(versions, "support", {1: 100, 2: 0} | {1: 100})
        versions.platform.serving.retire(versions, "support", 1)


def test_bursts_and_limits_of_the_workspace_are_waited_out(databricks: Emulator, versions: Workspace) -> None:
    databricks.fault(f"{ENDPOINT}/support", status=429, retry_after=1, times=1)
    databricks.fault(f"{ENDPOINT}/support", status=503, times=2)
    assert deploy(versions, 1) == {1: (100, ServedState.READY)}


def test_who_may_not_deploy_reads_what_refused(databricks: Emulator, versions: Workspace) -> None:
    databricks.deny(f"^{ENDPOINT}")
    with pytest.raises(ForbiddenError) as refused:
        deploy(versions, 1)
    assert "Config:" not in str(refused.value) and TOKEN not in str(refused.value)


def test_without_a_secret_nothing_is_deployed(databricks: Emulator, app: Workspace) -> None:
    sdk(app).secrets.create_scope(SCOPE)
    with pytest.raises(NotReadyError, match="databricks secrets put-secret signalbox databricks_token"):
        deploy(app, 1)
    assert creations(databricks) == []


def test_scorers_start_change_stop_and_their_job_resumes(databricks: Emulator, app: Workspace) -> None:
    scoring = app.platform.scoring
    kind = scorers.save(app, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite"]}))
    scorers.save(app, ScorerSpec("named", "mentions", {"must": ["{{company_name}}"], "must_not": ["never"]}))
    both = [MonitoredScorer("kind", 1, 1.0, True), MonitoredScorer("named", 1, 0.5, True)]
    scoring.apply(app, both)
    assert scoring.status(app) == both and scoring.standstill(app) is None

    scorers.save(app, ScorerSpec(kind.name, kind.kind, {"guidelines": ["Be brief"]}))
    changed = [MonitoredScorer("kind", 2, 0.25, True), MonitoredScorer("named", 1, 0.5, False)]
    scoring.apply(app, changed)
    assert scoring.status(app) == changed
    stored = databricks.requests("/api/2.0/managed-evals/scheduled-scorers")[-1]["response"]
    assert "Be brief" in json.dumps(stored) and "Be polite" not in json.dumps(stored)

    job = scoring.job(app)
    paused = {"schedule": {**job.settings.schedule.as_dict(), "pause_status": "PAUSED"}}
    sdk(app).api_client.do("POST", "/api/2.2/jobs/update", body={"job_id": job.job_id, "new_settings": paused})
    assert "is paused" in str(scoring.standstill(app))
    scoring.resume(app)
    assert scoring.standstill(app) is None
    assert scoring.job(app).settings.schedule.quartz_cron_expression == job.settings.schedule.quartz_cron_expression


def test_two_people_starting_scorers_at_once_lose_none(app: Workspace) -> None:
    scorers.save(app, ScorerSpec("one", "length", {"shortest": 1, "longest": 9}))
    scorers.save(app, ScorerSpec("two", "guidelines", {"guidelines": ["Be polite"]}))
    names = [
        [MonitoredScorer("one", 1, 1.0, True)],
        [MonitoredScorer("one", 1, 1.0, True), MonitoredScorer("two", 1, 1.0, True)],
    ]
    both = [threading.Thread(target=app.platform.scoring.apply, args=(app, wanted)) for wanted in names]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert {one.name for one in app.platform.scoring.status(app)} == {"one", "two"}


def test_a_scorer_that_was_written_over_is_made_again_and_no_other(
    databricks: Emulator, app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [MonitoredScorer(name, 1, 1.0, True) for name in ("one", "two")]
    for one in wanted:
        scorers.save(app, ScorerSpec(one.name, "length", {"shortest": 1, "longest": 9}))
    elsewhere = MonitoredScorer("elsewhere", 0, 1.0, True)
    look, writes = DatabricksScoring._there, []

    def overtaken(self, workspace):
        changes = databricks.requests("/scheduled-scorers")
        writes.append(sum(request["method"] != "GET" for request in changes))
        if len(writes) == 2:
            delete_scorer(name="two", experiment_id=workspace.app.experiment_id)
            writes[-1] += 1
        return look(self, workspace)

    monkeypatch.setattr(DatabricksScoring, "_there", overtaken)
    app.platform.scoring.apply(app, [*wanted, elsewhere])
    assert writes[3] - writes[1] == 2, "registered and started, the other one left alone"
    assert app.platform.scoring.status(app) == wanted, "what was deleted elsewhere is nobody's fault"


def test_a_rule_judges_alike_here_and_there(app: Workspace) -> None:
    from services.platforms.databricks import registrable

    settings = {
        "length": {"shortest": 3, "longest": 9},
        "mentions": {"must": ["Acme"], "must_not": ["refund"]},
        "pattern": {"pattern": "[0-9]+", "whole": False, "ignore_case": True, "forbidden": True},
        "word_list": {},
    }
    for answer in ("Hi", "acme 7", "ＡＣＭＥ!", "Acme refund", "you idiot, Acme", ""):
        for kind, given in settings.items():
            spec = ScorerSpec(kind, kind, given)
            there = registrable.scorer(spec, given).run(outputs=answer)
            assert there.value == scorers.try_out(app, spec, answer).passed, (kind, answer)


def test_a_pattern_means_the_same_there_or_is_refused(app: Workspace) -> None:
    from services.platforms.databricks import registrable

    for pattern, whole, answer in (
        ("done$", False, "done\n"),
        (r"^\w+$", False, "é"),
        (r"\d", False, "٣"),
        (r"\$[$\]]", False, "$]"),
    ):
        spec = ScorerSpec("fits", "pattern", {"pattern": pattern, "whole": whole})
        assert registrable.refusal(spec) is None
        there = registrable.scorer(spec, spec.settings).run(outputs=answer)
        assert there.value == scorers.try_out(app, spec, answer).passed, pattern
    assert "cannot read" in str(registrable.refusal(ScorerSpec("fits", "pattern", {"pattern": r"done\z"})))


def test_code_that_needs_the_rest_of_its_file_is_refused_by_name() -> None:
    from services.platforms.databricks import registrable

    source = "import json\nMOST = 9\ndef helped(x): return x\ndef {}:\n    return {}\n"
    for signature, body, told in (
        ("fits(outputs)", "helped(len(outputs)) < MOST", "MOST, helped"),
        ("fits(outputs, MOST=3)", "len(json.dumps(outputs)) < MOST", None),
    ):
        spec = ScorerSpec("fits", "code", {"source": source.format(signature, body), "function": "fits"})
        refused = registrable.refusal(spec)
        assert refused is None if told is None else f": {told}." in str(refused)


def test_an_old_workspace_keeps_questions_as_files(databricks: Emulator, app: Workspace) -> None:
    databricks.admin("POST", "/config", {"uc_native_datasets": False})
    made = datasets.create(app, "Support questions", [Row("", "Where is it?"), Row("", "How much?")])
    assert datasets.add_rows(app, made.id, [Row("", "When?", expected="Tomorrow")]) == 1
    rows = datasets.rows(app, made.id)
    datasets.save_rows(app, made.id, rows[1:])
    assert [(one.question, one.expected) for one in datasets.rows(app, made.id)] == [
        ("How much?", ""),
        ("When?", "Tomorrow"),
    ]
    assert [(one.name, one.rows) for one in datasets.all(app)] == [("support_questions", 2)]
    databricks.admin("POST", "/config", {"uc_native_datasets": True})
    managed = datasets.create(app, "Newer questions", rows)
    assert [(one.question, one.expected) for one in datasets.rows(app, managed.id)] == [
        (one.question, one.expected) for one in rows
    ]
    assert {one.name for one in datasets.all(app)} == {"support_questions", "newer_questions"}


def test_prompts_live_under_short_names_in_the_schema(databricks: Emulator, app: Workspace) -> None:
    prompts.save(app, "support", "Hello {{name}}", "first")
    prompts.save(app, "support", "Hi {{name}}", "second")
    assert prompts.names(app) == ["support"] and prompts.live(app, "support") is None
    production.move_alias(app, "support", None, 1, "by hand")
    assert "system.access.audit" in str(moves.by_whom(app))
    sdk(app).api_client.do("POST", f"{PROMPTS}/acme.llmops.support/aliases/production", body={"version": "2"})
    assert prompts.live(app, "support").template == "Hi {{name}}"
    assert [(one.version, one.live, one.name) for one in prompts.history(app, "support")] == [
        (2, True, "support"),
        (1, False, "support"),
    ]
    assert prompts.names(app) == ["support"]
    before = len(databricks.requests())
    assert prompts.names(app) == ["support"]
    assert len(databricks.requests()) == before


def test_staging_has_its_own_endpoint_schema_alias_and_variables(databricks: Emulator, versions: Workspace) -> None:
    apps.save_environment(versions, Environment(Stage.STAGING, "support-staging", schema="acme.staging"))
    sdk(versions).schemas.create("staging", "acme")
    there = apps.at(versions, Stage.STAGING)
    model = agents.registered_name(there)
    assert (model, agents.registered_name(versions)) == ("acme.staging.support-agent", MODEL)
    model_id = versions.client.get_model_version(MODEL, "1").model_id
    mlflow.register_model(f"models:/{model_id}", model)
    deploy(versions, 1)
    there.platform.serving.deploy(there, "support-staging", 1, "", {})
    changing.settled(versions.platform.serving.client, "support-staging")
    assert production.traffic(there) == production.traffic(versions) == {1: 100}
    given = {one["body"]["name"]: one["body"]["config"]["served_entities"][0] for one in creations(databricks)}
    staged, live = given["support-staging"], given["support"]
    assert (staged["entity_name"], live["entity_name"]) == (model, MODEL)
    told = {"SIGNALBOX_ENVIRONMENT": "staging", "SIGNALBOX_PROMPT_ALIAS": "staging"}
    assert staged["environment_vars"] == live["environment_vars"] | told

    for text in ("Hello {{name}}", "Hi {{name}}"):
        prompts.save(versions, "support", text, "")
    production.move_alias(versions, "support", None, 1, "release 1")
    production.move_alias(there, "support", None, 2, "release 2")
    assert prompts.aliases(versions, "support") == {"production": 1, "staging": 2}
    with pytest.raises(ConflictError, match="keeps its endpoint and schema"):
        apps.save_environment(versions, Environment(Stage.STAGING, "support-staging"))


def test_a_staging_endpoint_is_shut_down_and_made_again(databricks: Emulator, versions: Workspace) -> None:
    apps.save_environment(versions, Environment(Stage.STAGING, "support-staging", schema="acme.staging"))
    sdk(versions).schemas.create("staging", "acme")
    there, client = apps.at(versions, Stage.STAGING), versions.platform.serving.client
    model = agents.registered_name(there)
    model_id = versions.client.get_model_version(MODEL, "1").model_id
    mlflow.register_model(f"models:/{model_id}", model)
    deploy(versions, 1)

    def deployed_there():
        there.platform.serving.deploy(there, "support-staging", 1, "", {})
        changing.settled(client, "support-staging")
        return production.traffic(there)

    assert deployed_there() == {1: 100}
    prompts.save(versions, "support", "Hello {{name}}", "")
    for place in (versions, there):
        production.move_alias(place, "support", None, 1, "release 1")
    production.move_model_alias(there, ModelAlias(model, "staging"), None, 1, "release 1")

    databricks.fault(f"{ENDPOINT}/support-staging$", method="DELETE", status=503, times=1, after_execute=True)
    for _ in range(2):
        production.shut_down(there, ["support"], model, "the pilot is over")
    assert there.platform.serving.endpoint(there, "support-staging") is None
    assert (production.model_aliases(there, model), prompts.aliases(versions, "support")) == ({}, {"production": 1})
    assert production.traffic(versions) == {1: 100}
    known = sdk(versions).api_client.do("GET", "/api/2.0/agents/deployments")["chain_deployments"]
    assert [one["endpoint_name"] for one in known] == ["support"]
    assert deployed_there() == {1: 100}

    with pytest.raises(ConflictError, match="never shut down"):
        production.shut_down(versions, ["support"], MODEL, "cost")
    foreign = versions.for_app(replace(there.app, endpoint="support"))
    with pytest.raises(ConflictError, match="none of this app's"):
        production.shut_down(foreign, [], model, "cost")
    assert production.traffic(versions) == {1: 100}
