"""The check-up: doubles in whatever writing, rows needed as published, gaps in plain words; edits; parts; versions."""

import random
import time
from dataclasses import replace

import pytest

from services import datasets, scorers
from services.datasets import Row, checkup, difference, editing, splitting
from services.datasets.checkup import Weight
from services.datasets.editing import Edits
from services.datasets.row import with_id
from services.errors import InvalidInputError, NotFoundError
from services.scorers import ScorerSpec


def rows_of(*questions: str, **changes: object) -> list[Row]:
    return [with_id(Row("", question, **changes)) for question in questions]


def said(rows, specs=()):
    return [str(hint.message) for hint in checkup.hints(rows, specs)]


def test_doubles_are_found_in_every_writing():
    rows = rows_of(
        "Where is my parcel?", "ｗｈｅｒｅ　is my PARCEL？", "Where is my parcel now?", "Can I pay by card?", "返品の方法を教えてください。",
        "返品の方法を教えて下さい。", "返品できない商品はありますか。", "", "  ",
    )  # fmt: skip

    found = {(one.row.question, one.kept.question): one.exact for one in checkup.doubles(rows)}

    assert found[("ｗｈｅｒｅ　is my PARCEL？", "Where is my parcel?")] is True
    assert found[("Where is my parcel now?", "Where is my parcel?")] is False
    assert found[("返品の方法を教えて下さい。", "返品の方法を教えてください。")] is False
    assert not [pair for pair in found if "できない" in pair[0] or "card" in pair[0] or not pair[0].strip()]


def test_near_doubles_are_found_among_many():
    draw = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = ["".join(draw.choices(letters, k=80)) for _place in range(1000)]
    changed = [f"{text[:40]}{letters[place % 26]}{text[41:]}" for place, text in enumerate(texts[:200])]

    found = checkup.doubles(rows_of(*texts, *changed))

    assert len(found) >= 198 and all(one.share >= 0.8 for one in found)


def test_the_rows_needed_follow_the_published_formula():
    # Connor (1987) by hand: psi = 0.26, delta = 0.1, (1.96 * sqrt(0.26) + 0.8416 * sqrt(0.25)) ** 2 / 0.01 = 201.7
    assert checkup.rows_needed(0.8, 0.9) == 202
    assert checkup.rows_needed(0.5, 0.8) < checkup.rows_needed(0.5, 0.6)
    assert checkup.smallest_gain(202) == 0.1 and checkup.smallest_gain(5) is None


def test_gaps_are_said_in_plain_words():
    few = rows_of("One?", "Two?")
    assert said(few)[:2] == [
        "2 rows: too few to tell 0.8 from 0.9 apart; about 202 are needed.",
        "No question is marked as critical.",
    ]
    many = rows_of(*(f"Question {n}?" for n in range(210)), critical=True, topic="a", language="en")
    assert said(many) == ["210 rows: enough to tell 0.8 from 0.9 apart."]
    mixed = [*many, *rows_of("Other?", topic="b", language="ja"), *rows_of("None?", split="test")]
    assert said(mixed)[1:] == [
        "Topics with fewer than 10 questions: b.",
        "1 question has no topic.",
        "Languages with fewer than 10 questions: 日本語.",
        "211 questions belong to no part, others do.",
    ]
    scattered = [*many, *(row for n in range(10) for row in rows_of(f"Rare {n}?", topic=f"rare {n}"))]
    assert "rare 6, rare 7 and 2 more." in said(scattered)[1], "who reads it learns that there are more"


def test_a_scorer_that_compares_names_the_rows_that_lack_it():
    spec = ScorerSpec("same", "similarity", {})
    assert scorers.needs(spec).expected

    rows = [*rows_of("One?", expected="1"), *rows_of("Two?")]

    assert "1 question lacks what the scorer same compares with." in said(rows, [spec])
    assert [one.weight for one in checkup.hints(rows, [spec])][-1] is Weight.GAP


def test_parts_have_the_same_share_of_every_topic_each_time():
    rows = [with_id(Row("", f"{topic} {n}?", topic=topic)) for topic in "ab" for n in range(10)]

    first, again, other = (splitting.split(rows, 0.2, "test", "train", seed=seed) for seed in (1, 1, 2))

    assert first == again != other and splitting.sizes(first) == {"test": 4, "train": 16}
    assert sorted(row.topic for row in first if row.split == "test") == ["a", "a", "b", "b"]
    with pytest.raises(InvalidInputError):
        splitting.split(rows, 0.2, "test", "test ")


