"""Reviews: queues fill by rule, two people never meet at one answer, and what they say stands in MLflow."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import mlflow
import pandas as pd
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType

from services import audit, datasets, reviews, scorers, traces
from services.audit import Verb
from services.database import writing
from services.datasets import Row
from services.errors import ConflictError, ConsoleError, ForbiddenError, InvalidInputError, NotFoundError
from services.evaluations import table
from services.people import Actor, Role
from services.reviews import collecting, desk, marks, outcome, picking, shown, stored, way
from services.reviews.records import DIFFER, REFEREE, REFEREED, SAME, Form, Kind, Label, Pick, Rule
from services.scorers import health
from services.scorers.records import ScorerSpec
from services.traces import opinions
from tests.left_traces import leave

RIGHT = Label("right", Kind.PASS, "Is it right?")
JUDGE = AssessmentSource(AssessmentSourceType.LLM_JUDGE, "openai:/judge")


def someone(workspace, name, *roles):
    return replace(workspace, actor=Actor(name, frozenset(roles or (Role.REVIEWER,))))


def judged(workspace, value, question="Where is my parcel?", name="right", **more):
    """An answer with a judge's verdict."""
    id = leave(workspace, question, **more)
    mlflow.log_feedback(
        trace_id=id, name=name, value=value, source=JUDGE, metadata={"signalbox.version": "1"}, rationale="So."
    )
    return id


def queue_of(workspace, n=2, *, labels=(RIGHT,), rule=None, **more):
    for number in range(n):
        leave(workspace, f"Question {number}?")
    return reviews.make(workspace, Form("Fresh", rule or Rule(Pick.RANDOM, share=1.0), labels, **more))


def judge(place, queue, id, value, why=""):
    desk.take(place, queue, id)
    desk.judge(place, queue, id, {"right": value}, why)


def test_each_rule_picks_its_answers_newest_first_and_only_once(workspace, monkeypatch):
    reads = []
    good, bad = judged(workspace, True), judged(workspace, False)
    other = judged(workspace, False, name="kind")
    tried = judged(workspace, False, origin="try")
    broken = judged(workspace, False, error=True)
    opinions.give(workspace, good, False, "It is wrong.")
    scorers.save(workspace, ScorerSpec("right", "guidelines", {"guidelines": ["Be right."]}))

    def found(rule):
        return [one.trace_id for one in stored.items(workspace, reviews.make(workspace, Form("q", rule, (RIGHT,))).id)]

    assert found(Rule(Pick.FAILED)) == [other, bad]
    assert found(Rule(Pick.FAILED, scorer="right")) == [bad]
    assert found(Rule(Pick.FAILED, scorer="right", live_only=False)) == [tried, bad]
    scale = {"instructions": "Rate {{ outputs }}", "answer": "number", "low": 1, "high": 5}
    scorers.records.keep(workspace, ScorerSpec("stars", "judge", scale), Verb.SAVE_SCORER)
    low = judged(workspace, 2, name="stars")
    judged(workspace, 4, name="stars")
    assert found(Rule(Pick.FAILED, scorer="stars")) == [low]
    assert found(Rule(Pick.COMPLAINT)) == [good]
    assert found(Rule(Pick.DISAGREE, scorer="right")) == [good]
    read = health.reading.read
    with monkeypatch.context() as patch:
        patch.setattr(health.reading, "read", lambda *told: reads.append(told) or read(*told))
        assert found(Rule(Pick.DISAGREE)) == [good] and len(reads) == 1, "one reading does for all scorers"
    assert found(Rule(Pick.RANDOM, share=1.0, most=9))[2:] == [other, bad, good]
    assert found(Rule(Pick.CRITICAL)) == [] and broken not in found(Rule(Pick.RANDOM, share=1.0))


