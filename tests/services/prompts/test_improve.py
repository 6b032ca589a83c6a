"""The optimiser's job in a real child, with a stub as the model: a draft comes out, the prompt stays as it is."""

import json
from dataclasses import replace
from datetime import timedelta

import mlflow
import pytest
from sqlalchemy import update

from services import datasets, jobs, prompts, scorers
from services.database import job as job_table
from services.database import now, writing
from services.errors import NotReadyError
from services.jobs import State
from services.prompts import ChatMessage, Content, drafts, improve
from services.prompts.improve.optimizing import NAME
from services.prompts.improve.running import split
from services.scorers import ScorerSpec

BETTER = "Always name Acme. Question: {{question}}"


def write_anew(text):
    """A model that answers with its instructions, and writes `text` when it is asked to improve them."""

    def answer(system, question):
        if "expert prompt engineer" in question:
            return text
        return f"I say: {system} {question}"

    return answer


def is_rewrite(question):
    return "expert prompt engineer" in question or "your task is to write a new instruction" in question.lower()


@pytest.fixture
def model(model):
    model.answer = write_anew(json.dumps({NAME: BETTER}))
    return model


@pytest.fixture
def request_(model, workspace):
    """Version 1, which never names the company, eight questions and a scorer that wants the name."""
    prompts.save(workspace, "greeting", "Be short. {{ question }}", "first")
    scorers.save(workspace, ScorerSpec("names us", "mentions", {"phrase": "{{company_name}}"}))
    made = datasets.create(workspace, "Questions", datasets.pasted("\n".join(f"Question {n}?" for n in range(8))))
    return improve.Request("greeting", 1, made.id, ("names us",), rows=8)


def left_over(workspace):
    """What an optimiser could have left in the real store: versions, foreign prompts, traces, its own folder."""
    versions = [one.version for one in prompts.history(workspace, "greeting")]
    traces = mlflow.search_traces(locations=[workspace.app.experiment_id], return_type="list")
    scratch = workspace.settings.home / "scratch"
    return versions, prompts.names(workspace), len(traces), list(scratch.glob("*")) if scratch.exists() else []


NOTHING = ([1], ["greeting"], 0, [])


def test_the_result_is_a_text_with_scores_and_no_version(model, workspace, request_, finish):
    job = finish(workspace, improve.start(workspace, request_))

    found = improve.outcome(job)
    assert job.state is State.DONE, job.error
    assert (found.content.template, found.base, found.changed) == (BETTER, 1, True)
    assert [(one.scorer, one.before, one.after) for one in found.scores] == [("names us", 0, 4)]
    assert (found.rows, found.verdict.better, found.verdict.worse) == (4, 4, 0)
    assert left_over(workspace) == NOTHING
    assert improve.latest(workspace, "greeting").id == job.id


def test_gepa_rewrites_until_its_calls_are_spent(model, workspace, request_, finish):
    def answer(system, question):
        if "your task is to write a new instruction" in question.lower():
            return f"Here it is.\n```\n{BETTER}\n```"
        return f"I say: {system} {question}"

    model.answer = answer
    job = finish(workspace, improve.start(workspace, replace(request_, optimizer="gepa")))

    assert job.state is State.DONE, job.error
    found = improve.outcome(job)
    assert found.content.template == BETTER
    assert [(one.scorer, one.before, one.after) for one in found.scores] == [("names us", 0, 4)]
    assert left_over(workspace) == NOTHING


def test_taking_it_makes_a_draft_and_sets_my_own_aside(model, workspace, request_, finish):
    job = finish(workspace, improve.start(workspace, request_))
    drafts.keep(workspace, drafts.Draft("greeting", Content("My own words"), base=1))

    taken = improve.take(workspace, job.id, "improved")

    assert (taken.content.template, taken.base, taken.note) == (BETTER, 1, "improved")
    assert [one.content for one in drafts.mine(workspace, "greeting").set_aside] == [Content("My own words")]
    assert left_over(workspace) == NOTHING


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no JSON at all", "not the JSON"),
        (json.dumps({"another": "x"}), "no text of the prompt"),
        (json.dumps({NAME: ["x"]}), "no text of the prompt"),
        (json.dumps({NAME: "No variables."}), "leaves out variables"),
    ],
)
def test_a_useless_answer_of_the_optimiser_is_not_called_nothing_better(model, workspace, request_, finish, said, told):
    model.answer = write_anew(said)

    job = finish(workspace, improve.start(workspace, request_))

    assert job.state is State.FAILED
    assert "wrote no text that can be used" in str(job.error) and told in str(job.error)
    assert "SIGNALBOX_JUDGE_MODEL" in str(job.remedy)
    assert left_over(workspace) == NOTHING


def test_a_rewrite_in_a_fence_is_read(model, workspace, request_, finish):
    model.answer = write_anew(f"```json\n{json.dumps({NAME: BETTER})}\n```")
    assert improve.outcome(finish(workspace, improve.start(workspace, request_))).content.template == BETTER


@pytest.mark.parametrize("optimizer", ["metaprompt", "gepa"])
def test_a_model_that_answers_but_cannot_rewrite_is_told(model, workspace, request_, finish, optimizer, capfd):
    key = "sk-abcdefghijklmnopqrstuvwxyz"
    model.failure = f"Incorrect key {key}"
    model.status_of = lambda question: 400 if is_rewrite(question) else 200

    job = finish(workspace, improve.start(workspace, replace(request_, optimizer=optimizer)))

    assert job.state is State.FAILED
    assert "wrote no text that can be used" in str(job.error) and "(400)" in str(job.error)
    assert len([one for one in model.requests if is_rewrite(one["messages"][-1]["content"])]) <= 6
    printed = "".join(capfd.readouterr())
    assert key not in printed and key not in str(job.error)
    assert left_over(workspace) == NOTHING


