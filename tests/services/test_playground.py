"""The playground: what is tried is what is served, side by side, in parallel, and failures are sentences."""

import time
from dataclasses import replace

import mlflow
import pytest
from mlflow.types.responses import ResponsesAgentRequest

from services import datasets, people, playground, prompts
from services.datasets import Row
from services.errors import BlockedError, ConflictError, ForbiddenError, InvalidInputError, NotReadyError, PlatformError
from services.playground import Desk, Question, Slot, State, calls, runs
from services.playground.answer import LONGEST_ANSWER
from services.prompts import ChatMessage, Content, ModelSettings, drafts
from tests.left_traces import leave
from tests.practice_server import practice_server
from tests.stub_model import stub_model

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


@pytest.fixture
def model(environ):
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "k", "SIGNALBOX_MODEL": "practice"}
        yield stub


@pytest.fixture
def written(workspace):
    prompts.save(workspace, "greeting", "Be short, {{company_name}}.", "")
    prompts.save(workspace, "greeting", "Be kind, {{tone}}.", "")
    return workspace


def desk(*questions, versions=(1, 2), **values):
    asked = tuple(Question(text, text) for text in questions or ("Hello", "Bye"))
    return Desk("greeting", tuple(Slot(f"s{n}", n) for n in versions), asked, values)


def resolved(workspace, wanted, draft=None):
    return playground.resolve(workspace, wanted, prompts.history(workspace, wanted.prompt), draft)


def start(workspace, wanted, before=None):
    return playground.start(workspace, wanted, resolved(workspace, wanted), before)


def wait(run, true=lambda run: not run.live, seconds=20):
    end = time.monotonic() + seconds
    while not true(run):
        assert time.monotonic() < end, {key: cell.answer.now for key, cell in run.cells.items()}
        time.sleep(0.01)
    return {key: cell.answer.now for key, cell in run.cells.items()}


def told(workspace, wanted):
    return " ".join(
        f"{one.message} {one.remedy}" for one in playground.blockers(workspace, wanted, resolved(workspace, wanted))
    )


def test_the_template_is_filled_before_the_model_sees_it(model, workspace):
    answer = "".join(playground.stream(workspace, "For {{company_name}}, {{tone}}.", "Hello"))
    assert "For Acme, friendly." in answer
    assert model.requests[-1]["messages"][-1] == {"role": "user", "content": "Hello"}


def test_a_quick_try_is_cut_where_a_run_is(model, workspace):
    model.answer = lambda system, question: f"{'x' * LONGEST_ANSWER} more words"
    assert len("".join(playground.stream(workspace, "Hello", "Hello"))) == LONGEST_ANSWER


def test_a_quick_try_that_never_ends_is_ended(model, workspace, monkeypatch):
    monkeypatch.setattr("services.playground.runs.LONGEST_SECONDS", 0.2)
    model.answer, model.between_words = lambda system, question: "word " * 100, 0.05
    begun = time.monotonic()
    with pytest.raises(PlatformError) as ended:
        list(playground.stream(workspace, "Hello", "Hello"))
    assert "not finished after" in str(ended.value)
    assert time.monotonic() - begun < 4


def test_a_quick_try_uses_the_contents_own_settings(model, workspace):
    content = Content((ChatMessage("system", "Be kind."),), ModelSettings(model_name="better", temperature=0.1))
    assert "".join(playground.stream(workspace, content, "Hello")) == "Be kind. | Hello"
    assert (model.requests[-1]["model"], model.requests[-1]["temperature"]) == ("better", 0.1)


def test_a_bad_template_is_refused_before_the_model_is_asked(model, workspace):
    with pytest.raises(InvalidInputError):
        list(playground.stream(workspace, "{{a-b}}", "Hello"))
    assert model.requests == []


@pytest.mark.parametrize(("status", "told"), [(429, "busy"), (500, "500"), (401, "key"), (400, "stubbed failure")])
def test_what_the_model_answers_becomes_a_sentence(model, workspace, status, told):
    model.status = status
    with pytest.raises(Exception, match=told):
        list(playground.stream(workspace, "Hello", "Hello"))


def test_a_model_that_is_not_there_is_said(environ, workspace):
    with pytest.raises(PlatformError, match="could not be reached"):
        playground.check_model(workspace, "practice")