def test_the_answers_of_an_evaluation_wait_all_of_them_or_only_what_matters(workspace):
    asked = {"model_id": "m-1", "prompt_name": "support", "requested_version": 1, "dataset_id": "d-1", "job_id": 0}
    asked |= {"dataset_name": "Questions", "dataset_sha256": "ab" * 32, "scorers": {"right": 1}, "practice": True}
    tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(asked | {"actor": "ada"})}
    run_id = workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id
    line = {"expected": "", "topic": "", "language": "en", "answer": "A.", "error": "", "seconds": 0.5}
    line |= {"prompt_version": 1, "prompt_seen": True, "right.rationale": "", "right.reason": None}
    verdicts = [True, False, False, None]
    rows = [
        {
            "row_id": f"r{n}",
            "question": f"{n}?",
            "trace_id": f"tr-{n}",
            "critical": n < 2,
            "right": verdict,
            "state": state,
        }
        for n, (verdict, state) in enumerate(zip(verdicts, ("OK", "OK", "OK", "ERROR"), strict=True))
    ]
    scores = {"right": {"mean": 0.25, "judged": 3, "rows": 4, "kind": "pass", "failed": 1}}
    whole = {"rows": 4, "failed": 1, "prompt_version": 1, "prompt_seen": True, "scores": scores}
    table.keep(run_id, pd.DataFrame([line | row for row in rows]), whole)
    workspace.client.set_terminated(run_id, "FINISHED")

    def found(rule):
        return [one.trace_id for one in stored.items(workspace, reviews.make(workspace, Form("q", rule, (RIGHT,))).id)]

    assert found(Rule(Pick.EVALUATION, run_id=run_id)) == ["tr-0", "tr-1", "tr-2"]
    assert found(Rule(Pick.EVALUATION, run_id=run_id, scorer="right")) == ["tr-1", "tr-2"]
    assert found(Rule(Pick.EVALUATION, run_id=run_id, critical=True)) == ["tr-0", "tr-1"]
    assert found(Rule(Pick.CRITICAL)) == ["tr-0", "tr-1"]


def test_a_random_share_is_the_same_whenever_it_is_looked_for_and_about_as_large_as_asked():
    ids = [f"tr-{number}" for number in range(2_000)]
    drawn = {id for id in ids if picking.drawn(id, 0.2, "7")}
    assert 320 <= len(drawn) <= 480 and drawn == {id for id in ids if picking.drawn(id, 0.2, "7")}
    assert drawn <= {id for id in ids if picking.drawn(id, 0.5, "7")}
    assert drawn != {id for id in ids if picking.drawn(id, 0.2, "8")}


def test_a_list_is_read_without_spans_and_no_further_than_needed(workspace, monkeypatch):
    read = []
    infos = picking.read_infos

    def counted(*arguments):
        for info in infos(*arguments):
            read.append(info.trace_id)
            yield info

    monkeypatch.setattr(picking, "read_infos", counted)
    monkeypatch.setattr(traces, "stored", lambda *_: pytest.fail("a list loaded spans"))
    queue_of(workspace, 5, rule=Rule(Pick.RANDOM, share=1.0, most=2))
    assert len(read) == 2


def test_a_queue_that_grows_takes_new_answers_up_to_its_size(workspace, monkeypatch):
    queue = queue_of(workspace, 1, rule=Rule(Pick.RANDOM, share=1.0, most=3, grows=True))
    for number in range(4):
        leave(workspace, f"Later {number}?")
    assert reviews.refresh(workspace, queue) == 0, "somebody looked a moment ago"
    monkeypatch.setattr(reviews, "LOOK_AGAIN", timedelta(0))
    assert reviews.refresh(workspace, queue) == 2 and reviews.refresh(workspace, queue) == 0
    assert len(stored.items(workspace, queue.id)) == 3


def test_what_a_person_says_is_an_assessment_in_their_name(workspace):
    labels = (
        RIGHT,
        Label("tone", Kind.CATEGORY, options=("warm", "cold")),
        Label("stars", Kind.NUMBER, low=1, high=5, needed=False),
        Label("expected_response", Kind.ANSWER, needed=False),
    )
    queue = queue_of(workspace, 1, labels=labels)
    [item] = stored.items(workspace, queue.id)
    desk.take(workspace, queue, item.id)
    said = {"right": False, "tone": "cold", "stars": 2, "expected_response": "Tomorrow."}
    desk.judge(workspace, queue, item.id, said, "It is curt.")

    given = {one.name: one for one in workspace.client.get_trace(item.trace_id).info.assessments}
    assert {name: (one.feedback or one.expectation).value for name, one in given.items()} == said
    assert {(one.source.source_type, one.source.source_id) for one in given.values()} == {("HUMAN", "ada")}
    assert given["tone"].rationale == "It is curt." and given["expected_response"].expectation is not None
    line = audit.events(workspace)[0]
    assert (line.verb, line.subject, line.outcome, line.why) == ("review_answer", item.trace_id, "done", "")
    assert line.after["said"] == list(said), "what somebody wrote is erased with the trace, the audit log never"
    assert "curt" not in str(line) and line.after["assessments"]["tone"] == [given["tone"].assessment_id]
    assert way.of(workspace, queue).finished and way.of(workspace, queue).waiting == ()


