"""Datasets: rows keep their id, content has a hash, names may repeat."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import datasets, sample
from services.datasets import DatasetVersion, Row, filed, versions
from services.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, NotReadyError
from services.people import Actor, Role
from services.workspace import Workspace

ROWS = [
    Row("", "Where is my parcel?", "Two days.", True, "delivery", "en"),
    Row("", "返品できますか?", "30日以内。", False, "returns", "ja"),
    Row("", "", "Ask back.", True, "empty", "en"),
]


def test_rows_come_back_as_they_were_entered(workspace: Workspace) -> None:
    made = datasets.create(workspace, "Questions", ROWS)

    found = datasets.rows(workspace, made.id)
    assert [replace(row, id="") for row in found] == ROWS
    assert made.rows == 3 and made.name == "Questions"


def test_the_id_follows_from_the_question(workspace: Workspace) -> None:
    one, other = (datasets.create(workspace, name, ROWS) for name in ("A", "B"))

    ids = [[row.id for row in datasets.rows(workspace, made.id)] for made in (one, other)]
    assert ids[0] == ids[1] and len(set(ids[0])) == 3
    assert sample.row_id("Where is my parcel?") == ids[0][0]


def test_saving_replaces_the_whole_content(workspace: Workspace) -> None:
    made = datasets.create(workspace, "Questions", ROWS)
    changed = [Row("", "New?"), replace(ROWS[0], expected="Three days.", critical=False)]

    saved = datasets.save_rows(workspace, made.id, changed)

    assert saved.rows == 2
    assert [replace(row, id="") for row in datasets.rows(workspace, made.id)] == changed


def test_a_version_is_kept_under_its_hash(workspace: Workspace) -> None:
    made = datasets.create(workspace, "Questions", ROWS)

    first = datasets.snapshot(workspace, made.id)
    assert datasets.snapshot(workspace, made.id).sha256 == first.sha256
    datasets.save_rows(workspace, made.id, ROWS[:2])
    second = datasets.snapshot(workspace, made.id)

    assert second.sha256 != first.sha256
    folder = Path(workspace.settings.home) / "artifacts" / workspace.app.id / "datasets"
    lines = (folder / f"{first.sha256}.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["question"] for line in lines) == sorted(row.question for row in ROWS)


def test_order_does_not_change_the_hash(workspace: Workspace) -> None:
    one, other = (datasets.create(workspace, "Questions", rows) for rows in (ROWS, ROWS[::-1]))

    assert datasets.snapshot(workspace, one.id).sha256 == datasets.snapshot(workspace, other.id).sha256


def test_two_datasets_may_have_one_name(workspace: Workspace) -> None:
    made = [datasets.create(workspace, "Questions", ROWS) for _ in range(2)]

    assert {one.id for one in datasets.all(workspace)} == {one.id for one in made}


def test_pasted_lines_become_questions() -> None:
    rows = datasets.pasted("One?\n\n  Two? \n", topic="x", language="en")

    assert [(row.question, row.topic, row.language) for row in rows] == [("One?", "x", "en"), ("Two?", "x", "en")]


def test_the_same_question_counts_once(workspace: Workspace) -> None:
    assert datasets.create(workspace, "Questions", [ROWS[0], ROWS[0]]).rows == 1


def test_an_emptied_dataset_says_the_next_step(workspace: Workspace) -> None:
    made = workspace.client.create_dataset(name="Empty", experiment_id=[workspace.app.experiment_id])

    with pytest.raises(NotReadyError) as caught:
        datasets.snapshot(workspace, made.dataset_id)

    assert "Datasets screen" in str(caught.value.remedy)


@pytest.mark.parametrize(("name", "rows"), [("", ROWS), ("Questions", []), ("Questions", [Row("", "x" * 20_001)])])
def test_what_cannot_be_saved_is_refused(workspace: Workspace, name: str, rows: list[Row]) -> None:
    with pytest.raises(InvalidInputError):
        datasets.create(workspace, name, rows)


def test_another_apps_dataset_is_not_found(workspace: Workspace) -> None:
    foreign = workspace.client.create_dataset(name="Foreign", experiment_id=["0"])

    for id in (foreign.dataset_id, "d-unknown"):
        with pytest.raises(NotFoundError):
            datasets.rows(workspace, id)


def test_a_viewer_may_not_save(workspace: Workspace) -> None:
    viewer = Workspace(workspace.platform, Actor("vera", frozenset({Role.VIEWER})), workspace.app)

    with pytest.raises(ForbiddenError):
        datasets.create(viewer, "Questions", ROWS)


def test_questions_of_another_shape_are_listed_once_and_kept(workspace: Workspace) -> None:
    made = workspace.client.create_dataset(name="Foreign", experiment_id=[workspace.app.experiment_id])
    made.merge_records(
        [
            {"inputs": {"question": "One?"}, "expectations": {"expected_response": "1"}},
            {"inputs": datasets.inputs("One?")},
            {"inputs": {"question": "Two?"}},
        ]
    )

    saved = datasets.save_rows(workspace, made.dataset_id, datasets.rows(workspace, made.dataset_id))

    assert saved.rows == 3
    assert sorted(row.question for row in datasets.rows(workspace, made.dataset_id)) == ["One?", "Two?"]


def test_a_question_typed_again_does_not_blank_the_old_row(workspace: Workspace) -> None:
    made = datasets.create(workspace, "Questions", ROWS)
    there = datasets.rows(workspace, made.id)

    with pytest.raises(InvalidInputError, match="Where is my parcel"):
        datasets.save_rows(workspace, made.id, [*there, Row("new-1", "Where is my parcel?")])
    datasets.save_rows(workspace, made.id, [*there, replace(there[0], id="new-1")])

    assert datasets.rows(workspace, made.id) == there


def test_what_somebody_adds_meanwhile_stays(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    made = datasets.create(workspace, "Questions", ROWS)
    keep, others = versions.keep, [[Row("", "Theirs?")]]

    def slow(*given: Any) -> DatasetVersion:
        if others:
            datasets.add_rows(workspace, made.id, others.pop())
        return keep(*given)

    monkeypatch.setattr(versions, "keep", slow)
    assert datasets.add_rows(workspace, made.id, [ROWS[0], Row("", "Mine?")]) == 1

    asked = [row.question for row in datasets.rows(workspace, made.id)]
    assert asked[:3] == [row.question for row in ROWS] and sorted(asked[3:]) == ["Mine?", "Theirs?"]
    assert datasets.history(workspace, made.id)[0].rows == 5


def test_an_edit_of_what_changed_since_is_refused(workspace: Workspace) -> None:
    made = datasets.create(workspace, "Questions", ROWS)
    datasets.save_rows(workspace, made.id, ROWS[:2], seen=made.updated_at)

    with pytest.raises(ConflictError):
        datasets.save_rows(workspace, made.id, ROWS[1:], seen=made.updated_at)

    assert [row.question for row in datasets.rows(workspace, made.id)] == [row.question for row in ROWS[:2]]


def test_a_list_kept_as_a_file_loses_nobodys_change(workspace: Workspace) -> None:
    def asked(*questions: str) -> list[dict[str, Any]]:
        return [{"inputs": {"question": one}} for one in questions]

    made = filed.create(workspace, "support_questions")
    with pytest.raises(ConflictError, match="already"):
        filed.create(workspace, "support_questions")
    made.merge_records(asked("One?", "Two?"))
    mine, other = filed.get(workspace, made.dataset_id), filed.get(workspace, made.dataset_id)
    assert mine and other
    other.merge_records(asked("Three?"))
    mine.delete_records([mine.records[0].dataset_record_id])
    left = [one.inputs["question"] for one in filed.all(workspace)[0].records]
    assert left == ["Two?", "Three?"]