def test_a_model_that_the_responses_api_does_not_reach_says_what_to_choose(model, workspace):
    playground.check_model(workspace, "m", "responses")
    assert (model.requests[0]["input"], model.requests[0]["store"]) == ("Hello", False)
    model.status = 404
    with pytest.raises(PlatformError, match="Choose Chat Completions"):
        playground.check_model(workspace, "m", "responses")


CONTENTS = [
    Content("You are {{tone}} at {{company_name}}. {{question}}"),
    Content("No variables", ModelSettings("better", 0.2, 50, 0.5, ("END",), {"top_k": 4}), SCHEMA),
    Content("{{tone}}", ModelSettings(temperature=0.0), {"type": "json_object"}),
    Content((ChatMessage("system", "At {{company_name}}"), ChatMessage("user", "Hi"), ChatMessage("assistant", "Ho"))),
    Content((ChatMessage("user", "Asked: {{question}}"), ChatMessage("system", "Be {{tone}}."))),
    Content((ChatMessage("user", "Be {{tone}}."), ChatMessage("assistant", "{{question}}?"))),
]


@pytest.mark.parametrize("question", ["Where is it?", "{{tone}} and {{question}} \\1"])
def test_what_is_tried_is_what_the_logged_agent_sends(workspace, question):
    from services.logged.responses_agent import Agent

    agent = Agent()
    agent.config |= {
        "prompt_name": "greeting",
        "llm_model": workspace.app.model,
        "company_name": workspace.app.company,
        "constants": dict(workspace.app.constants),
    }
    request = ResponsesAgentRequest(input=[{"role": "user", "content": question}])
    for content in CONTENTS:
        saved = prompts.save(workspace, "greeting", content, "")
        agent.config["prompt_version"] = str(saved.version)
        messages = playground.assembled(saved.content, workspace.app.variables, question)
        tried = playground.arguments(workspace, saved.content) | {"messages": messages}
        assert tried == agent._prepare(request, question).arguments


def test_every_variant_answers_every_question(model, written):
    run = start(written, desk())
    cells = wait(run)
    assert {key: cell.text for key, cell in cells.items()} == {
        ("s1", "Hello"): "Be short, Acme. | Hello",
        ("s2", "Hello"): "Be kind, friendly. | Hello",
        ("s1", "Bye"): "Be short, Acme. | Bye",
        ("s2", "Bye"): "Be kind, friendly. | Bye",
    }
    one = cells["s1", "Hello"]
    assert (one.state, one.sent, one.got, one.estimated, one.finish_reason) == (State.DONE, 7, 3, False, "stop")
    assert 0 < one.first <= one.seconds < 10


def test_answers_come_at_the_same_time_but_eight_at_most(model, written):
    model.between_words = 0.4
    run = start(written, desk(*(f"Question {n}" for n in range(6))))
    wait(run, lambda run: model.most_open >= 8)
    wait(run)
    assert model.most_open == 8
    assert run.done == 12


def test_an_answer_grows_while_it_is_watched(model, written):
    model.between_words, model.answer = 0.1, lambda system, question: "one two three four five six"
    run = start(written, desk("Hello", versions=(1,)))
    cells = wait(run, lambda run: "two" in run.cells["s1", "Hello"].answer.now.text)
    assert cells["s1", "Hello"].live
    assert "six" not in cells["s1", "Hello"].text
    assert wait(run)["s1", "Hello"].text.endswith("six")


@pytest.mark.parametrize("where", ["streaming", "before the first word"])
def test_a_cancelled_run_hangs_up_and_keeps_what_came(model, written, where):
    if where == "streaming":
        model.between_words, model.answer = 0.05, lambda system, question: "word " * 400
    else:
        model.seconds = 3.0
    run = start(written, desk("Hello", versions=(1,)))
    wait(run, lambda run: run.cells["s1", "Hello"].answer.now.text or (model.requests and where != "streaming"))
    begun = time.monotonic()
    playground.cancel(run)
    cell = wait(run)["s1", "Hello"]
    assert time.monotonic() - begun < 1
    assert cell.state is State.CANCELLED
    if where == "streaming":
        assert model.hung_up.wait(3)
        assert cell.text.startswith("word")
        assert cell.estimated


def test_cancelling_reaches_also_the_answers_that_wait_for_their_turn(model, written):
    model.seconds = 0.5
    for _ in range(4):
        run = start(written, desk(*(f"Question {n}" for n in range(12)), versions=(1, 2)))
        wait(run, lambda run: model.requests)
        playground.cancel(run)
        cells = wait(run)
        assert {cell.state for cell in cells.values()} <= {State.CANCELLED, State.DONE}
        assert not run.live