def test_said_again_it_takes_the_place_of_what_was_said(workspace):
    queue = queue_of(workspace, 1)
    [item] = stored.items(workspace, queue.id)
    judge(workspace, queue, item.id, True)
    judge(workspace, queue, item.id, False, "On second thought.")
    [one] = workspace.client.get_trace(item.trace_id).info.assessments
    assert (one.feedback.value, one.rationale) == (False, "On second thought.")


def test_what_is_missing_or_does_not_fit_is_refused_and_nothing_is_kept(workspace):
    labels = (RIGHT, Label("tone", Kind.CATEGORY, options=("warm", "cold"), needed=False))
    queue = queue_of(workspace, 1, labels=labels)
    [item] = stored.items(workspace, queue.id)
    for values in ({}, {"right": None}, {"right": "yes"}, {"right": True, "tone": "hot"}):
        with pytest.raises(InvalidInputError):
            desk.judge(workspace, queue, item.id, values)
    with pytest.raises(InvalidInputError, match="needs a reason"):
        desk.skip(workspace, queue, item.id, " ")
    with pytest.raises(InvalidInputError, match="2001 characters"):
        desk.judge(workspace, queue, item.id, {"right": True}, "x" * 2_001)
    assert workspace.client.get_trace(item.trace_id).info.assessments == []


def test_only_reviewers_who_are_asked_may_judge(workspace):
    queue = queue_of(workspace, 1, reviewers=("bob",))
    [item] = stored.items(workspace, queue.id)
    viewer, bob = someone(workspace, "eve", Role.VIEWER), someone(workspace, "bob")
    for write in (
        lambda: desk.take(viewer, queue, item.id),
        lambda: desk.judge(viewer, queue, item.id, {"right": True}),
        lambda: desk.skip(viewer, queue, item.id, "why"),
        lambda: desk.undo(viewer, queue),
        lambda: reviews.make(viewer, Form("q", Rule(Pick.RANDOM), (RIGHT,))),
        lambda: reviews.fill(viewer, queue),
        lambda: reviews.close(viewer, queue),
    ):
        with pytest.raises(ForbiddenError):
            write()
    with pytest.raises(ConflictError):
        desk.take(someone(workspace, "carl"), queue, item.id)
    assert reviews.waiting(viewer) == [] and reviews.waiting(someone(workspace, "carl")) == []
    assert [(one.id, n) for one, n in reviews.waiting(bob)] == [(queue.id, 1)]
    with pytest.raises(NotFoundError):
        reviews.get(replace(workspace, app=replace(workspace.app, id="another")), queue.id)


def test_two_reviewers_at_once_get_different_answers(workspace):
    queue = queue_of(workspace, 6)
    people = [someone(workspace, name) for name in ("ada", "bob", "carl")]
    start, got = threading.Barrier(len(people)), {}

    def work(place):
        mine = got[place.actor.id] = []
        start.wait()
        while (id := way.of(place, queue).next()) is not None:
            try:
                desk.take(place, queue, id)
            except ConflictError:
                continue
            mine.append(id)
            desk.judge(place, queue, id, {"right": True})

    threads = [threading.Thread(target=work, args=(place,)) for place in people]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    judged_by = [id for ids in got.values() for id in ids]
    assert sorted(judged_by) == [item.id for item in stored.items(workspace, queue.id)]
    counts = [len(workspace.client.get_trace(i.trace_id).info.assessments) for i in stored.items(workspace, queue.id)]
    assert counts == [1] * 6


