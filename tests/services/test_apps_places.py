"""Apps whose traces have a shape of their own: question and answer are read at the places that the app names."""

import time
from dataclasses import replace

import mlflow
import pytest
from sqlalchemy import column, select, table, update

from services import apps, audit, evaluations, jobs, monitoring, readmodel, reviews, scorers, traces
from services.apps import Places
from services.apps.places import steps, written
from services.datasets import gathering
from services.errors import InvalidInputError
from services.evaluations import sources
from services.evaluations.sources import Source
from services.monitoring import MonitoredScorer
from services.readmodel import source as read_from
from services.readmodel.api_history import ApiHistory
from services.readmodel.facts import LATEST_MS
from services.readmodel.sql_history import SqlHistory, engine_of
from services.reviews import shown, stored
from services.reviews.records import Form, Kind, Label, Pick, Rule
from services.scorers import ScorerSpec, samples
from services.traces import TraceQuery
from tests.left_traces import leave

QUERY, PARTS = "$.payload.query", "$.result.parts[*].text"
FILLER = "x" * 3_000
ODD = {"a.b": {"it's": ["one", {"深い": "two"}]}}


def leave_foreign(workspace, query, *parts, outputs=None, ago=0):
    """A trace of an app that we did not deploy; what its preview could tell is pushed out by what stands before it."""
    given = {"filler": FILLER, "payload": {"lang": "ja"} | ({} if query is None else {"query": query})}
    span = mlflow.start_span_no_context(
        "handle",
        inputs=given,
        start_time_ns=time.time_ns() - ago * 10**9,
        experiment_id=workspace.app.experiment_id,
    )
    said = {"filler": FILLER, "result": {"parts": [{"kind": "text", "text": part} for part in parts]}}
    span.end(outputs=said if outputs is None else outputs)
    mlflow.flush_trace_async_logging()
    return str(span.trace_id)


@pytest.fixture
def foreign(workspace):
    """Four traces of another shape, oldest first: Japanese, a number, without a question, without an answer."""
    return [
        leave_foreign(workspace, "荷物はどこですか", "今朝発送しました。", "明日届きます。", ago=4),
        leave_foreign(workspace, 404, 7, ago=3),
        leave_foreign(workspace, None, "Nobody asked.", ago=2),
        leave_foreign(workspace, "Will it come?", outputs={"problem": "busy"}, ago=1),
    ]


def placed(workspace, question=QUERY, answer=PARTS):
    """The workspace once the form was saved."""
    return workspace.for_app(
        apps.save(workspace, replace(apps.form_of(workspace.app), question_at=question, answer_at=answer))
    )


def listed(workspace, **asked):
    readmodel.catch_up(workspace, 60)
    return {row.trace_id: (row.question, row.answer) for row in readmodel.find(workspace, TraceQuery(**asked)).rows}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$['a.b']['it\\'s'][0]", "one"),
        ("$['a.b']['it\\'s'][1].深い", "two"),
        ("$['a.b']['it\\'s'][-1].深い", "two"),
        ("$['a.b']['it\\'s'][*].深い", "two"),
        ("$['a.b']['it\\'s'][*]", "one"),
        ("$['a.b']['it\\'s'][7]", ""),
        ("$['a.b']['it\\'s'][-3]", ""),
        ("$['a.b'][0]", ""),
        ("$['a.b']", ""),
        ("$.nowhere", ""),
    ],
)
def test_a_path_leads_to_its_text(path, text):
    assert Places(question=path).asked(ODD) == text
    assert written(steps(path)) == path


@pytest.mark.parametrize(
    ("value", "text"), [("Hi", "Hi"), (" ", ""), (None, ""), (7, "7"), (1.5, "1.5"), (float("nan"), ""), (True, "true")]
)
def test_a_single_value_is_read_as_people_read_it(value, text):
    assert Places(answer="$").answered(value) == text


@pytest.mark.parametrize("path", ["query", "$.", "$.a b", "$[x]", "$['a]", "$..a", "$.a$", "$.a\n"])
def test_what_is_no_path_is_refused(workspace, path):
    with pytest.raises(InvalidInputError, match="not the way to a place"):
        placed(workspace, path)
    assert not apps.get(workspace, "support").places


def test_the_places_of_the_newest_traces_are_offered_with_examples(workspace, foreign):
    found = traces.offered(workspace, workspace.app.experiment_id)

    assert [(one.path, one.example, one.traces) for one in found.questions] == [
        ("$.filler", FILLER, 4),
        (QUERY, "Will it come?", 3),
        ("$.payload.lang", "ja", 4),
    ]
    assert {one.path: one.example for one in found.answers}[PARTS] == "Nobody asked."
    assert {one.path for one in found.answers} >= {"$.result.parts[-1].text", "$.problem"}
    read = found.read(Places(QUERY, PARTS), 2)
    assert read[0] == ("Will it come?", '{"problem": "busy"}') and read[1][1] == "Nobody asked."


def test_nothing_is_offered_where_nothing_was_traced(workspace):
    assert traces.offered(workspace, workspace.app.experiment_id) == traces.Offered((), (), ())


