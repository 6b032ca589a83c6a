"""Datasets: first questions, the grid, files, traces, versions, doubles, and the one that releases are judged on."""

from dataclasses import replace

import pytest

from pages.components.datasets import from_traces
from services import apps, datasets, jobs, traces
from services.datasets import Row, saving, unfinished
from services.errors import PlatformError
from services.jobs import Work
from services.messages import Message
from services.traces.opinions import give
from tests.pages.conftest import texts
from tests.services.datasets.test_gathering import leave

ROWS = [
    Row("", "Where is my parcel?", "Soon.", True, "delivery", "en"),
    Row("", "返品できますか?", "", False, "returns", "ja"),
]
TURNS = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "?"})


@pytest.fixture
def dataset(workspace):
    return datasets.create(workspace, "Questions", ROWS)


def grid(dataset, turn=0):
    return f"grid-{dataset.id}-{dataset.updated_at.timestamp()}-{turn}"


def type_into(shown, dataset, turn=0, **changes):
    shown.session_state[grid(dataset, turn)] = {"edited_rows": {}, "added_rows": [], "deleted_rows": []} | changes
    return shown.run()


def asked(workspace, id):
    return [row.question for row in datasets.rows(workspace, id)]


def test_the_first_questions_are_pasted(screen, workspace):
    shown = screen("datasets")
    assert "no questions yet" in texts(shown)

    shown.text_input(key="new-support-name").set_value("March")
    shown.text_area(key="new-support-text").set_value("One?\n\nTwo?")
    shown.text_input(key="new-support-topic").set_value("delivery")
    shown.button(key="create").click().run()

    assert not shown.exception
    made = datasets.all(workspace)[0]
    assert [(row.question, row.topic) for row in datasets.rows(workspace, made.id)] == [
        ("One?", "delivery"),
        ("Two?", "delivery"),
    ]
    assert "March" in texts(shown) and "Questions: 2" in texts(shown)


def test_a_dataset_without_questions_is_refused_in_words(screen, workspace):
    shown = screen("datasets")
    shown.text_input(key="new-support-name").set_value("March")
    shown.button(key="create").click().run()

    assert "There are no questions" in texts(shown).replace("\\", "")
    assert datasets.all(workspace) == []


def test_many_questions_are_saved_by_a_job_that_the_page_follows(screen, workspace, finish, monkeypatch):
    monkeypatch.setattr(saving, "AT_ONCE", 2)
    shown = screen("datasets")
    shown.text_input(key="new-support-name").set_value("March")
    shown.text_area(key="new-support-text").set_value("One?\nTwo?\nThree?")
    shown.button(key="create").click().run()

    made = datasets.all(workspace)[0]
    assert "as soon as they are saved" in texts(shown) and not [one for one in shown.button if one.key == "save"]
    work = Work(workspace.engine, jobs.claim(workspace.engine))
    work.save({"begun": True})
    jobs.fail(workspace.engine, work.job, PlatformError(Message("MLflow is away."), Message("Wait.")))
    shown.run()
    assert "MLflow is away" in texts(shown)
    shown.button(key="resume-saving").click().run()
    finish(workspace, unfinished.latest(workspace, made.id))
    shown.run()

    assert not shown.exception and "Questions: 3" in texts(shown)


def test_the_list_opens_a_dataset(screen, workspace, dataset):
    shown = screen("datasets")

    shown.button(key=f"open-{dataset.id}").click().run()

    assert "critical: 1" in texts(shown)
    shown.button(key="back").click().run()
    assert [one for one in shown.button if one.key == f"open-{dataset.id}"]


def test_the_grid_shows_and_saves_rows(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)
    assert "Questions: 2" in texts(shown) and "critical: 1" in texts(shown)

    type_into(
        shown, dataset, edited_rows={1: {"expected": "Yes."}}, added_rows=[{"question": "New?"}, {}], deleted_rows=[0]
    )
    shown.button(key="save").click().run()

    assert not shown.exception
    saved = datasets.rows(workspace, dataset.id)
    assert [(row.question, row.expected) for row in saved] == [("返品できますか?", "Yes."), ("New?", "")]