def test_a_failed_cell_leaves_the_others_alone_and_can_be_asked_again(model, written):
    model.status_of = lambda question: 429 if question == "Bye" else 200
    run = start(written, desk())
    cells = wait(run)
    assert [cell.state for key, cell in cells.items() if key[1] == "Hello"] == [State.DONE, State.DONE]
    failed = cells["s1", "Bye"]
    assert failed.state is State.FAILED
    assert "busy" in str(failed.error.message)
    assert "Wait a minute" in str(failed.error.remedy)
    model.status_of = lambda question: 200
    playground.retry(written, run, "s1", "Bye")
    cells = wait(run)
    assert cells["s1", "Bye"].text == "Be short, Acme. | Bye"
    assert cells["s2", "Bye"].state is State.FAILED


def test_a_model_that_says_nothing_in_time_is_told(model, written, monkeypatch):
    monkeypatch.setattr(runs, "LONGEST_SECONDS", 0.3)
    model.between_words, model.answer = 0.1, lambda system, question: "word " * 100
    cell = wait(start(written, desk("Hello", versions=(1,))))["s1", "Hello"]
    assert "not finished after" in str(cell.error.message)
    assert cell.text.startswith("word")


def test_a_cut_answer_and_an_unknown_end_are_named(model, written):
    model.finish_reason = "length"
    cell = wait(start(written, desk("Hello", versions=(1,))))["s1", "Hello"]
    assert str(playground.finished(cell.finish_reason)) == "cut by the token limit"
    assert playground.finished("stop") is None
    assert playground.finished("something new") == "something new"


def test_an_endless_answer_is_cut(model, written, monkeypatch):
    monkeypatch.setattr("services.playground.answer.LONGEST_ANSWER", 50)
    model.answer = lambda system, question: "word " * 100
    cell = wait(start(written, desk("Hello", versions=(1,))))["s1", "Hello"]
    assert cell.finish_reason == "too_long"
    assert len(cell.text) < 60


def test_tokens_are_marked_as_a_guess_when_the_model_does_not_count(model, written):
    model.with_usage = False
    cell = wait(start(written, desk("Hello", versions=(1,))))["s1", "Hello"]
    assert cell.estimated
    assert (cell.sent, cell.got) == (calls.estimated_tokens("Be short, Acme.Hello"), calls.estimated_tokens(cell.text))


def test_the_price_is_mlflows_and_an_unknown_one_is_none(model, written):
    priced = Slot("s1", 1, fields=ModelSettings(model_name="gpt-4.1-mini"))
    wanted = replace(desk("Hello"), slots=(priced, Slot("s2", 2)))
    cells = wait(start(written, wanted))
    assert cells["s1", "Hello"].cost == pytest.approx((7 * 0.4 + 3 * 1.6) / 1e6)
    assert cells["s2", "Hello"].cost is None


def test_what_is_set_here_outranks_the_versions_own_settings(model, workspace):
    prompts.save(workspace, "greeting", Content("Hi", ModelSettings("a", 0.5, 100, None, ("END",))), "")
    slot = Slot("s1", 1, fields=ModelSettings(temperature=0.0, max_tokens=7))
    wait(start(workspace, Desk("greeting", (slot,), (Question("q", "Hello"),))))
    asked = model.requests[-1]
    assert (asked["model"], asked["temperature"], asked["max_tokens"], asked["stop"]) == ("a", 0.0, 7, ["END"])


def test_only_missing_answers_are_asked_again(model, written):
    first = start(written, desk("Hello"))
    wait(first)
    wanted = desk("Hello", "Bye")
    assert playground.missing(written, wanted, resolved(written, wanted), first) == 2
    second = start(written, wanted, first)
    wait(second)
    assert len(model.requests) == 4
    assert playground.missing(written, wanted, resolved(written, wanted), second) == 0
    changed = replace(wanted, slots=(wanted.slots[0], replace(wanted.slots[1], edited="Other")))
    assert playground.missing(written, changed, resolved(written, changed), second) == 2


