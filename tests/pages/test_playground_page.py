"""Playground: versions side by side on the same questions, from the first look to a saved version."""

import time

import pytest

from services import datasets, playground, prompts
from services.datasets import Row
from services.playground import State, runs
from services.prompts import ChatMessage, Content, ModelSettings, drafts
from services.prompts.drafts import Draft
from tests.left_traces import leave
from tests.pages.conftest import texts
from tests.stub_model import stub_model


def read(shown):
    return texts(shown).replace("\\", "")


@pytest.fixture(autouse=True)
def no_runs(monkeypatch):
    monkeypatch.setattr(runs, "_runs", {})


@pytest.fixture
def model():
    with stub_model() as stub:
        yield stub


@pytest.fixture
def environ(environ, model):
    """Before anything reads it: a model of our own answers."""
    return environ | {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "k"}


@pytest.fixture
def written(workspace):
    prompts.save(workspace, "greeting", "Be short, {{company_name}}.", "first")
    prompts.save(workspace, "greeting", "Be kind, {{tone}}.", "warmer <b>tone</b>")
    return workspace


def ids(shown, kind):
    return [button.key.removeprefix(f"{kind}-") for button in shown.button if str(button.key).startswith(f"{kind}-")]


def slots(shown):
    return ids(shown, "copy")


def field(shown, slot, what):
    return f"field/playground/support/greeting/{slot}/{what}"


def finish(shown):
    """Look again until nothing is on its way, as the screen does by itself."""
    end = time.monotonic() + 20
    while any(button.key == "playground-cancel" for button in shown.button):
        assert time.monotonic() < end, read(shown)
        time.sleep(0.05)
        shown.run()
    assert not shown.exception
    return shown


def ask(shown):
    return finish(shown.button(key="playground-ask").click().run())


def add(shown, question):
    shown.text_area(key=field(shown, "ask", "typed")).set_value(question)
    return shown.button(key="add-typed").click().run()


def test_without_prompts_the_page_says_what_to_do(screen):
    assert "There is no prompt yet" in read(screen("playground"))


def test_two_versions_answer_the_apps_first_question(screen, written):
    shown = ask(screen("playground"))
    told = read(shown)
    assert "Be kind, friendly. | Where is my parcel?" in told
    assert "Be short, Acme. | Where is my parcel?" in told
    assert "tokens 7 + 3" in told
    assert "first word 0." in told
    assert "US$\N{NO-BREAK SPACE}0.0000" in told
    assert "Answers: 1" in told


def test_answers_and_questions_appear_as_text(screen, written, model):
    model.answer = lambda system, question: "<b>bold</b> **stars** ![p](http://evil/x.png)"
    shown = ask(add(screen("playground"), "*Where?* <script>"))
    assert "<b>bold</b> **stars** ![p](http://evil/x.png)" in read(shown)
    assert "**stars**" not in texts(shown)
    assert "*Where?*" not in texts(shown)


def test_the_address_names_what_is_compared(screen, written):
    prompts.save(written, "greeting", "Three", "")
    shown = screen("playground", prompt="greeting", versions="1,3")
    chosen = [shown.selectbox(key=field(shown, slot, "source")).value for slot in slots(shown)]
    assert chosen == [1, 3]
    shown.selectbox(key=field(shown, slots(shown)[0], "source")).set_value(2).run()
    assert shown.query_params["versions"] == "2,3"


def test_a_version_that_is_not_there_is_said_before_asking(screen, written):
    shown = screen("playground", prompt="greeting", versions="1,9")
    assert "Version 9 is not there, or it is in the trash." in read(shown)
    assert shown.button(key="playground-ask").disabled


def test_an_edited_copy_with_own_settings_is_tried_and_saved(screen, written, model):
    shown = screen("playground", prompt="greeting", versions="2")
    slot = slots(shown)[0]
    shown.text_area(key=field(shown, slot, "text-0")).set_value("Be brief.")
    shown.number_input(key=field(shown, slot, "temperature")).set_value(0.3)
    ask(shown)
    assert "Be brief. | Where is my parcel?" in read(shown)
    assert model.requests[-1]["temperature"] == 0.3
    shown.text_input(key=field(shown, slot, "note")).set_value("tried")
    shown.button(key=f"save-{slot}").click().run()
    saved = prompts.version(written, "greeting", 3)
    assert (saved.template, saved.content.settings.temperature, saved.note, saved.base) == (
        "Be brief.",
        0.3,
        "tried",
        2,
    )
    assert shown.selectbox(key=field(shown, slot, "source")).value == 3
    assert "Be brief. | Where is my parcel?" in read(shown)
    assert "before the change" not in read(shown)
    assert shown.query_params["versions"] == "3"


