"""The Python of the engineer's guide does what the guide says, and no page leads nowhere."""

import re
import time
from pathlib import Path

import mlflow
import pytest

from services import delivery, kinds, prompts, scorers
from services.agents import checking
from services.scorers import own_code
from services.scorers.records import ScorerSpec
from services.traces import rows
from services.traces.opinions import OPINION
from tests.left_traces import leave
from tests.stub_model import stub_model

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDE = ROOT / "docs" / "engineers_guide.md"
SNIPPETS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL))
SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0"


def executed(name):
    found = {}
    exec(compile(SNIPPETS[name], name, "exec"), found)
    return found


def test_its_agent_passes_the_check_and_answers_with_the_prompt(workspace, monkeypatch, tmp_path):
    for template in ("You work for {{company_name}}.", "You help {{company_name}}'s customers."):
        prompts.save(workspace, "support", template, "")
    config = {"prompt_name": "support", "prompt_version": "1", "llm_model": "stub", "company_name": "Acme"}
    assert checking.read(SNIPPETS["agent.py"]) == ()
    with stub_model() as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
        seen = checking.probe(SNIPPETS["agent.py"], config)
        assert ([str(one.what) for one in seen.findings], seen.kind) == ([], "ResponsesAgent")
        (tmp_path / "agent.py").write_text(SNIPPETS["agent.py"], "utf-8")
        saved = str(tmp_path / "saved")
        file = str(tmp_path / "agent.py")
        mlflow.pyfunc.save_model(saved, python_model=file, model_config=config, pip_requirements=["mlflow"])
        agent = kinds.load(saved, {"prompt_version": "2"})
        answered = agent.predict({"input": [{"role": "user", "content": "Who are you?"}]})
    mlflow.openai.autolog(disable=True)
    assert kinds.answer_text(answered) == "You help Acme's customers. | Who are you?"


def test_its_scorer_judges(workspace):
    source = SNIPPETS["scorer.py"]
    settings = {"source": source, "function": "names_an_order", "gives": "pass", "low": 0, "high": 1}
    own_code.check(settings)
    scorer = scorers.build(ScorerSpec("order", "code", settings), workspace)
    assert [scorer.run(outputs=answer).value for answer in ("ORDER-7 is on its way", "Soon.")] == [True, False]


def test_its_feedback_is_a_thumb(workspace):
    trace_id = leave(workspace)
    executed("feedback.py")["send"](trace_id, False, "It names no price.", "eva")
    (found,) = rows.opinions(mlflow.get_trace(trace_id).info)
    said = (found.name, found.value, found.source.source_id, found.rationale)
    assert said == (OPINION, False, "eva", "It names no price.")


@pytest.mark.parametrize("secret", [SECRET, "a plain secret"])
def test_its_receiver_believes_only_what_was_signed(secret):
    body, at = b'{"id": "support-1-live"}', str(int(time.time()))
    signed = delivery.signature(secret, "support-1-live", at, body.decode())
    headers = {"webhook-id": "support-1-live", "webhook-timestamp": at, "webhook-signature": signed}
    is_ours = executed("receiver.py")["is_ours"]
    assert is_ours(secret, headers, body)
    assert not is_ours(secret, headers, body + b" ")
    assert not is_ours("another secret", headers, body)
    assert not is_ours(secret, headers | {"webhook-timestamp": str(int(at) - 3600)}, body)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_is_there(page):
    linked = re.findall(r"\]\(([^)#:\s]+)\)", page.read_text("utf-8"))
    assert [one for one in linked if not (page.parent / one).exists()] == []


def test_both_operators_guides_have_the_same_parts():
    english, japanese = ((ROOT / "docs" / f"operators_guide{end}.md").read_text("utf-8") for end in ("", ".ja"))
    for part in (r"^## ", r"^\d+\. ", r"^\| ", r"^ *!\["):
        assert len(re.findall(part, english, re.MULTILINE)) == len(re.findall(part, japanese, re.MULTILINE)), part