def test_what_two_people_typed_is_both_kept(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)
    type_into(shown, dataset, edited_rows={0: {"expected": "Mine."}}, added_rows=[{"question": "My own?"}])
    theirs = [replace(ROWS[0], expected="Theirs.", topic="post"), ROWS[1], Row("", "Their own?")]
    datasets.save_rows(workspace, dataset.id, theirs)

    shown.button(key="save").click().run()

    said = texts(shown).replace("\\", "")
    assert "was changed while you worked on it" in said and "1 questions were changed by both" in said
    assert asked(workspace, dataset.id) == ["Where is my parcel?", "返品できますか?", "Their own?"]
    shown.button(key="save").click().run()
    saved = datasets.rows(workspace, dataset.id)
    assert [row.question for row in saved] == ["Where is my parcel?", "返品できますか?", "Their own?", "My own?"]
    assert (saved[0].expected, saved[0].topic) == ("Mine.", "post")


def test_many_rows_are_searched_and_paged_without_losing_edits(screen, workspace):
    rows = [Row("", f"Question number {n}?", f"Answer {n}.") for n in range(250)]
    made = datasets.create(workspace, "Many", rows)
    shown = screen("datasets", dataset=made.id)
    type_into(shown, made, edited_rows={3: {"expected": "First edit."}})

    shown.text_input(key=f"questions-{made.id}-words").set_value("number 249").run()
    assert "1 of 250 questions" in texts(shown) and "Not saved yet, from here and other pages: 1" in texts(shown)
    type_into(shown, made, 1, edited_rows={0: {"topic": "last"}})
    shown.button(key="save").click().run()

    saved = datasets.rows(workspace, made.id)
    assert len(saved) == 250 and saved[3].expected == "First edit." and saved[249].topic == "last"


def test_an_empty_question_survives_saving(screen, workspace):
    made = datasets.create(workspace, "Empty one", [Row("", ""), Row("", "Two?")])
    shown = screen("datasets", dataset=made.id)

    shown.button(key="save").click().run()

    assert asked(workspace, made.id) == ["", "Two?"]


def test_questions_are_added_and_answers_stay(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id, view="add")

    shown.text_area(key="add-support-text").set_value("Where is my parcel?\nThree?")
    shown.button(key="add").click().run()

    saved = datasets.rows(workspace, dataset.id)
    assert [(row.question, row.expected) for row in saved[::2]] == [("Where is my parcel?", "Soon."), ("Three?", "")]
    assert shown.text_area(key="add-support-text").value == ""


def test_a_conversation_is_typed_and_read(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id, view="add")
    shown.segmented_control(key="add-support-way").set_value("talk").run()
    shown.text_area(key="add-support-talk").set_value("Hi\nYes?")
    shown.button(key="add").click().run()
    assert "odd number of lines" in texts(shown)

    shown.text_area(key="add-support-talk").set_value("Hi\nYes?\nAnd now?")
    shown.button(key="add").click().run()

    row = datasets.rows(workspace, dataset.id)[-1]
    assert row.question == "And now?" and [one["role"] for one in row.messages] == ["user", "assistant", "user"]
    assert "Yes?" in [one.value for one in screen("datasets", dataset=dataset.id).text]


def test_a_file_is_mapped_shown_and_written(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id, view="add")
    shown.segmented_control(key="add-support-way").set_value("file").run()
    data = "Frage,期待する答え,言語\nWhere is my parcel?,Late.,en\nNew?,Yes.,en\n,nothing,ja\n".encode("cp932")
    shown.file_uploader[0].upload("q.csv", data, "text/csv").run()
    assert "No line is a question yet" in texts(shown)

    next(one for one in shown.selectbox if one.label == "Question").set_value("Frage").run()
    assert "1 line cannot be taken" in texts(shown) and "new: 1 · changed: 0 · as they are: 1" in texts(shown)
    assert list(shown.dataframe[0].value["Language"]) == ["English", "English"]
    assert list(shown.dataframe[1].value["Why"]) == ["it has no question"]
    assert len(asked(workspace, dataset.id)) == 2
    shown.toggle(key=f"file-update-{dataset.id}").set_value(True).run()
    shown.button(key="write-file").click().run()

    saved = datasets.rows(workspace, dataset.id)
    assert [(row.question, row.expected) for row in saved[::2]] == [("Where is my parcel?", "Late."), ("New?", "Yes.")]