def test_my_draft_is_tried_beside_what_is_saved_and_saved_itself(screen, written):
    drafts.keep(written, Draft("greeting", Content("My draft for {{tone}}."), "a note", base=2))
    shown = ask(screen("playground"))
    assert shown.query_params["draft"] == "1"
    assert "My draft for friendly. | Where is my parcel?" in read(shown)
    assert "**A** :gray[my draft]" in read(shown)
    slot = slots(shown)[0]
    assert shown.text_input(key=field(shown, slot, "note")).value == "a note"
    shown.button(key=f"save-{slot}").click().run()
    saved = prompts.version(written, "greeting", 3)
    assert (saved.template, saved.note, saved.base) == ("My draft for {{tone}}.", "a note", 2)
    assert drafts.mine(written, "greeting") is None
    assert "draft" not in shown.query_params


def test_an_edited_copy_outlasts_the_draft_it_was_copied_from(screen, written):
    drafts.keep(written, Draft("greeting", Content("My draft")))
    shown = screen("playground", prompt="greeting", draft="1")
    slot = slots(shown)[0]
    shown.text_area(key=field(shown, slot, "text-0")).set_value("My copy").run()
    drafts.discard(written, "greeting")
    again = screen("playground", prompt="greeting", draft="1")
    assert again.text_area(key=field(again, slot, "text-0")).value == "My copy"
    again.text_area(key=field(again, slot, "text-0")).set_value("My second copy").run()
    assert again.text_area(key=field(again, slot, "text-0")).value == "My second copy"
    again.button(key=f"undo-{slot}").click().run()
    assert "You have no draft of this prompt." in read(again)


def test_changes_can_be_taken_back(screen, written):
    shown = screen("playground", prompt="greeting", versions="2")
    slot = slots(shown)[0]
    shown.text_area(key=field(shown, slot, "text-0")).set_value("Be brief.").run()
    shown.button(key=f"undo-{slot}").click().run()
    assert shown.text_area(key=field(shown, slot, "text-0")).value == "Be kind, {{tone}}."
    assert not ids(shown, "undo")


def test_an_answer_of_before_a_change_is_marked(screen, written):
    shown = ask(screen("playground", prompt="greeting", versions="2"))
    shown.text_area(key=field(shown, slots(shown)[0], "text-0")).set_value("Other").run()
    assert "before the change" in read(shown)
    assert "Changed since its answers below." in read(shown)


def test_nothing_that_was_set_up_is_lost_by_a_reload(screen, written):
    shown = add(screen("playground", prompt="greeting", versions="2"), "A question of mine")
    slot = slots(shown)[0]
    shown.text_area(key=field(shown, slot, "text-0")).set_value("My copy")
    ask(shown)
    again = screen("playground", prompt="greeting", versions="2")
    assert again.text_area(key=field(again, slot, "text-0")).value == "My copy"
    assert "A question of mine" in read(again)
    assert "My copy | A question of mine" in read(again), "a run outlasts a reload while the console runs"


def test_a_browser_that_missed_the_first_run_sends_what_the_desk_holds(screen, written):
    shown = screen("playground", prompt="greeting").run()
    for slot, version in zip(slots(shown), (2, 1), strict=True):
        source, text = (
            shown.selectbox(key=field(shown, slot, "source")),
            shown.text_area(key=field(shown, slot, "text-0")),
        )
        assert source.proto.options[source.proto.default].startswith(f"version {version}")
        assert text.proto.default == prompts.version(written, "greeting", version).template


def test_a_finished_run_outlasts_a_look_at_another_page(screen, written):
    shown = ask(screen("playground"))
    shown.switch_page("admin/jobs.py").run()
    shown.switch_page("author/playground.py").run()
    assert "Be short, Acme. | Where is my parcel?" in read(shown)


