"""Each production scorer says what it judged, how soon it would notice a drop, or why it is silent."""

import math

import pytest
from scipy.stats import binom

from services import monitoring, readmodel, scorers
from services.monitoring import MonitoredScorer
from services.scorers import ScorerSpec
from services.verdicts import sizes
from tests.left_traces import leave
from tests.services.test_monitoring import run


def watch(workspace, rate=1.0):
    spec = scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 20}))
    monitoring.save_scorers(workspace, [MonitoredScorer(spec.name, spec.version, rate, True)])


def seen(workspace):
    readmodel.catch_up(workspace, 60)
    return monitoring.watches(workspace, monitoring.production_scorers(workspace))["short"]


def test_a_scorer_tells_how_much_it_judges_and_how_soon_it_would_notice(workspace):
    watch(workspace)
    assert "nothing to judge" in str(seen(workspace).told.id)
    for number in range(4):
        leave(workspace, f"Question {number}?", hours_ago=1)
    leave(workspace, "a probe", origin="probe")
    leave(workspace, "failed", error=True, hours_ago=1)
    run(workspace)
    found = seen(workspace)
    assert (found.judged, found.live, found.silent) == (4, 4, None)
    assert found.per_day == 4
    assert found.days == sizes.for_drop(5 / 6, 0.05) / 4
    assert "within two months" in found.told.id

    watch(workspace, 0.5)
    assert seen(workspace).per_day == 2


def test_a_paused_scorer_that_judged_lately_says_so(workspace):
    watch(workspace)
    leave(workspace, "Anybody?", hours_ago=1)
    run(workspace)
    monitoring.save_scorers(workspace, [MonitoredScorer("short", 1, 1.0, False)])
    assert "Paused" in seen(workspace).told.id


def test_a_scorer_that_never_judged_production_says_nothing(workspace):
    watch(workspace)
    monitoring.save_scorers(workspace, [MonitoredScorer("short", 1, 1.0, False)])
    leave(workspace, "Anybody?")
    readmodel.catch_up(workspace, 60)
    assert monitoring.watches(workspace, monitoring.production_scorers(workspace)) == {}


def test_silence_names_the_share_when_it_may_be_chance(workspace):
    watch(workspace, 0.01)
    leave(workspace, "Anybody?")
    told = seen(workspace).told
    assert "Raise the share" in told.id
    assert ("share", 1) in told.values


@pytest.mark.parametrize("level", [0.95, 0.9, 0.7])
def test_a_drop_is_noticed_about_eight_times_out_of_ten(level):
    """Against the exact binomial: the test that rejects below its 5 % limit finds the fallen share as often as stated."""
    rows = sizes.for_drop(level, 0.05)
    limit = binom.ppf(0.05, rows, level) - 1
    assert math.isclose(binom.cdf(limit, rows, level - 0.05), 0.8, abs_tol=0.06)


def test_no_number_of_answers_shows_what_cannot_happen():
    assert sizes.for_drop(0.04, 0.05) is None