def test_complaints_become_questions_that_know_their_trace(screen, workspace, dataset):
    leave(workspace, "Fine?", "Yes.")
    bad = leave(workspace, "Bad one?", "No idea.")
    give(workspace, bad, False, "wrong")
    shown = screen("datasets", dataset=dataset.id, view="add")
    shown.segmented_control(key="add-support-way").set_value("traces").run()
    shown.selectbox(key="add-support-traces-which").set_value("complaint")
    shown.button(key="add-support-traces-find").click().run()
    assert "found: 1" in texts(shown)

    shown.button(key="take").click().run()

    row = datasets.rows(workspace, dataset.id)[-1]
    assert (row.question, row.source) == ("Bad one?", bad)
    assert traces.get(workspace, row.source).answer == "No idea."


def test_traces_are_not_read_again_at_every_click(screen, workspace, dataset, monkeypatch):
    read = []
    monkeypatch.setattr(from_traces, "scorers_that_failed", lambda _workspace, hours: read.append(hours) or ["polite"])
    shown = screen("datasets", dataset=dataset.id, view="add")
    shown.segmented_control(key="add-support-way").set_value("traces").run()
    assert shown.selectbox(key="add-support-traces-scorer").options == ["polite"]

    shown.text_input(key="add-support-traces-text").set_value("parcel").run()
    assert read == [24.0 * 7]
    shown.selectbox(key="add-support-traces-hours").set_value(24.0).run()
    assert read == [24.0 * 7, 24.0]


def test_versions_tell_what_changed_and_come_back(screen, workspace, dataset):
    datasets.save_rows(workspace, dataset.id, [replace(ROWS[0], expected="Later."), Row("", "New?")])
    shown = screen("datasets", dataset=dataset.id, view="versions")
    assert "added: 1 · removed: 1 · changed: 1 · unchanged: 0" in texts(shown)
    assert list(shown.dataframe[0].value["Who"]) == ["ada", "ada"]

    shown.button(key="restore").click().run()

    assert not shown.exception
    assert [replace(row, id="") for row in datasets.rows(workspace, dataset.id)] == ROWS


def test_doubles_are_named_and_dropped(screen, workspace):
    rows = [Row("", "Where is my parcel?"), Row("", "WHERE  is my parcel?"), Row("", "Can I pay later?")]
    made = datasets.create(workspace, "Doubles", rows)
    shown = screen("datasets", dataset=made.id, view="checkup")
    said = texts(shown).replace("\\", "")
    assert "3 rows: too few to tell 0.8 from 0.9 apart" in said and "No question is marked as critical" in said

    shown.button(key="drop-doubles").click().run()

    assert asked(workspace, made.id) == ["Where is my parcel?", "Can I pay later?"]


def test_a_dataset_is_divided_into_parts(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id, view="checkup")

    shown.number_input(key=f"parts-{dataset.id}-share").set_value(50)
    shown.toggle(key=f"parts-{dataset.id}-topic").set_value(False)
    shown.button(key="divide").click().run()

    assert sorted(row.split for row in datasets.rows(workspace, dataset.id)) == ["test", "train"]


def test_variations_say_that_a_model_is_missing(screen, dataset):
    shown = screen("datasets", dataset=dataset.id, view="add")
    shown.segmented_control(key="add-support-way").set_value("vary").run()

    assert "practice model" in texts(shown) and "OPENAI_BASE_URL" in texts(shown).replace("\\", "")


def test_one_dataset_is_chosen_for_releases(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)

    shown.button(key="use").click().run()

    assert apps.get(workspace, "support").dataset_id == dataset.id
    assert not [one for one in shown.button if one.key == "use"]


def test_an_unknown_dataset_is_said(screen, dataset):
    assert "There is no dataset" in texts(screen("datasets", dataset="d-unknown"))


@pytest.mark.parametrize("view", ["questions", "add", "checkup", "versions", "export"])
def test_the_screen_speaks_japanese(screen, dataset, view):
    shown = screen("datasets", language="ja", dataset=dataset.id, view=view)

    assert not shown.exception and "質問：2" in texts(shown)