def test_a_live_run_is_shown_and_cancelled(screen, written, model):
    model.between_words, model.answer = 0.05, lambda system, question: "word " * 400
    shown = screen("playground")
    shown.button(key="playground-ask").click().run()
    assert shown.button(key="playground-ask").disabled
    time.sleep(0.3)
    shown.run()
    assert "word word" in read(shown)
    shown.button(key="playground-cancel").click().run()
    finish(shown)
    assert model.hung_up.wait(3)
    assert "word word" in read(shown)
    assert not shown.button(key="playground-ask").disabled
    assert any("cancelled" in mark.value for mark in shown.markdown)


def test_one_failed_answer_says_why_and_is_asked_again(screen, written, model):
    model.status_of = lambda question: 429 if question == "Bye" else 200
    shown = ask(add(screen("playground", prompt="greeting", versions="1"), "Bye"))
    told = read(shown)
    assert "the model is busy (429)." in told
    assert "Wait a minute and try again" in told
    assert "Be short, Acme. | Where is my parcel?" in told
    model.status_of = lambda question: 200
    failed = next(key for key in ids(shown, "retry") if runs_state(key) is State.FAILED)
    finish(shown.button(key=f"retry-{failed}").click().run())
    assert "Be short, Acme. | Bye" in read(shown)
    assert len(model.requests) == 3


def runs_state(key):
    run = next(iter(runs._runs.values()))
    return next(cell.answer.now.state for (slot, question), cell in run.cells.items() if key == f"{slot}-{question}")


def test_only_what_is_missing_is_asked(screen, written, model):
    shown = add(ask(screen("playground")), "Second")
    finish(shown.button(key="playground-missing").click().run())
    assert len(model.requests) == 4
    assert "Be short, Acme. | Second" in read(shown)
    assert not [button for button in shown.button if button.key == "playground-missing"]


def test_what_the_first_answer_does_not_say_is_marked(screen, written, model):
    model.answer = lambda system, question: "Dear Ada, it comes.\nBye" + (" for *now*" if "kind" in system else "")
    shown = ask(screen("playground", prompt="greeting", versions="1,2"))
    shown.toggle(key="marks-support").set_value(True).run()
    assert "Bye :green-background[for *now*]" in read(shown)
    assert "*now*" not in texts(shown)


def test_a_cut_answer_is_marked(screen, written, model):
    model.finish_reason = "length"
    assert "cut by the token limit" in read(ask(screen("playground")))


def test_a_variable_that_nothing_fills_is_asked_for(screen, written):
    prompts.save(written, "greeting", "Dear {{person}}", "")
    shown = screen("playground", prompt="greeting", versions="3")
    assert "Nothing fills the variable {{person}}." in read(shown)
    assert shown.button(key="playground-ask").disabled
    shown.text_input(key=field(shown, "value", "person")).set_value("Ada").run()
    assert not shown.button(key="playground-ask").disabled
    assert "Dear Ada | Where is my parcel?" in read(ask(shown))


def test_a_model_server_that_refuses_is_said_before_asking(screen, written, model):
    model.status = 401
    shown = screen("playground")
    assert "the model refused the key. Check OPENAI_API_KEY." in read(shown)
    assert shown.button(key="playground-ask").disabled
    model.status = 200
    shown.button(key="look-again").click().run()
    assert not shown.button(key="playground-ask").disabled


def test_a_model_that_the_server_does_not_list_is_said(screen, written, model):
    model.models = ("other",)
    shown = screen("playground")
    assert "does not list the model gpt-4.1-mini" in read(shown)
    assert not shown.button(key="playground-ask").disabled


def test_versions_are_added_copied_and_taken_out(screen, written):
    shown = screen("playground", prompt="greeting", versions="1")
    shown.button(key="add-variant").click().run()
    shown.button(key=f"copy-{slots(shown)[0]}").click().run()
    shown.button(key="add-variant").click().run()
    assert len(slots(shown)) == 4
    assert shown.button(key="add-variant").disabled
    shown.button(key=f"out-{slots(shown)[1]}").click().run()
    chosen = [shown.selectbox(key=field(shown, slot, "source")).value for slot in slots(shown)]
    assert chosen == [1, 2, 2]


