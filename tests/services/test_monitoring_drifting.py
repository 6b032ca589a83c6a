"""What people ask and are answered, beside the time before."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services import monitoring, readmodel
from services.monitoring import Asked, drifting
from services.readmodel import Stretch
from services.readmodel.facts import SLOT_MS
from tests.known_traces import asked, keep
from tests.left_traces import leave

SUBJECTS = ("refund", "parcel", "orders", "emails", "prices", "status")


def said(chance, n, subjects=SUBJECTS, longer=0):
    """As many questions about anything of the shop, with answers of any length."""
    return [
        (f"Where do I find {chance.choice(subjects)}?", "Please look at your account. " * chance.randint(1, 9 + longer))
        for _ in range(n)
    ]


def test_the_same_people_are_seldom_said_to_have_changed():
    chance = random.Random(3)
    alarms = 0
    for _ in range(60):
        found = drifting.compare(said(chance, 200), said(chance, 200))
        alarms += bool(found.words or any(one.changed for one in found.features))
    # Two families of comparisons at 5 %: six of sixty are expected at most, twelve have a chance below one in a hundred.
    assert alarms < 12


def test_a_new_subject_and_longer_answers_are_found():
    chance = random.Random(4)
    found = drifting.compare(said(chance, 300), said(chance, 300, (*SUBJECTS, "recall", "recall", "recall"), longer=9))
    assert [one.name for one in found.features if one.changed] == ["Characters of an answer"]
    assert found.words[0].text == "recall" and found.words[0].before == 0 and found.words[0].now > 0.2


def test_another_language_is_found_in_questions_and_told_of_the_answers():
    chance = random.Random(5)
    before = said(chance, 100)
    now = [*said(chance, 50), *[("返金の手続きを教えてください", "Please look at your account.")] * 50]
    found = drifting.compare(before, now)
    changed = {one.name: (one.before, one.now) for one in found.features if one.changed and len(one.now) == 1}
    assert changed == {
        "Questions in Japanese": ((0.0,), (0.5,)),
        "Only one of question and answer in Japanese": ((0.0,), (0.5,)),
    }
    assert "返金" in {word.text[:2] for word in found.words}


def test_few_questions_say_how_little_they_could_show():
    same = [("Where is it?", "Here.")]
    assert drifting.compare(same * 30, same * 30).noticed > 0.4
    assert drifting.compare(same * 1000, same * 1000).noticed < 0.09


def test_a_change_too_small_to_matter_is_left_alone():
    before = [("Where is it?", "Here.")] * 1000
    now = [*before[:970], *[("Where is number 7?", "Here.")] * 30]
    assert not any(one.changed for one in drifting.compare(before, now).features)


@pytest.mark.parametrize("hostile", ["", "\0" * 50, "\ud800", "<b>" * 9000, "🇯🇵" * 40])
def test_any_text_is_compared(hostile):
    assert drifting.compare([(hostile, hostile)] * 30, [("a", "b")] * 30).enough


def test_live_answers_of_both_times_are_sampled_evenly_in_time(workspace):
    for hours in (1.6, 1.4, 0.9, 0.8, 0.6, 0.4):
        linked = '[{"name": "greeting", "version": "2"}]' if hours == 0.8 else "[]"
        leave(workspace, f"{hours}", hours_ago=hours, prompt=linked)
    leave(workspace, "a probe", hours_ago=0.3, origin="probe")
    leave(workspace, "failed", hours_ago=0.3, error=True)
    readmodel.catch_up(workspace, 60)
    now = datetime.now(UTC)
    stretch = Stretch(now - timedelta(hours=2), now, "live")
    assert [question for question, _ in readmodel.sample(workspace, stretch, 4)] == ["1.6", "1.4", "0.9", "0.4"]
    assert len(readmodel.sample(workspace, stretch, 1000)) == 6
    assert readmodel.sample(workspace, replace(stretch, model_id="m-2"), 9) == []
    assert len(readmodel.sample(workspace, replace(stretch, prompt="greeting/2"), 9)) == 1
    found = monitoring.drift(workspace, monitoring.overview(workspace, Asked(1)))
    assert found.now >= 4 and found.before == 6 - found.now and not found.enough


def test_a_long_conversation_is_one_voice_of_the_sample(workspace):
    now = datetime.now(UTC)
    end = int(now.timestamp() * 1000) // SLOT_MS * SLOT_MS
    talk = asked(end - SLOT_MS, 40, session="s-1", question="Again?")
    keep(workspace, [*talk, *asked(end - 2 * SLOT_MS, 5, question="Once?")], end)
    stretch = Stretch(now - timedelta(hours=2), now, "live")
    said = [question for question, _answer in readmodel.sample(workspace, stretch, 10_000_000)]
    assert (said.count("Again?"), said.count("Once?")) == (1, 5)