def test_everything_that_holds_a_run_back_is_said_before(model, written):
    assert "There is no question." in told(written, replace(desk(), questions=()))
    assert "No version is chosen." in told(written, desk(versions=()))
    assert "Version 9 is not there" in told(written, desk(versions=(9,)))
    assert "42 answers at once are too many; 40" in told(written, desk(*map(str, range(21))))
    assert "longer than 200 kB" in told(written, desk("é" * 100_001))
    assert "You have no draft" in told(written, replace(desk(), slots=(Slot("d", None),)))
    unfilled = replace(desk(), slots=(Slot("s1", 1, "Dear {{person}}"),))
    assert "Nothing fills the variable {{person}}." in told(written, unfilled)
    assert told(written, replace(unfilled, values={"person": "Ada"})) == ""
    assert "A: The prompt is empty." in told(written, replace(desk(), slots=(Slot("s1", 1, " "),)))
    with pytest.raises(BlockedError, match="no question"):
        start(written, replace(desk(), questions=()))
    assert model.requests == []


def test_a_value_typed_here_reaches_the_model_but_replaces_none_of_the_apps(model, written):
    wanted = replace(desk("Hello", person="Ada", tone="rude"), slots=(Slot("s1", 1, "{{person}} {{tone}}"),))
    assert wait(start(written, wanted))["s1", "Hello"].text == "Ada friendly | Hello"


def test_a_response_format_on_the_practice_model_is_held_back(workspace):
    prompts.save(workspace, "greeting", Content("Hi", response_format=SCHEMA), "")
    assert "the practice model cannot give" in told(workspace, desk(versions=(1,)))


def test_the_practice_model_answers_free_of_charge(workspace):
    prompts.save(workspace, "greeting", "Be polite.", "")
    with practice_server(workspace.settings.gateway_port):
        slot = Slot("s1", 1, fields=ModelSettings(max_tokens=3))
        cell = wait(start(workspace, Desk("greeting", (slot,), (Question("q", "Where is my parcel?"),))))["s1", "q"]
        known = playground.reach(workspace, patience=5)
    assert (cell.finish_reason, cell.got, cell.cost) == ("length", 3, None)
    assert known.models == ("practice",)
    assert not known.lists("other")


def test_a_server_that_is_not_there_is_known_before_anything_is_asked(workspace):
    known = playground.reach(workspace, patience=8)
    assert "could not be reached" in str(known.error)


@pytest.mark.parametrize(("models", "lists"), [(("a",), False), (None, True)])
def test_a_server_without_a_list_of_models_is_trusted(model, workspace, models, lists):
    model.models = models
    assert playground.reach(workspace, patience=5).lists("practice") is lists


def test_a_run_belongs_to_the_person_who_began_it(model, written):
    run = start(written, desk("Hello"))
    wait(run)
    other = replace(written, actor=people.Actor("bob", people.ALL_ROLES))
    assert playground.find(written, run.id) is run
    assert playground.latest(written, "greeting") is run
    assert playground.find(other, run.id) is None
    assert playground.latest(other, "greeting") is None


def test_runs_are_bounded(model, written, monkeypatch):
    monkeypatch.setattr(runs, "_runs", {})
    monkeypatch.setattr(runs, "MOST_KEPT", 3)
    for _ in range(6):
        wait(start(written, desk("Hello", versions=(1,))))
    assert len(runs._runs) == 3
    monkeypatch.setattr(runs, "MOST_LIVE", 1)
    model.seconds = 1.0
    live = start(written, desk("Hello"))
    with pytest.raises(NotReadyError):
        start(written, desk("Hello"))
    playground.cancel(live)