def test_questions_come_out_of_a_dataset_and_go_into_one(screen, written):
    made = datasets.create(written, "Questions", [Row("", "One"), Row("", "Two")])
    shown = add(screen("playground"), "Three")
    shown.segmented_control(key=field(shown, "ask", "kind")).set_value("dataset").run()
    shown.session_state[field(shown, "ask", f"rows-{made.id}-0")] = {
        "selection": {"rows": [1], "columns": [], "cells": []}
    }
    shown.button(key="add-rows").click().run()
    assert "**3**  Two" in read(shown)
    assert "from Questions" in read(shown)
    keep = ids(shown, "keep")
    shown.button(key=f"keep-{keep[1]}").click().run()
    assert [row.question for row in datasets.rows(written, made.id)] == ["One", "Two", "Three"]
    shown.button(key=f"keep-{keep[1]}").click().run()
    assert "The dataset Questions asks this already." in read(shown)


def test_questions_come_from_live_traffic_or_a_trace_id(screen, written):
    first, second = leave(written, "Live one"), leave(written, "A trial", origin="try")
    shown = screen("playground")
    shown.segmented_control(key=field(shown, "ask", "kind")).set_value("trace").run()
    shown.session_state[field(shown, "ask", "traces-0")] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    shown.text_input(key=field(shown, "ask", "trace")).set_value(second)
    shown.button(key="add-traces").click().run()
    assert "Live one" in read(shown)
    assert "A trial" in read(shown)
    shown.button(key="add-traces").click().run()
    assert "Nothing is chosen." in read(shown), "what was added is ticked no longer"
    shown.text_input(key=field(shown, "ask", "trace")).set_value("tr-nothing")
    shown.button(key="add-traces").click().run()
    assert "The trace tr-nothing does not exist" in read(shown)
    assert "Live one" in read(screen("playground", prompt="greeting", trace=first))


def test_a_tick_stays_at_its_question_while_others_are_asked(screen, written):
    leave(written, "The one that I mean")
    shown = screen("playground")
    shown.segmented_control(key=field(shown, "ask", "kind")).set_value("trace").run()
    leave(written, "Asked a moment later")
    shown.session_state[field(shown, "ask", "traces-0")] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    shown.run()
    shown.button(key="add-traces").click().run()
    assert "The one that I mean" in read(shown)
    assert playground.kept(written, "greeting").questions[-1].text == "The one that I mean"
    assert shown.dataframe[0].value["Question"][0] == "Asked a moment later", "the list goes on once nothing is ticked"


def test_a_long_question_is_cut_in_the_list_but_taken_whole(screen, written):
    long = "Where is it? " * 1_000
    made = datasets.create(written, "Questions", [Row("", long)])
    shown = screen("playground")
    shown.segmented_control(key=field(shown, "ask", "kind")).set_value("dataset").run()
    assert len(shown.dataframe[0].value["Question"][0]) <= 300
    shown.session_state[field(shown, "ask", f"rows-{made.id}-0")] = {
        "selection": {"rows": [0], "columns": [], "cells": []}
    }
    shown.button(key="add-rows").click().run()
    assert playground.kept(written, "greeting").questions[-1].text.strip() == long.strip()


def test_a_chat_prompt_is_edited_message_by_message(screen, workspace, model):
    chat = (ChatMessage("system", "Be kind."), ChatMessage("user", "Q: {{question}}"))
    prompts.save(workspace, "greeting", Content(chat, ModelSettings(stop_sequences=("END",))), "")
    shown = screen("playground")
    slot = slots(shown)[0]
    shown.text_area(key=field(shown, slot, "text-1")).set_value("Asked: {{question}}")
    assert "Be kind. | Asked: Where is my parcel?" in read(ask(shown))
    assert model.requests[-1]["stop"] == ["END"]


def test_what_is_empty_or_asked_already_is_refused(screen, written):
    shown = add(screen("playground"), "  ")
    assert "The question is empty." in read(shown)
    assert "on the list already" in read(add(shown, "Where is my parcel?"))
    assert ids(shown, "dismiss-refusal"), "beside the field, and until something is added"
    out = [key for key in ids(shown, "out") if key not in slots(shown)]
    shown.button(key=f"out-{out[0]}").click().run()
    assert "There is no question." in read(shown)
    assert shown.button(key="playground-ask").disabled


def test_a_viewer_sees_but_cannot_ask(screen, written, monkeypatch):
    monkeypatch.setattr("services.audit.allowed", lambda workspace, verb: False)
    assert screen("playground").button(key="playground-ask").disabled


def test_the_page_speaks_japanese(screen, written):
    shown = ask(screen("playground", language="ja"))
    assert "バージョン 2" in read(shown)
    assert "Not asked yet" not in read(shown)