def test_lists_and_search_read_again_once_the_places_change(workspace, foreign):
    japanese, number, unasked, unanswered = foreign
    own = leave(workspace, "Our own shape?", "Read as ever.")
    before = listed(workspace)
    assert FILLER[:100] in before[japanese][0] and listed(workspace, text="明日届") == {}

    there = placed(workspace)
    found = listed(there)
    assert found[japanese] == ("荷物はどこですか", "今朝発送しました。\n明日届きます。")
    assert found[number] == ("404", "7")
    assert found[own] == ("Our own shape?", "Read as ever."), "what has nothing at the places is read as ever"
    assert found[unasked] == (before[unasked][0], "Nobody asked.")
    assert found[unanswered] == ("Will it come?", before[unanswered][1])
    assert set(listed(there, text="明日届")) == {japanese} and set(listed(there, text="荷物")) == {japanese}
    assert readmodel.state(there).complete

    event = audit.of_verbs(workspace, [audit.Verb.UPDATE_APP])[0]
    assert (event.before["question_at"], event.after["question_at"]) == ("", QUERY)
    assert listed(placed(there, "", "")) == before


def test_both_ways_to_mlflow_read_the_same(workspace, foreign):
    there = placed(workspace)
    by_table = read_from.of(there)
    assert isinstance(by_table, SqlHistory)
    ours, theirs = (
        sorted((one.trace_id, one.question, one.answer) for one in way.facts(there, 0, LATEST_MS))
        for way in (by_table, ApiHistory())
    )
    assert ours == theirs and ours[0][1:] in [(q, a) for _, q, a in theirs]


def test_a_question_whose_spans_come_late_is_read_when_they_are_there(workspace):
    there, late = placed(workspace), leave_foreign(workspace, "Late?", "Yes.")
    spans = table("spans", column("trace_id"), column("content"))
    mine = spans.c.trace_id == late
    with engine_of(workspace.settings.tracking_uri).begin() as connection:
        content = connection.execute(select(spans.c.content).where(mine)).scalar_one()
        connection.execute(update(spans).where(mine).values(content=""))
    assert listed(there)[late][0].startswith("{")

    with engine_of(workspace.settings.tracking_uri).begin() as connection:
        connection.execute(update(spans).where(mine).values(content=content))
    assert listed(there)[late] == ("Late?", "Yes.")


def test_a_trace_of_200_kilobytes_is_listed_cut_and_told_whole(workspace):
    long = "荷物" * 100_000
    there, id = placed(workspace), leave_foreign(workspace, f"どこ？{long}", f"明日。{long}")
    question, answer = listed(there, text="どこ？")[id]
    assert (len(question), len(answer)) == (1_000, 1_000) and answer.startswith("明日。荷物")
    story = traces.get(there, id)
    assert (story.question, story.answer) == (f"どこ？{long}", f"明日。{long}")
    [place] = [one for one in traces.offered(there, there.app.experiment_id).questions if one.path == QUERY]
    assert place.example == story.question


def test_every_reader_of_one_trace_takes_the_same_words(workspace, foreign):
    there, asked, answered = placed(workspace), "荷物はどこですか", "今朝発送しました。\n明日届きます。"
    story = traces.get(there, foreign[0])
    assert (story.question, story.answer, story.row.question) == (asked, answered, asked)

    taken = samples.take(there, samples.RECENT, 9)
    assert [(one.question, one.answer) for one in taken][-1] == (asked, answered)
    assert len(taken) == 3, "what has no answer is nothing to judge"

    gathered = gathering.gather(there, gathering.Choice(text="荷物"))
    assert [(one.row.question, one.answer, one.row.source) for one in gathered.found] == [(asked, answered, foreign[0])]
    slots = sources.slots(there, Source("traces", words="荷物"))
    assert [(slot.row.question, slot.trace_id) for slot in slots] == [(asked, foreign[0])]

    queue = reviews.make(
        there, Form("Fresh", Rule(Pick.RANDOM, share=1.0), (Label("right", Kind.PASS, "Is it right?"),))
    )
    [item] = [one for one in stored.items(there, queue.id) if one.trace_id == foreign[0]]
    seen = shown.show(there, queue, item)
    assert seen.turns == (("user", asked),) and seen.story.answer == answered


def test_production_scorers_and_evaluations_judge_the_words_at_the_places(workspace, foreign, finish):
    there = placed(workspace)
    spec = scorers.save(there, ScorerSpec("short", "length", {"shortest": 1, "longest": 30}))
    monitoring.save_scorers(there, [MonitoredScorer(spec.name, spec.version, 1.0, True)])

    assert finish(there, jobs.submit(there, "score_live", {})).result["scored"] == 4
    said = {row.trace_id: row.scores for row in traces.find(there, TraceQuery()).rows}
    judged = [mlflow.get_trace(id).info.assessments[0].value for id in foreign]
    assert judged == [True, True, True, False], said

    job = evaluations.start(there, "", None, "", scorer_names=["short"], source=Source("traces", newest=3, words=""))
    made = evaluations.get(there, finish(there, job).result["run_id"])
    assert made.practice and not made.practice_answered and not made.practice_judged, "another model answered then"
    rows = evaluations.rows(there, made.run_id)
    assert dict(zip(rows["question"], rows["answer"], strict=True))["404"] == "7"
    assert list(rows[rows["question"] == "404"]["short"]) == [True]
