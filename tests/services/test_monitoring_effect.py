"""Production before a release and after it."""

from datetime import UTC, datetime, timedelta

import pytest

from services import monitoring, readmodel
from services.monitoring import Score
from services.readmodel import Scored
from tests.left_traces import leave


@pytest.fixture
def moved():
    """A release in the middle of a quarter hour, ten hours ago."""
    now = datetime.now(UTC)
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0) - timedelta(hours=10, minutes=-5)


def test_the_same_time_on_both_sides_is_compared(workspace, moved):
    hours = (datetime.now(UTC) - moved).total_seconds() / 3600
    for away in (-12, -11, -1, 1):  # minutes from the move: two quarters before, one of its own, one before that
        leave(workspace, "near", hours_ago=hours - away / 60)
    for after in (1, 2, 9):
        leave(workspace, "after", hours_ago=hours - after, error=after == 2)
    leave(workspace, "a probe", hours_ago=hours - 3, origin="probe")
    leave(workspace, "long before", hours_ago=hours + 11)
    readmodel.catch_up(workspace, 60)
    found = monitoring.effect(workspace, moved)
    assert (found.before.count, found.after.count, found.after.errors) == (2, 3, 1)
    assert found.moved - found.since == found.length == found.until - found.resumed
    assert found.moved <= moved <= found.resumed

    early = monitoring.effect(workspace, moved, moved + timedelta(hours=2))
    assert (early.before.count, early.after.count) == (2, 1)


def test_the_first_quarter_hour_is_too_early(workspace):
    assert monitoring.effect(workspace, datetime.now(UTC) - timedelta(minutes=10)) is None


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [((90, 100), (60, 100), "Worse"), ((60, 100), (90, 100), "Better"), ((9, 10), (7, 10), "Cannot tell yet")],
)
def test_a_difference_has_the_word_that_it_deserves(before, after, word):
    then, now = (Scored("production", "short", judged, passed, 0, 0.0) for passed, judged in (before, after))
    assert monitoring.told(Score(now, then)).id == word


def test_what_was_not_judged_before_is_not_compared():
    assert monitoring.told(Score(Scored("production", "short", 10, 9, 0, 0.0), None)).id == "Not judged before"
