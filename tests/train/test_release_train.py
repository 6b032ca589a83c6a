"""The release train on real parts: MLflow store, worker, gateway, served versions, practice model."""

from dataclasses import replace

import mlflow
import pytest

from services import agents, apps, datasets, endpoints, monitoring, prompts, releases, scorers
from services.datasets import Row
from services.errors import BlockedError, ConflictError, InvalidInputError
from services.interlocks import Light
from services.releases import Kind, Proposal, State
from services.scorers import ScorerSpec
from tests.services.agents import agent_files as files

PROMPT = "customer-support"

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine

IGNORES_ITS_PROMPT = """
import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse


class Stubborn(ResponsesAgent):
    def predict(self, request):
        text = "Thank you for writing to Sorabana. We are happy to help you with that, please wait a moment."
        return ResponsesAgentResponse(output=[self.create_text_output_item(text=text, id="msg_1")])


mlflow.models.set_model(Stubborn())
"""
LOADS_BUT_IGNORES = IGNORES_ITS_PROMPT.replace(
    "        text =",
    '        mlflow.genai.load_prompt("prompts:/customer-support@production", allow_missing=True)\n        text =',
)


def test_the_whole_train_from_first_draft_to_roll_back(full_train):
    """Releases 1 and 2 go live and are proven, version 3 is refused, and one click takes release 2 back."""
    workspace = full_train.workspace
    first, second, third = full_train.prompts()
    agent = full_train.agent(first)
    scores = {version: full_train.evaluate(agent, version).scores for version in (first, second, third)}
    assert scores[second]["length"].mean > scores[first]["length"].mean
    assert scores[third]["mentions company"].mean < 0.5
    assert releases.live(workspace).pair.model_id is None

    one = full_train.release(agent, first)
    assert (one.kind, one.state, one.proof.prompt_version) == (Kind.AGENT, State.LIVE, first)
    assert prompts.live(workspace, PROMPT).version == first
    registered = workspace.client.get_model_version(agents.registered_name(workspace), str(one.after.agent_version))
    assert registered.aliases == ["champion"] and f"prompt {PROMPT}, version {first}" in registered.description
    assert registered.tags["model_version"] == agents.get(workspace, agent).config["app_version"]
    scorers = {scorer.name for scorer in monitoring.production_scorers(workspace) if scorer.running}
    assert scorers == set(workspace.app.gate.minimum)

    two = full_train.release(agent, second)
    assert (two.kind, two.state, two.proof.prompt_version) == (Kind.PROMPT, State.LIVE, second)
    assert prompts.live(workspace, PROMPT).version == second
    assert releases.live(workspace).pair.agent_version == one.after.agent_version

    refused = releases.propose(workspace, Proposal(agent, third))
    assert {finding.number for finding in refused.findings if finding.light is Light.RED} == {2}
    with pytest.raises(BlockedError, match="mentions company"):
        releases.start(workspace, refused.id)
    assert prompts.live(workspace, PROMPT).version == second

    back = full_train.finished(releases.roll_back(workspace, "customers complained"))
    assert (back.state, back.proof.prompt_version, back.why) == (State.LIVE, first, "customers complained")
    assert releases.get(workspace, two.id).state is State.TAKEN_BACK
    assert releases.live(workspace).release.id == back.id
    assert releases.rollback_target(workspace) is None

    answer = list(endpoints.stream(workspace, [{"role": "user", "content": "Where is my parcel?"}]))
    assert "".join(delta.text for delta in answer).strip() and answer[-1].done and answer[-1].trace_id


@pytest.mark.parametrize("source", [IGNORES_ITS_PROMPT, LOADS_BUT_IGNORES])
def test_an_agent_that_ignores_its_prompt_never_goes_live(train, source):
    first = train.prompts()[0]
    agent = train.agent(first, source=source)
    apps.save_gate(train.workspace, apps.Gate({"safe": 0.5}, rows=1))
    workspace = train.workspace.for_app(apps.get(train.workspace, train.workspace.app.id))
    train.evaluate(agent, first)

    release = releases.propose(workspace, Proposal(agent, first))
    red = {finding.number for finding in release.findings if finding.light is Light.RED}
    assert red & {1, 3}
    with pytest.raises(BlockedError):
        releases.start(workspace, release.id)