def test_the_model_is_told_why_an_answer_did_not_pass(model, workspace, request_, finish):
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 5}))
    finish(workspace, improve.start(workspace, replace(request_, scorers=("short",))))
    asked = next(one for one in model.requests if is_rewrite(one["messages"][-1]["content"]))
    assert "- short: " in asked["messages"][-1]["content"]


def test_a_text_that_cannot_be_saved_is_said_to_be_so(model, workspace, request_, finish):
    model.answer = write_anew(json.dumps({NAME: "{% if x %} {{question}}"}))

    found = improve.outcome(finish(workspace, improve.start(workspace, request_)))

    assert found.changed
    assert "another template language" in str(found.refused)


def test_a_model_that_is_down_ends_the_job_soon(model, workspace, request_, finish):
    model.status = 500

    job = finish(workspace, improve.start(workspace, request_))

    assert job.state is State.FAILED
    assert "No question could be answered" in str(job.error)
    assert "the model answered with an error (500)" in str(job.error)
    assert len(model.requests) < 20
    assert left_over(workspace) == NOTHING


def test_what_the_model_answered_to_a_refused_question_is_not_kept_raw(model, workspace, request_, finish):
    model.status = 401
    job = finish(workspace, improve.start(workspace, request_))
    assert job.state is State.FAILED
    assert "refused the key" in str(job.error)
    assert "stubbed failure" not in str(job.error)


def test_an_attempt_that_was_cut_off_while_it_measured_does_not_optimise_again(model, workspace, request_, finish):
    begun = improve.start(workspace, request_)
    claimed = jobs.claim(workspace.engine)
    jobs.Work(workspace.engine, claimed).save({"content": Content(BETTER).to_json()})
    with writing(workspace.engine) as connection:
        connection.execute(update(job_table).values(lease_until=now() - timedelta(seconds=1)))

    found = improve.outcome(finish(workspace, begun))

    assert found.content.template == BETTER and found.rows == 4
    assert not [one for one in model.requests if "expert prompt engineer" in str(one["messages"])]


def test_a_scorer_that_fails_counts_as_not_passed(model, workspace, request_, finish):
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["The answer is kind"]}))
    request = replace(request_, scorers=("names us", "kind"))

    job = finish(workspace, improve.start(workspace, request))

    found = improve.outcome(job)
    assert found is not None, job.error
    assert {one.scorer: one.after for one in found.scores} == {"names us": 4, "kind": 0}
    assert found.unjudged == 8


def test_a_cancelled_run_leaves_nothing_behind(model, workspace, request_, finish):
    model.seconds = 0.4
    job = improve.start(workspace, request_)
    jobs.cancel(workspace, job.id)
    assert finish(workspace, job).state is State.CANCELLED
    assert left_over(workspace) == NOTHING


def test_chat_prompts_keep_their_messages(model, workspace, request_, finish):
    chat = Content((ChatMessage("system", "Be short."), ChatMessage("user", "{{question}}")))
    prompts.save(workspace, "greeting", chat, "")
    improved = [{"role": "system", "content": "Name Acme."}, {"role": "user", "content": "{{question}}"}]
    model.answer = write_anew(json.dumps({NAME: json.dumps(improved)}))
    asked = improve.Request("greeting", 2, request_.dataset_id, request_.scorers, 8)

    found = improve.outcome(finish(workspace, improve.start(workspace, asked)))

    assert found.content.template == (
        ChatMessage("system", "Name Acme."),
        ChatMessage("user", "{{question}}"),
    )
    assert found.scores[0].after == 4


def test_the_practice_model_is_not_asked_to_write(workspace):
    prompts.save(workspace, "greeting", "Be short.", "")
    made = datasets.create(workspace, "Questions", datasets.pasted("\n".join(f"Question {n}?" for n in range(4))))
    with pytest.raises(NotReadyError, match="practice model") as caught:
        improve.start(workspace, improve.Request("greeting", 1, made.id, ("polite",), 4))
    assert "OPENAI_BASE_URL" in str(caught.value.remedy)


def test_what_is_missing_is_said_before_the_start(model, workspace, request_):
    few = improve.Request("greeting", 1, request_.dataset_id, (), 3, optimizer="unknown")
    told = " ".join(str(message) for message, remedy in improve.blockers(workspace, few))
    assert "Without a scorer" in told and "At least 4 questions" in told and "not installed" in told


def test_the_halves_share_no_question():
    rows = datasets.pasted("\n".join(f"Question {n}?" for n in range(21)))
    learning, held_out = split(rows, 20)
    assert (len(learning), len(held_out)) == (10, 10)
    assert not {row.question for row in learning} & {row.question for row in held_out}
    assert (learning, held_out) == split(rows[::-1], 20)


@pytest.mark.parametrize("key", ["sk-abcdefghijklmnopqrstuvwxyz", "secret-key"])
def test_no_key_that_the_provider_repeats_stands_in_the_job(model, workspace, request_, finish, key):
    model.failure = f"Incorrect key {key} " + "x" * 3000
    model.status = 400
    job = finish(workspace, improve.start(workspace, request_))
    said = json.dumps([job.error.to_json() if job.error else None, job.result])
    assert "Incorrect key" in said and key not in said
    assert len(said) < 3000