def test_an_answer_left_lying_goes_to_the_next_and_cannot_be_overwritten(workspace, monkeypatch):
    queue = queue_of(workspace, 1)
    [item] = stored.items(workspace, queue.id)
    bob = someone(workspace, "bob")
    desk.take(workspace, queue, item.id)
    with pytest.raises(ConflictError, match="Somebody else"):
        desk.take(bob, queue, item.id)
    assert way.of(bob, queue).waiting == ()

    monkeypatch.setattr(desk, "IN_HAND", timedelta(seconds=-1))
    desk.take(workspace, queue, item.id)
    monkeypatch.setattr(desk, "IN_HAND", timedelta(minutes=15))
    assert way.of(bob, queue).waiting == (item.id,)
    judge(bob, queue, item.id, True)
    with pytest.raises(ConflictError, match="Somebody else"):
        desk.judge(workspace, queue, item.id, {"right": False})
    assert [one.source.source_id for one in workspace.client.get_trace(item.trace_id).info.assessments] == ["bob"]


def test_skipping_leaves_an_answer_to_others_and_undo_brings_it_back(workspace):
    queue = queue_of(workspace, 2)
    first, second = (item.id for item in stored.items(workspace, queue.id))
    bob = someone(workspace, "bob")
    desk.skip(workspace, queue, first, "Not my field")
    judge(workspace, queue, second, True)
    mine = way.of(workspace, queue)
    assert (mine.waiting, mine.complete, mine.aside, mine.finished) == ((), 1, 1, True)
    assert way.of(bob, queue).waiting == (first,)

    assert desk.undo(workspace, queue) == second and desk.undo(workspace, queue) == first
    with pytest.raises(ConflictError, match="nothing to take back"):
        desk.undo(workspace, queue)
    assert way.of(workspace, queue).waiting == (first, second)
    kept = stored.items(workspace, queue.id)[1].trace_id
    assert workspace.client.get_trace(kept).info.assessments == []
    assert [one.verb for one in audit.events(workspace) if one.outcome == "done"][:2] == ["undo_review"] * 2


def test_the_way_leads_forward_and_back_and_round_again(workspace):
    queue = queue_of(workspace, 3)
    one, two, three = (item.id for item in stored.items(workspace, queue.id))
    judge(workspace, queue, two, True)
    mine = way.of(workspace, queue)
    assert (mine.beside(one, 1), mine.beside(one, -1), mine.beside(three, 1)) == (two, None, None)
    assert (mine.next(), mine.next(one), mine.next(three)) == (one, three, one)


def double(workspace, values, referee="rita", **more):
    """A queue in which ada and bob said these pairs, one answer after the other."""
    queue = queue_of(workspace, len(values), double=True, referee=referee, **more)
    bob = someone(workspace, "bob")
    for item, (one, other) in zip(stored.items(workspace, queue.id), values, strict=True):
        judge(workspace, queue, item.id, one)
        judge(bob, queue, item.id, other)
    return queue


def test_a_referee_decides_where_two_differ_and_health_goes_by_that_word(workspace):
    queue = double(workspace, [(True, True), (True, False)])
    same, split = stored.items(workspace, queue.id)
    assert (same.settled, split.settled) == (SAME, DIFFER)
    carl, rita = someone(workspace, "carl"), someone(workspace, "rita")
    assert way.of(carl, queue).waiting == () and way.of(rita, queue).waiting == (split.id,)
    assert way.of(workspace, queue).waiting == () and not way.of(workspace, queue).finished

    item = desk.take(rita, queue, split.id)
    assert item.of("rita").seat == REFEREE
    seen = shown.show(rita, queue, item)
    assert [one.said for one in seen.others] == [{"right": True}, {"right": False}] and seen.story.verdicts == ()
    for _once_more in range(2):
        desk.judge(rita, queue, split.id, {"right": False}, "The date is wrong.")

    assert stored.items(workspace, queue.id)[1].settled == REFEREED and way.of(workspace, queue).finished
    by = {one.source.source_id: one for one in workspace.client.get_trace(split.trace_id).info.assessments}
    assert (by["ada"].valid, by["bob"].valid, by["rita"].feedback.value) == (False, True, False)
    spec = scorers.save(workspace, ScorerSpec("right", "guidelines", {"guidelines": ["Be right."]}))
    for item in (same, split):
        mlflow.log_feedback(
            trace_id=item.trace_id, name="right", value=True, source=JUDGE, metadata={"signalbox.version": "1"}
        )
    known = health.of(workspace, spec)
    assert known.agreement.n == 2 and [(one.trace_id, one.passed) for one in known.disagreements] == [
        (split.trace_id, True)
    ]
    with pytest.raises(ConflictError, match="referee has decided"):
        desk.judge(workspace, queue, split.id, {"right": False})
    with pytest.raises(ConflictError, match="referee has decided"):
        desk.undo(workspace, queue)
    assert desk.undo(rita, queue) == split.id
    by = {one.source.source_id: one for one in workspace.client.get_trace(split.trace_id).info.assessments}
    assert by["ada"].valid and by.keys() == {"ada", "bob"} | ({"openai:/judge"} & by.keys())
    assert stored.items(workspace, queue.id)[1].settled == DIFFER