def test_the_proof_follows_the_alias_not_our_word(train):
    """A script that moves the alias changes what the live endpoint is proven to answer with; nothing restarts."""
    workspace = train.workspace
    first, second, _ = train.prompts()
    agent = train.agent(first)
    train.evaluate(agent, first)
    train.evaluate(agent, second)
    train.release(agent, first)
    served = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint).versions[0]

    mlflow.genai.set_prompt_alias(PROMPT, "production", second)
    assert releases.live(workspace).moved_outside
    stale = releases.propose(workspace, Proposal(agent, first))
    mlflow.genai.set_prompt_alias(PROMPT, "production", first)
    with pytest.raises(ConflictError, match="has changed since"):
        releases.start(workspace, stale.id)

    mlflow.genai.set_prompt_alias(PROMPT, "production", second)
    ended = train.finished(releases.start(workspace, releases.propose(workspace, Proposal(agent, first)).id))
    assert ended.proof.prompt_version == first
    now = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint).versions[0]
    assert (now.version, now.ready_at) == (served.version, served.ready_at)


def test_two_pointers_never_move_at_once(train):
    first, second, _ = train.prompts()
    agent = train.agent(first)
    train.evaluate(agent, first)
    train.release(agent, first)
    other = train.agent(second)
    with pytest.raises(InvalidInputError, match="two pointers"):
        releases.propose(train.workspace, Proposal(other, second))


def test_an_unevaluated_version_is_blocked_and_explained(train):
    first = train.prompts()[0]
    agent = train.agent(first)
    release = releases.propose(train.workspace, Proposal(agent, first))
    finding = release.findings[0]
    assert finding.light is Light.RED and "prompt version 1" in str(finding.mend)
    assert (finding.screen, finding.asks) == ("evaluations", {"agent": agent, "version": str(first)})
    with pytest.raises(BlockedError):
        releases.start(train.workspace, release.id)

    evaluation = train.evaluate(agent, first)
    again = releases.check_again(train.workspace, release.id)

    assert not again.held and again.evaluation == evaluation.run_id
    assert again.checked_at > release.checked_at


def test_a_template_variable_nobody_supplies_blocks(train):
    workspace = train.workspace
    train.prompts()
    version = prompts.save(workspace, PROMPT, "For {{company_name}} in {{region}}.", "regional").version
    agent = train.agent(1)
    found = {one.number: one for one in releases.preflight(workspace, Proposal(agent, version))}
    assert found[4].light is Light.RED and "region" in str(found[4].found)
    named = apps.save(workspace, replace(apps.form_of(workspace.app), constants={"region": "Tokyo"}))
    again = {one.number: one for one in releases.preflight(workspace.for_app(named), Proposal(agent, version))}
    assert again[4].light is Light.GREEN


def test_an_agent_that_asks_no_prompt_goes_the_whole_way_and_back(full_train):
    """A file with a form: logged, evaluated, released twice with its proof, taken back; its evidence says what is proven."""
    workspace = full_train.workspace
    rows = [Row("r1", "amount: 3\ncountry: DE"), Row("r2", "amount: 4\ncountry: FR\nurgent: true")]
    apps.choose_dataset(workspace, datasets.create(workspace, "Claims", rows).id)
    apps.save_gate(workspace, apps.Gate({"length": 0.5}, rows=2))
    scorers.save(workspace, ScorerSpec("length", "length", {"shortest": 5, "longest": 100}))
    train = type(full_train)(workspace.for_app(apps.get(workspace, workspace.app.id)))
    first, second = train.brought(files.FORM), train.brought(files.FORM.replace('"pay"', '"paid"'))
    for one in (first, second):
        assert train.evaluate(one, None).prompt_version is None

    one = train.release(first, None)
    assert (one.kind, one.state, one.proof.prompt_version) == (Kind.AGENT, State.LIVE, None)
    assert (one.proof.model_id, one.prompt_name) == (first, "")
    idle = {finding.number for finding in one.findings if finding.light is Light.NOT_APPLICABLE}
    assert idle == {3, 4, 5} and "none to prove" in str(one.steps[-1].detail)
    two = train.release(second, None)
    assert (two.state, releases.live(train.workspace).pair.model_id) == (State.LIVE, second)

    back = train.finished(releases.roll_back(train.workspace, "wrong word"))
    assert (back.state, back.proof.model_id) == (State.LIVE, first)
    kept = releases.evidence.find(train.workspace, back.id)
    page = next(name for name in kept.hashes if name.endswith(".html"))
    assert "which asks no prompt" in releases.evidence.read(train.workspace, kept, page).decode()
    answer = list(endpoints.stream(train.workspace, [{"role": "user", "content": "amount: 3\ncountry: DE"}]))
    assert "decision: pay" in "".join(delta.text for delta in answer)
