"""What other tools wrote into a dataset is read, and survives an edit of another row."""

import json

import mlflow
import pytest

from services import datasets
from services.datasets import Row, exporting, shapes
from services.workspace import Workspace

PARTS = [{"type": "input_text", "text": "Where is"}, {"type": "input_image", "image_url": "x"}, {"text": "my parcel?"}]
FOREIGN = [
    {"inputs": {"question": "One?"}, "expectations": {"expected_response": "1", "tone": "warm"}, "tags": {"who": "me"}},
    {"inputs": {"query": "Two?"}, "expectations": {"expected_facts": ["a", "b"], "guidelines": "Be short."}},
    {"inputs": {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Three?"}]}},
    {"inputs": {"question": "Four?", "context": "A"}, "expectations": {"ground_truth": "4"}},
    {"inputs": {"question": "Four?", "context": "B"}},
    {"inputs": {"request": {"input": [{"role": "user", "content": PARTS}], "custom_inputs": {"a": 1}}}},
    {"inputs": {"width": 3, "height": 4}},
    {"inputs": {"input": [{"role": "user", "content": "Six?"}, {"role": "assistant", "content": "6"}]}},
]


def written(inputs: dict) -> str:
    return json.dumps(inputs, sort_keys=True)


def stored(workspace: Workspace, id: str) -> dict[str, tuple]:
    found = workspace.client.get_dataset(id).records
    return {written(one.inputs): (one.expectations, one.tags, one.outputs, one.source_type) for one in found}


@pytest.fixture
def foreign(workspace: Workspace) -> str:
    made = workspace.client.create_dataset(name="Foreign", experiment_id=[workspace.app.experiment_id])
    made.merge_records(FOREIGN)
    return made.dataset_id


def test_rows_of_every_shape_are_read(workspace, foreign):
    rows = {row.question: row for row in datasets.rows(workspace, foreign)}

    assert set(rows) == {
        "One?",
        "Two?",
        "Three?",
        "Four?\n\ncontext: A",
        "Four?\n\ncontext: B",
        "Where is\nmy parcel?",
        '{"height": 4, "width": 3}',
        "Six?",
    }
    assert rows["One?"].expected == "1" and rows["Four?\n\ncontext: A"].expected == "4"
    assert rows["Two?"].expected_facts == ("a", "b") and rows["Two?"].guidelines == ("Be short.",)
    assert [one["role"] for one in rows["Three?"].messages] == ["system", "user"]
    assert datasets.inputs_of(rows["One?"]) == datasets.inputs("One?")
    assert len({row.id for row in rows.values()}) == len(FOREIGN)


def test_an_edit_of_one_row_leaves_the_others_alone(workspace, foreign):
    before = stored(workspace, foreign)

    rows = [
        Row(**{**vars(row), "expected": "Edited."}) if row.question == "Six?" else row
        for row in datasets.rows(workspace, foreign)
    ]
    datasets.save_rows(workspace, foreign, [*rows, Row("", "New?")])

    after = stored(workspace, foreign)
    assert set(after) == {*before, written(datasets.inputs("New?"))}
    for asked, (expectations, tags, outputs, source) in before.items():
        if "Six?" in asked:
            assert after[asked][0] == {**(expectations or {}), "expected_response": "Edited."}
        else:
            assert after[asked][0] == expectations
        assert {**after[asked][1], **tags} == after[asked][1] and after[asked][2:] == (outputs, source)


def test_a_reworded_question_keeps_its_shape_and_notes(workspace, foreign):
    rows = [
        Row(**{**vars(row), "question": "Uno?"}) if row.question == "One?" else row
        for row in datasets.rows(workspace, foreign)
    ]
    datasets.save_rows(workspace, foreign, rows)

    kept = {written(one.inputs): one for one in workspace.client.get_dataset(foreign).records}
    assert written({"question": "One?"}) not in kept
    record = kept[written({"question": "Uno?"})]
    assert record.expectations == {"expected_response": "1", "tone": "warm"} and record.tags["who"] == "me"


def test_records_that_differ_beside_their_messages_stay(workspace):
    made = workspace.client.create_dataset(name="Users", experiment_id=[workspace.app.experiment_id])
    asked = [{"role": "user", "content": "Hi"}]
    made.merge_records([{"inputs": {"messages": asked, "user": n}, "tags": {"n": str(n)}} for n in (1, 2)])

    [row] = datasets.rows(workspace, made.dataset_id)
    datasets.save_rows(workspace, made.dataset_id, [row, Row("", "New?")])
    kept = workspace.client.get_dataset(made.dataset_id).records
    assert {one.inputs.get("user") for one in kept} == {1, 2, None}
    [row, _new] = datasets.rows(workspace, made.dataset_id)
    datasets.save_rows(workspace, made.dataset_id, [Row(**{**vars(row), "question": "Hello"})])

    kept = workspace.client.get_dataset(made.dataset_id).records
    assert {(one.inputs["messages"][0]["content"], one.inputs["user"], one.tags["n"]) for one in kept} == {
        ("Hello", 1, "1"),
        ("Hello", 2, "2"),
    }
    datasets.save_rows(workspace, made.dataset_id, [Row("", "New?")])
    assert datasets.get(workspace, made.dataset_id).rows == 1


def test_half_a_character_of_another_tool_stops_nothing(workspace):
    made = workspace.client.create_dataset(name="Halves", experiment_id=[workspace.app.experiment_id])
    made.merge_records([{"inputs": {"query": "Half \ud800?"}, "expectations": {"expected_response": "\ud800"}}])

    [row] = datasets.rows(workspace, made.dataset_id)
    version = datasets.snapshot(workspace, made.dataset_id)

    assert (row.question, row.expected) == ("Half \ufffd?", "\ufffd")
    assert exporting.to_csv([row]) and len(version.rows) == 1


def test_a_restored_row_has_the_shape_it_had(workspace, foreign):
    version = datasets.snapshot(workspace, foreign)
    datasets.save_rows(workspace, foreign, [Row("", "Only this?")])

    datasets.restore(workspace, foreign, version.sha256)

    kept = {written(one.inputs) for one in workspace.client.get_dataset(foreign).records}
    assert kept == {written(one["inputs"]) for one in FOREIGN}


def test_a_conversation_is_one_row_with_its_own_id(workspace):
    turns = (
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "?"},
    )
    made = datasets.create(workspace, "Talks", [Row("", "Where is it?", messages=turns, split="test"), Row("", "?")])

    talk, single = datasets.rows(workspace, made.id)
    assert talk.question == "Where is it?" and talk.messages[-1]["content"] == "Where is it?" and talk.split == "test"
    assert talk.id == datasets.request_id(datasets.inputs_of(talk)["input"]) != single.id == datasets.row_id("?")


def test_a_notebook_evaluates_what_was_typed_here(workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION", "true")
    made = datasets.create(workspace, "Typed", datasets.pasted("One?\nTwo?"))
    asked = []
    mlflow.set_experiment(experiment_id=workspace.app.experiment_id)

    @mlflow.genai.scorers.scorer
    def polite(outputs):
        return "please" in outputs

    mlflow.genai.evaluate(
        data=mlflow.genai.datasets.get_dataset(dataset_id=made.id),
        predict_fn=lambda input: asked.append(input) or f"please: {input[-1]['content']}",
        scorers=[polite],
    )

    assert sorted(one[-1]["content"] for one in asked) == ["One?", "Two?"]
    assert all(one == [{"role": "user", "content": one[0]["content"]}] for one in asked)


def test_text_parts_are_joined_and_pictures_left_out():
    assert shapes.text(PARTS) == "Where is\nmy parcel?" and shapes.text(None) == ""