def test_reviewers_do_not_see_what_the_other_said_nor_verdicts_before_their_own(workspace):
    queue = queue_of(workspace, 1, double=True, blind=True)
    [item] = stored.items(workspace, queue.id)
    judge(workspace, queue, item.id, True, "Fine.")
    bob = someone(workspace, "bob")
    item = desk.take(bob, queue, item.id)
    seen = shown.show(bob, queue, item)
    assert seen.story.verdicts == () and seen.others == () and seen.mine.said == {}
    assert shown.verdicts_hidden(queue, item, "bob") and not shown.verdicts_hidden(queue, item, "ada")
    assert shown.show(workspace, queue, item).mine.said == {"right": True}


def test_a_review_whose_process_died_before_the_end_is_settled_when_the_queue_is_opened(workspace, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(desk, "settle", lambda *_: None)
        queue = double(workspace, [(True, False)])
    assert stored.items(workspace, queue.id)[0].settled is None
    reviews.refresh(someone(workspace, "eve", Role.VIEWER), queue)
    assert stored.items(workspace, queue.id)[0].settled is None, "who only looks writes nothing"
    reviews.refresh(workspace, queue)
    [item] = stored.items(workspace, queue.id)
    assert item.settled == DIFFER
    judge(someone(workspace, "rita"), queue, item.id, False)
    with writing(workspace.engine) as connection:
        stored.settle(connection, item.id, DIFFER)
    reviews.refresh(workspace, queue)
    assert stored.items(workspace, queue.id)[0].settled == REFEREED


def test_what_cannot_be_read_any_more_is_not_the_same_opinion(workspace, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(desk, "settle", lambda *_: None)
        queue = double(workspace, [(True, False)])
    [item] = stored.items(workspace, queue.id)
    workspace.client.delete_traces(workspace.app.experiment_id, trace_ids=[item.trace_id])
    reviews.refresh(workspace, queue)
    assert stored.items(workspace, queue.id)[0].settled is None
    assert desk.undo(workspace, queue) == item.id, "nor does it keep anybody from taking a review back"


def test_a_turn_of_somebody_else_with_the_same_number_is_not_touched(workspace):
    queue = queue_of(workspace, 2)
    first, second = stored.items(workspace, queue.id)
    judge(workspace, queue, first.id, True)
    mine = stored.items(workspace, queue.id)[0]
    desk.undo(workspace, queue)
    bob = someone(workspace, "bob")
    judge(bob, queue, first.id, True)
    his = stored.items(workspace, queue.id)[0]
    assert his.of("bob").id == mine.of("ada").id
    with pytest.raises(ConflictError, match="meanwhile"):
        desk.take_back(workspace, queue, mine, mine.of("ada"))
    with writing(workspace.engine) as connection:
        assert not stored.end(connection, replace(his.of("bob"), item_id=second.id), "done", marks={})
    assert stored.items(workspace, queue.id)[0] == his


def test_what_was_logged_but_never_noted_is_taken_back(workspace):
    queue = queue_of(workspace, 1)
    [item] = stored.items(workspace, queue.id)

    def die():
        desk.take(workspace, queue, item.id)
        marks.log(workspace, queue, item, 1, {"right": False}, "")

    def values():
        return [one.feedback.value for one in workspace.client.get_trace(item.trace_id).info.assessments]

    die()
    judge(workspace, queue, item.id, True)
    assert values() == [True]
    desk.undo(workspace, queue)
    die()
    with writing(workspace.engine) as connection:
        stored.let_go(connection, queue.id, "ada")
    assert values() == [False]
    desk.take(workspace, queue, item.id)
    assert values() == []


def test_where_only_two_reviewers_are_named_anyone_may_decide_between_them(workspace):
    queue = double(workspace, [(True, False)], referee="", reviewers=("ada", "bob"))
    [item] = stored.items(workspace, queue.id)
    assert (
        way.of(workspace, queue).waiting == () and way.of(someone(workspace, "eve", Role.VIEWER), queue).waiting == ()
    )
    judge(someone(workspace, "carl"), queue, item.id, False)
    assert stored.items(workspace, queue.id)[0].settled == REFEREED


def test_a_queue_whose_first_answers_cannot_be_looked_for_is_not_made(workspace):
    missing = Form("q", Rule(Pick.EVALUATION, run_id="0" * 32), (RIGHT,))
    with pytest.raises(ConsoleError):
        reviews.make(workspace, missing)
    assert reviews.all(workspace) == []


def test_the_outcome_tells_what_people_said_how_they_agree_and_how_scorers_do(workspace):
    queue = double(workspace, [(True, True), (False, False), (True, True), (True, False)], referee="")
    items = stored.items(workspace, queue.id)
    for item, value in zip(items, (True, True, True, False), strict=True):
        mlflow.log_feedback(trace_id=item.trace_id, name="polite", value=value, source=JUDGE)
    found = outcome.of(workspace, queue)
    [said] = found.labels
    assert (said.counts, said.n, found.open_disagreements) == (((True, 2), (False, 1)), 3, 1)
    assert (said.between.agreed, said.between.n, round(said.between.kappa, 2)) == (3, 4, 0.5)
    [by] = found.scorers
    assert (by.name, by.passed, by.judged, by.label, by.agreement.agreed, by.agreement.n) == (
        "polite", 3, 4, "right", 2, 3,
    )  # fmt: skip
    assert found.failed("right") == [items[1].trace_id]
    judge(someone(workspace, "carl"), queue, items[3].id, False)
    found = outcome.of(workspace, queue)
    assert (found.open_disagreements, found.refereed, found.labels[0].n) == (0, 1, 4)
    assert found.labels[0].between.n == 4, "what a referee overrode still counts as said"


def test_a_scorer_of_numbers_is_compared_with_the_number_of_its_name_also_when_it_was_put_right(workspace):
    scale = {"instructions": "Rate {{ outputs }}", "answer": "number", "low": 1, "high": 5}
    for name in ("stars", "kind"):
        scorers.records.keep(workspace, ScorerSpec(name, "judge", scale), Verb.SAVE_SCORER)
    queue = queue_of(workspace, 2, labels=(RIGHT, Label("stars", Kind.NUMBER, low=1, high=5)))
    items = stored.items(workspace, queue.id)
    for item, (given, said) in zip(items, ((4, 5), (4, 1)), strict=True):
        mine = mlflow.log_feedback(
            trace_id=item.trace_id, name="stars", value=given, source=JUDGE, metadata={"signalbox.version": "1"}
        )
        desk.take(workspace, queue, item.id)
        desk.judge(workspace, queue, item.id, {"right": True, "stars": said})
    mlflow.override_feedback(
        trace_id=items[1].trace_id, assessment_id=mine.assessment_id, value=1, source=AssessmentSource("HUMAN", "bob")
    )
    [by] = outcome.of(workspace, queue).scorers
    assert (by.name, by.label, by.judged, by.agreement.n, by.agreement.agreed) == ("stars", "stars", 2, 2, 1)


def test_reviewed_answers_go_into_a_dataset_with_the_right_answer(workspace):
    labels = (RIGHT, Label("expected_response", Kind.ANSWER, needed=False))
    queue = queue_of(workspace, 2, labels=labels)
    dataset = datasets.create(workspace, "Questions", [Row("", "Question 0?", expected="Old."), Row("", "Else?")])
    for item in stored.items(workspace, queue.id):
        desk.judge(workspace, queue, item.id, {"right": False, "expected_response": "New."})
    ids = outcome.of(workspace, queue).failed("right")
    assert collecting.collect(workspace, queue, dataset.id, ids, critical=True) == 2
    rows = {row.question: (row.expected, row.critical) for row in datasets.rows(workspace, dataset.id)}
    assert rows == {"Question 0?": ("New.", True), "Else?": ("", False), "Question 1?": ("New.", True)}
    assert collecting.collect(workspace, queue, dataset.id, ids) == 0
    with pytest.raises(ForbiddenError):
        collecting.collect(someone(workspace, "bob"), queue, dataset.id, ids)


def test_of_several_answers_to_one_question_what_a_reviewer_wrote_is_expected(workspace):
    labels = (RIGHT, Label("expected_response", Kind.ANSWER, needed=False))
    noted = leave(workspace, "Else?")
    mlflow.log_expectation(trace_id=noted, name="expected_response", value="Somebody else's.")
    for _time in range(3):
        leave(workspace, "Question 0?")
    queue = queue_of(workspace, 1, labels=labels)
    dataset = datasets.create(
        workspace, "Questions", [Row("", "Question 0?", expected="Old."), Row("", "Else?", expected="Old.")]
    )
    failed, wrote, *others = [one for one in stored.items(workspace, queue.id) if one.trace_id != noted]
    for item, said in ((wrote, {"right": False, "expected_response": "New."}), (failed, {"right": False})):
        desk.judge(workspace, queue, item.id, said)
    for item in others:
        desk.judge(workspace, queue, item.id, {"right": True})
    ids = [one.trace_id for one in stored.items(workspace, queue.id)]
    assert collecting.collect(workspace, queue, dataset.id, ids, answers=True) == 1
    rows = {row.question: row.expected for row in datasets.rows(workspace, dataset.id)}
    assert rows == {"Question 0?": "New.", "Else?": "Old."}, "what stands gives way to this queue's reviewers only"

    fresh = datasets.create(workspace, "Failed", [Row("", "What else?")])
    collecting.collect(workspace, queue, fresh.id, [failed.trace_id], answers=True)
    assert [row.expected for row in datasets.rows(workspace, fresh.id)] == ["", ""], (
        "a failed answer is expected of nobody"
    )


def test_a_queue_that_would_teach_nothing_is_refused(workspace):
    rule = Rule(Pick.RANDOM)
    for form in (
        Form(" ", rule, (RIGHT,)),
        Form("q", rule, ()),
        Form("q", rule, (RIGHT, RIGHT)),
        Form("q", rule, (replace(RIGHT, needed=False),)),
        Form("q", rule, (Label("tone", Kind.CATEGORY, options=("warm", "warm")),)),
        Form("q", rule, (Label("stars", Kind.NUMBER, low=5, high=5),)),
        Form("q", replace(rule, share=0.0), (RIGHT,)),
        Form("q", replace(rule, most=501), (RIGHT,)),
        Form("q", Rule(Pick.EVALUATION), (RIGHT,)),
        Form("q", rule, (RIGHT,), reviewers=("bob", "rita"), referee="rita", double=True),
    ):
        with pytest.raises(InvalidInputError):
            reviews.make(workspace, form)
    assert reviews.all(workspace) == []


def test_a_closed_queue_waits_for_nobody_until_it_is_opened_again(workspace):
    queue = queue_of(workspace, 1)
    [item] = stored.items(workspace, queue.id)
    reviews.close(workspace, queue)
    closed = reviews.get(workspace, queue.id)
    assert reviews.waiting(workspace) == []
    with pytest.raises(ConflictError, match="closed"):
        desk.judge(workspace, closed, item.id, {"right": True})
    reviews.close(workspace, queue, closed=False)
    judge(workspace, queue, item.id, True)
    reviews.close(workspace, queue)
    with pytest.raises(ConflictError, match="closed"):
        desk.undo(workspace, queue)
    reviews.close(workspace, queue, closed=False)
    desk.undo(workspace, queue)
    assert [n for _queue, n in reviews.waiting(workspace)] == [1]


def test_reviews_of_answers_that_newer_traffic_pushed_out_still_measure_the_scorer(workspace, monkeypatch):
    spec = scorers.save(workspace, ScorerSpec("right", "guidelines", {"guidelines": ["Be right."]}))
    old = judged(workspace, True)
    queue = reviews.make(workspace, Form("Old", Rule(Pick.RANDOM, share=1.0), (RIGHT,)))
    judge(workspace, queue, stored.items(workspace, queue.id)[0].id, False)
    leave(workspace, "Newer?")
    monkeypatch.setattr(health.reading, "MOST_READ", 1)
    assert [(one.trace_id, one.passed) for one in health.of(workspace, spec).disagreements] == [(old, True)]