def test_who_may_not_try_may_not_run(model, written):
    viewer = replace(written, actor=people.Actor("eve", frozenset({people.Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        start(viewer, desk())
    with pytest.raises(ForbiddenError):
        list(playground.stream(viewer, "Hello", "Hello"))
    assert model.requests == []


def test_a_variant_is_saved_with_the_settings_it_was_tried_with(written):
    slot = Slot("s1", 1, "Be brief.", ModelSettings(temperature=0.3))
    tried = replace(desk(), slots=(slot,))
    saved = playground.save(written, tried, "s1", "tried it")
    assert (saved.version, saved.template, saved.content.settings.temperature, saved.base) == (3, "Be brief.", 0.3, 1)
    assert resolved(written, tried)[0].number == 3
    with pytest.raises(ConflictError, match="version 3 already"):
        playground.save(written, tried, "s1", "")
    with pytest.raises(ConflictError, match="not there any more"):
        playground.save(written, tried, "s9", "")
    assert len(prompts.history(written, "greeting")) == 3


def test_saving_my_draft_leaves_a_newer_one_of_another_tab(written):
    mine = drafts.keep(written, drafts.Draft("greeting", Content("Be calm."), "", 2))
    tried = replace(desk(), slots=(Slot("s1", None),))
    saved = playground.save(written, tried, "s1", "")
    assert saved.template == "Be calm." and drafts.mine(written, "greeting") is None
    newer = drafts.keep(written, drafts.Draft("greeting", Content("Be calmer."), "", 2))
    drafts.drop(written, "greeting", mine.revision - 1)
    assert drafts.mine(written, "greeting").content == newer.content


def test_a_response_format_that_is_no_json_yet_is_told_and_not_lost(written):
    drafts.keep(written, drafts.Draft("greeting", Content("Be calm."), "", 2, typed_format='{"type":'))
    tried = replace(desk("Hello"), slots=(Slot("s1", None),))
    (told,) = [
        one
        for one in playground.blockers(written, tried, playground.resolve(
            written, tried, prompts.history(written, "greeting"), drafts.mine(written, "greeting")))
        if "not JSON yet" in str(one.message)
    ]  # fmt: skip
    assert not told.blocking
    with pytest.raises(InvalidInputError):
        playground.save(written, tried, "s1", "")
    assert drafts.mine(written, "greeting").typed_format == '{"type":'


def test_a_desk_is_kept_within_bounds_and_only_for_who_may_try(written):
    viewer = replace(written, actor=people.Actor("eve", frozenset({people.Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        playground.keep(viewer, desk())
    with pytest.raises(InvalidInputError):
        playground.keep(written, desk(*(f"{n}?" for n in range(101))))
    with pytest.raises(InvalidInputError):
        playground.keep(written, desk("x" * 2_000_001))
    assert playground.kept(written, "greeting") is None


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ([{"id": "a"}, {"name": "b"}, "c"], ("a",)),
        ({"data": None}, ()),
        ({"models": [{"id": "a"}]}, ()),
        ("ready", ()),
        (7, ()),
        ({"data": [{"id": 3}, {"id": "a"}]}, ("a",)),
    ],
)
def test_a_list_of_models_in_another_shape_is_no_defect(model, workspace, listed, names):
    model.listed = listed
    playground.ask_again(workspace)
    assert playground.reach(workspace, patience=10).models == names


def test_the_desk_comes_back_as_it_was_left(written):
    chat = (ChatMessage("system", "Hi"), ChatMessage("user", "{{question}}"))
    left = Desk(
        "greeting",
        (Slot("a", None, chat, ModelSettings(temperature=0.5)), Slot("b", 2, "text")),
        (Question("q", "Hello", "trace", "tr-1"),),
        {"person": "Ada"},
    )
    playground.keep(written, left)
    assert playground.kept(written, "greeting") == left
    assert playground.kept(written, "other") is None


def test_a_first_visit_sees_the_newest_beside_what_is_live(written):
    prompts.save(written, "greeting", "Three", "")
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    found = prompts.history(written, "greeting")
    seen = playground.first(written, "greeting", found, None)
    assert [slot.version for slot in seen.slots] == [3, 1]
    assert [one.text for one in seen.questions] == ["Where is my parcel?"]
    assert [slot.version for slot in playground.first(written, "greeting", found, Content("x")).slots] == [None, 1]


def test_an_address_opens_versions_without_losing_edited_copies(written):
    edited = Slot("e", 1, "Edited")
    opened = playground.opened(replace(desk(), slots=(edited, Slot("s", 2))), (2,), draft=True)
    assert [(slot.version, slot.edited) for slot in opened.slots] == [(None, None), (2, None), (1, "Edited")]
    assert opened.slots[1].id == "s"


def test_a_question_is_added_to_a_dataset_once(workspace):
    made = datasets.create(workspace, "Questions", [Row("", "One", expected="1")])
    playground.add_to_dataset(workspace, made.id, "Two")
    assert [(row.question, row.expected) for row in datasets.rows(workspace, made.id)] == [("One", "1"), ("Two", "")]
    with pytest.raises(ConflictError, match="asks this already"):
        playground.add_to_dataset(workspace, made.id, "Two ")


def test_the_question_of_a_trace_is_taken_whole(workspace):
    long = "Where is it? " * 200
    id = leave(workspace, long)
    leave(workspace, "a probe", origin="probe")
    taken = playground.of_trace(workspace, f" {id} ")
    assert (taken.text, taken.kind, taken.source) == (long, "trace", id)
    assert [row.trace_id for row in playground.newest_traces(workspace)] == [id]