def test_many_small_topics_give_the_share_together():
    rows = [with_id(Row("", f"Question {n}?", topic=f"topic {n}")) for n in range(100)]
    uneven = [*rows[:9], *(with_id(Row("", f"Other {n}?", topic="other")) for n in range(15))]

    first, other = (splitting.split(rows, 0.2, "test", "train", seed=seed) for seed in (1, 2))

    assert splitting.sizes(first) == splitting.sizes(other) == {"test": 20, "train": 80} and first != other
    divided = splitting.split(uneven, 0.2, "test", "train")
    assert splitting.sizes(divided)["test"] == 5
    assert sum(row.split == "test" for row in divided if row.topic == "other") == 3


def test_edits_keep_what_somebody_else_changed_beside_them():
    seen = rows_of("One?", "Two?", "Three?")
    grid = {"edited_rows": {0: {"expected": "mine"}}, "added_rows": [{"question": "New?"}], "deleted_rows": [1]}
    edits = editing.fold(Edits(), seen, grid)
    edits = editing.fold(
        edits, [edits.added[0]], grid | {"edited_rows": {0: {"topic": "t"}}, "added_rows": [], "deleted_rows": []}
    )
    now = [replace(seen[0], topic="theirs"), seen[2], *rows_of("Theirs?")]

    saved = editing.apply(now, edits)

    assert [(row.question, row.expected, row.topic) for row in saved] == [
        ("One?", "mine", "theirs"), ("Three?", "", ""), ("Theirs?", "", ""), ("New?", "", "t"),
    ]  # fmt: skip
    assert [clash.before.question for clash in editing.clashes(now, edits)] == ["One?"]
    assert edits.n == 3 and editing.apply(now[1:], edits)[2].question == "One?"


def test_a_difference_names_cells_and_rewordings():
    before = [*rows_of("Where is my parcel?", expected="Soon."), *rows_of("Gone?", "Same?")]
    after = [*rows_of("Where is my parcel now?", expected="Later."), *rows_of("Same?", "Entirely new one")]

    found = difference.between(before, after)

    assert [row.question for row in found.added] == ["Entirely new one"]
    assert [row.question for row in found.removed] == ["Gone?"] and found.same == 1
    assert [(cell.field, cell.before, cell.after) for cell in found.changed[0].cells] == [
        ("question", "Where is my parcel?", "Where is my parcel now?"),
        ("expected", "Soon.", "Later."),
    ]


def test_many_long_questions_are_compared_at_once():
    draw = random.Random(5)
    words = ["parcel", "return", "lamp", "where", "invoice", "cancel", "please", "order", "refund", "card", "delay"]
    before = rows_of(*(" ".join(draw.choices(words, k=80)) for _place in range(200)))
    after = rows_of(
        *(f"{row.question} today" for row in before[2::-1]),
        *(" ".join(draw.choices(words, k=80)) for _row in before[3:]),
    )
    started = time.perf_counter()

    found = difference.between(before, after)

    assert [one.row.question for one in found.changed] == [f"{row.question} today" for row in before[:3]]
    assert time.perf_counter() - started < 30


def test_every_content_saved_or_used_is_a_version(workspace):
    made = datasets.create(workspace, "Questions", rows_of("One?"))
    datasets.create(workspace, "Questions", rows_of("Another dataset of this name?"))
    datasets.save_rows(workspace, made.id, rows_of("One?", "Two?\u2028in two lines"))
    datasets.save_rows(workspace, made.id, datasets.rows(workspace, made.id))
    workspace.client.get_dataset(made.id).merge_records([{"inputs": {"question": "By a notebook?"}}])
    datasets.snapshot(workspace, made.id)
    datasets.snapshot(workspace, made.id)

    found = datasets.history(workspace, made.id)

    assert [(one.number, one.rows, one.outside, one.current) for one in found] == [
        (3, 3, True, True), (2, 2, False, False), (1, 1, False, False),
    ]  # fmt: skip
    assert found[1].actor == "ada"
    assert [row.question for row in datasets.rows_of(workspace, found[2].sha256)] == ["One?"]
    datasets.restore(workspace, made.id, found[1].sha256)
    assert [row.question for row in datasets.rows(workspace, made.id)] == ["One?", "Two?\u2028in two lines"]
    with pytest.raises(NotFoundError):
        datasets.rows_of(workspace, "0" * 64)
